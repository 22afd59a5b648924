# SPDX-License-Identifier: Apache-2.0
"""Random draws that depend on a key alone, so that any row can be made anywhere, in any order, and be the same.

`random` is not used: a shared generator would tie a row to all rows drawn before it, and a build in two
processes would differ from a build in one.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A short stream of uniform draws from a key, e.g. `Draws(seed, "sst2/train/17")`.

    512 bits of BLAKE2b are read as digits of mixed radix, which makes a few dozen small draws from one hash with
    a bias below 2**-400.
    """

    def __init__(self, *key: object) -> None:
        digest = hashlib.blake2b("\x1f".join(map(str, key)).encode()).digest()
        self._state = int.from_bytes(digest)

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1."""
        self._state, digit = divmod(self._state, n)
        return digit

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def picks(self, *factors: Sequence) -> list:
        """One option of each: the same that as many calls of `pick` give, for one division of a long number."""
        digits = self.below(math.prod(map(len, factors)))
        picked = []
        for options in factors:
            digits, digit = divmod(digits, len(options))
            picked.append(options[digit])
        return picked

    def shuffled(self, options: Iterable[T]) -> list[T]:
        """All options in the order drawn (Fisher-Yates)."""
        order = list(options)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def in_drawn_order(options: Iterable[T], key: Callable[[T], tuple]) -> list[T]:
    """All options in an order that a draw for each decides: taking one away leaves the others as they stand.

    Args:
        options: what is put in order.
        key: what the draw of an option depends on.
    """
    return sorted(options, key=lambda option: Draws(*key(option)).below(2**64))


@lru_cache(maxsize=64)
def _shuffled_cells(n_cells: int, *key: object) -> tuple[int, ...]:
    """All cells of one block in the order drawn for this key (Fisher-Yates)."""
    cells = list(range(n_cells))
    for last in range(n_cells - 1, 0, -1):
        # One hash per swap: a block is shuffled once and then dealt n_cells times.
        other = Draws(*key, last).below(last + 1)
        cells[last], cells[other] = cells[other], cells[last]
    return tuple(cells)


def deal(index: int, factors: Sequence[Sequence[T]], *key: object) -> tuple[T, ...]:
    """The combination of factor levels for the `index`-th item: balanced, but in an order nobody can guess.

    Every combination of the factors' levels occurs once in each block of consecutive items (a randomised block
    design), so that all factors are balanced and crossed even in a small split.

    Args:
        index: position of the item in its split, from 0.
        factors: the levels of each factor.
        key: what the order of the combinations depends on.

    Returns:
        One level per factor.
    """
    n_cells = math.prod(len(levels) for levels in factors)
    block, position = divmod(index, n_cells)
    cell = _shuffled_cells(n_cells, *key, block)[position]
    combination = []
    for levels in factors:
        cell, level = divmod(cell, len(levels))
        combination.append(levels[level])
    return tuple(combination)


BLOCK = 1200
"""Items that are balanced together by `balance`."""


def balance(index: int, factors: Sequence[Sequence[T]], *key: object) -> tuple[T, ...]:
    """The combination of factor levels for the `index`-th item, where a block of all combinations would be too long.

    Levels are chosen one item after another by minimisation (Taves 1974, Minimization: A New Method of Assigning Patients
    to Treatment and Control Groups): each factor takes the level that it has least often had together with the levels of
    the other factors. So any two factors are crossed and balanced after few items, in an order drawn by the key.

    Args:
        index: position of the item in its split, from 0.
        factors: the levels of each factor.
        key: what the order of the combinations depends on.

    Returns:
        One level per factor.
    """
    block, position = divmod(index, BLOCK)
    levels = _minimised(tuple(map(len, factors)), *key, block)[position]
    return tuple(options[level] for options, level in zip(factors, levels, strict=True))


@lru_cache(maxsize=16)
def _minimised(sizes: tuple[int, ...], *key: object) -> list[tuple[int, ...]]:
    """The levels of every item of one block."""
    alone = [[0] * size for size in sizes]
    together = {
        (one, other): [[0] * sizes[other] for _ in range(sizes[one])]
        for one in range(len(sizes))
        for other in range(len(sizes))
    }
    items = []
    for position in range(BLOCK):
        draws = Draws(*key, position)
        taken: dict[int, int] = {}
        order = list(range(len(sizes)))
        # Factors take their turns in an order drawn for each item, or the last would always have to yield.
        for last in range(len(order) - 1, 0, -1):
            other = draws.below(last + 1)
            order[last], order[other] = order[other], order[last]
        for factor in order:
            # Counts in units of what is expected of them, so that a factor of many levels weighs as much as one of few.
            costs = [
                alone[factor][level]
                + sum(sizes[other] * together[other, factor][its][level] for other, its in taken.items())
                for level in range(sizes[factor])
            ]
            least = min(costs)
            taken[factor] = draws.pick([level for level, cost in enumerate(costs) if cost == least])
        for factor, level in taken.items():
            alone[factor][level] += 1
            for other, its in taken.items():
                together[other, factor][its][level] += 1
        items.append(tuple(taken[factor] for factor in range(len(sizes))))
    return items
