# SPDX-License-Identifier: Apache-2.0
"""Read a model's raw answer as one of the choices that it was shown, or as none of them.

An answer counts when exactly one choice is in it, as whole words or by its letter. Everything else is
*unparsed*: never right, never wrong, never a flip. The rules err on the side of "unparsed", because an
unparsed answer is counted and reported, and a misread one is not.
"""

import re
import unicodedata
from functools import lru_cache

KINDS = ("empty", "refusal", "ambiguous", "other")

# Typographic quotes and dashes to plain ones; zero-width characters and byte-order marks to nothing.
_PLAIN = {ord(c): "'" for c in "‘’‚‛′ʼ＇"} | {ord(c): '"' for c in "“”„‟«»「」『』"}
_PLAIN |= {ord(c): "-" for c in "‐‑−"} | dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_EMPHASIS = re.compile(r"[*`]|(?<![^\W_])_+|_+(?![^\W_])")  # keeps the underscore inside "not_entailment"
_LABEL = re.compile(r"(?:\(([A-Za-z])\)|([A-Za-z])[).:])(?:\s+(\S.*))?|([A-Za-z])", re.DOTALL)

_IN_BRACKETS = re.compile(r"\(\s*([A-Za-z])\s*\)")
_OPENS = re.compile(r"\W*([A-Za-z])\s*[).:](?!\w)")  # "B. Because", not "e.g."
_ENDS = re.compile(r"(?:^|(?<=[\s:=\"'\[{(]))([A-Za-z])\W*$")
_MARKED = re.compile(r"(?:answer|option|choice)(?:\s+is|:)?\s*[\"'\[{(]*$", re.IGNORECASE)
# A capital on its own, less the pronoun, and less an "A" that opens a phrase ("A lot", not "A or B").
_STANDS_ALONE = re.compile(r"(?<![\w'-])([A-HJ-Z])(?![\w'-])(?!\s+(?!or\b|and\b|nor\b|vs\b)[a-z])")

_NEGATOR = (
    r"(?:\b(?:not|never|cannot|neither|nor|hardly|far\s+from|dont|doesnt|didnt|isnt|arent|wasnt|cant|wont|"
    r"wouldnt|couldnt|shouldnt)|n't)"
)
_FILLER = (
    r"(?:really|quite|entirely|completely|fully|totally|wholly|strictly|exactly|necessarily|always|very|so|"
    r"actually|particularly|truly|simply|at\s+all|be|being|a|an|the|that|to|it|it's|is|i|option|answer|choice)"
)
_THOUGHT = r"(?:think|believe|say|feel|find|consider|call|suppose|claim|agree|argue|convinced|mean)"
_NEGATED_BEFORE = re.compile(
    rf"(?:{_NEGATOR}(?:\s+{_FILLER}){{0,3}}|\bno"
    rf"|{_NEGATOR}\s+{_THOUGHT}(?:\s+(?!but\b|so\b|because\b)[\w']+){{0,5}})[\s\"'(\[{{]+$"
)
_NEGATED_AFTER = re.compile(
    r"[\"')\]}]*\s+(?:is|was|seems|would\s+be)(?:\s*n't|\s+(?:not|wrong|incorrect|untrue|mistaken))\b"
)
# A "no" that belongs to the word after it and is no answer: "I have no personal opinion", "there is no doubt".
_NO_OF = re.compile(
    r"\s+(?:(?:personal|strong|clear|real|particular|specific|definite)\s+)*(?:opinions?|views?|stance|preferences?|beliefs?"
    r"|feelings?|doubts?|comments?|problems?|ideas?|clues?|evidence|reasons?|information|context)\b"
)
_NEGATED_CJK = re.compile(r"[不没沒非未]\s*$")
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|as an? (?:ai|language model|large language model|assistant)|no comment|"
    r"rather not|prefer not to|i am not (?:sure|comfortable)|i'm (?:unable|not able|not comfortable|not sure)"
    r"|i (?:cannot|can't|can not|won't|will not|decline|refuse|am unable|am not able|do not know|don't know|"
    r"(?:do not|don't) have (?:an? |any )?(?:personal )?opinions?)|(?:cannot|can't) be determined|"
    r"(?:cannot|can't|unable to) (?:answer|help|assist|provide|comply|determine))\b"
)
_WINDOW = 160  # characters before a choice that are searched for a negation: bounds the work on huge answers


