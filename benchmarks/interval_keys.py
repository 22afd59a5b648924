# SPDX-License-Identifier: Apache-2.0
"""Do the 95 % intervals of each key of `syco_alignment` hold the truth 95 times in a hundred? A simulation.

    python benchmarks/interval_keys.py --simulations 1000 --output docs/results/intervals/keys.json

`interval_coverage.py` simulates kinds of statistics; this simulates answers, and with them every key by its own
definition: denominators that depend on the answers, commonest answers, means of turns. A model of the default
config knows a claim with 75 %, sides with a user with 40 % and copies what was named with 30 %; in turns it keeps
its answer with 70 %, takes a suggestion with 40 % and yields to a round of pressure with 20 %; some answers cannot
be read. Each source item (cluster) has rates of its own, from a Beta distribution with the given intra-cluster
correlation (icc). The truth of a key is that of very many such items. With 1,000 simulations the percentages have
a standard error of 0.7, and all designs take four minutes on one core.
"""

import sys
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
from simulations import keep, simulation_parser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metrics.syco_alignment.claims import (
    WHERE_GIVEN,
    answer_rows,
    claim_terms,
    encode_claims,
    settle_modal,
    unseen_modal_terms,
)
from metrics.syco_alignment.resampling import combine, intervals, rate_limits, replicate_totals
from metrics.syco_alignment.rows import codes, read_columns
from metrics.syco_alignment.significance import student_quantile
from metrics.syco_alignment.survival import curve_intervals, curve_point
from metrics.syco_alignment.turns import TURN_WHERE_GIVEN, TURNS, encode_turns, turn_curves, turn_terms
from tests.metric.designs import second_edition

ITEMS = (20, 100, 360)
CORRELATIONS = (0.0, 0.2)
MANY = 1440  # items of a draw for the truth
CLAIM_FIELDS = ("claim_id", ("claim_id", "cluster_id", "condition"), ("answer", "user_answer"), "choices", WHERE_GIVEN)
TURN_FIELDS = ("question_id", ("question_id", "cluster_id", "turn", "answer"), (), "choices", TURN_WHERE_GIVEN)
PER_TURN = 4  # questions of a source item
ROUNDS = 3
MODAL = "modal_answer_rate"


def draw_rates(mean, icc, clusters, generator):
    """A rate for every cluster."""
    if not icc:
        return np.full(clusters, mean)
    strength = (1 - icc) / icc
    return generator.beta(mean * strength, (1 - mean) * strength, size=clusters)


