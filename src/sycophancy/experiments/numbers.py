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
from sycophancy.dataset.kinds import CLAIMS, FEEDBACK, TURNS
from sycophancy.experiments.config import Grid, Study
from sycophancy.experiments.plan import Cell
from sycophancy.feedback.rows import WORDINGS
from sycophancy.markdown import hundredths, is_undefined
from sycophancy.metric import frozen_claims, load_metric, references
from sycophancy.records import read_run
from sycophancy.reporting import kind_of_run

KEYS = (
    "opinion_alignment", "opinion_alignment_known", "opinion_alignment_worst", "opinion_shift", "accuracy_drop",
    "opinion_effect", "uptake_effect", "right_uptake", "contrarian_rate", "accuracy_no_opinion", "modal_answer_rate",
    "unparsed_rate",
)  # fmt: skip
"""What is compared with the base; beside it `unparsed_rate/<condition>` of each condition that the rows have."""

MENTION_KEYS = ("mention_shift", "opinion_beyond_mention")
"""Compared too where an answer is also named that nobody holds: what mere words do, and what a view adds to them."""

HABITS = ("modal_answer_rate", "affirm_rate", "first_position_rate")
"""Rates that are near 1 in a wording to which a model has one answer."""

HELD_OUT_RATINGS = [wording.name for wording in WORDINGS if wording.held_out]
"""Wordings of ratings that never occur in train."""

PARTS = ("all", "seen", "held_out")
"""All rows, those in wordings that occur in train, and those in wordings that never do."""


@dataclass(frozen=True)
class Habit:
    """One rate of `HABITS` in one wording: the base's, and the highest of any seed."""

    key: str
    template: str
    before: float
    after: float


@dataclass
class Result:
    """A mitigation (or its sham, or the base on another dataset) against the base.

    Attributes:
        name, label: of the mitigation.
        effects: what `compare_seeds` gives, and later `p_holm` beside `p`.
        beyond: the same against its shams, each seed beside the sham of that seed; empty without a sham.
        habits: what each seed answers to each wording, by part; empty but for claims.
        seeds: key -> the value of each seed.
        records: run records by seed.
        cells: names of the cells behind it.
        missing: why a cell did not run, by cell.
        n_shams: how many seeds have a sham.
        is_sham: whether this is one.
        is_control: whether this is the control of another mitigation, as examples without opinions are.
        parameters: trained ones; `None` where nothing is trained.
        seconds: mean over seeds of what the cell took.
    """

    name: str
    label: str
    effects: dict = field(default_factory=dict)
    beyond: dict = field(default_factory=dict)
    habits: dict = field(default_factory=dict)
    seeds: dict = field(default_factory=dict)
    records: list = field(default_factory=list)
    cells: list = field(default_factory=list)
    missing: dict = field(default_factory=dict)
    n_shams: int = 0
    is_sham: bool = False
    is_control: bool = False
    parameters: int | None = None
    seconds: float | None = None

    @property
    def has_its_shams(self) -> bool:
        """Whether each seed has its sham; what trains nothing needs none."""
        return self.parameters is None or self.n_shams >= len(self.records)

    def of_seeds(self, key: str, real: bool = False) -> str:
        """Mean over seeds with its standard deviation (n - 1), in percent or, of what is no share, as it is; "" for one seed."""
        values = [value for value in self.seeds.get(key, []) if value is not None]
        if len(values) < 2:
            return ""
        shown = [f"{value:.2f}" if real else hundredths(value) for value in (mean(values), stdev(values))]
        return f"{shown[0]} (sd {shown[1]}, n = {len(values)})"


@dataclass
class StudyNumbers:
    """All that the page shows of one study. `base` and `origin` are run records, `None` where they did not run."""

    name: str
    study: Study
    base: dict | None
    origin: dict | None
    results: list
    shams: dict
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
    results, shams, durability, transfers = [], {}, [], {}
    for mitigation_name in study.mitigations:
        mitigation = grid.mitigations[mitigation_name]
        label = mitigation.label or mitigation_name
        names = [f"{name}.{mitigation_name}.seed{seed}" for seed in mitigation.seeds]
        result = _result(mitigation_name, label, names, cells, records, base)
        result.is_control = mitigation.is_control
        results.append(result)
        if mitigation.sham:
            sham_names = [f"{name}.{mitigation_name}.sham{seed}" for seed in mitigation.seeds]
            shams[mitigation_name] = _result(mitigation_name, f"sham of {label}", sham_names, cells, records, base)
            shams[mitigation_name].is_sham = True
            _compare_with_shams(result, names, sham_names, cells, records, base)
    if study.durability:
        start = f"{name}.{study.durability.of}.seed{grid.mitigations[study.durability.of].seeds[0]}"
        durability = [
            (steps, _result(study.durability.of, f"{steps} steps", [cell], cells, records, base))
            for steps, cell in [(0, start), *((steps, f"{start}.then{steps}") for steps in study.durability.steps)]
        ]
    for other in study.transfer.datasets if study.transfer else ():
        there = _finished(cells[f"{name}.base.on.{other}"], records)
        transfers[other] = (there and there[0], _elsewhere(grid, name, other, cells, records, there))
    _correct_apart([*results, *shams.values()])
    for _, moved in transfers.values():
        _correct_apart(moved)
    return StudyNumbers(
        name, study, base and base[0], (origin and origin[0]) or None, results, shams, transfers, durability,
        "" if base else why_not(base_cell, records),
    )  # fmt: skip


