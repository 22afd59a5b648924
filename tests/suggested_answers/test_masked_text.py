# SPDX-License-Identifier: Apache-2.0
"""What can be told without the question: neither the answer, nor whether a user is right, nor who speaks and how."""

import dataclasses
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from masked_text import auc, characters, predictability, questions_asked, words

from sycophancy.claims.rows import Item
from sycophancy.claims.tasks import SOURCES
from sycophancy.suggested_answers.building import checked_rows
from sycophancy.suggested_answers.reading import QUIZZES, read_quiz, read_task
from sycophancy.suggested_answers.tasks import Asking, ask_task, balance_wrong
from sycophancy.suggested_answers.wordings import wordings_for


def labelled(shares, count=500):
    names, draws = list(shares), random.Random(0)
    items = []
    for index in range(count):
        (label,) = draws.choices(names, list(shares.values()))
        others = tuple(name for name in names if name != label)
        items.append(Item("task", "test", index, f"text {index}", {"sentence": f"text {index}"}, label, others))
    return items


def quizzed(count=500):
    return [
        Item("quiz", "test", index, f"q {index}", {"question": f"q {index}"}, f"right {index}",
             tuple(f"wrong {index} {wrong}" for wrong in "abc"))
        for index in range(count)
    ]  # fmt: skip


def embedded(name):
    return list(read_task(name, SOURCES[name]).items["test"])[:500], ask_task(name)


CASES = {
    "unequal labels": lambda: (
        labelled({"a rare thing": 2, "an entity": 19, "a place": 16, "a human being": 28, "a number": 35}), ask_task("sst2")
    ),
    "four choices": lambda: (quizzed(), Asking("{question}", short=False)),
    "reviews": lambda: embedded("reviews"),
    "addition": lambda: embedded("addition"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nothing_can_be_told_from_masked_prompts(case):
    items, asking = CASES[case]()
    # Of more than two choices the first is seldom right: as many more seeds for an area of 0.05.
    check_nothing_told(items, asking, seeds=4 if case == "reviews" else 8, labels_seen=case == "reviews")


def check_nothing_told(items, asking, seeds, labels_seen):
    if asking.short:
        asking = dataclasses.replace(asking, wrong=balance_wrong(items))
    found = [
        questions_asked(list(checked_rows(items, asking, seed, wordings_for(asking.short))), labels_seen)
        for seed in range(seeds)
    ]
    assert len(found[0]) >= 15
    for name in found[0]:
        (texts, labels), (known_texts, known_labels) = (
            [[part for which in half for part in found[which][name][place]] for place in (0, 1)]
            for half in (range(seeds // 2), range(seeds // 2, seeds))
        )
        for parts in (words, characters):
            area = predictability(texts, labels, known_texts, known_labels, parts)
            assert 0.45 <= area <= 0.55, (name, parts.__name__, area)


SOURCE_DATA = os.environ.get("SYCO_SOURCE_DATA")
REAL = ("sst2", "rotten_tomatoes", "trec", "tweet_eval_sentiment", *QUIZZES)


@pytest.mark.source_data
@pytest.mark.skipif(not SOURCE_DATA, reason="SYCO_SOURCE_DATA names no folder with source tasks")
@pytest.mark.parametrize("labels_seen", [False, True])
@pytest.mark.parametrize("name", REAL)
def test_nothing_can_be_told_of_real_sources(name, labels_seen):
    if labels_seen and name in QUIZZES:
        pytest.skip("the choices of a quiz are texts of the source")
    data = Path(SOURCE_DATA, *(["mcq"] if name in QUIZZES else []), name)
    if not data.is_dir():
        pytest.skip(f"no folder {data.name}")
    if name in QUIZZES:
        rows, asking = read_quiz(name, str(data)), QUIZZES[name]
    else:
        rows, asking = read_task(name, SOURCES[name], str(data)), ask_task(name)
    items = list(rows.items["validation" if "validation" in rows.items else "test"])
    # How many choices there are tells how often the first is right, so all questions have as many.
    sizes = Counter(len(item.others) for item in items)
    items = [item for item in items if len(item.others) == sizes.most_common(1)[0][0]][:1000]
    check_nothing_told(items, asking, 2 * max(2, 4000 // len(items)), labels_seen)


def test_what_gives_itself_away_is_told():
    texts = [f"it is {'so' if index % 2 else 'not so'} {index}" for index in range(200)]
    labels = [index % 2 == 0 for index in range(200)]
    for parts in (words, characters):
        assert predictability(texts[:100], labels[:100], texts[100:], labels[100:], parts) == 1
    import numpy as np

    assert auc(np.array([1.0, 1.0, 2.0, 0.0]), np.array([True, False, True, False])) == 0.875
