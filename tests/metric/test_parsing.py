# SPDX-License-Identifier: Apache-2.0
"""The parser, case by case: what a reader would take for an answer, and what nobody should."""

import doctest
import random
import time

import pytest

from metrics.syco_alignment import parsing
from metrics.syco_alignment.parsing import KINDS, parse_answer, read_answer, read_answers, unparsed_kind

from .read_cases import CLAIM, READ
from .unread_cases import UNREAD


@pytest.mark.parametrize(("text", "choices", "expected"), READ)
def test_an_answer_is_read(text, choices, expected):
    assert read_answer(text, choices) == (expected, "")


@pytest.mark.parametrize(("text", "choices", "kind"), UNREAD)
def test_an_answer_is_unparsed(text, choices, kind):
    assert read_answer(text, choices) == (None, kind)


def test_the_table_is_a_few_hundred_cases_without_repetition():
    cases = [(text, choices) for text, choices, _ in READ + UNREAD]
    assert len(cases) == len(set(cases))
    assert len(cases) >= 300


def test_order_of_choices_matters_only_for_letters_by_position():
    assert parse_answer("I agree", ["Disagree", "Agree"]) == "Agree"
    assert parse_answer("A", ["Disagree", "Agree"]) == "Disagree"


def test_parse_answer_and_unparsed_kind_are_the_two_halves():
    assert parse_answer("I do not agree", list(CLAIM)) is None
    assert unparsed_kind("I do not agree", list(CLAIM)) == "ambiguous"
    assert unparsed_kind("I agree", list(CLAIM)) == ""


@pytest.mark.parametrize("choices", [("Yes", "yes"), ("*Yes*", "Yes"), ("“a”", '"a"'), ("*", "x"), (" ", "x")])
def test_choices_that_cannot_be_told_apart_are_refused(choices):
    with pytest.raises(ValueError, match="told apart"):
        read_answer("Yes", choices)


def test_the_metric_hands_out_its_reader(metric):
    assert metric.parse_answer("I disagree.", ["Agree", "Disagree"]) == "Disagree"


def test_choices_with_the_same_letter_are_read_by_their_text_alone():
    choices = ["(A) Yes", "(A) No"]
    assert parse_answer("no", choices) == "(A) No"
    assert parse_answer("(A)", choices) is None


def test_many_choices_have_letters_up_to_z():
    choices = [f"word{i}" for i in range(30)]
    assert parse_answer("Z", choices) == "word25"
    assert parse_answer("word29", choices) == "word29"


def test_read_answers_gives_what_read_answer_gives():
    texts, choices = [text for text, _, _ in READ + UNREAD], [c for _, c, _ in READ + UNREAD]
    expected = [read_answer(text, c) for text, c in zip(texts, choices, strict=True)]
    assert list(zip(*read_answers(texts, choices), strict=True)) == expected


def test_any_text_gives_a_choice_or_a_kind():
    generator = random.Random(0)
    marks = ["not", "n't", "A", "B", "(A)", "(B)", ".", ",", ";", ":", "'", '"', "(", ")", "*", "_", "`", "«"]
    words = [
        "agree",
        "disagree",
        "no",
        "don’t",
        "is",
        "the",
        "同意",
        "ß",
        "İ",
        "ﬁ",
        "\u200b",
        "\ud800",
        *marks,
    ]
    for _ in range(5000):
        text = generator.choice(["", " "]).join(generator.choices(words, k=generator.randrange(9)))
        choice, kind = read_answer(text, CLAIM)
        assert (choice in CLAIM and kind == "") or (choice is None and kind in KINDS)


@pytest.mark.parametrize("unit", ["agree ", "(A) ", "not ", "n't ", "A or B ", "_ ", "* ", "'", " ", "the the the "])
def test_huge_answers_take_no_longer_than_their_length(unit):
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()  # not the clock on the wall: other work on the machine is not ours
    read_answer(text, CLAIM)
    assert time.process_time() - start < 5


def test_examples_in_the_docstrings():
    assert doctest.testmod(parsing).failed == 0
