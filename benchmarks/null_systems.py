# SPDX-License-Identifier: Apache-2.0
"""How often do the tests of `syco_alignment` find something where there is nothing? A simulation.

    python benchmarks/null_systems.py --runs 500 --output docs/results/intervals/null_systems.json

Two jobs. *Exchangeable systems*: two systems with the same rates, which neither is made from the other, answer the
same rows; `compare` should call a key different at the 5 % level in 5 % of runs. Shown for `known="both"`, and for
`known="first"` what choosing the claims by one of them does. *No opinion effect*: the opinion does nothing, though
the rows of a source item share what moves them; `opinion_shift_p` should lie below 0.05 in 5 % of runs, and the row
by row test beside it shows what it costs to take rows as independent.
"""

import sys
import time
from pathlib import Path

import numpy as np
from simulations import keep, simulation_parser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metrics.syco_alignment.significance import mcnemar_p, sign_flip_p
from tests.metric.designs import belief, other_choice, second_edition

LEVEL = 0.05
KNOWN = ("both", "first")


def answer(rows, icc, generator):
    """A system: each item has its own rates of slipping, of siding with the user, of copying what is named."""
    strength = (1 - icc) / icc
    items = {}
    answers = []
    for row in rows:
        if row["cluster_id"] not in items:
            items[row["cluster_id"]] = [generator.beta(m * strength, (1 - m) * strength) for m in (0.25, 0.4, 0.2)]
        slip, follow, copy = items[row["cluster_id"]]
        chance = generator.random(4)
        says = other_choice(row, belief(row)) if chance[0] < slip else belief(row)
        if row["mentioned"] and chance[1] < copy:
            says = row["mentioned"]
        if row["user_answer"] and chance[2] < follow:
            says = row["user_answer"]
        answers.append("It depends." if chance[3] < 0.03 else says)
    return answers


def compare_systems(metric, runs, rounds, replicates, seed):
    """Per setting of `known` and key: in how many percent of the runs where the key is defined a test finds it."""
    generator, rows = np.random.default_rng(seed), second_edition(rounds)
    found = {known: {} for known in KNOWN}
    for run in range(runs):
        before, after = (answer(rows, 0.2, generator) for _ in range(2))
        for known, keys in found.items():
            for key, change in metric.compare(before, after, rows, bootstrap=replicates, seed=run, known=known).items():
                if change["value"] == change["value"]:
                    outside = change["ci_low"] > 0 or change["ci_high"] < 0
                    keys.setdefault(key, []).append((change["p"] <= LEVEL, outside, change["value"]))
    return {
        known: {
            key: {
                "runs": len(lines),
                "p": round(100 * float(np.mean([p for p, _, _ in lines])), 1),
                "interval": round(100 * float(np.mean([outside for _, outside, _ in lines])), 1),
                "mean_points": round(100 * float(np.mean([value for _, _, value in lines])), 2),
            }
            for key, lines in keys.items()
        }
        for known, keys in found.items()
    }


def shift_tests(runs, clusters, size, seed):
    """In how many percent of runs each test of `opinion_shift` rejects, where the opinion does nothing.

    What moves an item moves most of its rows the same way, and either way as often.
    """
    generator = np.random.default_rng(seed)
    rejected = np.zeros(3)
    for _ in range(runs):
        way = generator.choice([-1, 1], size=clusters)
        strength = generator.beta(1, 2, size=clusters)
        moved = way[:, None] * (generator.random((clusters, size)) < strength[:, None])
        exact, middle = sign_flip_p(moved.sum(axis=1))
        rejected += (
            middle <= LEVEL,
            exact <= LEVEL,
            mcnemar_p(int((moved > 0).sum()), int((moved < 0).sum())) <= LEVEL,
        )
    shares = (100 * rejected / runs).round(1).tolist()
    return dict(zip(("opinion_shift_p", "opinion_shift_p_exact", "opinion_shift_p_mcnemar"), shares, strict=True))


def markdown(record):
    """The card's two tables: tests of the shift where there is none, and keys of two exchangeable systems."""
    lines = [
        "| clusters | rows of each | `opinion_shift_p` | `opinion_shift_p_exact` | `opinion_shift_p_mcnemar` |",
        "|--:|--:|--:|--:|--:|",
    ]
    for line in record["shift"]:
        tests = (f"{line[key]} %" for key in ("opinion_shift_p", "opinion_shift_p_exact", "opinion_shift_p_mcnemar"))
        lines.append(f"| {line['clusters']} | {line['size']} | {' | '.join(tests)} |")
    lines += [
        "",
        "| `known` | keys | p at most 0.05, of runs | interval clear of 0 | mean change of `opinion_alignment_known` |",
    ]
    lines.append("|---|--:|---|---|--:|")
    for known, keys in record["systems"].items():
        spans = ([line[of] for line in keys.values()] for of in ("p", "interval"))
        shown = (f"{min(found)} to {max(found)} %" for found in spans)
        change = keys["opinion_alignment_known"]["mean_points"]
        lines.append(f"| `{known}` | {len(keys)} | {' | '.join(shown)} | {change:+.1f} points |")
    return "\n".join(lines)


def main():
    """Print one line per key, then everything as one line of JSON."""
    parser = simulation_parser(__doc__)
    parser.add_argument("--runs", type=int, default=500, help="pairs of systems (default: 500)")
    parser.add_argument("--rounds", type=int, default=1, help="times 720 rows of 72 source items (default: 1)")
    parser.add_argument("--bootstrap", type=int, default=399, help="replicates and exchanges (default: 399)")
    parser.add_argument("--shift_runs", type=int, default=4000, help="runs of the test of the shift (default: 4000)")
    args = parser.parse_args()
    import evaluate

    metric = evaluate.load(str(Path(__file__).resolve().parents[1] / "metrics" / "syco_alignment"))
    start = time.perf_counter()
    shift = [
        {"clusters": clusters, "size": size} | shift_tests(args.shift_runs, clusters, size, args.seed)
        for clusters, size in ((50, 2), (50, 6), (200, 2), (200, 6), (800, 2), (800, 6))
    ]
    for line in shift:
        print(line, flush=True)
    systems = compare_systems(metric, args.runs, args.rounds, args.bootstrap, args.seed)
    for known, keys in systems.items():
        for key, line in keys.items():
            print(known, key, line, flush=True)
    summary = {"runs": args.runs, "rows": 720 * args.rounds, "seconds": round(time.perf_counter() - start)}
    keep({"summary": summary, "shift": shift, "systems": systems}, args.output)


if __name__ == "__main__":
    main()
