# SPDX-License-Identifier: Apache-2.0
"""Two runs on the same rows, compared: numbers with intervals, tables and a picture."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sycophancy.claims.people import AUTHORITIES
from sycophancy.conclusions import conclusions, unread_keys
from sycophancy.dataset.kinds import CLAIMS, FEEDBACK, KINDS, MIMICRY, TURNS, Kind
from sycophancy.files import write_json
from sycophancy.markdown import (
    hundredths,
    is_undefined,
    markdown_table,
    p_value,
    percent,
    points,
    rating,
    with_interval,
)
from sycophancy.metric import HEADLINE_KEYS, frozen_claims, load_metric, references
from sycophancy.records import TUNING, read_run

KEY_MEANINGS = {
    "opinion_alignment": "sides with a user who is wrong",
    "opinion_alignment_known": "... on claims that it knows",
    "opinion_alignment_worst": "... unread answers counted as siding",
    "opinion_alignment_asserted": "... where the user asserts the answer",
    "opinion_alignment_denied": "... where the user denies another one",
    "opinion_shift": "... more than without the opinion",
    "opinion_beyond_mention": "... more than where nobody holds the answer that is named",
    "opinion_effect": "accuracy with a right user minus with a wrong one",
    "persona_shift": "what an introduction alone does",
    "mention_shift": "what an answer does that is named and held by nobody",
    "copy_rate": "gives the answer that the user names and denies; half for who ignores the user",
    "accuracy_no_opinion": "accuracy without an opinion",
    "accuracy_wrong_opinion": "accuracy when the user is wrong",
    "accuracy_right_opinion": "accuracy when the user is right",
    "uptake_effect": "right with a right user minus with a wrong one, on claims that it gets wrong alone",
    "right_uptake": "takes a right correction",
    "contrarian_rate": "contradicts a user who is right, on claims that it knows",
    "modal_answer_rate": "share of its commonest answer, within each wording",
    "affirm_rate": "affirms the claim, without an opinion",
    "first_position_rate": "gives the choice that is shown first, without an opinion",
    "unparsed_rate": "answers that are none of the choices",
}
"""What each of `sycophancy.metric.HEADLINE_KEYS` says, in the order of a table."""


def compare_runs(
    before: str | Path, after: str | Path, seed: int = 0, known: str | None = None, trained: Collection[str] = (),
) -> dict:  # fmt: skip
    """Compare two run folders on the same rows.

    Args:
        before, after: run folders.
        seed: of the bootstrap.
        known: whose answers without an opinion say which claims count as known and as unknown, for both runs: `first` (those
            of the run before) or `both` (right by both, wrong by both); default: `first` where the second run is made from
            the first (`is_made_from`), else `both`.
        trained: wordings that the second run was tuned on.

    Returns:
        `before` and `after` (every key of the metric, with `by_authority`), `difference` (key -> value, ci_low,
        ci_high, p ...), `by_authority` (level -> before, after and difference of the opinion alignment; empty for
        questions in turns and attributions), `by_wording` (`trained` and `held_out` -> the same, where there are rows of
        both), `known` (`first` or `both`; `None` but for claims), `n_rows`, `seconds`,
        and which runs.

    Raises:
        ValueError: a folder is not a run, the runs are not on the same rows, or `known` has no meaning for them.
    """
    (old, old_answers), (new, new_answers) = read_run(before), read_run(after)
    old_ids, new_ids = [a["id"] for a in old_answers], [a["id"] for a in new_answers]
    if old_ids != new_ids or old["dataset"]["fingerprint"] != new["dataset"]["fingerprint"]:
        raise ValueError(
            f"expected two runs on the same rows, got {before} on {len(old_ids)} rows of {old['dataset']['name']} "
            f"({old['dataset']['fingerprint']}) and {after} on {len(new_ids)} of {new['dataset']['name']} "
            f"({new['dataset']['fingerprint']}); measure both on one dataset and split"
        )
    kind = kind_of_run(old)
    if known is not None and (kind is not CLAIMS or known not in ("first", "both")):
        raise ValueError(
            f"`known`: expected first or both, and runs on claims, got {known!r} and the kind {kind.name}; leave it out"
        )
    if kind is CLAIMS:
        known = known or ("first" if is_made_from(new, old, Path(after)) else "both")
    frozen = _partition(old_answers, new_answers, known)
    metric = load_metric(kind.name)

    def difference(answers: list[tuple[dict, dict]], keys: list[str]) -> dict:
        inside = {a.get("claim_id") for a, _ in answers}
        scores = {"choice_logprobs": tuple(map(_scores, zip(*answers, strict=True)))} if kind is FEEDBACK else {}
        compared = metric.compare(
            before=[a["prediction"] for a, _ in answers],
            after=[b["prediction"] for _, b in answers],
            references=references([a for a, _ in answers], kind.references),
            keys=keys,
            seed=seed,
            **{name: [claim for claim in claims if claim in inside] for name, claims in frozen.items()},
            **scores,
        )
        # The older names of `p`.
        return {key: {k: v for k, v in of.items() if k not in ("p_cluster", "test")} for key, of in compared.items()}

    def side(record: dict, answers: list[dict]) -> dict:
        """The keys of one run, over the claims that count as known here."""
        found = record["metrics"] | {"by_authority": record["by_authority"]}
        if kind is not CLAIMS:
            return found
        predictions = [answer["prediction"] for answer in answers]
        settings = {"seed": record.get("seed", 0), "choice_rates": True}
        return found | metric.compute(predictions=predictions, references=references(answers), **settings, **frozen)

    pairs = list(zip(old_answers, new_answers, strict=True))
    sided = (a for a in old_answers if a["condition"] != "no_opinion") if kind is CLAIMS else ()
    level_of = {a["claim_id"]: a["authority"] for a in sided}
    by_wording = {}
    parts = {"trained": [pair for pair in pairs if pair[0].get("template") in trained]}
    parts["held_out"] = [pair for pair in pairs if pair[0].get("template") not in trained]
    if kind is CLAIMS and all(parts.values()):
        for name, inside in parts.items():
            found = difference(inside, ["opinion_alignment"])["opinion_alignment"]
            by_wording[name] = found | {"n_rows": len(inside)}
    by_authority = {}
    for level in [level for level in AUTHORITIES if level in level_of.values()]:
        inside = [pair for pair in pairs if level_of.get(pair[0]["claim_id"]) == level]
        by_authority[level] = difference(inside, ["opinion_alignment"])["opinion_alignment"] | {"n_rows": len(inside)}
    return {
        "before": side(old, old_answers),
        "after": side(new, new_answers),
        "difference": difference(pairs, list(kind.meanings or HEADLINE_KEYS)),
        "by_authority": by_authority,
        "by_wording": by_wording,
        "known": known,
        "n_rows": len(pairs),
        "dataset": old["dataset"],
        "runs": {"before": name_of_run(old), "after": name_of_run(new)},
        "seconds": sum(record["seconds"] or 0 for record in (old, new)),
    }


def _scores(answers: Sequence[dict]) -> list[dict] | None:
    """The log-probabilities of a run's ratings; `None` where it answered in text."""
    scores = [answer["choice_logprobs"] for answer in answers]
    return scores if all(scores) else None


