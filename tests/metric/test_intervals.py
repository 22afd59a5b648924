# SPDX-License-Identifier: Apache-2.0
"""Intervals against closed forms, against the percentile bootstrap and by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from metrics.syco_alignment.resampling import cluster_sums, intervals, replicate_totals
from metrics.syco_alignment.significance import student_quantile

SETTINGS = (0.95, 2000, 0, student_quantile)


def rate(hits, held=None):
    hits = np.array(hits, dtype=bool)
    held = np.ones(len(hits), dtype=bool) if held is None else np.array(held, dtype=bool)
    return [(1, hits & held, held)]


def interval_of(terms, cluster, settings=SETTINGS):
    return intervals({"key": terms}, np.asarray(cluster), *settings)["key"]


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (1, 30), (15, 30), (30, 30), (37, 100), (400, 1000)])
def test_without_clusters_a_rate_has_wilsons_interval(hits, n):
    value, low, high = interval_of(rate([1] * hits + [0] * (n - hits)), np.arange(n))
    z = stats.t.ppf(0.975, n - 1)
    centre = (hits + z * z / 2) / (n + z * z)
    half = z * math.sqrt(hits * (n - hits) / n + z * z / 4) / (n + z * z)
    assert value == hits / n
    # up to the Monte Carlo error of the bootstrap variance
    assert (low, high) == pytest.approx((centre - half, centre + half), rel=0.06, abs=2e-3)


def test_a_rate_of_nought_or_one_is_no_point():
    value, low, high = interval_of(rate([0] * 100), np.arange(100))
    assert (value, low) == (0, 0)
    assert 0.03 < high < 0.04  # 3.94 in a hundred, as by Wilson with Student's quantile
    assert interval_of(rate([1] * 100), np.arange(100)) == pytest.approx((1, 1 - high, 1))


def test_a_rate_of_nought_in_clusters_is_that_of_as_many_rows():
    clustered = interval_of(rate([0] * 600), np.repeat(np.arange(30), 20))
    assert clustered == pytest.approx(interval_of(rate([0] * 30), np.arange(30)))


def test_few_clusters_have_students_interval():
    """Eight clusters of 100 rows: the interval of the mean of eight cluster rates."""
    hits = np.concatenate([np.arange(100) < 30 + 5 * step for step in range(8)])
    means = (30 + 5 * np.arange(8)) / 100
    low, high = stats.t.interval(0.95, 7, means.mean(), stats.sem(means))
    settings = (0.95, 40_000, 0, student_quantile)
    found = interval_of(rate(hits), np.repeat(np.arange(8), 100), settings)
    assert found == pytest.approx((means.mean(), low, high), abs=4.5e-3)  # Wilson bends it a little


def test_rows_alike_within_clusters_count_as_one():
    hits = np.repeat([1, 0] * 15, 20)
    clustered = interval_of(rate(hits), np.repeat(np.arange(30), 20))
    single = interval_of(rate([1, 0] * 15), np.arange(30))
    assert clustered == pytest.approx(single, abs=0.02)


def test_crossed_clusters_are_narrower_than_independent_rows():
    """Always "agree" is right on exactly one of the two claims of every sentence."""
    _, low, high = interval_of(rate([1, 0] * 100), np.repeat(np.arange(100), 2))
    assert high - low < 1e-3


def test_less_than_two_clusters_say_nothing():
    assert interval_of(rate([1, 0, 1, 1]), np.zeros(4, dtype=int)) == (0.75, 0, 1)
    difference = [*rate([1, 1, 0]), (-1, *rate([0, 0, 0])[0][1:])]
    assert interval_of(difference, np.zeros(3, dtype=int)) == (pytest.approx(2 / 3), -1, 1)


def test_a_difference_that_nothing_moved_is_no_point():
    same = np.array([True, False] * 50)
    held = np.ones(100, dtype=bool)
    value, low, high = interval_of([(1, same, held), (-1, same, held)], np.arange(100))
    assert value == 0
    assert -low == high == pytest.approx(0.0379, abs=1e-3)  # as many of a hundred could have moved either way


def test_a_large_paired_difference_has_the_usual_interval():
    generator = np.random.default_rng(3)
    first, second = generator.random(4000) < 0.6, generator.random(4000) < 0.5
    held = np.ones(4000, dtype=bool)
    value, low, high = interval_of([(1, first, held), (-1, second, held)], np.arange(4000))
    difference = first.astype(int) - second
    half = 1.96 * difference.std() / math.sqrt(4000)
    assert (low, high) == pytest.approx((value - half, value + half), abs=2e-3)


def test_the_percentile_interval_is_matched_where_it_works():
    generator = np.random.default_rng(4)
    cluster = np.repeat(np.arange(300), generator.integers(1, 12, size=300))
    hits = generator.random(len(cluster)) < generator.beta(2, 2, size=300)[cluster]
    _, low, high = interval_of(rate(hits), cluster)
    totals = replicate_totals(cluster_sums([hits, np.ones(len(cluster), dtype=bool)], cluster), 4000, 0)
    expected = np.quantile(totals[:, 0] / totals[:, 1], [0.025, 0.975])
    assert (low, high) == pytest.approx(tuple(expected), abs=6e-3)


def test_intervals_are_the_same_for_the_same_seed():
    hits = np.random.default_rng(0).random(200) < 0.3
    cluster = np.arange(200) // 3
    first = interval_of(rate(hits), cluster)
    assert interval_of(rate(hits), cluster) == first
    assert interval_of(rate(hits), cluster, (0.95, 2000, 1, student_quantile)) != first


def test_higher_confidence_is_wider():
    hits = np.random.default_rng(0).random(200) < 0.3
    widths = []
    for confidence in (0.5, 0.9, 0.99):
        _, low, high = interval_of(rate(hits), np.arange(200), (confidence, 500, 0, student_quantile))
        widths.append(high - low)
    assert widths == sorted(widths)


def test_no_replicates_no_limits():
    value, low, high = interval_of(rate([1, 0]), np.arange(2), (0.95, 0, 0, student_quantile))
    assert value == 0.5
    assert math.isnan(low)
    assert math.isnan(high)


def test_an_empty_denominator_is_nan():
    assert all(map(math.isnan, interval_of(rate([0, 0], [0, 0]), np.arange(2))))


def test_a_denominator_that_samples_may_miss():
    held = [1, 1] + [0] * 300
    value, low, high = interval_of(rate([1, 0] + [0] * 300, held), np.arange(302))
    assert (value, low, high) == (0.5, pytest.approx(0.03, abs=0.03), pytest.approx(0.97, abs=0.03))


@pytest.mark.parametrize(("share", "size", "clusters"), [(0.05, 1, 60), (0.5, 4, 40), (0.9, 10, 40), (0.3, 50, 20)])
def test_coverage(share, size, clusters):
    """In 400 data sets with correlated clusters: the full table is in benchmarks/interval_coverage.py."""
    generator = np.random.default_rng(5)
    cluster, held = np.repeat(np.arange(clusters), size), 0
    for seed in range(400):
        rates = generator.beta(share * 4, (1 - share) * 4, size=clusters)  # correlation 0.2
        _, low, high = interval_of(
            rate(generator.random(len(cluster)) < rates[cluster]),
            cluster,
            (0.95, 300, seed, student_quantile),
        )
        held += low <= share <= high
    assert 0.92 <= held / 400 <= 0.985
