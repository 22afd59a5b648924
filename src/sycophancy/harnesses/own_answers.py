# SPDX-License-Identifier: Apache-2.0
"""Answers that anybody's own program wrote, a line each: {"id": "sst2/validation/17/wrong_opinion", "prediction": "negative"}.

The `predictions.jsonl` of a run folder has that form too, so that an older run is read again by today's reader.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from sycophancy.harnesses.logs import Log, Sample
from sycophancy.records import RUN, read_record

OWN = ("id", "prediction", "parsed", "choice_logprobs", "stop_reason", "truncated_text")
"""What a line says of the answer; whatever else it has says which row it was."""

TOLD = (
    "adapter", "adapter_fingerprint", "chat_template", "prompt_tokens", "hardware",
    "choice_mass", "choice_mass_rows", "choice_mass_by_template", "text_agreement", "text_agreement_rows",
)  # fmt: skip
"""What of the record beside the answers is kept: what was found while the model was there."""


def read(path: Path) -> Log:
    """The answers of a file, and what the `run.json` beside it says of the model, where there is one.

    Args:
        path: JSON lines with `id` and `prediction`, the raw answer; `choice_logprobs` (choice -> log-probability) where the
            answer is a choice by scores, and `stop_reason` where it is known why it ended (`max_tokens`: cut off).

    Raises:
        ValueError: a line that is no such answer, or a `run.json` that is none.
    """
    lines = list(_lines(path))
    gives_stops = any("stop_reason" in line for line in lines)
    # Scores of some lines only would be two kinds of answers in one run.
    scored = bool(lines) and all(line.get("choice_logprobs") for line in lines)
    samples = [
        Sample(
            line["id"],
            {name: value for name, value in line.items() if name not in OWN},
            line.get("truncated_text", line["prediction"]),
            line["choice_logprobs"] if scored else None,
            stopped=line.get("stop_reason") or "",
        )
        for line in lines
    ]
    record = read_record(path.parent) if path.with_name(RUN).is_file() else {}
    return Log(
        samples,
        model=record.get("model") or {"name": path.stem},
        harness={"name": "answers", "file": path.name, "command": record.get("command")},
        seconds=record.get("seconds"),
        gives_stops=gives_stops,
        in_context=(record.get("config") or {}).get("in_context", "none"),
        # A run of measure.py asked each turn after the model's own answers.
        in_turns=bool(record),
        told={name: record[name] for name in TOLD if name in record},
    )


def has_form(path: Path) -> bool:
    """Whether the first line of a file of JSON lines is such an answer."""
    try:
        with open(path, encoding="utf-8") as file:
            line = json.loads(next((line for line in file if line.strip()), "null"))
    except ValueError:
        return False
    return isinstance(line, Mapping) and "prediction" in line


def _lines(path: Path) -> Iterator[dict]:
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
                if not isinstance(line["id"], str) or not isinstance(line["prediction"], str):
                    raise TypeError("`id` and `prediction` are text")
                yield line
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f'expected a line like {{"id": ROW, "prediction": ANSWER}} in {path}, got line {number} '
                    f'({type(error).__name__}: {error}); write the raw answer as text, "" for none'
                ) from error
