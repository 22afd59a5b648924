# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest
from datasets import Dataset

from sycophancy.dataset.reading import FEATURES, claim_splits, fingerprint_claims, load_claims


def write(folder, rows: Dataset):
    (folder / "data").mkdir(parents=True)
    rows.to_parquet(folder / "data" / "validation-00000-of-00001.parquet")
    return str(folder)


def test_a_rebuilt_folder_is_read_anew(dataset_folder, tmp_path):
    rows = load_claims(str(dataset_folder), "validation")
    folder = write(tmp_path / "d", rows.select(range(6)))
    first = fingerprint_claims(folder, "validation")
    assert load_claims(folder, "validation")["id"] == rows["id"][:6]
    shutil.rmtree(folder)
    write(tmp_path / "d", rows.select(range(6, 12)))
    assert load_claims(folder, "validation")["id"] == rows["id"][6:12]
    assert fingerprint_claims(folder, "validation") != first


def test_missing_columns_are_named(dataset_folder, tmp_path):
    rows = load_claims(str(dataset_folder), "validation").remove_columns(["answer", "choices"])
    with pytest.raises(ValueError, match="got none called choices, answer; build the dataset"):
        load_claims(write(tmp_path / "d", rows), "validation")


def test_a_folder_without_rows(tmp_path):
    folder = write(tmp_path / "d", Dataset.from_dict({column: [] for column in FEATURES}, features=FEATURES))
    with pytest.raises(ValueError, match=r"expected rows in .* \(validation\), got an empty split"):
        load_claims(folder, "validation")
    with pytest.raises(ValueError, match=r"split 'test' in the dataset folder .* got splits validation"):
        load_claims(folder, "test")


def test_pairs_are_no_claims(dataset_folder):
    assert claim_splits(str(dataset_folder)) == ["test", "train", "validation"]
    assert len(load_claims(str(dataset_folder), "train")) == 120
