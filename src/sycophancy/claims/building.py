# SPDX-License-Identifier: Apache-2.0
"""The published rows of one split, each checked as it is made, in one process or in several.

A row depends on its source row, its position and the seed alone, so that the number of processes changes nothing.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from loky import ProcessPoolExecutor

from sycophancy.claims.people import AUTHORITIES
from sycophancy.claims.rows import (
    CONDITIONS,
    MEASUREMENT_SPLITS,
    Item,
    Statement,
    measurement_rows,
    tuning_row,
    user_pieces,
)
from sycophancy.claims.texts import begin
from sycophancy.claims.wordings import CERTAINTIES, PLACES, WORDING_OF, Wording

SHARED = (
    "claim_id", "cluster_id", "claim", "claim_is_true", "template", "choices", "answer", "affirmation", "denial",
)  # fmt: skip
"""Columns in which the rows of one claim are the same."""

CHUNK = 1000
"""Source rows that a process works off at a time; a process holds the rows of two chunks."""


def checked_rows(
    items: Sequence[Item], statement: Statement, seed: int, wordings: tuple[Wording, ...], first: int = 0
) -> Iterator[dict]:
    """The rows of one split.

    Args:
        items: its source rows; may be anything with a length, slices and an iterator over items.
        statement: how the task is worded.
        seed: of the build.
        wordings: those to use.
        first: position of the first item among the kept rows of the split.
    """
    for position, item in enumerate(items, first):
        if item.split not in MEASUREMENT_SPLITS:
            row = tuning_row(item, statement, seed, wordings)
            check_row(row)
            yield row
            continue
        rows = list(measurement_rows(item, statement, position, seed, wordings))
        for _, arms in itertools.groupby(rows, key=lambda row: row["claim_id"]):
            check_arms(list(arms))
        yield from rows


def rows_by_processes(
    items: Sequence[Item], statement: Statement, seed: int, wordings: tuple[Wording, ...], num_proc: int
) -> Iterator[dict]:
    """The rows of `checked_rows` in the same order, made by `num_proc` processes beside this one."""
    yield from in_processes(items, partial(checked_rows, statement=statement, seed=seed, wordings=wordings), num_proc)


def in_processes(items: Sequence[Item], make: Callable[..., Iterator[dict]], num_proc: int) -> Iterator[dict]:
    """The rows of `make(items)` in the same order, made by `num_proc` processes beside this one.

    A split of a few chunks is not worth the second that a process takes to start and is made here.

    Args:
        items: source rows; may be anything with a length, slices and an iterator over items.
        make: gives the rows of a part of the items, called with the part and `first`, the position of its first item.
        num_proc: number of processes.
    """
    if num_proc == 1 or len(items) <= 2 * CHUNK:
        yield from make(items, first=0)
        return
    # Fresh processes, as Arrow's threads do not survive a fork; and one that is killed is an error, where the standard
    # library's pool waits for it without end, and its executor sometimes.
    executor = ProcessPoolExecutor(num_proc, initializer=_start, initargs=(items, make))
    try:
        pending: deque = deque()
        for first in range(0, len(items), CHUNK):
            pending.append(executor.submit(_chunk, first))
            # No more than that ahead, or finished rows would pile up wherever writing is slower than making.
            if len(pending) == 2 * num_proc:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        executor.shutdown(kill_workers=True)


def _start(*job: object) -> None:
    """In each process, once: what its chunks are parts of."""
    global _job
    _job = job


def _chunk(first: int) -> list[dict]:
    items, make = _job
    return list(make(items[first : first + CHUNK], first=first))


def _expect(holds: bool, row: dict, expected: str, got: object) -> None:
    if not holds:
        raise ValueError(f"row {row['id']}: expected {expected}, got {got!r}; this is a defect of the builder")


def opening(wording) -> str:
    """What stands before the user's words in a wording of either family: no slot, as the words come before anything else."""
    return wording.layout.partition("{before}")[0]


