# SPDX-License-Identifier: Apache-2.0
"""Writes the parts of the documents that are made from records, so that none of their numbers is typed.

    python benchmarks/documents.py

A part stands between `<!-- made: NAME -->` and `<!-- end -->` in a document. Run this after records under docs/results/ have
changed; `tests/test_docs.py` compares what stands there with what this makes.
"""

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import stdev

from real_models import markdown_of_answers
from scale import markdown, markdown_of_chat_models, markdown_of_costs
from served import markdown_of_served
from table import front, shares, table

from sycophancy.markdown import hundredths, markdown_table, percent, points, rating, with_interval
from sycophancy.preferences.card import change_table, effects_table, scores_table
from sycophancy.reporting import by_authority_table, dropped_sentence, summary

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = ROOT / "docs" / "results" / "quickstart"
EXPERIMENTS = ROOT / "docs" / "results" / "experiments"
REVIEWS, SST2, QWEN = (EXPERIMENTS / name / "experiment.md" for name in ("reviews", "sst2", "qwen"))
SST2_ORGANISM = ROOT / "docs" / "results" / "sst2_organism"
TRANSFER = ROOT / "docs" / "results" / "transfer"
BENCHMARKS = ROOT / "docs" / "results" / "benchmarks"
REAL_MODELS = ROOT / "docs" / "results" / "real_models"
APPROVAL = ROOT / "docs" / "results" / "approval"
FEEDBACK = ROOT / "docs" / "results" / "feedback"
ARE_YOU_SURE = ROOT / "docs" / "results" / "are_you_sure"

CHAT_MODELS = {"qwen": "Qwen2.5-Coder-0.5B-Instruct", "smollm2": "SmolLM2-135M-Instruct"}
"""Name of a record -> the chat model that it is of."""

SHOWN = (
    "alignment",
    "alignment, known claims",
    "uptake effect",
    "right uptake",
    "accuracy, no opinion",
    "parameters trained",
)
"""Columns of an experiment's first tables that a document repeats; a page that lacks one is shown without it."""

TUNED = {
    "alignment": "sides with a wrong user",
    "opinion beyond its words": "a user's view, beyond the mention",
    "mere mention": "a mere mention",
    "accuracy, no opinion": "right alone",
    "uptake effect": "right with a right user minus with a wrong one, where it is wrong alone",
}
"""What the front page says of a tuning: the gain, and what it costs, by the columns of an experiment's page."""

TUNINGS = {
    "LoRA": "LoRA, users half right: change [95 %]",
    "LoRA, users mostly right": "LoRA, users right in 8 of 10: change [95 %]",
    "soft prompt of 20": "soft prompt of 20, users half right: change [95 %]",
}
"""Row of the page -> head of its column on the front page."""

PRINTED = ("opinion_alignment", "opinion_shift", "mention_shift", "opinion_beyond_mention", "accuracy_no_opinion", "chance", "uptake_effect",
           "unparsed_rate")  # fmt: skip
"""The keys that the front page shows of all that `measure.py` prints."""


def read(path: Path) -> dict:
    """A record."""
    return json.loads(path.read_text(encoding="utf-8"))


def quickstart() -> str:
    """What the quickstart's soft prompt does, in a sentence and by the user's authority."""
    report, organism = read(QUICKSTART / "report.json"), read(QUICKSTART / "organism.json")
    model = f"The organism has {organism['parameters']:,} parameters."
    return f"{model} {dropped_sentence(report)}\n\n{by_authority_table(report)}"


def transcript() -> str:
    """What `make quickstart` prints, without what its builder says."""
    organism, before = read(QUICKSTART / "organism.json"), read(QUICKSTART / "before_run.json")
    made = f"wrote out/quickstart/organism: {organism['parameters']} parameters, {organism['seconds']:.0f} s"
    return "\n".join(["```", made, summary(before), "...", dropped_sentence(read(QUICKSTART / "report.json")), "```"])


def printed() -> str:
    """The lines of what `measure.py` prints that the front page quotes."""
    lines = summary(read(REAL_MODELS / "qwen_answers_text.json")).splitlines()
    kept = [line for line in lines if line[2:28].strip() in PRINTED or " rows/s, " in line]
    return "\n".join(["```", *kept, "```"])


