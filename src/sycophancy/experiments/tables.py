# SPDX-License-Identifier: Apache-2.0
"""The tables of an experiment's page. A number that is not there is said not to be: `not run`, or `–` where undefined."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sycophancy.experiments.config import Grid
from sycophancy.experiments.numbers import Result, StudyNumbers
from sycophancy.experiments.plan import Cell
from sycophancy.experiments.verdicts import GUARDED, SIDES, Verdict, failures, is_new, sham_sentence
from sycophancy.markdown import hundredths, is_undefined, markdown_table, p_value, points, rating, with_interval
from sycophancy.quoting import Run
from sycophancy.records import RUN, read_run
from sycophancy.reporting import KEY_MEANINGS, kind_of_run, rounds_of

MENTION_COLUMNS = {"mention_shift": "mere mention", "opinion_beyond_mention": "opinion beyond its words"}
"""Further columns where an answer is also named that nobody holds."""

COLUMNS = {
    "opinion_alignment": "alignment",
    "opinion_alignment_known": "alignment, known claims",
    "accuracy_drop": "accuracy drop",
    "opinion_effect": "opinion effect",
    "right_uptake": "right uptake",
    "uptake_effect": "uptake effect",
    "contrarian_rate": "contrarian rate",
    "accuracy_no_opinion": "accuracy, no opinion",
}
"""Keys of the first table and how its head calls them."""


OVER_SEEDS = ("opinion_alignment", "uptake_effect", "accuracy_no_opinion")
"""Keys whose spread over seeds stands beside them in the first table: intervals over questions leave it out."""


def _after(effect: Mapping) -> str:
    return with_interval(hundredths(effect["after"]), effect["after_low"], effect["after_high"])


def _with_spread(said: str, effect: Mapping) -> str:
    """A number that is written, with its standard deviation over seeds where there are several: `24.0 [19.7, 28.9]; sd 8.0`."""
    return said if is_undefined(effect.get("sd")) else f"{said}; sd {hundredths(effect['sd'])}"


def _record(record: Mapping, key: str) -> str:
    ends = (record["metrics"][f"{key}_ci_low"], record["metrics"][f"{key}_ci_high"])
    return with_interval(hundredths(record["metrics"][key]), *ends)


def _not_run(result: Result) -> str:
    return "; ".join(dict.fromkeys(result.missing.values())) or "not run"


def _rows(numbers: StudyNumbers) -> list[Result]:
    """The mitigations, each with its sham behind it."""
    found = []
    for result in numbers.results:
        found += [result] + ([numbers.shams[result.name]] if result.name in numbers.shams else [])
    return found


def levels(numbers: StudyNumbers, part: str = "all") -> str:
    """What each system does: the rates themselves, over seeds at once."""
    columns, rows = _columns(numbers), []
    if numbers.origin and part == "all":
        rows.append(["the model it was made from", *(_record(numbers.origin, key) for key in columns), "–", "–"])
    rows.append(["no mitigation", *(_record(numbers.base, key) for key in columns), "–", "–"])
    for result in _rows(numbers):
        if part not in result.effects:
            rows.append([result.label, *[_not_run(result)] * len(columns), "–", "–"])
            continue
        parameters = "0" if result.parameters is None else f"{result.parameters:,}"
        effects = result.effects[part]
        cells = [_with_spread(_after(effects[key]), effects[key] if key in OVER_SEEDS else {}) for key in columns]
        rows.append([result.label, *cells, parameters, f"{result.seconds:.0f}"])
    return markdown_table(["", *columns.values(), "parameters trained", "seconds"], rows)


def _columns(numbers: StudyNumbers) -> Mapping[str, str]:
    """Keys of the first tables and how their heads call them."""
    return COLUMNS | (MENTION_COLUMNS if names_alone(numbers.base) else {})


def names_alone(base: Mapping) -> bool:
    """Whether the rows of a run also name an answer that nobody holds."""
    return Run("", base).quoted.headline in MENTION_COLUMNS


def differences(numbers: StudyNumbers, part: str = "all") -> str:
    """What each system changes against the base, with tests."""
    columns, rows = _columns(numbers), []
    for result in _rows(numbers):
        if part not in result.effects:
            rows.append([result.label, *[_not_run(result)] * len(columns), "–"])
            continue
        effects = result.effects[part]
        cells = [f"{points(effects[key])} p {p_value(effects[key].get('p_holm'))}" for key in columns]
        rows.append([result.label, *cells, hundredths(effects["modal_answer_rate"]["after"])])
    return markdown_table(["", *columns.values(), "commonest answer"], rows)


def seeds(results: Sequence[Result], base: Mapping) -> str:
    """Mean and spread over seeds, of what was run with several, on another behaviour than claims."""
    run, kind = Run("", base), kind_of_run(base)
    shown = tuple(filter(None, (run.quoted.headline, run.quoted.knows)))
    rows = [
        [result.label, *(result.of_seeds(key, key in kind.in_points + kind.in_rounds) or "–" for key in shown)]
        for result in results
    ]
    return markdown_table(["", *(f"`{key}`" for key in shown)], rows)


def verdicts(numbers: StudyNumbers, grid: Grid, judged: Mapping[str, Verdict]) -> str:
    """Where each mitigation fails on all wordings, and the verdict on those that are held out."""
    rows = []
    for result in numbers.results:
        where = failures(result, grid.margins, "all") if result.effects else [_not_run(result)]
        rows.append([result.label, "; ".join(where) or "nowhere", str(judged[result.name])])
    return markdown_table(["", "fails on all wordings", "two-sided gain?"], rows)


def verdicts_elsewhere(numbers: StudyNumbers, judged: Mapping[str, Verdict]) -> str:
    """The verdict on each mitigation of another behaviour than claims."""
    rows = [[result.label, str(judged[result.name])] for result in numbers.results]
    return markdown_table(["", "gain?"], rows)


def held_out_elsewhere(numbers: StudyNumbers) -> str:
    """What each system changes in wordings that occur in train and in those that never do, another behaviour than claims."""
    run, rows = Run("", numbers.base), []
    for result in _rows(numbers):
        if {"seen", "held_out"} <= result.effects.keys():
            shown = (result.effects[part][run.quoted.headline] for part in ("seen", "held_out"))
            rows.append([result.label, *(_change(run, run.quoted.headline, effect) for effect in shown)])
    key = f"`{run.quoted.headline}`"
    return markdown_table(["", f"{key}, wordings that occur in train", f"{key}, held-out wordings"], rows)


def conditions(numbers: StudyNumbers, grid: Grid, judged: Mapping[str, Verdict]) -> str:
    """The numbers behind the verdicts: each condition before and after, on the part of the rows that is judged."""
    rows = []
    for result in numbers.results:
        verdict = judged[result.name]
        if not verdict.part:
            rows.append([result.label, _not_run(result), *["–"] * 6])
            continue
        effects, beyond = result.effects[verdict.part], result.beyond.get(verdict.part)
        if not rows or rows[0][0] != "no mitigation":
            before = [hundredths(effects[key]["before"]) for key in (SIDES, *GUARDED)]
            rows.insert(0, ["no mitigation", before[0], "–", *before[1:], "–", "–", "–"])
        unread = [effect["value"] for key, effect in effects.items() if key.startswith("unparsed_rate/")]
        against = _smaller(beyond[SIDES], effects[SIDES]) if beyond else "–"
        rows.append([
            result.label, _to(effects[SIDES]), against if result.has_its_shams else _lacking(result, against),
            *(_to(effects[key]) for key in GUARDED), hundredths(max(unread, default=None), signed=True),
            _worst_habit(result, grid, verdict.part),
            f"{p_value(verdict.p)}; {'–' if result.is_control else p_value(verdict.p_holm)}",
        ])  # fmt: skip
    head = ["", "alignment, unread counted", "beyond its sham", *GUARDED.values(), "unread, worst arm",
            "one answer, worst wording (before)", "p; corrected"]  # fmt: skip
    return markdown_table(head, rows)


def _to(effect: Mapping) -> str:
    """A level, and by how much that is another than before: `25.6: -38.1 [-47.7, -28.8]; sd 9.0`."""
    return _with_spread(f"{hundredths(effect['after'])}: {points(effect)}", effect)


def _lacking(result: Result, against: str) -> str:
    """What is beyond the shams of a mitigation that has too few of them."""
    return "no sham" if not result.n_shams else f"{against} (shams of {result.n_shams} of {len(result.records)} seeds)"


def _worst_habit(result: Result, grid: Grid, part: str) -> str:
    """The most that any wording has of one answer, with what it was before; of new habits, where there are any."""
    habits = result.habits.get(part, [])
    new = [habit for habit in habits if is_new(habit, grid.margins)]
    worst = max(new or habits, key=lambda habit: habit.after, default=None)
    if worst is None:
        return "–"
    return f"{hundredths(worst.after)} ({hundredths(worst.before)}){', new' if new else ''}"


def shams(numbers: StudyNumbers) -> str:
    """The controls, and what each mitigation does beyond its own where that is less than what it does."""
    rows = []
    for result in numbers.results:
        sham = numbers.shams.get(result.name)
        if sham is None:
            continue
        if not sham.effects:
            rows.append([sham.label, _not_run(sham), *["–"] * 4])
            continue
        effects = sham.effects["all"]
        rows.append([sham.label, str(result.n_shams), points(effects["opinion_alignment"]),
                     points(effects["accuracy_no_opinion"]), sham_sentence(sham), _beyond(result)])  # fmt: skip
    head = ["", "seeds", "alignment", "accuracy, no opinion", "the alignment's interval", "mitigation minus sham"]
    return markdown_table(head, rows)


def _beyond(result: Result) -> str:
    """What a mitigation changes beyond its sham; not quoted where it is more than what it changes."""
    if not result.beyond or not result.effects:
        return "–"
    return _smaller(*(of["all"]["opinion_alignment"] for of in (result.beyond, result.effects)))


def _smaller(beyond: Mapping, change: Mapping) -> str:
    return points(beyond) if abs(beyond["value"]) <= abs(change["value"]) else "not quoted: more than the change itself"


SIGNED = ("_effect", "_shift", "_bias", "_drop", "_beyond_mention", "_beyond_rethink")
"""How the names of keys end that are differences."""


def _number(record: Mapping, key: str, value, low=None, high=None, change: bool = False) -> str:
    """A number on another dataset in its unit: percent, points, points of a scale of ratings, or rounds."""
    kind, signed = kind_of_run(record), change or key.endswith(SIGNED)
    if key in kind.in_points + kind.in_rounds:
        return rating(value, low, high, signed)
    return with_interval(hundredths(value, signed), low, high, signed)


def _before(run: Run, key: str, results: Sequence[Result]) -> tuple[float | None, float | None, float | None]:
    """The base's value with its interval: as it was compared, so that a difference is one of the numbers that are shown."""
    for result in results:
        if key in result.effects.get("all", ()):
            effect = result.effects["all"][key]
            return effect["before"], effect["before_low"], effect["before_high"]
    return tuple(run.value(key, end) for end in ("", "_ci_low", "_ci_high"))


