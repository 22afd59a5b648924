# SPDX-License-Identifier: Apache-2.0
"""The tables of speed in README.md and docs/scale.md from the records of the benchmarks; nothing in them is typed.

python benchmarks/table.py docs/results/benchmarks
"""

import argparse
import json
import statistics
from pathlib import Path

SHOWN = {
    ("scoring", "lm_eval"): "scoring choices, beside lm-evaluation-harness",
    ("scoring", "generate"): "scoring choices, beside `generate` of 4 tokens",
    ("scoring", "predict"): "scoring choices, beside `Seq2SeqTrainer.predict`",
    ("few_shot", "each row"): "few-shot, beside reading the examples for each row",
    ("few_shot", "each choice"): "few-shot, beside reading them for each choice",
    ("tuning", "stock"): "prompt tuning, beside PEFT's recipe padded to 256",
    ("tuning", "stock to grouped"): "the same with rows of similar length together",
    ("processes", "one process to two"): "two processes with a core each, beside one",
    ("decoding", "lm_eval"): "chat model: scores, beside lm-evaluation-harness in batches of 32",
    ("decoding_auto", "lm_eval auto"): "chat model: scores, beside lm-evaluation-harness that looks for its batch size",
    ("decoding", "generate"): "chat model: text, beside `generate` in batches of 32",
    ("turns", "each row"): "chat model: later turns, beside reading the history again for each row",
    ("turns", "once a batch"): "chat model: later turns, beside reading it again once for a batch",
    ("chat_tuning", "sft to ours"): "chat model: LoRA, beside `SFTTrainer` with its defaults",
    ("chat_tuning", "sft kept to ours"): "chat model: LoRA, beside `SFTTrainer` without recomputed activations",
    ("chat_tuning", "dpo to dpo ours"): "chat model: DPO, beside `DPOTrainer` with its defaults",
    ("chat_tuning", "dpo kept to dpo ours"): "chat model: DPO, beside `DPOTrainer` without recomputed activations",
}

FRONT = {
    ("decoding", "lm_eval", "ours"): "scores, beside lm-evaluation-harness",
    ("decoding", "generate", "text"): "text, beside `generate`",
    ("turns", "each row", None): "later turns, beside reading what was said again",
    ("chat_tuning", "sft to ours", "ours"): "LoRA, beside `SFTTrainer`",
    ("chat_tuning", "dpo to dpo ours", None): "DPO, beside `DPOTrainer`",
}
"""Record, ratio and the side whose share of the limit it has -> line of the front page."""

LIMITED = {
    ("scoring", "ours"): "scoring choices, T5",
    ("decoding", "ours"): "scoring choices, chat model",
    ("decoding", "text"): "text, chat model",
    ("chat_tuning", "ours"): "LoRA, chat model",
}


def table(folder: Path) -> str:
    """The Markdown table of the records in a folder; benchmarks without a record have no line."""
    records = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    lines = ["| | times faster | least to most | rounds |", "|---|--:|--:|--:|"]
    for (name, side), text in SHOWN.items():
        if found := records.get(name, {}).get("ratios", {}).get(side):
            spread = f"{found['least']:.2f} to {found['most']:.2f}"
            lines.append(f"| {text} | {found['median']:.2f} | {spread} | {found['rounds']} |")
    return "\n".join(lines)


def front(folder: Path, shown: str) -> str:
    """The Markdown table of the front page from the records in a folder, which is shown under a path."""
    head = ("", "times faster", "least to most", "share of the processor's limit", "record")
    lines = [f"| {' | '.join(head)} |", "|---|--:|--:|--:|---|"]
    for (name, ratio, side), text in FRONT.items():
        record = json.loads((folder / f"{name}.json").read_text())
        found, file = record["ratios"][ratio], f"{name}.json"
        share = f"{record['mfu'][side]['median']:.2f}" if side else "-"
        spread = f"{found['least']:.2f} to {found['most']:.2f}"
        lines.append(f"| {text} | {found['median']:.2f} | {spread} | {share} | [`{file}`]({shown}/{file}) |")
    return "\n".join(lines)


def shares(folder: Path) -> str:
    """The Markdown table of the shares of the machine's limit in the records of a folder (`benchmarks/limit.py`)."""
    lines = [
        "| | share of the limit | of the run's best | GFLOP/s of a matrix product | best | threads |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for (name, side), text in LIMITED.items():
        file = folder / f"{name}.json"
        record = json.loads(file.read_text()) if file.is_file() else {}
        if found := record.get("mfu", {}).get(side):
            usual, best = statistics.median(record["peaks"][side]), record["peak"]
            of_best = record["mfu_of_best"][side]["median"]
            shown = (
                f"{found['median']:.2f}",
                f"{of_best:.2f}",
                f"{usual / 1e9:.0f}",
                f"{best / 1e9:.0f}",
                record["threads"],
            )
            lines.append(f"| {text} | {' | '.join(map(str, shown))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds scoring.json, tuning.json ...")
    records = parser.parse_args().folder
    print(table(records), shares(records), sep="\n\n")
