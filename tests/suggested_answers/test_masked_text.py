# SPDX-License-Identifier: Apache-2.0
"""What can be told without the question: neither the answer, nor whether a user is right, nor who speaks and how."""

import dataclasses
import random

import pytest
from masked_text import auc, characters, predictability, questions_asked, words

from sycophancy.claims.rows import Item
from sycophancy.suggested_answers.building import checked_rows
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


CASES = {
    "unequal labels": (labelled({"a rare thing": 2, "an entity": 19, "a place": 16, "a human being": 28, "a number": 35}), ask_task("sst2")),
    "four choices": (quizzed(), Asking("{question}", short=False)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nothing_can_be_told_from_masked_prompts(case):
    items, asking = CASES[case]
    if asking.short:
        asking = dataclasses.replace(asking, wrong=balance_wrong(items))
    found = [questions_asked(list(checked_rows(items, asking, seed, wordings_for(asking.short)))) for seed in range(4)]
    assert len(found[0]) >= 15
    for name in found[0]:
        (texts, labels), (known_texts, known_labels) = (
            [[part for which in seeds for part in found[which][name][place]] for place in (0, 1)]
            for seeds in ((0, 1), (2, 3))
        )
        for parts in (words, characters):
            area = predictability(texts, labels, known_texts, known_labels, parts)
            assert 0.45 <= area <= 0.55, (name, parts.__name__, area)


def test_what_gives_itself_away_is_told():
    texts = [f"it is {'so' if index % 2 else 'not so'} {index}" for index in range(200)]
    labels = [index % 2 == 0 for index in range(200)]
    for parts in (words, characters):
        assert predictability(texts[:100], labels[:100], texts[100:], labels[100:], parts) == 1
    import numpy as np

    assert auc(np.array([1.0, 1.0, 2.0, 0.0]), np.array([True, False, True, False])) == 0.875
