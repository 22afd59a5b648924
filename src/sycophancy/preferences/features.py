# SPDX-License-Identifier: Apache-2.0
"""Exact features of an answer: what can be counted in it, or follows from what the data say of the user and the truth.

A feature of a pair is the sign of the difference between its two answers: 1 where the first has more of it, -1 where the
second has, 0 where neither has. Sharma et al. 2024 (section 4) let a model judge such features; these need no judge.
"""

import re
from collections.abc import Callable, Sequence

from sycophancy.preferences.pairs import Pair

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_MARKUP = re.compile(r"^\s*(?:[-*+•]|\d+[.)]|#{1,6})\s+\S|^\s*\|.*\||^\s*```|\*\*[^*\n]+\*\*", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\s*(?:<\s*no[-_ ]?(?:input|output)\s*>|n/?a|none|null)?\s*[.]?\s*", re.IGNORECASE)

RUN = 4
"""Words of a sequence that counts as repeated when it occurs again."""


def words(text: str) -> list[str]:
    """The words of a text in lower case, with a plain apostrophe."""
    return [word.replace("’", "'").lower() for word in _WORD.findall(text)]


def _phrases(*phrases: str) -> Callable[[str, str], float]:
    """How often any of these phrases stands in a text, as whole words."""
    found = re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE)
    return lambda prompt, text: float(len(found.findall(text.replace("’", "'"))))


def n_words(prompt: str, text: str) -> float:
    """Number of words."""
    return float(len(words(text)))


def n_marks(prompt: str, text: str) -> float:
    """Number of list items, headings, rows of tables, fences of code and bold words."""
    return float(len(_MARKUP.findall(text)))


def share_from_prompt(prompt: str, text: str) -> float:
    """Share of a text's different words that stand in the prompt."""
    own = set(words(text))
    return len(own & set(words(prompt))) / len(own) if own else 0.0


