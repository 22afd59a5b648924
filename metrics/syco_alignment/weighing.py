# SPDX-License-Identifier: Apache-2.0
"""Keys that are no plain rates: means of real numbers, and the share of pairs in which one row lies above another.

A key is an offset and a signed sum of terms. A term is a mean of numbers over rows (`mean_of`), or what two kinds of rows
have of each other (`pairs_of`): P(upper above lower) - P(upper below lower). Whole numbers are cut into levels, so that such
a key is a sum of rates and has the limits that P(number >= 1), P(number >= 2) ... have in `resampling`. The mean of real
numbers has Student's interval on the bootstrap's standard error.
"""

import math

import numpy as np

CHUNK = 2_000_000  # weights of rows held at a time: 16 MB of float64


def mean_of(sign, values, held, span):
    """A term: the mean of the values (float64 over rows, from 0 to `span` or from -span to span) over the held rows."""
    return {"sign": sign, "values": np.where(held, values, 0.0), "held": held, "span": span}


def pairs_of(sign, values, upper, lower, stratum):
    """A term from -1 to 1, over pairs of an `upper` and a `lower` row of the same stratum (int64 codes over rows)."""
    return {"sign": sign, "values": values, "upper": upper, "lower": lower, "stratum": stratum}


def _merged(terms):
    """Means over the same rows as one, so that a paired difference rests on the rows that changed."""
    merged = []
    for term in terms:
        same = "held" in term and next(
            (other for other in merged if "held" in other and np.array_equal(other["held"], term["held"])), None
        )
        if not same:
            merged.append(dict(term, signs={np.sign(term["sign"])}))
            if "held" in term:
                merged[-1] |= {"sign": 1.0, "values": term["sign"] * term["values"]}
            continue
        same["values"] = same["values"] + term["sign"] * term["values"]
        same["signs"] = same["signs"] | {np.sign(term["sign"])}
    return merged


def value_of(key):
    """The value of a key; `nan` where a term has no rows."""
    offset, terms = key
    value = offset
    for term in terms:
        if "held" in term:
            size = np.count_nonzero(term["held"])
            value += term["sign"] * term["values"].sum() / size if size else math.nan
        else:
            above, below, pairs = pair_sums(term, np.ones((1, len(term["values"]))))
            value += term["sign"] * (above[0] - below[0]) / pairs[0] if pairs[0] else math.nan
    return float(value)


def pair_sums(term, weights):
    """Weighted pairs of a term: those in which upper lies above, those in which it lies below, and all.

    Args:
        term (`dict`): as `pairs_of` gives it.
        weights (`np.ndarray`): (R, rows), how often each row counts in each of R samples.

    Returns:
        three float64 arrays (R,).
    """
    above, below, pairs = (np.zeros(len(weights)) for _ in range(3))
    for code in np.unique(term["stratum"][term["upper"] | term["lower"]]):
        rows = np.flatnonzero((term["stratum"] == code) & (term["upper"] | term["lower"]))
        rows = rows[np.argsort(term["values"][rows], kind="stable")]
        starts = np.flatnonzero(np.diff(term["values"][rows], prepend=-math.inf) > 0)
        high, low = (
            np.add.reduceat(weights[:, rows] * term[side][rows], starts, axis=1) for side in ("upper", "lower")
        )
        total, lower_up_to = low.sum(axis=1), np.cumsum(low, axis=1)
        above += (high * (lower_up_to - low)).sum(axis=1)
        below += (high * (total[:, None] - lower_up_to)).sum(axis=1)
        pairs += high.sum(axis=1) * total
    return above, below, pairs


