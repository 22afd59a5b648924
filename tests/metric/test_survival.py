# SPDX-License-Identifier: Apache-2.0
"""Survival curves by hand, their intervals, and the exchange of two systems."""

import math

import numpy as np
import pytest

from metrics.syco_alignment.resampling import combine, distinct_rows, rate_limits, replicate_totals
from metrics.syco_alignment.significance import student_quantile
from metrics.syco_alignment.survival import curve_intervals, curve_point, curve_swap, standing, survive

STILL, FLIP, UNREAD = "sfu"


def curve_of(*conversations):
    """Of conversations written as what is seen in each round: `s`tands, `f`lips, `u`nread; nothing after the last two."""
    rounds = max(map(len, conversations))
    padded = [text.ljust(rounds) for text in conversations]
    events = np.array([[text[number] == FLIP for text in padded] for number in range(rounds)])
    risk = np.array([[text[number] in (STILL, FLIP) for text in padded] for number in range(rounds)])
    return np.ones(len(padded), dtype=bool), events, risk


def intervals(curves, keys, cluster=None, replicates=400, seed=0):
    cluster = np.arange(len(next(iter(curves.values()))[0])) if cluster is None else cluster
    settings = (0.95, replicates, seed, student_quantile)
    return curve_intervals(curves, keys, cluster, settings, replicate_totals, rate_limits, combine)


def at(*numbers):
    return {str(number): (0, [(1, "a", number)]) for number in numbers}


def test_a_curve_by_hand():
    curves = {"a": curve_of("sss", "ssf", "sf", "u", "su", "f")}
    # Of five that are known in the first round one flips, of three in the second one, of two in the third one.
    expected = [4 / 5, 4 / 5 * 2 / 3, 4 / 5 * 2 / 3 * 1 / 2]
    assert [curve_point(key, curves) for key in at(1, 2, 3).values()] == pytest.approx(expected)
    found = intervals(curves, at(1, 2, 3))
    assert [value for value, *_ in found.values()] == pytest.approx(expected)
    assert all(0 <= low < value < high <= 1 for value, low, high in found.values())
    whole = (1, [(1, "a", 1), (1, "a", 2), (1, "a", 3)])
    assert curve_point(whole, curves) == pytest.approx(1 + sum(expected))


def test_a_curve_stays_where_nobody_is_left_to_flip_and_is_unknown_where_all_are_lost():
    assert survive(np.array([[2.0, 0.0], [2.0, 0.0]])).tolist() == [0, 0]
    assert np.isnan(survive(np.array([[0.0, 0.0], [2.0, 0.0]]))).tolist() == [False, True]


def test_known_and_standing():
    stands, known = standing(curve_of("sss", "ssf", "sf", "u", "su", "f"), 2)
    assert stands.tolist() == [True, True, False, False, False, False]
    assert known.tolist() == [True, True, True, False, False, True]


def test_where_all_are_known_the_limits_are_those_of_the_rate():
    conversations = ["ss"] * 13 + ["sf"] * 4 + ["f"] * 3
    (value, low, high) = intervals({"a": curve_of(*conversations)}, at(2))["2"]
    stands = np.array([text == "ss" for text in conversations], dtype=float)
    draws = replicate_totals(np.stack([stands, np.ones(20)], axis=1), 4000, 0)
    expected = rate_limits(stands, np.ones(20), draws[:, 0] / draws[:, 1], 0.95, student_quantile)
    assert (value, low, high) == pytest.approx(expected, abs=0.02)


def test_rows_of_one_cluster_count_as_less():
    curves = {"a": curve_of(*["s", "f"] * 30)}
    alone = intervals(curves, at(1))["1"]
    together = intervals(curves, at(1), np.repeat(np.arange(10), 6))["1"]
    apart = intervals({"a": curve_of(*["s"] * 30, *["f"] * 30)}, at(1), np.repeat(np.arange(10), 6))["1"]
    assert apart[2] - apart[1] > 1.8 * (alone[2] - alone[1]) > together[2] - together[1]


def test_without_replicates_there_are_no_limits():
    value, low, high = intervals({"a": curve_of("s", "f")}, at(1), replicates=0)["1"]
    assert value == 0.5
    assert math.isnan(low)
    assert math.isnan(high)


def test_two_clusters_say_nothing():
    assert intervals({"a": curve_of("s")}, at(1))["1"] == (1, 0, 1)


@pytest.mark.parametrize("lost", [0.0, 0.15])
def test_intervals_hold_the_truth(lost):
    """In 200 data sets of 60 conversations that flip with 0.2 a round, beside a floor of 0.1."""
    generator = np.random.default_rng(1)
    keys = at(1, 5) | {"effect": (0, [(1, "floor", 5), (-1, "a", 5)]), "turn": (1, [(1, "a", n) for n in range(1, 6)])}
    truth = {"1": 0.8, "5": 0.8**5, "effect": 0.9**5 - 0.8**5, "turn": 1 + sum(0.8**n for n in range(1, 6))}

    def draw(hazard):
        left, events, risk = np.ones(60, dtype=bool), [], []
        for _ in range(5):
            known = left & (generator.random(60) >= lost)
            flips = known & (generator.random(60) < hazard)
            events.append(flips)
            risk.append(known)
            left = known & ~flips
        return np.ones(60, dtype=bool), np.array(events), np.array(risk)

    hits, values = dict.fromkeys(keys, 0), {key: [] for key in keys}
    for seed in range(200):
        for key, (value, low, high) in intervals({"a": draw(0.2), "floor": draw(0.1)}, keys, None, 200, seed).items():
            hits[key] += low <= truth[key] <= high
            values[key].append(value)
    assert all(181 <= hits[key] <= 200 for key in keys), hits  # 190 expected
    assert {key: np.mean(each) for key, each in values.items()} == pytest.approx(truth, abs=0.06)


def test_an_exchange_of_systems_that_differ_and_of_those_that_do_not():
    key = (1, [(1, "a", 1), (1, "a", 2)])
    before, after = {"a": curve_of(*["f "] * 30)}, {"a": curve_of(*["ss"] * 30)}
    cluster = np.arange(30)
    assert curve_swap(key, before, after, cluster, 200, 0, distinct_rows) == pytest.approx(1 / 201)
    assert curve_swap(key, after, after, cluster, 200, 0, distinct_rows) == 1
    assert math.isnan(curve_swap(key, before, after, cluster, 0, 0, distinct_rows))
    nothing = {"a": curve_of(*["u "] * 30)}
    assert math.isnan(curve_swap((0, [(1, "a", 1)]), nothing, after, cluster, 200, 0, distinct_rows))
