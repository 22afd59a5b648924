# SPDX-License-Identifier: Apache-2.0
"""The page of an experiment: a view of its records. Nothing on it is typed but its words, the title and what the YAML says.

The words are in `page.md`, the tables in `tables.py`, the looks in `html.py`.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sycophancy.dataset.kinds import CLAIMS, FEEDBACK
from sycophancy.experiments import pictures, tables
from sycophancy.experiments.cells import current_records
from sycophancy.experiments.config import Ablation, Grid
from sycophancy.experiments.html import MARKDOWN, PICTURES, write_html
from sycophancy.experiments.numbers import Result, StudyNumbers, study_numbers
from sycophancy.experiments.plan import Cell, cell_keys
from sycophancy.experiments.verdicts import (
    GUARDED,
    Verdict,
    elsewhere,
    excludable,
    headline,
    headline_elsewhere,
    judge,
)
from sycophancy.files import write_text
from sycophancy.markdown import fill, hundredths, percent
from sycophancy.quoting import NOTHING_AGAINST, Run, limits
from sycophancy.records import versions
from sycophancy.reporting import kind_of_run

TEMPLATE = Path(__file__).with_name("page.md")


def write_page(grid: Grid, cells: Mapping[str, Cell], output_dir: Path) -> str:
    """Write `experiment.md`, `pictures/` and, from these, `experiment.html`.

    Args:
        grid: the experiment.
        cells: all its cells; those that did not run are shown as such.
        output_dir: of the experiment.

    Returns:
        The headlines, one a line.
    """
    records = current_records(output_dir, cells, cell_keys(cells))
    studies = {name: study_numbers(grid, cells, records, name) for name in grid.studies}
    judged = {
        name: judge(numbers.results, grid.margins, _split(numbers), numbers.study.decided_on, _other_behaviour(numbers))
        for name, numbers in studies.items()
    }
    headlines = [_headline(grid, numbers, judged[name]) for name, numbers in studies.items()]
    done = [record for record in records.values() if record and record["status"] == "done"]
    drawn: dict[str, str] = {}
    margins = grid.margins
    # Of what measured, where that is known: a page may be written on another machine.
    bases = [numbers.base for numbers in studies.values() if numbers.base]
    installed = bases[0].get("versions", versions()) if bases else versions()
    gpus = sorted({gpu for base in bases for gpu in base.get("hardware", {}).get("gpus", [])})
    text = fill(
        TEMPLATE,
        title=grid.title,
        headlines=headlines,
        about=grid.about,
        cells={
            "all": len(records),
            "done": len(done),
            "failed": sum(record is not None and record["status"] == "failed" for record in records.values()),
            "minutes": f"{sum(record['seconds'] for record in done) / 60:.0f}",
        },
        published=tables.published(grid, studies) if grid.published else "",
        published_note=grid.published_note,
        margins={
            "accuracy_no_opinion": hundredths(-margins.accuracy_no_opinion, digits=0),
            "uptake_effect": hundredths(-margins.uptake_effect, digits=0),
            "unparsed_rate": hundredths(margins.unparsed_rate, digits=0),
            "one_answer": percent(margins.one_answer, 0),
        },
        studies=[_study(grid, numbers, judged[name], drawn) for name, numbers in studies.items()],
        about_claims=any(numbers.base and not _other_behaviour(numbers) for numbers in studies.values()),
        mentions=any(tables.names_alone(numbers.base) for numbers in studies.values() if numbers.base),
        versions=", ".join(
            [f"{name} {installed[name]}" for name in ("torch", "transformers", "peft", "trl", "datasets")] + gpus
        ),
        commits=sorted({str(record["git"]["commit"])[:12] for record in done}),
        costs=tables.costs(cells, records, output_dir),
    )
    shutil.rmtree(output_dir / PICTURES, ignore_errors=True)
    (output_dir / PICTURES).mkdir()
    for name, svg in drawn.items():
        (output_dir / PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
    write_text(output_dir / MARKDOWN, text)
    write_html(output_dir)
    return "\n".join(headlines)


def study_label(grid: Grid, numbers: StudyNumbers) -> str:
    """How the page calls a study."""
    study = numbers.study
    dataset = grid.datasets[study.dataset].label or study.dataset
    return study.label or f"{grid.models[study.model].label or study.model} on {dataset}"


def _other_behaviour(numbers: StudyNumbers) -> dict | None:
    """The base's record where the study is about another behaviour than claims."""
    return numbers.base if numbers.base and kind_of_run(numbers.base) is not CLAIMS else None


def _split(numbers: StudyNumbers) -> str:
    return numbers.base["dataset"]["split"] if numbers.base else ""


