# SPDX-License-Identifier: Apache-2.0
import json
import os

import pytest

from sycophancy.claims.sources import at_most, normalise, read_source
from sycophancy.claims.tasks import SOURCES

SST2 = SOURCES["sst2"]


def write_source(folder, **splits):
    folder.mkdir()
    for split, rows in splits.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


def rows(*pairs):
    return [{"sentence": text, "label": label, "idx": i} for i, (text, label) in enumerate(pairs)]


def test_what_is_dropped_and_counted(tmp_path):
    folder = write_source(
        tmp_path / "sst2",
        train=rows(
            ("good ", 1), ("bad", 0), ("BAD !", 0), ("odd", 0), ("odd", 1), ("", 1), ("  ", 0), ("held out", 1),
            ("unlabelled", -1), ("beyond", 2), ("last", 1),
        ),
        validation=rows(("held-out", 1), ("held  out", 1), ("dull", 0)),
    )  # fmt: skip
    found = read_source("sst2", SST2, folder)
    assert [(item.index, item.text, item.label) for item in found.items["train"]] == [
        (0, "good", "positive"), (1, "bad", "negative"), (10, "last", "positive")
    ]  # fmt: skip
    assert [item.index for item in found.items["validation"]] == [0, 2]
    assert found.dropped["train"] == {
        "repeated text": 1, "text with conflicting labels": 2, "empty text": 2, "label out of range": 2,
        "text stands in a measurement split": 1,
    }  # fmt: skip
    assert found.dropped["validation"] == {"repeated text": 1}


def test_a_split_without_labels_is_left_out(tmp_path):
    folder = write_source(tmp_path / "sst2", validation=rows(("good", 1), ("bad", 0)), test=rows(("a", -1), ("b", -1)))
    found = read_source("sst2", SST2, folder)
    assert list(found.items) == ["validation"]
    assert found.dropped["test"] == {"label out of range": 2}


def test_reviews_need_no_data():
    found = read_source("reviews", SOURCES["reviews"])
    assert {split: len(items) for split, items in found.items.items()} == {
        "train": 8000,
        "validation": 600,
        "test": 600,
    }
    assert not any(found.dropped.values())


def test_kept_rows_can_be_read_again_and_in_part(tmp_path):
    folder = write_source(tmp_path / "sst2", train=rows(*((f"text {i}", i % 2) for i in range(5000)), ("text 7", 1)))
    kept = read_source("sst2", SST2, folder).items["train"]
    once, again = list(kept), list(kept)
    assert once == again
    assert len(once) == len(kept) == 5000
    assert (once[4999].index, once[4999].fields, once[4999].label) == (4999, {"sentence": "text 4999"}, "positive")
    assert list(kept[:3]) == once[:3]
    assert len(kept[:3]) == 3


def test_texts_are_compared_without_case_and_punctuation():
    assert normalise("It 's a GEM -- truly .") == normalise("it's a gem, truly")
    assert normalise("...") != normalise("?!")


@pytest.mark.source_data
@pytest.mark.skipif(
    "SYCO_SOURCE_DATA" not in os.environ, reason="SYCO_SOURCE_DATA names no folder with the source tasks"
)
def test_real_sst2():
    found = read_source("sst2", SST2, os.path.join(os.environ["SYCO_SOURCE_DATA"], "sst2"))
    assert len(found.items["validation"]) == 872
    assert len(found.items["train"]) + sum(found.dropped["train"].values()) == 67_349


def test_a_limit_takes_the_first_rows_and_of_a_source_sorted_by_label_rows_from_all_over(tmp_path):
    for split, n in (("train", 40), ("validation", 10)):
        rows = [{"sentence": f"{split} text {i}", "label": int(i >= n / 2)} for i in range(n)]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    by_label = read_source("sst2", SOURCES["sst2"], str(tmp_path)).items["train"]
    assert [item.index for item in at_most(by_label, 4)] == [0, 10, 20, 30]
    assert [item.index for item in at_most(by_label, 22)] == list(range(22))
    assert at_most(by_label, None) is by_label
    assert len(at_most(by_label, 99)) == 40
    as_list = list(by_label)
    assert [item.index for item in at_most(as_list, 4)] == [0, 10, 20, 30]
