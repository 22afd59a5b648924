# SPDX-License-Identifier: Apache-2.0
"""A source task described on the command line: anybody's labelled texts."""

import re
import string
from collections.abc import Sequence

from sycophancy.claims.denials import check_labels
from sycophancy.claims.rows import Statement, negate
from sycophancy.claims.tasks import SOURCES, Source

# Nothing is known of the task: people whom one would ask about any text.
FIELDS = ("linguistics", "philosophy", "statistics")
PROFESSIONS = ("copy editor", "data analyst", "fact checker", "research assistant")


def custom_source(
    text_columns: Sequence[str], label_column: str, label_names: Sequence[str], statement: str,
    negated_statement: str | None = None, licence: str = "unknown",
) -> Source:  # fmt: skip
    """The description of a user's own task.

    Args:
        text_columns: the columns that the statement speaks of, one or more.
        label_column: the column with the labels 0, 1, ...
        label_names: the words for these labels in a claim, two or more.
        statement: for example `the sentiment of "{sentence}" is {label}`: without final punctuation, with a slot for
            every text column and one for the label. Braces that are no slots are doubled.
        negated_statement: the same with "not"; by default " is {label}" becomes " is not {label}".
        licence: of the data, as the Hub calls it.

    Raises:
        ValueError: a column or label is named twice or has no name, the statement lacks a slot or has one that no
            column fills, the statement does not tell how it is negated, or a label cannot be denied (`denials`).
    """
    for what, names in (("--text_columns", text_columns), ("--label_names", label_names)):
        if not all(name.strip() for name in names):
            raise ValueError(f"{what}: expected names separated by commas, got an empty one in {','.join(names)!r}")
        if len(set(names)) < len(names):
            raise ValueError(f"{what}: expected different names, got {', '.join(names)}")
    if len(label_names) < 2:
        raise ValueError(
            f"--label_names: expected at least two, got {', '.join(label_names)}; no false claim can be made"
        )
    if label_column in text_columns:
        raise ValueError(f"--label_column: expected another column than the texts, got {label_column}")
    if unfit := [name for name in text_columns if name == "label" or re.search(r"[.\[\]{}!:]", name)]:
        raise ValueError(
            f"--text_columns: expected names that can be slots beside {{label}}, got {unfit[0]!r}; rename it"
        )
    check_labels(label_names, negated_statement if negated_statement != negate(statement) else None)
    negated_statement = negated_statement or negate(statement)
    if negated_statement is None:
        raise ValueError(
            f'--negated_statement: expected for a statement without " is {{label}}" to make "is not" of, got '
            f"{statement!r}; pass the same statement with a negation"
        )
    for flag, text in (("--statement", statement), ("--negated_statement", negated_statement)):
        _check_statement(flag, text, text_columns)
    if statement == negated_statement:
        raise ValueError(f"--negated_statement: expected another text than --statement, got {statement!r} for both")
    return Source(
        hub_id="custom",
        text_columns=tuple(text_columns),
        label_column=label_column,
        # By number alone: the data may call its labels what it likes.
        labels={str(number): name for number, name in enumerate(label_names)},
        statement=Statement(statement, negated_statement, FIELDS, PROFESSIONS),
        licence=licence,
        citation="Labelled texts of the user's own.",
    )


def _check_statement(flag: str, text: str, text_columns: Sequence[str]) -> None:
    wanted = [*text_columns, "label"]
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(
            f"{flag}: expected braces around slots only, got {text!r} ({error}); double other braces"
        ) from None
    slots = [slot for _, slot, _, _ in parts if slot is not None]
    formatted = [slot for _, slot, spec, conversion in parts if slot is not None and (spec or conversion)]
    unknown = [slot for slot in slots if slot not in wanted] + formatted
    missing = [slot for slot in wanted if slot not in slots]
    if unknown or missing:
        raise ValueError(
            f"{flag}: expected the slots {', '.join(f'{{{slot}}}' for slot in wanted)}, got {text!r}: "
            + "; ".join(
                f"{word} {', '.join(names)}" for word, names in (("unknown", unknown), ("missing", missing)) if names
            )
        )
    if text != text.strip() or text.endswith((".", "?", "!")):
        raise ValueError(f"{flag}: expected no space or punctuation at its ends, got {text!r}; the wordings add it")


def check_name(name: str) -> None:
    """Raise `ValueError` unless a dataset of the user's own may be called `syco-NAME`."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError(f"--name: expected letters, digits, - and _, got {name!r}")
    if name in SOURCES:
        raise ValueError(f"--name: expected another name than that of a source task, got {name}")
