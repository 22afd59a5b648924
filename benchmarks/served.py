# SPDX-License-Identifier: Apache-2.0
"""Does a model say the same behind a server as in scripts/measure.py? A real server, another harness as its client, the same rows.

    python benchmarks/served.py --model_name_or_path HuggingFaceTB/SmolLM2-135M-Instruct --dataset_name my-org/syco-answers-sst2 \
        --limit 302 --work_dir out/served --output docs/results/harnesses/smollm2_answers.json

Measures the model with scripts/measure.py --answer text, serves it with `transformers serve` on loopback, asks it the same
rows through Inspect's openai-api provider, greedily, imports the log, and compares row by row. --through lm_eval asks by
lm-evaluation-harness instead, which has no tasks in turns. Needs the extra `harness`. --native RUN and --log LOG take what an
earlier run left in --work_dir, or elsewhere.

An answer is the same where the same choice is read in it and one text begins with the other: measure.py ends an answer where
it can be read, and a server where the model ends it.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from transformers import AutoTokenizer

from sycophancy.dataset.kinds import KINDS, load_rows
from sycophancy.files import without_nan
from sycophancy.harnesses.importing import import_log
from sycophancy.harnesses.serving import served
from sycophancy.markdown import markdown_table, percent
from sycophancy.metric import load_metric, read_by, references
from sycophancy.records import git_state, hardware, read_run, versions, write_json

ROOT = Path(__file__).resolve().parents[1]

TASKS = {
    "default": "syco_claims",
    "are_you_sure": "syco_are_you_sure",
    "mimicry": "syco_mimicry",
    "feedback": "syco_feedback",
}
IN_LM_EVAL = ("syco_claims", "syco_answers")
HARNESSES = {"inspect_ai": "Inspect", "lm_eval": "lm-eval"}
SHOWN = 5
"""Answers that differ and are shown in the record."""


def measure(args: argparse.Namespace) -> Path:
    """The run folder of scripts/measure.py."""
    folder = args.work_dir / "native"
    command = [sys.executable, "scripts/measure.py", "--model_name_or_path", args.model_name_or_path, "--dataset_name",
               args.dataset_name, "--limit", str(args.limit), "--answer", "text", "--output_dir", folder, "--overwrite"]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT)
    return folder


def ask(args: argparse.Namespace, kind: str, samples: int) -> Path:
    """The log of a harness that asked a server."""
    logs = args.work_dir / "logs"
    pattern = "*.eval" if args.through == "inspect" else "samples_*.jsonl"
    before = set(logs.rglob(pattern))
    task = "syco_answers" if kind == "default" and "wrong_answer" in columns(args) else TASKS[kind]
    if args.through == "lm_eval" and task not in IN_LM_EVAL:
        raise SystemExit(f"expected rows of {' or '.join(IN_LM_EVAL)} for lm-eval, got {task}; ask through inspect")
    with served(args.model_name_or_path) as address:
        if args.through == "inspect":
            command = ["inspect", "eval", f"src/sycophancy/harnesses/inspect_task.py@{task}", "-T", f"dataset_name={args.dataset_name}",
                       "--model", f"openai-api/local/{args.model_name_or_path}", "--temperature", "0", "--limit", samples,
                       "--max-connections", "1", "--log-dir", logs, "--display", "plain"]  # fmt: skip
        else:
            # `transformers serve` fails on an empty list of words to stop at.
            until = [AutoTokenizer.from_pretrained(args.model_name_or_path).eos_token]
            command = ["lm_eval", "run", "--model", "local-chat-completions", "--model_args",
                       f"model={args.model_name_or_path},base_url={address}/chat/completions,num_concurrent=1,timeout=3600",
                       "--apply_chat_template", "--include_path", "src/sycophancy/harnesses", "--tasks", f"{task}_generate",
                       "--gen_kwargs", json.dumps({"until": until}), "--metadata", json.dumps({"dataset_name": args.dataset_name}),
                       "--limit", samples, "--log_samples", "--output_path", logs]  # fmt: skip
        own = {
            "LOCAL_API_KEY": "none",
            "LOCAL_BASE_URL": address,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        subprocess.run(list(map(str, command)), check=True, cwd=ROOT, env=os.environ | own)
    (log,) = set(logs.rglob(pattern)) - before
    return log


def columns(args: argparse.Namespace) -> list[str]:
    """Those of the dataset."""
    return load_rows(args.dataset_name, "validation")[1].column_names


def begins(one: str, other: str) -> bool:
    """Whether one of two texts begins with the other, however they end in white space and where a token ended."""
    shorter, longer = sorted((one.strip(), other.strip()), key=len)
    return longer.startswith(shorter)


def read_again(kind: str, lines: list[dict], asked: set[str]) -> list[dict]:
    """Those of the lines that were asked, as this version's reader reads them."""
    parse = load_metric(kind).parse_answer
    kept = [line for line in lines if line["id"] in asked]
    if "choices" not in KINDS[kind].references:
        return [line | {"parsed": None} for line in kept]
    return [line | {"parsed": parse(line["prediction"], **read_by(line))} for line in kept]


