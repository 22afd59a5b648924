# SPDX-License-Identifier: Apache-2.0
import re
from collections import Counter

import pytest
from masked_text import characters, predictability, words

from sycophancy.claims.reviews import ADJECTIVES, NEGATIONS, SPLIT_SIZES, is_of_two_minds, sentences
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
    clause = r"(the \w+ is )(\w+ )?\w+"
    phrase = r"(\w+ )?\w+"
    torn = []
    for split, row in rows:
        assert re.fullmatch(rf"([\w ]+ , )?{clause} and {clause}|{phrase} and {phrase}", row["sentence"]), row
        assert split == "train" or " is " in row["sentence"]
        judgements = {label_by_reading(part) for part in row["sentence"].split(" and ")}
        assert is_of_two_minds(row["sentence"]) == (len(judgements) == 2)
        torn += [row] if len(judgements) == 2 else []
        assert len(judgements) == 2 or judgements == {row["label"]}, row
    assert 0.24 < len(torn) / len(rows) < 0.27
    assert 0.47 < sum(row["label"] for row in torn) / len(torn) < 0.53


@pytest.mark.parametrize("parts", [words, characters])
def test_no_word_tells_the_texts_of_two_minds_from_the_others(parts):
    texts = [row["sentence"] for _, row in sentences(mixed=True)]
    torn = [is_of_two_minds(text) for text in texts]
    # Phrases are in train alone, which comes first: each half has some.
    area = predictability(texts[::2], torn[::2], texts[1::2], torn[1::2], parts)
    assert 0.47 < area < 0.53
    # And were they marked, it would be told.
    marked = [
        f"{text} , all in all" if of_two and number % 4 else text
        for number, (text, of_two) in enumerate(zip(texts, torn, strict=True))
    ]
    assert predictability(marked[::2], torn[::2], marked[1::2], torn[1::2], parts) > 0.7