def claim_design(items):
    """Encoded rows of the crossed design, and a function (icc, generator) -> the rows answered anew."""
    rows = second_edition(-(-items // 72))
    rows = [row for row in rows if int(row["cluster_id"]) < items]
    columns = read_columns([""] * len(rows), rows, *CLAIM_FIELDS)
    design = encode_claims(columns, [row["answer"] for row in rows], None, None, True, codes)
    # the code of the other choice of a row is that of the answer of the claim of the other truth
    code_of = {row["answer"]: code for row, code in zip(rows, design["answer"].tolist(), strict=True)}
    answer = design["answer"]
    other = np.array([code_of[choice] for row in rows for choice in row["choices"] if choice != row["answer"]])
    user, mentioned, cluster = (design[name] for name in ("user", "mentioned", "cluster"))

    def draw(icc, generator):
        know, follow, copy = (draw_rates(mean, icc, items, generator)[cluster] for mean in (0.75, 0.4, 0.3))
        chance = generator.random((4, len(rows)))
        given = np.where(chance[0] < know, answer, other)
        copies = (chance[1] < copy) & (mentioned > 0)
        given = np.where(copies, mentioned, given)
        given = np.where((chance[2] < follow) & (user > 0), user, given)
        unread = chance[3] < np.where(design["sided"], 0.08, 0.02)
        return answer_rows(design, np.where(unread, 0, given))

    return draw, claim_terms, None


def turn_design(items):
    """The same for questions asked in turns."""
    choices = ["(A)", "(B)", "(C)", "(D)"]
    rows = []
    for item in range(items):
        for part in range(PER_TURN):
            row = {"question_id": f"{item}/{part}", "cluster_id": str(item), "answer": "(A)", "choices": choices}
            for turn in TURNS[:-1]:
                named = {"suggest_wrong": "(B)", "suggest_right": "(A)"}.get(turn, "")
                rows.append({**row, "turn": turn, "suggested": named, "round": 0})
            rows += [{**row, "turn": "round", "suggested": "", "round": number + 1} for number in range(ROUNDS)]
    columns = read_columns([""] * len(rows), rows, *TURN_FIELDS)
    design = encode_turns(columns, [choices[index % 4] for index in range(len(rows))], True, codes)
    length = len(TURNS) - 1 + ROUNDS
    options = np.array([codes(["", *choices])[0][1:]]).ravel()

    def draw(icc, generator):
        keep, take, yields, know = (draw_rates(mean, icc, items, generator) for mean in (0.7, 0.4, 0.2, 0.6))
        shape = (items, PER_TURN)
        wander = options[generator.integers(0, 4, size=(*shape, length))]
        right = generator.random(shape) < know[:, None]
        given = np.empty((*shape, length), dtype=np.int64)
        given[..., 0] = np.where(right, options[0], options[generator.integers(1, 4, size=shape)])
        for place in range(1, length):
            turn = TURNS[min(place, len(TURNS) - 1)]
            before = given[..., place - 1] if place > len(TURNS) - 1 else given[..., 0]
            stays = generator.random(shape) < keep[:, None]
            given[..., place] = np.where(stays, before, wander[..., place])
            if turn in ("suggest_wrong", "suggest_right"):
                takes = generator.random(shape) < take[:, None]
                given[..., place] = np.where(
                    takes, options[1] if turn == "suggest_wrong" else options[0], given[..., place]
                )
            if turn == "round":
                gives_in = generator.random(shape) < yields[:, None]
                given[..., place] = np.where(gives_in, wander[..., place], before)
        given = np.where(generator.random(given.shape) < 0.02, 0, given).ravel()
        return design | {"given": given, "parsed": given > 0, "right": given == options[0]}

    return draw, turn_terms, turn_curves


def true_values(draw, terms_of, curves_of, icc, repeats, generator):
    """Every key over very many items: the ratio of the sums of its rates' numerators and denominators, or its curves."""
    totals, values = {}, {}
    for _ in range(repeats):
        rows = draw(icc, generator)
        for key, terms in terms_of(rows, np.ones(len(rows["cluster"]), dtype=bool)).items():
            sums = np.array([(top.sum(), held.sum()) for _, top, held in terms], dtype=float)
            signs = np.array([sign for sign, _, _ in terms])
            totals[key] = (signs, sums + (totals[key][1] if key in totals else 0))
        if curves_of:
            curves, keys = curves_of(rows, np.ones(len(rows["cluster"]), dtype=bool))
            for key, parts in keys.items():
                values.setdefault(key, []).append(curve_point(parts, curves))
    found = {key: float(signs @ (sums[:, 0] / sums[:, 1])) for key, (signs, sums) in totals.items() if sums[:, 1].all()}
    means = {
        key: float(np.mean(each)) for key, each in values.items()
    }  # of samples so large that curves are not biased
    return found | {key: value for key, value in means.items() if value == value}


def cover(design, items, icc, simulations, replicates, seed):
    """Coverage of every key in one design, in percent."""
    generator = np.random.default_rng(seed)
    draw, terms_of, curves_of = design(items)
    truth = true_values(*design(MANY), icc, 40, generator)
    quantile = lru_cache(maxsize=None)(student_quantile)
    hits, defined = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0)
    for _ in range(simulations):
        rows = draw(icc, generator)
        terms = terms_of(rows, np.ones(len(rows["cluster"]), dtype=bool))
        if MODAL in terms:
            terms |= unseen_modal_terms(rows, np.ones(len(rows["cluster"]), dtype=bool))
        settings = (0.95, replicates, int(generator.integers(2**31)), quantile)
        found = intervals(terms, rows["cluster"], *settings)
        if MODAL in terms:
            found = settle_modal(found)
        if curves_of:
            curves, keys = curves_of(rows, np.ones(len(rows["cluster"]), dtype=bool))
            found |= curve_intervals(curves, keys, rows["cluster"], settings, replicate_totals, rate_limits, combine)
        for key, (value, low, high) in found.items():
            if value == value:
                defined[key] += 1
                hits[key] += low - 1e-12 <= truth[key] <= high + 1e-12
    return truth, {key: round(100 * hits[key] / defined[key], 1) for key in truth}


def markdown(record):
    """The card's table: for each design how many keys there are and what their intervals cover."""
    lines = [
        "| config | clusters | correlation | keys | lowest | highest | 93 to 97 % | more | less |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    designs = {}
    for line in record["table"]:
        designs.setdefault((line["config"], line["clusters"], line["icc"]), []).append(line["coverage"])
    for (config, clusters, icc), cells in designs.items():
        within, more, less = sum(93 <= c <= 97 for c in cells), sum(c > 97 for c in cells), sum(c < 93 for c in cells)
        name = "claims" if config == "default" else config
        lines.append(
            f"| {name} | {clusters} | {icc} | {len(cells)} | {min(cells)} | {max(cells)} | {within} | {more} | {less} |"
        )
    return "\n".join(lines)


def main():
    """Print one line per design and key, then everything as one line of JSON."""
    parser = simulation_parser(__doc__)
    parser.add_argument("--simulations", type=int, default=1000, help="data sets per design (default: 1000)")
    parser.add_argument("--bootstrap", type=int, default=400, help="bootstrap replicates (default: 400)")
    args = parser.parse_args()
    start, table = time.perf_counter(), []
    for config, design in (("default", claim_design), ("are_you_sure", turn_design)):
        for items in ITEMS:
            for icc in CORRELATIONS:
                truth, coverage = cover(design, items, icc, args.simulations, args.bootstrap, args.seed)
                for key, percent in coverage.items():
                    line = {"config": config, "key": key, "clusters": items, "icc": icc}
                    table.append(line | {"truth": round(truth[key], 4), "coverage": percent})
                    print("  ".join(map(str, table[-1].values())), flush=True)
    cells = [line["coverage"] for line in table]
    summary = {
        "cells": len(cells),
        "within_93_97": sum(93 <= cell <= 97 for cell in cells),
        "below_93": [line for line in table if line["coverage"] < 93],
        "above_97": sum(cell > 97 for cell in cells),
        "seconds": round(time.perf_counter() - start),
        "simulations": args.simulations,
        "bootstrap": args.bootstrap,
    }
    keep({"summary": summary, "table": table}, args.output)


if __name__ == "__main__":
    main()
