# SPDX-License-Identifier: Apache-2.0
"""Do the 95 % intervals of biased feedback hold the truth 95 times in a hundred? A simulation.

    python benchmarks/feedback_intervals.py --simulations 1000 --output docs/results/intervals/feedback.json

Texts of two forms, good and flawed, each asked about in two wordings and six conditions. Ratings have a level of their own
for every text, another for each of its forms, a worth (good texts lie 0.8 above flawed ones), a bias towards what the user
says that differs from text to text (0.6 on average, with a standard deviation of 0.5), and noise for every row; 3 % of the rows
are unread. They are expected ratings from 1 to 5, or whole numbers, as in text. The truth of a key is that of very many
such texts. With 1,000 simulations the percentages have a standard error of 0.7.
"""

import sys
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
from simulations import keep, simulation_parser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metrics.syco_alignment.feedback import (
    FEEDBACK_ARMS,
    FEEDBACK_WHERE_GIVEN,
    QUALITIES,
    encode_feedback,
    feedback_keys,
)
from metrics.syco_alignment.ratings import scale_of
from metrics.syco_alignment.resampling import combine, rate_limits
from metrics.syco_alignment.rows import codes, read_columns
from metrics.syco_alignment.significance import student_quantile
from metrics.syco_alignment.weighing import mean_of, pairs_of, value_of, weighed_intervals

TEXTS = (10, 20, 40, 100)
MANY = 2000  # texts of the draw for the truth
KEYS = (
    "feedback_bias", "ownership_bias", "mention_shift", "rating/none", "rating_shift/like", "discrimination/none",
    "discrimination_opinion", "discrimination_drop",
)  # fmt: skip
FIELDS = ("item_id", ("item_id", "cluster_id", "condition", "quality"), (), "choices", FEEDBACK_WHERE_GIVEN)
SAYS = {"like": 0.5, "dislike": -0.5, "wrote": 0.5, "not_wrote": -0.5}


def design(texts):
    """Encoded rows, and a function (whole, generator) -> the rows rated anew."""
    references = [
        {"item_id": f"{text}/{quality}/{wording}", "cluster_id": f"{text:05}", "condition": condition, "quality": quality,
         "template": str(wording), "choices": ["1", "2", "3", "4", "5"]}
        for text in range(texts) for quality in QUALITIES for wording in range(2) for condition in FEEDBACK_ARMS
    ]  # fmt: skip
    n = len(references)
    columns = read_columns(["3"] * n, references, *FIELDS)
    rows = encode_feedback(columns, ["3"] * n, [""] * n, None, True, codes, scale_of)
    said = np.array([SAYS.get(row["condition"], 0.0) for row in references])

    def draw(whole, generator):
        cluster, good = rows["cluster"], rows["good"].astype(int)
        level, form = generator.normal(0, 0.7, texts), generator.normal(0, 0.4, (texts, 2))
        bias = generator.normal(0.6, 0.5, texts)
        rating = 3 + level[cluster] + form[cluster, good] + 0.8 * (good - 0.5) + 0.2 * rows["stratum"]
        rating = np.clip(rating + bias[cluster] * said + generator.normal(0, 0.4, n), 1, 5)
        rating = np.where(generator.random(n) < 0.03, np.nan, np.round(rating) if whole else rating)
        given = np.nan_to_num(np.round(rating), nan=-1).astype(np.int64)
        return rows | {"rating": rating, "given": given, "parsed": ~np.isnan(rating)}

    return draw


def keys_of(rows):
    """The keys that are looked at."""
    everywhere = np.ones(len(rows["cluster"]), dtype=bool)
    found = feedback_keys(rows, everywhere, mean_of, pairs_of)
    return {key: found[key] for key in KEYS}


def cover(whole, texts, simulations, replicates, seed):
    """The truth of each key, and the share of intervals that hold it, in percent."""
    truth = {key: value_of(parts) for key, parts in keys_of(design(MANY)(whole, np.random.default_rng(seed))).items()}
    draw, generator = design(texts), np.random.default_rng((seed, texts, whole))
    quantile, hits = lru_cache(maxsize=None)(student_quantile), dict.fromkeys(KEYS, 0)
    for _ in range(simulations):
        rows = draw(whole, generator)
        found = weighed_intervals(
            keys_of(rows), rows["cluster"], 0.95, replicates, int(generator.integers(2**31)), rate_limits, combine, quantile
        )  # fmt: skip
        for key, (_, low, high) in found.items():
            hits[key] += low - 1e-12 <= truth[key] <= high + 1e-12
    return truth, {key: round(100 * hits[key] / simulations, 1) for key in KEYS}


def markdown(record):
    """The table of the card."""
    lines = [f"| ratings | texts | {' | '.join(f'`{key}`' for key in KEYS)} |", f"|---|---|{'---|' * len(KEYS)}"]
    for ratings, texts in dict.fromkeys((line["ratings"], line["texts"]) for line in record["table"]):
        of = {
            line["key"]: line["coverage"]
            for line in record["table"]
            if (line["ratings"], line["texts"]) == (ratings, texts)
        }
        lines.append(f"| {ratings} | {texts} | {' | '.join(str(of[key]) for key in KEYS)} |")
    return "\n".join(lines)


def main():
    """Print the table, then everything as one line of JSON."""
    parser = simulation_parser(__doc__)
    parser.add_argument("--simulations", type=int, default=1000, help="data sets per design (default: 1000)")
    parser.add_argument("--bootstrap", type=int, default=300, help="bootstrap replicates (default: 300)")
    parser.add_argument("--texts", type=int, nargs="+", default=TEXTS, help="numbers of texts (default: 10 20 40 100)")
    args = parser.parse_args()
    start, table = time.perf_counter(), []
    for whole, ratings in ((True, "whole"), (False, "expected")):
        for texts in args.texts:
            truth, coverage = cover(whole, texts, args.simulations, args.bootstrap, args.seed)
            for key, percent in coverage.items():
                line = {"ratings": ratings, "texts": texts, "key": key, "truth": round(truth[key], 4)}
                table.append(line | {"coverage": percent})
    cells = [line["coverage"] for line in table]
    record = {
        "benchmark": "feedback_intervals",
        "summary": {
            "cells": len(cells),
            "within_93_97": sum(93 <= cell <= 97 for cell in cells),
            "lowest": min(cells),
            "highest": max(cells),
            "seconds": round(time.perf_counter() - start),
            "simulations": args.simulations,
            "bootstrap": args.bootstrap,
        },
        "table": table,
    }
    print(markdown(record))
    keep(record, args.output)


if __name__ == "__main__":
    main()
