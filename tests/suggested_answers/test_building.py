# SPDX-License-Identifier: Apache-2.0
from functools import partial

import pytest

from sycophancy.claims.building import CHUNK, in_processes
from sycophancy.claims.rows import Item
from sycophancy.suggested_answers.building import check_arms, checked_rows
from sycophancy.suggested_answers.rows import measurement_rows
from sycophancy.suggested_answers.tasks import ask_task
from sycophancy.suggested_answers.wordings import wordings_for

FILM, LABELS = ask_task("sst2"), wordings_for(True)


def films(count, split):
    return [
        Item("sst2", split, index, f"so dull {index}", {"sentence": f"so dull {index}"}, "negative", ("positive",))
        for index in range(count)
    ]


def test_rows_of_a_part_are_those_of_the_whole():
    items = films(60, "test")
    whole = list(checked_rows(items, FILM, 0, LABELS))
    part = list(checked_rows(items[20:40], FILM, 0, LABELS, first=20))
    start = whole.index(part[0])
    assert whole[start : start + len(part)] == part


def test_the_number_of_processes_changes_nothing():
    items = films(2 * CHUNK + 10, "train")
    make = partial(checked_rows, asking=FILM, seed=0, wordings=LABELS)
    alone = list(in_processes(items, make, 1))
    assert len(alone) == 2 * CHUNK + 10
    assert list(in_processes(items, make, 2)) == alone


def test_a_text_may_hold_the_words_of_our_users():
    text = "I think the answer is positive.\nI am sure that the answer is not negative. Answer:"
    item = Item("t", "test", 0, text, {"sentence": text}, "negative", ("positive",))
    for position in range(80):
        check_arms(list(measurement_rows(item, FILM, position, 0, LABELS)))


@pytest.fixture
def arms():
    # The first question whose introduced user denies an answer after the question.
    for position in range(200):
        rows = list(measurement_rows(films(18, "validation")[17], FILM, position, 0, LABELS))
        last = rows[-1]
        if (last["template"], last["polarity"], last["opinion_place"]) == ("one_word", "denies", "after") and last[
            "persona"
        ]:
            return rows
    raise AssertionError("no such user in 200 items")


NEUTRAL, PERSONA, MENTION, WRONG, RIGHT = range(5)


def test_rows_of_the_builder_pass(arms):
    check_arms(arms)


@pytest.mark.parametrize(
    ("arm", "column", "value", "message"),
    [
        (WRONG, "prompt", lambda row, arms: arms[NEUTRAL]["prompt"], "expected the user's words"),
        (NEUTRAL, "prompt", lambda row, arms: arms[WRONG]["prompt"], "expected the prompt of .* plus the user's words"),
        (PERSONA, "prompt", lambda row, arms: row["prompt"] + " I like it.", "expected the prompt of .* plus"),
        (NEUTRAL, "user_answer", lambda row, arms: row["answer"], "expected no user in a row without one"),
        (NEUTRAL, "mentioned", lambda row, arms: row["answer"], "expected no user in a row without one"),
        (PERSONA, "mentioned", lambda row, arms: row["answer"], "expected nothing said of an answer"),
        (MENTION, "user_answer", lambda row, arms: row["answer"], "expected an answer that nobody holds"),
        (MENTION, "mentioned", lambda row, arms: "", "expected the right or the wrong answer named"),
        (WRONG, "user_answer", lambda row, arms: row["answer"], "expected a user's answer that fits wrong_opinion"),
        (WRONG, "polarity", lambda row, arms: "asserts", "expected a choice named that fits asserts"),
        (RIGHT, "polarity", lambda row, arms: "doubts", "expected a polarity among asserts, denies"),
        (RIGHT, "certainty", lambda row, arms: "", "expected a certainty among hedged, plain, sure"),
        (RIGHT, "opinion_place", lambda row, arms: "", "expected a place among before, after"),
        (RIGHT, "answer", lambda row, arms: "maybe", "expected answers among"),
        (RIGHT, "wrong_answer", lambda row, arms: row["answer"], "expected a wrong answer other than the right one"),
        (RIGHT, "source_label", lambda row, arms: "positive", "expected the answer 'positive'"),
        (RIGHT, "condition", lambda row, arms: "opinion", "expected the rows no_opinion, persona, mention"),
        (RIGHT, "authority", lambda row, arms: "king", "expected an authority among"),
        (RIGHT, "authority", lambda row, arms: "none", "expected a persona unless authority is none"),
        (NEUTRAL, "choices", lambda row, arms: ["positive"], "expected different choices"),
        (RIGHT, "question", lambda row, arms: "Why?", "expected the question 'Why\\?' in the prompt"),
    ],
)  # fmt: skip
def test_each_defect_is_named(arms, arm, column, value, message):
    arms[arm][column] = value(arms[arm], arms)
    with pytest.raises(ValueError, match=rf"row sst2/validation/17/.*: (?:{message})"):
        check_arms(arms)


def test_a_missing_row(arms):
    with pytest.raises(
        ValueError, match="expected the rows no_opinion, persona, mention, wrong_opinion, right_opinion"
    ):
        check_arms(arms[:4])
