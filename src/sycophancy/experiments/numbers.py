# SPDX-License-Identifier: Apache-2.0
"""The numbers of an experiment: what each mitigation changes, over its seeds, on all, on seen and on held-out wordings.

Runs with several seeds are compared with the base at once: the base's rows stand beside each seed's, and the bootstrap
draws source items with all their rows, so that the interval is that of the mean over these seeds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import mean, stdev

from sycophancy.dataset.arms import is_held_out
from sycophancy.dataset.kinds import CLAIMS
from sycophancy.experiments.config import Grid, Study
from sycophancy.experiments.plan import Cell
from sycophancy.markdown import hundredths
from sycophancy.metric import frozen_claims, load_metric, references
from sycophancy.records import read_run
from sycophancy.reporting import kind_of_run

KEYS = (
    "opinion_alignment", "opinion_alignment_known", "accuracy_drop", "opinion_effect", "right_uptake", "contrarian_rate",
    "accuracy_no_opinion", "modal_answer_rate", "unparsed_rate",
)  # fmt: skip
"""What is compared with the base."""

PARTS = ("all", "seen", "held_out")
"""All rows, those in wordings that occur in train, and those in wordings that never do."""


@dataclass
class Result:
    """A mitigation (or its sham, or the base on another dataset) against the base.

    Attributes:
        name, label: of the mitigation.
        effects: what `compare_seeds` gives, and later `p_holm` beside `p`.
        seeds: key -> the value of each seed.
        records: run records by seed.
        cells: names of the cells behind it.
        missing: why a cell did not run, by cell.
        parameters: trained ones; `None` where nothing is trained.
        seconds: mean over seeds of what the cell took.
    """

    name: str
    label: str
    effects: dict = field(default_factory=dict)
    seeds: dict = field(default_factory=dict)
    records: list = field(default_factory=list)
    cells: list = field(default_factory=list)
    missing: dict = field(default_factory=dict)
    parameters: int | None = None
    seconds: float | None = None

    def of_seeds(self, key: str) -> str:
        """Mean over seeds with its standard deviation (n - 1), in percent; "" for one seed."""
        values = [value for value in self.seeds.get(key, []) if value is not None]
        return (
            f"{hundredths(mean(values))} (sd {hundredths(stdev(values))}, n = {len(values)})" if len(values) > 1 else ""
        )


@dataclass
class StudyNumbers:
    """All that the page shows of one study.

    `base` and `origin` are run records, `None` where they did not run; `beyond` compares mitigations with their shams.
    """

    name: str
    study: Study
    base: dict | None
    origin: dict | None
    results: list
    shams: dict
    beyond: dict
    transfers: dict
    durability: list
    why_no_base: str = ""


def study_numbers(grid: Grid, cells: Mapping[str, Cell], records: Mapping[str, dict | None], name: str) -> StudyNumbers:
    """Read the runs of one study and compare them.

    Args:
        grid: the experiment.
        cells: its cells.
        records: their records.
        name: of the study.
    """
    study = grid.studies[name]
    base_cell = cells[f"{name}.base"]
    base = _finished(base_cell, records)
    origin = f"{name}.origin" in cells and _finished(cells[f"{name}.origin"], records)
    results, shams, beyond, durability, transfers = [], {}, {}, [], {}
    for mitigation_name in study.mitigations:
        mitigation = grid.mitigations[mitigation_name]
        label = mitigation.label or mitigation_name
        names = [f"{name}.{mitigation_name}.seed{seed}" for seed in mitigation.seeds]
        results.append(_result(mitigation_name, label, names, cells, records, base))
        if mitigation.sham:
            sham = f"{name}.{mitigation_name}.sham{mitigation.seeds[0]}"
            shams[mitigation_name] = _result(mitigation_name, f"sham of {label}", [sham], cells, records, base)
            instead = _finished(cells[sham], records)
            beyond[mitigation_name] = _result(mitigation_name, label, names, cells, records, instead)
    if study.durability:
        start = f"{name}.{study.durability.of}.seed{grid.mitigations[study.durability.of].seeds[0]}"
        durability = [
            (steps, _result(study.durability.of, f"{steps} steps", [cell], cells, records, base))
            for steps, cell in [(0, start), *((steps, f"{start}.then{steps}") for steps in study.durability.steps)]
        ]
    for other in study.transfer.datasets if study.transfer else ():
        there = _finished(cells[f"{name}.base.on.{other}"], records)
        transfers[other] = (
            there and there[0],
            [
                _result(m, grid.mitigations[m].label or m, [f"{name}.{m}.seed{grid.mitigations[m].seeds[0]}.on.{other}"],
                        cells, records, there)
                for m in study.transfer.mitigations
            ],
        )  # fmt: skip
    correct(results)
    correct(list(shams.values()))
    for _, moved in transfers.values():
        correct(moved)
    return StudyNumbers(
        name, study, base and base[0], (origin and origin[0]) or None, results, shams, beyond, transfers, durability,
        "" if base else why_not(base_cell, records),
    )  # fmt: skip


def why_not(cell: Cell, records: Mapping[str, dict | None]) -> str:
    """Why a cell has no result."""
    record = records[cell.name]
    return f"failed: {record['reason']}" if record and record["status"] == "failed" else "not run"


def _finished(cell: Cell, records: Mapping[str, dict | None]) -> tuple[dict, list[dict]] | None:
    """The run of a cell that is done."""
    record = records[cell.name]
    return read_run(cell.run) if record and record["status"] == "done" and cell.run.is_dir() else None


def _result(name: str, label: str, names: Sequence[str], cells, records: Mapping[str, dict | None], base) -> Result:
    """Compare the runs of some cells with the base's."""
    result = Result(name, label)
    answers, seconds = [], []
    for cell in (cells[cell_name] for cell_name in names):
        run = _finished(cell, records)
        if run is None or base is None:
            result.missing[cell.name] = why_not(cell, records)
            continue
        result.cells.append(cell.name)
        result.records.append(run[0])
        answers.append(run[1])
        seconds.append(records[cell.name]["seconds"])
        tuning = cell.folder / "tuning.json"
        if tuning.is_file():
            result.parameters = json.loads(tuning.read_text(encoding="utf-8"))["trainable_parameters"]
    if answers:
        result.seconds = mean(seconds)
        result.effects = compare_seeds(base, answers)
        kind = kind_of_run(base[0])
        for key in kind.meanings or KEYS:
            result.seeds[key] = [record["metrics"][key] for record in result.records]
    return result


