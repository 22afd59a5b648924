# SPDX-License-Identifier: Apache-2.0
"""The page of an experiment: a view of its records. Nothing on it is typed but the title and what the YAML says."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from sycophancy.experiments import pictures, tables
from sycophancy.experiments.blocks import Bullets, Heading, Picture, Text, to_html, to_markdown
from sycophancy.experiments.cells import current_records
from sycophancy.experiments.config import Grid
from sycophancy.experiments.numbers import StudyNumbers, study_numbers
from sycophancy.experiments.plan import Cell, cell_keys
from sycophancy.experiments.verdicts import headline
from sycophancy.markdown import percent
from sycophancy.records import versions


def write_page(grid: Grid, cells: Mapping[str, Cell], output_dir: Path) -> str:
    """Write `experiment.html`, `experiment.md` and `pictures/`.

    Args:
        grid: the experiment.
        cells: all its cells; those that did not run are shown as such.
        output_dir: of the experiment.

    Returns:
        The headlines, one a line.
    """
    records = current_records(output_dir, cells, cell_keys(cells))
    studies = {name: study_numbers(grid, cells, records, name) for name in grid.studies}
    headlines = [_headline(grid, numbers) for numbers in studies.values()]
    blocks = [Heading(grid.title, 1)]
    blocks += [Text(line, lead=True) for line in headlines]
    blocks += [Text(grid.about)] if grid.about else []
    blocks += [Text(_what_ran(records))]
    if grid.published:
        blocks += [Heading("Beside the published numbers"), tables.published(grid, studies)]
    for numbers in studies.values():
        blocks += _study_blocks(grid, numbers)
    blocks += [Heading("Methods"), *_methods(grid, studies, records)]
    blocks += [Heading("What each number cost"), tables.costs(cells, records, output_dir)]
    shutil.rmtree(output_dir / "pictures", ignore_errors=True)
    (output_dir / "pictures").mkdir()
    for block in blocks:
        if isinstance(block, Picture):
            (output_dir / "pictures" / f"{block.name}.svg").write_text(block.svg, encoding="utf-8")
    _write(output_dir / "experiment.md", to_markdown(blocks))
    _write(output_dir / "experiment.html", to_html(blocks))
    return "\n".join(headlines)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def study_label(grid: Grid, numbers: StudyNumbers) -> str:
    """How the page calls a study."""
    study = numbers.study
    return study.label or f"{grid.models[study.model].label or study.model} on {study.dataset}"


def _headline(grid: Grid, numbers: StudyNumbers) -> str:
    label = study_label(grid, numbers)
    said = (
        f"{label}: {numbers.why_no_base}."
        if numbers.base is None
        else headline(label, numbers.base, numbers.results, grid.margins)
    )
    return said[0].upper() + said[1:]


def _what_ran(records: Mapping[str, dict | None]) -> str:
    done = [record for record in records.values() if record and record["status"] == "done"]
    failed = sum(record is not None and record["status"] == "failed" for record in records.values())
    seconds = sum(record["seconds"] for record in done)
    return (
        f"{len(done)} of {len(records)} cells ran ({failed} failed, {len(records) - len(done) - failed} not run), "
        f"{seconds / 60:.0f} minutes in all. What did not run is shown as “not run”."
    )


def _study_blocks(grid: Grid, numbers: StudyNumbers) -> list:
    """Everything about one study."""
    label = study_label(grid, numbers)
    blocks = [Heading(label)]
    if numbers.base is None:
        return [*blocks, Text(f"The base was not measured: {numbers.why_no_base}.")]
    ran = [result for result in numbers.results if result.effects]

    def picture(kind: str, svg: str, caption: str) -> Picture:
        return Picture(f"{numbers.name}_{kind}", svg, caption)

    blocks += [Text(_story(numbers))] if numbers.origin else []
    blocks += [tables.levels(numbers)]
    if ran:
        blocks += [
            picture("before_after", pictures.before_after(ran, numbers.shams),
                    f"{label}: how often it sides with a user who is wrong, before and after each mitigation, with 95 % "
                    "intervals."),
            Heading("Where it gains, where it fails", 3),
            tables.verdicts(numbers, grid),
            picture("cost", pictures.effect_and_cost(ran, grid.margins),
                    "Effect against cost: what each mitigation changes of the alignment with a wrong user (left is better) "
                    "and of what must not fall (below the dashed line the cost is beyond the margin)."),
            Heading("Differences and tests", 3),
            tables.differences(numbers),
        ]  # fmt: skip
    several = [result for result in ran if len(result.records) > 1]
    blocks += [Heading("Over seeds", 3), tables.seeds(several)] if several else []
    if numbers.shams:
        blocks += [Heading("Shams", 3), tables.shams(numbers)]
    if ran:
        blocks += [
            Heading("By the user's authority", 3),
            picture("authority", pictures.by_authority(numbers.base, ran),
                    "How often the model sides with a wrong user by who the user says they are: before (orange circles) and "
                    "after (blue squares), first seed, with 95 % intervals."),
        ]  # fmt: skip
    apart = [result for result in ran if "held_out" in result.effects]
    if apart:
        blocks += [
            Heading("Held-out wordings", 3),
            picture("held_out", pictures.held_out(apart),
                    "The change of alignment in wordings that occur in the train split and in wordings that never do."),
            tables.differences(numbers, "held_out"),
        ]  # fmt: skip
    for number, entry in enumerate(entry for entry in grid.ablations if entry.study == numbers.name):
        blocks += [Heading(f"Ablation: {entry.label}", 3)]
        compared = [result for name in entry.mitigations for result in numbers.results if result.name == name]
        missing = [result.label for result in compared if not result.effects]
        shown = [result for result in compared if result.effects]
        if shown:
            blocks.append(
                picture(f"ablation{number}", pictures.ablation(shown), f"{entry.label}, with 95 % intervals.")
            )
        blocks += [Text(f"Not run: {', '.join(missing)}.")] if missing else []
    for other, (base, results) in numbers.transfers.items():
        blocks += [Heading(f"Elsewhere: {grid.datasets[other].label or other}", 3), tables.transfer(base, results)]
    return blocks + _durability(numbers, picture)


def _story(numbers: StudyNumbers) -> str:
    rates = [record["metrics"]["opinion_alignment"] for record in (numbers.origin, numbers.base)]
    made, now = map(percent, rates)
    return (
        f"Before it was trained to please, the model sided with a wrong user in {made} of cases; since then, in {now}. "
        "The mitigations start from there."
    )


def _durability(numbers: StudyNumbers, picture) -> list:
    """How long the effect lasts."""
    if not numbers.durability:
        return []
    plan = numbers.study.durability
    ran = [(steps, result) for steps, result in numbers.durability if result.effects]
    blocks = [Heading(f"Durability under {plan.label}", 3)]
    missing = [f"{steps} steps" for steps, result in numbers.durability if not result.effects]
    if ran and ran[0][0] == 0:
        base = numbers.base["metrics"]["opinion_alignment"]
        changes = [(steps, result.effects["all"]["opinion_alignment"]["value"]) for steps, result in ran]
        gone = [steps for steps, value in changes if value > changes[0][1] / 2]
        said = (
            f"Half of the effect is gone after {gone[0]} steps (of those tried: {', '.join(str(s) for s, _ in changes[1:])})."
            if gone
            else f"More than half of the effect is left after {changes[-1][0]} steps, the most that were tried."
        )
        blocks += [picture("durability", pictures.durability(ran, base), said)]
    return blocks + ([Text(f"Not run: {', '.join(missing)}.")] if missing else [])


def _methods(grid: Grid, studies: Mapping[str, StudyNumbers], records: Mapping[str, dict | None]) -> list:
    """What was done, with n, seeds and tests."""
    items = []
    for numbers in studies.values():
        if numbers.base is None:
            continue
        data, metrics = numbers.base["dataset"], numbers.base["metrics"]
        seeds = ", ".join(f"{result.label} {len(result.records)}" for result in numbers.results if result.records)
        items.append(
            f"{study_label(grid, numbers)}: model `{numbers.base['model']['name']}` "
            f"(`{numbers.base['model']['fingerprint']}`), {data['rows']} rows about {metrics['n_clusters']:.0f} source items "
            f"of `{data['name']}` ({data['split']}, `{data['fingerprint']}`), {metrics['n_claims']:.0f} claims in "
            f"{len(numbers.base['by_template'])} wordings, {metrics['n_known']:.0f} known. Seeds: {seeds or 'none'}."
        )
    done = [record for record in records.values() if record and record["status"] == "done"]
    commits = sorted({str(record["git"]["commit"])[:12] for record in done})
    many = "; the cells come from different commits" if len(commits) > 1 else ""
    installed = versions()
    used = ", ".join(f"{name} {installed[name]}" for name in ("torch", "transformers", "peft", "trl", "datasets"))
    return [
        Text(
            "Every claim appears true and false, each without an opinion, with a wrong and with a right user. Alignment is "
            "the share of wrong users that the model sides with; after the baseline filter, on the claims that the base "
            "answers right without an opinion, the same claims for every mitigation. Accuracy drop is accuracy without an "
            "opinion minus with one; opinion effect, accuracy with a right user minus with a wrong one; right uptake, how "
            "often a right user is followed on claims answered wrong alone; contrarian rate, how often a right user is "
            "contradicted on known claims."
        ),
        Text(
            "Intervals are 95 % cluster-bootstrap intervals over source items (2,000 replicates), paired for differences; "
            "with several seeds an item is drawn with its rows of all seeds, so that the interval is that of the mean over "
            "these seeds and says nothing of other seeds, for which the standard deviation stands beside it. p is from "
            "swapping the two systems source item by source item (2,000 replicates, so never below 0.0005), corrected over "
            "the mitigations of a table key by key (Holm)."
        ),
        Bullets(items) if items else Text("No study has run."),
        Text(f"{used}; commit {', '.join(commits) or 'none'}{many}."),
    ]
