# SPDX-License-Identifier: Apache-2.0
"""Two processes with a core each, beside one process with one core: the same rows and weights, launched in turns.

    python benchmarks/processes.py --source_data SST2_FOLDER --spiece spiece.model \
        --output docs/results/benchmarks/processes.json

Each launch is `accelerate launch` with `accelerate_configs/cpu.yaml` or `cpu_2proc.yaml`, one thread per process, and
scores the rows several times with `answer_rows` on a T5 of flan-t5-small's shape with random weights. What is timed lies
between two barriers. Every launch checks that each row was answered exactly once, and that the answers are the same.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import ROOT, add_flags, claim_rows, flan_t5_shape, largest_difference, t5_tokenizer, write_record

LAUNCHES = 2


def work(args: argparse.Namespace) -> None:
    """In each launched process: score the rows `--repeats` times; the main process writes what it found."""
    import torch

    from sycophancy.answering.answers import answer_rows
    from sycophancy.answering.processes import start_processes

    torch.set_num_threads(1)
    state = start_processes()
    rows = json.loads(args.work.read_text())
    texts = [row["prompt"] for row in rows] + [choice for row in rows for choice in row["choices"]]
    model, tokenizer = flan_t5_shape(args.layers), t5_tokenizer(args.spiece, texts)
    seconds = []
    for number in range(args.repeats + 1):
        some = rows[:4] if number == 0 else rows
        state.wait_for_everyone()
        start = time.perf_counter()
        answers = answer_rows(model, tokenizer, some, [row["prompt"] for row in some], batch_size=8)
        state.wait_for_everyone()
        seconds.append(time.perf_counter() - start)
    if state.is_main_process:
        scores = [answer["choice_logprobs"] for answer in answers]
        lines = sum(1 for _ in answers.file.seek(0) or answers.file)
        args.output.write_text(json.dumps({"seconds": seconds[1:], "scores": scores, "answered": lines}))
    state.destroy_process_group()


def launched(config: str, rows_file: Path, args: argparse.Namespace) -> dict:
    """One launch, and what its main process wrote."""
    output = rows_file.with_name(f"{config}.json")
    command = ["-m", "accelerate.commands.launch", "--config_file", f"accelerate_configs/{config}.yaml", __file__]
    command += ["--work", str(rows_file), "--repeats", str(args.repeats), "--output", str(output)]
    command += ["--layers", str(args.layers)]
    command += ["--spiece", args.spiece] if args.spiece else []
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return json.loads(output.read_text())


def main(args: argparse.Namespace) -> dict:
    """Launch both in turns and write the record."""
    rows = claim_rows(args.rows, args.source_data)
    seconds: dict[str, list] = {"cpu": [], "cpu_2proc": []}
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_text(json.dumps([{key: row[key] for key in ("id", "prompt", "choices")} for row in rows]))
        for number in range(LAUNCHES):
            for config in list(seconds)[:: 1 if number % 2 == 0 else -1]:
                found = launched(config, file, args)
                if found["answered"] != len(rows):
                    raise RuntimeError(f"expected {len(rows)} rows answered once, got {found['answered']} answers")
                seconds[config] += found["seconds"]
                scores[config] = found["scores"]
    one, two = (sorted(seconds[config]) for config in ("cpu", "cpu_2proc"))
    record = {
        "ratios": {
            "one process to two": {
                "median": statistics.median(one) / statistics.median(two), "least": one[0] / two[-1],
                "most": one[-1] / two[0], "rounds": len(one),
            }
        },
        "seconds": seconds,
        "answers": {"rows": len(rows), "largest_difference": largest_difference(scores["cpu"], scores["cpu_2proc"])},
    }  # fmt: skip
    return write_record(args.output, "processes", vars(args), record)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser, rows=330, repeats=3)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args)
    else:
        args.work = None
        main(args)
