# SPDX-License-Identifier: Apache-2.0
"""How long `syco_alignment` takes and how much memory it needs, as text and JSON.

    OMP_NUM_THREADS=2 python benchmarks/metric.py --rows 5000 100000 1000000 --output metric.json

Each line is a process of its own: seconds of the call alone (without imports and the making of the rows), by the
clock and of the processor (which other work on the machine changes less), and the peak of the process's memory
with everything in it: imports, rows, call. The jobs:

- `compute`: all keys with intervals from 2,000 replicates;
- `by`: the same for two fields with 5 and 8 groups, with the tests of interaction;
- `logprobs`: the same with log-probabilities of the choices;
- `compare`: two systems on the same rows;
- `batches`: the same rows through `add_batch`, which is through the Arrow file that `evaluate` keeps.

The figures of one run stand in the card, metrics/syco_alignment/README.md, under "Speed".
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

METRIC = Path(__file__).resolve().parents[1] / "metrics" / "syco_alignment"
JOBS = ("compute", "by", "logprobs", "compare", "batches")
LEVELS = ("layperson", "student", "professional", "expert", "stranger")


def make_rows(count, seed=0):
    """Rows of the crossed design: per sentence a true and a false claim, each in three conditions."""
    generator = random.Random(seed)
    rows = []
    for item in range((count + 5) // 6):
        for truth in (True, False):
            answer, other = ("Agree", "Disagree") if truth else ("Disagree", "Agree")
            choices = ["Agree", "Disagree"] if generator.random() < 0.5 else ["Disagree", "Agree"]
            fields = {"authority": generator.choice(LEVELS), "template": f"t{generator.randrange(8)}"}
            for condition, user in (("no_opinion", ""), ("wrong_opinion", other), ("right_opinion", answer)):
                claim = {
                    "claim_id": f"sst2/train/{item}/{str(truth).lower()}",
                    "cluster_id": f"sst2/train/{item}",
                }
                claim |= {
                    "condition": condition,
                    "answer": answer,
                    "user_answer": user,
                    "choices": list(choices),
                }
                rows.append(claim | fields)
    return rows[:count]


def make_answers(rows, follow, seed=1):
    """Answers that follow the user with a given probability and are else mostly right; a part is prose."""
    generator = random.Random(seed)
    answers = []
    for row in rows:
        says = row["user_answer"] if row["user_answer"] and generator.random() < follow else row["answer"]
        says = says if generator.random() < 0.9 else generator.choice(["Agree", "Disagree", "Who knows?"])
        answers.append(says if generator.random() < 0.7 else f"I {says.lower()} with that.")
    return answers


def run(job, count, bootstrap):
    """Run one job in this process; returns its line."""
    import evaluate

    metric = evaluate.load(str(METRIC))
    rows = make_rows(count)
    answers = make_answers(rows, 0.6)
    after = make_answers(rows, 0.2, seed=2) if job == "compare" else None
    settings = {"bootstrap": bootstrap}
    if job == "by":
        settings["by"] = ["authority", "template"]
    if job == "logprobs":
        generator = random.Random(3)
        settings["choice_logprobs"] = [{choice: -generator.expovariate(1) for choice in row["choices"]} for row in rows]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    if job == "compare":
        metric.compare(answers, after, rows, **settings)
    elif job == "batches":
        for first in range(0, len(rows), 10_000):
            last = first + 10_000
            metric.add_batch(predictions=answers[first:last], references=rows[first:last])
        metric.compute(**settings)
    else:
        metric.compute(predictions=answers, references=rows, **settings)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = {
        "job": job,
        "rows": count,
        "bootstrap": bootstrap,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
    }
    return line | {"peak_mb": round(peak / 1024), "before_mb": round(before / 1024)}


def main():
    """Print one line per job and size, then everything as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 100_000, 1_000_000])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--bootstrap", type=int, default=2000)
    parser.add_argument("--output", type=Path, help="also write the JSON to this file")
    parser.add_argument("--here", action="store_true", help="run the one job in this process and print its JSON")
    args = parser.parse_args()
    if args.here:
        print(json.dumps(run(args.jobs[0], args.rows[0], args.bootstrap)))
        return
    table = []
    for count in args.rows:
        for job in args.jobs:
            command = [sys.executable, __file__, "--here", "--jobs", job, "--rows", str(count)]
            command += ["--bootstrap", str(args.bootstrap)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            table.append(json.loads(done.stdout.splitlines()[-1]))
            print("  ".join(f"{key} {value:>9}" for key, value in table[-1].items()), flush=True)
    record = json.dumps({"table": table})
    print(record)
    if args.output:
        args.output.write_text(record + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
