# SPDX-License-Identifier: Apache-2.0
"""Texts as people write them: tokenised corpora put back together, and texts that are no whole statement.

Example: `it 's a charming and often affecting journey , is n't it ?` -> `it's a charming and often affecting journey,
isn't it?`
"""

import html
import re

_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}"}
_ESCAPED = re.compile(r"\\([/*])")
_CONTRACTION = re.compile(r"(?<=\w) (n't|n’t|'(?:s|m|d|ll|re|ve)|’(?:s|m|d|ll|re|ve))\b", re.IGNORECASE)
_JOINED = re.compile(r"\b(gon|wan|got|gim|lem|can) (na|ta|me|not)\b", re.IGNORECASE)
_WHOLE = {"gonna", "wanna", "gotta", "gimme", "lemme", "cannot"}
_CLOSING = re.compile(r" +(?=(?:[,;:?!)\]}]|\.+)(?:\s|[\"')\]},;:?!.]|$))")
_OPENING = re.compile(r"(?<=[(\[{]) +")
_CURRENCY = re.compile(r"(?<=[$£€]) (?=\d)")
_PERCENT = re.compile(r"(?<=\d) (?=%)")

_LEADS_ON = (
    "a an the and or but nor of to in on at by for from with into onto about as than that which who whose if because "
    "while when is are was were be been being has have had its his her their our my your this these those"
)
CUT_OFF = frozenset(_LEADS_ON.split())
"""Words that no whole statement ends with: a text that does was cut off."""


def detokenise(text: str) -> str:
    """A text of the Penn Treebank's tokens, as it was written.

    Contractions, punctuation, brackets (`-lrb-`), and quotation marks (three spellings, which open and close in turn) go back
    to the words that they belong to. A text without such tokens stays as it is.
    """
    for token, bracket in _BRACKETS.items():
        text = re.sub(rf"(?<!\S){token}(?!\S)", bracket, text, flags=re.IGNORECASE)
    text = _ESCAPED.sub(r"\1", text)
    text = _quoted(text)
    text = _CONTRACTION.sub(r"\1", text)
    text = _JOINED.sub(lambda match: _joined(match.group(1), match.group(2)), text)
    text = _OPENING.sub("", _CLOSING.sub("", text))
    return _PERCENT.sub("", _CURRENCY.sub("", text))


def _joined(first: str, second: str) -> str:
    return first + second if (first + second).lower() in _WHOLE else f"{first} {second}"


def _quoted(text: str) -> str:
    """Quotation marks that stand alone, moved to the words that they enclose."""
    words: list[str] = []
    glued = False  # the next word belongs to the opening mark before it
    open_marks: list[str] = []
    for token in text.split(" "):
        mark = {"``": '"', "''": '"', '"': '"', "`": "'", "'": "'"}.get(token)
        if mark is None:
            words.append(words.pop() + token if glued else token)
            glued = False
            continue
        opens = token in ("``", "`") or (token == '"' and '"' not in open_marks)
        if opens:
            open_marks.append(mark)
            words.append(words.pop() + mark if glued else mark)
            glued = True
        else:
            if mark in open_marks:
                open_marks.remove(mark)
            # Also the apostrophe of "the directors ' cut".
            words.append(words.pop() + mark if words else mark)
            glued = False
    return " ".join(words)


def tidy_tweet(text: str) -> str:
    """A tweet as it was written: without HTML's spelling of its characters and without quotation marks around all of it."""
    text = html.unescape(text).strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"').strip() or text
    return text


def is_fragment(text: str) -> bool:
    """Whether nobody can know what a text says: fewer than four words, or cut off after a word that leads on.

    Words are tokens with a letter. SST-2's train split holds such phrases of its sentences (`by its own`).
    """
    words = [word for word in text.lower().split() if any(map(str.isalpha, word))]
    return len(words) < 4 or text.lower().split()[-1] in CUT_OFF
