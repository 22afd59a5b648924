# SPDX-License-Identifier: Apache-2.0
"""A user's own multiple-choice questions, as they stand in a JSON lines, JSON or CSV file.

Example: `{"question": "Which gas do plants take in?", "choices": ["A) oxygen", "B) carbon dioxide", "C) helium"], "answer": "B"}`,
or a CSV file with the columns `question,a,b,c,answer` and `--choices_column a b c`.

How the answer is written is decided over the whole file, for all of its rows alike: by letter ("B", "(b)", "B)"), by index
from 0, or by the choice's text. Where two of these would give different answers to some row, the file is refused.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sycophancy.are_you_sure.questions import LETTERS, Question, QuestionRows, distinct_questions
from sycophancy.claims.loading import load_own
from sycophancy.claims.own_files import OwnRows, own_files, read_own_files

SPLITS = ("validation", "test", "train")
"""In this order: of a question in two splits the measured one stays."""

_MARK = re.compile(r"\s*(?:\(([A-Za-z])\)|([A-Za-z])[).:])\s*(?=\S)")
_LETTER = re.compile(r"\s*(?:\(([A-Za-z])\)|([A-Za-z])[).:]?)\s*")


@dataclass(frozen=True)
class _Row:
    """One row as it was written: choices with and without the letters that they carry, and the answer."""

    split: str
    index: int
    question: str
    choices: tuple[str, ...]
    marked: tuple[str, ...]
    answer: str

    @property
    def place(self) -> str:
        return f"{self.split}, row {self.index}"


def read_own_questions(
    name: str, source_data: str, question_column: str, choices_columns: Sequence[str], answer_column: str,
    source_config: str | None = None, encoding: str | None = None,
) -> QuestionRows:  # fmt: skip
    """Read a user's questions; rows without a question, an answer or two choices are dropped and counted.

    Files whose names tell no split are for measurement: their questions are the split `validation`.

    Args:
        name: the first part of every id.
        source_data: local file or folder (see `claims.own_files`), or Hub id.
        question_column: column with the question.
        choices_columns: one column with a list of choices, or several with one choice each, in the order of the letters.
        answer_column: column with the answer.
        source_config: configuration of the dataset `source_data`.
        encoding: of local files with text; UTF-8, or what a byte order mark says, where it is `None`.

    Raises:
        ValueError: a column is missing, choices are no list, or the answers cannot be read in one way.
    """
    wanted = (question_column, *choices_columns, answer_column)
    loaded, read_from = _load(source_data, wanted, source_config, encoding)
    splits = {split: loaded[split] for split in SPLITS if split in loaded}
    if not splits:
        raise ValueError(f"expected a split train, validation or test in {read_from}, got {', '.join(loaded)}")
    found = QuestionRows(read_from=read_from)
    rows: list[_Row] = []
    for split, table in splits.items():
        if missing := [column for column in wanted if column not in table.column_names]:
            raise ValueError(
                f"expected the columns {', '.join(wanted)} in {read_from} ({split}), got "
                f"{', '.join(table.column_names)}; {', '.join(missing)} is missing"
            )
        found.dropped[split] = Counter()
        rows += _rows(split, table, question_column, choices_columns, answer_column, found.dropped[split])
    if not rows:
        raise ValueError(
            f"expected questions with choices and an answer in {read_from}, got none after dropping "
            f"{dict(sum(found.dropped.values(), Counter()))}"
        )
    read = _way_of_answering(rows, read_from)
    questions = [
        Question(
            name, row.split, row.index, "", row.question, row.choices[right := read(row)],
            (*row.choices[:right], *row.choices[right + 1 :]),
        )
        for row in rows
    ]  # fmt: skip
    taken: set[tuple] = set()
    for split in splits:
        of_split = [question for question in questions if question.split == split]
        if kept := distinct_questions(of_split, taken, found.dropped[split]):
            found.questions[split] = kept
    return found


def _load(source_data: str, columns: Sequence[str], config: str | None, encoding: str | None) -> tuple[dict, str]:
    """Split -> rows, and where they came from."""
    path = Path(source_data)
    # A configuration is one of the Hub's, and a folder that `datasets` saved holds none of anybody's own files.
    if not path.exists() or config or (path / "dataset_dict.json").is_file():
        return load_own(source_data, config)
    loaded: dict[str, OwnRows] = read_own_files(path, columns, encoding=encoding)
    told = any("train" in str(file.path.relative_to(path.parent)).lower() for file in own_files(path).get("train", ()))
    if set(loaded) == {"train"} and not told:
        loaded = {"validation": loaded["train"]}
    return loaded, f"the local {'folder' if path.is_dir() else 'file'} `{path.resolve().name}`"


def _rows(split, table, question_column, choices_columns, answer_column, dropped: Counter) -> list[_Row]:
    rows = []
    for index, row in enumerate(table):
        question, answer = _text(row[question_column]), _text(row[answer_column])
        marked = _choices(row, choices_columns, f"{split}, row {index}")
        choices = without_marks(marked)
        reasons = {
            "empty question": not question,
            "no answer given": not answer,
            "fewer than two choices": len(choices) < 2,
            f"more than {len(LETTERS)} choices": len(choices) > len(LETTERS),
            "empty choice": not all(choices),
            "two choices alike": len({" ".join(choice.split()) for choice in choices}) < len(choices),
        }
        if reason := next((reason for reason, holds in reasons.items() if holds), ""):
            dropped[reason] += 1
        else:
            rows.append(_Row(split, index, question, choices, marked, answer))
    return rows


def _text(value: object) -> str:
    """A value as its file writes it; a whole number that was read as 2.0 beside missing ones is 2."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()


