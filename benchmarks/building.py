# SPDX-License-Identifier: Apache-2.0
"""How long building takes and how much memory it needs: per source, per step, and at scale; JSON and Markdown.

    python benchmarks/building.py --source_data FOLDER --output building.json

`FOLDER` holds a folder per source task (`FOLDER/sst2`, ...), each with the task's own columns; tasks without one are
left out. The jobs, each in a process of its own:

- per source: `dataset_builders/syco_claims.py`, all of it but the imports: reading, claims, checks, pairs, card;
- `rows`: 100,000 train rows about the embedded reviews, step after step, the best of five runs;
- `scale` (`--scale N`): a whole build of N source rows, the embedded reviews repeated with a number at the end of
  each, so that no text occurs twice.

The Markdown goes to standard output; that of one run stands in docs/sources.md.
"""

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

ROWS = 100_000


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source_data", type=Path, required=True, help="holds a folder per source task")
    parser.add_argument("--scale", type=int, default=0, metavar="N", help="also build N source rows")
    parser.add_argument("--output", type=Path, required=True, help="JSON")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def build_source(source: str, *flags: str) -> dict:
    """Build one source in a scratch folder."""
    import pyarrow.parquet as pq

    import sycophancy.dataset.folder  # noqa: F401  imports are no part of the seconds
    from dataset_builders.syco_claims import build
    from dataset_builders.syco_claims import parse_args as builder_args

    with tempfile.TemporaryDirectory() as scratch:
        args = builder_args(["--source", source, *flags, "--output_dir", scratch, "--org", "o"])
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            folder = build(args, "")
        seconds = time.perf_counter() - start
        rows = {
            file.name.split("-")[0]: pq.read_metadata(file).num_rows for file in sorted(folder.glob("data/*.parquet"))
        }
    lines = [line for line in printed.getvalue().splitlines() if line.endswith("dropped")]
    return {
        "rows": rows,
        "source_rows": sum(int(line.split(" source rows")[0].split()[-1]) for line in lines),
        "dropped": sum(int(line.split()[-2]) for line in lines),
        "seconds": round(seconds, 2),
    }


def steps() -> dict:
    """Rows per second of one train row's way, each step with those before it."""
    from sycophancy.claims import reviews
    from sycophancy.claims.building import check_row
    from sycophancy.claims.rows import Item, measurement_rows, tuning_row
    from sycophancy.claims.tasks import SENTIMENT
    from sycophancy.dataset.folder import write_claims

    texts = [row["sentence"] for _, row in reviews.sentences()]
    items = [
        Item("sst2", "train", i, texts[i % len(texts)], {"sentence": texts[i % len(texts)]}, "negative", ("positive",))
        for i in range(ROWS)
    ]

    def checked():
        for item in items:
            row = tuning_row(item, SENTIMENT, 0)
            check_row(row)
            yield row

    def written():
        with tempfile.TemporaryDirectory() as scratch:
            write_claims(Path(scratch), "train", checked())

    jobs = {
        "row function, train": lambda: [tuning_row(item, SENTIMENT, 0) for item in items],
        "row function, measurement": lambda: [
            row for at, item in enumerate(items[: ROWS // 6]) for row in measurement_rows(item, SENTIMENT, at, 0)
        ],
        "train rows with checks": lambda: list(checked()),
        "train rows with checks, counted for the card, in Parquet": written,
    }
    found = {}
    for _ in range(5):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            found.setdefault(name, []).append(time.perf_counter() - start)
    return {name: round(ROWS / min(seconds)) for name, seconds in found.items()}


def at_scale(count: int) -> dict:
    """Build `count` source rows."""
    from sycophancy.claims import reviews

    rows = [row for _, row in reviews.sentences()]
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "train.jsonl", "w", encoding="utf-8") as file:
            for number in range(count):
                row = rows[number % len(rows)]
                file.write(json.dumps({"sentence": f"{row['sentence']} {number}", "label": row["label"]}) + "\n")
        del rows
        return build_source("sst2", "--source_data", folder)


def markdown(record: dict) -> str:
    """The tables of a record."""
    lines = ["| source | source rows kept | dropped | train | validation | test | seconds | rows/s | MB |"]
    lines.append("|---|" + "--:|" * 8)
    for name, found in record["sources"].items():
        counts = [f"{found['rows'].get(split, 0):,}" for split in ("train", "validation", "test")]
        speed = round(sum(found["rows"].values()) / found["seconds"])
        lines.append(
            f"| {name} | {found['source_rows']:,} | {found['dropped']:,} | {' | '.join(counts)} | {found['seconds']:.1f} "
            f"| {speed:,} | {found['peak_mb']:,} |"
        )
    lines += ["", f"| step, {ROWS:,} rows, one process | rows/s |", "|---|--:|"]
    lines += [f"| {name} | {speed:,} |" for name, speed in record["steps"].items() if name != "peak_mb"]
    if "scale" in record:
        found = record["scale"]
        lines += ["", f"{found['source_rows']:,} source rows: {found['seconds']:.0f} s, at most {found['peak_mb']} MB."]
    return "\n".join(lines)


def main(args: argparse.Namespace) -> None:
    """Run all jobs, or with `--job` one of them."""
    if args.job:
        if args.job == "steps":
            found = steps()
        elif args.job == "scale":
            found = at_scale(args.scale)
        else:
            data = args.source_data / args.job
            found = build_source(args.job, *(["--source_data", str(data)] if data.is_dir() else []))
        found["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        args.output.write_text(json.dumps(found))
        return
    from sycophancy.claims.tasks import EMBEDDED, SOURCES

    def job(name: str) -> dict:
        print(f"{name} ...", file=sys.stderr)
        with tempfile.NamedTemporaryFile("r") as output:
            command = [sys.executable, __file__, "--source_data", str(args.source_data), "--output", output.name]
            subprocess.run([*command, "--scale", str(args.scale), "--job", name], check=True, stderr=subprocess.DEVNULL)
            return json.load(output)

    record = {"sources": {}}
    for name, source in SOURCES.items():
        if source.hub_id == EMBEDDED or (args.source_data / name).is_dir():
            record["sources"][name] = job(name)
    record["steps"] = job("steps")
    if args.scale:
        record["scale"] = job("scale")
    args.output.write_text(json.dumps(record, indent=2) + "\n")
    print(markdown(record))


if __name__ == "__main__":
    main(parse_args())