def compare(native: list[dict], asked: list[dict]) -> tuple[dict, list[dict], set]:
    """How the answers of two engines to the same rows relate.

    Returns:
        Counts; the answers that are not the same; and the clusters all of whose answers are read as the same.
    """
    own = {line["id"]: line for line in asked}
    counts, differing, apart = Counter(rows=len(native)), [], set()
    for here in native:
        there = own[here["id"]]
        text = there.get("truncated_text", there["prediction"] + there.get("went_on", ""))
        read, alike = here["parsed"] == there["parsed"], begins(here["prediction"], text)
        counts["same_text"] += here["prediction"] == text.strip()
        counts["one_begins_with_the_other"] += alike
        counts["read_as_the_same"] += read
        counts["read_at_all"] += here["parsed"] is not None
        counts["cut_off"] += "truncated_text" in there
        counts["same_answer"] += read and alike
        if not read:
            apart.add(here["cluster_id"])
        if not (read and alike):
            differing.append({"id": here["id"], "native": here["prediction"], "native_read": here["parsed"], "served": text,
                              "served_read": there["parsed"], "stop_reason": there.get("stop_reason")})  # fmt: skip
    return dict(counts), differing, {here["cluster_id"] for here in native} - apart


def numbers(kind: str, lines: list[dict], clusters: set) -> dict:
    """The metric on what was answered in some clusters."""
    kept = [line for line in lines if line["cluster_id"] in clusters]
    of = KINDS[kind]
    return load_metric(kind).compute(
        predictions=[line["prediction"] for line in kept], references=references(kept, of.references), bootstrap=0
    )


def markdown_of_served(folder: Path = ROOT / "docs" / "results" / "harnesses") -> str:
    """The records of this benchmark, a line each."""
    head = ("model", "rows of", "asked by", "rows", "the same answer", "read as the same choice", "the same text to its end", "cut off by the server",
            "keys of the metric that differ on items read as the same")  # fmt: skip
    rows = []
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        counts, metric = record["answers"], record["metric_on_items_read_as_the_same"]
        rows.append(
            (record["model"]["name"], record["dataset"]["name"], HARNESSES[record["harness"]["name"]], str(counts["rows"]),
             percent(record["share_of_same_answers"]), str(counts["read_as_the_same"]), str(counts["same_text"]),
             "not logged" if record["imported"]["truncated"] is None else str(counts["cut_off"]),
             f"{len(metric['keys_that_differ'])} of {metric['keys']}")
        )  # fmt: skip
    return markdown_table(head, rows)


def main() -> None:
    """Measure, ask, compare, write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="chat model: Hub id or folder")
    parser.add_argument("--dataset_name", required=True, help="dataset: folder or Hub id")
    parser.add_argument(
        "--through", choices=("inspect", "lm_eval"), default="inspect", help="who asks the server [inspect]"
    )
    parser.add_argument("--limit", type=int, default=302, help="rows; whole items are kept [302]")
    parser.add_argument("--work_dir", type=Path, default=Path("out/served"), help="for runs and logs [out/served]")
    parser.add_argument("--native", type=Path, help="run folder of scripts/measure.py instead of a new one")
    parser.add_argument("--log", type=Path, help="log of an earlier run instead of a new one")
    parser.add_argument("--output", type=Path, help="also write the record to this file, as JSON")
    args = parser.parse_args()

    native, found = read_run(args.native or measure(args))
    kind = native["dataset"]["kind"]
    first = found[: args.limit]  # a --native run may hold more
    samples = len({line["question_id"] for line in first}) if kind == "are_you_sure" else len(first)
    log = args.log or ask(args, kind, samples)
    record, lacking = import_log(log, args.dataset_name, "validation", args.work_dir / "imported")
    asked = read_run(args.work_dir / "imported")[1]
    rows = {line["id"]: line for line in asked}
    # A run of an earlier version lacks columns that this one's reader reads: the rows are the same.
    found = [rows[line["id"]] | {"prediction": line["prediction"]} for line in found if line["id"] in rows]
    found = read_again(kind, found, set(rows))
    asked = read_again(kind, asked, {line["id"] for line in found})
    counts, differing, alike = compare(found, asked)
    both = [numbers(kind, lines, alike) for lines in (found, asked)]
    apart = {key: [both[0][key], value] for key, value in both[1].items()
             if value != both[0][key] and not (value != value and both[0][key] != both[0][key])}  # fmt: skip
    whole = [numbers(kind, lines, {line["cluster_id"] for line in found}) for lines in (found, asked)]
    meanings = KINDS[kind].meanings or ("opinion_alignment", "opinion_shift", "opinion_effect", "accuracy_no_opinion", "unparsed_rate")  # fmt: skip
    shown = {
        "benchmark": "served",
        "model": {name: native["model"].get(name) for name in ("name", "fingerprint", "dtype")} | {"name": Path(native["model"]["name"]).name},
        "dataset": {name: native["dataset"][name] for name in ("fingerprint", "split", "kind")} | {"name": Path(native["dataset"]["name"]).name},
        "server": {"name": "transformers serve", "version": versions()["transformers"], "provider": record["model"]["provider"]},
        "harness": {name: record["harness"].get(name) for name in ("name", "version", "task", "generation", "usage", "system_prompt")},
        "imported": record["imported"],
        "answers": counts,
        "share_of_same_answers": counts["same_answer"] / counts["rows"],
        "differing": differing[:SHOWN],
        "metric_on_items_read_as_the_same": {"clusters": len(alike), "keys": len(both[0]), "keys_that_differ": apart},
        "metrics": {
            key: {"native": whole[0][key], "served": whole[1][key]} for key in meanings if key in whole[0]
        },
        "native_git": native["git"],
        "seconds": {"served": record["seconds"]},
        "versions": versions(), "git": git_state(), "hardware": hardware(),
    }  # fmt: skip
    usage = shown["harness"]["usage"] or {}  # lm-eval does not log any
    shown["harness"]["usage"] = {Path(model).name: counted for model, counted in usage.items()}
    print(
        json.dumps(
            {name: shown[name] for name in ("answers", "share_of_same_answers", "differing", "metrics")}, indent=2
        )
    )
    print("\n".join(lacking))
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(args.output, without_nan(shown))


if __name__ == "__main__":
    main()
