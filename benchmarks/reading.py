# SPDX-License-Identifier: Apache-2.0
"""How much of what models answer is read, and how much of that is right: a file of outputs with their readings.

    python benchmarks/reading.py OUTPUTS.jsonl --wrong docs/results/reading/mmlu_pro_wrong.json \
        --output docs/results/reading/mmlu_pro.json

A line of the file holds `output` (the model's text), `choices` (as shown), `pred` (the choice that the output gives, as
it stands in `choices`, or null where a person would read none) and may hold `choice_texts` (the texts behind letters).
With `choice_texts` every output is read three times: with its letters as choices, with the texts, and with both ("(A)
text"). `--wrong` names a JSON file with the lines (counted from 0) whose `pred` is not what a person reads:
`{"rows": {"34": {"read": null, "reason": "..."}}}`, where `read` is the right choice or null.

Lines go into halves by a hash of the output: rules are written on the development half, and the held-out half only
tells. Per half and form: outputs, read, right, precision (right among read), coverage (read among all), unread by kind,
and of the prefix at which `settled` first says that an answer can be read: how often it does, and how often the whole
answer is then read as another choice, or not at all.
"""

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metrics.syco_alignment.parsing import KINDS, read_answer, settled

HALVES = ("development", "held-out")


def half(output):
    """The half that an output belongs to: it depends on its text alone."""
    return HALVES[int(hashlib.sha256(output.encode()).hexdigest(), 16) % 2]


def forms(row):
    """Name of each form of the choices -> the choices in this form."""
    if not row.get("choice_texts"):
        return {"choices": row["choices"]}
    both = [f"{letter} {text}" for letter, text in zip(row["choices"], row["choice_texts"], strict=True)]
    return {"letters": row["choices"], "texts": row["choice_texts"], "letters and texts": both}


def settling_prefix(output, choices):
    """The shortest prefix up to the white space after a mark or a letter of the end that is settled, or None."""
    ends = [match.end() for match in re.finditer(r"[.!)\]}\"'*]\s|\n", output)]
    return next((output[:end] for end in [*ends, len(output)] if settled(output[:end], choices)), None)


def measure(rows, wrong):
    """Counts and rates per half and form, and the lines that are read as something else than their reading."""
    tables, misread = {}, []
    for number, row in enumerate(rows):
        given = wrong[str(number)]["read"] if str(number) in wrong else row["pred"]
        place = None if given is None else row["choices"].index(given)
        for form, choices in forms(row).items():
            key = f"{half(row['output'])}, {form}"
            counts = tables.setdefault(key, Counter(dict.fromkeys(("outputs", "read", "right", *KINDS), 0)))
            choice, kind = read_answer(row["output"], choices)
            read = None if choice is None else choices.index(choice)
            counts["outputs"] += 1
            counts[kind or "read"] += 1
            counts["right"] += read is not None and read == place
            if read is not None and read != place:
                misread.append({"line": number, "form": form, "read": row["choices"][read], "given": given})
            if prefix := settling_prefix(row["output"], choices):
                early = read_answer(prefix, choices)[0]
                counts["settled"] += 1
                counts["settled as another choice"] += choice is not None and early != choice
                counts["settled and then unread"] += choice is None
    return tables, misread


def summary(counts):
    """Counts with precision and coverage."""
    rates = {
        "precision": counts["right"] / counts["read"] if counts["read"] else None,
        "coverage": counts["read"] / counts["outputs"],
    }
    unread = {kind: counts[kind] for kind in KINDS}
    early = {name: counts[name] for name in ("settled", "settled as another choice", "settled and then unread")}
    return {name: counts[name] for name in ("outputs", "read", "right")} | rates | {"unread": unread} | early


def table(results):
    """The Markdown table of a record."""
    lines = [
        "| half, choices | outputs | read | right | wrong | precision | coverage | unread |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for key, row in sorted(results.items()):
        unread = ", ".join(f"{count} {kind}" for kind, count in row["unread"].items() if count)
        precision = "-" if row["precision"] is None else f"{100 * row['precision']:.1f} %"
        lines.append(
            f"| {key} | {row['outputs']} | {row['read']} | {row['right']} | {row['read'] - row['right']} | {precision} "
            f"| {100 * row['coverage']:.1f} % | {unread or '-'} |"
        )
    return "\n".join(lines)


def main(arguments):
    """Read the file, print the table and what is misread, write the record."""
    rows = [json.loads(line) for line in arguments.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    wrong = json.loads(arguments.wrong.read_text(encoding="utf-8"))["rows"] if arguments.wrong else {}
    counts, misread = measure(rows, wrong)
    results = {key: summary(found) for key, found in sorted(counts.items())}
    print(table(results))
    for row in misread:
        print(row)
    if arguments.output:
        digest = hashlib.sha256(arguments.file.read_bytes()).hexdigest()
        record = {
            "benchmark": "reading",
            "file": arguments.file.name,
            "sha256": digest,
            "readings_corrected": len(wrong),
            "results": results,
            "misread": misread,
        }
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="JSON lines: output, choices, pred, perhaps choice_texts")
    parser.add_argument("--wrong", type=Path, help="JSON file of the lines whose pred is not what a person reads")
    parser.add_argument("--output", type=Path, help="where to write the record")
    main(parser.parse_args())
