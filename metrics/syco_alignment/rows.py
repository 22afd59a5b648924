# SPDX-License-Identifier: Apache-2.0
"""Check the rows that come in and turn them into columns: every error names the field, the row and its id."""

import math
from collections.abc import Collection, Mapping
from operator import methodcaller

import numpy as np


def _shown(value):
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


class Columns(dict):
    """Columns of checked rows by field name, which can say what is wrong with one of the rows.

    Args:
        identity (`str`): the field whose value names a row in error messages.
    """

    def __init__(self, identity):
        super().__init__()
        self.identity = identity

    def complain(self, row, field, expected, got, remedy):
        """Raise the `ValueError` for one field of one row (counted from 0): expected, got, what to do."""
        name = _shown(self[self.identity][row]) if self.identity in self else "unknown"
        raise ValueError(
            f"Row {row} ({self.identity} {name}), field `{field}`: expected {expected}, got {got}. {remedy}"
        )

    def complain_of_copy(self, row, earlier, what):
        """Raise the `ValueError` for a second row of the same `what`."""
        remedy = f"Give every row its own `{self.identity}` there, or drop the copy."
        got = f"a second one (the first is row {earlier})"
        self.complain(row, self.identity, f"one row per {self.identity} and {what}", got, remedy)

    def complain_of_mismatch(self, row, first, field):
        """Raise the `ValueError` for a row that differs from an earlier row of the same id in `field`."""
        remedy = f"Rows of one {self.identity} share `{field}`: correct it, or give them different ids."
        expected = f"{_shown(self[field][first])} as in row {first}"
        self.complain(row, field, expected, _shown(self[field][row]), remedy)

    def check_logprobs(self, row, scores, each):
        """Raise the `ValueError` for a row's `choice_logprobs` that are not one log-probability for `each` of its choices."""
        choices = self["choices"][row]
        if not isinstance(scores, Mapping) or set(scores) != set(choices):
            got = sorted(map(str, scores)) if isinstance(scores, Mapping) else type(scores).__name__
            remedy = f"Give every {each} its log-probability, and nothing else."
            self.complain(row, "choice_logprobs", f"a dict with the keys {sorted(choices)!r}", got, remedy)
        for choice, score in scores.items():
            number = isinstance(score, float | int | np.number) and not isinstance(score, bool)
            if not number or not -math.inf < score <= 1e-6:
                expected = f"a finite number of at most 0 for {choice!r}"
                remedy = "Pass natural logarithms of probabilities, not probabilities or logits."
                self.complain(row, "choice_logprobs", expected, repr(score), remedy)


def as_list(name, values):
    """`values` as a list, one entry per row; `ValueError` for what is no list of rows."""
    if isinstance(values, str | bytes | Mapping) or hasattr(values, "iloc") or not hasattr(values, "__iter__"):
        raise ValueError(
            f"`{name}`: expected a list with one entry per row, got {type(values).__name__}. "
            "Pass a list (for a data frame: `df.to_dict('records')`, or a column's `.tolist()`)."
        )
    return values if isinstance(values, list) else list(values)


def _read_strings(columns, references, field, empty_ok):
    """One field of all rows as strings."""
    expected = "a string" if empty_ok else "a non-empty string"
    remedy = f'Write "" for no `{field}`.' if empty_ok else f"Fill in `{field}`."
    try:
        column = [row[field] for row in references]
    except (KeyError, TypeError, IndexError):
        for index, row in enumerate(references):
            if not isinstance(row, Mapping):
                remedy = "Give one dict per prediction in `references`."
                columns.complain(index, "references", "a dict", _shown(row), remedy)
            if field not in row:
                columns.complain(index, field, expected, "no such field", f"Add `{field}` to every row.")
        raise
    if set(map(type, column)) != {str} or (not empty_ok and "" in column):
        for index, value in enumerate(column):
            if not isinstance(value, str) or (not empty_ok and not value):
                columns.complain(index, field, expected, _shown(value), remedy)
        column = [str(value) for value in column]  # numpy's own string type
    return column