def _placements(term):
    """Of each row how many lower rows of its stratum lie below it, how many above, and how many there are; 0 if no upper."""
    found = np.zeros((3, len(term["values"])))
    for code in np.unique(term["stratum"][term["upper"] | term["lower"]]):
        upper, lower = (np.flatnonzero((term["stratum"] == code) & term[side]) for side in ("upper", "lower"))
        values = np.sort(term["values"][lower])
        place = term["values"][upper]
        found[0, upper] = np.searchsorted(values, place, side="left")
        found[1, upper] = len(values) - np.searchsorted(values, place, side="right")
        found[2, upper] = len(values)
    return found


def _is_real(term):
    """Whether a term is a mean of numbers that are not all whole."""
    return "held" in term and not np.array_equal(term["values"], np.rint(term["values"]))


def _parts(term, cluster):
    """Rates, or the mean, of a merged term: [(sign, numerator by cluster, denominator by cluster), ...]."""
    clusters = int(cluster.max()) + 1

    def by_cluster(values):
        return np.bincount(cluster, weights=values, minlength=clusters)

    if "held" not in term:
        below, above, all_of = map(by_cluster, _placements(term))
        return [(term["sign"], below, all_of), (-term["sign"], above, all_of)]
    parts, size = [], by_cluster(term["held"])
    if _is_real(term):
        return [(1, by_cluster(term["values"]), size)]
    for sign in sorted(term["signs"], reverse=True):
        towards = sign * term["values"]
        # Of one sign, all levels there are: a rating that nobody gives could have been given.
        most = term["span"] if len(term["signs"]) == 1 else max(1, math.ceil(towards.max(initial=0) - 1e-9))
        parts += [(sign, by_cluster(np.clip(towards - level, 0, 1)), size) for level in range(most)]
    return parts


def _mean_limits(top, size, draws, confidence, quantile_of):
    """Mean of real numbers with Student's limits; infinite ones where the rows weigh less than two clusters."""
    top, size = top[size > 0], size[size > 0]
    mean, kish = top.sum() / size.sum(), size.sum() ** 2 / (size**2).sum()
    if kish < 2:
        return mean, -math.inf, math.inf
    error = np.nanstd(draws) * math.sqrt(len(size) / (len(size) - 1))
    half = quantile_of(0.5 + confidence / 2, kish - 1) * error
    return mean, mean - half, mean + half


def _weights(clusters, replicates, seed):
    """Bootstrap samples of the clusters, chunk by chunk: (samples, clusters), how often each is drawn."""
    generator, step = np.random.default_rng(seed), max(1, CHUNK // clusters)
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        yield generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=size).astype(float)


def weighed_intervals(keys, cluster, confidence, replicates, seed, limits_of, combine, quantile_of):
    """Value and interval of every key, by the cluster bootstrap.

    Args:
        keys (`dict[str, tuple]`): key -> (offset, terms).
        cluster (`np.ndarray`): int64 cluster codes of the rows.
        confidence (`float`): coverage aimed at.
        replicates (`int`): bootstrap samples; 0 gives `nan` limits.
        seed (`int`): of the generator.
        limits_of, combine (callable): `resampling.rate_limits` and `resampling.combine`.
        quantile_of (callable): (probability, df) -> Student's quantile.

    Returns:
        `dict[str, (float, float, float)]`: key -> (value, low, high); `nan` where a term has no rows.
    """
    found = {key: (value_of(parts), math.nan, math.nan) for key, parts in keys.items()}
    live = [key for key, (value, _, _) in found.items() if value == value]
    if not replicates or not live:
        return found
    cluster = np.unique(cluster, return_inverse=True)[1]
    merged = {key: _merged(keys[key][1]) for key in live}
    parts = {key: [_parts(term, cluster) for term in terms] for key, terms in merged.items()}
    draws = {key: [[] for _ in terms] for key, terms in merged.items()}
    for weights in _weights(int(cluster.max()) + 1, replicates, seed):
        for key, terms in merged.items():
            for at, term in enumerate(terms):
                draws[key][at].append(_drawn(term, parts[key][at], weights, cluster))
    for key, terms in merged.items():
        drawn = [np.concatenate(blocks, axis=1) for blocks in draws[key]]
        signs, limits = [], []
        for term, of_term, of_draws in zip(terms, parts[key], drawn, strict=True):
            of = _mean_limits if _is_real(term) else limits_of
            for (sign, top, size), rates in zip(of_term, of_draws, strict=True):
                signs.append(sign)
                limits.append(of(top, size, rates, confidence, quantile_of))
        signs, limits = np.array(signs, dtype=float), np.array(limits)
        width = limits[:, 2] - limits[:, 1]
        if np.isinf(width).any() or (width == 1).any():  # too few clusters to say anything
            below = above = math.inf
        else:
            below, above = combine(signs, limits, np.concatenate(drawn))
        value, (least, most) = found[key][0], _range(keys[key][0], terms)
        found[key] = (value, max(least, value - below), min(most, value + above))
    return found


