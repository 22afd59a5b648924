# SPDX-License-Identifier: Apache-2.0
"""What released chat models say: one table over the run records in a folder.

    python benchmarks/real_models.py [docs/results/real_models]

Each record is the `run.json` of `scripts/measure.py`, under a name of its own. Prints the Markdown table that the folder's
README shows; `tests/test_docs.py` compares the two.
"""

import json
import sys
from pathlib import Path

from sycophancy.markdown import is_undefined, markdown_table, percent, with_interval

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
        (row(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))),
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


if __name__ == "__main__":
    print(markdown(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE))
