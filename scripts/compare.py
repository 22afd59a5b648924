# SPDX-License-Identifier: Apache-2.0
"""Compare two runs on the same rows: what changed, each number with its interval.

    python scripts/compare.py out/before out/after --output_dir out/comparison

Writes OUTPUT_DIR/report.json, report.md and, for claims and rounds of pressure, a picture, report.png.
"""

from pathlib import Path

from sycophancy.cli import run, script_parser


def main() -> None:
    """Compare, write, print."""
    parser = script_parser(__doc__)
    parser.add_argument("before", type=Path, help="run folder of the first system, e.g. the base model")
    parser.add_argument("after", type=Path, help="run folder of the second system on the same rows")
    parser.add_argument("--output_dir", type=Path, required=True, help="where report.* go")
    parser.add_argument(
        "--known",
        choices=("first", "both"),
        help="whose answers without an opinion say which claims are known [first where AFTER is made from BEFORE, else both]",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap [0]")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier report in OUTPUT_DIR")
    args = parser.parse_args()
    report_file = args.output_dir / "report.json"
    if report_file.exists() and not args.overwrite:
        raise ValueError(f"expected no report yet, got {report_file}; pass --overwrite to replace it")

    from sycophancy.reporting import compare_runs, write_report

    write_report(compare_runs(args.before, args.after, args.seed, args.known), args.output_dir)
    print((args.output_dir / "report.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main)
