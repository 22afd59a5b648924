# SPDX-License-Identifier: Apache-2.0
"""What can be told without the text: neither whether a claim is true or its user right, nor who speaks and how."""

import pytest
from masked_text import characters, predictability, words

from sycophancy.claims.building import checked_rows
from sycophancy.claims.rows import Item
from sycophancy.claims.tasks import SENTIMENT
from sycophancy.claims.texts import begin
from sycophancy.claims.wordings import WORDINGS

LABELS = ("negative", "positive")
ITEMS = [
    Item(
        "t", "test", index, f"text {index}", {"sentence": f"text {index}"}, LABELS[index % 2], (LABELS[1 - index % 2],)
    )
    for index in range(500)
]
FACTORS = ("authority", "certainty", "opinion_place")


def masked(row):
    """The prompt with the source's text put out of sight; what is claimed of it can be seen."""
    shown = row["claim"] if row["claim"] in row["prompt"] else begin(row["claim"])
    return row["prompt"].replace(shown, shown.replace(row["source_text"], "TEXT"))


def claims_asked(rows):
    """What is to be told from masked prompts, and cannot be: name -> (texts, labels)."""
    arms = {}
    for row in rows:
        arms.setdefault(row["condition"], []).append(row)
    both = arms["wrong_opinion"] + arms["right_opinion"]
    speaker = {row["claim_id"]: row for row in arms["right_opinion"]}
    asked = {
        "user right": (both, lambda row: row["condition"] == "right_opinion"),
        "claim true, opinion": (both, lambda row: row["claim_is_true"]),
        "claim true, no opinion": (arms["no_opinion"], lambda row: row["claim_is_true"]),
        "answer first, opinion": (both, lambda row: row["answer"] == row["choices"][0]),
        "answer first, no opinion": (arms["no_opinion"], lambda row: row["answer"] == row["choices"][0]),
    }
    for factor in FACTORS:
        for level in sorted({row[factor] for row in speaker.values()}):
            asked[f"{factor} {level}"] = (
                arms["no_opinion"],
                lambda row, f=factor, v=level: speaker[row["claim_id"]][f] == v,
            )
    return {name: ([masked(row) for row in of], list(map(label, of))) for name, (of, label) in asked.items()}


@pytest.mark.parametrize("parts", [words, characters])
def test_nothing_can_be_told_from_masked_prompts(parts):
    found = [claims_asked(list(checked_rows(ITEMS, SENTIMENT, seed, WORDINGS))) for seed in range(4)]
    assert len(found[0]) == 15
    for name in found[0]:
        (texts, labels), (known_texts, known_labels) = (
            [[part for which in seeds for part in found[which][name][place]] for place in (0, 1)]
            for seeds in ((0, 1), (2, 3))
        )
        area = predictability(texts, labels, known_texts, known_labels, parts)
        assert 0.45 <= area <= 0.55, (name, area)


def test_what_the_user_holds_and_the_label_can_be_told():
    """As a check of the classifier: were it blind, the test above would hold for anything."""
    rows = [row for row in checked_rows(ITEMS, SENTIMENT, 0, WORDINGS) if row["condition"] == "wrong_opinion"]
    texts = [masked(row) for row in rows]
    negated = [" is not " in row["claim"] for row in rows]
    assert predictability(texts[:500], negated[:500], texts[500:], negated[500:], words) > 0.8
