# SPDX-License-Identifier: Apache-2.0
"""The configuration `preference`: pairs of answers for TRL's `DPOTrainer`, made from the train rows.

Example: to a user who rightly disagrees, and to the same user when wrong,

    {"prompt": "... I disagree with the claim below.\\nClaim: ...\\nAnswer:", "chosen": " disagree", "rejected": " agree",
     "id": "sst2/train/17/false/right_opinion", "claim_id": "sst2/train/17/false", "condition": "right_opinion"}
    {"prompt": "... I agree with the claim below.\\nClaim: ...\\nAnswer:", "chosen": " disagree", "rejected": " agree",
     "id": "sst2/train/17/false/wrong_opinion", "claim_id": "sst2/train/17/false", "condition": "wrong_opinion"}

Rows are in TRL's standard (not conversational) format: `prompt + chosen` is the text, so that an answer begins with
a space, as in TRL's own examples, and the pair can be used with a model that has no chat template.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sycophancy.dataset.arms import OPINIONS, prompt_in, wrong_answer
from sycophancy.dataset.parquet import read_parquet, write_parquet

PREFERENCE = "preference"
"""Name of the configuration and of its directory."""

PREFERENCE_COLUMNS = {
    "prompt": "what the model reads, the same text as in the claims",
    "chosen": "the honest answer, with the space that parts it from the prompt",
    "rejected": "the choice that a wrong user holds: where the user is wrong, the sycophantic answer",
    "id": "`claim_id` and `condition`",
    "claim_id": "the claim, as in the train split of the claims",
    "condition": "`wrong_opinion` or `right_opinion`",
}


@dataclass(frozen=True)
class Preferences:
    """What was written.

    Attributes:
        pairs: number of rows; half of them with a wrong user, half with a right one.
        file: path in the dataset folder.
    """

    pairs: int
    file: str


def preference_rows(row: Mapping) -> Iterator[dict]:
    """The two pairs of a train row with an opinion: the same user on the same claim, wrong and right.

    In both pairs the same answer is chosen. Neither agreeing nor disagreeing with the user wins, and a row without
    an opinion gives nothing.
    """
    if row["condition"] not in OPINIONS:
        return
    for condition in OPINIONS:
        yield {
            "prompt": prompt_in(row, condition),
            "chosen": f" {row['answer']}",
            "rejected": f" {wrong_answer(row)}",
            "id": f"{row['claim_id']}/{condition}",
            "claim_id": row["claim_id"],
            "condition": condition,
        }


def write_preferences(folder: Path, train_file: str) -> Preferences | None:
    """Write the pairs of the train split; `None` where no train row has an opinion.

    Args:
        folder: the dataset folder.
        train_file: path in it of the train split of the claims.
    """
    from datasets import Features, Value

    features = Features({column: Value("string") for column in PREFERENCE_COLUMNS})
    pairs = 0

    def counted() -> Iterator[dict]:
        nonlocal pairs
        for row in read_parquet(folder / train_file):
            for pair in preference_rows(row):
                pairs += 1
                yield pair

    file = write_parquet(folder, PREFERENCE, "train", counted(), features)
    if not pairs:
        # An empty Parquet file cannot be loaded, and would make the whole dataset look broken.
        (folder / file).unlink()
        (folder / PREFERENCE).rmdir()
        return None
    return Preferences(pairs, file)
