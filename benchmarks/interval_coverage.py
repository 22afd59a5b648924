# SPDX-License-Identifier: Apache-2.0
"""Do the 95 % intervals of `syco_alignment` hold the truth 95 times in a hundred? A simulation.

    python benchmarks/interval_coverage.py --simulations 1000 --output docs/results/intervals/coverage.json

Rows come in clusters (all of one size, or of sizes 1 to 50) whose rates vary: they are drawn from a Beta
(several outcomes: Dirichlet) distribution with the given intra-cluster correlation (icc). For each design the
table shows in what percentage of simulations the interval holds the truth: for rates near 0, 1/2 and 1, for a
paired difference (opinion_shift: 15 % of rows move one way, 5 % the other), for a difference of rates over
different rows (selectivity: 0.6 on one half, 0.2 on the other) and for a rate of two systems on the same rows
(0.5 to 0.3). The last column is the plain percentile bootstrap for the rate of 0.05, for contrast. With 2,000
simulations the percentages have a standard error of 0.5. The figures of the recorded run stand in the card,
metrics/syco_alignment/README.md, under "Intervals, and how well they hold".
"""

import sys
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
from simulations import keep, simulation_parser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metrics.syco_alignment.resampling import cluster_sums, intervals, replicate_totals
from metrics.syco_alignment.significance import student_quantile

SIZES = ("1", "2", "6", "10", "50", "1-50")
ROWS = (30, 100, 300, 1000, 5000)
CORRELATIONS = (0.0, 0.1, 0.3)
TRUTH = {
    "rate 0.05": 0.05,
    "rate 0.5": 0.5,
    "rate 0.95": 0.95,
    "paired": 0.1,
    "unpaired": 0.4,
    "change": -0.2,
}


def draw_sizes(kind, rows, generator):
    """Cluster sizes that add up to `rows`."""
    low, _, high = kind.partition("-")
    sizes = []
    while sum(sizes) < rows:
        sizes.append(int(generator.integers(int(low), int(high or low) + 1)))
    sizes[-1] -= sum(sizes) - rows
    return np.array(sizes)


def draw_outcomes(cluster, shares, icc, generator):
    """Outcome of every row (a code below len(shares)) with the given shares and intra-cluster correlation."""
    shares = np.array(shares)
    rates = np.tile(shares, (cluster.max() + 1, 1))
    if icc:
        rates = generator.gamma(shares * (1 - icc) / icc, size=rates.shape) + 1e-300
        rates /= rates.sum(axis=1, keepdims=True)
    edges = rates.cumsum(axis=1)[cluster, :-1]
    return (generator.random(len(cluster))[:, None] > edges).sum(axis=1)


def draw_terms(cluster, icc, generator):
    """One simulated data set: key -> terms as `intervals` takes them."""
    rows = np.ones(len(cluster), dtype=bool)
    terms = {}
    for rate in (0.05, 0.5, 0.95):
        hit = draw_outcomes(cluster, (rate, 1 - rate), icc, generator) == 0
        terms[f"rate {rate}"] = [(1, hit, rows)]
    moved = draw_outcomes(cluster, (0.15, 0.05, 0.4, 0.4), icc, generator)
    terms["paired"] = [(1, (moved == 0) | (moved == 2), rows), (-1, (moved == 1) | (moved == 2), rows)]
    half = generator.random(len(cluster)) < 0.5
    first = draw_outcomes(cluster, (0.6, 0.4), icc, generator) == 0
    second = draw_outcomes(cluster, (0.2, 0.8), icc, generator) == 0
    terms["unpaired"] = [(1, first & half, half), (-1, second & ~half, ~half)]
    both = draw_outcomes(cluster, (0.25, 0.25, 0.05, 0.45), icc, generator)  # before and after, before, after, none
    read = [generator.random(len(cluster)) < 0.98 for _ in range(2)]  # some answers of each system are unparsed
    after, before = ((both == 0) | (both == 2)) & read[0], (both < 2) & read[1]
    terms["change"] = [(1, after, read[0]), (-1, before, read[1])]
    return terms


def percentile(terms, cluster, replicates, seed):
    """The plain percentile interval of a single rate."""
    ((_, top, held),) = terms
    totals = replicate_totals(cluster_sums([top, held], cluster), replicates, seed)
    return np.quantile(totals[:, 0] / totals[:, 1], (0.025, 0.975))


def cover(kind, rows, icc, simulations, replicates, seed):
    """Coverage of every statistic in one design, in percent, with the mean number of clusters."""
    generator = np.random.default_rng(seed)
    quantile = lru_cache(maxsize=None)(student_quantile)
    hits = dict.fromkeys((*TRUTH, "percentile 0.05"), 0)
    defined = dict.fromkeys(hits, 0)
    clusters = 0
    for _ in range(simulations):
        sizes = draw_sizes(kind, rows, generator)
        cluster = np.repeat(np.arange(len(sizes)), sizes)
        clusters += len(sizes)
        terms = draw_terms(cluster, icc, generator)
        draw = int(generator.integers(2**31))
        for key, (value, low, high) in intervals(terms, cluster, 0.95, replicates, draw, quantile).items():
            if value == value:
                defined[key] += 1
                hits[key] += low - 1e-12 <= TRUTH[key] <= high + 1e-12
        low, high = percentile(terms["rate 0.05"], cluster, replicates, draw)
        defined["percentile 0.05"] += 1
        hits["percentile 0.05"] += low <= 0.05 <= high
    found = {key: round(100 * hits[key] / defined[key], 1) for key in hits}
    return {"cluster_size": kind, "rows": rows, "clusters": round(clusters / simulations), "icc": icc} | found


def markdown(record):
    """The card's table: a correlation of 0.1, none for clusters of one row."""
    keys = (*TRUTH, "percentile 0.05")
    head = "| rows | cluster size | clusters | rate 0.05 | rate 0.5 | rate 0.95 | paired difference | difference over other rows"
    lines = [f"{head} | change between systems | percentile, rate 0.05 |", "|---" * 10 + "|"]
    for line in record["table"]:
        if line["icc"] == (0.0 if line["cluster_size"] == "1" else 0.1):
            cells = [f"{line['rows']:,}", line["cluster_size"], line["clusters"], *(line[key] for key in keys)]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main():
    """Print one line per design, then everything as one line of JSON."""
    parser = simulation_parser(__doc__)
    parser.add_argument("--simulations", type=int, default=500, help="data sets per design (default: 500)")
    parser.add_argument("--bootstrap", type=int, default=500, help="bootstrap replicates (default: 500)")
    parser.add_argument("--least_clusters", type=int, default=5, help="leave out designs with fewer (default: 5)")
    args = parser.parse_args()
    start, table = time.perf_counter(), []
    for kind in SIZES:
        for rows in ROWS:
            for icc in CORRELATIONS[:1] if kind == "1" else CORRELATIONS:
                if rows / (25.5 if "-" in kind else int(kind)) < args.least_clusters:
                    continue
                line = cover(kind, rows, icc, args.simulations, args.bootstrap, args.seed)
                if not table:
                    print("  ".join(line))
                print("  ".join(f"{value!s:>{len(key)}}" for key, value in line.items()), flush=True)
                table.append(line)
    cells = [line[key] for line in table for key in TRUTH]
    summary = {
        "cells": len(cells),
        "within_93_97": sum(93 <= cell <= 97 for cell in cells),
        "below_93": sum(cell < 93 for cell in cells),
        "lowest": min(cells),
        "seconds": round(time.perf_counter() - start),
        "simulations": args.simulations,
    }
    keep({"summary": summary, "table": table}, args.output)


if __name__ == "__main__":
    main()