def _choices(row: dict, columns: Sequence[str], place: str) -> tuple[str, ...]:
    if len(columns) > 1:
        texts = [_text(row[column]) for column in columns]
        while texts and not texts[-1]:
            # Fewer choices than columns; an empty one between others stays and is counted.
            texts.pop()
        return tuple(texts)
    value = row[columns[0]]
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(json.JSONDecodeError):  # Said below.
            value = json.loads(value)
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        value = value["text"]
    if not isinstance(value, list):
        raise ValueError(
            f"--choices_column: expected a list of choices in the column {columns[0]} ({place}), got {str(value)[:60]!r}; "
            "write a list, or name one column for each choice"
        )
    return tuple(map(_text, value))


def without_marks(choices: tuple[str, ...]) -> tuple[str, ...]:
    """The choices without a leading "A)", "(A)" or "A.", where all of them carry one and in order."""
    marks = [_MARK.match(choice) for choice in choices]
    found = [(mark.group(1) or mark.group(2)).upper() if mark else "" for mark in marks]
    if not choices or found != list(LETTERS[: len(choices)]):
        return choices
    return tuple(choice[mark.end() :].strip() for choice, mark in zip(choices, marks, strict=True))


def _by_letter(row: _Row) -> int | None:
    match = _LETTER.fullmatch(row.answer)
    place = LETTERS.find((match.group(1) or match.group(2)).upper()) if match else -1
    return place if 0 <= place < len(row.choices) else None


def _by_index(row: _Row) -> int | None:
    place = int(row.answer) if re.fullmatch(r"\d{1,2}", row.answer) else -1
    return place if 0 <= place < len(row.choices) else None


def _by_text(row: _Row) -> int | None:
    wanted = " ".join(row.answer.split())
    for choices in (row.choices, row.marked):
        found = [place for place, choice in enumerate(choices) if " ".join(choice.split()) == wanted]
        if len(found) == 1:
            return found[0]
    return None


_WAYS: dict[str, Callable[[_Row], int | None]] = {"letter": _by_letter, "index": _by_index, "text": _by_text}


def _way_of_answering(rows: Sequence[_Row], read_from: str) -> Callable[[_Row], int]:
    """The one way in which all answers of the file can be read."""
    readings = {way: [read(row) for row in rows] for way, read in _WAYS.items()}
    whole = [way for way, places in readings.items() if None not in places]
    if not whole:
        nearest = min(readings, key=lambda way: readings[way].count(None))
        first = rows[readings[nearest].index(None)]
        raise ValueError(
            f"--answer_column: expected all answers in {read_from} by letter, by index from 0 or by their text, got "
            f"{first.answer!r} with the choices {' | '.join(first.choices)} ({first.place}); most are written by {nearest}, "
            "write all so"
        )
    for way, places in readings.items():
        for row, one, other in zip(rows, readings[whole[0]], places, strict=True):
            if way in whole and one != other:
                raise ValueError(
                    f"--answer_column: expected answers that can be read in one way, got {row.answer!r} with the choices "
                    f"{' | '.join(row.choices)} ({row.place} of {read_from}), which is one choice by {whole[0]} and another "
                    f"by {way}; write letters, and choices that are no letters"
                )
    if whole == ["index"] and 0 not in readings["index"]:
        raise ValueError(
            f"--answer_column: expected indexes that count from 0, got {len(rows)} answers in {read_from} none of which is "
            "0; where they count from 1, subtract 1 or write letters"
        )
    return _WAYS[whole[0]]