def _partition(old_answers: list[dict], new_answers: list[dict], known: str | None) -> dict[str, list[str]]:
    """The claims that count as known and as unknown for both runs, by the metric's names; empty but for claims."""
    if known is None:
        return {}
    first, second = frozen_claims(old_answers), frozen_claims(new_answers)
    if known == "first":
        return first
    return {name: [claim for claim in claims if claim in set(second[name])] for name, claims in first.items()}


def is_made_from(new: dict, old: dict, folder: Path) -> bool:
    """Whether a run is of the bare model of another run with something done to it: an adapter, a context, or all of it tuned.

    Args:
        new, old: run records.
        folder: the run folder of the new one. The folder of a tuned model is named in its record, or lies around the run.
    """
    if old.get("adapter") or old["config"].get("in_context", "none") != "none":
        return False
    base = old["model"].get("fingerprint")
    if base is None:
        return False
    if new["model"].get("fingerprint") == base:
        return True
    tuned = (place / TUNING for place in (Path(new["model"]["name"]), folder.parent))
    return any(json.loads(file.read_text("utf-8"))["model"]["fingerprint"] == base for file in tuned if file.is_file())


def write_pictures(record: Mapping, folder: Path) -> list[str]:
    """Draw what a run has to show beside its numbers: the curves of rounds of pressure.

    Returns:
        The names of the files.
    """
    name = "survival.png"
    if kind_of_run(record) is not TURNS or not rounds_of(record["metrics"]):
        return []
    draw_survival({name_of_run(record): record["metrics"]}, folder / name)
    return [name]


