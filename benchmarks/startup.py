# SPDX-License-Identifier: Apache-2.0
"""How long a user waits: `--help` of every command, and the first answer of `measure.py` on a small local model.

    python benchmarks/startup.py --output docs/results/benchmarks/startup.json

The first answer is timed from the start of Python to the first line in `predictions.jsonl.partial`; the model is a T5 of
flan-t5-small's shape with random weights on disk, the rows are 96 claims about the embedded reviews.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import ROOT, flan_t5_shape, t5_tokenizer, write_record


def commands() -> list[str]:
    """Every command of the project."""
    folders = (ROOT / "scripts", ROOT / "dataset_builders")
    return [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in sorted(folder.glob("*.py"))
        if "ArgumentParser" in path.read_text() or "TrlParser" in path.read_text()
    ]


def seconds_of_help(script: str) -> float:
    """Seconds that `--help` takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, script, "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def seconds_to_first_answer(model: Path, dataset: Path, output: Path) -> float:
    """Seconds until `measure.py` has written an answer; it is ended then."""
    start = time.perf_counter()
    command = ["scripts/measure.py", "--model_name_or_path", model, "--dataset_name", dataset, "--output_dir", output]
    running = subprocess.Popen(
        [sys.executable, *map(str, command), "--batch_size", "4"], cwd=ROOT, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    answers = output / "predictions.jsonl.partial"
    try:
        while True:
            with contextlib.suppress(FileNotFoundError):
                if answers.stat().st_size:
                    return time.perf_counter() - start
            if running.poll() is not None:
                if running.returncode == 0:
                    return time.perf_counter() - start
                raise RuntimeError(f"expected measure.py to run, got {running.stderr.read()[-2000:]}")
            time.sleep(0.01)
    finally:
        running.kill()
        running.communicate()


def main(args: argparse.Namespace) -> dict:
    """Time everything `--repeats` times, one after the other."""
    from dataset_builders.syco_claims import build
    from dataset_builders.syco_claims import parse_args as builder_args
    from sycophancy.dataset.reading import load_claims

    names = commands()
    seconds: dict[str, list] = {f"{name} --help": [] for name in names} | {"first answer": []}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        tree = build(builder_args(["--source", "reviews", "--output_dir", folder, "--org", "o", "--limit", "16"]), "")
        texts = load_claims(str(tree), "validation")["prompt"][:]
        flan_t5_shape().save_pretrained(scratch / "model")
        t5_tokenizer(None, texts).save_pretrained(scratch / "model")
        for number in range(args.repeats):
            for name in names:
                seconds[f"{name} --help"].append(seconds_of_help(name))
            seconds["first answer"].append(seconds_to_first_answer(scratch / "model", tree, scratch / f"run{number}"))
    found = {"ratios": {name: statistics.median(took) for name, took in seconds.items()}, "seconds": seconds}
    return write_record(args.output, "startup", vars(args), found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="[5]")
    parser.add_argument("--output", type=Path, help="also write the record to this file, as JSON")
    main(parser.parse_args())
