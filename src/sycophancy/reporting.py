# SPDX-License-Identifier: Apache-2.0
"""Two runs on the same rows, compared: numbers with intervals, tables and a picture."""

from collections.abc import Mapping
from pathlib import Path

from sycophancy.claims.people import AUTHORITIES
from sycophancy.dataset.kinds import CLAIMS, KINDS, Kind
from sycophancy.files import write_json
from sycophancy.markdown import hundredths, is_undefined, markdown_table, p_value, percent, points, with_interval
from sycophancy.metric import HEADLINE_KEYS, known_claims, load_metric, references
from sycophancy.records import read_run

KEY_MEANINGS = {
    "opinion_alignment": "sides with a user who is wrong",
    "opinion_alignment_known": "... on claims that it knows",
    "opinion_shift": "... more than without the opinion",
    "opinion_effect": "accuracy with a right user minus with a wrong one",
    "accuracy_no_opinion": "accuracy without an opinion",
    "accuracy_wrong_opinion": "accuracy when the user is wrong",
    "accuracy_right_opinion": "accuracy when the user is right",
    "right_uptake": "takes a right correction",
    "contrarian_rate": "contradicts a user who is right, on claims that it knows",
    "modal_answer_rate": "share of its commonest answer",
    "unparsed_rate": "answers that are none of the choices",
}


def compare_runs(before: str | Path, after: str | Path, seed: int = 0) -> dict:
    """Compare two run folders on the same rows.

    Args:
        before, after: run folders.
        seed: of the bootstrap.

    Returns:
        `before` and `after` (every key of the metric, with `by_authority`), `difference` (key -> value, ci_low,
        ci_high, p ...), `by_authority` (level -> before, after and difference of the opinion alignment; empty for
        questions in turns and attributions), `n_rows`, `seconds`, and which runs.

    Raises:
        ValueError: a folder is not a run, or the runs are not on the same rows.
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
    known = set(known_claims(old_answers)) if kind is CLAIMS else set()
    metric = load_metric(kind.name)

    def difference(answers: list[tuple[dict, dict]], keys: list[str]) -> dict:
        return metric.compare(
            before=[a["prediction"] for a, _ in answers],
            after=[b["prediction"] for _, b in answers],
            references=references([a for a, _ in answers], kind.references),
            known_claims=sorted(known.intersection(a["claim_id"] for a, _ in answers)) if kind is CLAIMS else None,
            keys=keys,
            seed=seed,
        )

    pairs = list(zip(old_answers, new_answers, strict=True))
    sided = (a for a in old_answers if a["condition"] != "no_opinion") if kind is CLAIMS else ()
    level_of = {a["claim_id"]: a["authority"] for a in sided}
    by_authority = {}
    for level in [level for level in AUTHORITIES if level in level_of.values()]:
        inside = [pair for pair in pairs if level_of.get(pair[0]["claim_id"]) == level]
        by_authority[level] = difference(inside, ["opinion_alignment"])["opinion_alignment"] | {"n_rows": len(inside)}
    return {
        "before": old["metrics"] | {"by_authority": old["by_authority"]},
        "after": new["metrics"] | {"by_authority": new["by_authority"]},
        "difference": difference(pairs, list(kind.meanings or HEADLINE_KEYS)),
        "by_authority": by_authority,
        "n_rows": len(pairs),
        "dataset": old["dataset"],
        "runs": {"before": _name(old), "after": _name(new)},
        "seconds": old["seconds"] + new["seconds"],
    }


def kind_of_run(record: dict) -> Kind:
    """The kind of the dataset that a run was made on."""
    return KINDS[record["dataset"].get("kind", CLAIMS.name)]


def _name(record: dict) -> str:
    """What was measured, in words."""
    name = record["model"]["name"]
    if record["adapter"]:
        name += f" with {record['adapter']}"
    in_context = record["config"].get("in_context", "none")
    return name if in_context == "none" else f"{name}, {in_context}"


def is_clear(effect: Mapping) -> bool:
    """Whether an interval lies on one side of 0; an undefined one does not."""
    return effect["ci_low"] > 0 or effect["ci_high"] < 0


def _verdict(found: dict) -> str:
    """Whether a difference is one. An interval that is not defined says nothing."""
    if is_undefined(found["ci_low"]) or is_undefined(found["ci_high"]):
        return "which these rows do not define"
    return "clear of 0" if is_clear(found) else "not distinguishable from 0"


def difference_table(report: dict) -> str:
    """Markdown: each headline key before and after, the difference with its interval and test."""
    rows = []
    for key, meaning in (kind_of_run(report).meanings or KEY_MEANINGS).items():
        found = report["difference"][key]
        sides = [
            with_interval(percent(side[key]), side[f"{key}_ci_low"], side[f"{key}_ci_high"])
            for side in (report["before"], report["after"])
        ]
        rows.append((f"`{key}`: {meaning}", *sides, points(found), p_value(found["p_holm"])))
    return markdown_table(("", "before", "after", "points [95 %]", "p (Holm)"), rows)


def by_authority_table(report: dict) -> str:
    """Markdown: opinion alignment by the user's authority."""
    rows = [
        (level, percent(found["before"]), percent(found["after"]), points(found),
         f"{report['before']['by_authority'][level]['n_claims']:.0f}")
        for level, found in report["by_authority"].items()
    ]  # fmt: skip
    return markdown_table(("the user is", "before", "after", "points [95 %]", "claims"), rows)


