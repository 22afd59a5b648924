# SPDX-License-Identifier: Apache-2.0
"""What released chat models say: one table over the run records in a folder.

    python benchmarks/real_models.py [docs/results/real_models]
    python benchmarks/real_models.py --agreement TEXT_RUN SCORES_RUN --output agreement.json
    python benchmarks/real_models.py --styles RUN --output styles_MODEL.json

Each record is the `run.json` of `scripts/measure.py`, under a name of its own; `factors_MODEL.json` is what `benchmarks/factors.py`
says of a run on suggested answers. Prints the Markdown tables that the folder's README shows; `tests/test_docs.py` compares them. The
front page's table is `markdown_of_answers` (`benchmarks/documents.py` writes it). With `--agreement` it compares two run folders on
the same rows: how often the choice of the scores is what the model says, by wording. With `--styles` it scores the rows of a run
whose answer is a letter, and those whose answer is a choice's words, each by itself.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

from factors import style_of

from sycophancy.files import write_json
from sycophancy.markdown import hundredths, is_undefined, markdown_table, p_value, percent, rating, with_interval
from sycophancy.metric import load_metric, references
from sycophancy.records import read_run

COLUMNS = (
    "record", "answers in", "rows", "alone", "chance", "user wrong", "user right", "alignment", "unread",
    "mass of the choices", "scores agree with text",
)  # fmt: skip
"""`alone`, `user wrong` and `user right` are accuracies; `unread` is the share of answers that are none of the choices."""

COPYING = {
    "with a user": "opinion_shift",
    "with a mention": "mention_shift",
    "beyond a mention": "opinion_beyond_mention",
    "with an introduction": "persona_shift",
    "gives what a user denies": "copy_rate",
    "sides, asserted": "opinion_alignment_asserted",
    "sides, denied": "opinion_alignment_denied",
}
"""What tells following from copying, by the name of its column."""

ANSWERS = {
    "alone": "accuracy_no_opinion",
    "user wrong": "accuracy_wrong_opinion",
    "user right": "accuracy_right_opinion",
    "effect": "opinion_effect",
    "a mere mention": "mention_shift",
    "beyond the mention": "opinion_beyond_mention",
    "unread": "unparsed_rate",
}
"""What the front page shows of suggested answers, by the name of its column."""

STYLES = {
    "alone": "accuracy_no_opinion",
    "sides with a wrong user": "opinion_alignment",
    "with a user": "opinion_shift",
    "with a mention": "mention_shift",
    "beyond a mention": "opinion_beyond_mention",
    "unread": "unparsed_rate",
}
"""What is shown of answers by letter and by the choice's words, by the name of its column."""

MODELS = {"qwen": "Qwen2.5-Coder-0.5B-Instruct", "smollm2": "SmolLM2-135M-Instruct"}
"""The first word of a record's name -> the model."""

TASKS = {"answers": "SST-2", "openbookqa": "OpenBookQA"}
"""The second word of the name of a record on suggested answers -> the task."""

FEEDBACK = {
    "likes minus dislikes": "feedback_bias",
    "wrote minus did not write": "ownership_bias",
    "merely speaks of it": "mention_shift",
    "mean rating, nothing said": "rating/none",
}
"""Ratings of texts in points of the scale, by the name of their column."""

HERE = Path("docs/results/real_models")


def records(folder: Path) -> dict[str, dict]:
    """The run records of a folder, by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*_*_*.json"))}


def markdown(folder: Path) -> str:
    """The table over all records of a folder."""
    return markdown_table(COLUMNS, (row(name, record) for name, record in records(folder).items()))


def markdown_of_copying(folder: Path) -> str:
    """The table over the records of suggested answers: does the model follow its user, or copy what it read last?"""
    rows = (
        (f"[`{name}`]({name}.json)", *(rate(record["metrics"], key) for key in COPYING.values()))
        for name, record in records(folder).items()
        if not is_undefined(record["metrics"].get("mention_shift"))
    )
    return markdown_table(("record", *COPYING), rows)


def markdown_of_answers(folder: Path) -> str:
    """The front page's table: what a suggested answer does to each model on each task, in percent and points."""
    rows = []
    for model in MODELS:
        for task, of in TASKS.items():
            name = f"{model}_{task}_text"
            record = records(folder).get(name)
            if record is None:
                continue
            metrics = record["metrics"]
            asked = f"{metrics['n_rows']:,.0f}, {metrics['n_clusters']:,.0f}"
            cells = [f"{MODELS[model]}, {of}", asked, hundredths(metrics["chance"], digits=0)]
            rows.append([*cells, *(rate(metrics, key).replace(" %", "") for key in ANSWERS.values())])
    return markdown_table(("model, task", "prompts, questions", "chance", *ANSWERS), rows)


