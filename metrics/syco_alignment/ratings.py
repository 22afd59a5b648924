# SPDX-License-Identifier: Apache-2.0
"""Ratings on a scale of whole numbers, put in the words that the reader of choices knows.

What the reader cannot know is that "4/5" and "4 out of 5" are the choice "4" of a scale up to 5, that "8/10" is none, and
that "I'd give it a 4" announces a rating. The rest (thoughts, denials, "3 or 4", "between 3 and 4") is the reader's.
"""

import re
from functools import lru_cache

_WORK = r"(?:it|this(?:\s+one)?|that|(?:this|the|your)\s+(?:\w+\s+){0,2}\w+)"
_A = r"(?:an?\s+)?(?:(?:solid|strong|weak|generous|low|high|full|perfect|clear|rating|score|mark|grade)\s+(?:of\s+)?(?:an?\s+)?)?"
_ANOTHER = "(another scale)"


@lru_cache(maxsize=64)
def _patterns(low, high):
    """Patterns of the scale from `low` to `high`."""
    number = rf"(?:{'|'.join(str(n) for n in range(high, low - 1, -1))})"
    begins = rf"(?<![\w.,/+*×^=<>-])(?<![=+*×<>/-]\s)({number})"
    alone = rf"{begins}(?![\w%^]|[.,/]\d)"
    only = rf"{alone}(?!\s*,?\s*(?:or|to|and|maybe|perhaps|possibly)\b)"
    return {
        # "3/5 of the pupils" and "3/5 = 0.6" are fractions.
        "of_scale": re.compile(
            rf"{begins}\s*(?:stars?\s*)?(?:/\s*|(?:out\s+)?of\s+(?:a\s+(?:possible|maximum\s+of)\s+)?){high}(?!\w|[.,/]\d)"
            r"(?:\s*(?:stars?|points?)\b)?(?!\s*(?:[=*×+^<>÷]|of\b|-\s*\d))",
            re.IGNORECASE,
        ),
        "of_other": re.compile(
            r"(?<![\w.,])\d+(?:[.,]\d+)?\s*(?:stars?\s*)?(?:/\s*|out\s+of\s+(?:a\s+(?:possible|maximum\s+of)\s+)?)\d+(?:[.,]\d+)?",
            re.IGNORECASE,
        ),
        "stars": re.compile(rf"{alone}\s+(?:stars?|points?)(?=\s*(?:[.!,;)\n]|$))", re.IGNORECASE),
        "scale": re.compile(
            r"(?:,?\s*(?:on|using|with)\s+a\s+scale\s+)?[(\[]?\s*\b(?:from|of)?\s*(?<!\d)"
            r"(?P<low>\d+)\s*(?:-|to)\s*(?P<high>\d+)(?![\w%]|[.,]\d)(?:\s+scale\b)?\s*[)\]]?(?P<comma>\s*,)?",
            re.IGNORECASE,
        ),
        "given": re.compile(
            rf"\bI(?:'d|'ll|\s+would|\s+will|\s+can)?\s+(?:give|award|score|grade|rate)\s+{_WORK}\s+(?:as\s+)?{_A}{only}",
            re.IGNORECASE,
        ),
        "deserved": re.compile(rf"\b{_WORK}\s+(?:deserves|gets|earns|merits|is\s+worth)\s+{_A}{only}", re.IGNORECASE),
        "graded": re.compile(rf"(^\W*|:\s*){alone}\s*\((?=[^\W\d])", re.IGNORECASE),
        "rate": re.compile(r"^(\W*)(?:rate|rated|grade|score)\s*:", re.IGNORECASE),
    }


@lru_cache(maxsize=1024)
def scale_of(choices):
    """The lowest and the highest rating of a tuple of consecutive whole numbers in any order, else `None`."""
    if not all(re.fullmatch(r"\d{1,3}", choice) for choice in choices):
        return None
    numbers = sorted(map(int, choices))
    whole = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1
    return (numbers[0], numbers[-1]) if whole else None


def plain_rating(text, choices):
    """An answer with its rating as the reader of choices knows ratings: "4/5" becomes "4".

    Args:
        text (`str`): the raw answer.
        choices (`tuple[str]`): the scale; an answer to other choices stays as it is.

    Returns:
        `str`: what to read. Ratings of another scale ("8/10", "on a scale from 1 to 10") are taken out of it.
    """
    scale = scale_of(choices)
    if scale is None or not any(map(str.isdigit, text)):
        return text
    found = _patterns(*scale)
    plain = re.sub(r"[*_`]", "", text.replace("’", "'").replace("–", "-").replace("—", " - "))
    for named in found["scale"].finditer(plain):
        introduced = re.search(r"scale|from|of\b", named[0], re.IGNORECASE) or named[0].strip()[:1] in "(["
        if introduced and int(named["low"]) <= 1 and (int(named["low"]), int(named["high"])) != scale:
            return _ANOTHER
    plain = found["scale"].sub(lambda named: "" if _is_scale(named, scale) else named[0], plain).lstrip(" ,:")
    plain = found["of_scale"].sub(r"\1", plain)
    plain = found["of_other"].sub(_ANOTHER, plain)
    plain = found["stars"].sub(r"\1", plain)
    plain = found["given"].sub(r"I would rate it \1", plain)
    plain = found["deserved"].sub(r"I would rate it \1", plain)
    plain = found["graded"].sub(r"\1\2 - (", plain)
    return found["rate"].sub(r"\1Rating:", plain)


def _is_scale(named, scale):
    """Whether the words name the whole scale, and not two ratings of it ("3 to 4")."""
    return (int(named["low"]), int(named["high"])) == scale


def is_settled(text, choices, settled):
    """Whether a growing answer can be stopped: the reader of choices says so, and no number can go on ("4." to "4.5").

    Args:
        text (`str`): what there is of the answer.
        choices (`tuple[str]`): the scale.
        settled (callable): the same for choices.
    """
    if re.search(r"\d[.,/]?\Z", text) and scale_of(choices):
        return False
    return settled(plain_rating(text, choices), choices)
