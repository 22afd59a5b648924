# SPDX-License-Identifier: Apache-2.0
"""Reading what is asked: label tasks as claims read them, and multiple-choice sets as "are you sure?" reads them."""

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

from sycophancy.are_you_sure.questions import QUESTION_SOURCES, Question, QuestionRows, read_questions
from sycophancy.claims.rows import Item
from sycophancy.claims.sources import SourceRows, read_source, without_excluded, without_fragments
from sycophancy.claims.tasks import Source
from sycophancy.suggested_answers.tasks import Asking

_SCIENCE = Asking(
    "{question}",
    ("biology", "chemistry", "physics"),
    ("science teacher", "laboratory technician", "museum guide"),
    False,
)
_DAILY_LIFE = Asking(
    "{question}", ("linguistics", "psychology", "sociology"), ("journalist", "school teacher", "social worker"), False
)
_FACTS = Asking(
    "{question}", ("history", "information science", "philosophy"), ("fact checker", "librarian", "quiz writer"), False
)

QUIZZES = {
    "arc_challenge": _SCIENCE,
    "arc_easy": _SCIENCE,
    "commonsense_qa": _DAILY_LIFE,
    "openbookqa": _SCIENCE,
    "truthful_qa": _FACTS,
}
"""Multiple-choice set -> who asks its questions; its other properties stand in `are_you_sure.questions`."""

assert set(QUIZZES) <= set(QUESTION_SOURCES)

_ABOUT_CHOICES = re.compile(
    r"\b(?:all|any|both|each|either|neither|none|some|two)\s+of\s+(?:the\s+(?:above|below|other|others|following|choices|options"
    r"|answers|rest)|these|those|them)\b|\bnone\s+above\b|\ball\s+above\b"
    r"|^(?:both\s+|either\s+|neither\s+|only\s+)?\(?[A-Ea-e]\)?\s*(?:,|and|or|nor|&)\s*\(?[A-Ea-e]\)?(?:\s+only)?\.?$",
    re.IGNORECASE,
)


def read_task(
    name: str, source: Source, source_data: str | None = None, source_config: str | None = None,
    exclude: Mapping[str, np.ndarray] | None = None, encoding: str | None = None,
) -> SourceRows:  # fmt: skip
    """The items of a label task: those of its claims, less texts that say nothing by themselves.

    Args:
        name, source, source_data, source_config, exclude, encoding: see `sycophancy.claims.sources.read_source`.
    """
    return without_fragments(name, read_source(name, source, source_data, source_config, exclude, encoding))


def read_quiz(name: str, source_data: str | None = None, exclude: Mapping[str, np.ndarray] | None = None) -> SourceRows:
    """The items of a multiple-choice set.

    Args:
        name: key of `QUIZZES`.
        source_data: a Hub id or a local folder with the source's own columns, in place of the pinned Hub dataset.
        exclude: name of another dataset -> the `text_key`s of its measurement splits, kept out of train.
    """
    return as_items(read_questions(name, source_data), exclude)


def as_items(found: QuestionRows, exclude: Mapping[str, np.ndarray] | None = None) -> SourceRows:
    """Questions as items, less those that cannot be asked in any order and read by their words.

    Raises:
        ValueError: nothing is left.
    """
    rows = SourceRows({}, {split: Counter(counts) for split, counts in found.dropped.items()}, found.read_from)
    for split, questions in found.questions.items():
        kept = []
        for question in questions:
            if reason := _problem(question):
                rows.dropped[split][reason] += 1
            else:
                kept.append(_item(question))
        if kept:
            rows.items[split] = kept
    if "train" in rows.items:
        without_excluded(rows, exclude or {})
        if not rows.items["train"]:
            del rows.items["train"]
    if not rows.items:
        counts = dict(sum(rows.dropped.values(), Counter()))
        raise ValueError(f"expected questions in {found.read_from}, got none after dropping {counts}")
    return rows


def _problem(question: Question) -> str:
    """Why a question cannot be asked so, `""` where it can."""
    choices = (question.correct, *question.others)
    if any(_ABOUT_CHOICES.search(choice) for choice in choices):
        return "a choice speaks of the other choices, whose order changes"
    # As the metric's reading sees them: without case, emphasis and the full stop.
    if len({re.sub(r"[\s*_`.]+", " ", choice).strip().casefold() for choice in choices}) < len(choices):
        return "two choices that differ in case or marks alone"
    return ""


def _item(question: Question) -> Item:
    texts = [" ".join(choice.split()) for choice in (question.correct, *question.others)]
    return Item(
        question.source, question.split, question.index, question.text, {"question": question.text}, texts[0],
        tuple(texts[1:]),
    )  # fmt: skip
