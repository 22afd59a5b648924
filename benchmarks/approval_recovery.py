# SPDX-License-Identifier: Apache-2.0
"""Are the weights of raters found who are known? The approval organism's, by the user's authority.

    python benchmarks/approval_recovery.py --output docs/results/approval/recovery.json

The raters of `src/sycophancy/organisms/approval.py` prefer the answer that agrees with a wrong user with the probability that
`APPROVES` gives for the user's authority, and the true answer to users who are right. `scripts/preference_features.py` is to give
these probabilities back. In each simulation other raters draw; `held` is how often the interval of the bootstrap holds the
truth. Where numpyro is installed, the posterior of the first simulation stands beside it. Sizes that the record has and
that are not asked for stay in it.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dataset_builders.syco_claims import build, card_command, parse_args
from sycophancy.dataset.reading import load_claims
from sycophancy.organisms.approval import APPROVES, approval_pairs
from sycophancy.preferences.design import WRONG
from sycophancy.preferences.fitting import bootstrap_modes, choose_scale, effect, has_sampler, mode, resamples, sample
from sycophancy.preferences.pairs import pairs_of
from sycophancy.preferences.study import Study
from sycophancy.records import versions

SIZES = (200, 1000, 5000)


@dataclass
class Found:
    """What was found of one level of authority at one size."""

    values: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)


def pairs_by_raters(rows: Sequence[dict], n_pairs: int, seed: int):
    """Pairs of the organism's raters, each from a claim of its own where there are enough."""
    made, again = [], 0
    while len(made) < n_pairs:
        for row in rows:
            name = f"{row['claim_id']}/{again}"
            made += [pair | {"cluster_id": name} for pair in approval_pairs(row, f"{seed}/{again}")]
        again += 1
    return pairs_of(made[:n_pairs], "raters").pairs


def claims(count: int) -> list[dict]:
    """Train rows of the embedded reviews, as the builder makes them."""
    with tempfile.TemporaryDirectory() as folder:
        args = parse_args(["--source", "reviews", "--output_dir", folder, "--org", "o", "--limit", str(count)])
        return load_claims(str(build(args, card_command(args))), "train").to_list()


def simulate(rows: Sequence[dict], n_pairs: int, simulations: int, replicates: int) -> Iterator[dict]:
    """A line for each level of authority."""
    found = {level: Found() for level in APPROVES}
    posterior: dict[str, dict] = {}
    for seed in range(simulations):
        pairs = pairs_by_raters(rows, n_pairs, seed)
        study = Study.of(pairs, {}, seed)
        cells = study.cells(study.preferred([1] * len(pairs)))
        scale, _ = choose_scale(cells, seed)
        drawn = effect(bootstrap_modes(cells, scale, resamples(cells.clusters, replicates, seed), seed)) + 0.5
        values = effect(mode(cells.z, cells.y, scale)) + 0.5
        for level, share in APPROVES.items():
            at = cells.names.index(f"{WRONG}{level}")
            low, high = np.quantile(drawn[:, at], [0.025, 0.975])
            found[level].values.append(float(values[at]))
            found[level].held.append(bool(low <= share <= high))
        if seed == 0 and has_sampler():
            draws = effect(sample(cells, scale, seed).draws) + 0.5
            for level in APPROVES:
                of_level = draws[:, cells.names.index(f"{WRONG}{level}")]
                low, high = np.quantile(of_level, [0.025, 0.975])
                posterior[level] = {"value": float(of_level.mean()), "ci_low": float(low), "ci_high": float(high)}
    for level, share in APPROVES.items():
        yield {
            "n_pairs": n_pairs,
            "authority": level,
            "simulations": simulations,
            "known": share,
            "mean": float(np.mean(found[level].values)),
            "held": float(np.mean(found[level].held)),
            "posterior": posterior.get(level),
        }


def main() -> None:
    """Simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=100, help="of each size [100]")
    parser.add_argument("--bootstrap", type=int, default=300, help="replicates [300]")
    parser.add_argument("--pairs", type=int, nargs="+", default=list(SIZES), help=f"sizes {list(SIZES)}")
    parser.add_argument("--claims", type=int, default=2500, help="source rows that pairs are made from [2500]")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    started = time.perf_counter()
    rows = claims(args.claims)
    made = [line for n_pairs in args.pairs for line in simulate(rows, n_pairs, args.simulations, args.bootstrap)]
    earlier = json.loads(args.output.read_text(encoding="utf-8"))["table"] if args.output.is_file() else []
    table = [*(line for line in earlier if line["n_pairs"] not in args.pairs), *made]
    table.sort(key=lambda line: line["n_pairs"])
    record = {
        "benchmark": "approval_recovery",
        "bootstrap": args.bootstrap,
        "table": table,
        "versions": versions(),
        "seconds": time.perf_counter() - started,
    }
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
