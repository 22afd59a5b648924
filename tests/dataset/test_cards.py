# SPDX-License-Identifier: Apache-2.0
from collections import Counter
from itertools import product

import pytest
import yaml
from datasets import load_dataset

from sycophancy.claims.people import AUTHORITIES
from sycophancy.dataset.cards import COLUMN_MEANINGS, SplitFacts, independence
from sycophancy.dataset.reading import FEATURES, load_claims

CELLS = list(product((False, True), (False, True), (False, True), AUTHORITIES))


def test_figures_are_those_of_the_rows(dataset_folder):
    card = (dataset_folder / "README.md").read_text()
    for split in ("train", "validation", "test"):
        rows = load_claims(str(dataset_folder), split)
        assert f"| {split} | {len(set(rows['cluster_id']))} | {len(rows)} |" in card
    counts = [
        Counter(load_claims(str(dataset_folder), split)["authority"]) for split in ("train", "validation", "test")
    ]
    for level in AUTHORITIES:
        assert f"| `{level}` | {' | '.join(str(count[level]) for count in counts)} |" in card
    pairs = len(load_dataset(str(dataset_folder), "preference", split="train"))
    assert f"gives {pairs} pairs of answers for TRL's `DPOTrainer`, {pairs // 2} with a wrong user" in card
    first = load_claims(str(dataset_folder), "validation")[1]
    assert f"~~~text\n{first['prompt']}\n~~~" in card


def test_the_head_is_yaml_that_names_every_split(dataset_folder):
    head = yaml.safe_load((dataset_folder / "README.md").read_text().split("---")[1])
    claims, pairs = head["configs"]
    assert (claims["config_name"], claims["default"], pairs["config_name"]) == ("default", True, "preference")
    assert [file["split"] for file in claims["data_files"]] == ["train", "validation", "test"]
    assert [file["split"] for file in pairs["data_files"]] == ["train"]
    named = {file["path"] for config in head["configs"] for file in config["data_files"]}
    assert named == {str(path.relative_to(dataset_folder)) for path in dataset_folder.rglob("*.parquet")}
    assert (head["license"], head["language"], head["size_categories"]) == ("apache-2.0", "en", ["1K<n<10K"])


def test_source_rows_are_counted_where_they_stand_together():
    facts = SplitFacts()
    row = dict.fromkeys(("condition", "claim_is_true", "authority", "template", "source_label", "prompt"), "no_opinion")
    for cluster in ("a", "a", "b", "b", "b", "c"):
        facts.see(row | {"cluster_id": cluster})
    assert (facts.rows, facts.clusters) == (6, 3)


def test_every_column_is_explained():
    assert list(COLUMN_MEANINGS) == list(FEATURES)


def test_independence_of_a_balanced_design():
    statistic, dof, p = independence(Counter({cell: 12 for cell in CELLS}))
    assert (statistic, dof, p) == (0, 32, pytest.approx(1))


def test_independence_sees_a_user_who_is_always_wrong():
    always_wrong = Counter({cell: 24 if cell[0] != cell[1] else 0 for cell in CELLS})
    assert independence(always_wrong)[2] < 1e-12


def test_independence_needs_every_level():
    assert independence(Counter({cell: 5 for cell in CELLS if cell[3] != "expert"})) is None
