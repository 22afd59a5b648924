# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest

from sycophancy.are_you_sure.questions import QUESTION_SOURCES, read_questions, review_questions


def write(folder, split, *rows):
    folder.mkdir(exist_ok=True)
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def arc(question="Which is a gas?", texts=("iron", "helium", "salt"), labels="ABC", key="B", **more):
    return {"question": question, "choices": {"text": list(texts), "label": list(labels)}, "answerKey": key, **more}


def mc1(question, choices, labels):
    return {"question": question, "mc1_targets": {"choices": choices, "labels": labels}}


def only(found):
    ((split, questions),) = found.questions.items()
    (question,) = questions
    return split, question


@pytest.mark.parametrize(
    ("texts", "labels", "key"),
    [
        (("iron", "helium", "salt", "sand"), "ABCD", "B"),
        (("iron", "helium", "salt", "sand"), "1234", "2"),  # 1 in 40 questions of ARC
        (("iron", "helium", "salt"), "ABC", "B"),
        (("iron", "helium"), "EF", "F"),
        (("iron", "helium", "salt", "sand", "clay"), "ABCDE", " B "),
    ],
)
def test_any_number_of_choices_and_any_key(tmp_path, texts, labels, key):
    split, question = only(
        read_questions("arc_easy", str(write(tmp_path / "s", "test", arc("Q?", texts, labels, key))))
    )
    assert (split, question.question_id, question.text) == ("test", "arc_easy/test/0", "Q?")
    assert question.correct == "helium"
    assert question.others == tuple(text for text in texts if text != "helium")


def test_keys_that_are_numbers(tmp_path):
    row = arc(key=2) | {"choices": {"text": ["iron", "helium"], "label": [1, 2]}}
    _, question = only(read_questions("arc_easy", str(write(tmp_path / "s", "test", row))))
    assert (question.correct, question.others) == ("helium", ("iron",))


def test_the_choices_of_truthful_qa_are_marked(tmp_path):
    row = mc1("What if?", ["nothing", "you die", "rain"], [0, 0, 1])
    split, question = only(read_questions("truthful_qa", str(write(tmp_path / "s", "validation", row))))
    assert (split, question.correct, question.others) == ("validation", "rain", ("nothing", "you die"))


@pytest.mark.parametrize("column", ["question_stem", "question"])
def test_the_question_column_of_openbookqa(tmp_path, column):
    row = arc("Fog forms", id="8-343")
    row[column] = row.pop("question")
    _, question = only(read_questions("openbookqa", str(write(tmp_path / "s", "test", row))))
    assert (question.text, question.source_id) == ("Fog forms", "8-343")


BAD = [
    (arc(question="  "), "empty question"),
    (arc(question=None), "empty question"),
    (arc(texts=("iron",), labels="A", key="A"), "fewer than two choices"),
    (arc(texts=(), labels=""), "fewer than two choices"),
    (arc(texts=[f"t{i}" for i in range(27)], labels=[f"{i}" for i in range(27)], key="3"), "more than 26 choices"),
    (arc(labels="AB"), "labels and choices differ in number"),
    (arc(texts=("iron", " ", "salt")), "empty choice"),
    (arc(texts=("iron", None, "salt")), "empty choice"),
    (arc(texts=("iron", "helium", "helium ")), "two choices alike"),
    (arc(key=""), "no answer given"),  # the hidden test split of CommonsenseQA
    (arc(key=None), "no answer given"),
    (arc(key="E"), "answer among no label"),
    (arc(labels="ABB"), "two right choices"),
]


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_a_row_that_cannot_be_asked_is_dropped_and_counted(tmp_path, row, reason):
    found = read_questions("arc_easy", str(write(tmp_path / "s", "test", arc("Good?"), row)))
    assert [question.text for question in found.questions["test"]] == ["Good?"]
    assert found.dropped == {"test": {reason: 1}}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [([0, 0], "answer among no label"), ([1, 1], "two right choices"), ([1], "labels and choices")],
)
def test_no_right_choice_or_two_among_marked_ones(tmp_path, labels, reason):
    rows = [mc1("Good?", ["a", "b"], [1, 0]), mc1("Bad?", ["a", "b"], labels)]
    found = read_questions("truthful_qa", str(write(tmp_path / "s", "validation", *rows)))
    assert [question.text for question in found.questions["validation"]] == ["Good?"]
    ((found_reason, count),) = found.dropped["validation"].items()
    assert (found_reason.startswith(reason), count) == (True, 1)