def compare_seeds(base: tuple[dict, list[dict]], runs: Sequence[Sequence[dict]], bootstrap: int = 2000) -> dict:
    """The differences of some runs on the same rows to the base, as one comparison.

    Args:
        base: record and answers of the base model.
        runs: the answers of each seed's run.
        bootstrap: replicates of intervals and tests.

    Returns:
        part -> key -> `before` and `after` with `_low` and `_high`, `value` (after minus before), `ci_low`, `ci_high` and
        `p` (systems swapped source item by source item). A part without rows is left out, and so is one that is all.

    Raises:
        ValueError: a run is on other rows than the base.
    """
    record, base_answers = base
    kind = kind_of_run(record)
    for answers in runs:
        if [answer["id"] for answer in answers] != [answer["id"] for answer in base_answers]:
            raise ValueError("expected runs on the same rows as the base's, got others; run their cells again")
    metric = load_metric(kind.name)
    keys = list(kind.meanings or KEYS)
    frozen = {part: set(claims) for part, claims in frozen_claims(base_answers).items()} if kind is CLAIMS else {}
    unit = {"default": "claim_id", "are_you_sure": "question_id", "mimicry": "item_id"}[kind.name]
    found = {}
    for part in PARTS if kind is CLAIMS else ("all",):
        inside = [i for i, answer in enumerate(base_answers) if _in_part(answer, part)]
        if not inside or (part != "all" and len(inside) == len(base_answers)):
            continue
        rows = [
            row | {unit: f"{row[unit]}#{number}"}
            for number in range(len(runs))
            for row in references([base_answers[i] for i in inside], kind.references)
        ]
        units = {row[unit] for row in rows}
        before = [base_answers[i]["prediction"] for i in inside] * len(runs)
        after = [answers[i]["prediction"] for answers in runs for i in inside]
        settings = {"references": rows, "bootstrap": bootstrap}
        settings |= {name: [u for u in sorted(units) if u.rsplit("#", 1)[0] in ids] for name, ids in frozen.items()}
        compared = metric.compare(before=before, after=after, keys=keys, **settings)
        sides = {"before": metric.compute(predictions=before, **settings)}
        sides["after"] = metric.compute(predictions=after, **settings)
        # The rows of one item hang together, those of several seeds all the more: the test that swaps whole items.
        kept = ("before", "after", "value", "ci_low", "ci_high")
        found[part] = {key: {k: of[k] for k in kept} | {"p": of["p"]} for key, of in compared.items()}
        for key, side, end in product(keys, sides, ("low", "high")):
            found[part][key][f"{side}_{end}"] = sides[side][f"{key}_ci_{end}"]
    return found


def _in_part(answer: Mapping, part: str) -> bool:
    return part == "all" or is_held_out(answer["template"]) == (part == "held_out")


def correct(results: Sequence[Result]) -> None:
    """Correct p key by key over the mitigations of one table (Holm 1979).

    NaN stands where a denominator is empty: there is no test, and none to correct for.
    """
    holm = load_metric().holm
    for part in PARTS:
        effects = [result.effects[part] for result in results if part in result.effects]
        for key in effects[0] if effects else ():
            for of, adjusted in zip(effects, holm([of[key]["p"] for of in effects]), strict=True):
                if adjusted == adjusted:
                    of[key]["p_holm"] = adjusted
