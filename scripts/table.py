# SPDX-License-Identifier: Apache-2.0
"""Put many runs side by side: the numbers to quote with their intervals, as Markdown, CSV, JSON or for the Hub.

    python scripts/table.py out/smollm2 out/qwen out/api-model
    python scripts/table.py out/*/ --csv > table.csv
    python scripts/table.py out/*/ --json > ours.json
    python scripts/table.py ours.json theirs.json
    python scripts/table.py out/*/ --eval_results out/results

A run is a folder by measure.py or import_run.py, or one in a file by --json. Each kind of dataset has its own table.
CSV and JSON have the numbers unrounded. The JSON says who was asked what, and can be read again beside others' files.

--eval_results writes MODEL/.eval_results/DATASET.yaml for the models' repositories, of runs on datasets of the Hub.
"""

from pathlib import Path

from sycophancy.cli import run, script_parser


def main() -> None:
    """Read the records, print the table."""
    parser = script_parser(__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, or files by --json")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="CSV instead of Markdown")
    form.add_argument("--json", action="store_true", help="JSON instead of Markdown")
    form.add_argument("--eval_results", type=Path, metavar="OUTPUT_DIR", help="write the Hub's form there instead")
    args = parser.parse_args()

    from sycophancy.quoting import csv_text, eval_result_files, json_text, markdown, read_runs

    runs = read_runs(args.runs)
    if args.eval_results:
        for path, text in eval_result_files(runs).items():
            (args.eval_results / path).parent.mkdir(parents=True, exist_ok=True)
            (args.eval_results / path).write_text(text, encoding="utf-8")
            print(f"wrote {args.eval_results / path}")
        return
    print(csv_text(runs) if args.csv else json_text(runs) if args.json else markdown(runs) + "\n", end="")


if __name__ == "__main__":
    run(main)