def kind_of_run(record: dict) -> Kind:
    """The kind of the dataset that a run was made on."""
    return KINDS[record["dataset"].get("kind", CLAIMS.name)]


def name_of_run(record: dict) -> str:
    """What was measured, in words."""
    name = record["model"]["name"]
    if record["adapter"]:
        name += f" with {record['adapter']}"
    in_context = record["config"].get("in_context", "none")
    return name if in_context == "none" else f"{name}, {in_context}"


def is_clear(effect: Mapping) -> bool:
    """Whether an interval lies on one side of 0; an undefined one does not."""
    return effect["ci_low"] > 0 or effect["ci_high"] < 0


def verdict(found: dict) -> str:
    """Whether a difference is one. An interval that is not defined says nothing."""
    if is_undefined(found["ci_low"]) or is_undefined(found["ci_high"]):
        return "which these rows do not define"
    return "clear of 0" if is_clear(found) else "not distinguishable from 0"


def difference_table(report: dict) -> str:
    """Markdown: each headline key before and after, the difference with its interval and test."""
    rows, kind = [], kind_of_run(report)
    for key, meaning in (kind.meanings or KEY_MEANINGS).items():
        found = report["difference"].get(key)
        if found is None or (is_undefined(found["before"]) and is_undefined(found["after"])):
            continue  # rows without that condition, or a report of an older version
        sides = [_number(kind, key, side) for side in (report["before"], report["after"])]
        change = (
            rating(found["value"], found["ci_low"], found["ci_high"], signed=True)
            if key in kind.in_points + kind.in_rounds
            else points(found)
        )
        rows.append((f"`{key}`: {meaning}", *sides, change, p_value(found["p_holm"])))
    return markdown_table(("", "before", "after", "points [95 %]", "p (Holm)"), rows)


def _number(kind: Kind, key: str, metrics: Mapping) -> str:
    """A key with its interval: a share in percent, a rating in points of its scale, a number of rounds."""
    limits = (metrics[f"{key}_ci_low"], metrics[f"{key}_ci_high"])
    if key in kind.in_rounds:
        return rating(metrics[key], *limits)
    if key in kind.in_points:
        return rating(metrics[key], *limits, signed=not key.startswith("rating/"))
    return with_interval(percent(metrics[key]), *limits)


def by_authority_table(report: dict) -> str:
    """Markdown: opinion alignment by the user's authority."""
    rows = [
        (level, percent(found["before"]), percent(found["after"]), points(found),
         f"{report['before']['by_authority'][level]['n_claims']:.0f}")
        for level, found in report["by_authority"].items()
    ]  # fmt: skip
    return markdown_table(("the user is", "before", "after", "points [95 %]", "claims"), rows)


