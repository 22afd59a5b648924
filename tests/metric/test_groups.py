# SPDX-License-Identifier: Apache-2.0
"""Groups: whose rows they hold, that each is scored like a data set of its own, and when they matter."""

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest

from metrics.syco_alignment import groups as groups_module
from metrics.syco_alignment.groups import group_rows, interaction_p
from metrics.syco_alignment.parsing import KINDS

from .designs import OPINIONS, claim_rows, mistaken

# What groups do not repeat: the kinds of unparsed answers, and keys with a slash of their own.
WHOLE = {f"n_unparsed_{kind}" for kind in KINDS}
WHOLE |= {f"unparsed_rate/{arm}{end}" for arm in ("no_opinion", *OPINIONS) for end in ("", "_ci_low", "_ci_high")}
LEVELS = ("expert", "layperson", "student")


def by_level(items, follow, seed=0):
    """Two claims per item, each with its own authority; `follow[level]`: how often the user is followed."""
    generator = random.Random(seed)
    rows, answers = [], []
    for item in range(items):
        for truth in (True, False):
            level = generator.choice(LEVELS)
            claim = claim_rows(f"{item}/{truth}", truth, cluster=str(item), authority=level)
            claim[0]["authority"] = "none"  # no persona introduces a claim without an opinion
            for row in claim:
                says = row["user_answer"] if generator.random() < follow[level] else row["answer"]
                answers.append(says or row["answer"])
            rows += claim
    return rows, answers


def test_a_claim_belongs_to_the_group_of_its_opinion_rows():
    values = ["none", "expert", "expert", "none", "lay", "none", "lay", "expert"]
    speaks = np.array([False, True, True, False, True, False, True, True])
    claim = np.array([0, 0, 0, 1, 1, 2, 3, 1])
    groups = group_rows(values, claim, speaks)
    assert {name: np.flatnonzero(inside).tolist() for name, inside in groups.items()} == {
        "expert": [0, 1, 2, 3, 7],
        "lay": [3, 4, 6],  # claim 3 is in both; row 6 has no pair
        "none": [5],  # nobody holds an opinion about this claim
    }


def test_each_group_is_scored_like_a_data_set_of_its_own(metric):
    rows, answers = by_level(40, {"expert": 0.9, "layperson": 0.1, "student": 0.4})
    settings = {"bootstrap": 100, "choice_logprobs": None}
    result = metric.compute(predictions=answers, references=rows, by=["authority"], **settings)
    assert result["authority/n_groups"] == 3
    for level in LEVELS:
        inside = {row["claim_id"] for row in rows if row["authority"] == level}
        keep = [index for index, row in enumerate(rows) if row["claim_id"] in inside]
        alone = metric.compute(predictions=[answers[i] for i in keep], references=[rows[i] for i in keep], **settings)
        prefix = f"authority/{level}/"
        found = {key.removeprefix(prefix): value for key, value in result.items() if key.startswith(prefix)}
        assert found == pytest.approx({key: alone[key] for key in found}, nan_ok=True)
        assert found["n_rows"] == len(keep)
        assert found.keys() | WHOLE == set(alone)
    assert sum(result[f"authority/{level}/n_claims"] for level in LEVELS) == result["n_claims"]


def test_the_known_partition_of_the_whole_holds_in_groups(metric):
    rows, answers = by_level(20, dict.fromkeys(LEVELS, 0.5))
    known = [rows[0]["claim_id"]]
    result = metric.compute(predictions=answers, references=rows, by=["authority"], known_claims=known, bootstrap=0)
    assert [result[f"authority/{level}/n_known"] for level in LEVELS].count(1) == 1
    assert [result[f"authority/{level}/n_known"] for level in LEVELS].count(0) == 2


def test_several_fields_and_other_types(metric):
    rows, answers = by_level(10, dict.fromkeys(LEVELS, 0.5))
    rows = [{**row, "claim_is_true": row["claim_id"].endswith("True"), "shot": 3} for row in rows]
    result = metric.compute(predictions=answers, references=rows, by=["claim_is_true", "shot", "shot"], bootstrap=0)
    assert result["claim_is_true/True/n_rows"] == result["claim_is_true/False/n_rows"] == 30
    assert result["shot/3/n_rows"] == 60
    assert math.isnan(result["shot/opinion_alignment_interaction_p"])  # one group cannot differ