def _headline(grid: Grid, numbers: StudyNumbers, judged: Mapping[str, Verdict]) -> str:
    label = study_label(grid, numbers)
    said = (
        f"{label}: {numbers.why_no_base}."
        if numbers.base is None
        else (headline_elsewhere if _other_behaviour(numbers) else headline)(
            label, numbers.base, numbers.results, judged
        )
    )
    return said[0].upper() + said[1:]


def _study(grid: Grid, numbers: StudyNumbers, judged: Mapping[str, Verdict], drawn: dict[str, str]) -> dict:
    """What the page says of one study; its pictures are put into `drawn`, by name."""
    if numbers.base is None:
        return {"label": study_label(grid, numbers), "base_ran": False, "why_no_base": numbers.why_no_base}
    ran = [result for result in numbers.results if result.effects]
    apart = [result for result in ran if {"seen", "held_out"} <= result.effects.keys()]
    several = [result for result in ran if len(result.records) > 1]

    def draw(kind: str, picture, *shown) -> str:
        """The name of a picture, drawn where there is something to show."""
        if not shown[0]:
            return ""
        drawn[f"{numbers.name}_{kind}"] = picture(*shown)
        return f"{numbers.name}_{kind}"

    shared = _shared(grid, numbers, draw)
    if _other_behaviour(numbers):
        rows = [shown for result in numbers.results for shown in (result, numbers.shams.get(result.name)) if shown]
        return shared | {
            "behaviour": _transfer(study_label(grid, numbers), "", numbers.base, rows, draw),
            "seeds": several and tables.seeds(several, numbers.base),
            "excludable": _excludable(
                numbers, judged, {Run("", numbers.base).quoted.knows: grid.margins.accuracy_no_opinion}
            ),
            "verdicts": tables.verdicts_elsewhere(numbers, judged),
            "held_out": tables.held_out_elsewhere(numbers) if apart else "",
        }
    metrics = numbers.base["metrics"]
    return shared | {
        "behaviour": None,
        "origin": numbers.origin and {"made": _rate(numbers.origin), "now": _rate(numbers.base)},
        "levels": tables.levels(numbers),
        "several_seeds": bool(several),
        "excludable": _excludable(numbers, judged, {key: getattr(grid.margins, key) for key in GUARDED}),
        "before_after": draw("before_after", pictures.before_after, ran, numbers.shams),
        "verdicts": tables.verdicts(numbers, grid, judged),
        "conditions": tables.conditions(numbers, grid, judged),
        "cost": draw("cost", pictures.effect_and_cost, ran, grid.margins),
        "differences": tables.differences(numbers),
        "shams": numbers.shams and tables.shams(numbers),
        "authority": draw("authority", lambda after: pictures.by_authority(numbers.base, after), ran),
        "held_out": draw("held_out", pictures.held_out, apart),
        "held_out_differences": apart and tables.differences(numbers, "held_out"),
        "ablations": [
            _ablation(entry, numbers, number, draw)
            for number, entry in enumerate(entry for entry in grid.ablations if entry.study == numbers.name)
        ],
        "durability": numbers.durability and _durability(grid, numbers, draw),
        "claims": f"{metrics['n_claims']:.0f}",
        "known": f"{metrics['n_known']:.0f}",
        "wordings": len(numbers.base["by_template"]),
    }


def _excludable(numbers: StudyNumbers, judged: Mapping[str, Verdict], margins: Mapping[str, float]) -> list[str]:
    """Of each key that may not fall, what its margin is and what loss the data could have ruled out."""
    said = []
    for key, margin in margins.items():
        if halves := key and excludable(numbers.results, judged, key):
            least, most = (hundredths(half) for half in halves)
            span = least if least == most else f"{least} to {most}"
            said.append(f"{span} points of `{key}` (margin: {hundredths(margin, digits=0)})")
    return said


def _shared(grid: Grid, numbers: StudyNumbers, draw) -> dict:
    """What the page says of a study whatever it is about."""
    data = numbers.base["dataset"]
    return {
        "label": study_label(grid, numbers),
        "base_ran": True,
        "decided_on": numbers.study.decided_on,
        "elsewhere": _elsewhere(grid, numbers, draw),
        "transfers": [
            _transfer(grid.datasets[other].label or other, number, base, results, draw)
            for number, (other, (base, results)) in enumerate(numbers.transfers.items())
        ],
        "model": numbers.base["model"]["name"],
        "model_fingerprint": numbers.base["model"]["fingerprint"],
        "dataset": data["name"],
        "split": data["split"],
        "fingerprint": data["fingerprint"],
        "rows": data["rows"],
        "source_items": f"{numbers.base['metrics']['n_clusters']:.0f}",
        "n_seeds": ", ".join(f"{result.label} {len(result.records)}" for result in numbers.results if result.records),
    }


