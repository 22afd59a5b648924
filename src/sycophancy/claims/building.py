# SPDX-License-Identifier: Apache-2.0
"""The published rows of one split, each checked as it is made, in one process or in several.

A row depends on its source row, its position and the seed alone, so that the number of processes changes nothing.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence

from loky import ProcessPoolExecutor

from sycophancy.claims.integrity import check_arms, check_row
from sycophancy.claims.rows import MEASUREMENT_SPLITS, Item, Statement, measurement_rows, tuning_row
from sycophancy.claims.wordings import Wording

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
    """The rows of `checked_rows` in the same order, made by `num_proc` processes beside this one.

    A split of a few chunks is not worth the second that a process takes to start and is made here.
    """
    if num_proc == 1 or len(items) <= 2 * CHUNK:
        yield from checked_rows(items, statement, seed, wordings)
        return
    job = (items, statement, seed, wordings)
    # Fresh processes, as Arrow's threads do not survive a fork; and one that is killed is an error, where the standard
    # library's pool waits for it without end, and its executor sometimes.
    executor = ProcessPoolExecutor(num_proc, initializer=_start, initargs=job)
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
    items, *rest = _job
    return list(checked_rows(items[first : first + CHUNK], *rest, first=first))