def tuned() -> str:
    """What tuning does to the front page's first model, with what it costs and what its control does in the same table.

    A level has its standard deviation over seeds; a control that did not run has no column.
    """
    levels, changes = (by_row(block) for block in first_tables(QWEN.read_text(encoding="utf-8"), 2))
    shams = {name: sham for name in TUNINGS if "not run" not in (levels.get(sham := f"sham of {name}") or {}).values()}
    rows = []
    for column, meaning in TUNED.items():
        cells = [levels["no mitigation"][column].split(" ")[0]]
        for name in TUNINGS:
            level, _, spread = levels[name][column].partition("; ")
            change, *sham = (changes[row][column].split(" p ")[0] for row in (name, shams.get(name)) if row)
            cells += [f"{level.split(' ')[0]}{f' ({spread})' * bool(spread)}: {change}", *sham]
        rows.append([meaning, *cells])
    heads = [part for name, head in TUNINGS.items() for part in (head, *["its control"] * (name in shams))]
    return markdown_table(["percent, or points", "before", *heads], rows)


def informed() -> str:
    """What is left of listening to right users after LoRA, by how often the users of the train rows were right, seed by seed."""
    levels = by_row(first_tables(QWEN.read_text(encoding="utf-8"), 1)[0])
    rows = [["no mitigation", levels["no mitigation"]["uptake effect"], "–", "–"]]
    for label, name in {"LoRA": "lora", "LoRA, users mostly right": "lora_informed"}.items():
        runs = (read(QWEN.parent / "cells" / f"qwen.{name}.seed{seed}" / "after" / "run.json") for seed in range(3))
        seeds = [run["metrics"]["uptake_effect"] for run in runs]
        # A page of this edition has the standard deviation in the same cell.
        mean = levels[label]["uptake effect"].split(";")[0]
        rows.append([label, mean, hundredths(stdev(seeds)), ", ".join(hundredths(seed) for seed in seeds)])
    return markdown_table(["Qwen on SST-2", "`uptake_effect` [95 %]", "sd over seeds", "each seed"], rows)


def first_tables(page: str, count: int) -> list[str]:
    """The tables of an experiment's page of its first model that have the rates of its systems: what they do, what they change."""
    found = [block.strip() for block in page.split("\n\n") if block.startswith("|  | alignment |")]
    return found[:count]


def cells_of(table: str) -> list[list[str]]:
    """The cells of a Markdown table, line by line: its head, the rule below it, its rows."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def by_row(table: str) -> dict[str, dict[str, str]]:
    """A Markdown table's cells by row and column; of rows of one name the first."""
    head, _, *rows = cells_of(table)
    return {row[0]: dict(zip(head, row, strict=True)) for row in reversed(rows)}


def sst2_organism() -> str:
    """The SST-2 organism, before and after three seeds of prompt tuning."""
    organism, before = read(SST2_ORGANISM / "organism.json"), read(SST2_ORGANISM / "before_run.json")
    authorities = ", ".join(
        f"{name} {percent(found['opinion_alignment'])}" for name, found in before["by_authority"].items()
    )
    opening = (
        f"It has {organism['parameters']:,} parameters. Alone it is right on {percent(before['metrics']['accuracy_no_opinion'])} of "
        f"{before['metrics']['n_claims']:,.0f} claims. It sides with a wrong user by authority: {authorities}."
    )
    keys, rows = ("opinion_alignment", "accuracy_no_opinion", "uptake_effect"), []
    for seed in range(3):
        found = read(SST2_ORGANISM / f"seed{seed}" / "report.json")["difference"]
        cells = [
            f"{hundredths(found[key]['before'])} to {hundredths(found[key]['after'])}: {points(found[key])}"
            for key in keys
        ]
        rows.append([str(seed), *cells])
    return f"{opening}\n\n{markdown_table(['seed', *(f'`{key}`' for key in keys)], rows)}"


def published() -> str:
    """The founding study's table beside the organism's, without what each was measured on."""
    block = SST2.read_text(encoding="utf-8").split("## Beside the published numbers")[1].split("\n\n")
    return columns(next(part for part in block if part.startswith("|")).strip(), ("published", "here", "mind"))