def without_user(prompt: str, wording, before: str, after: str) -> str:
    """A prompt with the user's words cut out where they stand.

    By place and not by counting: a source text may hold the very words that our users say.

    Args:
        prompt: of a row with an opinion.
        wording: of either family.
        before, after: the user's words before what is asked about and after it.
    """
    if before:
        prompt = opening(wording) + prompt.removeprefix(f"{opening(wording)}{before}\n")
    if after:
        # The last place: nothing of the source is shown after it.
        head, words, tail = prompt.rpartition(f"{after}{wording.ends}")
        prompt = head + tail if words else prompt
    return prompt


def check_row(row: dict) -> None:
    """Raise `ValueError` unless the row holds what its columns say."""
    condition, choices = row["condition"], row["choices"]
    _expect(condition in CONDITIONS, row, f"a condition among {', '.join(CONDITIONS)}", condition)
    _expect(row["authority"] in AUTHORITIES, row, f"an authority among {', '.join(AUTHORITIES)}", row["authority"])
    _expect(len(set(choices)) == len(choices) == 2, row, "two different choices", choices)
    _expect(row["answer"] in choices, row, f"an answer among {choices}", row["answer"])
    _expect(bool(row["source_text"].strip()), row, "a source text", row["source_text"])
    shown = row["claim"] in row["prompt"] or begin(row["claim"]) in row["prompt"]
    _expect(shown, row, f"the claim {row['claim']!r} in the prompt", row["prompt"])
    if condition == "no_opinion":
        nothing = (row["user_answer"], row["persona"], row["certainty"], row["opinion_place"], row["authority"])
        _expect(nothing == ("", "", "", "", "none"), row, "no user in a row without an opinion", nothing)
        return
    _expect(row["certainty"] in CERTAINTIES, row, f"a certainty among {', '.join(CERTAINTIES)}", row["certainty"])
    _expect(row["opinion_place"] in PLACES, row, f"a place among {', '.join(PLACES)}", row["opinion_place"])
    before, after = user_pieces(row)
    # By place and not by counting: a source text may hold the very words that our users say.
    head = opening(WORDING_OF[row["template"]]) + (f"{before}\n" if before else "")
    _expect(
        row["prompt"].startswith(head), row, f"the user's words {before!r} at the head of the prompt", row["prompt"]
    )
    _expect(after in row["prompt"], row, f"the user's words {after!r} in the prompt", row["prompt"])
    agrees = row["user_answer"] == row["answer"]
    _expect(row["user_answer"] in choices, row, f"a user's answer among {choices}", row["user_answer"])
    _expect(
        agrees == (condition == "right_opinion"),
        row,
        f"a user's answer that fits {condition}",
        row["user_answer"],
    )
    _expect(
        bool(row["persona"]) == (row["authority"] != "none"),
        row,
        "a persona unless authority is none",
        row["persona"],
    )


def check_arms(rows: Sequence[dict]) -> None:
    """Raise `ValueError` unless the rows of one claim differ in the user's words and in nothing else."""
    by_condition = {row["condition"]: row for row in rows}
    _expect(
        set(by_condition) == set(CONDITIONS),
        rows[0],
        f"the arms {', '.join(CONDITIONS)}",
        sorted(by_condition),
    )
    neutral = by_condition["no_opinion"]
    for row in rows:
        check_row(row)
        for column in SHARED:
            _expect(
                row[column] == neutral[column],
                row,
                f"{column} {neutral[column]!r} as in {neutral['id']}",
                row[column],
            )
        without = without_user(row["prompt"], WORDING_OF[row["template"]], *user_pieces(row))
        _expect(
            without == neutral["prompt"],
            row,
            f"the prompt of {neutral['id']} plus the user's words",
            row["prompt"],
        )
    right, wrong = by_condition["right_opinion"], by_condition["wrong_opinion"]
    for column in ("authority", "persona", "certainty", "opinion_place"):
        _expect(
            right[column] == wrong[column],
            right,
            f"{column} {wrong[column]!r} as in {wrong['id']}",
            right[column],
        )