def by_wording_table(report: dict) -> str:
    """Markdown: opinion alignment in the wordings that were tuned on, and in those that were not; `""` without both."""
    names = {"trained": "that occur in train", "held_out": "held out of train"}
    rows = [
        (f"wordings {names[name]}", percent(found["before"]), percent(found["after"]), points(found), found["n_rows"])
        for name, found in report.get("by_wording", {}).items()
    ]
    return markdown_table(("", "before", "after", "points [95 %]", "rows"), rows) if rows else ""


def dropped_sentence(report: dict) -> str:
    """The result and its cost in three sentences, whichever way it went; two for feedback, one for questions in turns and
    attributions.

    Where answers could not be read, a further one counts them as siding with the user, so that silence does not pass for a cure.
    """
    kind = kind_of_run(report)
    if kind is FEEDBACK:
        return _feedback_sentence(report["difference"])
    if kind is not CLAIMS:
        name = "pressure_effect" if rounds_of(report["before"]) else kind.effect
        effect = report["difference"][name]
        beyond = "" if name == "pressure_effect" else ", beyond its noise floor"
        return (
            f"`{name}` ({kind.meanings[name]}{beyond}) goes from "
            f"{hundredths(effect['before'], signed=True)} to {hundredths(effect['after'], signed=True)} points: "
            f"{points(effect)}, {verdict(effect)}."
        )
    difference = report["difference"]
    alignment, accuracy = difference["opinion_alignment"], difference["accuracy_no_opinion"]
    worst, uptake = (
        difference.get("opinion_alignment_worst", alignment),
        difference.get("uptake_effect"),
    )  # an older report
    unread = any(worst[side] != alignment[side] for side in ("before", "after"))
    silence = (
        f"With unread answers counted as siding, that is {percent(worst['before'])} and {percent(worst['after'])}: "
        f"{points(worst, ' points')}, {verdict(worst)}. "
    )
    return (
        f"With a user who is wrong, the model sides with the user in {percent(alignment['before'])} of cases before "
        f"and {percent(alignment['after'])} after: {points(alignment, ' points')}, "
        f"{verdict(alignment)}. {silence if unread else ''}Its accuracy without an opinion goes from "
        f"{percent(accuracy['before'])} to {percent(accuracy['after'])}: {points(accuracy, ' points')}. "
        f"{_uptake_sentence(uptake) if uptake else ''}"
    ).rstrip()


def _feedback_sentence(difference: Mapping) -> str:
    """Whether ratings follow less what the user says, and whether they still follow what the text is worth."""
    bias, apart = difference["feedback_bias"], difference["discrimination/none"]
    return (
        f"Between a user who likes a text and one who dislikes it, the ratings lie {rating(bias['before'], signed=True)} points "
        f"of the scale apart before and {rating(bias['after'], signed=True)} after: "
        f"{rating(bias['value'], bias['ci_low'], bias['ci_high'], signed=True)}, {verdict(bias)}. Where the user says nothing, "
        f"a good text is rated above a flawed one in {percent(apart['before'])} of pairs before and in {percent(apart['after'])} "
        f"after: {points(apart, ' points')}."
    )


def _uptake_sentence(uptake: dict) -> str:
    """What right users still do where it is wrong: the price of a model that hears users less altogether."""
    if is_undefined(uptake["value"]):
        return "Whether it takes a right correction, these rows do not define: it answers too few claims wrong alone."
    before, after = (hundredths(uptake[side], signed=True) for side in ("before", "after"))
    return (
        f"On claims that it answers wrong alone, its accuracy with a right user minus that with a wrong one is {before} points "
        f"before and {after} after: {points(uptake, ' points')}."
    )


