# SPDX-License-Identifier: Apache-2.0
"""The kinds of datasets that can be measured, told apart by their columns.

Claims, suggested answers, questions in turns, attributions, feedback.
"""

from dataclasses import dataclass

from datasets import Dataset, Features, List, Value

from sycophancy.dataset.reading import (
    ANSWER_FEATURES,
    FEATURES,
    REFERENCE_COLUMNS,
    check_claims,
    load_split,
)

_TEXT = Value("string")

TURN_FEATURES = Features(
    {
        "id": _TEXT,
        "question_id": _TEXT,
        "cluster_id": _TEXT,
        "source": _TEXT,
        "source_id": _TEXT,
        "question": _TEXT,
        "turn": _TEXT,
        "template": _TEXT,
        "prompt": _TEXT,
        "follow_up": _TEXT,
        "choices": List(_TEXT),
        "choice_texts": List(_TEXT),
        "answer": _TEXT,
        "answer_text": _TEXT,
    }
)

ROUND_FEATURES = Features(TURN_FEATURES | {"suggested": _TEXT, "round": Value("int32")})
"""Of questions in turns with suggestions, or with several rounds; the columns of the others have no need of these two."""

ATTRIBUTION_FEATURES = Features(
    {
        "id": _TEXT,
        "item_id": _TEXT,
        "cluster_id": _TEXT,
        "title": _TEXT,
        "first_line": _TEXT,
        "year": Value("int32"),
        "century": Value("int32"),
        "language": _TEXT,
        "kind": _TEXT,
        "condition": _TEXT,
        "template": _TEXT,
        "prompt": _TEXT,
        "correct": _TEXT,
        "user_claim": _TEXT,
    }
)

FEEDBACK_FEATURES = Features(
    {
        "id": _TEXT,
        "item_id": _TEXT,
        "cluster_id": _TEXT,
        "kind": _TEXT,
        "family": _TEXT,
        "text": _TEXT,
        "condition": _TEXT,
        "quality": _TEXT,
        "flaw": _TEXT,
        "said": _TEXT,
        "template": _TEXT,
        "prompt": _TEXT,
        "choices": List(_TEXT),
    }
)


@dataclass(frozen=True)
class Kind:
    """One kind of dataset.

    Attributes:
        name: also the metric's config, `default` for claims.
        features: columns that must be there.
        references: columns that the metric reads.
        marks: columns that no other kind has.
        builder: what writes such a dataset.
        meanings: headline key -> what it says, for the terminal and the record's groups.
        effect: the key that stands for the behaviour, its noise floor taken off.
        in_points: keys in points of a scale of ratings; all others are shares.
        in_rounds: keys in numbers of rounds.
    """

    name: str
    features: Features
    references: tuple[str, ...]
    marks: tuple[str, ...]
    builder: str
    meanings: dict[str, str]
    effect: str
    in_points: tuple[str, ...] = ()
    in_rounds: tuple[str, ...] = ()


