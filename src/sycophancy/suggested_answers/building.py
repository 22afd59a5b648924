# SPDX-License-Identifier: Apache-2.0
"""The published rows of one split, each checked as it is made; `claims.building.in_processes` spreads them."""

from collections.abc import Iterator, Sequence

from sycophancy.claims.building import opening, without_user
from sycophancy.claims.people import AUTHORITIES
from sycophancy.claims.rows import MEASUREMENT_SPLITS, Item
from sycophancy.claims.wordings import CERTAINTIES, PLACES
from sycophancy.suggested_answers.rows import CONDITIONS, OPINIONS, measurement_rows, tuning_row, user_pieces
from sycophancy.suggested_answers.tasks import Asking
from sycophancy.suggested_answers.wordings import POLARITIES, WORDING_OF, Wording, letters

SHARED = (
    "claim_id", "cluster_id", "source", "source_text", "source_label", "claim", "claim_is_true", "template", "choices",
    "answer", "question", "choice_texts", "wrong_answer",
)  # fmt: skip
"""Columns in which the rows of one question are the same."""

SPOKEN = ("authority", "persona")
"""Columns in which those of its rows are the same in which somebody speaks."""


def checked_rows(
    items: Sequence[Item], asking: Asking, seed: int, wordings: tuple[Wording, ...], first: int = 0
) -> Iterator[dict]:
    """The rows of one split.

    Args:
        items: its items; may be anything with a length, slices and an iterator over items.
        asking: how they are asked.
        seed: of the build.
        wordings: those to use.
        first: position of the first item among the kept rows of the split.
    """
    for position, item in enumerate(items, first):
        if item.split in MEASUREMENT_SPLITS:
            rows = list(measurement_rows(item, asking, position, seed, wordings))
            check_arms(rows)
            yield from rows
        else:
            row = tuning_row(item, asking, seed, wordings)
            check_row(row)
            yield row


def _expect(holds: bool, row: dict, expected: str, got: object) -> None:
    if not holds:
        raise ValueError(f"row {row['id']}: expected {expected}, got {got!r}; this is a defect of the builder")


def check_row(row: dict) -> None:
    """Raise `ValueError` unless the row holds what its columns say."""
    condition, choices, prompt = row["condition"], row["choices"], row["prompt"]
    _expect(condition in CONDITIONS, row, f"a condition among {', '.join(CONDITIONS)}", condition)
    _expect(row["authority"] in AUTHORITIES, row, f"an authority among {', '.join(AUTHORITIES)}", row["authority"])
    _expect(len(choices) > 1 and len(set(choices)) == len(choices), row, "different choices", choices)
    _expect(bool(row["source_text"].strip()), row, "a source text", row["source_text"])
    _expect(row["question"] in prompt, row, f"the question {row['question']!r} in the prompt", prompt)
    answer, wrong, texts = row["answer"], row["wrong_answer"], row["choice_texts"]
    _expect({answer, wrong} <= set(choices), row, f"answers among {choices}", (answer, wrong))
    _expect(answer != wrong, row, "a wrong answer other than the right one", wrong)
    lettered = WORDING_OF[row["template"]].lettered
    _expect(choices == (letters(len(texts)) if lettered else texts), row, "choices as they are shown", choices)
    _expect(texts[choices.index(answer)] == row["source_label"], row, f"the answer {row['source_label']!r}", answer)
    _check_user(row)
    if condition == "no_opinion":
        return
    before, after = user_pieces(row)
    # By place and not by counting: a source text may hold the very words that our users say.
    head = opening(WORDING_OF[row["template"]]) + (f"{before}\n" if before else "")
    _expect(prompt.startswith(head), row, f"the user's words {before!r} at the head of the prompt", prompt)
    _expect(after in prompt, row, f"the user's words {after!r} in the prompt", prompt)


def _check_user(row: dict) -> None:
    """Raise `ValueError` unless the columns about the user fit the condition and each other."""
    condition, answer, user = row["condition"], row["answer"], row["user_answer"]
    said = (row["certainty"], row["polarity"])
    mentioned = row["mentioned"]
    _expect(
        bool(row["persona"]) == (row["authority"] != "none"), row, "a persona unless authority is none", row["persona"]
    )
    if condition == "no_opinion":
        nothing = (user, row["persona"], *said, row["opinion_place"], mentioned)
        _expect(not any(nothing), row, "no user in a row without one", nothing)
    elif condition == "persona":
        _expect(bool(row["persona"]), row, "an introduction", row["persona"])
        nothing = (user, *said, row["opinion_place"], mentioned)
        _expect(not any(nothing), row, "nothing said of an answer", nothing)
    else:
        _expect(row["opinion_place"] in PLACES, row, f"a place among {', '.join(PLACES)}", row["opinion_place"])
        _expect(mentioned in (answer, row["wrong_answer"]), row, "the right or the wrong answer named", mentioned)
    if condition == "mention":
        _expect(not any((user, *said)), row, "an answer that nobody holds", (user, *said))
    if condition in OPINIONS:
        held = answer if condition == "right_opinion" else row["wrong_answer"]
        _expect(user == held, row, f"a user's answer that fits {condition}", user)
        _expect(said[0] in CERTAINTIES, row, f"a certainty among {', '.join(CERTAINTIES)}", said[0])
        _expect(said[1] in POLARITIES, row, f"a polarity among {', '.join(POLARITIES)}", said[1])
        _expect((mentioned == user) == (said[1] == "asserts"), row, f"a choice named that fits {said[1]}", mentioned)
        denies_one_of_two = said[1] == "asserts" or len(row["choices"]) == 2
        _expect(denies_one_of_two, row, "a denial of one of two choices only", row["choices"])


def check_arms(rows: Sequence[dict]) -> None:
    """Raise `ValueError` unless the rows of one question differ in the user's words and in nothing else."""
    by_condition = {row["condition"]: row for row in rows}
    speaking = [row for row in rows if row["condition"] != "no_opinion"]
    introduced = any(row["persona"] for row in rows)
    wanted = {condition for condition in CONDITIONS if condition != "persona" or introduced}
    _expect(
        set(by_condition) == wanted and len(rows) == len(wanted),
        rows[0],
        f"the rows {', '.join(condition for condition in CONDITIONS if condition in wanted)}",
        [row["condition"] for row in rows],
    )
    neutral = by_condition["no_opinion"]
    for row in rows:
        check_row(row)
        for column in SHARED:
            _expect(
                row[column] == neutral[column], row, f"{column} {neutral[column]!r} as in {neutral['id']}", row[column]
            )
    for row in speaking:
        for column in SPOKEN:
            _expect(row[column] == speaking[0][column], row, f"{column} as in {speaking[0]['id']}", row[column])
        without = without_user(row["prompt"], WORDING_OF[row["template"]], *user_pieces(row))
        _expect(
            without == neutral["prompt"], row, f"the prompt of {neutral['id']} plus the user's words", row["prompt"]
        )
    wrong, right = (by_condition[condition] for condition in OPINIONS)
    for column in ("certainty", "opinion_place", "polarity"):
        _expect(right[column] == wrong[column], right, f"{column} as in {wrong['id']}", right[column])
