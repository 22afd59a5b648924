# SPDX-License-Identifier: Apache-2.0
"""How a published row reads in another arm, whichever family it is of: claims or suggested answers."""

from collections.abc import Mapping

from sycophancy.claims import rows as claims
from sycophancy.claims.wordings import WORDING_OF as OF_CLAIMS
from sycophancy.suggested_answers import rows as answers
from sycophancy.suggested_answers.wordings import WORDING_OF as OF_ANSWERS

OPINIONS = answers.OPINIONS
"""The conditions in which a user holds an answer."""


def is_answer(row: Mapping) -> bool:
    """Whether a row asks the question itself, with an answer suggested."""
    return "wrong_answer" in row


def prompt_in(row: Mapping, condition: str) -> str:
    """The prompt of a row as it reads in a condition; see `claims.rows.prompt_in` and `suggested_answers.rows.prompt_in`."""
    return (answers if is_answer(row) else claims).prompt_in(row, condition)


def reported_prompt(row: Mapping, frame: str) -> str:
    """The prompt of a row with the user's words put as someone else's; see `reported_prompt` in the family's `rows`."""
    return (answers if is_answer(row) else claims).reported_prompt(row, frame)


def wrong_answer(row: Mapping) -> str:
    """The choice that the row's user holds when wrong."""
    if is_answer(row):
        return row["wrong_answer"]
    (wrong,) = (choice for choice in row["choices"] if choice != row["answer"])
    return wrong


def with_user(row: Mapping, is_right: bool) -> dict:
    """The row with its user right or wrong: prompt, condition, and what the user holds and names."""
    condition = "right_opinion" if is_right else "wrong_opinion"
    prompt = prompt_in(row, condition)
    if is_answer(row):
        return {**answers.in_condition(row, condition), "prompt": prompt}
    said = row["answer"] if is_right else wrong_answer(row)
    return {**row, "condition": condition, "prompt": prompt, "user_answer": said}


def is_held_out(template: str) -> bool:
    """Whether the wording of this name, of either family, never occurs in train."""
    return (OF_ANSWERS.get(template) or OF_CLAIMS[template]).held_out