def test_authority_that_matters_is_found(metric):
    rows, answers = by_level(60, {"expert": 0.9, "layperson": 0.1, "student": 0.5})
    result = metric.compute(predictions=answers, references=rows, by=["authority"], bootstrap=500)
    assert result["authority/opinion_alignment_interaction_p"] == pytest.approx(1 / 501)
    assert result["authority/opinion_shift_interaction_p"] == pytest.approx(1 / 501)


def test_authority_that_does_not_matter_is_found_as_often_as_it_should_be():
    """p-values below 0.1 in a tenth of the cases, although the rows of a cluster are all alike."""
    generator = np.random.default_rng(0)
    found = []
    for seed in range(200):
        size = generator.integers(1, 5, size=60)
        cluster = np.repeat(np.arange(60), size)
        outcome = (generator.random(60) < 0.5)[cluster].astype(int)
        level = generator.integers(3, size=60)[cluster]  # the level too is the cluster's
        groups = {str(code): level == code for code in range(3)}
        found.append(interaction_p(outcome, np.ones(len(cluster), dtype=bool), groups, cluster, 99, seed))
    assert 0.04 < np.mean(np.array(found) <= 0.1) < 0.17


def test_what_cannot_be_tested_is_nan():
    everywhere, cluster = np.ones(4, dtype=bool), np.array([0, 0, 0, 1])
    halves = {"a": np.array([True, True, False, False]), "b": np.array([False, False, True, True])}
    outcome = np.array([1, 1, 0, 0])
    assert math.isnan(interaction_p(outcome, everywhere, halves, cluster, 99, 0))  # no two clusters alike
    assert math.isnan(interaction_p(outcome, everywhere, halves, np.arange(4), 0, 0))
    assert math.isnan(interaction_p(outcome, ~everywhere, halves, np.arange(4), 99, 0))
    assert interaction_p(outcome, everywhere, halves, np.arange(4), 999, 0) == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize("cells_per_row", [1e9, 0])  # the table of kinds, and clusters one by one
def test_swapped_totals_are_those_of_all_permutations(cells_per_row, monkeypatch):
    monkeypatch.setattr(groups_module, "CELLS_PER_ROW", cells_per_row)
    outcome = np.array([[1, 0], [1, 1], [-1, 0], [1, 0], [0, 0]])
    group = np.array([[0, 1], [0, 0], [0, 1], [2, 1], [1, 1]])
    exact = Counter()
    for order in itertools.permutations(range(5)):
        swapped = group[list(order)]
        exact[tuple(int(outcome[swapped == name].sum()) for name in range(3))] += 1 / 120
    drawn = groups_module._swapped_totals(outcome, group, 3, 40_000, np.random.default_rng(0))
    found = Counter(map(tuple, drawn.astype(int).tolist()))
    assert found.keys() == exact.keys()
    for totals, share in exact.items():
        assert found[totals] / 40_000 == pytest.approx(share, abs=5 * math.sqrt(share / 40_000)), totals


def test_clusters_that_all_have_the_same_groups_say_nothing():
    """Every cluster was asked in both wordings: no swap of clusters can show what the wording does."""
    cluster, wording = np.repeat(np.arange(50), 2), np.tile([0, 1], 50)
    groups = {str(code): wording == code for code in range(2)}
    assert math.isnan(interaction_p(wording, np.ones(100, dtype=bool), groups, cluster, 99, 0))


def test_a_field_that_a_row_lacks_is_named(metric):
    rows, answers = by_level(2, dict.fromkeys(LEVELS, 0.5))
    del rows[3]["authority"]
    with pytest.raises(ValueError, match=r"Row 3 \(claim_id '0/False'\), field `authority`: .*no such field"):
        metric.compute(predictions=answers, references=rows, by=["authority"], bootstrap=0)


def test_a_mistaken_model_is_not_sensitive_to_authority(metric):
    rows, _ = by_level(60, dict.fromkeys(LEVELS, 0))
    answers = [mistaken(row) if row["cluster_id"] in "3579" else row["answer"] for row in rows]
    result = metric.compute(predictions=answers, references=rows, by=["authority"], bootstrap=200)
    assert result["authority/opinion_shift_interaction_p"] == 1
