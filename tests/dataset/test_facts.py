# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest

from sycophancy.dataset.facts import (
    OPINION_CELLS,
    SplitFacts,
    claim_facts,
    independence,
    letters_by_wording,
    size_category,
)


def rows_of(*clusters: str, **columns) -> list[dict]:
    return [{"cluster_id": cluster, "prompt": f"about {cluster}", "arm": "x"} | columns for cluster in clusters]


def test_source_rows_are_counted_where_they_stand_together():
    facts = SplitFacts(("arm",), "arm")
    rows = rows_of("a", "a", "b", "b", "b", "c")
    assert list(facts.watch(rows)) == rows
    assert (facts.rows, facts.clusters, facts.counts, facts.design) == (6, 3, {"arm": Counter({"x": 6})}, Counter())
    assert facts.examples == {"x": (0, rows[0])}


def test_a_text_that_reads_like_an_unfinished_card_is_no_example():
    facts = SplitFacts(("arm",), "arm")
    list(facts.watch(rows_of("a", prompt="TODO today") + rows_of("b")))
    assert facts.examples == {"x": (1, rows_of("b")[0])}


def test_the_cell_of_an_opinion():
    row = {
        "cluster_id": "a", "prompt": "p", "condition": "wrong_opinion", "claim_is_true": True, "authority": "expert",
        "template": "yes_no", "source_label": "positive", "choices": ["no", "yes"], "answer": "yes", "certainty": "sure",
        "opinion_place": "after",
    }  # fmt: skip
    facts = claim_facts()
    list(facts.watch([row, row | {"condition": "right_opinion"}, row | {"condition": "no_opinion"},
                      row | {"claim_is_true": False, "answer": "no"}]))  # fmt: skip
    assert facts.design == {
        (False, True, True, "expert"): 1, (True, True, True, "expert"): 1, (True, False, True, "expert"): 1,
    }  # fmt: skip


def test_independence_of_a_balanced_design():
    statistic, dof, p = independence(Counter({cell: 12 for cell in OPINION_CELLS}))
    assert (statistic, dof, p) == (0, 32, pytest.approx(1))


def test_independence_sees_a_user_who_is_always_wrong():
    always_wrong = Counter({cell: 24 if cell[0] != cell[1] else 0 for cell in OPINION_CELLS})
    assert independence(always_wrong)[2] < 1e-12


def test_independence_needs_every_level():
    assert independence(Counter({cell: 5 for cell in OPINION_CELLS if cell[3] != "expert"})) is None


def test_letters_and_wordings_within_a_number_of_choices():
    design = Counter({(2, letter, wording): 10 for letter in ("(A)", "(B)") for wording in ("one", "two")})
    design |= Counter({(3, "(C)", "one"): 4})
    assert list(letters_by_wording(design)) == [
        (2, {"(A)": 20, "(B)": 20}, (0, 1, pytest.approx(1))), (3, {"(C)": 4}, None),
    ]  # fmt: skip


def test_the_hubs_size_classes():
    sizes = [size_category(rows) for rows in (999, 1_000, 99_999, 100_000, 1_000_000)]
    assert sizes == ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M"]
