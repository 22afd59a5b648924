# SPDX-License-Identifier: Apache-2.0
"""Cluster bootstrap: intervals of rates and of their differences, and a swap test between two systems.

Every key is a sum of signed rates, and every rate a ratio of two sums over clusters, so that one table of
sums by cluster holds all that resampling needs. Clusters are drawn with replacement; drawing from the
*distinct* rows of that table with their frequencies gives the same distribution, at a cost that does not grow
with the rows.
"""

import math

import numpy as np

CHUNK = 2_000_000  # weights held at a time: 16 MB of float64
PRIOR_CORRELATION = 0.3  # of the rows of a cluster, where the data say next to nothing about it


def cluster_sums(indicators, cluster):
    """Sums of row indicators by cluster.

    Args:
        indicators (`list[np.ndarray]`): K bool arrays over rows.
        cluster (`np.ndarray`): int64 cluster codes of the rows, 0 to C - 1.

    Returns:
        float64 array (C, K).
    """
    size = int(cluster.max()) + 1
    return np.stack([np.bincount(cluster[held], minlength=size) for held in indicators], axis=1).astype(float)


def distinct_rows(table):
    """Distinct rows of a table, in lexicographic order, and how often each occurs.

    What `np.unique(table, axis=0, return_counts=True)` gives, in a fraction of its time: a row becomes one
    whole number, and numbers sort faster than rows.
    """
    code, kinds = np.zeros(len(table), dtype=np.int64), 1
    for column in table.T:
        digit = column.astype(np.int64)
        if not np.array_equal(digit, column):  # real numbers: their ranks
            digit = np.unique(column, return_inverse=True)[1]
        digit = digit - digit.min()
        base = int(digit.max()) + 1
        if kinds * base >= 2**62:  # the numbers would overflow: take their ranks
            names, code = np.unique(code, return_inverse=True)
            kinds = len(names)
        kinds *= base
        code = code * base + digit
    _, first, frequency = np.unique(code, return_index=True, return_counts=True)
    return table[first], frequency


def replicate_totals(sums, replicates, seed):
    """Column totals of bootstrap samples of the clusters.

    Args:
        sums (`np.ndarray`): (C, K) sums by cluster.
        replicates (`int`): samples.
        seed (`int`): of the generator.

    Returns:
        float64 array (replicates, K), the same for any order of the clusters; memory beyond it is bounded by
        `CHUNK`.
    """
    patterns, frequency = distinct_rows(sums)
    clusters, kinds = len(sums), len(patterns)
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // kinds)
    blocks = []
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        if kinds < clusters:
            weights = generator.multinomial(clusters, frequency / clusters, size=size)
        else:  # no two clusters alike: drawing them one by one is the faster way to the same distribution
            drawn = (generator.integers(kinds, size=kinds) for _ in range(size))
            weights = np.stack([np.bincount(each, minlength=kinds) for each in drawn])
        blocks.append(weights.astype(float) @ patterns)
    return np.concatenate(blocks)


def point(terms):
    """Value of a sum of signed rates; `nan` where a denominator is empty."""
    value = 0.0
    for sign, top, held in terms:
        size = np.count_nonzero(held)
        value += sign * np.count_nonzero(top) / size if size else math.nan
    return float(value)


def components(terms):
    """Split a sum of signed rates into rates that cannot cancel: P(value >= 1) - P(value <= -1) and so on.

    Rates over the same rows are taken together first, so that a paired difference rests on the rows that
    changed: where none did, there is still a limit on how many could have.

    Args:
        terms (`list[(int, np.ndarray, np.ndarray)]`): (sign, numerator, denominator), bool arrays over rows.

    Returns:
        the same form; the signed sum of its rates is the same number.
    """
    merged = []
    for sign, top, held in terms:
        same = next((entry for entry in merged if np.array_equal(entry[0], held)), None)
        if same is None:
            same = [held, np.zeros(len(held), dtype=np.int8), set()]
            merged.append(same)
        same[1] += np.int8(sign) * top.astype(np.int8)
        same[2].add(sign)
    parts = []
    for held, value, signs in merged:
        for sign in sorted(signs, reverse=True):
            highest = max(1, int((sign * value).max(initial=0)))
            parts += [(sign, sign * value >= level, held) for level in range(1, highest + 1)]
    return parts