CLAIMS = Kind("default", FEATURES, REFERENCE_COLUMNS, ("claim_id",), "syco_claims.py", {}, "opinion_effect")
ANSWERS = Kind(
    CLAIMS.name,
    ANSWER_FEATURES,
    (*REFERENCE_COLUMNS, "mentioned", "polarity"),
    ("claim_id", "wrong_answer"),
    "suggested_answers.py",
    CLAIMS.meanings,
    CLAIMS.effect,
)
"""Measured as claims are, by the same keys: a record calls both by the same name."""
TURNS = Kind(
    "are_you_sure",
    TURN_FEATURES,
    ("question_id", "cluster_id", "turn", "answer", "choices"),
    ("question_id", "turn"),
    "are_you_sure.py",
    {
        "flip_rate": "gives another answer after a challenge",
        "flip_rate_right": "... where the first was right",
        "flip_rate_wrong": "... where the first was wrong",
        "reask_flip_rate": "gives another answer after a second turn without content",
        "rethink_flip_rate": "gives another answer when asked to think again",
        "challenge_effect": "what the challenge itself does",
        "challenge_beyond_rethink": "... more than thinking again",
        "suggest_wrong_follow_rate": "takes a wrong answer that the user suggests",
        "suggest_wrong_beyond_rethink": "right answers that a wrong suggestion costs, more than thinking again",
        "suggest_right_beyond_rethink": "wrong answers that a right suggestion mends, more than thinking again",
        "flip_rate_by_end": "gives another answer in some round of the challenge",
        "rethink_flip_rate_by_end": "... in some round of thinking again",
        "pressure_effect": "what all rounds of the challenge do, more than thinking again",
        "suggest_wrong_pressure_effect": "... all rounds of a wrong suggestion",
        "suggest_right_pressure_effect": "... all rounds of a right suggestion",
        "turn_of_flip": "round of the first flip, one more than there are where none",
        "number_of_flips": "rounds whose answer is not that before",
        "accuracy_first": "accuracy of the first answer",
        "accuracy_challenged": "accuracy after a challenge",
        "unparsed_rate": "answers that are none of the choices",
    },
    "challenge_effect",
    in_rounds=("turn_of_flip", "number_of_flips"),
)
MIMICRY = Kind(
    "mimicry",
    ATTRIBUTION_FEATURES,
    ("item_id", "cluster_id", "condition", "correct", "user_claim"),
    ("item_id", "user_claim"),
    "mimicry.py",
    {
        "mimicry_rate": "repeats the user's wrong attribution, without the right one",
        "correction_rate": "names the right author to a user who is wrong",
        "recognition_rate": "names the right author to a user who is right",
        "unprompted_rate": "names that wrong author of itself",
        "mimicry_effect": "what the attribution itself does",
        "unparsed_rate": "answers without a word",
    },
    "mimicry_effect",
)
FEEDBACK = Kind(
    "feedback",
    FEEDBACK_FEATURES,
    ("item_id", "cluster_id", "condition", "quality", "flaw", "template", "choices"),
    ("item_id", "quality"),
    "feedback.py",
    {
        "feedback_bias": "rates higher where the user likes the text than where the user dislikes it",
        "ownership_bias": "... where the user wrote it than where somebody else did",
        "mention_shift": "... where the user merely speaks of it: the floor of both",
        "rating/none": "mean rating where the user says nothing of the text",
        "discrimination/none": "a good text is rated above a flawed one; a half is chance",
        "discrimination_opinion": "the same among texts that the user likes or dislikes",
        "discrimination_drop": "what is lost of it to the user's view",
        "flaw_named_drop": "names the flaw less often where the user likes the text",
        "modal_rating_rate": "commonest rating of a wording where the user says nothing",
        "unparsed_rate": "answers that are no rating",
    },
    "feedback_bias",
    ("feedback_bias", "ownership_bias", "mention_shift", "rating/none"),
)
KINDS = {kind.name: kind for kind in (CLAIMS, TURNS, MIMICRY, FEEDBACK)}
"""Kinds by the name that a run record gives them."""


def kind_of(columns: list[str]) -> Kind:
    """The kind of a dataset with these columns; claims where it looks like no other."""
    return next((kind for kind in (TURNS, MIMICRY, FEEDBACK, ANSWERS) if set(kind.marks) <= set(columns)), CLAIMS)


def load_rows(dataset_name: str, split: str, revision: str | None = None) -> tuple[Kind, Dataset]:
    """The rows of one split of a dataset, from a local folder or from the Hub, and what kind they are.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id.
        split: `train`, `validation` or `test`.
        revision: Hub revision; has no meaning for a folder.

    Raises:
        ValueError: the folder or split has no rows, or a column is missing.
    """
    dataset = load_split(dataset_name, split, revision)
    kind = kind_of(dataset.column_names)
    if kind is CLAIMS:  # What is of no kind is refused as claims.
        return kind, check_claims(dataset, f"{dataset_name} ({split})")
    missing = [column for column in kind.features if column not in dataset.column_names]
    if missing:
        raise ValueError(
            f"expected the columns of a dataset by dataset_builders/{kind.builder} in {dataset_name} ({split}), got none "
            f"called {', '.join(missing)}; build the dataset with it"
        )
    return kind, dataset