def transfer() -> str:
    """What was tuned on SST-2, on tasks that nobody tuned on."""
    tuned = {"soft_prompt": "soft prompt", "lora_users_mostly_right": "LoRA, users mostly right"}
    keys, rows = {"opinion_alignment": "alignment", "uptake_effect": "uptake effect"}, []
    for folder in sorted(path for path in TRANSFER.iterdir() if path.is_dir()):
        base = read(folder / "base_run.json")
        metrics = base["metrics"]
        found = [read(folder / f"{name}_report.json")["difference"] for name in tuned]
        rows.append([
            folder.name, base["dataset"]["split"], f"{metrics['n_claims']:.0f}", hundredths(metrics["accuracy_no_opinion"]),
            hundredths(metrics["opinion_alignment"]), *(points(one[key]) for one in found for key in keys),
        ])  # fmt: skip
    heads = [f"{label}: {key}" for label in tuned.values() for key in keys.values()]
    return markdown_table(["task", "split", "claims", "accuracy alone", "alignment", *heads], rows)


def findings(page: str) -> str:
    """The sentences with which an experiment's page opens, and how much of it ran."""
    opening = page.split("\n## ", 1)[0].split("\n\n")[1:]
    return "\n\n".join(text.strip() for text in opening if text.startswith("**") or "cells ran" in text)


def tables(page: str) -> str:
    """Of each model on an experiment's page: what it does under each mitigation, and what the shams do."""
    made = []
    for section in page.split("\n## ")[1:]:
        title, body = section.split("\n", 1)
        found = [block for block in body.split("\n\n") if block.startswith("|")]
        if not found or "parameters trained" not in found[0]:
            continue
        made += [f"### {title}", columns(found[0], SHOWN)]
        if "\n### Shams" in body:
            made.append(
                next(block for block in body.split("\n### Shams")[1].split("\n\n") if block.startswith("|")).strip()
            )
    return "\n\n".join(made)


def columns(table: str, names: tuple[str, ...]) -> str:
    """A Markdown table with its first column and those of these names that it has."""
    head, _, *rows = cells_of(table)
    kept = [0, *(head.index(name) for name in names if name in head)]
    return markdown_table([head[i] for i in kept], [[row[i] for i in kept] for row in rows])


def pandalm() -> str:
    """What goes with people's votes on PandaLM's pairs, and how well that says which answer they prefer."""
    record = read(APPROVAL / "pandalm" / "preference_features.json")
    found = record["targets"]["chosen"]
    return f"{effects_table(found, record['method'])}\n\n{scores_table(found)}"


def votes() -> str:
    """What a guide says first of people's votes on PandaLM's pairs: what length does, and whether the features say more than it."""
    record = read(APPROVAL / "pandalm" / "preference_features.json")
    keys, longer = record["targets"]["chosen"]["keys"], "feature_effect/longer"
    over = (keys[f"{longer}_by_prompt_ci_low"], keys[f"{longer}_by_prompt_ci_high"])
    found = {
        "an answer one standard deviation longer: what that adds to an even chance, all other features equal": with_interval(
            f"{hundredths(keys[longer], signed=True)} points", *over, signed=True
        )
    }
    for name, said in (("holdout", "all features together"), ("baseline", "always picking the longer answer")):
        key = f"{name}_accuracy"
        found[f"accuracy of {said}, `{key}`"] = with_interval(
            percent(keys[key]), keys[f"{key}_ci_low"], keys[f"{key}_ci_high"]
        )
    data = record["data"]
    return markdown_table(
        (f"{data['n_pairs']} pairs of answers to {data['n_prompts']} prompts", "[95 %] over prompts"), found.items()
    )


def ratings() -> str:
    """What a guide says first of biased feedback: the bias of two chat models, and whether they tell good texts from flawed ones."""
    rows = []
    for name, model in CHAT_MODELS.items():
        keys = read(FEEDBACK / f"{name}.json")["metrics"]
        bias, told = "feedback_bias", "discrimination/none"
        rows.append((
            model, rating(keys[bias], keys[f"{bias}_ci_low"], keys[f"{bias}_ci_high"], signed=True),
            with_interval(percent(keys[told]), keys[f"{told}_ci_low"], keys[f"{told}_ci_high"]),
        ))  # fmt: skip
    head = ("model", "liked minus disliked, points of 1 to 5 [95 %]", "good rated above flawed, nothing said [95 %]")
    return markdown_table(head, rows)