def rate_limits(top, size, draws, confidence, quantile_of):
    """Wilson limits of one rate at the effective sample size that the cluster bootstrap shows.

    The plain percentile interval is [0, 0] at a rate of 0 and too short wherever few clusters hold the rarer
    outcome. So the bootstrap gives the variance, hence the design effect and the effective sample size, and
    Wilson's score interval at that size, with Student's quantile for the number of clusters, gives the shape.
    Three corrections, chosen by simulation (`benchmarks/interval_coverage.py`): where no cluster holds the
    rarer outcome, the rows of a cluster count as one; where hardly any does, the design effect leans on an
    intra-cluster correlation of `PRIOR_CORRELATION`; and where few do and the rate is far from 1/2, the
    variance, which is then under-estimated just when it matters, is raised.

    Args:
        top, size (`np.ndarray`): (C,) sums of numerator and denominator by cluster.
        draws (`np.ndarray`): bootstrap draws of the rate, `nan` where a sample had an empty denominator.
        confidence (`float`): coverage aimed at.
        quantile_of (callable): (probability, df) -> Student's quantile.

    Returns:
        `(rate, low, high)`; [0, 1] where the rows weigh less than two clusters.
    """
    top, size = top[size > 0], size[size > 0]
    n, clusters = size.sum(), len(size)
    rate = top.sum() / n
    kish = n * n / (size**2).sum()  # as many clusters of equal size would carry as much
    if kish < 2:
        return rate, 0.0, 1.0
    effect = n / kish  # the rows of a cluster count as one
    spread = rate * (1 - rate)
    mixed = int(min((top > 0).sum(), (top < size).sum()))
    draws = draws[~np.isnan(draws)]
    if mixed and len(draws) > 1:
        prior = 1 + PRIOR_CORRELATION * (effect - 1)
        seen = draws.var() * clusters / (clusters - 1) * n / spread
        effect = (mixed**4 * seen + prior) / (mixed**4 + 1)
        rarer = top if rate < 0.5 else size - top
        carriers = rarer.sum() ** 2 / (rarer**2).sum()
        effect *= 1 + 5 * (1 - 2 * rate) ** 2 * max(0.0, 1 - 1 / effect) / carriers
    shrink = quantile_of(0.5 + confidence / 2, kish - 1) ** 2 * effect / n
    centre = (rate + shrink / 2) / (1 + shrink)
    half = math.sqrt(shrink * spread + shrink**2 / 4) / (1 + shrink)
    return rate, min(rate, max(0.0, centre - half)), max(rate, min(1.0, centre + half))


def combine(signs, limits, draws):
    """How far a signed sum of rates may lie below and above its value (Zou & Donner 2008).

    From the limits (T, 3) of each rate, and the correlations of their bootstrap draws (T, replicates).
    """
    whole = draws[:, ~np.isnan(draws).any(axis=0)]
    correlation = np.eye(len(signs))
    if len(signs) > 1 and whole.shape[1] > 1:
        with np.errstate(invalid="ignore", divide="ignore"):  # a rate that never varies has none
            correlation = np.nan_to_num(np.corrcoef(whole))
        np.fill_diagonal(correlation, 1.0)
    below, above = limits[:, 0] - limits[:, 1], limits[:, 2] - limits[:, 0]
    down, up = signs * np.where(signs > 0, below, above), signs * np.where(signs > 0, above, below)
    return math.sqrt(max(0.0, down @ correlation @ down)), math.sqrt(max(0.0, up @ correlation @ up))


