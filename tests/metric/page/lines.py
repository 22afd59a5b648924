# SPDX-License-Identifier: Apache-2.0
"""Runs as `predictions.jsonl` holds them, made of rows and answers."""

import json

from ..designs import crossed, oracle, sycophant


def to_lines(rows, answers, **extra):
    """Lines of a run; `extra` are further fields of every line."""
    lines = [
        {"id": f"{row['claim_id']}/{row['condition']}", "prediction": answer, **row, **extra}
        for row, answer in zip(rows, answers, strict=True)
    ]
    return "\n".join(map(json.dumps, lines))


def claims(items=4, authority=("expert", "student")):
    """Rows of `items` sentences; the claims of a sentence share its authority."""
    return [
        {**row, "authority": authority[int(row["cluster_id"].rsplit("/", 1)[1]) % len(authority)]}
        for row in crossed(items)
    ]


def flatterer(rows):
    return to_lines(rows, sycophant(rows))


def honest(rows):
    return to_lines(rows, oracle(rows))
