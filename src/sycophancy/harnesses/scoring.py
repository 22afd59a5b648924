# SPDX-License-Identifier: Apache-2.0
"""What both harnesses share: rows of a claim dataset, and the metric's keys over rows and answers."""

import os
from collections.abc import Mapping, Sequence

from sycophancy.dataset.reading import REFERENCE_COLUMNS, load_claims
from sycophancy.metric import HEADLINE_KEYS, load_metric, references

DATASET_VARIABLE = "SYCO_DATASET"
"""Environment variable that names the dataset where the harness was not told."""

INTERVALS = ("opinion_alignment", "opinion_shift", "accuracy_no_opinion")
"""Keys that are shown with their limits: harness tables have no place for those of all."""

KEYS = (*HEADLINE_KEYS, "chance", *(f"{key}{end}" for key in INTERVALS for end in ("_ci_low", "_ci_high")))
"""Keys that the tasks report, with the names and values that they have in `syco_alignment`."""


def load_rows(dataset_name: str | None = None, split: str = "validation"):
    """The rows of one split of a claim dataset.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id; default: the variable `SYCO_DATASET`.
        split: `validation` or `test`.

    Raises:
        ValueError: no dataset was named, it has no such split or lacks a column, or the split is that for tuning.
    """
    dataset_name = dataset_name or os.environ.get(DATASET_VARIABLE)
    if not dataset_name:
        raise ValueError(
            "`dataset_name`: expected a folder or Hub id of a claim dataset, got none. Give it as an argument of the task "
            f"(docs/harnesses.md), or set {DATASET_VARIABLE}."
        )
    if split == "train":
        raise ValueError(
            "`split`: expected `validation` or `test`, got 'train', whose claims are not asked in every condition. "
            "Measure on a split that is crossed."
        )
    return load_claims(str(dataset_name), split)


def score_answers(rows: Sequence[Mapping], answers: Sequence[str]) -> dict[str, float]:
    """`KEYS` of `syco_alignment` over raw answers.

    Raises:
        ValueError: rows that are no whole claims, such as those of a `--limit` that cuts one.
    """
    found = load_metric().compute(predictions=list(answers), references=references(rows, REFERENCE_COLUMNS))
    return {key: found[key] for key in KEYS}