def _elsewhere(grid: Grid, name: str, other: str, cells, records: Mapping[str, dict | None], there) -> list[Result]:
    """The mitigations of a study on another dataset, each with its sham behind it where that was measured."""
    study, found = grid.studies[name], []
    for key in study.transfer.mitigations:
        label, seed = grid.mitigations[key].label or key, grid.mitigations[key].seeds[0]
        names = [f"{name}.{key}.{kind}{seed}.on.{other}" for kind in ("seed", "sham")]
        found.append(_result(key, label, names[:1], cells, records, there))
        found[-1].is_control = grid.mitigations[key].is_control
        if names[1] in cells:
            _compare_with_shams(found[-1], names[:1], names[1:], cells, records, there)
            found.append(_result(key, f"sham of {label}", names[1:], cells, records, there))
            found[-1].is_sham = True
    return found


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
        if kind is CLAIMS:
            result.habits = wording_habits(base[1], answers)
        for key in kind.meanings or (*KEYS, *MENTION_KEYS):
            result.seeds[key] = [record["metrics"].get(key) for record in result.records]
    return result


def _compare_with_shams(result: Result, names, sham_names, cells, records: Mapping[str, dict | None], base) -> None:
    """Put each seed beside the sham of that seed; a seed without one beside the first sham that there is."""
    shams = [_finished(cells[name], records) for name in sham_names]
    result.n_shams = sum(sham is not None for sham in shams)
    first = next((sham for sham in shams if sham), None)
    runs = [(_finished(cells[name], records), sham or first) for name, sham in zip(names, shams, strict=True)]
    runs = [(run[1], sham[1]) for run, sham in runs if run and sham]
    if base and runs:
        result.beyond = compare_seeds(base, [run for run, _ in runs], instead=[sham for _, sham in runs])


def compare_seeds(
    base: tuple[dict, list[dict]], runs: Sequence[Sequence[dict]], bootstrap: int = 2000,
    instead: Sequence[Sequence[dict]] | None = None,
) -> dict:  # fmt: skip
    """The differences of some runs on the same rows to the base, as one comparison.

    Args:
        base: record and answers of the base model; the known and unknown claims are its, whatever is compared.
        runs: the answers of each seed's run.
        bootstrap: replicates of intervals and tests.
        instead: the answers that each run is compared with, such as those of its sham [the base's].

    Returns:
        part -> key -> `before` and `after` with `_low` and `_high`, `value` (after minus before), `ci_low`, `ci_high`,
        `p` (systems swapped source item by source item) and `sd`, the standard deviation (n - 1) of the value over the
        runs, NaN of one. A part without rows is left out, and so is `seen` where nothing is held out.

    Raises:
        ValueError: a run is on other rows than the base.
    """
    record, base_answers = base
    kind = kind_of_run(record)
    firsts = instead or [base_answers] * len(runs)
    for answers in (*runs, *firsts):
        if [answer["id"] for answer in answers] != [answer["id"] for answer in base_answers]:
            raise ValueError("expected runs on the same rows as the base's, got others; run their cells again")
    metric = load_metric(kind.name)
    keys = list(kind.meanings or claim_keys(base_answers))
    frozen = {part: set(claims) for part, claims in frozen_claims(base_answers).items()} if kind is CLAIMS else {}
    unit = {CLAIMS.name: "claim_id", TURNS.name: "question_id"}.get(kind.name, "item_id")
    found = {}
    for part in PARTS if kind in (CLAIMS, FEEDBACK) else ("all",):
        inside = [i for i, answer in enumerate(base_answers) if _in_part(answer, part)]
        if not inside or (part == "seen" and len(inside) == len(base_answers)):
            continue
        if part == "held_out" and len(inside) == len(base_answers):
            found[part] = found["all"]
            continue
        rows = [
            row | {unit: f"{row[unit]}#{number}"}
            for number in range(len(runs))
            for row in references([base_answers[i] for i in inside], kind.references)
        ]
        units = {row[unit] for row in rows}
        before = [answers[i]["prediction"] for answers in firsts for i in inside]
        after = [answers[i]["prediction"] for answers in runs for i in inside]
        settings = {"references": rows, "bootstrap": bootstrap}
        # Ratings are the expected ones where all sides have scores, as a run's own are.
        scores = [_scores([answers[i] for answers in side for i in inside]) for side in (firsts, runs)]
        scored = [{"choice_logprobs": side} for side in scores] if kind is FEEDBACK and all(scores) else [{}, {}]
        settings |= {name: [u for u in sorted(units) if u.rsplit("#", 1)[0] in ids] for name, ids in frozen.items()}
        both = {"choice_logprobs": tuple(scores)} if scored[0] else {}
        compared = metric.compare(before=before, after=after, keys=keys, **settings, **both)
        sides = {"before": metric.compute(predictions=before, **settings, **scored[0])}
        sides["after"] = metric.compute(predictions=after, **settings, **scored[1])
        # The rows of one item hang together, those of several seeds all the more: the test that swaps whole items.
        kept = ("before", "after", "value", "ci_low", "ci_high")
        found[part] = {key: {k: of[k] for k in kept} | {"p": of["p"]} for key, of in compared.items()}
        for key, side, end in product(keys, sides, ("low", "high")):
            found[part][key][f"{side}_{end}"] = sides[side][f"{key}_ci_{end}"]
        alone = {"references": references([base_answers[i] for i in inside], kind.references), "bootstrap": 0}
        ids = {row[unit] for row in alone["references"]}
        alone |= {name: sorted(ids & claims) for name, claims in frozen.items()}

        def rates(answers: Sequence[Mapping], alone=alone, inside=inside, with_scores=bool(scored[0])) -> dict:
            """The keys of one run on this part."""
            kept = [answers[i] for i in inside]
            more = {"choice_logprobs": _scores(kept)} if with_scores else {}
            return metric.compute(predictions=[answer["prediction"] for answer in kept], **alone, **more)

        lasts, starts = [], []
        if len(runs) > 1:
            lasts = [rates(answers) for answers in runs]
            starts = [rates(answers) for answers in firsts] if instead else [rates(base_answers)] * len(runs)
        for key in keys:
            found[part][key]["sd"] = _spread(
                [last[key] - start[key] for last, start in zip(lasts, starts, strict=True)]
            )
    return found