def _rate(record: Mapping) -> str:
    return percent(record["metrics"]["opinion_alignment"])


def _ablation(entry: Ablation, numbers: StudyNumbers, number: int, draw) -> dict:
    compared = [result for name in entry.mitigations for result in numbers.results if result.name == name]
    shown = [result for result in compared if result.effects]
    return {
        "label": entry.label,
        "picture": draw(f"ablation{number}", pictures.ablation, shown),
        "missing": [result.label for result in compared if not result.effects],
    }


def _elsewhere(grid: Grid, numbers: StudyNumbers, draw) -> dict | None:
    """The other datasets side by side; `None` where there are none."""
    if not numbers.transfers:
        return None
    there = {grid.datasets[other].label or other: moved for other, moved in numbers.transfers.items()}
    labels = dict.fromkeys(result.label for _, results in there.values() for result in results)
    by_label = {
        label: {
            name: (base, next((r for r in results if r.label == label), None))
            for name, (base, results) in there.items()
        }
        for label in labels
    }
    ran = {
        name: (base, [result for result in results if result.effects])
        for name, (base, results) in there.items()
        if base is not None and any(result.effects for result in results)
    }
    sentences = [elsewhere(label, moved) for label, moved in by_label.items()]
    return {
        "table": tables.glance(there),
        "picture": draw("elsewhere", pictures.elsewhere, ran),
        "sentences": list(filter(None, sentences)),
        "shams": any(result.is_sham for _, results in there.values() for result in results),
    }


def _transfer(label: str, number: int | str, base: Mapping | None, results: Sequence[Result], draw) -> dict:
    """What the page says of one behaviour: of another dataset, or of a study that is not about claims."""
    found = {"label": label, "table": tables.transfer(base, results), "base_ran": base is not None}
    if base is None:
        return found
    run, kind = Run("", base), kind_of_run(base)
    ran = [result for result in results if result.records]
    by_round = tables.transfer_rounds(base, results)
    return found | {
        "rows": base["dataset"]["rows"],
        "dataset": base["dataset"]["name"],
        "split": base["dataset"]["split"],
        "answered": base.get("answer", "scores"),
        "effect": run.quoted.effect[0].upper() + run.quoted.effect[1:],
        "key": run.quoted.headline,
        "knows": run.quoted.knows,
        "floor": run.quoted.floor,
        "in_points": kind is FEEDBACK,
        "every_key": tables.transfer_keys(base, results),
        "by_round": by_round,
        "picture": by_round and draw(f"rounds{number}", lambda shown: pictures.rounds(base, shown), ran),
        "limits": _limits([("no mitigation", base), *((f"“{result.label}”", result.records[0]) for result in ran)]),
    }


def _limits(systems: Sequence[tuple[str, Mapping]]) -> list[str]:
    """What speaks against reading these runs; what can be said of several but for the numbers, once."""
    found: dict[str, tuple[str, str, list[str]]] = {}
    for label, record in systems:
        for sentence in limits(Run("", record)):
            shape = re.sub(r"[-+]?\d[\d.,]*", "", sentence)
            if sentence != NOTHING_AGAINST:
                found.setdefault(shape, (label, sentence, []))[2].append(label)
    return [
        f"{label}: {sentence}" + (f" The same goes for {', '.join(of[1:])}." if of[1:] else "")
        for label, sentence, of in found.values()
    ]


def _durability(grid: Grid, numbers: StudyNumbers, draw) -> dict:
    """How long the effect lasts."""
    ran = [(steps, result) for steps, result in numbers.durability if result.effects]
    plan = numbers.study.durability
    mitigation = grid.mitigations[plan.of]
    found = {
        "label": plan.label,
        "of": mitigation.label or plan.of,
        "seed": mitigation.seeds[0],
        "table": tables.durability(numbers),
        "missing": [f"{steps} steps" for steps, result in numbers.durability if not result.effects],
        "picture": "",
    }
    if not ran or ran[0][0] != 0 or not ran[0][1].effects["all"]["opinion_alignment"]["value"] < 0:
        return found
    changes = [(steps, result.effects["all"]["opinion_alignment"]["value"]) for steps, result in ran]
    return found | {
        "tried": [steps for steps, _ in changes[1:]] or [0],
        "half_gone": next((steps for steps, value in changes if value > changes[0][1] / 2), None),
        "picture": draw("durability", pictures.durability, ran, numbers.base["metrics"]["opinion_alignment"]),
    }
