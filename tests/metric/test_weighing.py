# SPDX-License-Identifier: Apache-2.0
"""Keys that are means or shares of pairs, against plain loops and against the intervals of rates."""

import math

import numpy as np
import pytest

from metrics.syco_alignment.resampling import combine, intervals, rate_limits
from metrics.syco_alignment.significance import student_quantile
from metrics.syco_alignment.weighing import (
    mean_of,
    pair_sums,
    pairs_of,
    value_of,
    weighed_intervals,
    weighed_swap,
)


def limits(keys, cluster, replicates=2000):
    return weighed_intervals(keys, cluster, 0.95, replicates, 0, rate_limits, combine, student_quantile)


def drawn(seed, n=60):
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(size=n), 1)
    upper = generator.random(n) < 0.4
    lower = ~upper & (generator.random(n) < 0.8)
    return values, upper, lower, generator.integers(0, 3, size=n)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_against_a_plain_loop(seed):
    values, upper, lower, stratum = drawn(seed)
    weights = np.random.default_rng(9).integers(0, 4, size=(3, len(values))).astype(float)
    above, below, pairs = pair_sums(pairs_of(1, values, upper, lower, stratum), weights)
    for sample, weight in enumerate(weights):
        expected = np.zeros(3)
        for i in np.flatnonzero(upper):
            for j in np.flatnonzero(lower & (stratum == stratum[i])):
                both = weight[i] * weight[j]
                expected += both * np.array([values[i] > values[j], values[i] < values[j], True])
        assert [above[sample], below[sample], pairs[sample]] == pytest.approx(list(expected))


def test_pairs_are_the_area_under_the_curve():
    """The same as the Mann-Whitney statistic over pairs, with ties as half."""
    from scipy.stats import mannwhitneyu

    values, upper, lower, _ = drawn(3)
    auc = value_of((0.5, [pairs_of(0.5, values, upper, lower, np.zeros(len(values), dtype=int))]))
    found = mannwhitneyu(values[upper], values[lower])
    assert auc == pytest.approx(found.statistic / (upper.sum() * lower.sum()))


def test_values_of_keys():
    values, held = np.array([1.0, 2.0, 4.0]), np.array([True, True, False])
    nobody = np.zeros(3, dtype=bool)
    assert value_of((1.0, [mean_of(1, values, held, 4)])) == 2.5
    assert value_of((0.0, [mean_of(1, values, held, 4), mean_of(-1, values, ~held, 4)])) == -2.5
    assert math.isnan(value_of((1.0, [mean_of(1, values, nobody, 4)])))
    assert math.isnan(value_of((0.5, [pairs_of(0.5, values, held, nobody, np.zeros(3, dtype=int))])))


def test_whole_numbers_have_the_limits_of_rates():
    generator = np.random.default_rng(2)
    cluster = np.repeat(np.arange(40), 3)
    rating = generator.integers(0, 5, size=120)
    before, held = generator.integers(0, 5, size=120), generator.random(120) < 0.9
    everyone = np.ones(120, dtype=bool)
    by_rates = intervals(
        {
            "rating": [(1, rating >= level, everyone) for level in range(1, 5)],
            "bias": [(1, (rating >= level) & held, held) for level in range(1, 5)]
            + [(-1, (before >= level) & held, held) for level in range(1, 5)],
        },
        cluster, 0.95, 4000, 0, student_quantile,
    )  # fmt: skip
    weighed = limits(
        {
            "rating": (0.0, [mean_of(1, rating, everyone, 4)]),
            "bias": (0.0, [mean_of(1, rating, held, 4), mean_of(-1, before, held, 4)]),
        },
        cluster, 4000,
    )  # fmt: skip
    for key in by_rates:
        assert weighed[key] == pytest.approx(by_rates[key], abs=0.02)