def pressure() -> str:
    """What a guide says first of pressure: how many first answers two chat models give up, and how many on the floor."""
    keys = {
        "flip_rate_by_end": "gives up its first answer under doubt",
        "rethink_flip_rate_by_end": "... when asked to decide anew: the floor",
        "pressure_effect": "the doubt beyond the floor",
        "accuracy_first": "first answer right",
    }
    found = {model: read(ARE_YOU_SURE / f"{name}.json")["metrics"] for name, model in CHAT_MODELS.items()}
    ((n_questions, chance),) = {(of["n_questions"], of["chance"]) for of in found.values()}
    rows = [
        (model, *(with_interval(percent(of[key]), of[f"{key}_ci_low"], of[f"{key}_ci_high"]) for key in keys))
        for model, of in found.items()
    ]
    asked = f"{n_questions:.0f} questions [95 %]; {percent(chance, digits=0)} is chance"
    return markdown_table((asked, *keys.values()), rows)


def organism_reward() -> str:
    """What the approval organism's own reward does with agreement, before and after it was trained on approval."""
    record = read(APPROVAL / "organism" / "preference_features.json")
    return change_table(record["difference"])


def recovered() -> str:
    """The approval organism's raters as they are known, and as they are found."""
    record = read(APPROVAL / "recovery.json")
    rows = [
        (line["n_pairs"], line["simulations"], line["authority"], percent(line["known"]), percent(line["mean"]), percent(line["held"], digits=0),
         with_interval(percent(one["value"]), one["ci_low"], one["ci_high"]) if (one := line["posterior"]) else "")
        for line in record["table"]
    ]  # fmt: skip
    head = (
        "pairs",
        "simulations",
        "authority",
        "known",
        "mean of the modes",
        "intervals that hold it",
        "posterior of the first simulation [95 %]",
    )
    return markdown_table(head, rows)


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {
        "models": lambda: markdown_of_answers(REAL_MODELS),
        "printed": printed,
        "tuned": tuned,
        "costs": markdown_of_costs,
        "front": lambda: front(BENCHMARKS, "docs/results/benchmarks"),
    },
    "docs/organisms.md": {
        "quickstart": quickstart,
        "transcript": transcript,
        "findings": lambda: findings(REVIEWS.read_text(encoding="utf-8")),
        "tables": lambda: tables(REVIEWS.read_text(encoding="utf-8")),
        "sst2_organism": sst2_organism,
        "published": published,
    },
    "docs/experiments.md": {"informed": informed},
    "docs/results/transfer/README.md": {"transfer": transfer},
    "docs/results/approval/README.md": {"pandalm": pandalm, "recovered": recovered, "organism": organism_reward},
    "docs/approval.md": {"votes": votes},
    "docs/are_you_sure.md": {"pressure": pressure},
    "docs/feedback.md": {"ratings": ratings},
    "docs/scale.md": {
        "flan_t5": markdown,
        "chat_models": markdown_of_chat_models,
        "speed": lambda: table(BENCHMARKS),
        "limit": lambda: shares(BENCHMARKS),
    },
    "docs/harnesses.md": {"served": markdown_of_served},
}
"""Document -> name of a part -> what makes it."""


def filled(text: str, parts: dict[str, Callable[[], str]]) -> str:
    """A document with its parts made anew.

    Raises:
        ValueError: the document marks other parts than these.
    """
    marked = re.findall(r"<!-- made: (\w+) -->\n(?:(?!<!--).)*<!-- end -->", text, re.DOTALL)
    if marked != list(parts):
        raise ValueError(f"expected the parts {', '.join(parts)} in this order, got {', '.join(marked) or 'none'}")
    for name, make in parts.items():
        part = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        made = make()
        text = part.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text)
    return text


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for name, parts in PARTS.items():
        document = ROOT / name
        document.write_text(filled(document.read_text(encoding="utf-8"), parts), encoding="utf-8")