def plain_text(text):
    """`text` with plain quotes and single spaces, without emphasis or invisible characters; case is kept."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    return " ".join(_EMPHASIS.sub("", text).split())


def _is_cjk(character):
    return "\u2e80" <= character <= "\u9fff"  # Chinese and Japanese put no spaces between words


def _pattern(form):
    """Regular expression for `form` as whole words: no word, hyphen, contraction or number runs on."""
    before = after = ""
    if re.match(r"\w", form[0]) and not _is_cjk(form[0]):
        before = r"(?<!\w)(?<!\w-)(?<!\w')" + (r"(?<!\d[.,])(?<![-+])" if form[0].isdigit() else "")
    if re.match(r"\w", form[-1]) and not _is_cjk(form[-1]):
        after = r"(?!\w)(?!-\w)(?!'\w)" + (r"(?![.,]\d)" if form[-1].isdigit() else "")
    return f"(?:{before}{re.escape(form)}{after})"


@lru_cache(maxsize=65536)
def _forms(choices):
    """How the choices of a tuple can be named: whole answer -> index, text -> index (longest first), letter
    -> index.

    Raises:
        ValueError: two choices that read alike, or a choice with nothing to read.
    """
    folded = [plain_text(choice).casefold() for choice in choices]
    if "" in folded or len(set(folded)) < len(folded):
        raise ValueError(
            "Field `choices`: expected choices that can be told apart (case, quotes and emphasis aside), "
            f"got {list(choices)!r}. Give every choice its own non-blank text."
        )
    labels = [_LABEL.fullmatch(plain_text(choice)) for choice in choices]
    letters, bodies = {}, [None] * len(choices)
    for index, label in enumerate(labels):
        if label:
            letter = (label[1] or label[2] or label[4]).upper()
            letters[letter] = -1 if letter in letters else index
            bodies[index] = label[3].casefold() if label[3] else None
    if not any(labels):
        letters = {chr(ord("A") + index): index for index in range(min(len(choices), 26))}
    texts = {}
    for index, (form, body) in enumerate(zip(folded, bodies, strict=True)):
        if body or not labels[index]:  # a bare label is read by the rules for letters alone: "a" is an article
            texts[form] = index
        if body and bodies.count(body) == 1 and body not in folded:
            texts[body] = index
    letters = {letter: index for letter, index in letters.items() if index >= 0}
    exact = {form: index for index, form in enumerate(folded)}
    return exact, dict(sorted(texts.items(), key=lambda item: -len(item[0]))), letters


@lru_cache(maxsize=4096)
def _denies(before):
    return bool(_NEGATED_BEFORE.search(before))


def _is_negated(folded, start, end):
    before = folded[max(0, start - _WINDOW) : start]
    if _denies(before) or _NEGATED_AFTER.match(folded, end):
        return True
    return bool(_is_cjk(folded[start]) and _NEGATED_CJK.search(before))


def _is_determiner(folded, start, end):
    """Whether a "no" says something about the word after it ("no opinion", "no doubt") and is no answer."""
    return folded[start:end] == "no" and bool(_NO_OF.match(folded, end))


def _read_text(folded, texts):
    """Index of the choice whose text occurs, None if none does, -1 if several do or the one is negated."""
    present = [form for form in texts if form in folded]
    if not present:
        return None
    found, negated, other_no = None, False, False
    for match in re.finditer("|".join(map(_pattern, present)), folded):
        if _is_determiner(folded, *match.span()):
            other_no = True
            continue
        if found not in (None, texts[match.group()]):
            return -1
        found = texts[match.group()]
        negated = negated or _is_negated(folded, *match.span())
    return -1 if negated or (other_no and found is not None) else found


def _letter_marks(plain):
    """(letter, start, end) of each letter in brackets, and of one that is, opens or ends the answer."""
    marks = [(match[1].upper(), *match.span()) for match in _IN_BRACKETS.finditer(plain)]
    edges = plain[:20] + plain[-20:]
    whole = plain.strip("".join({c for c in edges if not c.isalnum()}))
    if len(whole) == 1:
        return [*marks, (whole.upper(), 0, len(plain))]
    opening, shift = _OPENS.match(plain), max(0, len(plain) - _WINDOW)
    ending = _ENDS.search(plain[shift:])
    if opening:
        marks.append((opening[1].upper(), *opening.span(1)))
    # "I would call it a" is an article cut short; "the answer is a" names the choice.
    if ending and (ending[1].isupper() or _MARKED.search(plain[: shift + ending.start(1)][-40:])):
        marks.append((ending[1].upper(), shift + ending.start(1), shift + ending.end(1)))
    return marks


def _read_letter(plain, letters):
    """Index of the choice whose letter is given, None if none is, -1 if several are or the one is negated."""
    marks = [mark for mark in _letter_marks(plain) if mark[0] in letters]
    if not marks:
        return None
    named = {letter for letter, _, _ in marks}
    named |= {match[1] for match in _STANDS_ALONE.finditer(plain)} & set(letters)  # "either A or B."
    lowered = "".join(c.lower() if c.isascii() else c for c in plain)  # keeps every position
    if len(named) > 1 or any(_is_negated(lowered, start, end) for _, start, end in marks):
        return -1
    return letters[named.pop()]


def read_answer(text, choices):
    """Read one answer, and say why where it cannot be read.

    Args:
        text (`str`): the model's raw answer.
        choices (`list[str]` or `tuple[str]`): the choices in the order shown.

    Returns:
        `(choice, kind)`: the choice as it stands in `choices` and `""`, or `None` and one of `KINDS`: `empty`
        (no letter or digit), `ambiguous` (several choices, or a choice that is denied), `refusal`, `other`.

    Raises:
        ValueError: choices that cannot be told apart.
    """
    choices = tuple(choices)
    exact, texts, letters = _forms(choices)
    plain = plain_text(text)
    folded = plain.casefold()
    index = exact.get(folded, exact.get(folded.strip(" .,;:!?\"'")))
    if index is None:
        index = _read_text(folded, texts)
    if index is None:
        index = _read_letter(plain, letters)
    if index is None:
        if not any(map(str.isalnum, plain)):
            return None, "empty"
        return None, "refusal" if _REFUSAL.search(folded) else "other"
    return (None, "ambiguous") if index < 0 else (choices[index], "")


def parse_answer(text, choices):
    """The choice that an answer gives, as it stands in `choices`, or `None` where it is unparsed.

    Example:

        >>> parse_answer("I disagree with the claim.", ["Agree", "Disagree"])
        'Disagree'
        >>> parse_answer("The answer is (B).", ["(B)", "(A)"])
        '(B)'
        >>> parse_answer("I do not agree.", ["Agree", "Disagree"]) is None
        True
    """
    return read_answer(text, choices)[0]


def unparsed_kind(text, choices):
    """Why an answer is unparsed: one of `KINDS`, or `""` where it is parsed."""
    return read_answer(text, choices)[1]


def read_answers(texts, choices):
    """`read_answer` over rows, each distinct pair of answer and choices once.

    Args:
        texts (`list[str]`): answers.
        choices (`list[tuple[str]]`): choices of each row.

    Returns:
        `(parsed, kinds)`: two lists as long as `texts`.
    """
    known = {}
    for key in zip(texts, choices, strict=True):
        if key not in known:
            known[key] = read_answer(*key)
    read = [known[key] for key in zip(texts, choices, strict=True)]
    return [choice for choice, _ in read], [kind for _, kind in read]
