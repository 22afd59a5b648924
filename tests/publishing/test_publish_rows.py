# SPDX-License-Identifier: Apache-2.0
"""How two sets of rows differ, as readers would see it."""

import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hub_trees import dataset_rows, make_dataset

from sycophancy.publishing.rows import load_rows, row_differences

TRAIN = "data/train-00000-of-00001.parquet"
VALIDATION = "data/validation-00000-of-00001.parquet"


def write(tree: Path, rows: list[dict[str, object]], **options: object) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tree / TRAIN, **options)


def rename_split(tree: Path, rows: list[dict[str, object]]) -> None:
    card = (tree / "README.md").read_text(encoding="utf-8").replace("- split: validation", "- split: test")
    (tree / "README.md").write_text(card, encoding="utf-8")


def without_ids(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{"text": row["prompt"]} for row in rows]


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (lambda tree, rows: write(tree, rows, compression="zstd", row_group_size=2), []),
        (
            lambda tree, rows: write(tree, rows[:5]),
            [
                "default/train: 3 rows removed (tiny/train/1/false/right_opinion, "
                "tiny/train/2/false/no_opinion, tiny/train/2/false/wrong_opinion)"
            ],
        ),
        (
            lambda tree, rows: write(tree, [{**row, "answer": "agree"} for row in rows[:1]] + rows[1:]),
            ["default/train: 1 rows changed (tiny/train/0/false/no_opinion)"],
        ),
        (
            lambda tree, rows: write(tree, [*rows, {**rows[0], "id": "new"}]),
            ["default/train: 1 rows added (new)"],
        ),
        (
            lambda tree, rows: write(tree, [{**row, "prompt": "x"} for row in rows]),
            [
                "default/train: 8 rows changed (tiny/train/0/false/no_opinion, "
                "tiny/train/0/false/wrong_opinion, tiny/train/0/false/right_opinion, ...)"
            ],
        ),
        (lambda tree, rows: write(tree, rows[::-1]), ["default/train: the same rows in another order"]),
        (
            lambda tree, rows: write(tree, [{**row, "more": 1} for row in rows]),
            [f"default/{split}: column more: absent -> Value('int64')" for split in ("train", "validation")],
        ),
        (rename_split, ["- split default/validation: 6 rows", "+ split default/test: 6 rows"]),
    ],
)
def test_differences(tmp_path: Path, change, differences: list[str]) -> None:
    old, new = make_dataset(tmp_path / "old"), make_dataset(tmp_path / "new")
    change(new, dataset_rows("train", 8))
    found = row_differences(load_rows(old), load_rows(new))
    assert found == differences


def test_rows_without_ids_are_told_apart_by_content(tmp_path: Path) -> None:
    old, new = make_dataset(tmp_path / "old"), make_dataset(tmp_path / "new")
    rows = without_ids(dataset_rows("train", 3))
    for tree, texts in ((old, [*rows, rows[0]]), (new, [*rows[1:], {"text": "other"}])):
        write(tree, texts)
        shutil.copyfile(tree / TRAIN, tree / VALIDATION)
    text = [f'{{"text": "{row["text"]}"}}' for row in rows]
    assert row_differences(load_rows(old), load_rows(new))[:2] == [
        'default/train: 1 rows added ({"text": "other"} #1)',
        f"default/train: 2 rows removed ({text[0]} #1, {text[0]} #2)",
    ]


def test_a_folder_that_changes_is_read_again(tmp_path: Path) -> None:
    """The usual cache of datasets gives yesterday's rows here: its key is the card's patterns."""
    tree = make_dataset(tmp_path)
    assert load_rows(tree)["default"]["train"].num_rows == 8
    write(tree, dataset_rows("train", 3))
    assert load_rows(tree)["default"]["train"].num_rows == 3