def test_real_numbers_have_students_interval():
    """A small shift in the same direction in every cluster is clear of 0; where none was seen, nothing is made of that."""
    from scipy.stats import t

    generator, cluster, everyone = np.random.default_rng(8), np.arange(30), np.ones(30, dtype=bool)
    shift = 0.1 + 0.02 * generator.normal(size=30)
    before = 3 + generator.normal(size=30)
    keys = {"shift": (0.0, [mean_of(1, before + shift, everyone, 4), mean_of(-1, before, everyone, 4)])}
    value, low, high = limits(keys, cluster, 4000)["shift"]
    half = t.ppf(0.975, 29) * shift.std(ddof=1) / math.sqrt(30)
    assert (value, low, high) == pytest.approx((shift.mean(), shift.mean() - half, shift.mean() + half), abs=5e-4)
    one = limits(keys, np.zeros(30, dtype=int))["shift"]
    assert one == (pytest.approx(shift.mean()), -4.0, 4.0)


def test_limits_stay_in_the_range_and_hold_the_value():
    cluster = np.arange(6)
    always = np.full(6, 3.0)
    everyone = np.ones(6, dtype=bool)
    value, low, high = limits({"key": (1.0, [mean_of(1, always, everyone, 4)])}, cluster)["key"]
    assert (value, low < 4 < high, low >= 1, high <= 5) == (4.0, True, True, True)
    top = limits({"key": (1.0, [mean_of(1, always + 1, everyone, 4)])}, cluster)["key"]
    assert top[0] == top[2] == 5.0
    assert top[1] < 5
    one = limits({"key": (1.0, [mean_of(1, always, everyone, 4)])}, np.zeros(6, dtype=int))["key"]
    assert one == (4.0, 1.0, 5.0)
    assert [math.isnan(x) for x in limits({"key": (1.0, [mean_of(1, always, everyone, 4)])}, cluster, 0)["key"]] == [
        False,
        True,
        True,
    ]


def test_the_area_covers_what_it_says():
    """Two normal distributions one standard deviation apart: the interval of 30 against 30 texts holds the true area."""
    truth, held = 0.7602, 0  # Φ(1 / √2)
    generator, cluster = np.random.default_rng(4), np.arange(60)
    upper = cluster % 2 == 0
    for _ in range(40):
        values = generator.normal(size=60) + upper
        keys = {"area": (0.5, [pairs_of(0.5, values, upper, ~upper, np.zeros(60, dtype=int))])}
        _, low, high = limits(keys, cluster, 200)["area"]
        held += low <= truth <= high
    assert 35 <= held <= 40


def test_exchanging_two_systems():
    cluster, everyone = np.repeat(np.arange(10), 2), np.ones(20, dtype=bool)
    values = np.random.default_rng(5).random(20)

    def key(more):
        return 0.0, [mean_of(1, values + more, everyone, 4)]

    assert weighed_swap(key(0), key(0), cluster, 50, 0) == 1.0
    # Of 2 ** 10 exchanges only two are as far apart as ten clusters that all rise.
    assert weighed_swap(key(0), key(1), cluster, 5000, 0) < 0.01
    assert math.isnan(weighed_swap(key(0), key(1), cluster, 0, 0))
    assert math.isnan(weighed_swap((0.0, [mean_of(1, values, ~everyone, 4)]), key(1), cluster, 50, 0))
    good = np.arange(20) % 2 == 0
    apart = [(0.5, [pairs_of(0.5, values + more * good, good, ~good, np.zeros(20, dtype=int))]) for more in (0, 2)]
    assert weighed_swap(*apart, cluster, 2000, 0) < 0.02


def test_memory_is_bounded_and_chunks_change_nothing(monkeypatch):
    from metrics.syco_alignment import weighing

    values, upper, lower, stratum = drawn(7)
    cluster = np.arange(60) // 2
    keys = {
        "pairs": (0.5, [pairs_of(0.5, values, upper, lower, stratum)]),
        "mean": (0.0, [mean_of(1, np.abs(values), upper, 4)]),
    }
    whole = limits(keys, cluster, 100)
    monkeypatch.setattr(weighing, "CHUNK", 10 * 60)
    chunked = limits(keys, cluster, 100)
    for key, found in whole.items():
        assert chunked[key] == pytest.approx(found)
