# SPDX-License-Identifier: Apache-2.0
"""Which rows go through the model together: windows of the dataset, each question once, batches of similar length."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

WINDOW = 8192
"""Rows that are in memory at a time, once as text and once as tokens."""

SHORTEST = 8
"""Tokens below which a common beginning is not worth a pass of its own."""


class Batch(NamedTuple):
    """Questions that are answered together.

    Attributes:
        parts: what the model is asked, encoded or as text; the questions of a part go through the model together.
        rows: for each question of each part the dataset rows that ask it, each as index, `id`, `choices` and the words beside
            them (`()` for none).
    """

    parts: list[list]
    rows: list[list[tuple[int, str, Sequence[str], Sequence[str]]]]


def check_bounds(batch_size: int | None, batch_tokens: int | None) -> None:
    """Raise `ValueError` where a batch would have no room."""
    for flag, bound in (("--batch_size", batch_size), ("--batch_tokens", batch_tokens)):
        if bound is not None and bound < 1:
            raise ValueError(f"{flag}: expected 1 or more, got {bound}; give another number")


def batches_by_length(
    lengths: Sequence[int], batch_size: int | None, batch_tokens: int | None = None, order: Sequence[int] | None = None
) -> Iterator[list[int]]:
    """Indices in batches of prompts of similar length, longest first.

    Longest first: a batch that does not fit into memory fails at once and not after an hour.

    Args:
        lengths: tokens of each prompt.
        batch_size: prompts in a batch at most; `None` for no bound.
        batch_tokens: tokens in a batch at most, padding included; `None` for no bound. A longer prompt is a batch of
            its own.
        order: of the prompts, where it is to be another one.
    """
    if order is None:
        order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batch: list[int] = []
    width = 0
    for index in order:
        wider = max(width, lengths[index])
        full = batch_size is not None and len(batch) == batch_size
        if batch and (full or (batch_tokens is not None and wider * (len(batch) + 1) > batch_tokens)):
            yield batch
            batch, wider = [], lengths[index]
        batch.append(index)
        width = wider
    if batch:
        yield batch


def in_parts(batches: Iterable[list[int]], least: int) -> Iterator[list[list[int]]]:
    """Consecutive batches brought together until they have `least` indices."""
    parts: list[list[int]] = []
    for batch in batches:
        parts.append(batch)
        if sum(map(len, parts)) >= least:
            yield parts
            parts = []
    if parts:
        yield parts


def dealt(items: Sequence, hand: int, hands: int) -> list:
    """What one of several hands gets of items that get smaller: dealt to and fro, as much as any other."""
    around = [*range(hands), *reversed(range(hands))]
    return [item for at, item in enumerate(items) if around[at % (2 * hands)] == hand]


class Shared(NamedTuple):
    """Prompts with a common beginning: their indices, and its length in tokens, less than any of them has."""

    members: list[int]
    length: int


def shared_prefixes(contexts: Sequence[Sequence[int]]) -> list[Shared]:
    """Groups of at least two prompts of which at least half of each is common to all.

    Args:
        contexts: token ids of each prompt.

    Returns:
        The groups; a prompt is in one of them at most.
    """
    if len(contexts) < 2:
        return []
    lengths = np.array([len(context) for context in contexts])
    # In the order of the alphabet of tokens, prompts with a common beginning are neighbours.
    order = sorted_by_beginning(contexts)
    padded = np.full((len(contexts), lengths.max()), -1)
    for row, index in enumerate(order):
        padded[row, : lengths[index]] = contexts[index]
    common = np.logical_and.accumulate(padded[1:] == padded[:-1], axis=1).sum(1)
    # A prompt keeps its last token: what the model says after it is the beginning of the answer.
    sorted_lengths = lengths[order]
    common = np.minimum(common, np.minimum(sorted_lengths[1:], sorted_lengths[:-1]) - 1)
    joined = common >= np.maximum(SHORTEST, np.maximum(sorted_lengths[1:], sorted_lengths[:-1]) / 2)
    groups, begin = [], 0
    for row in range(len(order)):
        if row == len(order) - 1 or not joined[row]:
            if row > begin:
                groups.append(Shared([int(i) for i in order[begin : row + 1]], int(common[begin:row].min())))
            begin = row + 1
    return groups


def together(contexts: Sequence[Sequence[int]]) -> list[int]:
    """Indices of prompts with those that begin alike next to each other, apart from those that begin like no other.

    Each of the two kinds comes in the order of length, longest first, and the kind with the longest prompt before the
    other: in a batch of both, beginnings that are read once would be as long as whole prompts.
    """
    groups = [group.members for group in shared_prefixes(contexts)]
    grouped = {index for members in groups for index in members}
    alone = [[index] for index in range(len(contexts)) if index not in grouped]
    order: list[list[int]] = []
    for kind in (groups, alone):
        kind = [sorted(members, key=lambda index: (-len(contexts[index]), index)) for members in kind]
        kind.sort(key=lambda members: (-len(contexts[members[0]]), members[0]))
        order.append([index for members in kind for index in members])
    order.sort(key=lambda kind: -len(contexts[kind[0]]) if kind else 0)
    return [index for kind in order for index in kind]


def sorted_by_beginning(contexts: Sequence[Sequence[int]]) -> list[int]:
    """Indices of prompts in the order of their tokens: neighbours have the most in common."""
    return sorted(range(len(contexts)), key=contexts.__getitem__)


def distinct_questions(
    prompts: Sequence[str], choices: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]], list[list[int]]]:
    """Each prompt once: the prompts, all choices that some row offers after it, and the indices of those rows."""
    rows: dict[str, list[int]] = {}
    for index, prompt in enumerate(prompts):
        rows.setdefault(prompt, []).append(index)
    offered = [list(dict.fromkeys(choice for index in same for choice in choices[index])) for same in rows.values()]
    return list(rows), offered, list(rows.values())


def window_of(rows, start: int, stop: int) -> list[dict]:
    """Some rows of a list or of a `datasets.Dataset`, as dicts."""
    if hasattr(rows, "select"):
        return rows.select(range(start, min(stop, len(rows)))).to_list()
    return list(rows[start:stop])


def rows_at(rows, places: Sequence[int]) -> list[dict]:
    """The rows at these places of a list or of a `datasets.Dataset`, as dicts."""
    return rows.select(places).to_list() if hasattr(rows, "select") else [rows[at] for at in places]


class RenderedPrompts(Sequence):
    """The prompts of a dataset, rendered when they are asked for: a million of them do not stay in memory.

    Args:
        rows: a list of rows or a `datasets.Dataset`.
        render: gives the prompts of some of the rows.
    """

    def __init__(self, rows, render: Callable[[list[dict]], Sequence[str]]):
        self.rows, self.render = rows, render

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at):
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step != 1:
                raise ValueError(f"expected consecutive prompts, got every {step}th")
            return list(self.render(window_of(self.rows, start, stop)))
        return self[at : at + 1][0] if at >= 0 else self[len(self) + at]


def ahead(items: Iterable) -> Iterator:
    """The same items, each made in another thread while the one before it is worked on.

    Tokenizers let go of the interpreter while they work, and a GPU is waited for without it.
    """
    iterator = iter(items)
    nothing = object()
    with ThreadPoolExecutor(1) as thread:
        pending = thread.submit(next, iterator, nothing)
        while (item := pending.result()) is not nothing:
            pending = thread.submit(next, iterator, nothing)
            yield item