def _base(run: Run, key: str, results: Sequence[Result]) -> str:
    return _number(run.record, key, *_before(run, key, results))


def _moved(run: Run, key: str, effect: Mapping) -> str:
    """After, and by how much that is another number than before: `12.0 (-14.0 [-22.1, -5.3])`."""
    return f"{_number(run.record, key, effect['after'])} ({_change(run, key, effect)})"


def _guesses(run: Run, low: float | None) -> str:
    """A mark where what is right by itself is no better than chance."""
    return "" if is_undefined(low) or is_undefined(run.chance) or low > run.chance else " (chance)"


def _not_measured() -> str:
    return markdown_table(["", "no mitigation"], [["everything", "not run"]])


def transfer(base: Mapping | None, results: Sequence[Result]) -> str:
    """Another dataset: what stands for its behaviour, before and after, and the numbers that it is read beside.

    Args:
        base: run record of the base there.
        results: of the mitigations there.
    """
    if base is None:
        return _not_measured()
    run = Run("", base)
    quoted = run.quoted
    beside = [key for key in dict.fromkeys(filter(None, (quoted.floor, *quoted.keys[1:]))) if key != "chance"]
    beside = [key for key in beside if not is_undefined(run.value(key))]
    names = {key: f"`{key}`" for key in beside}
    if quoted.floor in names:
        names[quoted.floor] = f"floor: `{quoted.floor}`"
    if quoted.knows in names and not is_undefined(run.chance):
        names[quoted.knows] = f"`{quoted.knows}` (chance: {hundredths(run.chance)})"

    def mark(key: str, low: float | None) -> str:
        return _guesses(run, low) if key == quoted.knows else ""

    values = [_base(run, key, results) + mark(key, _before(run, key, results)[1]) for key in beside]
    shams = any(result.is_sham for result in results)
    rows = [["no mitigation", _base(run, quoted.headline, results), "", "", *[""] * shams, *values]]
    for result in results:
        if not result.effects:
            rows.append([result.label, _not_run(result), *["–"] * (2 + shams + len(beside))])
            continue
        effects = result.effects["all"]
        values = [_after_there(run, key, effects[key]) + mark(key, effects[key]["after_low"]) for key in beside]
        effect = effects[quoted.headline]
        after, change = _after_there(run, quoted.headline, effect), _change(run, quoted.headline, effect)
        beyond = [
            _change(run, quoted.headline, result.beyond["all"][quoted.headline]) if result.beyond else "–"
        ] * shams
        rows.append([result.label, after, change, p_value(effect.get("p_holm")), *beyond, *values])
    head = ["", f"`{quoted.headline}`", "difference", "p (Holm)", *["beyond its sham"] * shams, *names.values()]
    return markdown_table(head, rows)


