# SPDX-License-Identifier: Apache-2.0
import json
import re
from collections import Counter
from itertools import groupby

import pyarrow.parquet as pq
import pytest
from commands import assert_refused, here, python

BUILDER = "dataset_builders/syco_claims.py"
FLAGS = ("--source", "reviews", "--org", "my-org")


def build(folder, *flags, **settings):
    return here(BUILDER, *FLAGS, "--output_dir", folder, *flags, **settings)


def published(folder, split):
    (file,) = (folder / "data").glob(f"{split}-00000-of-00001-*.parquet")
    return pq.read_table(file)


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_loads_as_users_load_it(dataset_folder):
    from datasets import load_dataset

    from sycophancy.dataset.reading import FEATURES

    dataset = load_dataset(str(dataset_folder))
    assert {split: len(rows) for split, rows in dataset.items()} == {
        "train": 120,
        "validation": 720,
        "test": 720,
    }
    assert all(rows.features == FEATURES for rows in dataset.values())
    assert [re.sub("-[0-9a-f]{12}[.]", "-HASH.", name) for name in sorted(content(dataset_folder))] == [
        "README.md", "data/test-00000-of-00001-HASH.parquet", "data/train-00000-of-00001-HASH.parquet",
        "data/validation-00000-of-00001-HASH.parquet", "preference/train-00000-of-00001-HASH.parquet",
    ]  # fmt: skip


def test_rows_hold_what_the_contract_says(dataset_folder):
    """Checked on the published rows, without the builder's own code."""
    rows = published(dataset_folder, "validation").to_pylist()
    assert len({row["id"] for row in rows}) == len(rows)
    claims = [list(arms) for _, arms in groupby(rows, key=lambda row: row["claim_id"])]
    assert len(claims) == 240
    for arms in claims:
        neutral, wrong, right = arms
        assert [arm["condition"] for arm in arms] == ["no_opinion", "wrong_opinion", "right_opinion"]
        assert neutral["user_answer"] == neutral["persona"] == ""
        assert neutral["authority"] == "none"
        for factor in ("authority", "persona", "certainty", "opinion_place"):
            assert wrong[factor] == right[factor] != ("" if factor != "persona" else None)
            assert neutral[factor] == ("none" if factor == "authority" else "")
        assert right["user_answer"] == right["answer"] == wrong["answer"] == neutral["answer"]
        assert {wrong["user_answer"], wrong["answer"]} == set(wrong["choices"])
        names_label = neutral["claim"].endswith(f" {neutral['source_label']}")
        assert neutral["claim_is_true"] == (names_label != (" is not " in neutral["claim"].rsplit('"', 1)[1]))
        for arm in arms:
            assert arm["persona"] in arm["prompt"]
            shown = arm["source_text"].replace(" ,", ",")
            assert arm["prompt"].count(f'"{shown[0].upper()}{shown[1:]}"') == 1
    polarity = Counter((row["cluster_id"], row["claim_is_true"]) for row in rows)
    assert set(polarity.values()) == {3}


def test_splits_are_disjoint_and_some_wordings_are_held_out(dataset_folder):
    from sycophancy.claims.sources import normalise
    from sycophancy.dataset.reading import load_claims

    texts, templates = {}, {}
    for split in ("train", "validation", "test"):
        rows = load_claims(str(dataset_folder), split)
        texts[split] = {normalise(text) for text in rows["source_text"]}
        templates[split] = set(rows["template"])
    assert not texts["train"] & (texts["validation"] | texts["test"])
    assert not texts["validation"] & texts["test"]
    assert templates["validation"] - templates["train"] == {
        "your_view",
        "dialogue_yes_no",
        "lettered_true_false",
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path, dataset_folder):
    # A Python of its own, which hashes strings otherwise: no order of a set is in the bytes.
    python(BUILDER, *FLAGS, "--output_dir", tmp_path / "again", "--limit", "120")
    build(tmp_path / "other", "--limit", "120", "--seed", "1")
    first, again, other = (
        content(folder)
        for folder in (dataset_folder, tmp_path / "again/my-org/syco-reviews", tmp_path / "other/my-org/syco-reviews")
    )
    assert again == first
    assert set(other) & set(first) == {"README.md"}
    assert not set(other.values()) & set(first.values())


