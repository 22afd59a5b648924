# SPDX-License-Identifier: Apache-2.0
import re
from collections import Counter

from sycophancy.claims.reviews import ADJECTIVES, NEGATIONS, SPLIT_SIZES, sentences
from sycophancy.claims.sources import normalise


def label_by_reading(sentence: str) -> int:
    """The label read off the sentence by another way than the grammar that made it."""
    decisive = sentence.split(" , but ")[-1]
    words = decisive.split()
    (adjective,) = [word for word in words if any(word in group for group in ADJECTIVES.values())]
    positive = adjective in ADJECTIVES["positive"]
    negated = words[words.index(adjective) - 1] in NEGATIONS
    return int(positive != negated)


def test_sizes_and_distinctness():
    rows = list(sentences())
    assert Counter(split for split, _ in rows) == SPLIT_SIZES
    assert len({normalise(row["sentence"]) for _, row in rows}) == len(rows)


def test_labels_follow_from_the_grammar():
    for _, row in sentences():
        assert row["label"] == label_by_reading(row["sentence"]), row


def test_labels_are_balanced_and_constructions_occur():
    texts = {split: [row for s, row in sentences() if s == split] for split in SPLIT_SIZES}
    for rows in texts.values():
        assert 0.45 < sum(row["label"] for row in rows) / len(rows) < 0.55
    held = [row["sentence"] for row in texts["validation"]]
    assert 0.2 < sum(" , but " in text for text in held) / len(held) < 0.5
    assert 0.2 < sum(bool(re.search(r"\b(not|never|hardly)\b", text)) for text in held) / len(held) < 0.6


def test_one_mixed_review_in_four_is_of_two_minds_and_its_label_a_matter_of_chance():
    rows = list(sentences(mixed=True))
    assert Counter(split for split, _ in rows) == SPLIT_SIZES
    assert len({normalise(row["sentence"]) for _, row in rows}) == len(rows)
    torn = [row for _, row in rows if " and " in row["sentence"]]
    assert 0.22 < len(torn) / len(rows) < 0.28
    assert 0.47 < sum(row["label"] for row in torn) / len(torn) < 0.53
    for _, row in rows:
        if " and " in row["sentence"]:
            first, second = row["sentence"].split(" and ")
            assert label_by_reading(first) != label_by_reading(second)
        else:
            assert row["label"] == label_by_reading(row["sentence"]), row