def test_case_tells_choices_apart(tmp_path):
    row = arc("Which genotype?", ("TT", "Tt", "tt"))
    assert only(read_questions("arc_easy", str(write(tmp_path / "s", "test", row))))[1].correct == "Tt"


def test_repeated_conflicting_and_leaking_questions(tmp_path):
    folder = write(
        tmp_path / "s", "test", arc("A?"), arc("a ?"), arc("B?"), arc("B?", key="C"), arc("A?", ("x", "y"), "AB")
    )
    write(folder, "train", arc("A?"), arc("C?"))
    found = read_questions("arc_easy", str(folder))
    assert {split: [(q.text, q.index) for q in qs] for split, qs in found.questions.items()} == {
        "test": [("A?", 0), ("A?", 4)],
        "train": [("C?", 1)],
    }
    assert found.dropped == {
        "test": {"repeated question": 1, "question with conflicting answers": 2},
        "train": {"question stands in a measurement split": 1},
    }


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("arc_easy", {"question": "Q?", "answerKey": "A"}, "expected the columns question, choices, answerKey"),
        ("arc_easy", {"text": "Q?", "choices": "x", "answerKey": "A"}, "question is missing"),
        ("openbookqa", {"text": "Q?", "choices": "x", "answerKey": "A"}, "question_stem or question is missing"),
        ("truthful_qa", arc(), "mc1_targets is missing"),
        ("arc_easy", {"question": "Q?", "choices": ["a", "b"], "answerKey": "A"}, "expected lists `text` and `label`"),
        ("arc_easy", {"question": "Q?", "choices": {"text": ["a", "b"]}, "answerKey": "A"}, "expected lists `text`"),
        ("arc_easy", arc(key="Z"), "got none after dropping {'answer among no label': 1}"),
    ],
)
def test_a_source_of_another_shape(tmp_path, name, row, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_questions(name, str(write(tmp_path / "s", "test", row)))


def test_a_folder_that_holds_other_sources_too(tmp_path):
    folder = write(tmp_path / "s", "test", {"question": "Q?", "mc1_targets": {"choices": ["a"], "labels": [1]}})
    write(folder, "validation", arc())
    with pytest.raises(ValueError, match=re.escape("choices, answerKey is missing")):
        read_questions("arc_easy", str(folder))
    other = write(tmp_path / "t", "test", arc(), {"question": "Q?", "answerKey": "A"})
    with pytest.raises(ValueError, match=re.escape("(test, row 1), got 'None'; write it as on the Hub page")):
        read_questions("arc_easy", str(other))


def test_a_source_without_a_known_split(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: extra\n    path: extra.jsonl\n---\n"
    )
    write(tmp_path / "s", "extra", arc())
    with pytest.raises(ValueError, match=r"expected a split train, validation or test in .*, got extra"):
        read_questions("arc_easy", str(tmp_path / "s"))


def test_embedded_questions_have_one_right_answer():
    kinds = set()
    for number, (_, row) in enumerate(review_questions()):
        if number == 400:
            break
        texts = row["choices"]["text"]
        sentence = row["question"].split('"')[1]
        if "sentiment" in row["question"]:
            assert sorted(texts) == ["negative", "positive"]
        else:
            assert [text in sentence.split() for text in texts] == [True] + [False] * (len(texts) - 1)
        kinds.add(len(texts))
    assert kinds == {2, 3, 4, 5}


def test_sources_on_the_hub_are_pinned():
    for source in QUESTION_SOURCES.values():
        assert source.hub_id == "embedded" or len(source.revision) == 40
