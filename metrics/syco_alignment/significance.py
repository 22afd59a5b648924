# SPDX-License-Identifier: Apache-2.0
"""Exact McNemar and sign-flip tests, Holm's correction and Student's quantiles, with numpy and the standard library
alone."""

import math
from statistics import NormalDist

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)


def _half_power_term(n, k):
    """Binomial probability of `k` successes in `n` at probability 1/2, to within rounding."""
    if k < 1000:
        choose = math.comb(n, k)
        shift = max(0, choose.bit_length() - 64)
        return math.ldexp(choose >> shift, shift - n)

    def stirling_error(x):
        return (1 / 12 - (1 / 360 - 1 / (1260 * x * x)) / (x * x)) / x

    # Loader (2000): the exact coefficient takes seconds beyond 100,000, and log-gamma loses its digits
    off = (n - 2 * k) / n
    deviance = n / 2 * ((1 + off) * math.log1p(off) + (1 - off) * math.log1p(-off))
    error = stirling_error(n) - stirling_error(k) - stirling_error(n - k)
    return math.sqrt(n / (2 * math.pi * k * (n - k))) * math.exp(error - deviance)


def mcnemar_p(gained, lost):
    """Exact two-sided McNemar p-value: are flips in one direction more frequent than in the other?

    Twice the smaller binomial tail at probability 1/2 over the discordant pairs, at most 1 (McNemar 1947; the
    exact form of `statsmodels.stats.contingency_tables.mcnemar`).

    Args:
        gained (`int`): pairs that changed one way.
        lost (`int`): pairs that changed the other way.

    Returns:
        `float` from 0 to 1; 1.0 without discordant pairs.
    """
    n, k = int(gained + lost), int(min(gained, lost))
    tail = term = 1.0  # in units of the largest term: the ratios of neighbours are simple
    for i in range(k, 0, -1):
        term *= i / (n - i + 1)
        tail += term
        if term < 1e-18 * tail:
            break
    return min(1.0, 2.0 * tail * _half_power_term(n, k))


def flip_p(before, after):
    """Exact McNemar p-value of two terms (sign, numerator, denominator), over the rows that count for both.

    Returns:
        `float` from 0 to 1; `nan` where no row counts for both.
    """
    (_, was, held_before), (_, is_now, held_after) = before, after
    both = held_before & held_after
    gained, lost = np.count_nonzero(both & is_now & ~was), np.count_nonzero(both & was & ~is_now)
    return mcnemar_p(gained, lost) if both.any() else math.nan


def sign_flip_p(sums):
    """Two-sided sign-flip p-values, exact and mid-p: do paired differences, summed by cluster, lie to one side of 0?

    Under the null hypothesis the two arms of a cluster could as well be exchanged, which turns the sign of its
    sum. The distribution of the total over all 2 ** C signs comes from its characteristic function, the product
    of cos(sum * angle) over clusters, turned back by a Fourier transform. Where every cluster holds one pair
    these are McNemar's tests.

    The exact p-value counts all totals as far from 0 as the one seen. Where few clusters moved, many totals are
    equally far, and it rejects too rarely: 3 to 4 % at the 5 % level. The mid-p counts half of those that are just as far
    (Lancaster 1961), which for McNemar's test stays near the level without exceeding it by much (Fagerland,
    Lydersen and Laake 2013, BMC Medical Research Methodology 13:91).

    Args:
        sums (`np.ndarray`): whole numbers, one per cluster.

    Returns:
        `(float, float)`, exact and mid-p, from 0 to 1, to within 1e-12; where clusters hold several pairs, never
        below 1e-12. Both are 1.0 where all sums are 0.
    """
    sums = np.rint(np.asarray(sums)).astype(np.int64)
    sizes, counts = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    if not len(sizes):
        return 1.0, 1.0
    observed, most = abs(int(sums.sum())), int(sizes @ counts)
    if len(sizes) == 1:  # all alike: the plain sign test
        gained, lost = (most + observed) // (2 * int(sizes[0])), (most - observed) // (2 * int(sizes[0]))
        exact = mcnemar_p(gained, lost)
        just_as_far = _half_power_term(gained + lost, lost) * (1 if gained == lost else 2)
        return exact, exact - just_as_far / 2
    # totals have the parity of the largest, so (most + total) / 2 counts in steps of one
    length = 1 << int(most + 1).bit_length()
    angle = np.pi * np.arange(length // 2 + 1) / length
    transform = np.ones(len(angle))
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        transform *= np.cos(size * angle) ** count
    turn = np.exp(-1j * most * angle)  # puts the total of -most in the first place
    chance = np.fft.irfft(transform * turn, length)[: most + 1]
    distance = np.abs(2 * np.arange(most + 1) - most)
    farther, just_as_far = chance[distance > observed].sum(), chance[distance == observed].sum()
    found = (farther + just_as_far, farther + just_as_far / 2)
    return tuple(float(min(1.0, max(1e-12, round(p, 12)))) for p in found)


def holm(p_values):
    """Holm's step-down adjustment (Holm 1979); `nan` stays `nan` and does not count towards the family.

    Args:
        p_values (`list[float]`): p-values of one family.

    Returns:
        `list[float]`: adjusted p-values in the same order.
    """
    order = sorted((i for i, p in enumerate(p_values) if p == p), key=lambda i: p_values[i])
    adjusted, running = [math.nan] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, (len(order) - rank) * p_values[index])
        adjusted[index] = min(1.0, running)
    return adjusted


def normal_quantile(probability):
    """Quantile of the standard normal distribution."""
    return NormalDist().inv_cdf(probability)


def _student_density_at_0(df):
    return math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi * df)


def student_cdf(value, df):
    """Distribution function of Student's t with `df` degrees of freedom (any number from 1).

    With t = sqrt(df) tan(angle) the density becomes cos(angle) ** (df - 1), smooth on a finite range.
    """
    angle = math.atan(value / math.sqrt(df))
    area = angle / 2 * float(_WEIGHTS @ np.cos(angle / 2 * (_NODES + 1)) ** (df - 1))
    return 0.5 + area * _student_density_at_0(df) * math.sqrt(df)


def student_quantile(probability, df):
    """Upper quantile (`probability` from 0.5) of Student's t with `df` degrees of freedom (from 1)."""
    if df > 1e5:
        return normal_quantile(probability)
    low, high = 0.0, 2.0
    while student_cdf(high, df) < probability and high < 1e9:
        low, high = high, 2 * high
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, df) < probability else (low, middle)
    value = low  # below the quantile, where the density falls, Newton's steps stay below it
    for _ in range(8):
        density = _student_density_at_0(df) * (1 + value * value / df) ** (-(df + 1) / 2)
        value += (probability - student_cdf(value, df)) / density
    return value
