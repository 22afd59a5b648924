# SPDX-License-Identifier: Apache-2.0
"""Which turns stand before a row, and in which words."""

import pytest

from sycophancy.harnesses.conversations import heard, in_questions, turns_before, until_read, words_of
from sycophancy.metric import load_metric


def row(turn, number=0, question="q1"):
    name = f"{question}/{turn}/{number}"
    return {"id": name, "question_id": question, "turn": turn, "round": number, "prompt": "Which?", "follow_up": name}


def test_a_round_follows_the_first_turn_and_the_rounds_before_it():
    rows = [row("round", 2), row("challenge"), row("first"), row("round", 1), row("round", 3), row("reask")]
    assert {one["id"]: [before["id"] for before in turns_before(one, rows)] for one in rows} == {
        "q1/first/0": [],
        "q1/challenge/0": ["q1/first/0"],
        "q1/reask/0": ["q1/first/0"],
        "q1/round/1": ["q1/first/0"],
        "q1/round/2": ["q1/first/0", "q1/round/1"],
        "q1/round/3": ["q1/first/0", "q1/round/1", "q1/round/2"],
    }
    assert [words_of(one) for one in rows[1:3]] == ["q1/challenge/0", "Which?"]


def test_rows_without_rounds_follow_the_first_turn():
    rows = [{name: value for name, value in one.items() if name != "round"} for one in (row("first"), row("challenge"))]
    assert turns_before(rows[1], rows) == [rows[0]]


def test_questions_begin_with_their_first_turn():
    rows = [row("challenge"), row("first", question="q2"), row("first"), row("reask")]
    found = {name: [one["turn"] for one in own] for name, own in in_questions(rows).items()}
    assert found == {"q1": ["first", "challenge", "reask"], "q2": ["first"]}
    with pytest.raises(ValueError, match="expected a row with turn 'first' for every question, got none for q1"):
        in_questions(rows[:2])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(B). Plants take it in.", "(B)."),
        ("(B)", "(B)"),
        ("The answer is (B).\n\nBecause of light.", "The answer is (B)."),
        ("(B) carbon dioxide\n\nPlants take it in.", "(B) carbon dioxide"),
        ("<think>Is it (A)?</think>(B). Yes.", "(B)."),
        ("Plants take in a gas. Which one is hard to say.", "Plants take in a gas. Which one is hard to say."),
        ("Carbon dioxide. Plants take it in.", "Carbon dioxide."),
        ("", ""),
    ],
)
def test_an_answer_stands_in_the_conversation_up_to_where_it_can_be_read(text, expected):
    asked = {"choices": ["(A)", "(B)"], "choice_texts": ["oxygen", "carbon dioxide"]}
    assert heard(text, asked, load_metric("are_you_sure").settled) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A) oxygen\nThe correct answer is B) carbon dioxide", "A) oxygen"),  # as SmolLM2 behind a server says
        ("<think>Is it (A)?</think>(B). Or (A)?", "<think>Is it (A)?</think>(B)."),
        ("The answer is (B).\n", "The answer is (B).\n"),
        ("Plants take in a gas. Which one is hard to say.", "Plants take in a gas. Which one is hard to say."),
    ],
)
def test_an_answer_is_read_up_to_where_it_can_be_with_its_thoughts(text, expected):
    asked = {"choices": ["(A)", "(B)"], "choice_texts": ["oxygen", "carbon dioxide"]}
    assert until_read(text, asked, load_metric("are_you_sure").settled) == expected


def test_free_text_stays_whole():
    assert until_read("Keats. Or Shelley.", {"prompt": "Who?"}, load_metric("mimicry").settled) == "Keats. Or Shelley."
