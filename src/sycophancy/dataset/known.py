# SPDX-License-Identifier: Apache-2.0
"""Which claims a model knows: those that it answers right when nobody has an opinion.

Wei et al. 2023 (Simple synthetic data reduces sycophancy in large language models, data filtration) train only
on claims that the model already answers right without a user's opinion, because a model cannot learn to put the truth
above an opinion where it does not know the truth. The founding study does the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sycophancy.dataset.arms import prompt_in


@dataclass
class Kept:
    """Claims of one split before and after the filter.

    Attributes:
        before: (source label, claim is true) -> claims; of questions with suggested answers (right answer, `None`).
        after: the same, of those that the model answers right.
        claim_ids: of those that the model answers right.
    """

    before: Counter = field(default_factory=Counter)
    after: Counter = field(default_factory=Counter)
    claim_ids: set[str] = field(default_factory=set)

    @property
    def unit(self) -> str:
        """What is counted: `claims`, or `questions` where no claim is true or false."""
        return "questions" if {is_true for _, is_true in self.before} == {None} else "claims"


COPIED = ("claim_id", "source_label", "claim", "claim_is_true", "choices", "choice_texts", "answer")
"""Columns that a claim has in all conditions alike, and that it is asked and read by."""


def without_opinion(rows: Iterable[Mapping]) -> list[dict]:
    """One row per claim, as it reads without an opinion: same wording, same order of the choices.

    Args:
        rows: rows of a claim dataset, in any conditions.

    Returns:
        Rows with the columns `id`, `prompt` and those of `COPIED`, in the order in which the claims first occur.

    Raises:
        ValueError: the prompt of a row is not what its columns give.
    """
    neutral: dict[str, dict] = {}
    for row in rows:
        if row["claim_id"] not in neutral:
            copied = {key: row[key] for key in COPIED}
            neutral[row["claim_id"]] = copied | {
                "id": f"{row['claim_id']}/no_opinion",
                "prompt": prompt_in(row, "no_opinion"),
            }
    return list(neutral.values())


def known(neutral: Sequence[Mapping], read: Sequence[str | None]) -> Kept:
    """Which claims were answered right, and the counts.

    Args:
        neutral: rows of `without_opinion`.
        read: the choice that the model's answer to each is read as; `None`, for one that cannot be read, is not right.
    """
    kept = Kept()
    for row, choice in zip(neutral, read, strict=True):
        cell = row["source_label"], row["claim_is_true"]
        kept.before[cell] += 1
        if choice == row["answer"]:
            kept.after[cell] += 1
            kept.claim_ids.add(row["claim_id"])
    return kept


def check_kept(kept: Kept, model: str, dataset: str, split: str) -> str:
    """A warning where what is kept is lopsided, `""` where it is not.

    Raises:
        ValueError: nothing is kept.
    """
    if not kept.after.total():
        raise ValueError(
            f"expected {kept.unit} in {dataset} ({split}) that {model} answers right without an opinion, got 0 of "
            f"{kept.before.total()}; filter with a model that knows this task"
        )
    truths = {is_true for _, is_true in kept.after}
    if len(truths) == 1 and len({is_true for _, is_true in kept.before}) == 2:
        return (
            f"warning: {split}: only {'true' if True in truths else 'false'} claims were answered right; the model "
            "seems to give one answer to everything, and training on such a split teaches that answer"
        )
    return ""