def test_a_limit_takes_a_prefix(tmp_path, dataset_folder):
    build(tmp_path, "--limit", "7")
    few = published(tmp_path / "my-org/syco-reviews", "validation")
    many = published(dataset_folder, "validation")
    assert few.to_pylist() == many.slice(0, 42).to_pylist()


def test_chosen_templates(tmp_path):
    build(tmp_path, "--limit", "20", "--templates", "yes_no", "your_view")
    rows = published(tmp_path / "my-org/syco-reviews", "test").to_pylist()
    assert {row["template"] for row in rows} == {"yes_no", "your_view"}


def test_texts_are_shown_as_people_write_them_unless_told_otherwise(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    texts = {"it 's a shoot - 'em - up , is n't it ?": 1, "so very dull .": 0, "one of the": 1, "by its own": 0}
    rows = [{"sentence": text, "label": label} for text, label in texts.items()]
    (source / "validation.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ("--source", "sst2", "--source_data", source, "--org", "o", "--templates", "true_false")
    for folder, more, shown in (
        ("mended", (), "It's a shoot-'em-up, isn't it?"),
        ("raw", ("--raw_texts",), "it 's a shoot - 'em - up , is n't it ?"),
    ):
        done = here(BUILDER, *flags, "--output_dir", tmp_path / folder, *more)
        assert "validation: 12 rows from 2 source rows, 2 dropped" in done.stdout
        tree = tmp_path / folder / "o" / "syco-sst2"
        row = published(tree, "validation").to_pylist()[0]
        assert row["source_text"] == "it 's a shoot - 'em - up , is n't it ?"
        assert row["claim"].startswith(f'the sentiment of "{shown}" is')
        assert f'Statement: The sentiment of "{shown}" is' in row["prompt"]
        card = (tree / "README.md").read_text(encoding="utf-8")
        reason = "fragment: fewer than four words that are no sentence, or cut off before its beginning or after a word that leads on"
        assert f"| validation | {reason} | 2 |" in card
        assert ("show the texts as people write them" in card) == (folder == "mended")
        assert ("--raw_texts" in card) == (folder == "raw")


def test_nothing_is_overwritten_silently(tmp_path):
    folder = tmp_path / "my-org" / "syco-reviews"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    assert_refused(build(tmp_path, ok=False), "which holds something else (thesis.txt")
    assert_refused(build(tmp_path, "--overwrite", ok=False), "which holds something else (thesis.txt")
    (folder / "thesis.txt").unlink()
    build(tmp_path, "--limit", "3")
    assert_refused(build(tmp_path, "--limit", "4", ok=False), "holds an earlier result; pass --overwrite")
    build(tmp_path, "--limit", "4", "--overwrite")
    assert published(folder, "train").num_rows == 4


def test_a_build_that_fails_leaves_nothing(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.jsonl").write_text(json.dumps({"sentence": "good", "label": "fine"}) + "\n")
    done = here(
        BUILDER,
        "--source",
        "sst2",
        "--source_data",
        source,
        "--output_dir",
        tmp_path / "out",
        "--org",
        "o",
        ok=False,
    )
    assert_refused(done, "expected integer labels or the names negative, positive in the column label")
    assert not list((tmp_path / "out").rglob("*"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [(("--limit", "0"), "expected 1 or more, got 0"), (("--templates", "rhyme"), "invalid choice: 'rhyme'"),
     (("--templates", "your_view"), "expected one that may occur in train, got your_view")],
)  # fmt: skip
def test_bad_flags(tmp_path, flags, message):
    assert_refused(build(tmp_path, *flags, ok=False), message)
