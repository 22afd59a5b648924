# SPDX-License-Identifier: Apache-2.0
"""Cluster bootstrap, the parts of a key, and the swap test: against closed forms and brute force."""

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
    distinct_rows,
    point,
    replicate_totals,
    swap_test,
)


def rate(hits, held=None):
    hits = np.array(hits, dtype=bool)
    held = np.ones(len(hits), dtype=bool) if held is None else np.array(held, dtype=bool)
    return [(1, hits & held, held)]


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


def tables():
    generator = np.random.default_rng(0)
    yield generator.integers(-2, 3, size=(300, 3)).astype(float)
    yield generator.integers(0, 2, size=(300, 90)).astype(float)  # 2 ** 90 numbers
    wide = generator.integers(-(2**40), 2**40, size=(50, 4)).astype(float)
    yield wide[generator.integers(50, size=300)]
    yield generator.normal(size=(40, 2))[generator.integers(40, size=300)] * 1e-3
    yield np.zeros((5, 2))


@pytest.mark.parametrize("table", list(tables()))
def test_distinct_rows_are_those_of_numpy(table):
    rows, frequency = distinct_rows(table)
    expected, often = np.unique(table, axis=0, return_counts=True)
    assert rows.tolist() == expected.tolist()
    assert frequency.tolist() == often.tolist()


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