def markdown_of_feedback(folder: Path) -> str:
    """The table over the records of biased feedback: ratings in points, and whether good texts are told from flawed ones."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        metrics = record["metrics"]
        ratings = [
            rating(
                metrics[key], metrics[f"{key}_ci_low"], metrics[f"{key}_ci_high"], signed=not key.startswith("rating/")
            )
            for key in FEEDBACK.values()
        ]
        agreement = f"{percent(record['text_agreement'])} of {record['text_agreement_rows']}"
        told = rate(metrics, "discrimination/none")
        rows.append(
            (
                f"[`{path.stem}`]({path.name})",
                f"{metrics['n_rows']:.0f}",
                *ratings,
                told,
                percent(record["choice_mass"]),
                agreement,
            )
        )
    return markdown_table(
        ("record", "rows", *FEEDBACK, "good rated above flawed", "mass of the choices", "scores agree with text"), rows
    )


ROUNDS = {
    "accuracy_first": "first answer right",
    "flip_rate": "flips at the first doubt",
    "rethink_flip_rate": "... at the first second thought",
    "flip_rate_by_end": "flips in some round of doubt",
    "rethink_flip_rate_by_end": "... of thinking again",
    "pressure_effect": "doubt beyond thinking again",
    "lost/challenge": "lost to an unread answer",
}
"""Keys of questions under pressure -> how the table calls them."""


def markdown_of_rounds(folder: Path) -> str:
    """The table over the records of pressure over rounds, each rate of flips beside its floor."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
        rows.append(
            (f"[`{path.stem}`]({path.name})", f"{metrics['n_questions']:.0f}", *(rate(metrics, key) for key in ROUNDS))
        )
    return markdown_table(("record", "questions", *ROUNDS.values()), rows)


def markdown_of_factors(folder: Path) -> str:
    """The table of what makes a model side with a user who is wrong: each factor's levels, and its test."""
    models = {
        path.stem.removeprefix("factors_"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("factors_*.json"))
    }
    rows = []
    for factor in dict.fromkeys(name for found in models.values() for name in found["tests"]):
        cells = [factor]
        for found in models.values():
            test, levels = found["tests"].get(factor, {}), found["cells"].get(factor, {})
            shown = ", ".join(f"{level} {percent(cell['share'], 0)}" for level, cell in levels.items())
            cells += [shown if " x " not in factor and factor != "template" else "", p_value(test.get("p_holm"))]
        rows.append(cells)
    return markdown_table(("factor", *(f"{model}: {what}" for model in models for what in ("sides", "p"))), rows)


def markdown_of_styles(folder: Path) -> str:
    """The table of what a user and a mere mention do where letters are asked for, and where the choices' words are."""
    rows = []
    for path in sorted(folder.glob("styles_*.json")):
        for style, metrics in json.loads(path.read_text(encoding="utf-8")).items():
            cells = (f"[`{path.stem}`]({path.name})", style, f"{metrics['n_rows']:.0f}")
            rows.append((*cells, *(rate(metrics, key) for key in STYLES.values())))
    return markdown_table(("record", "answers by", "rows", *STYLES), rows)


def rate(metrics: dict, key: str) -> str:
    """A key with its interval."""
    if is_undefined(metrics.get(key)):
        return percent(None)
    return with_interval(percent(metrics[key]), metrics[f"{key}_ci_low"], metrics[f"{key}_ci_high"])


def row(name: str, record: dict) -> tuple[str, ...]:
    """The cells of one record."""
    metrics = record["metrics"]
    agreement = percent(record["text_agreement"])
    return (
        f"[`{name}`]({name}.json)",
        record["answer"],
        f"{metrics['n_rows']:.0f}",
        rate(metrics, "accuracy_no_opinion"),
        percent(metrics["chance"]),
        rate(metrics, "accuracy_wrong_opinion"),
        rate(metrics, "accuracy_right_opinion"),
        rate(metrics, "opinion_alignment"),
        percent(metrics["unparsed_rate"]),
        percent(record["choice_mass"]),
        f"{agreement} of {record['text_agreement_rows']}",
    )


def agreement(text_run: Path, scores_run: Path) -> dict:
    """How often scores give the choice that is read in the text, over the rows that are read; whole and by wording."""
    said, scored = (read_run(folder)[1] for folder in (text_run, scores_run))
    if [row["id"] for row in said] != [row["id"] for row in scored]:
        raise ValueError(f"expected two runs on the same rows, got others in {text_run} and {scores_run}")
    same = defaultdict(list)
    for one, other in zip(said, scored, strict=True):
        if one["parsed"] is not None:
            same[one["template"]].append(one["parsed"] == other["parsed"])
    counts = {template: {"read": len(found), "agree": sum(found)} for template, found in sorted(same.items())}
    whole = {key: sum(count[key] for count in counts.values()) for key in ("read", "agree")}
    return {"rows": len(said), **whole, "share": whole["agree"] / whole["read"], "by_template": counts}


def styles(run: Path) -> dict[str, dict]:
    """The metric over the rows of a run that ask for letters, and over those that ask for the choices' words."""
    answers = read_run(run)[1]
    found = {}
    for style in ("letters", "words"):
        rows = [row for row in answers if style_of(row["choices"]) == style]
        if not rows:
            raise ValueError(
                f"expected rows that ask for {style} in {run}, got none; measure a set of suggested answers"
            )
        said = [row["prediction"] for row in rows]
        metrics = load_metric().compute(predictions=said, references=references(rows))
        ends = ("", "_ci_low", "_ci_high")
        found[style] = {"n_rows": metrics["n_rows"], "chance": metrics["chance"]} | {
            f"{key}{end}": metrics[f"{key}{end}"] for key in STYLES.values() for end in ends
        }
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE)
    parser.add_argument("--agreement", nargs=2, type=Path, metavar=("TEXT_RUN", "SCORES_RUN"))
    parser.add_argument("--styles", type=Path, metavar="RUN")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.agreement:
        write_json(args.output, agreement(*args.agreement))
    elif args.styles:
        write_json(args.output, styles(args.styles))
    else:
        tables = (markdown, markdown_of_copying, markdown_of_styles, markdown_of_factors)
        print(*(table(args.folder) for table in tables), sep="\n\n")
