# SPDX-License-Identifier: Apache-2.0
"""Which prompts begin with the same tokens, so that a decoder-only model need read them only once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SHORTEST = 8
"""Tokens below which a common beginning is not worth a pass of its own."""


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
    order = sorted(range(len(contexts)), key=contexts.__getitem__)
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
