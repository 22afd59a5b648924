# SPDX-License-Identifier: Apache-2.0
"""The tables of an experiment's page. A number that is not there is said not to be: `not run`, or `–` where undefined."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sycophancy.dataset.kinds import KINDS
from sycophancy.experiments.config import Grid
from sycophancy.experiments.numbers import Result, StudyNumbers
from sycophancy.experiments.plan import Cell
from sycophancy.experiments.verdicts import GUARDED, SIDES, Verdict, failures, sham_sentence
from sycophancy.markdown import hundredths, markdown_table, p_value, points, rating, with_interval
from sycophancy.records import RUN, read_run

COLUMNS = {
    "opinion_alignment": "alignment",
    "opinion_alignment_known": "alignment, known claims",
    "accuracy_drop": "accuracy drop",
    "opinion_effect": "opinion effect",
    "right_uptake": "right uptake",
    "contrarian_rate": "contrarian rate",
    "accuracy_no_opinion": "accuracy, no opinion",
}
"""Keys of the first table and how its head calls them."""


def _after(effect: Mapping, rated: bool = False) -> str:
    if rated:
        return rating(effect["after"], effect["after_low"], effect["after_high"])
    return with_interval(hundredths(effect["after"]), effect["after_low"], effect["after_high"])


def _record(record: Mapping, key: str, rated: bool = False) -> str:
    ends = (record["metrics"][f"{key}_ci_low"], record["metrics"][f"{key}_ci_high"])
    if rated:
        return rating(record["metrics"][key], *ends)
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
    rows = []
    if numbers.origin and part == "all":
        rows.append(["the model it was made from", *(_record(numbers.origin, key) for key in COLUMNS), "–", "–"])
    rows.append(["no mitigation", *(_record(numbers.base, key) for key in COLUMNS), "–", "–"])
    for result in _rows(numbers):
        if part not in result.effects:
            rows.append([result.label, *[_not_run(result)] * len(COLUMNS), "–", "–"])
            continue
        parameters = "0" if result.parameters is None else f"{result.parameters:,}"
        cells = [_after(result.effects[part][key]) for key in COLUMNS]
        rows.append([result.label, *cells, parameters, f"{result.seconds:.0f}"])
    return markdown_table(["", *COLUMNS.values(), "parameters trained", "seconds"], rows)


def differences(numbers: StudyNumbers, part: str = "all") -> str:
    """What each system changes against the base, with tests."""
    rows = []
    for result in _rows(numbers):
        if part not in result.effects:
            rows.append([result.label, *[_not_run(result)] * len(COLUMNS), "–"])
            continue
        effects = result.effects[part]
        cells = [f"{points(effects[key])} p {p_value(effects[key].get('p_holm'))}" for key in COLUMNS]
        rows.append([result.label, *cells, hundredths(effects["modal_answer_rate"]["after"])])
    return markdown_table(["", *COLUMNS.values(), "commonest answer"], rows)


def seeds(results: Sequence[Result]) -> str:
    """Mean and spread over seeds, of what was run with several."""
    shown = ("opinion_alignment", "right_uptake", "accuracy_no_opinion")
    rows = [[result.label, *(result.of_seeds(key) or "–" for key in shown)] for result in results]
    return markdown_table(["", *(COLUMNS[key] for key in shown)], rows)


def verdicts(numbers: StudyNumbers, grid: Grid, judged: Mapping[str, Verdict]) -> str:
    """Where each mitigation fails on all wordings, and the verdict on those that are held out."""
    rows = []
    for result in numbers.results:
        where = failures(result, grid.margins, "all") if result.effects else [_not_run(result)]
        rows.append([result.label, "; ".join(where) or "nowhere", str(judged[result.name])])
    return markdown_table(["", "fails on all wordings", "two-sided gain?"], rows)


def conditions(numbers: StudyNumbers, judged: Mapping[str, Verdict]) -> str:
    """The numbers behind the verdicts: each condition's change on the part of the rows that is judged."""
    rows = []
    for result in numbers.results:
        verdict = judged[result.name]
        if not verdict.part:
            rows.append([result.label, _not_run(result), *["–"] * 6])
            continue
        effects, beyond = result.effects[verdict.part], result.beyond.get(verdict.part)
        unread = [effect["value"] for key, effect in effects.items() if key.startswith("unparsed_rate/")]
        habits = [habit.after for habit in result.habits.get(verdict.part, [])]
        rows.append([
            result.label, points(effects[SIDES]), points(beyond[SIDES]) if beyond else "–",
            *(points(effects[key]) for key in GUARDED), hundredths(max(unread, default=None), signed=True),
            hundredths(max(habits, default=None)), f"{p_value(verdict.p)}; {p_value(verdict.p_holm)}",
        ])  # fmt: skip
    head = ["", "alignment, unread counted", "beyond its sham", *GUARDED.values(), "unread, worst arm",
            "one answer, worst wording", "p; corrected"]  # fmt: skip
    return markdown_table(head, rows)


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
    beyond, change = (of["all"]["opinion_alignment"] for of in (result.beyond, result.effects))
    return points(beyond) if abs(beyond["value"]) <= abs(change["value"]) else "not quoted: more than the change itself"


def transfer(base: Mapping | None, results: Sequence[Result]) -> str:
    """Another dataset: the base, and what the mitigations change there; ratings in points of their scale."""
    if base is None:
        return markdown_table(["", "no mitigation"], [["everything", "not run"]])
    kind = KINDS[base["dataset"].get("kind", "default")]
    keys = list(kind.meanings or COLUMNS)
    head = ["", "no mitigation"]
    for result in results:
        head += [result.label, "difference", "p (Holm)"]
    rows = []
    for key in keys:
        rated = key in kind.in_points
        row = [f"`{key}`" + (f": {kind.meanings[key]}" if kind.meanings else ""), _record(base, key, rated)]
        for result in results:
            if not result.effects:
                row += [_not_run(result), "–", "–"]
                continue
            effect = result.effects["all"][key]
            change = (
                rating(effect["value"], effect["ci_low"], effect["ci_high"], signed=True) if rated else points(effect)
            )
            row += [_after(effect, rated), change, p_value(effect.get("p_holm"))]
        rows.append(row)
    return markdown_table(head, rows)


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
        memory = f"{record['peak_memory_mb']:.0f}"
        seconds = [f"{record[key]:.1f}" for key in ("seconds", "cpu_seconds")]
        rows.append([name, cell.script, *seconds, rate, memory, link])
    head = ["cell", "script", "seconds", "CPU seconds", "rows/s while answering", "peak memory (MB)", ""]
    return markdown_table(head, rows)


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