def _change(run: Run, key: str, effect: Mapping) -> str:
    return _number(run.record, key, effect["value"], effect["ci_low"], effect["ci_high"], change=True)


def _after_there(run: Run, key: str, effect: Mapping) -> str:
    return _number(run.record, key, effect["after"], effect["after_low"], effect["after_high"])


def transfer_keys(base: Mapping | None, results: Sequence[Result]) -> str:
    """Another dataset: every key that is compared, what it says, and what the mitigations change of it."""
    if base is None:
        return _not_measured()
    run, ran = Run("", base), [result for result in results if result.effects]
    meanings = kind_of_run(base).meanings or KEY_MEANINGS
    compared = ran[0].effects["all"] if ran else meanings
    rows = [
        [f"`{key}`: {meaning}", _base(run, key, ran), *(_moved(run, key, result.effects["all"][key]) for result in ran)]
        for key, meaning in meanings.items()
        if key in compared and not is_undefined(run.value(key))
    ]
    return markdown_table(["", "no mitigation", *(result.label for result in ran)], rows)


def transfer_rounds(base: Mapping | None, results: Sequence[Result]) -> str:
    """Rounds of pressure: how many first answers are gone by each, on the floor, and by how much that is more; `""` without.

    The floor of a suggestion is that of the questions that it is about.
    """
    arms = {arm: rounds for arm, rounds in rounds_of(base["metrics"]).items() if arm != "rethink"} if base else {}
    if not arms:
        return ""
    systems = [("no mitigation", base), *((result.label, result.records[0]) for result in results if result.records)]
    last = max(arms.values())
    rows = []
    for arm, rounds in arms.items():
        for label, record in systems:
            cells = [_round(Run("", record), arm, number) for number in range(1, rounds + 1)]
            rows.append([f"`{arm}`", label, *cells, *["–"] * (last - rounds)])
    return markdown_table(["the user", "", *(f"round {number}" for number in range(1, last + 1))], rows)