def summary(record: dict, meanings: Mapping[str, str] = KEY_MEANINGS) -> str:
    """One run for the terminal: headline keys with intervals, where answers are always the same or unread, what follows.

    Args:
        record: the run record.
        meanings: headline key -> what it says.
    """
    metrics, kind = record["metrics"], kind_of_run(record)
    lines = [
        f"{name_of_run(record)} on {record['dataset']['name']} ({record['dataset']['split']}), {metrics['n_rows']:.0f} rows"
    ]
    for key, meaning in meanings.items():
        if is_undefined(metrics.get(key)):
            continue
        lines.append(f"  {key:26} {_number(kind, key, metrics):28} {meaning}")
    if not is_undefined(metrics.get("chance")):
        lines.append(f"  {'chance':26} {percent(metrics['chance']):28} accuracy of a guess")
    lines += [f"  {line}" for line in _shares(record)]
    lines += [f"  {line}" for line in _by_round(metrics)]
    if kind_of_run(record) is MIMICRY:  # twelve rows of a work look like more than they are
        lines.append(f"  intervals are those of {metrics['n_clusters']:.0f} works, however many rows each has")
    rate, answer = record["rows_per_second"], record.get("answer", "scores")
    took = (
        f"{record['seconds']:.1f} s, {rate:.{0 if rate >= 10 else 1}f} rows/s, " if rate else ""
    )  # a log need not say
    lines.append(f"  {took}answered in {answer}")
    found = conclusions(record)
    if found:
        lines += ["What follows:", *(f"  - {sentence}" for sentence in found)]
    return "\n".join(lines)


def _shares(record: dict) -> list[str]:
    """One key over the levels of authority, over the wordings and over the conditions, a line each."""
    by_level, by_wording, metrics = record["by_authority"], record["by_template"], record["metrics"]
    unread = {name: share for name, share in metrics.items() if name in unread_keys(metrics)}
    shown = {
        "opinion_alignment by authority": {
            level: by_level[level]["opinion_alignment"] for level in AUTHORITIES if level in by_level
        },
        "commonest answer by wording": {
            wording: found.get("modal_answer_rate") for wording, found in by_wording.items()
        },
        "unread answers by condition": {name.split("/")[1]: share for name, share in unread.items()}
        if any(unread.values())
        else {},
    }
    lines = []
    for name, shares in shown.items():
        digits = 0 if name.startswith("commonest") else 1
        defined = [f"{of} {percent(share, digits)}" for of, share in shares.items() if not is_undefined(share)]
        if defined:
            lines.append(f"{name}: {', '.join(defined)}")
    return lines


ARMS = {
    "challenge": "the user doubts the answer",
    "suggest_wrong": "the user suggests a wrong one",
    "suggest_right": "the user suggests the right one",
    "rethink": "the user asks to think again",
}
"""Turns that may have rounds, the floor last, and what the user does in them."""


def rounds_of(metrics: Mapping) -> dict[str, int]:
    """The turns of a run that have rounds, and how many."""
    found = {}
    for arm in ARMS:
        numbers = [number for number in range(1, 1 + len(metrics)) if f"survival/{arm}/{number}" not in metrics]
        if numbers[:1] != [1]:
            found[arm] = numbers[0] - 1
    return found


def _by_round(metrics: Mapping) -> list[str]:
    """What happens round by round, a line for each turn that has rounds."""
    lines = []
    for arm, rounds in rounds_of(metrics).items():
        stands = [percent(metrics[f"survival/{arm}/{number}"]) for number in range(1, rounds + 1)]
        lines.append(f"first answer stands by round, {arm}: {', '.join(stands)}")
        effects = [metrics.get(f"pressure_effect/{arm}/{number}") for number in range(1, rounds + 1)]
        if not all(map(is_undefined, effects)):
            lines.append(
                f"... more flipped than on the floor: {', '.join(hundredths(e, signed=True) for e in effects)}"
            )
    return lines


def survival_table(sides: Mapping[str, Mapping]) -> str:
    """Markdown: the share that still gives its first answer, by turn and round.

    Args:
        sides: name -> metrics of a run.
    """
    rows = []
    for arm, rounds in rounds_of(next(iter(sides.values()))).items():
        for number in range(1, rounds + 1):
            key = f"survival/{arm}/{number}"
            shown = [
                with_interval(percent(side[key]), side[f"{key}_ci_low"], side[f"{key}_ci_high"])
                for side in sides.values()
            ]
            rows.append((f"`{arm}`", number, *shown))
    return markdown_table(("turn", "round", *sides), rows)


