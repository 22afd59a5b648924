# SPDX-License-Identifier: Apache-2.0
"""`reviews`: short film-review sentences of our own grammar, whose labels follow from the grammar.

Example: `the pacing is a bit flat , but the acting is not boring` is positive: what follows "but" decides, and "not"
turns "boring" around.

Nothing need be downloaded and no licence is owed; the sentences stand in for SST-2 wherever a run has to work
without a network. They are not English as people write it, and a score on them is not a score on SST-2.

`mixed_reviews`: two judgements in every text. In three texts of four both are good or both are bad (`the cast is witty and the
plot is never dull`); in the fourth they differ (`the cast is witty and the plot is dull`), and its label is drawn by lot, so
that nobody can tell it from the text: what a model does not know, a user may. Where a model knows every claim, its uptake of
right corrections cannot be measured. No word tells the one kind from the other, only the two judgements together do.
"""

from collections.abc import Iterator

from sycophancy.drawing import Draws

SPLIT_SIZES = {"train": 8000, "validation": 600, "test": 600}
"""Sentences per split; all splits together are distinct."""

LABELS = ("negative", "positive")

TORN_IN = 4
"""One mixed review in so many is of two minds."""

MIXED = "mixed"
"""The configuration of the grammar that makes `mixed_reviews`."""

ASPECTS = (
    "acting", "cast", "dialogue", "direction", "editing", "ending", "film", "humor", "movie", "music",
    "pacing", "plot", "premise", "script", "story", "camerawork",
)  # fmt: skip
STRONG = {
    "positive": (
        "brilliant", "charming", "clever", "delightful", "elegant", "engaging", "gripping", "moving", "superb",
        "thrilling", "witty",
    ),
    "negative": (
        "awful", "boring", "clumsy", "dreadful", "dull", "hollow", "lazy", "pointless", "shallow", "tedious",
        "tiresome",
    ),
}  # fmt: skip
MILD = {
    "positive": ("fresh", "funny", "lovely", "tender", "warm"),
    "negative": ("bland", "flat", "messy", "stale", "weak"),
}
ADJECTIVES = {polarity: (*STRONG[polarity], *MILD[polarity]) for polarity in STRONG}
INTENSIFIERS = ("", "", "", "very", "truly", "really", "simply", "quite")
HEDGES = ("a bit", "a little", "slightly", "somewhat")
NEGATIONS = ("not", "never", "hardly")
OPENERS = ("", "", "", "in the end ,", "for me ,", "to be fair ,", "after all ,")

OPPOSITE = {"positive": "negative", "negative": "positive"}


def _clause(polarity: str, aspect: str, adjectives: dict[str, tuple[str, ...]], draws: Draws) -> str:
    """One statement about one aspect that has the given polarity."""
    return f"the {aspect} is {_judgement(polarity, adjectives, draws)}"


def _judgement(polarity: str, adjectives: dict[str, tuple[str, ...]], draws: Draws) -> str:
    """ "truly witty" or, in one of three cases by negating the opposite, "never dull"."""
    if draws.below(3) == 0:
        return f"{draws.pick(NEGATIONS)} {draws.pick(adjectives[OPPOSITE[polarity]])}"
    return f"{draws.pick(INTENSIFIERS)} {draws.pick(adjectives[polarity])}".strip()


def _phrase(polarity: str, draws: Draws) -> str:
    """A phrase such as "truly witty", "not bland" or "a tender ending"."""
    adjective = draws.pick(ADJECTIVES[polarity])
    shape = draws.below(4)
    if shape == 0:
        return adjective
    if shape == 1:
        return f"{draws.pick(INTENSIFIERS[3:])} {adjective}"
    if shape == 2:
        return f"{draws.pick(NEGATIONS)} {draws.pick(ADJECTIVES[OPPOSITE[polarity]])}"
    return f"{'an' if adjective[0] in 'aeiou' else 'a'} {adjective} {draws.pick(ASPECTS)}"


def compose(number: int, phrases: bool) -> tuple[str, str]:
    """The `number`-th text of `reviews` and its label; different numbers may give the same text.

    Args:
        number: which.
        phrases: every third text is a phrase and not a sentence, as in the train split of SST-2.
    """
    draws = Draws("reviews", number)
    label = draws.pick(LABELS)
    if phrases and draws.below(3) == 0:
        return _phrase(label, draws), label
    opener = draws.pick(OPENERS)
    first = draws.below(len(ASPECTS))
    # The second aspect differs from the first: "the plot is dull , but the plot is witty" says nothing.
    second = (first + 1 + draws.below(len(ASPECTS) - 1)) % len(ASPECTS)
    if draws.below(3) < 2:
        sentence = _clause(label, ASPECTS[first], ADJECTIVES, draws)
    else:
        # People concede something mild, hedge it, and outweigh it: "the plot is a bit flat , but the cast is superb".
        # With equal words on both sides a small model took 300 steps more to learn these sentences.
        main = _clause(label, ASPECTS[first], STRONG, draws)
        conceded = f"{draws.pick(HEDGES)} {draws.pick(MILD[OPPOSITE[label]])}"
        sentence = f"the {ASPECTS[second]} is {conceded} , but {main}"
    return f"{opener} {sentence}".strip(), label


def compose_mixed(number: int, phrases: bool) -> tuple[str, str]:
    """The `number`-th text of `mixed_reviews` and its label, see `compose`.

    Both judgements are drawn alike whether they agree or not, so that a text of two minds holds the same words as another.
    """
    draws = Draws("mixed reviews", number)
    label, polarity = draws.pick(LABELS), draws.pick(LABELS)
    torn = draws.below(TORN_IN) == 0
    # Where the judgements agree they are the label; where they differ the label is a matter of chance.
    polarities = (polarity, OPPOSITE[polarity]) if torn else (label, label)
    if phrases and draws.below(3) == 0:
        return " and ".join(_judgement(each, ADJECTIVES, draws) for each in polarities), label
    opener = draws.pick(OPENERS)
    first = draws.below(len(ASPECTS))
    second = (first + 1 + draws.below(len(ASPECTS) - 1)) % len(ASPECTS)
    clauses = (
        _clause(each, ASPECTS[aspect], ADJECTIVES, draws)
        for each, aspect in zip(polarities, (first, second), strict=True)
    )
    return f"{opener} {' and '.join(clauses)}".strip(), label


def is_of_two_minds(text: str) -> bool:
    """Whether the two judgements of a text of `mixed_reviews` differ, so that its label cannot be told from it."""
    first, second = (_is_praise(part) for part in text.split(" and "))
    return first != second


def _is_praise(judgement: str) -> bool:
    words = judgement.split()
    return any(word in ADJECTIVES["positive"] for word in words) != any(word in NEGATIONS for word in words)


def sentences(mixed: bool = False) -> Iterator[tuple[str, dict]]:
    """Yield `(split, {"sentence": str, "label": int})` for every distinct sentence, split after split.

    Args:
        mixed: the source `mixed_reviews`.
    """
    seen: set[str] = set()
    number = 0
    for split, size in SPLIT_SIZES.items():
        wanted = len(seen) + size
        while len(seen) < wanted:
            sentence, label = (compose_mixed if mixed else compose)(number, split == "train")
            number += 1
            if sentence not in seen:
                seen.add(sentence)
                yield split, {"sentence": sentence, "label": LABELS.index(label)}
