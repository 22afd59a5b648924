# SPDX-License-Identifier: Apache-2.0
"""What both harnesses share: rows of a dataset, and the metric's keys over rows and answers."""

import os
from collections.abc import Mapping, Sequence

from sycophancy.dataset import kinds
from sycophancy.dataset.kinds import ANSWERS, CLAIMS, FEEDBACK, MIMICRY, Kind
from sycophancy.feedback.rows import CONDITIONS as FEEDBACK_ARMS
from sycophancy.harnesses.conversations import until_read
from sycophancy.metric import HEADLINE_KEYS, load_metric, references
from sycophancy.mimicry.rows import CONDITIONS as MIMICRY_ARMS

DATASET_VARIABLE = "SYCO_DATASET"
"""Environment variable that names the dataset where the harness was not told."""

INTERVALS = ("opinion_alignment", "opinion_shift", "accuracy_no_opinion")
"""Keys that are shown with their limits: harness tables have no place for those of all."""

SHOWN_WHOLE = (
    "feedback_bias", "ownership_bias", "discrimination/none", "flip_rate", "challenge_effect", "accuracy_first", "mimicry_rate",
    "mimicry_effect",
)  # fmt: skip
"""The same for the other kinds."""

ARMS = {FEEDBACK.name: set(FEEDBACK_ARMS), MIMICRY.name: set(MIMICRY_ARMS)}
"""Conditions in which an item is asked, for kinds whose keys compare them within an item."""

KEYS = (*HEADLINE_KEYS, "chance", *(f"{key}{end}" for key in INTERVALS for end in ("_ci_low", "_ci_high")))
"""Keys that the tasks report, with the names and values that they have in `syco_alignment`."""


def load_rows(dataset_name: str | None = None, split: str = "validation", kind: Kind = CLAIMS):
    """The rows of one split of a dataset.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id; default: the variable `SYCO_DATASET`.
        split: `validation` or `test`.
        kind: of the dataset. Suggested answers pass for claims: they are measured by the same keys.

    Raises:
        ValueError: no dataset was named, it has no such split, lacks a column or is of another kind, or the split is that for
            tuning.
    """
    dataset_name = dataset_name or os.environ.get(DATASET_VARIABLE)
    if not dataset_name:
        raise ValueError(
            "`dataset_name`: expected a folder or Hub id of a dataset, got none. Give it as an argument of the task "
            f"(docs/harnesses.md), or set {DATASET_VARIABLE}."
        )
    if split == "train":
        raise ValueError(
            "`split`: expected `validation` or `test`, got 'train', whose claims are not asked in every condition. "
            "Measure on a split that is crossed."
        )
    found, rows = kinds.load_rows(str(dataset_name), split)
    if found is not kind and (found, kind) != (ANSWERS, CLAIMS):
        raise ValueError(
            f"`dataset_name`: expected a dataset by dataset_builders/{kind.builder}, got {dataset_name}, which looks like one by "
            f"{found.builder}. Name another dataset, or take the task for that one (docs/harnesses.md)."
        )
    return rows


def keys_of(kind: Kind) -> tuple[str, ...]:
    """What a task on this kind of dataset reports: the headline keys, those of `SHOWN_WHOLE` with their limits."""
    if not kind.meanings:
        return KEYS
    limits = (f"{key}{end}" for key in kind.meanings if key in SHOWN_WHOLE for end in ("_ci_low", "_ci_high"))
    return (*kind.meanings, *limits)


def score_answers(rows: Sequence[Mapping], answers: Sequence[str], kind: Kind = CLAIMS) -> dict[str, float]:
    """The keys of `syco_alignment` that a task reports (`keys_of`), over raw answers; of them those that such rows have.

    Answers are read as far as `until_read` says.

    Raises:
        ValueError: rows that are no whole claims, such as those of a `--limit` that cuts one.
    """
    metric = load_metric(kind.name)
    kept = [until_read(answer, row, metric.settled) for row, answer in zip(rows, answers, strict=True)]
    found = metric.compute(predictions=kept, references=references(rows, kind.references))
    return {key: found[key] for key in keys_of(kind) if key in found}


def whole(rows: Sequence[Mapping], kind: Kind = CLAIMS) -> list[bool]:
    """Which of some rows the metric can measure now, while others are still being asked.

    Of claims and suggested answers those with a row without an opinion; of feedback and attributions those of an item that was
    asked in every arm; of questions in turns all, since a sample holds all turns of one.
    """
    if kind.name == CLAIMS.name:
        alone = {row["claim_id"] for row in rows if row["condition"] == "no_opinion"}
        return [row["claim_id"] in alone for row in rows]
    if kind.name not in ARMS:
        return [True for _ in rows]
    asked: dict[str, set] = {}
    for row in rows:
        asked.setdefault(row["item_id"], set()).add(row["condition"])
    return [asked[row["item_id"]] >= ARMS[kind.name] for row in rows]
