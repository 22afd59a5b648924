# SPDX-License-Identifier: Apache-2.0
"""Exact tests and quantiles against scipy and statsmodels, which the metric itself does without."""

import itertools
import math
import random

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from metrics.syco_alignment.significance import (
    holm,
    mcnemar_p,
    normal_quantile,
    sign_flip_p,
    student_cdf,
    student_quantile,
)


@pytest.mark.parametrize(
    ("gained", "lost"),
    [(0, 0), (1, 0), (0, 1), (1, 1), (5, 0), (3, 7), (7, 3), (10, 10), (50, 80), (300, 200), (501, 499)],
)
def test_mcnemar_is_the_exact_binomial_test(gained, lost):
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar_p(gained, lost) == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_mcnemar_agrees_for_every_small_table():
    for n in range(1, 40):
        for gained in range(n + 1):
            expected = stats.binomtest(gained, n).pvalue
            assert mcnemar_p(gained, n - gained) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [999, 1999, 2001, 5_000, 100_000, 1_000_001])
def test_mcnemar_agrees_for_large_tables(n):
    for lost in (n // 2, n // 2 - int(math.sqrt(n)), n // 2 - int(4 * math.sqrt(n))):
        p, expected = mcnemar_p(n - lost, lost), stats.binomtest(lost, n).pvalue
        assert abs(p - expected) < 1e-12
        assert p == pytest.approx(expected, rel=1e-9)


def test_mcnemar_neither_overflows_nor_vanishes_early():
    assert mcnemar_p(1000, 0) == 2.0**-999
    assert mcnemar_p(0, 100_000) == 0.0  # 2 ** -99999 is below the smallest float
    assert mcnemar_p(50_000, 50_000) == 1.0


def test_sign_flips_are_all_sign_flips():
    generator = np.random.default_rng(0)
    for _ in range(60):
        sums = generator.integers(-4, 5, size=generator.integers(1, 11))
        totals = [abs(int(np.dot(sums, signs))) for signs in itertools.product((1, -1), repeat=len(sums))]
        seen = abs(int(sums.sum()))
        exact, farther = np.mean(np.array(totals) >= seen), np.mean(np.array(totals) > seen)
        middle = (exact + farther) / 2 if sums.any() else 1
        assert sign_flip_p(sums) == pytest.approx((exact, middle), abs=1e-11), sums


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (12, 4), (3, 3), (300, 200)])
def test_sign_flips_of_single_pairs_are_mcnemars_test(gained, lost):
    for size in (1, 3):
        exact, middle = sign_flip_p([size] * gained + [-size] * lost + [0, 0])
        assert exact == mcnemar_p(gained, lost)
        # Fagerland, Lydersen and Laake 2013, with scipy's binomial distribution
        n, fewer = gained + lost, min(gained, lost)
        point = stats.binom.pmf(fewer, n, 0.5)
        expected = 1 - point / 2 if gained == lost else 2 * stats.binom.cdf(fewer, n, 0.5) - point
        assert middle == pytest.approx(expected if n else 1, rel=1e-9)


def test_sign_flips_of_many_clusters():
    sums = np.repeat([1, -1, 2, -2, 5], [40_000, 39_500, 30_000, 30_100, 1])
    z = sums.sum() / math.sqrt((sums.astype(float) ** 2).sum())
    assert sign_flip_p(sums) == pytest.approx([2 * stats.norm.sf(abs(z))] * 2, rel=0.01)
    assert sign_flip_p([1] * 500 + [2] * 500) == (1e-12, 1e-12)  # less is not told from it


@pytest.mark.parametrize(("clusters", "size"), [(50, 2), (50, 6), (200, 2), (800, 6)])
def test_sign_flips_reject_in_four_to_six_percent_of_clustered_nulls(clusters, size):
    """Rows of a cluster move together, either way: a test row by row finds something far more often."""
    generator, rejected = np.random.default_rng(0), np.zeros(3)
    for _ in range(1000):
        way = generator.choice([-1, 1], size=(clusters, 1))
        moved = way * (generator.random((clusters, size)) < generator.beta(1, 2, size=(clusters, 1)))
        by_rows = mcnemar_p(int((moved > 0).sum()), int((moved < 0).sum()))
        exact, middle = sign_flip_p(moved.sum(axis=1))
        rejected += (middle <= 0.05, exact <= 0.05, by_rows <= 0.05)
    assert 40 <= rejected[0] <= 60
    assert rejected[1] <= rejected[0]
    assert rejected[2] > 1.2 * rejected[0]


def test_holm_agrees_with_statsmodels():
    generator = random.Random(0)
    for size in range(1, 25, 4):
        p_values = [generator.choice([generator.random(), generator.random() ** 6, 0.04]) for _ in range(size)]
        expected = multipletests(p_values, method="holm")[1]
        assert holm(p_values) == pytest.approx(list(expected), abs=1e-12)


def test_holm_leaves_undefined_values_out_of_the_family():
    adjusted = holm([0.01, math.nan, 0.02])
    assert adjusted[0] == 0.02
    assert math.isnan(adjusted[1])
    assert adjusted[2] == 0.02
    assert holm([]) == []


@pytest.mark.parametrize("df", [1, 1.7, 2, 3.3, 5, 10, 29, 100, 1000.5, 50_000])
def test_student_agrees_with_scipy(df):
    for probability in (0.9, 0.95, 0.975, 0.995):
        quantile = student_quantile(probability, df)
        assert quantile == pytest.approx(stats.t.ppf(probability, df), rel=1e-8)
        assert student_cdf(quantile, df) == pytest.approx(probability, abs=1e-12)


def test_student_becomes_normal():
    assert student_quantile(0.975, 1e6) == normal_quantile(0.975) == pytest.approx(1.959963984540054)


def test_holm_by_hand(metric):
    # 4 * 0.01; 3 * 0.03; 2 * 0.04 is less than the one before; 0.9.
    found = metric.holm([0.04, 0.01, math.nan, 0.03, 0.9])
    assert found == pytest.approx([0.09, 0.04, math.nan, 0.09, 0.9], nan_ok=True)
