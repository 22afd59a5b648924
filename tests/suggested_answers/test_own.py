# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from sycophancy.suggested_answers.own import read_own_questions, without_marks


def read(folder, name="quiz.jsonl", rows=(), choices=("choices",)):
    file = folder / name
    if isinstance(rows, str):
        file.write_text(rows, encoding="utf-8")
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_own_questions("quiz", str(folder), "question", list(choices), "answer")


def asked(answers, choices=("oxygen", "helium", "neon"), **more):
    return [
        {"question": f"Which gas {i}?", "choices": list(choices), "answer": a} | more for i, a in enumerate(answers)
    ]


def right(found, split="validation"):
    return [question.correct for question in found.questions[split]]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["B", "A"], ["helium", "oxygen"]),  # by letter
        (["b", "(C)", "A)", "C."], ["helium", "neon", "oxygen", "neon"]),
        ([1, 0, 2], ["helium", "oxygen", "neon"]),  # by index from 0
        (["1", "0"], ["helium", "oxygen"]),
        (["helium", " neon "], ["helium", "neon"]),  # by text
    ],
)
def test_answers_by_letter_index_or_text(tmp_path, answers, expected):
    assert right(read(tmp_path, rows=asked(answers))) == expected


def test_other_choices_keep_their_order(tmp_path):
    (question,) = read(tmp_path, rows=asked(["B"])).questions["validation"]
    assert (question.question_id, question.text, question.others) == (
        "quiz/validation/0",
        "Which gas 0?",
        ("oxygen", "neon"),
    )


@pytest.mark.parametrize(
    ("choices", "bare"),
    [
        (("A) x", "B) y"), ("x", "y")),
        (("(a) x", "(b) y", "(c) z"), ("x", "y", "z")),
        (("A. x", "B.y"), ("x", "y")),
        (("A) x", "y"), ("A) x", "y")),  # not all
        (("B) x", "A) y"), ("B) x", "A) y")),  # not in order
        (("A", "B"), ("A", "B")),  # nothing but the letter
        (("A man", "B movie"), ("A man", "B movie")),
        ((), ()),
    ],
)
def test_letters_that_all_choices_carry_are_taken_off(choices, bare):
    assert without_marks(choices) == bare


@pytest.mark.parametrize("answer", ["B", "B) helium", "helium", "1"])
def test_marked_choices(tmp_path, answer):
    rows = asked([answer], ("A) oxygen", "B) helium", "C) neon")) + asked(["0"] if answer == "1" else [], ("x", "y"))
    found = read(tmp_path, rows=rows)
    assert right(found)[0] == "helium"
    assert found.questions["validation"][0].others == ("oxygen", "neon")


def test_columns_of_a_csv_file_and_three_to_six_choices(tmp_path):
    found = read(
        tmp_path,
        "test.csv",
        "question,a,b,c,d,e,f,answer\nOne?,null,NA,None,,,,B\nTwo?,007,1.0,1,2020-01-01,true,x,F\nThree?,p,,q,,,,A\n",
        "abcdef",
    )
    one, two = found.questions["test"]
    assert (one.correct, one.others) == ("NA", ("null", "None"))
    assert (two.correct, two.others) == ("x", ("007", "1.0", "1", "2020-01-01", "true"))
    assert found.dropped["test"] == {"empty choice": 1}


def test_lists_within_a_csv_file(tmp_path):
    assert right(
        read(tmp_path, "quiz.csv", 'question,choices,answer\nOne?,"[""x"", ""y""]",1\nTwo?,"[""x"", ""z""]",0\n')
    ) == ["y", "x"]


def test_what_cannot_be_asked_is_counted(tmp_path):
    rows = asked(["A", "B", "C", "A", "", "A", "B"])
    rows[1]["question"] = " "
    rows[2]["choices"] = ["only"]
    rows[3]["choices"] = ["x", "x", "y"]
    rows[5] |= {"question": "Which gas 6?"}  # asked again with another answer
    found = read(tmp_path, rows=rows)
    assert right(found) == ["oxygen"]
    assert found.dropped["validation"] == {
        "empty question": 1, "fewer than two choices": 1, "two choices alike": 1, "no answer given": 1,
        "question with conflicting answers": 2,
    }  # fmt: skip


def test_integers_among_integers_are_refused(tmp_path):
    message = r"expected answers that can be read in one way, got '0' with the choices 2 \| 1 \| 0 .*by index and another by text; write"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, rows=asked([1, 0], (2, 1, 0)))


def test_integers_that_are_no_index_are_texts(tmp_path):
    """Decided over the whole file: one answer that is out of range makes all of them texts."""
    assert right(read(tmp_path, rows=asked([1, 12], (1, 0, 12)))) == ["1", "12"]


def test_where_two_ways_agree_the_file_is_read(tmp_path):
    assert right(read(tmp_path, rows=asked([1, 0], (0, 1)))) == ["1", "0"]


def test_indexes_from_1_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"expected indexes that count from 0, got 2 answers .* none of which is 0; where they"
    ):
        read(tmp_path, rows=asked([1, 2]))
    with pytest.raises(
        ValueError, match=r"got '3' with the choices oxygen \| helium \| neon .*most are written by index"
    ):
        read(tmp_path, rows=asked([1, 2, 3, 0]))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            ["A", "argon"],
            r"got 'argon' with the choices oxygen \| helium \| neon \(validation, row 1\); most are written by",
        ),
        (["A", "D"], "got 'D' with the choices"),
        (["A", "helium", "B"], "got 'helium' .*most are written by letter, write all so"),
    ],
)
def test_answers_that_no_way_reads(tmp_path, answers, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, rows=asked(answers))


def test_choices_that_are_no_list(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"--choices_column: expected a list of choices in the column choices \(validation, row 0\), got 'x'",
    ):
        read(tmp_path, rows=[{"question": "One?", "choices": "x", "answer": "A"}])


def test_a_missing_column(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"expected the columns question, choices, answer in .*, got question, choices; answer is missing",
    ):
        read(tmp_path, rows=[{"question": "One?", "choices": ["x", "y"]}])


@pytest.mark.parametrize(
    ("name", "split"), [("train.jsonl", "train"), ("quiz_test.jsonl", "test"), ("quiz.jsonl", "validation")]
)
def test_files_whose_names_tell_no_split_are_measured(tmp_path, name, split):
    assert list(read(tmp_path, name, asked(["A", "B"])).questions) == [split]


def test_a_question_in_two_splits_is_measured(tmp_path):
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked(["A", "B"])))
    found = read(tmp_path, "test.jsonl", asked(["A"]))
    assert {split: len(questions) for split, questions in found.questions.items()} == {"test": 1, "train": 1}
    assert found.dropped["train"] == {"question stands in a measurement split": 1}