def _spread(values: Sequence[float]) -> float:
    """Standard deviation (n - 1) of the values that are defined; NaN of fewer than two."""
    defined = [value for value in values if not is_undefined(value)]
    return stdev(defined) if len(defined) > 1 else float("nan")


def _scores(answers: Sequence[Mapping]) -> list[dict] | None:
    """The log-probabilities of the choices; `None` where an answer has none."""
    found = [answer.get("choice_logprobs") for answer in answers]
    return found if all(found) else None


def claim_keys(answers: Sequence[Mapping]) -> list[str]:
    """The metric's keys that are compared on rows of claims: `KEYS`, and those of the conditions that the rows have."""
    conditions = dict.fromkeys(answer["condition"] for answer in answers)
    named = MENTION_KEYS if "mention" in conditions else ()
    return [*KEYS, *named, *(f"unparsed_rate/{condition}" for condition in conditions)]


def wording_habits(base: Sequence[Mapping], runs: Sequence[Sequence[dict]]) -> dict[str, list[Habit]]:
    """How often the base and the runs give one answer, affirm, or take the first choice, wording by wording.

    A mean over wordings hides a model that always affirms in one and always denies in another.

    Args:
        base: answers of the base model.
        runs: the answers of each seed's run.

    Returns:
        part -> the rates of its wordings that are defined for the base and a run.
    """
    metric, rows = load_metric(), references(base)
    rows = [row | {"template": answer["template"]} for row, answer in zip(rows, base, strict=True)]

    def rates(answers: Sequence[Mapping]) -> dict:
        texts = [answer["prediction"] for answer in answers]
        return metric.compute(predictions=texts, references=rows, by=["template"], bootstrap=0)

    before, after = rates(base), [rates(answers) for answers in runs]
    found: dict[str, list[Habit]] = {part: [] for part in PARTS}
    for template in dict.fromkeys(answer["template"] for answer in base):
        for key in HABITS:
            name = f"template/{template}/{key}"
            highest = max((side[name] for side in after if side[name] == side[name]), default=float("nan"))
            if before[name] == before[name] and highest == highest:
                habit = Habit(key, template, before[name], highest)
                for part in ("all", "held_out" if is_held_out(template) else "seen"):
                    found[part].append(habit)
    return found


def _in_part(answer: Mapping, part: str) -> bool:
    if part == "all":
        return True
    name = answer["template"]
    held_out = name in HELD_OUT_RATINGS if "quality" in answer and "claim_id" not in answer else is_held_out(name)
    return held_out == (part == "held_out")


def _correct_apart(results: Sequence[Result]) -> None:
    """Correct the mitigations of a table among themselves, and so its shams and the controls of other mitigations.

    A control is no try: nothing is claimed of it, so that the mitigations need not pay for it.
    """
    correct([result for result in results if not result.is_sham and not result.is_control])
    correct([result for result in results if result.is_sham])
    correct([result for result in results if result.is_control])


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
