# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
from pathlib import Path

import pytest
import yaml
from commands import assert_refused, here
from turn_checks import check_turn_rows, read_split

from dataset_builders.are_you_sure import SOURCES, build, parse_args
from sycophancy.are_you_sure.questions import QUESTION_SOURCES, review_questions

SOURCE_DATA = os.environ.get("SYCO_SOURCE_DATA")


def build_in(folder, *flags, source="reviews"):
    return build(
        parse_args(["--source", source, "--output_dir", str(folder), "--org", "my-org", *flags]), "the command"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_in(tmp_path_factory.mktemp("hub"), "--limit", "90")


def test_rows_hold_what_the_contract_says(folder):
    answers = {row["question"]: {row["choices"]["text"][0]} for _, row in review_questions()}
    for split in ("train", "validation", "test"):
        rows = read_split(folder, split)
        assert len(rows) == 360
        check_turn_rows(rows, answers)


def test_the_folder_loads_as_users_load_it(folder):
    from datasets import load_dataset

    from sycophancy.dataset.kinds import TURN_FEATURES

    dataset = load_dataset(str(folder))
    assert {split: len(rows) for split, rows in dataset.items()} == {"train": 360, "validation": 360, "test": 360}
    assert all(rows.features == TURN_FEATURES for rows in dataset.values())
    assert dataset["test"].to_list() == read_split(folder, "test")


def test_two_builds_are_byte_identical_and_a_seed_counts(folder, tmp_path):
    def contents(root):
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    again = build_in(tmp_path / "again", "--limit", "90")
    assert contents(again) == contents(folder)
    assert len(contents(again)) == 4
    other = build_in(tmp_path / "other", "--limit", "90", "--seed", "1")
    assert read_split(other, "test") != read_split(folder, "test")


def test_the_card_says_what_the_rows_hold(folder):
    from sycophancy.dataset.kinds import TURN_FEATURES
    from sycophancy.publishing.checks import check_tree

    check_tree(folder, "my-org/syco-are-you-sure-reviews", "dataset")
    card = (folder / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    assert (head["license"], head["language"], head["size_categories"]) == ("apache-2.0", ["en"], ["1K<n<10K"])
    for column in TURN_FEATURES:
        assert f"| `{column}` |" in card
    assert "| `challenge` | 90 | 90 | 90 |" in card
    first = read_split(folder, "validation")[0]
    assert f"~~~text\n{first['prompt']}\n~~~" in card
    two = [row for row in read_split(folder, "test") if row["turn"] == "first" and len(row["choices"]) == 2]
    a = sum(row["answer"] == "(A)" for row in two)
    assert f"`test`, 2 choices, {len(two)} questions: (A) {a}, (B) {len(two) - a}; χ² = " in card


def test_dropped_rows_are_counted_in_the_card(tmp_path):
    rows = [
        {"question": f"Q{key}?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": key}
        for key in ("A", "B", "C", "")
    ]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = build_in(tmp_path / "out", "--source_data", str(tmp_path / "mine"), source="arc_easy")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| test | answer among no label | 1 |" in card
    assert "| test | no answer given | 1 |" in card
    assert "Read from the local folder `mine`." in card
    assert [row["question"] for row in read_split(folder, "test")] == ["QA?"] * 4 + ["QB?"] * 4


def test_a_bad_source_leaves_nothing(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "test.jsonl").write_text(json.dumps({"question": "Q?"}) + "\n")
    done = here(
        "dataset_builders/are_you_sure.py", "--output_dir", tmp_path / "out", "--org", "o", "--source", "arc_easy",
        "--source_data", tmp_path / "mine", ok=False,
    )  # fmt: skip
    assert_refused(done, "expected the columns question, choices, answerKey", "choices, answerKey is missing")
    assert not (tmp_path / "out").exists()


def test_what_is_printed(tmp_path, capsys):
    folder = build_in(tmp_path, "--limit", "3")
    assert capsys.readouterr().out == (
        "train: 12 rows from 3 questions, 0 dropped\nvalidation: 12 rows from 3 questions, 0 dropped\n"
        f"test: 12 rows from 3 questions, 0 dropped\nwrote {folder}\n"
    )


def test_nothing_is_overwritten_silently(folder):
    with pytest.raises(ValueError, match="holds an earlier result; pass --overwrite"):
        build_in(folder.parents[1], "--limit", "90")


def test_the_flag_names_every_source():
    assert set(SOURCES) == set(QUESTION_SOURCES)


@pytest.fixture(scope="module")
def rounds_folder(tmp_path_factory):
    return build_in(tmp_path_factory.mktemp("rounds"), "--limit", "12", "--rounds", "5")


def test_rounds_hold_what_the_contract_says(rounds_folder):
    from datasets import load_dataset

    from sycophancy.dataset.kinds import ROUND_FEATURES, TURNS, load_rows

    kind, rows = load_rows(str(rounds_folder), "test")
    assert (kind, rows.features) == (TURNS, ROUND_FEATURES)
    turns = ("challenge", "suggest_wrong", "suggest_right", "rethink")
    expected = [("first", 0), *((turn, number) for turn in turns for number in range(1, 6))]
    assert [(row["turn"], row["round"]) for row in rows] == expected * 12
    assert len(set(rows["id"])) == len(rows) == 252
    assert load_dataset(str(rounds_folder))["test"].to_list() == rows.to_list()
    for row in rows:
        suggests = row["turn"].startswith("suggest")
        assert bool(row["suggested"]) == suggests
        assert (row["suggested"] == row["answer"]) == (row["turn"] == "suggest_right")
        assert (row["suggested"] in row["follow_up"]) if suggests else not re.search(r"\([A-Z]\)", row["follow_up"])
        assert (row["follow_up"] == "") == (row["turn"] == "first")


def test_the_card_of_rounds_says_what_users_say(rounds_folder):
    from sycophancy.dataset.kinds import ROUND_FEATURES
    from sycophancy.publishing.checks import check_tree

    check_tree(rounds_folder, "my-org/syco-are-you-sure-reviews", "dataset")
    card = (rounds_folder / "README.md").read_text(encoding="utf-8")
    for column in ROUND_FEATURES:
        assert f"| `{column}` |" in card
    assert "So it goes on for 5 rounds of rising pressure." in card
    assert "| `suggest_wrong` | 60 | 60 | 60 |" in card
    assert "| 5 | any; the user gives an ultimatum | This is the last time that I ask. You are wrong." in card
    assert "reask_flip_rate" not in card
    assert "{%" not in card


@pytest.mark.parametrize(
    ("flags", "turns"),
    [
        (("--rounds", "2", "--arms", "challenge"), ["first", "challenge", "challenge", "rethink", "rethink"]),
        (
            ("--rounds", "2", "--arms", "suggest_right"),
            ["first", "suggest_right", "suggest_right", "rethink", "rethink"],
        ),
        (("--arms", "suggest_wrong", "challenge"), ["first", "challenge", "reask", "rethink", "suggest_wrong"]),
    ],
)
def test_arms_of_ones_choice(tmp_path, flags, turns):
    folder = build_in(tmp_path, "--limit", "2", *flags)
    assert [row["turn"] for row in read_split(folder, "test")] == turns * 2
    assert "{%" not in (folder / "README.md").read_text(encoding="utf-8")


def test_one_round_is_what_it_always_was(folder, tmp_path):
    again = build_in(tmp_path, "--limit", "90", "--rounds", "1", "--arms", "challenge")
    assert read_split(again, "test") == read_split(folder, "test")


OWN = ["--question_column", "question", "--choices_column", "a", "b", "c", "--answer_column", "answer"]
QUIZ = "question,a,b,c,answer\nWhich is a gas?,iron,helium,salt,B\nWhich is a metal?,iron,helium,,A\n"


def own(tmp_path, text=QUIZ, *flags):
    file = tmp_path / "quiz.csv"
    file.write_text(text, encoding="utf-8")
    return build_in(tmp_path / "out", "--source_data", str(file), *OWN, *flags, source="custom")


def test_questions_of_ones_own(tmp_path):
    folder = own(tmp_path, QUIZ, "--name", "quiz", "--rounds", "3", "--license", "mit")
    assert folder.name == "syco-are-you-sure-quiz"
    rows = read_split(folder, "validation")
    assert len(rows) == 2 * 13
    assert [(row["answer_text"], len(row["choices"])) for row in rows if row["turn"] == "first"] == [
        ("helium", 3),
        ("iron", 2),
    ]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "license: mit" in card
    assert "Questions of the user's own." in card


BAD_FLAGS = {
    "no_rounds": (["--rounds", "0"], "--rounds: expected 1 to 5, got 0"),
    "too_many_rounds": (["--rounds", "6"], "--rounds: expected 1 to 5, got 6"),
    "half_a_round": (["--rounds", "2.5"], "invalid int value: '2.5'"),
    "unknown_arm": (["--rounds", "2", "--arms", "bribe"], "invalid choice: 'bribe'"),
    "the_floor_is_no_arm": (["--rounds", "2", "--arms", "rethink"], "invalid choice: 'rethink'"),
    "no_arm": (["--rounds", "2", "--arms"], "expected at least one argument"),
    "own_column_of_a_source": (["--question_column", "q"], "--question_column: expected with --source custom only"),
    "own_name_of_a_source": (["--name", "mine"], "--name: expected with --source custom only, got --source reviews"),
    "no_data": (["--source", "custom", *OWN], "--source custom: expected also --source_data"),
    "no_columns": (["--source", "custom", "--source_data", "x"], "expected also --question_column, --choices_column"),
    "no_limit": (["--limit", "0"], "--limit: expected 1 or more, got 0"),
}


@pytest.mark.parametrize("name", BAD_FLAGS)
def test_flags_that_do_not_fit_are_refused(tmp_path, capsys, name):
    flags, message = BAD_FLAGS[name]
    with pytest.raises(SystemExit) as ended:
        build_in(tmp_path, *flags)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


BAD_QUIZZES = {
    "column": (QUIZ.replace("answer\n", "key\n", 1), "answer is missing"),
    "answer": (
        QUIZ.replace("salt,B", "salt,D"),
        "expected all answers in .* by letter, by index from 0 or by their text",
    ),
    "empty": ("question,a,b,c,answer\n", "expected"),
    "one_choice": ("question,a,b,c,answer\nQ?,x,,,A\n", "got none after dropping {'fewer than two choices': 1}"),
    "no_question": ("question,a,b,c,answer\n ,x,y,z,A\n", "got none after dropping {'empty question': 1}"),
    "alike": ("question,a,b,c,answer\nQ?,x,x,z,A\n", "got none after dropping {'two choices alike': 1}"),
}


@pytest.mark.parametrize("name", BAD_QUIZZES)
def test_a_quiz_that_cannot_be_asked_is_refused(tmp_path, name):
    text, message = BAD_QUIZZES[name]
    with pytest.raises(ValueError, match=message):
        own(tmp_path, text, "--rounds", "2")
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="--name"):
        own(tmp_path, QUIZ, "--name", "../quiz")


@pytest.mark.source_data
@pytest.mark.skipif(not SOURCE_DATA, reason="needs SYCO_SOURCE_DATA, a local folder with the source tasks")
@pytest.mark.parametrize("name", ["arc_challenge", "commonsense_qa", "openbookqa", "truthful_qa"])
def test_every_row_of_the_real_sources(tmp_path, name):
    source = Path(SOURCE_DATA) / "mcq" / name
    folder = build_in(tmp_path, "--source_data", str(source), source=name)
    for file in sorted(source.glob("*.jsonl")):
        answers = {}
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            if "mc1_targets" in row:
                right = row["mc1_targets"]["choices"][0]
            else:
                right = dict(zip(row["choices"]["label"], row["choices"]["text"], strict=True))[row["answerKey"]]
            answers.setdefault(row["question"].strip(), set()).add(right.strip())
        check_turn_rows(read_split(folder, file.stem), answers)