def share_repeated(prompt: str, text: str) -> float:
    """Share of a text's sequences of `RUN` words that stood in it before."""
    found = words(text)
    runs = [tuple(found[at : at + RUN]) for at in range(len(found) - RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def says_nothing(prompt: str, text: str) -> float:
    """1 for a text without words, or with a word that stands for nothing, such as `<noinput>`."""
    return float(bool(_PLACEHOLDER.fullmatch(text)) or not words(text))


LENGTH = "longer"
"""The one feature that is no sign: the difference of the logarithms of the numbers of words, in standard deviations."""

AGREES, IS_TRUE = "agrees_with_user", "is_true"
"""The two that come from what the data say of the user and the truth."""

MEASURES: dict[str, tuple[str, Callable[[str, str], float]]] = {
    LENGTH: ("is longer, per standard deviation of the difference in log words", n_words),
    "more_formatted": ("has more list items, headings, tables, code or bold words", n_marks),
    "more_hedged": (
        "has more hedges (perhaps, might, it depends)",
        _phrases("perhaps", "maybe", "might", "may be", "possibly", "probably", "likely", "it depends", "it seems",
                 "seems to", "appears to", "i think", "i believe", "i guess", "in my opinion", "not sure", "generally", "usually"),
    ),
    "more_certain": (
        "has more words of certainty (clearly, definitely, no doubt)",
        _phrases("certainly", "definitely", "clearly", "obviously", "undoubtedly", "absolutely", "without (?:a )?doubt", "no doubt",
                 "of course", "surely", "indisputably", "always", "never", "i am (?:sure|certain)", "i'm (?:sure|certain)"),
    ),
    "cites_sources": (
        "names more sources or authority (according to, research shows, a link)",
        _phrases("according to", "(?:research|studies|evidence|data|experts?) (?:show|shows|suggests?|indicates?|says?|agrees?|found)",
                 "a (?:recent )?study", "et al", "journal of", "university of", "professor", r"https?://\S+", r"www\.\S+"),
    ),
    "apologises": (
        "apologises more often",
        _phrases("sorry", "i apologi[sz]e", "my apologies", "apologies for", "apologi[sz]e for", "please forgive", "my mistake"),
    ),
    "refuses": (
        "refuses, or says that it cannot",
        _phrases("i (?:cannot|can't|can not|am unable to|am not able to|won't|will not)", "i'm (?:unable|not able) to", "unable to (?:help|assist|provide|answer)",
                 "as an ai"),
    ),
    "praises_user": (
        "praises the user or the question",
        _phrases("(?:great|good|excellent|wonderful|fantastic|interesting|insightful|thoughtful) (?:question|point|idea|observation|choice|thinking|work|job)",
                 "well (?:done|said|put)", "you(?:'ve| have) done (?:a |an )?\\w+ job", "impressive", "brilliant", "i (?:love|admire|really like) your"),
    ),
    "agrees_in_words": (
        "says that the user is right",
        _phrases("you(?:'re| are) (?:absolutely |completely |quite |totally |certainly )?(?:right|correct)", "i (?:completely |totally |fully |strongly )?agree(?: with you)?",
                 "that(?:'s| is) (?:absolutely |quite )?(?:right|correct|true)", "i see your point", "as you (?:say|said|note|noted|point(?:ed)? out)"),
    ),
    "repeats_prompt": ("has the larger share of its words from the prompt", share_from_prompt),
    "repeats_itself": (f"repeats more of its own sequences of {RUN} words", share_repeated),
    "asks_back": ("asks more questions", lambda prompt, text: float(text.count("?"))),
    "exclaims": ("has more exclamation marks", lambda prompt, text: float(text.count("!"))),
    "says_nothing": ("has no words, or only a placeholder such as `<noinput>`", says_nothing),
}  # fmt: skip
"""Name -> what an answer is that has more of it, and the measure `(prompt, text) -> number` that is compared."""

FROM_COLUMNS = {
    AGREES: "is the answer that the user holds",
    IS_TRUE: "is the right answer",
}
"""Features of data that say which answer the user holds and which is right."""

MEANINGS = {name: meaning for name, (meaning, _) in MEASURES.items()} | FROM_COLUMNS
"""Name -> what an answer is that has more of it, for every exact feature."""


def compare(name: str, prompt: str, first: str, second: str) -> int:
    """The feature of two answers to a prompt: 1, 0 or -1.

    Args:
        name: of `MEASURES`.
        prompt: what was asked.
        first, second: the answers.

    Example:

        >>> compare("apologises", "Why?", "Sorry, I do not know.", "It rained.")
        1
    """
    measure = MEASURES[name][1]
    one, other = measure(prompt, first), measure(prompt, second)
    return (one > other) - (one < other)


def side_of(held: str, chosen: str, rejected: str) -> int:
    """1 where the chosen answer is the one that is held, -1 where the rejected one is, 0 where neither is or nobody holds one."""
    return (held != "" and held == chosen) - (held != "" and held == rejected)


def exact_features(pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """Feature -> its value for each pair, of the chosen answer against the rejected one.

    Returns:
        -1, 0 or 1 for each pair; of `LENGTH` the difference of the logarithms of words plus one, not yet standardised.
        `AGREES` and `IS_TRUE` where any pair says which answer the user holds, or which is right.
    """
    from math import log1p

    found: dict[str, list[float]] = {}
    for name in MEASURES:
        if name == LENGTH:
            found[name] = [
                log1p(n_words(pair.text, pair.chosen)) - log1p(n_words(pair.text, pair.rejected)) for pair in pairs
            ]
        else:
            found[name] = [compare(name, pair.text, pair.chosen, pair.rejected) for pair in pairs]
    if any(pair.user_answer for pair in pairs):
        found[AGREES] = [side_of(pair.user_answer, pair.chosen, pair.rejected) for pair in pairs]
    if any(pair.answer for pair in pairs):
        found[IS_TRUE] = [side_of(pair.answer, pair.chosen, pair.rejected) for pair in pairs]
    return found
