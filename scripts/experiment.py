# SPDX-License-Identifier: Apache-2.0
"""Run a whole experiment (datasets, models, measurements, mitigations with their controls) and write its page.

    python scripts/experiment.py --config scripts/recipes/experiment_smoke.yaml
    accelerate launch --config_file accelerate_configs/multi_gpu.yaml scripts/experiment.py \\
        --config scripts/recipes/experiment_flan_t5.yaml
    python scripts/experiment.py --render docs/results/experiments/reviews

OUTPUT is `output_dir` of the YAML. Each cell of the experiment is one run of one of the project's scripts, in
OUTPUT/cells/. The same command goes on with a run that was killed: finished cells are not run again, and at most the
running one is lost.

Writes the page, OUTPUT/experiment.md with OUTPUT/pictures/, and from these OUTPUT/experiment.html, one file that needs
nothing else. --render makes that file from a folder that holds the page and its pictures, such as one by --records_to.
"""

import argparse
import sys
from pathlib import Path

from sycophancy.cli import positive_int, run, script_parser
from sycophancy.files import own_file


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, help="YAML of the experiment")
    what.add_argument(
        "--render", type=Path, metavar="DIR", help="make DIR/experiment.html from DIR/experiment.md; run nothing"
    )
    parser.add_argument("--output_dir", help="instead of the YAML's")
    parser.add_argument(
        "--source_data",
        type=Path,
        metavar="DIR",
        help="read sources from DIR/SOURCE where that is there, not from the Hub",
    )
    parser.add_argument("--dry_run", action="store_true", help="say what would run and for how long; run nothing")
    parser.add_argument("--page_only", action="store_true", help="write the page of what has run so far; run nothing")
    parser.add_argument(
        "--records_to",
        type=Path,
        metavar="DIR",
        help="also copy page and records there, without models and predictions",
    )
    parser.add_argument(
        "--jobs", type=positive_int, default=1, help="cells that run at once: on a GPU that one cell leaves idle [1]"
    )
    parser.add_argument("--overwrite", action="store_true", help="run cells again that were run with other settings")
    return parser.parse_args(argv)


def main() -> None:
    """Plan, run, write the page."""
    args = parse_args()
    if args.render:
        from sycophancy.experiments.html import write_html

        print(f"wrote {write_html(args.render)}")
        return

    from dataclasses import replace

    from sycophancy.experiments.config import read_grid
    from sycophancy.experiments.plan import cell_keys, missing_recipes, plan_cells

    args.config = own_file(args.config)
    grid = read_grid(args.config)
    if args.output_dir:
        grid = replace(grid, output_dir=args.output_dir)
    output_dir = Path(grid.output_dir)
    cells = plan_cells(grid, args.source_data)
    if missing := missing_recipes(cells):
        raise ValueError(f"{args.config}: expected recipes that are there, got {', '.join(missing)}; correct the path")
    keys = cell_keys(cells)

    from sycophancy.experiments.cells import prepare_output, states
    from sycophancy.experiments.run import Processes, budget, run_cells

    if args.dry_run:
        state = states(output_dir, cells, keys)
        for name, cell in cells.items():
            print(f"{state[name]:8} {name}: {cell.script} {' '.join(cell.arguments)}")
        print(budget(output_dir, cells, state))
        return
    processes = Processes()
    if args.jobs > 1 and processes.count > 1:
        raise ValueError(
            f"expected --jobs 1 under accelerate launch, where all processes share each cell, got {args.jobs}; leave it out "
            "or start one process"
        )
    if processes.is_main:
        prepare_output(output_dir, args.config.read_text(encoding="utf-8"))
        print(budget(output_dir, cells, states(output_dir, cells, keys)), flush=True)
    processes.wait()
    failures = {}
    if not args.page_only:
        failures = run_cells(output_dir, cells, keys, processes=processes, overwrite=args.overwrite, jobs=args.jobs)
    if processes.is_main:
        from sycophancy.experiments.page import write_page

        print(write_page(grid, cells, output_dir))
        print(f"wrote {output_dir / 'experiment.html'}")
        if args.records_to:
            from sycophancy.experiments.run import copy_records

            copy_records(output_dir, args.records_to)
            print(f"wrote {args.records_to}")
    if failures:
        if processes.is_main:
            print(f"error: {len(failures)} of {len(cells)} cells did not run: {_first(failures)}", file=sys.stderr)
        sys.exit(1)


def _first(failures: dict[str, str]) -> str:
    """The cells that failed of themselves, with their reasons."""
    own = {name: reason for name, reason in failures.items() if not reason.startswith("needs ")}
    return "; ".join(f"{name}: {reason}" for name, reason in own.items())


if __name__ == "__main__":
    run(main)
