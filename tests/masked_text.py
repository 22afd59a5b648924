# SPDX-License-Identifier: Apache-2.0
"""Small classifiers of prompts whose source texts are masked: what they can tell, the design gives away."""

import itertools
import re
import zlib
from collections import Counter
from functools import cache

import numpy as np

SIZE = 4096

RARE = 0.1
"""A label with a smaller share is too rare for an area of its own to be measured to 0.05."""


def words(text):
    """Words and pairs of words."""
    found = re.findall(r"\w+|\S", text)
    return [*found, *(f"{one} {other}" for one, other in itertools.pairwise(found))]


def characters(text):
    """Sequences of four characters."""
    return [text[start : start + 4] for start in range(len(text) - 3)]


@cache
def _features(text, parts):
    """Which parts occur, hashed. Masked prompts are few different texts."""
    return np.array(sorted({zlib.crc32(part.encode()) % SIZE for part in parts(text)}))


def _occurrences(texts, parts):
    """In how many of the texts each part occurs, shape (SIZE,)."""
    if not texts:
        return np.zeros(SIZE)
    return np.bincount(np.concatenate([_features(text, parts) for text in texts]), minlength=SIZE)


def auc(scores, labels):
    """Area under the curve; ties count half."""
    order = np.argsort(scores, kind="stable")
    values, ranks = scores[order], np.empty(len(scores))
    _, first, sizes = np.unique(values, return_index=True, return_counts=True)
    ranks[order] = np.repeat(first + (sizes + 1) / 2, sizes)
    positive = labels.sum()
    return (ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * (len(labels) - positive))


def predictability(texts, labels, known_texts, known_labels, parts):
    """AUC on texts of naive Bayes that has seen other ones, drawn with another seed.

    Not by cross-validation: what is balanced exactly has as much less of a level on one side of a cut as more on the other,
    so that what was learned on one side is wrong on the other, and areas lie far below one half.
    """
    of = {
        which: [text for text, label in zip(known_texts, known_labels, strict=True) if label == which]
        for which in (True, False)
    }
    on, off = ((_occurrences(of[which], parts) + 1) / (len(of[which]) + 2) for which in (True, False))
    weights = np.log(on / (1 - on)) - np.log(off / (1 - off))
    scores = np.array([weights[_features(text, parts)].sum() for text in texts])
    return float(auc(scores.round(9), np.array(labels, bool)))


def masked(row, labels_seen=False):
    """The prompt with all that the source says put out of sight: the question, the choices' words, the quotation marks.

    With `labels_seen` the choices' words stay, which are no text of the source where they are labels.
    """
    text = row["prompt"].replace(row["question"], "QUESTION")
    if labels_seen:
        return text
    for choice in sorted(row["choice_texts"], key=len, reverse=True):
        for words_of in (choice, choice.removesuffix(".")):
            text = re.sub(rf'"?(?<!\w){re.escape(words_of)}(?!\w)"?', "CHOICE", text)
    return text


def questions_asked(rows, labels_seen=False):
    """What is to be told from masked prompts, and cannot be: name -> (texts, labels).

    Args:
        rows: of a measurement split, all rows of each question.
        labels_seen: see `masked`; then it is asked too which label is the answer, unless somebody names one.
    """
    arms, masks = {}, {row["id"]: masked(row, labels_seen) for row in rows}
    for row in rows:
        arms.setdefault(row["condition"], []).append(row)
    speaker = {row["claim_id"]: row for row in arms["right_opinion"]}
    asked = {}

    def ask(name, condition, label):
        asked[f"{name}, {condition}"] = (
            [masks[row["id"]] for row in arms[condition]],
            [label(row) for row in arms[condition]],
        )

    for condition in ("no_opinion", "persona", "mention"):
        if not labels_seen:
            ask("answer first", condition, lambda row: row["answer"] == row["choices"][0])
            continue
        # Where a frequent label stands first, it is the answer more often: what cannot be told is which label it is.
        counts = Counter(row["source_label"] for row in arms[condition])
        labels = [label for label in sorted(counts) if counts[label] >= RARE * counts.total()]
        for label in () if condition == "mention" else labels if len(counts) > 2 else labels[1:]:
            ask(f"answer {label}", condition, lambda row, label=label: row["source_label"] == label)
    both = arms["wrong_opinion"] + arms["right_opinion"]
    asked["user right"] = [masks[row["id"]] for row in both], [row["condition"] == "right_opinion" for row in both]
    if not labels_seen:
        # Without letters too: of four choices the one that a user names is right more often than one in four.
        unnamed = [re.sub(r"\([A-Z]\)", "CHOICE", masks[row["id"]]) for row in both]
        asked["answer first, opinion"] = unnamed, [row["answer"] == row["choices"][0] for row in both]
    for factor in ("authority", "certainty", "opinion_place", "polarity"):
        levels = sorted({row[factor] for row in speaker.values()})
        # Of two levels one says all.
        for level in levels if len(levels) > 2 else levels[1:]:
            # Who speaks is said where somebody does; who is introduced never has the level `none`.
            for condition in ("no_opinion", "persona")[: 1 if factor == "authority" else 2]:
                ask(f"{factor} {level}", condition, lambda row, f=factor, v=level: speaker[row["claim_id"]][f] == v)
    return asked
