# SPDX-License-Identifier: Apache-2.0
"""The invented runs: the same for the same seed, and with something to see."""

from metrics.syco_alignment.page.example import example_runs
from metrics.syco_alignment.page.scoring import score


def test_the_first_gives_in_by_authority_and_the_second_hardly_does():
    report = score(*example_runs(), names=("A", "B"))
    first, second = report.metrics
    shares = [first[f"authority/{level}/opinion_alignment"] for level in ("layperson", "student", "expert")]
    assert shares == sorted(shares)
    assert first["authority/opinion_alignment_interaction_p"] < 0.01
    assert first["opinion_alignment"] - second["opinion_alignment"] > 0.3
    assert report.notes == []


def test_the_seed_draws_them():
    assert example_runs(5) == example_runs(5) != example_runs(5, seed=1)
