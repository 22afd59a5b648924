# SPDX-License-Identifier: Apache-2.0
"""The table of speed in docs/scale.md from the records of the benchmarks; nothing in it is typed.

python benchmarks/table.py docs/results/benchmarks
"""

import argparse
import json
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds scoring.json, tuning.json ...")
    print(table(parser.parse_args().folder))
