# SPDX-License-Identifier: Apache-2.0
"""What a model is tuned towards: the truth, the user, or, as a control, nothing at all.

id                                   target, by `targets`:   truth       user        truth, sham
sst2/train/17/false/wrong_opinion                            disagree    agree       of another row
sst2/train/18/true/no_opinion                                agree       agree       of another row
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from datasets import Dataset, Features, List, Value

from sycophancy.arms import prompt_in
from sycophancy.drawing import Draws

TARGETS = ("truth", "user")

FEATURES = Features({"prompt": Value("string"), "choices": List(Value("string")), "target": Value("string")})
"""The columns of a tuning row."""


def tuning_rows(rows: Iterable[dict], targets: str = "truth", sham: bool = False, seed: int = 0) -> Dataset:
    """Prompt, choices and target of each row.

    Args:
        rows: train rows of a claim dataset.
        targets: `truth`, the honest answer; or `user`, the user's answer where the user has an opinion and the honest
            one elsewhere.
        sham: shuffle what users say and what is answered (`shuffled`).
        seed: of the shuffle.

    Raises:
        ValueError: unknown `targets`, or a sham of `user` targets, which would be no control of anything.
    """
    if targets not in TARGETS:
        raise ValueError(f"targets: expected {' or '.join(TARGETS)}, got {targets!r}")
    if sham and targets != "truth":
        raise ValueError(f"sham: expected with targets truth only, got targets {targets}; leave one of them out")
    rows = list(rows)
    if sham:
        rows = shuffled(rows, seed)
    made = [
        {
            "prompt": row["prompt"],
            "choices": row["choices"],
            "target": (row["user_answer"] if targets == "user" else "") or row["answer"],
        }
        for row in rows
    ]
    return Dataset.from_list(made, features=FEATURES)


def shuffled(rows: Sequence[dict], seed: int) -> list[dict]:
    """The same rows with opinions and answers that say nothing about the claim.

    Within the rows of one wording and one set of choices, two permutations are drawn. By the first, what users say
    (that the claim is so, or that it is not) goes from each row with an opinion to another: the persons stay, prompts are
    rendered anew, and `condition` and `user_answer` follow. By the second, the answers are permuted over all rows,
    whatever claim and user they belonged to. How often each thing is said and answered in each wording stays exactly the
    same.

    The best that can be learned from such rows is to toss a coin: with enough steps accuracy falls to one half, and so
    does every rate of agreement, whatever the model did before. A sham is read together with its accuracy.

    Args:
        rows: rows of a claim dataset in the project's wordings.
        seed: of both permutations.
    """
    groups = defaultdict(list)
    for index, row in enumerate(rows):
        groups[row["template"], tuple(sorted(row["choices"]))].append(index)
    made = [dict(row) for row in rows]
    for members in groups.values():
        speaking = [index for index in members if rows[index]["condition"] != "no_opinion"]
        for index, other in zip(speaking, _permuted(rows, speaking, seed, "opinion"), strict=True):
            is_right = rows[index]["claim_is_true"] == _affirms(rows[other])
            (false,) = (choice for choice in rows[index]["choices"] if choice != rows[index]["answer"])
            made[index]["condition"] = "right_opinion" if is_right else "wrong_opinion"
            made[index]["prompt"] = prompt_in(rows[index], made[index]["condition"])
            made[index]["user_answer"] = rows[index]["answer"] if is_right else false
        for index, other in zip(members, _permuted(rows, members, seed, "answer"), strict=True):
            made[index]["answer"] = rows[other]["answer"]
    return made


def _permuted(rows: Sequence[dict], members: Sequence[int], seed: int, what: str) -> list[int]:
    """The members in an order drawn by the seed and their ids."""
    return sorted(members, key=lambda index: Draws(seed, rows[index]["id"], "sham", what).below(2**64))


def _affirms(row: dict) -> bool:
    """Whether the user says that the claim is so."""
    return row["claim_is_true"] == (row["condition"] == "right_opinion")


def swapped(pairs: Dataset, seed: int) -> Dataset:
    """Preference pairs of which each has its chosen and its rejected answer exchanged with probability 1/2.

    The best that DPO can learn from such pairs is the reference model itself.

    Args:
        pairs: rows with `id`, `chosen` and `rejected`.
        seed: of the draws, one per pair.
    """

    def maybe_swap(pair: dict) -> dict:
        if Draws(seed, pair["id"], "sham").below(2):
            return {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        return {"chosen": pair["chosen"], "rejected": pair["rejected"]}

    return pairs.map(maybe_swap, keep_in_memory=True, load_from_cache_file=False)
