# SPDX-License-Identifier: Apache-2.0
"""Labels that a claim cannot deny: "is not not nurse", "is not other", "is not the text praises the film?"

Half of all claims say "is not LABEL". That has a meaning only if the label says what a thing is: not where it is the
denial of another label, says nothing, or is a sentence.
"""

import re
from collections.abc import Sequence

MAX_WORDS = 12
"""A longer label is a sentence, and "is not" before it no English."""

# Words that deny what follows, wherever they stand; of other languages those that are no words of English.
DENIALS = {
    "not", "no", "never", "none", "neither", "nor", "nobody", "nothing", "nowhere", "nicht", "kein", "keine", "keinen",
    "weder", "niet", "geen", "inte", "aucun", "aucune", "ningún", "ninguna", "nessun", "nessuna", "não", "nenhum",
    "nenhuma", "не", "нет", "нема", "nije", "değil",
}  # fmt: skip

# Denials where the rest is a label too: "is not without a licence" says something, but not beside "with a licence".
ONLY_IN_PAIRS = {
    "without", "non", "lacks", "lacking", "free", "anti", "senza", "без", "pas", "sans", "ne", "sin", "sem", "ohne",
    "ingen", "utan", "zonder", "nie", "bez", "mai",
}  # fmt: skip

# What stands before or after what is denied and says nothing of its own.
_VERBS = {
    "is", "are", "was", "be", "do", "does", "did", "has", "have", "can", "will", "would", "should", "could", "ist", "est", "es",
}  # fmt: skip
_SMALL = {*_VERBS, "it", "a", "an", "the", "with", "contains", "contain", "any", "of", "from", "ein", "eine", "un", "une", "mit",
          "con", "avec", "una", "com", "met"}  # fmt: skip
_PREFIXES = ("non", "nicht", "не", "非", "不", "没有", "没", "无", "無", "未")
# Parts of words: "is not unwanted" is English, though harder to read than "is not wanted".
_SOFT_PREFIXES = ("un", "in", "im", "il", "ir", "dis")
_SUFFIXES = ("ではない", "じゃない", "ない", "아님", "아니다")
SAYS_NOTHING = {
    "other", "others", "unknown", "unclear", "undefined", "unspecified", "unsure", "n/a", "n.a.", "na", "misc",
    "miscellaneous", "rest", "else", "etc", "etc.", "andere", "anderes", "sonstige", "sonstiges", "unbekannt", "autre",
    "autres", "inconnu", "otro", "otros", "desconocido", "altro", "altri", "overig", "outro", "outros",
}  # fmt: skip

WHAT_WOULD_DO = (
    'name what it is instead, as "a nurse,another profession" for "nurse,not nurse" or "spam,wanted mail" for '
    '"spam,no spam"'
)


def check_labels(names: Sequence[str], negated_statement: str | None = None) -> None:
    """Raise `ValueError` unless a claim can deny each of the labels.

    Args:
        names: the words for the labels in a claim.
        negated_statement: where the user has written it: then labels are taken that "is not" does not fit, but none
            that make it deny twice running ("is not no spam").

    Raises:
        ValueError: a label denies another, says nothing or is a sentence; the words that would do are named.
    """
    if negated_statement is not None:
        before = _words(negated_statement.partition("{label}")[0])
        twice = [name for name in names if before and _denies(before[-1]) and _denies((_words(name) or [""])[0])]
        if twice:
            shown = negated_statement.replace("{label}", twice[0])
            raise ValueError(f"--label_names: expected labels that can be denied, got {shown!r}; {WHAT_WOULD_DO}")
        return
    problem = next((problem for name in names if (problem := _problem(name, names))), None)
    if problem:
        raise ValueError(
            f"--label_names: expected labels that can be denied, got {problem}; {WHAT_WOULD_DO}, or pass a "
            "--negated_statement that fits them all"
        )


def doubtful_labels(names: Sequence[str]) -> str | None:
    """What to say of labels that can be denied, but are hard to read when they are: `wanted,unwanted`."""
    for name in names:
        for other in names:
            if name != other and _is_denial(name, other, _SOFT_PREFIXES):
                return (
                    f'half of the claims about {name!r} will say "is not {name}", a double denial; a word that does not deny '
                    f"{other!r} is easier to read"
                )
    return None


def _problem(name: str, names: Sequence[str]) -> str | None:
    """Why "is not NAME" would not do, in words."""
    words = _words(name)
    denied = [other for other in names if other != name and _is_denial(name, other)]
    if denied:
        return f'{name!r}, which denies {denied[0]!r}: a claim would say "is not {name}"'
    begins = words[1:] if words[:1] and words[0] in _VERBS else words
    if begins and _denies(begins[0]) and begins[0] not in ONLY_IN_PAIRS and not re.match(r"\s*no-", name, re.I):
        return f'{name!r}, which denies: a claim would say "is not {name}"'
    if name.strip().casefold() in SAYS_NOTHING or not re.search(r"\w", name):
        return f'{name!r}, which says nothing: a claim would say "is not {name}"'
    if len(words) > MAX_WORDS or re.search(r"[.?!。？！]$", name.strip()):
        return f"{name!r}, which is a sentence: a claim would deny it as a word"
    return None


def _words(text: str) -> list[str]:
    """Lower-case words, contractions of "not" as a word of their own: `isn't spam` is `is not spam`."""
    text = (
        text.casefold()
        .replace("\u2019", "'")
        .replace("_", " ")
        .replace("can't", "can not")
        .replace("won't", "will not")
    )
    text = re.sub(r"(\w)n't\b", r"\1 not", text).replace("cannot", "can not")
    return re.findall(r"\w+", re.sub(r"\b(d|l|n)'", r"\1 ", text))


def _denies(word: str) -> bool:
    return word in DENIALS or word in ONLY_IN_PAIRS


def _is_denial(name: str, other: str, prefixes: Sequence[str] = _PREFIXES) -> bool:
    """Whether one label is another with a denial: a word (`no spam`) or a part of one (`non-toxic`, `不好`)."""
    words, others = _words(name), _words(other)
    if (
        sum(map(_denies, words)) > sum(map(_denies, others))
        and _content(words) == _content(others)
        and _content(others)
    ):
        return True
    longer, shorter = "".join(words), "".join(others)
    if longer.endswith(shorter) and (prefix := longer.removesuffix(shorter)) in prefixes:
        return _is_whole(shorter, prefix)
    if longer.startswith(shorter) and longer[len(shorter) :] in _SUFFIXES:
        return bool(shorter)
    # In one word of several: "likely true", "likely untrue".
    if len(words) == len(others) > 1:
        changed = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
        return len(changed) == 1 and _is_denial(*changed[0], prefixes)
    return False


def _is_whole(base: str, prefix: str) -> bool:
    """Whether what is left without the prefix is a word: "form" is not denied by "inform"."""
    return len(base) >= (5 if prefix in ("in", "im", "il", "ir", "dis") else 3) or not base.isascii()


def _content(words: Sequence[str]) -> list[str]:
    """The words that say something, without their plural or person."""
    return [re.sub(r"(?<=\w{3})e?s$", "", word) for word in words if word not in _SMALL and not _denies(word)]