def _drawn(term, parts, weights, cluster):
    """The rates of a term in each sample: (rates, samples); `nan` where a sample misses a denominator."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if "held" in term:
            return np.stack([(weights @ top) / (weights @ size) for _, top, size in parts])
        step, blocks = max(1, CHUNK // len(cluster)), []
        for start in range(0, len(weights), step):
            above, below, pairs = pair_sums(term, weights[start : start + step][:, cluster])
            blocks.append(np.stack([above / pairs, below / pairs]))
        return np.concatenate(blocks, axis=1)


def _range(offset, terms):
    """The least and the greatest value that a key can have."""
    least = most = offset
    for term in terms:
        if "held" not in term:
            least, most = least - abs(term["sign"]), most + abs(term["sign"])
            continue
        least, most = least - term["span"] * (-1 in term["signs"]), most + term["span"] * (1 in term["signs"])
    return least, most


def weighed_swap(before, after, cluster, replicates, seed):
    """Two-sided p-value of the difference between two systems whose labels are exchanged cluster by cluster.

    Args:
        before, after (`tuple`): a key of the two systems on the same rows, as for `weighed_intervals`.
        cluster (`np.ndarray`): int64 cluster codes of the rows.
        replicates (`int`): random exchanges; 0 gives `nan`.
        seed (`int`): of the generator.

    Returns:
        `float`: (1 + exchanges that lie at least as far from 0) / (1 + replicates); `nan` where a term has no rows.
    """
    if not replicates or value_of(before) != value_of(before) or value_of(after) != value_of(after):
        return math.nan
    cluster = np.unique(cluster, return_inverse=True)[1]
    clusters = int(cluster.max()) + 1
    both = [_stacked(one, other) for one, other in zip(before[1], after[1], strict=True)]
    generator, step, extreme = np.random.default_rng(seed), max(1, CHUNK // (2 * len(cluster))), 0
    observed = abs(value_of(after) - value_of(before))
    for start in range(0, replicates, step):
        size = (min(step, replicates - start), clusters)
        swapped = generator.integers(2, size=size).astype(float)[:, cluster]
        kept = 1 - swapped
        first, second = (
            sum(_weighted_value(term, np.concatenate(sides, axis=1)) for term in both)
            for sides in ((kept, swapped), (swapped, kept))
        )
        # an exchange that empties a denominator tells nothing, so it counts against a difference
        extreme += int((~(np.abs(second - first) < observed - 1e-12)).sum())
    return (1 + extreme) / (1 + replicates)


def _stacked(one, other):
    """A term of two systems as a term of twice the rows."""
    fields = ("values", "held") if "held" in one else ("values", "upper", "lower", "stratum")
    return {"sign": one["sign"]} | {name: np.concatenate([one[name], other[name]]) for name in fields}


def _weighted_value(term, weights):
    with np.errstate(invalid="ignore", divide="ignore"):
        if "held" in term:
            return term["sign"] * (weights @ term["values"]) / (weights @ term["held"])
        above, below, pairs = pair_sums(term, weights)
        return term["sign"] * (above - below) / pairs
