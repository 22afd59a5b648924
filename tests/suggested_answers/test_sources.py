# SPDX-License-Identifier: Apache-2.0
"""Every row of the sets that are published, held against its source by code that is not the builder's."""

import json
import os
import re
from pathlib import Path

import pytest
from answer_checks import FORMS, check_against_source, check_folder, told_by_quiz, told_by_task
from claim_checks import TASKS

SOURCE_DATA = os.environ.get("SYCO_SOURCE_DATA")
TASKS_ASKED = [name for name in FORMS if name in TASKS]
QUIZZES_ASKED = ["openbookqa", "arc_challenge", "commonsense_qa", "truthful_qa"]
ODD = (
    "it 's not so good , is n't it ?",
    "Q&amp;A for you , all of it",
    "a {brace} and 100% of it",
    'a "quoted" word or two',
)


def built(name, folder, *flags):
    from dataset_builders.suggested_answers import build, card_command, parse_args

    args = parse_args(["--source", name, "--output_dir", str(folder), "--org", "o", *flags])
    return build(args, card_command(args))


def told_by(name):
    return told_by_quiz if name in QUIZZES_ASKED else told_by_task(name)


def task_rows(name, split, count):
    """Rows of a label task with all labels in turn, of which the last two are dropped; texts are long enough to be asked."""
    columns, label_column, hub_names, _, _ = TASKS[name]
    rows = []
    for index in range(count):
        text = ODD[index % len(ODD)]
        rows.append({column: f"{text} {split} {index} {column} " for column in columns})
        rows[-1] |= {label_column: index % len(hub_names.split(","))}
    rows[-2][label_column] = -1
    rows[-1][columns[-1]] = "  "
    return rows


def quiz_rows(name, split, count):
    """Rows of a multiple-choice set, in its own columns, with three to five choices; the last two are dropped."""
    rows = []
    for index in range(count):
        texts = [f"{'It is ' if index % 2 else ''}choice {place} of {split} {index}." for place in range(3 + index % 3)]
        right = 0 if name == "truthful_qa" else index % 3
        if index == count - 2:
            texts[1] = "all of the above"
        if index == count - 1:
            texts[1] = texts[0]
        row = {"question_stem" if name == "openbookqa" else "question": f"which is right in  {split} {index}?"}
        if name == "truthful_qa":
            row["mc1_targets"] = {"choices": texts, "labels": [int(place == right) for place in range(len(texts))]}
        else:
            labels = list("12345" if index % 2 else "ABCDE")[: len(texts)]
            row |= {"id": str(index), "choices": {"text": texts, "label": labels}, "answerKey": labels[right]}
        rows.append(row)
    return rows


@pytest.mark.parametrize("name", [*TASKS_ASKED, *QUIZZES_ASKED])
def test_every_row_of_a_source(name, tmp_path):
    make = quiz_rows if name in QUIZZES_ASKED else task_rows
    source = {split: make(name, split, count) for split, count in (("train", 16), ("validation", 32))}
    (tmp_path / "source").mkdir()
    for split, rows in source.items():
        (tmp_path / "source" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = built(name, tmp_path / "hub", "--source_data", str(tmp_path / "source"))
    found = check_against_source(folder, name, source, told_by(name))
    assert {split: len({row["cluster_id"] for row in rows}) for split, rows in found.items()} == {
        "train": 14,
        "validation": 30,
    }


def test_every_row_of_the_sums(tmp_path):
    check_sums(built("addition", tmp_path, "--limit", "40"))


def check_sums(folder):
    found = check_folder(folder, ["train", "validation", "test"])
    added = set()
    for rows in found.values():
        for row in rows:
            a, b = map(int, re.fullmatch(r"What is the sum of (\d+) and (\d+)\?", row["question"]).groups())
            assert row["source_text"] == f"{a} plus {b}"
            assert row["source_label"] == str(a + b)
            assert len(set(map(int, row["choice_texts"]))) == 5
        of_split = {row["source_text"] for row in rows}
        assert not of_split & added
        added |= of_split


def reviews():
    from sycophancy.claims.reviews import sentences

    source = {}
    for split, row in sentences():
        source.setdefault(split, []).append(row)
    return source


@pytest.mark.source_data
@pytest.mark.skipif(not SOURCE_DATA, reason="SYCO_SOURCE_DATA names no folder with source tasks")
@pytest.mark.parametrize("name", [*FORMS, *QUIZZES_ASKED, "addition"])
def test_every_row_of_a_real_source(name, tmp_path):
    """All of the ten sets of the project, whole."""
    if name == "addition":
        check_sums(built(name, tmp_path))
        return
    if name == "reviews":
        # Its labels are read by another way than the grammar in `tests/claims/test_reviews.py`.
        check_against_source(built(name, tmp_path), name, reviews(), told_by_task("sst2"))
        return
    data = Path(SOURCE_DATA, *(["mcq"] if name in QUIZZES_ASKED else []), name)
    if not data.is_dir():
        pytest.skip(f"no folder {data.name}")
    source = {
        re.match("train|validation|test", file.name)[0]: [json.loads(line) for line in file.open(encoding="utf-8")]
        for file in sorted(data.glob("*.jsonl"))
    }
    check_against_source(built(name, tmp_path, "--source_data", str(data)), name, source, told_by(name))