def _read_predictions(columns, predictions):
    if set(map(type, predictions)) == {str}:
        return predictions
    for index, answer in enumerate(predictions):
        if not isinstance(answer, str):
            remedy = 'Pass the raw answer as text ("" for none).'
            columns.complain(index, "predictions", "a string", _shown(answer), remedy)
    return [str(answer) for answer in predictions]  # numpy's own string type


def with_predictions(columns, predictions):
    """The same rows with another system's answers, checked."""
    predictions = as_list("predictions", predictions)
    if len(predictions) != len(columns["predictions"]):
        raise ValueError(
            f"Expected as many predictions of both systems as references, got {len(predictions)} and "
            f"{len(columns['predictions'])}. Compare two systems on the same rows, in the same order."
        )
    other = Columns(columns.identity)
    other.update(columns)
    other["predictions"] = _read_predictions(columns, predictions)
    return other


def _read_choices(columns, references, field):
    """The lists of choices as tuples, each distinct list checked once."""
    found, checked = [], set()
    for index, row in enumerate(references):
        value = row.get(field)
        key = tuple(value) if type(value) in (list, tuple) else None
        try:
            known = key in checked
        except TypeError:  # an unhashable thing among the choices
            known = False
        if not known:
            listed = isinstance(value, list | tuple | np.ndarray) and len(value) > 1
            if not listed or not all(isinstance(choice, str) and choice.strip() for choice in value):
                remedy = "List the choices in the order shown."
                columns.complain(index, field, "a list of at least two non-blank strings", _shown(value), remedy)
            key = tuple(map(str, value))
            if len(set(key)) < len(key):
                columns.complain(index, field, "choices that differ", _shown(value), "Drop the copy.")
            checked.add(key)
        found.append(key)
    return found


def _read_group(columns, references, field):
    """A field to group by: strings, whole numbers or booleans, written out."""
    values = [row.get(field) for row in references]
    kind = type(values[0]) if type(values[0]) in (str, bool, int) else str
    if set(map(type, values)) != {kind}:
        index = next(i for i, value in enumerate(values) if type(value) is not kind)
        got = _shown(values[index]) if field in references[index] else "no such field"
        remedy = f"Give every row the field `{field}`, or leave it out of `by`."
        columns.complain(index, field, f"the name of a group ({kind.__name__}) in every row", got, remedy)
    return [str(value) for value in values]


def _read_texts(columns, references, field):
    """What stands beside each of a row's choices, as tuples; `()` for nothing, written as an empty list."""
    found = []
    for index, row in enumerate(references):
        value, n_choices = row.get(field), len(columns["choices"][index])
        if isinstance(value, np.ndarray):
            value = value.tolist()
        listed = isinstance(value, list | tuple) and len(value) in (0, n_choices)
        if not listed or not all(isinstance(text, str) and text.strip() for text in value):
            got = _shown(value) if field in row else "no such field"
            remedy = "Write what stands beside each choice, in the order shown, or [] for nothing."
            columns.complain(index, field, f"a list of {n_choices} non-blank strings", got, remedy)
        found.append(tuple(value))
    return found


def _read_where_given(columns, references, field, kind):
    """A field that all references may leave out: `""`, 0 or `()` in every row where none has it, by what it holds."""
    if not any(map(methodcaller("__contains__", field), references)):
        return [() if kind is list else kind()] * len(references)
    if kind is list:
        return _read_texts(columns, references, field)
    if kind is str:
        return _read_strings(columns, references, field, empty_ok=True)
    values = [row.get(field) for row in references]
    for index, value in enumerate(values):
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 0:
            got = _shown(value) if field in references[index] else "no such field"
            remedy = f"Write 0 for no `{field}`."
            columns.complain(index, field, "a whole number, 0 or more", got, remedy)
    return [int(value) for value in values]


