# SPDX-License-Identifier: Apache-2.0
import json
import os
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
