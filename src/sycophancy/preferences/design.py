# SPDX-License-Identifier: Apache-2.0
"""From features of pairs to the matrix of a regression: which columns can be told apart, and what each is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sycophancy.claims.people import AUTHORITIES
from sycophancy.preferences.features import LENGTH, side_of
from sycophancy.preferences.pairs import Pair

TOLERANCE = 1e-8
"""Share of a column's square sum that the columns before it must leave unexplained."""


RIGHT, WRONG = "user_right", "user_wrong/"
"""Cells of agreement: with users who are right, and with those who are wrong, before their authority."""


@dataclass(frozen=True)
class Design:
    """What a regression is fitted on, each pair as its first answer against its second.

    Attributes:
        names: of the features, one per column.
        z: (n_pairs, n_features), differences between the two answers: signs, and the length in standard deviations.
        y: (n_pairs,), 1 where the first answer is preferred, else 0.
        clusters: (n_pairs,), the number of the cluster of each pair, from 0.
        left_out: feature -> why it has no column.
    """

    names: tuple[str, ...]
    z: np.ndarray
    y: np.ndarray
    clusters: np.ndarray
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.clusters.max()) + 1 if len(self.clusters) else 0

    def rows(self, kept: np.ndarray) -> "Design":
        """The same with some of the pairs (n_pairs, bool); clusters keep their numbers."""
        return Design(self.names, self.z[kept], self.y[kept], self.clusters[kept], self.left_out)

    def columns(self, names: Sequence[str]) -> "Design":
        """The same with some of the features."""
        kept = [self.names.index(name) for name in names]
        return Design(tuple(names), self.z[:, kept], self.y, self.clusters, self.left_out)

    def preferring(self, y: np.ndarray) -> "Design":
        """The same with other preferences (n_pairs,)."""
        return Design(self.names, self.z, np.asarray(y, dtype=float), self.clusters, self.left_out)


def numbered(labels: Sequence[str]) -> np.ndarray:
    """The number of each label in the order in which they first occur, from 0."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=int)


def design_of(
    values: Mapping[str, Sequence[float]], clusters: Sequence[str], first: Sequence[int], y: Sequence[float]
) -> Design:
    """The matrix of features that can be told apart.

    A feature that never differs, or that the ones before it give exactly, has no weight of its own: it is left out by name.

    Args:
        values: feature -> its value for each pair, of the chosen answer against the rejected one; the length not standardised.
        clusters: of each pair.
        first: for each pair 1 where the chosen answer stands first, -1 where the rejected one does.
        y: for each pair 1 where the answer that stands first is preferred, else 0.
    """
    orientation = np.asarray(first, dtype=float)
    columns, names, left_out = [], [], {}
    for name, given in values.items():
        column = np.asarray(given, dtype=float) * orientation
        size = float(np.sqrt(np.mean(column**2))) if len(column) else 0.0
        if size < TOLERANCE:
            left_out[name] = "never differs between the two answers"
            continue
        if name == LENGTH:
            # Around 0, the same whichever answer stands first.
            column = column / size
        if columns:
            known = np.column_stack(columns)
            rest = column - known @ np.linalg.lstsq(known, column, rcond=None)[0]
            if rest @ rest < TOLERANCE * (column @ column):
                same = next(
                    (
                        other
                        for other, seen in zip(names, columns, strict=True)
                        if np.allclose(np.abs(seen), np.abs(column))
                        and abs(seen @ column) > (1 - TOLERANCE) * (column @ column)
                    ),
                    None,
                )
                left_out[name] = f"cannot be told apart from {same or 'the features before it'}"
                continue
        columns.append(column)
        names.append(name)
    z = np.column_stack(columns) if columns else np.zeros((len(orientation), 0))
    return Design(tuple(names), z, np.asarray(y, dtype=float), numbered(clusters), left_out)


def variance_inflation(z: np.ndarray) -> np.ndarray:
    """How much wider each weight's interval is than if its feature went with no other (n_features,); 1 is not at all.

    Around 0 and not around the mean, as the model has no intercept (Belsley, Kuh and Welsch 1980).

    Args:
        z: (n_pairs, n_features), of full column rank.
    """
    if not z.shape[1]:
        return np.zeros(0)
    product = z.T @ z
    return np.diag(np.linalg.inv(product)) * np.diag(product)


def separated(design: Design) -> dict[str, str]:
    """Features whose pairs are all preferred one way, with which: their weight is what the prior allows.

    Resampling such pairs changes nothing, so that a bootstrap has no interval for them.
    """
    found = {}
    for at, name in enumerate(design.names):
        column = design.z[:, at]
        wins = (column * (2 * design.y - 1))[column != 0] > 0
        if wins.all() or not wins.any():
            found[name] = "always wins" if wins.all() else "always loses"
    return found


def agreement_cells(pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """Agreement with the user as one feature for users who are right, and one for each authority of users who are wrong.

    The weight of a cell is the log-odds that the answer which agrees is preferred to the other one there.

    Returns:
        `user_right`, `user_wrong/LEVEL` by rising authority -> -1, 0 or 1 for each pair, of the chosen answer
        against the rejected one; empty where no pair says both what the user holds and what is right.
    """
    known = [pair for pair in pairs if pair.user_answer and pair.answer]
    levels = list(dict.fromkeys(pair.authority for pair in known if pair.user_answer != pair.answer))
    order = [*(level for level in AUTHORITIES if level in levels), *sorted(set(levels) - set(AUTHORITIES))]
    cells: dict[str, list[float]] = {}
    if any(pair.user_answer == pair.answer for pair in known):
        cells[RIGHT] = [
            float(side_of(pair.user_answer, pair.chosen, pair.rejected)) if pair.user_answer == pair.answer else 0.0
            for pair in pairs
        ]
    for level in order:
        cells[f"{WRONG}{level or 'any'}"] = [
            float(side_of(pair.user_answer, pair.chosen, pair.rejected))
            if pair.answer and pair.user_answer != pair.answer and pair.authority == level
            else 0.0
            for pair in pairs
        ]
    return cells
