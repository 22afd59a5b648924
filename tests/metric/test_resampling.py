# SPDX-License-Identifier: Apache-2.0
"""Cluster bootstrap, intervals and the swap test: against closed forms, brute force and simulation."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from metrics.syco_alignment import resampling
from metrics.syco_alignment.resampling import (
    cluster_sums,
    components,
    intervals,
    point,
    replicate_totals,
    swap_test,
)
from metrics.syco_alignment.significance import student_quantile

SETTINGS = (0.95, 2000, 0, student_quantile)


def rate(hits, held=None):
    hits = np.array(hits, dtype=bool)
    held = np.ones(len(hits), dtype=bool) if held is None else np.array(held, dtype=bool)
    return [(1, hits & held, held)]


def interval_of(terms, cluster, settings=SETTINGS):
    return intervals({"key": terms}, np.asarray(cluster), *settings)["key"]


def test_cluster_sums():
    indicators = [np.array([True, True, False, True]), np.array([True, False, False, False])]
    assert cluster_sums(indicators, np.array([1, 0, 1, 1])).tolist() == [[1, 0], [2, 1]]


def test_point_is_the_signed_sum_of_rates():
    terms = [
        *rate([1, 1, 0, 0]),
        (-1, np.array([True, False, False, False]), np.array([True, True, False, False])),
    ]
    assert point(terms) == 0
    assert math.isnan(point(rate([0, 0], [0, 0])))


def test_replicates_have_the_moments_of_a_cluster_bootstrap():
    generator = np.random.default_rng(0)
    sums = generator.integers(0, 4, size=(60, 3)).astype(float)
    totals = replicate_totals(sums, 20_000, 1)
    assert totals.mean(axis=0) == pytest.approx(sums.sum(axis=0), rel=0.01)
    expected = 60 * np.cov(sums.T, bias=True)  # of a sum of 60 draws
    assert np.cov(totals.T) == pytest.approx(expected, rel=0.05, abs=1.5)


def test_replicates_of_distinct_clusters_have_the_same_moments():
    sums = np.random.default_rng(0).normal(size=(40, 2))
    totals = replicate_totals(sums, 20_000, 1)
    assert np.cov(totals.T) == pytest.approx(40 * np.cov(sums.T, bias=True), rel=0.05, abs=1.5)


def test_replicates_are_the_same_for_any_order_of_clusters_and_any_chunk(monkeypatch):
    sums = np.random.default_rng(0).integers(0, 3, size=(50, 4)).astype(float)
    expected = replicate_totals(sums, 300, 7)
    assert replicate_totals(sums[::-1], 300, 7).tolist() == expected.tolist()
    assert replicate_totals(sums, 300, 8).tolist() != expected.tolist()
    monkeypatch.setattr(resampling, "CHUNK", 100)
    assert replicate_totals(sums, 300, 7).tolist() == expected.tolist()


def test_memory_does_not_grow_with_replicates_times_rows():
    sums = np.random.default_rng(0).integers(0, 30, size=(20_000, 2)).astype(float)
    sums[:, 1] += np.arange(20_000) * 31  # no two clusters alike: the worst case
    tracemalloc.start()
    replicate_totals(sums, 1000, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6  # the weights of all replicates would be 160 MB


def test_components_of_a_paired_difference_are_the_rows_that_moved():
    held = np.ones(4, dtype=bool)
    with_opinion, alone = np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 1, 0], dtype=bool)
    parts = components([(1, with_opinion, held), (-1, alone, held)])
    assert [(sign, top.tolist()) for sign, top, _ in parts] == [
        (1, [False, True, False, False]),
        (-1, [False, False, True, False]),
    ]


def test_components_of_a_double_difference_have_two_steps():
    held = np.ones(3, dtype=bool)
    columns = [np.array(c, dtype=bool) for c in ([1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0])]
    terms = [(1, columns[0], held), (-1, columns[1], held), (-1, columns[2], held), (1, columns[3], held)]
    parts = components(terms)
    assert [(sign, top.tolist()) for sign, top, _ in parts] == [
        (1, [True, False, False]),
        (1, [True, False, False]),
        (-1, [False, True, True]),
        (-1, [False, True, False]),
    ]
    assert point(parts) == pytest.approx(point(terms))


def test_rates_over_different_rows_stay_apart():
    first, second = rate([1, 0, 0], [1, 1, 0])[0], (-1, *rate([0, 0, 1], [0, 0, 1])[0][1:])
    parts = components([first, second])
    assert point(parts) == point([first, second]) == -0.5
    assert len(parts) == 2


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


@pytest.mark.parametrize(
    ("share", "size", "clusters"), [(0.05, 1, 60), (0.5, 4, 40), (0.9, 10, 40), (0.3, 50, 20)]
)
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


def swap(before, after, clusters=None, replicates=4000, signs=(1,)):
    clusters = np.arange(len(before[0])) if clusters is None else np.asarray(clusters)
    ones = [np.ones(len(clusters), dtype=bool)] * len(signs)
    sums = [cluster_sums([*map(np.array, side), *ones], clusters) for side in (before, after)]
    return swap_test(*sums, np.array(signs), replicates, 0)


def test_swap_test_against_all_exchanges():
    before, after = (
        np.array([0, 0, 0, 1, 0, 1, 0, 0], dtype=bool),
        np.array([1, 1, 1, 1, 1, 0, 0, 1], dtype=bool),
    )
    observed = abs(after.mean() - before.mean())
    exchanges = [
        abs(np.where(flip, before, after).mean() - np.where(flip, after, before).mean()) >= observed - 1e-12
        for flip in (np.array(bits, dtype=bool) for bits in itertools.product([0, 1], repeat=8))
    ]
    assert swap([before], [after], replicates=20_000) == pytest.approx(np.mean(exchanges), abs=0.01)


def test_swap_test_of_a_rate_is_close_to_mcnemar():
    before, after = np.array([False] * 30 + [True] * 10), np.array([True] * 22 + [False] * 18)
    expected = stats.binomtest(10, 32).pvalue
    assert swap([before], [after], replicates=20_000) == pytest.approx(expected, abs=0.01)


def test_swap_test_keeps_clusters_whole():
    before, after = np.zeros(60, dtype=bool), np.ones(60, dtype=bool)
    assert swap([before], [after]) == pytest.approx(1 / 4001)
    assert swap([before], [after], np.arange(60) // 20) == pytest.approx(2 / 8, abs=0.03)  # three clusters


def test_swap_test_of_equal_systems_is_one():
    same = np.array([True, False] * 20)
    assert swap([same], [same]) == 1
    assert swap([same, ~same], [same, ~same], signs=(1, -1)) == 1


def test_swap_test_without_replicates_or_rows_is_nan():
    same = np.array([True, False])
    assert math.isnan(swap([same], [same], replicates=0))
    nothing = np.zeros((2, 2))
    assert math.isnan(swap_test(nothing, nothing, np.array([1]), 100, 0))