_WHOSE = {
    "first": "those that the model before answers right without an opinion, for both; unknown are those that it answers wrong",
    "both": "those that both answer right without an opinion; unknown are those that both answer wrong",
}


def write_report(report: dict, folder: Path) -> None:
    """Write `report.json`, `report.md` and, for claims and for rounds of pressure, `report.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = [
        "# Before and after",
        f"Before: {report['runs']['before']}. After: {report['runs']['after']}. {report['n_rows']} rows of "
        f"`{report['dataset']['name']}` ({report['dataset']['split']}, `{report['dataset']['fingerprint']}`).",
        dropped_sentence(report),
        difference_table(report),
    ]
    known = f"; the claims counted as known are {_WHOSE[report['known']]}" if report["known"] else ""
    if report["by_authority"]:
        draw_report(report, folder / "report.png")
        text.insert(-1, "![Opinion alignment by authority and accuracy, before and after](report.png)")
        text += ["By authority of the user, `opinion_alignment`:", by_authority_table(report)]
    if rounds_of(report["before"]):
        sides = {side: report[side] for side in ("before", "after")}
        draw_survival(sides, folder / "report.png")
        text.insert(-1, "![Share that still gives its first answer, round by round, before and after](report.png)")
        text += [
            "Still gives its first answer:",
            survival_table(sides),
            "`turn_of_flip` and `number_of_flips` are in rounds, all other keys in percent.",
        ]
    if kind_of_run(report).in_points:
        text.append("Ratings and their differences are in points of the scale, all other keys in percent.")
    text.append(
        f"Intervals are cluster-bootstrap intervals over {report['before']['n_clusters']:.0f} source items{known}. "
        "p: source items swapped between the two runs (permutation), Holm over the table."
    )
    (folder / "report.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")
    write_json(folder / "report.json", report)


# Colour-blind safe (Okabe and Ito), and apart in grey.
BEFORE, AFTER = "#D55E00", "#0072B2"


def draw_report(report: dict, path: Path) -> None:
    """Draw `compare_runs` as a PNG.

    Left: opinion alignment for each level of authority, before and after, with 95 % intervals. Right: accuracy
    without an opinion, with a wrong and with a right one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(5, 4))
    levels = list(report["by_authority"])
    sides = [[report[side]["by_authority"][level] for level in levels] for side in ("before", "after")]
    _bars(left, [level.replace("none", "no\nintroduction") for level in levels], sides, "opinion_alignment")
    left.set_title("Sides with a user who is wrong", loc="left", fontweight="bold")
    left.set_xlabel("who the user says they are")
    keys = ("accuracy_no_opinion", "accuracy_wrong_opinion", "accuracy_right_opinion")
    # One column per key: the same shape as one column per level.
    sides = [
        [{"value": report[side][key]} | {f"value{end}": report[side][key + end] for end in ("_ci_low", "_ci_high")} for key in keys]
        for side in ("before", "after")
    ]  # fmt: skip
    _bars(right, ["no opinion", "user is wrong", "user is right"], sides, "value")
    right.set_title("Answers right", loc="left", fontweight="bold")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def draw_survival(sides: Mapping[str, Mapping], path: Path) -> None:
    """Draw the curves of rounds of pressure as a PNG: a panel for each arm, beside its floor.

    The floor of a suggestion is that of the questions that it is about, so that the two lines of a panel lie apart by
    `pressure_effect`; that of the challenge is of all questions, with its intervals.

    Args:
        sides: name -> metrics of a run: one, or before and after.
        path: of the file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rounds = rounds_of(next(iter(sides.values())))
    arms = [arm for arm in rounds if arm != "rethink"] or ["rethink"]
    figure = Figure(figsize=(1.2 + 3.4 * max(2, len(arms)), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    for axes, arm in zip(panels, arms, strict=True):
        draw_rounds(axes, sides, arm, rounds[arm])
        axes.set_title(ARMS[arm], loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel("round")
    panels[0].set_ylabel("still gives its first answer")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})


FLOOR = {"marker": "s", "markersize": 4, "linestyle": "--"}


def draw_rounds(axes, sides: Mapping[str, Mapping], arm: str, rounds: int) -> None:
    """Draw one panel: the curve of an arm and its floor.

    Args:
        axes: of matplotlib.
        sides: name -> metrics of a run: one, or before and after.
        arm: a key of `ARMS`.
        rounds: how many it has.
    """
    for (name, metrics), colour, shift in zip(sides.items(), (BEFORE, AFTER), (-0.04, 0.04), strict=False):
        label, floor = (f"{name}, ", colour) if len(sides) > 1 else ("", "0.35")
        _curve(axes, metrics, arm, rounds, colour, shift, f"{label}under pressure")
        _floor(axes, metrics, arm, rounds, floor, shift, f"{label}asked to think again")
    axes.set_xticks(range(rounds + 1))
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], [percent(share, 0) for share in (0, 0.25, 0.5, 0.75, 1)])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)


def _curve(axes, metrics, arm: str, rounds: int, colour: str, shift: float, label: str, floor: bool = False) -> None:
    """One arm's curve from round 0, where every first answer stands, with its intervals."""
    keys = [f"survival/{arm}/{number}" for number in range(1, rounds + 1)]
    if any(is_undefined(metrics[key]) for key in keys):
        return
    values = [metrics[key] for key in keys]
    ends = [
        [abs(value - metrics[f"{key}{end}"]) for key, value in zip(keys, values, strict=True)]
        if not is_undefined(metrics[f"{keys[0]}{end}"])
        else [0] * rounds
        for end in ("_ci_low", "_ci_high")
    ]
    places = [number + shift for number in range(rounds + 1)]
    axes.plot(places, [1, *values], color=colour, label=label, **(FLOOR if floor else {"marker": "o", "markersize": 4}))
    axes.errorbar(places[1:], values, ends, fmt="none", color=colour, capsize=2.5, linewidth=1)


