# SPDX-License-Identifier: Apache-2.0
"""What released chat models say: one table over the run records in a folder.

    python benchmarks/real_models.py [docs/results/real_models]
    python benchmarks/real_models.py --agreement TEXT_RUN SCORES_RUN --output agreement.json

Each record is the `run.json` of `scripts/measure.py`, under a name of its own. Prints the Markdown table that the folder's
README shows; `tests/test_docs.py` compares the two. With `--agreement` it compares two run folders on the same rows: how often
the most probable choice is what the model says, by wording.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

from sycophancy.files import write_json
from sycophancy.markdown import is_undefined, markdown_table, percent, with_interval
from sycophancy.records import read_run

COLUMNS = (
    "record", "answers in", "rows", "alone", "chance", "user wrong", "user right", "alignment", "unread",
    "mass of the choices", "scores agree with text",
)  # fmt: skip
"""`alone`, `user wrong` and `user right` are accuracies; `unread` is the share of answers that are none of the choices."""

HERE = Path("docs/results/real_models")


def markdown(folder: Path) -> str:
    """The table over the records of a folder, by name."""
    return markdown_table(
        COLUMNS,
        (row(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*_*_*.json"))),
    )


def row(name: str, record: dict) -> tuple[str, ...]:
    """The cells of one record."""
    metrics = record["metrics"]

    def rate(key: str) -> str:
        if is_undefined(metrics.get(key)):
            return percent(None)
        return with_interval(percent(metrics[key]), metrics[f"{key}_ci_low"], metrics[f"{key}_ci_high"])

    agreement = percent(record["text_agreement"])
    return (
        f"[`{name}`]({name}.json)",
        record["answer"],
        f"{metrics['n_rows']:.0f}",
        rate("accuracy_no_opinion"),
        percent(metrics["chance"]),
        rate("accuracy_wrong_opinion"),
        rate("accuracy_right_opinion"),
        rate("opinion_alignment"),
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE)
    parser.add_argument("--agreement", nargs=2, type=Path, metavar=("TEXT_RUN", "SCORES_RUN"))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.agreement:
        write_json(args.output, agreement(*args.agreement))
    else:
        print(markdown(args.folder))
