# SPDX-License-Identifier: Apache-2.0
"""Which label a value in a source's label column means: its number, or its name, and nothing that has to be guessed."""

import math
import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

from sycophancy.claims.tasks import Source

BATCH = 4096
SHOWN = 8
"""At most so many values are named in an error."""


def number_labels(source: Source, splits: dict, read_from: str) -> dict:
    """The splits with their labels as integers, `None` where there is none.

    Args:
        source: its description.
        splits: split -> `datasets.Dataset` with a label column of integers, fractions, strings or truth values.
        read_from: where the rows came from, for errors.

    Raises:
        ValueError: the values are not all numbers or all names of the labels, or could be either with another meaning.
    """
    from datasets import ClassLabel

    column = source.label_column
    if all(isinstance(rows.features[column], ClassLabel) for rows in splits.values()):
        return splits
    counts = {split: _counts(rows, column) for split, rows in splits.items()}
    number_of = label_numbers(sum(counts.values(), Counter()), source, f"the column {column} of {read_from}")
    return {split: _with_numbers(rows, column, number_of) for split, rows in splits.items()}


def label_numbers(counts: Mapping[object, int], source: Source, where: str) -> dict[object, int | None]:
    """What each value of a label column means; `None` where there is no label.

    Args:
        counts: value -> number of rows; values are strings, numbers, truth values or `None`.
        source: its description.
        where: the column, for errors.

    Raises:
        ValueError: see `number_labels`.
    """
    names, n_labels = _names(source), len(source.labels)
    given = [value for value in counts if not _is_missing(value)]
    numbers = {value: number for value in given if (number := _number(value)) is not None}
    named = {value: names[word] for value in given if (word := _word(value)) in names}
    missing = dict.fromkeys((value for value in counts if _is_missing(value)), None)
    both_ways = named if len(named) == len(numbers) == len(given) else {}
    if any(numbers[value] != position for value, position in both_ways.items()):
        if all(0 <= number < n_labels for number in numbers.values()):
            raise ValueError(
                f"expected to know whether the labels in {where} are numbers from 0 or names, got {_listed(counts, given)}, "
                f"which are both; write {_key(source)}"
            )
        return named | missing
    if len(numbers) == len(given):
        seen = {number for number in numbers.values() if number >= 0}
        if seen and min(seen) == 1 and max(seen) == n_labels:
            raise ValueError(
                f"expected labels that begin with 0 in {where}, got {_listed(counts, given)}; write {_key(source)}"
            )
        return numbers | missing
    if len(named) == len(given):
        return named | missing
    unknown = [value for value in given if value not in numbers and value not in named] or given
    raise ValueError(
        f"expected integer labels or the names {', '.join(dict.fromkeys(source.label_names))} in {where}, got "
        f"{_listed(counts, unknown)}; write {_key(source)}, and nothing where there is no label"
    )


def _names(source: Source) -> dict[str, int]:
    """Folded name -> number: the words of a claim, and the source's own names where they are more than numbers."""
    own = list(source.labels)
    lists = [source.label_names] + ([] if own == [str(number) for number in range(len(own))] else [own])
    names: dict[str, int] = {}
    for words in lists:
        for number, word in enumerate(words):
            if names.setdefault(_word(word), number) != number:
                return {}  # two labels of one name, but for capitals: nothing is known by its name
    return names


def _word(value: object) -> str:
    """A value as names are compared; the truth values as JSON writes them."""
    return " ".join(str(value).casefold().split())


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value).strip() == ""


def _number(value: object) -> int | None:
    """The integer that a value is, `1.0` and `"1"` too."""
    if isinstance(value, bool):
        return None
    return int(float(value)) if re.fullmatch(r"\s*[-+]?\d{1,9}(\.0*)?\s*", str(value), re.ASCII) else None


def _listed(counts: Mapping[object, int], values: list) -> str:
    """Values with the number of their rows, the commonest first."""
    ordered = sorted(values, key=lambda value: (-counts[value], str(value)))
    shown = [f"{str(value)[:40]!r} ({counts[value]} row{'s' * (counts[value] > 1)})" for value in ordered[:SHOWN]]
    return ", ".join(shown) + (f" and {len(ordered) - SHOWN} others" if len(ordered) > SHOWN else "")


def _key(source: Source) -> str:
    return ", ".join(f"{number} for {name!r}" for number, name in enumerate(source.label_names))


def _counts(rows, column: str) -> Counter:
    import pyarrow.compute as pc

    counts: Counter = Counter()
    labels = rows.select_columns(column).with_format("arrow")
    for start in range(0, len(labels), BATCH):
        for pair in pc.value_counts(labels[start : start + BATCH][column]).to_pylist():
            value = pair["values"]
            counts[None if _is_missing(value) else value] += pair["counts"]
    return counts


def _with_numbers(rows, column: str, number_of: Mapping[object, int | None]):
    """The rows with the label column as integers."""
    import pyarrow as pa

    if str(rows.features[column].dtype).startswith(("int", "uint")):
        return rows
    labels = rows.select_columns(column)
    numbers, absent = np.zeros(len(rows), np.int32), np.zeros(len(rows), bool)
    for start in range(0, len(rows), BATCH):
        for index, value in enumerate(labels[start : start + BATCH][column], start):
            number = None if _is_missing(value) else number_of[value]
            absent[index] = number is None
            numbers[index] = number or 0
    return rows.remove_columns(column).add_column(column, pa.array(numbers, mask=absent))