def _floor(axes, metrics: Mapping, arm: str, rounds: int, colour: str, shift: float, label: str) -> None:
    """The curve of the floor on the questions of an arm: the arm's own, and what it flipped more."""
    pairs = [
        (metrics[f"survival/{arm}/{number}"], metrics.get(f"pressure_effect/{arm}/{number}"))
        for number in range(1, rounds + 1)
    ]
    values = [
        survived + effect for survived, effect in pairs if not is_undefined(survived) and not is_undefined(effect)
    ]
    if values:
        places = [number + shift for number in range(len(values) + 1)]
        axes.plot(places, [1, *values], color=colour, label=label, **FLOOR)


def _bars(axes, labels: list[str], sides: list[list[dict]], key: str) -> None:
    """Grouped bars with intervals and their values in percent."""
    for side, (name, colour, offset) in enumerate((("before", BEFORE, -0.2), ("after", AFTER, 0.2))):
        for position, values in enumerate(sides[side]):
            height, low, high = (values[key + end] for end in ("", "_ci_low", "_ci_high"))
            if height is None or height != height:
                continue
            where = position + offset
            axes.bar(where, height, width=0.36, color=colour, label=name if position == 0 else None)
            axes.errorbar(where, height, [[max(0, height - low)], [max(0, high - height)]], color="black", capsize=3)
            axes.text(where, high + 0.02, hundredths(height, digits=0), ha="center", va="bottom", fontsize=9)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], [percent(share, 0) for share in (0, 0.25, 0.5, 0.75, 1)])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)
