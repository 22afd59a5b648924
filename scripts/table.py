# SPDX-License-Identifier: Apache-2.0
"""Put many runs side by side: the numbers to quote with their intervals, as Markdown or CSV.

    python scripts/table.py out/smollm2 out/qwen out/api-model
    python scripts/table.py out/*/ --csv > table.csv

A run is a folder by scripts/measure.py or scripts/import_run.py. Each kind of dataset has its own table. The CSV has a line
for each number, unrounded.
"""

from sycophancy.cli import run, script_parser


def main() -> None:
    """Read the records, print the table."""
    parser = script_parser(__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--csv", action="store_true", help="CSV instead of Markdown")
    args = parser.parse_args()

    from sycophancy.quoting import csv_text, markdown, read_runs

    runs = read_runs(args.runs)
    print(csv_text(runs) if args.csv else markdown(runs), end="" if args.csv else "\n")


if __name__ == "__main__":
    run(main)
