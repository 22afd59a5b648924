# SPDX-License-Identifier: Apache-2.0
"""How much memory a build of millions of rows needs, as JSON.

    OMP_NUM_THREADS=1 python benchmarks/building_memory.py --rows 1700000 --output docs/results/building/memory.json

The sentences of the embedded grammar, each repeated with a number behind it until there are that many distinct source
rows, are written as a Parquet file with SST-2's columns. The builder reads them as its users' data, in a process of its
own: one train row per source row, the pairs made from them, the card. Its memory is read from /proc every tenth of a
second: `peak_mb` is the resident set at its highest, with everything in it (`VmHWM`); of that, `peak_private_mb` cannot
be given back (`RssAnon`), while pages of mapped files can.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sycophancy.records import hardware, versions
from sycophancy.reviews import sentences

ROOT = Path(__file__).resolve().parents[1]


def write_source(folder: Path, rows: int) -> None:
    """A train split of `rows` distinct sentences with their labels, in batches."""
    base = [row for _, row in sentences()]
    folder.mkdir()
    schema = pa.schema({"sentence": pa.string(), "label": pa.int64()})
    with pq.ParquetWriter(folder / "train.parquet", schema) as writer:
        for start in range(0, rows, len(base)):
            batch = base[: rows - start]
            texts = [f"{row['sentence']} {start + number}" for number, row in enumerate(batch)]
            writer.write_table(pa.table({"sentence": texts, "label": [row["label"] for row in batch]}, schema))


def memory(pid: int) -> dict[str, int]:
    """Figures of a process in MB (10^6 bytes), {} once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = dict(line.split(":", 1) for line in lines)
    return {name: round(int(fields[name].split()[0]) * 1024 / 1e6) for name in ("VmHWM", "RssAnon") if name in fields}


def main() -> None:
    """Make the source, build it under observation, write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_700_000, help="distinct source rows [1700000]")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source, output = Path(scratch) / "source", Path(scratch) / "hub"
        write_source(source, args.rows)
        command = ["--source", "sst2", "--source_data", source, "--output_dir", output, "--org", "my-org"]
        started = time.perf_counter()
        builder = subprocess.Popen([sys.executable, ROOT / "dataset_builders" / "syco_claims.py", *map(str, command)])
        peak, private = 0, 0
        while builder.poll() is None:
            found = memory(builder.pid)
            peak, private = max(peak, found.get("VmHWM", 0)), max(private, found.get("RssAnon", 0))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        if builder.returncode:
            raise SystemExit(builder.returncode)
        folder = output / "my-org" / "syco-sst2"
        written = {
            path.relative_to(folder).as_posix().rsplit("-00000", 1)[0]: {
                "rows": pq.read_metadata(path).num_rows,
                "mb": round(path.stat().st_size / 1e6, 1),
            }
            for path in sorted(folder.rglob("*.parquet"))
        }
    record = {
        "source_rows": args.rows,
        "written": written,
        "seconds": round(seconds, 1),
        "peak_mb": peak,
        "peak_private_mb": private,
        "hardware": hardware(),
        "versions": versions(),
    }
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
