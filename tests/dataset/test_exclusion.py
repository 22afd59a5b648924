# SPDX-License-Identifier: Apache-2.0
"""What is measured in one dataset is not trained on in another."""

import json

import numpy as np
import pytest
from claim_checks import rows_of

from sycophancy.claims.sources import read_source, text_key
from sycophancy.claims.tasks import SOURCES
from sycophancy.dataset.exclusion import measured_keys


def write(folder, column, **splits):
    folder.mkdir()
    for split, texts in splits.items():
        rows = [{column: text, "label": index % 2} for index, text in enumerate(texts)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def folders(tmp_path):
    reviews = write(
        tmp_path / "rt", "text", train=["Only here.", "Trained there."], validation=["It's a gem!", "A bore."], test=["So -- so", "Fine"]
    )  # fmt: skip
    phrases = write(
        tmp_path / "sst2", "sentence", train=["it 's a gem . ", "so so .", "trained there !", "new .", "a bore .", "news ."],
        validation=["fine .", "newest ."],
    )  # fmt: skip
    return reviews, phrases


def build_without(folder, source, data, *exclude):
    from dataset_builders.syco_claims import build, card_command, parse_args

    flags = ["--source", source, "--source_data", str(data), "--output_dir", str(folder), "--org", "o"]
    args = parse_args([*flags, *(["--exclude", *map(str, exclude)] if exclude else [])])
    return build(args, card_command(args))


def test_texts_measured_elsewhere_are_dropped_from_train_alone_and_counted(tmp_path, folders):
    reviews, phrases = folders
    built = build_without(tmp_path / "hub", "rotten_tomatoes", reviews)
    alone = build_without(tmp_path / "alone", "sst2", phrases)
    assert len(rows_of(alone, "train")) == 6
    by_folder = build_without(tmp_path / "a", "sst2", phrases, built)
    by_source = build_without(tmp_path / "b", "sst2", phrases, f"rotten_tomatoes={reviews}")
    for folder, name, shown in (
        (by_folder, "syco-rotten_tomatoes", "syco-rotten_tomatoes"),
        (by_source, "rotten_tomatoes", "rotten_tomatoes=rt"),
    ):
        assert [row["source_text"] for row in rows_of(folder, "train")] == ["trained there !", "new .", "news ."]
        assert rows_of(folder, "validation") == rows_of(alone, "validation")
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert f"| train | text stands in a measurement split of {name} | 3 |" in card
        assert f" --exclude {shown} --org o " in card


def test_keys_are_those_of_the_measurement_splits(folders):
    reviews, _ = folders
    name, keys = measured_keys(f"rotten_tomatoes={reviews}")
    assert name == "rotten_tomatoes"
    assert set(keys.tolist()) == {text_key(text) for text in ("its a gem", "a bore", "so so", "fine")}


def test_addition_too():
    keys = np.array([text_key(first_of("train")), text_key(first_of("test"))], np.uint64)
    rows = read_source("addition", SOURCES["addition"], exclude={"mine": keys})
    assert {split: len(items) for split, items in rows.items.items()} == {"train": 7999, "validation": 600, "test": 600}
    assert rows.dropped["train"] == {"text stands in a measurement split of mine": 1}


def first_of(split):
    from sycophancy.claims.addition import items

    return next(items("addition", split)).text


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("nothing", "expected a dataset folder, a Hub id, a source task or TASK=FOLDER, got 'nothing'"),
        ("{tmp}", "expected Parquet files of claims in the folder"),
        ("rotten_tomatoes={tmp}/train_only", "--exclude: expected rows in a split validation or test of rotten_tomatoes"),
    ],
)  # fmt: skip
def test_nothing_to_exclude(tmp_path, other, message):
    write(tmp_path / "train_only", "text", train=["a", "b"])
    with pytest.raises(ValueError, match=message):
        measured_keys(other.format(tmp=tmp_path))
