# SPDX-License-Identifier: Apache-2.0
import hashlib
import shutil

import pytest
from datasets import Features, List, Value, load_dataset

from sycophancy.cli import run
from sycophancy.dataset.parquet import ROW_GROUP, read_parquet, write_parquet

FEATURES = Features({"id": Value("string"), "choices": List(Value("string")), "holds": Value("bool")})


def rows(n, word="yes"):
    return [{"id": f"r/{i}", "choices": [word, "no"], "holds": i % 2 == 0} for i in range(n)]


def test_rows_come_back_in_order(tmp_path):
    path = write_parquet(tmp_path, "data", "train", iter(rows(ROW_GROUP + 3)), FEATURES)
    assert list(read_parquet(tmp_path / path)) == rows(ROW_GROUP + 3)
    loaded = load_dataset("parquet", data_files=str(tmp_path / path), split="train")
    assert loaded.features == FEATURES


def test_the_name_is_that_of_the_content(tmp_path):
    first = write_parquet(tmp_path / "a", "data", "train", rows(5), FEATURES)
    digest = hashlib.sha256((tmp_path / "a" / first).read_bytes()).hexdigest()
    assert first == f"data/train-00000-of-00001-{digest[:12]}.parquet"
    assert write_parquet(tmp_path / "b", "data", "train", rows(5), FEATURES) == first
    assert write_parquet(tmp_path / "b", "data", "train", rows(5, "ja"), FEATURES) != first
    assert write_parquet(tmp_path / "b", "data", "test", rows(5), FEATURES) == first.replace("train", "test")


def test_a_write_that_fails_leaves_no_parquet_file(tmp_path):
    def fail():
        yield from rows(ROW_GROUP)
        raise RuntimeError("the source broke off")

    with pytest.raises(RuntimeError, match="broke off"):
        write_parquet(tmp_path, "data", "train", fail(), FEATURES)
    assert not list(tmp_path.rglob("*.parquet"))


def test_load_dataset_sees_that_a_folder_was_built_again(tmp_path, monkeypatch):
    """With names such as `data/train-00000-of-00001.parquet` in the card, the second load gives the first rows."""
    from dataset_builders.syco_claims import main

    def build(output, seed):
        monkeypatch.setattr("sys.argv", ["syco_claims.py", "--source", "reviews", "--output_dir", str(output), "--org",
                                         "my-org", "--limit", "12", "--seed", str(seed), "--overwrite"])  # fmt: skip
        run(main)
        return output / "my-org" / "syco-reviews"

    def prompts(folder, config="default"):
        return load_dataset(str(folder), config)["train"]["prompt"][:]

    folder = build(tmp_path / "a", 0)
    first, first_pairs = prompts(folder), prompts(folder, "preference")
    assert build(tmp_path / "a", 1) == folder
    second, second_pairs = prompts(folder), prompts(folder, "preference")
    assert first != second
    assert first_pairs != second_pairs
    # Another folder of the same name, and the first dataset again.
    other = build(tmp_path / "b", 2)
    assert prompts(other) not in (first, second)
    shutil.rmtree(folder)
    assert prompts(build(tmp_path / "a", 0)) == first