def dropped_sentence(report: dict) -> str:
    """The result and its cost in three sentences, whichever way it went; one for questions in turns and attributions."""
    kind = kind_of_run(report)
    if kind is not CLAIMS:
        effect = report["difference"][kind.effect]
        return (
            f"`{kind.effect}` ({kind.meanings[kind.effect]}, beyond its noise floor) goes from "
            f"{hundredths(effect['before'], signed=True)} to {hundredths(effect['after'], signed=True)} points: "
            f"{points(effect)}, {_verdict(effect)}."
        )
    alignment, accuracy, uptake = (
        report["difference"][key] for key in ("opinion_alignment", "accuracy_no_opinion", "right_uptake")
    )
    return (
        f"With a user who is wrong, the model sides with the user in {percent(alignment['before'])} of cases before "
        f"and {percent(alignment['after'])} after: {points(alignment, ' points')}, "
        f"{_verdict(alignment)}. Its accuracy without an opinion goes from "
        f"{percent(accuracy['before'])} to {percent(accuracy['after'])}: {points(accuracy, ' points')}. "
        f"{_uptake_sentence(uptake)}"
    )


def _uptake_sentence(uptake: dict) -> str:
    """Whether it still takes a correction that is right: the price of a model that hears users less altogether."""
    if is_undefined(uptake["value"]):
        return "Whether it takes a right correction, these rows do not define: it answers too few claims wrong alone."
    return (
        f"On claims that it answers wrong alone, it takes a right user's correction in {percent(uptake['before'])} of cases "
        f"before and {percent(uptake['after'])} after: {points(uptake, ' points')}."
    )


def summary(record: dict, meanings: Mapping[str, str] = KEY_MEANINGS) -> str:
    """One run for the terminal: headline keys with intervals, and the alignment by authority where there is any.

    Args:
        record: the run record.
        meanings: headline key -> what it says.
    """
    metrics = record["metrics"]
    lines = [
        f"{_name(record)} on {record['dataset']['name']} ({record['dataset']['split']}), {metrics['n_rows']:.0f} rows"
    ]
    for key, meaning in meanings.items():
        shown = with_interval(percent(metrics[key]), metrics[f"{key}_ci_low"], metrics[f"{key}_ci_high"])
        lines.append(f"  {key:24} {shown:28} {meaning}")
    if record["by_authority"]:
        by_level = (
            f"{level} {percent(record['by_authority'][level]['opinion_alignment'])}"
            for level in AUTHORITIES
            if level in record["by_authority"]
        )
        lines.append(f"  opinion_alignment by authority: {', '.join(by_level)}")
    lines += [f"  warning: {warning}" for warning in warnings_of(record)]
    rate, answer = record["rows_per_second"], record.get("answer", "scores")
    lines.append(f"  {record['seconds']:.1f} s, {rate:.{0 if rate >= 10 else 1}f} rows/s, answered in {answer}")
    return "\n".join(lines)


LEAST_MASS, LEAST_AGREEMENT = 0.5, 0.9
"""Below these, scores say little of what a model says."""


def warnings_of(record: dict) -> list[str]:
    """What makes the answers of a run less than they seem, in a sentence each."""
    found = []
    mass, agreement = record.get("choice_mass"), record.get("text_agreement")
    in_scores = record.get("answer") == "scores"
    if in_scores and mass is not None and mass < LEAST_MASS:
        found.append(
            f"the choices have {percent(mass)} of the probability: the model would say something else; use --answer text"
        )
    if in_scores and agreement is not None and agreement < LEAST_AGREEMENT:
        found.append(
            f"the most probable choice is what the model says in {percent(agreement)} of {record['text_agreement_rows']} rows; "
            "use --answer text"
        )
    return found


def write_report(report: dict, folder: Path) -> None:
    """Write `report.json`, `report.md` and, for claims, `report.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = [
        "# Before and after",
        f"Before: {report['runs']['before']}. After: {report['runs']['after']}. {report['n_rows']} rows of "
        f"`{report['dataset']['name']}` ({report['dataset']['split']}, `{report['dataset']['fingerprint']}`).",
        dropped_sentence(report),
        difference_table(report),
    ]
    known = ""
    if report["by_authority"]:
        draw_report(report, folder / "report.png")
        text.insert(-1, "![Opinion alignment by authority and accuracy, before and after](report.png)")
        text += ["By authority of the user, `opinion_alignment`:", by_authority_table(report)]
        known = (
            "; the claims counted as known are those that the model before answers right without an opinion, for both"
        )
    text.append(
        f"Intervals are cluster-bootstrap intervals over source items{known}. p: source items swapped between the two runs "
        "(permutation), Holm over the table."
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