def _read_wordings(references):
    """`template` of every row, `""` where not every row has it as a string: it is no field of the metric's own."""
    if not isinstance(references[0].get("template"), str):
        return [""] * len(references)
    values = [row.get("template") for row in references]
    return values if set(map(type, values)) == {str} else [""] * len(values)


def read_columns(predictions, references, identity, strings, optional=(), choices=None, where_given=None, groups=()):
    """Columns of checked rows.

    Args:
        predictions (`list[str]`): one raw answer per row.
        references (`list[dict]`): one dict per row; any iterable of mappings does (a `datasets.Dataset` too).
        identity (`str`): the field that names a row in error messages.
        strings (`tuple[str]`): fields that hold a non-empty string.
        optional (`tuple[str]`): fields that hold a string, `""` for none.
        choices (`str`, *optional*): the field that holds the list of choices.
        where_given (`dict[str, type]`): fields that all rows may leave out, and what they hold: `str`, `int` or `list`.
        groups (`tuple[str]`): further fields to group by.

    Returns:
        `Columns`: every field as a list, `predictions` among them; choices as tuples; `wording`, the rows'
        `template` (`""` where they have none).

    Raises:
        ValueError: no rows, unequal lengths, a missing field or one of the wrong type.
    """
    predictions, references = as_list("predictions", predictions), as_list("references", references)
    if len(predictions) != len(references):
        raise ValueError(
            f"Expected as many predictions as references, got {len(predictions)} predictions and "
            f"{len(references)} references. Pass one prediction per reference row, in the same order."
        )
    if not references:
        raise ValueError("Expected at least one row, got none. Pass `predictions` and `references` with rows.")
    columns = Columns(identity)
    for field in strings:
        columns[field] = _read_strings(columns, references, field, empty_ok=False)
    for field in optional:
        columns[field] = _read_strings(columns, references, field, empty_ok=True)
    columns["predictions"] = _read_predictions(columns, predictions)
    if choices is not None:
        columns[choices] = _read_choices(columns, references, choices)
    for field, kind in (where_given or {}).items():
        columns[field] = _read_where_given(columns, references, field, kind)
    columns["wording"] = _read_wordings(references)
    for field in groups:
        columns[field] = _read_group(columns, references, field)
    return columns


def codes(values):
    """Whole-number codes of hashable values, in order of first appearance.

    Returns:
        `(codes, names)`: an int64 array as long as `values`, and the distinct values.
    """
    table = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return np.fromiter(map(table.__getitem__, values), dtype=np.int64, count=len(values)), list(table)


def check_settings(confidence, bootstrap, seed, paired, lists):
    """Check the settings that all configs share, and that each entry of `lists` is a list of strings or
    `None`.

    Raises:
        ValueError: a confidence outside (0, 1), a negative or fractional `bootstrap` or `seed`, a `paired`
            that is no bool, a list that is none.
    """
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise ValueError(f"`confidence`: expected a number between 0 and 1, got {confidence!r}. Use 0.95.")
    for name, value, least in (("bootstrap", bootstrap, 2), ("seed", seed, 0)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or (value < least and value != 0):
            expected = "0 (no intervals) or at least 2 replicates" if least else "a whole number, 0 or more"
            default = 2000 if least else 0
            raise ValueError(f"`{name}`: expected {expected}, got {_shown(value)}. The default is {default}.")
    if not isinstance(paired, bool | np.bool_):
        raise ValueError(f"`paired`: expected True or False, got {_shown(paired)}. The default is True.")
    for name, values in lists.items():
        if values is None:
            continue
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Collection):
            raise ValueError(f"`{name}`: expected a list of strings, got {_shown(values)}. Put it in a list.")
        wrong = [value for value in values if not isinstance(value, str)]
        if wrong:
            raise ValueError(f"`{name}`: expected a list of strings, got {_shown(wrong[0])} in it. Use strings.")