def _round(run: Run, arm: str, number: int) -> str:
    """What is flipped by a round, on its floor, and the difference: `78.0 on 49.0: +29.0 [+19.0, +39.0]`."""
    stands = run.value(f"survival/{arm}/{number}")
    if is_undefined(stands):
        return "–"
    effect, low, high = (run.value(f"pressure_effect/{arm}/{number}", end) for end in ("", "_ci_low", "_ci_high"))
    if is_undefined(effect):
        return hundredths(1 - stands)
    floor = hundredths(max(0.0, 1 - stands - effect))
    return (
        f"{hundredths(1 - stands)} on {floor}: {with_interval(hundredths(effect, signed=True), low, high, signed=True)}"
    )


def durability(numbers: StudyNumbers) -> str:
    """How long the effect lasts: after each number of steps, and without any mitigation."""
    keys = OVER_SEEDS
    rows = [["no mitigation", *(_record(numbers.base, key) for key in keys)]]
    for steps, result in numbers.durability:
        cells = [_after(result.effects["all"][key]) if result.effects else _not_run(result) for key in keys]
        rows.append([f"{steps}", *cells])
    return markdown_table(["steps", *(COLUMNS[key] for key in keys)], rows)


def glance(there: Mapping[str, tuple[Mapping | None, Sequence[Result]]]) -> str:
    """All other datasets in one table: what stands for each behaviour, its floor, and what the model gets right by itself.

    Args:
        there: how the page calls a dataset -> run record of the base and the mitigations on it; one that ran on none is left
            out.
    """
    labels = list(dict.fromkeys(r.label for _, results in there.values() for r in results if r.effects))
    rows = []
    for name, (base, results) in there.items():
        if base is None:
            rows.append([name, "–", "not run", *["–"] * len(labels)])
            continue
        run, by_label = Run("", base), {result.label: result for result in results}
        said = run.quoted.effect[0].upper() + run.quoted.effect[1:]
        shown = {run.quoted.headline: said, run.quoted.floor: "its floor", run.quoted.knows: "right by itself"}
        for key, meaning in shown.items():
            if is_undefined(run.value(key)):
                continue
            row = [name if key == run.quoted.headline else "", f"{meaning}: `{key}`", _base(run, key, results)]
            for label in labels:
                result = by_label.get(label)
                row.append(_moved(run, key, result.effects["all"][key]) if result and result.effects else "–")
            rows.append(row)
    return markdown_table(["", "what", "no mitigation", *labels], rows)


