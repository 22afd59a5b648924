# SPDX-License-Identifier: Apache-2.0
import json
from collections import Counter

import pytest

from sycophancy.are_you_sure.questions import QUESTION_SOURCES, Question, QuestionRows
from sycophancy.claims.sources import text_keys
from sycophancy.suggested_answers.reading import QUIZZES, as_items, read_quiz


def question(*choices, text="Which gas?", split="test", index=0):
    return Question("quiz", split, index, "", text, choices[0], choices[1:])


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        (("oxygen", "helium"), ""),
        (("All of the above", "helium", "neon"), "a choice speaks of the other choices, whose order changes"),
        (("helium", "none of these"), "a choice speaks of the other choices, whose order changes"),
        (("helium", "neon", "both A and B"), "a choice speaks of the other choices, whose order changes"),
        (("helium", "neon", "A or C only"), "a choice speaks of the other choices, whose order changes"),
        (("some of the gas", "both plants and animals", "a and the"), ""),
        (("Tt", "tt"), "two choices that differ in case or marks alone"),
        (("It rains.", "it *rains*"), "two choices that differ in case or marks alone"),
        (("1.5", "15"), ""),
    ],
)
def test_which_questions_can_be_asked_in_any_order(choices, reason):
    other = question("x", "y", text="Why?", index=1)
    rows = as_items(QuestionRows({"test": [question(*choices), other]}, {"test": Counter()}, "a file"))
    assert rows.dropped["test"] == ({reason: 1} if reason else {})
    assert [item.label for item in rows.items["test"]] == ([] if reason else [choices[0]]) + ["x"]


def test_nothing_left_is_an_error():
    found = QuestionRows({"test": [question("all of these", "none of these")]}, {"test": Counter()}, "a file")
    with pytest.raises(ValueError, match=r"expected questions in a file, got none after dropping \{'a choice speaks"):
        as_items(found)


def test_a_text_that_is_measured_elsewhere_is_no_training_question():
    rows = [question("x", "y", text=text, split="train", index=index) for index, text in enumerate(("Why?", "How?"))]
    found = QuestionRows({"train": rows, "test": [question("x", "y")]}, {"train": Counter(), "test": Counter()}, "")
    items = as_items(found, {"other": text_keys(["how"])})
    assert [item.text for item in items.items["train"]] == ["Why?"]
    assert items.dropped["train"] == {"text stands in a measurement split of other": 1}


def test_the_sets_are_those_of_are_you_sure(tmp_path):
    assert set(QUIZZES) == set(QUESTION_SOURCES) - {"reviews"}
    row = {
        "id": "1",
        "question": "which gas?",
        "choices": {"text": ["a  gas", "b"], "label": ["A", "B"]},
        "answerKey": "B",
    }
    (tmp_path / "test.jsonl").write_text(json.dumps(row) + "\n")
    (item,) = read_quiz("arc_challenge", str(tmp_path)).items["test"]
    assert (item.cluster_id, item.label, item.others) == ("arc_challenge/test/0", "b", ("a gas",))
