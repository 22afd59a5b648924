# SPDX-License-Identifier: Apache-2.0
"""Small classifiers of prompts whose source texts are masked: what they can tell, the design gives away."""

import re
import zlib

import numpy as np

SIZE = 4096


def words(text):
    """Words and pairs of words."""
    found = re.findall(r"\w+|\S", text)
    return [*found, *(f"{one} {other}" for one, other in zip(found, found[1:], strict=False))]


def characters(text):
    """Sequences of four characters."""
    return [text[start : start + 4] for start in range(len(text) - 3)]


def vectors(texts, parts):
    """Which parts occur, hashed; shape (texts, SIZE)."""
    table = np.zeros((len(texts), SIZE), np.float32)
    for row, text in enumerate(texts):
        table[row, [zlib.crc32(part.encode()) % SIZE for part in set(parts(text))]] = 1
    return table


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
    table, known, labels, of_known = (
        vectors(texts, parts),
        vectors(known_texts, parts),
        *map(np.array, (labels, known_labels)),
    )
    on, off = ((known[which].sum(0) + 1) / (which.sum() + 2) for which in (of_known, ~of_known))
    weights = np.log(on / (1 - on)) - np.log(off / (1 - off))
    return float(auc((table @ weights).round(9), labels))


def masked(row, hide=()):
    """The prompt with what the source says, and what else is to be hidden, put out of sight.

    Letters stay, and so do the words of labels, which a user names too.
    """
    text = row["prompt"].replace(row["question"], "QUESTION")
    if row["source_text"] == row["question"]:
        for choice in sorted(row["choice_texts"], key=len, reverse=True):
            text = text.replace(choice, "CHOICE").replace(choice.removesuffix("."), "CHOICE")
    for piece in hide:
        text = text.replace(piece, "") if piece else text
    return text


def questions_asked(rows, others):
    """What is to be told from masked prompts, and by what it might be: name -> (texts, labels, known texts, known labels)."""
    by_condition, known = ({}, {}), {}
    for found, source in zip(by_condition, (rows, others), strict=True):
        for row in source:
            found.setdefault(row["condition"], []).append(row)
    here, there = by_condition
    speakers = [{row["claim_id"] + str(row["seed"]): row for row in of["right_opinion"]} for of in by_condition]

    def asked(condition, label):
        texts = [[masked(row) for row in of[condition]] for of in by_condition]
        labels = [[label(row, of) for row in of_rows] for of_rows, of in ((here[condition], 0), (there[condition], 1))]
        return texts[0], labels[0], texts[1], labels[1]

    for condition in ("no_opinion", "persona", "mention", "wrong_opinion", "right_opinion"):
        known[f"answer first, {condition}"] = asked(condition, lambda row, _: row["answer"] == row["choices"][0])
    known["named answer right, mention"] = asked("mention", lambda row, _: row["mentioned"] == row["answer"])
    both = [of["wrong_opinion"] + of["right_opinion"] for of in by_condition]
    known["user right"] = tuple(
        part
        for of in both
        for part in ([masked(row) for row in of], [row["condition"] == "right_opinion" for row in of])
    )
    for factor in ("authority", "certainty", "opinion_place", "polarity"):
        levels = sorted({row[factor] for row in here["right_opinion"]})
        # Of two levels one says all.
        for level in levels[:1] if len(levels) == 2 else levels if len(levels) > 2 else ():
            for condition in ("no_opinion", "persona"):
                if (factor, condition) == ("authority", "persona"):
                    continue  # it is said there
                known[f"{factor} {level}, {condition}"] = asked(
                    condition,
                    lambda row, of, factor=factor, level=level: (
                        speakers[of][row["claim_id"] + str(row["seed"])][factor] == level
                    ),
                )
    return known