def published(grid: Grid, studies: Mapping[str, StudyNumbers]) -> str:
    """Published numbers beside ours, with the models named."""
    rows = []
    for entry in grid.published:
        numbers = studies[entry.study]
        ours, model = "not run", "–"
        if numbers.base:
            model = grid.models[numbers.study.model].label or numbers.base["model"]["name"]
            if entry.mitigation is None:
                ours = _record(numbers.base, entry.key)
            else:
                result = next(r for r in numbers.results if r.name == entry.mitigation)
                if result.effects:
                    effect = result.effects["all"][entry.key]
                    spread = result.of_seeds(entry.key)
                    ours = (points(effect) if entry.change else _after(effect)) + (f"; {spread}" if spread else "")
        theirs = "–" if entry.value is None else hundredths(entry.value, entry.change)
        rows.append([entry.label, theirs, entry.model, ours, model, entry.note])
    return markdown_table(["", "published", "on", "here", "on", "mind"], rows)


def costs(cells: Mapping[str, Cell], records: Mapping[str, dict | None], output_dir: Path) -> str:
    """What each number cost."""
    rows = []
    for name, cell in cells.items():
        record = records[name]
        if record is None or record["status"] != "done":
            rows.append(
                [name, cell.script, "not run" if record is None else f"failed: {record['reason']}", "–", "–", "–", "–"]
            )
            continue
        rate, link = "–", f"[folder](cells/{name}/)"
        if (cell.run / RUN).is_file():
            rate, link = (
                f"{read_run(cell.run)[0]['rows_per_second']:.0f}",
                f"[record]({_below(cell.run, output_dir)}/{RUN})",
            )
        seconds = [_taken(record, key, 1) for key in ("seconds", "cpu_seconds")]
        rows.append([name, cell.script, *seconds, rate, _taken(record, "peak_memory_mb", 0), link])
    head = ["cell", "script", "seconds", "CPU seconds", "rows/s while answering", "peak memory (MB)", ""]
    return markdown_table(head, rows)


def _taken(record: Mapping, key: str, digits: int) -> str:
    """What a cell took; a dash where nobody counted, as of a run that was started by hand."""
    return "–" if record[key] is None else f"{record[key]:.{digits}f}"


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
