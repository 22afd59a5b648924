# SPDX-License-Identifier: Apache-2.0
"""Survival curves by rounds, and sums of them, with intervals that respect clusters (Kaplan & Meier 1958).

A curve is `(start, events, risk)`: bool arrays over rows, the last two with a first axis of rounds. A row is one
conversation, which is followed to its end, to its event, or to a round of which nothing is known. Where all are
known, the curve is one minus the share that has had its event; else it takes those that were lost to be like those
that were not. A key is `(constant, [(sign, curve, round), ...])`: a constant and signed values of curves.
"""

import math

import numpy as np


def survive(totals):
    """Product-limit estimate from totals over rows.

    Args:
        totals (`np.ndarray`): (2, rounds, ...) events, and rows of which it is known whether they have one.

    Returns:
        `np.ndarray`: (rounds, ...) share without an event up to each round; `nan` once nobody is left to know.
    """
    alive, shares = np.ones(totals.shape[2:]), []
    for events, risk in zip(*totals, strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            alive = np.where(alive == 0, 0.0, alive * (1 - events / risk))
        shares.append(alive)
    return np.array(shares)


def _totals(curve):
    return np.stack([part.sum(axis=1) for part in curve[1:]]).astype(float)


def curve_point(key, curves):
    """The value of a key; `nan` where one of its curves is not known so far."""
    constant, parts = key
    return float(constant + sum(sign * survive(_totals(curves[name]))[number - 1] for sign, name, number in parts))


def standing(curve, number):
    """Which rows are known to be without an event up to a round, and of which rows it is known."""
    start, events, risk = curve
    gone, followed = events[:number].any(axis=0), risk[:number].all(axis=0)
    return followed & ~gone, start & (followed | gone)


def _weights(curve, shares, number):
    """Of each row the chance to have had no event up to a round, as far as it is known (Efron 1967).

    A row that was lost counts with what becomes of those that were left when it was; the mean is the curve.
    """
    stands, known = standing(curve, number)
    weights = stands.astype(float)
    start, _, risk = curve
    lost = start & ~known
    until = risk[:number].argmin(axis=0)  # the first round of which nothing is known, from 0
    before = np.concatenate([[1.0], shares])
    weights[lost] = shares[number - 1] / before[until[lost]]
    return weights


def curve_intervals(curves, keys, cluster, settings, replicate_totals, rate_limits, combine):
    """Value and interval of every key.

    Args:
        curves (`dict`): name -> curve.
        keys (`dict`): name -> key.
        cluster (`np.ndarray`): int64 cluster codes of the rows.
        settings: confidence, replicates (0 gives `nan` limits), seed, (probability, df) -> Student's quantile.
        replicate_totals, rate_limits, combine (callables): see `resampling.py`. A curve's limits are those of the
            rate that the rows' weights make, at the effective sample size that draws of the curve itself show.

    Returns:
        `dict[str, (float, float, float)]`: key -> (value, low, high).
    """
    confidence, replicates, seed, quantile_of = settings
    found = {name: (curve_point(key, curves), math.nan, math.nan) for name, key in keys.items()}
    live = [name for name, (value, _, _) in found.items() if value == value]
    used = {part[1:] for name in live for part in keys[name][1]}
    if not replicates or not used:
        return found
    code = np.unique(cluster, return_inverse=True)[1]
    draws, limits = {}, {}
    names = sorted({name for name, _ in used})
    table = [
        np.bincount(code[row], minlength=code.max() + 1) for name in names for part in curves[name][1:] for row in part
    ]
    totals = replicate_totals(np.stack(table, axis=1).astype(float), replicates, seed).T
    for name in names:
        start, events, _ = curve = curves[name]
        mine, totals = np.split(totals, [2 * len(events)])
        drawn, shares = survive(mine.reshape(2, len(events), -1)), survive(_totals(curve))
        for number in {number for other, number in used if other == name}:
            top = np.bincount(code[start], _weights(curve, shares, number)[start], minlength=code.max() + 1)
            size = np.bincount(code[start], minlength=code.max() + 1).astype(float)
            draws[name, number] = drawn[number - 1]
            limits[name, number] = rate_limits(top, size, drawn[number - 1], confidence, quantile_of)
    for name in live:
        constant, parts = keys[name]
        if not parts:
            continue
        signs = np.array([sign for sign, *_ in parts])
        near = np.array([limits[part[1:]] for part in parts])
        below, above = combine(signs, near, np.stack([draws[part[1:]] for part in parts]))
        if (near[:, 2] - near[:, 1] == 1).any():  # too few clusters to say anything
            below = above = math.inf
        least, most = (constant + float(sum(end(sign, 0) for sign in signs)) for end in (min, max))
        value = found[name][0]
        found[name] = (value, max(least, value - below), min(most, value + above))
    return found


def curve_swap(key, before, after, cluster, replicates, seed, distinct_rows):
    """Two-sided p-value of a key's difference between two systems that are exchanged cluster by cluster.

    Args:
        key: as for `curve_intervals`.
        before, after (`dict`): the curves of both systems.
        cluster (`np.ndarray`): int64 cluster codes of the rows.
        replicates (`int`): random exchanges; 0 gives `nan`.
        seed (`int`): of the generator.
        distinct_rows (callable): see `resampling.py`.

    Returns:
        `float`: (1 + exchanges that lie at least as far from 0) / (1 + replicates); an exchange that leaves a curve
        unknown counts against a difference.
    """
    _, parts = key
    names = sorted({name for _, name, _ in parts})
    lengths = [len(before[name][1]) for name in names]

    def sums(curves):
        rows = [row for name in names for part in curves[name][1:] for row in part]
        return np.stack([np.bincount(cluster[row], minlength=cluster.max() + 1) for row in rows], axis=1).astype(float)

    def value(totals):
        pieces = np.split(totals, np.cumsum([2 * length for length in lengths])[:-1], axis=-1)
        shares = {
            name: survive(np.moveaxis(piece.reshape(*piece.shape[:-1], 2, length), (-2, -1), (0, 1)))
            for name, piece, length in zip(names, pieces, lengths, strict=True)
        }
        return sum(sign * shares[name][number - 1] for sign, name, number in parts)

    if not replicates or not parts:
        return math.nan
    first, second = sums(before), sums(after)
    observed = abs(value(second.sum(axis=0)) - value(first.sum(axis=0)))
    if observed != observed:
        return math.nan
    patterns, frequency = distinct_rows(second - first)
    moved = np.random.default_rng(seed).binomial(frequency, 0.5, size=(replicates, len(patterns))) @ patterns
    difference = value(second.sum(axis=0) - moved) - value(first.sum(axis=0) + moved)
    return (1 + int((~(np.abs(difference) < observed - 1e-12)).sum())) / (1 + replicates)
