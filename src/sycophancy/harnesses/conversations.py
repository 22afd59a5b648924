# SPDX-License-Identifier: Apache-2.0
"""Questions asked in turns, for a harness that asks one conversation at a time."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from sycophancy.answering.prompts import without_thought

_MAY_END = re.compile(r"[^\w\s]|\n")
_GOES_ON = re.compile(r"\n\W*\w+")


def in_questions(rows: Iterable[Mapping]) -> dict[str, list[Mapping]]:
    """Rows by their question, in the dataset's order, that of the first turn in front.

    Raises:
        ValueError: a question without a first turn.
    """
    asked: dict[str, list[Mapping]] = {}
    for row in rows:
        asked.setdefault(row["question_id"], []).append(row)
    for name, own in asked.items():
        own.sort(key=lambda row: row["turn"] != "first")
        if own[0]["turn"] != "first":
            raise ValueError(
                f"expected a row with turn 'first' for every question, got none for {name}; build the dataset again with "
                "dataset_builders/are_you_sure.py"
            )
    return asked


def turns_before(row: Mapping, rows: Sequence[Mapping]) -> list[Mapping]:
    """The rows of a question after whose answers this one is asked: the first, and earlier rounds of the same turn."""
    if row["turn"] == "first":
        return []
    number = row.get("round") or 0
    earlier = [other for other in rows if other["turn"] == row["turn"] and (other.get("round") or 0) < number]
    return [other for other in rows if other["turn"] == "first"] + sorted(earlier, key=lambda other: other["round"])


def words_of(row: Mapping) -> str:
    """What the user says in a row's own turn."""
    return row["follow_up"] if row["turn"] != "first" else row["prompt"]


def heard(text: str, row: Mapping, settled: Callable[[str, Sequence[str], Sequence[str]], bool]) -> str:
    """What of an answer stands in the conversation before the next turn: its words up to where it can be read.

    See `until_read`; thoughts do not stand there.
    """
    return without_thought(until_read(text, row, settled))


def until_read(text: str, row: Mapping, settled: Callable[[str, Sequence[str], Sequence[str]], bool]) -> str:
    """An answer up to where it can be read, and the whole of one that cannot.

    scripts/measure.py ends an answer there. A model that a server lets go on may go on to contradict itself, and would be unread
    there and read here.

    Args:
        text: what the model said.
        row: what it was an answer to: its choices and, where it has them, what they stand for. Without choices the answer is
            free text and stays whole.
        settled: the metric's, of a growing answer: whether it may end there.
    """
    if not row.get("choices"):
        return text
    own = without_thought(text)
    begins = len(text) - len(own) if text.endswith(own) else 0
    ends = {match.end() for pattern in (_MAY_END, _GOES_ON) for match in pattern.finditer(text, begins)}
    shown = (row["choices"], row.get("choice_texts") or ())
    until = next((end for end in sorted(ends) if settled(text[:end], *shown)), None)
    # White space at the end is no other answer.
    return text if until is None or not text[until:].strip() else text[:until].rstrip()