def intervals(contrasts, cluster, confidence, replicates, seed, quantile_of):
    """Value and interval of every key.

    Args:
        contrasts (`dict[str, list]`): key -> terms, see `components`.
        cluster (`np.ndarray`): int64 cluster codes of the rows.
        confidence (`float`): coverage aimed at.
        replicates (`int`): bootstrap samples; 0 gives `nan` limits.
        seed (`int`): of the generator.
        quantile_of (callable): (probability, df) -> Student's quantile.

    Returns:
        `dict[str, (float, float, float)]`: key -> (value, low, high); `nan` where a denominator is empty.
    """
    found = {key: (point(terms), math.nan, math.nan) for key, terms in contrasts.items()}
    live = [key for key, (value, _, _) in found.items() if value == value]
    if not replicates or not live:
        return found
    columns, plan = _distinct_columns({key: contrasts[key] for key in live})
    sums = cluster_sums(columns, np.unique(cluster, return_inverse=True)[1])
    totals = replicate_totals(sums, replicates, seed)
    rates, draws = {}, {}
    for _, *pair in {part for parts in plan.values() for part in parts}:
        top, held = pair
        with np.errstate(invalid="ignore", divide="ignore"):  # a sample may miss the denominator
            draws[top, held] = totals[:, top] / totals[:, held]
        rates[top, held] = rate_limits(sums[:, top], sums[:, held], draws[top, held], confidence, quantile_of)
    for key in live:
        signs = np.array([sign for sign, _, _ in plan[key]])
        limits = np.array([rates[top, held] for _, top, held in plan[key]])
        below, above = combine(signs, limits, np.stack([draws[top, held] for _, top, held in plan[key]]))
        value, least = found[key][0], float(sum(min(sign, 0) for sign, _, _ in contrasts[key]))
        most = float(sum(max(sign, 0) for sign, _, _ in contrasts[key]))
        if (limits[:, 2] - limits[:, 1] == 1).any():  # too few clusters to say anything
            below = above = math.inf
        found[key] = (value, max(least, value - below), min(most, value + above))
    return found


def _distinct_columns(contrasts):
    """Distinct indicator columns of all keys, and key -> [(sign, column, column), ...] into them."""
    columns, places = [], {}

    def place(array):
        near = places.setdefault(hash(array.tobytes()), [])
        for column in near:
            if np.array_equal(columns[column], array):
                return column
        near.append(len(columns))
        columns.append(array)
        return near[-1]

    plan = {
        key: [(sign, place(top), place(held)) for sign, top, held in components(terms)]
        for key, terms in contrasts.items()
    }
    return columns, plan


def swap_test(before, after, signs, replicates, seed):
    """Two-sided p-value of the difference between two systems whose labels are exchanged cluster by cluster.

    Args:
        before, after (`np.ndarray`): (C, 2 T) sums by cluster of a key's T numerators, then its T
            denominators.
        signs (`np.ndarray`): (T,) signs of the terms.
        replicates (`int`): random exchanges; 0 gives `nan`.
        seed (`int`): of the generator.

    Returns:
        `float`: (1 + exchanges that lie at least as far from 0) / (1 + replicates); `nan` where a denominator
        is empty.
    """
    half = len(signs)
    totals_before, totals_after = before.sum(axis=0), after.sum(axis=0)
    if not replicates or not totals_before[half:].all() or not totals_after[half:].all():
        return math.nan

    def difference(moved):
        first, second = totals_before + moved, totals_after - moved
        with np.errstate(invalid="ignore", divide="ignore"):
            return (second[..., :half] / second[..., half:] - first[..., :half] / first[..., half:]) @ signs

    observed = abs(difference(np.zeros(2 * half)))
    patterns, frequency = distinct_rows(after - before)
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // len(patterns))
    extreme = 0
    for start in range(0, replicates, step):
        size = (min(step, replicates - start), len(patterns))
        moved = generator.binomial(frequency, 0.5, size=size).astype(float) @ patterns
        # an exchange that empties a denominator tells nothing, so it counts against a difference
        extreme += int((~(np.abs(difference(moved)) < observed - 1e-12)).sum())
    return (1 + extreme) / (1 + replicates)
