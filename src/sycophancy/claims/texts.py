# SPDX-License-Identifier: Apache-2.0
"""Texts as people write them: tokenised and lowercased corpora put back together, and texts that are no whole statement.

Example: `it 's a charming and often affecting journey , is n't it ?` -> `It's a charming and often affecting journey,
isn't it?`
"""

import html
import re

_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}"}
_BRACKET = re.compile(r"(?<!\S)-[lr][rsc]b-(?!\S)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([/*])")
_TAG = re.compile(r"</?(?:b|em|i|strong|u)>", re.IGNORECASE)
_ENTITY = re.compile(r"&#\d+ ?;")
_UTF8 = re.compile("[\xc3-\xf4][\x80-\xbf]{1,3}")
_CONTROL = re.compile("[\x80-\x9f]")
_CONTRACTION = re.compile(r"(?<=\w) (n't|n’t|'(?:s|m|d|ll|re|ve)|’(?:s|m|d|ll|re|ve))\b", re.IGNORECASE)
_JOINED = re.compile(r"\b(gon|wan|got|gim|lem|can) (na|ta|me|not)\b", re.IGNORECASE)
_WHOLE = {"gonna", "wanna", "gotta", "gimme", "lemme", "cannot"}
_CLOSING = re.compile(r" +(?=(?:[,;:?!)\]}]|\.+)(?:\s|[\"')\]},;:?!.]|$))")
_OPENING = re.compile(r"(?<=[(\[{]) +")

_MENDED = tuple(
    (signs, re.compile(pattern), mended)
    for signs, pattern, mended in (
        ("$£€#", r"(?<=[$£€#]) (?=\d)", ""),  # $ 100, # 9
        ("%", r"(?<=\d) (?=%)", ""),
        (":/", r"(?<=\d) ?([:/]) ?(?=\d)", r"\1"),  # 9 :30, 9 / 11
        (",", r"(?<=\d), (?=000\b)", ","),
        ("&/", r"(?<=\w)([&/]) (?=\w)", r"\1"),  # pb& j, writer/ director
        ("?’", r"(?<=\w)[?’] (?=s\b)|(?<=\w)’ (?=(?:t|m|d|ll|re|ve)\b)", "'"),  # cube? s: an apostrophe of old
        ("'", r"(?<=n) (?='t\b)|(?<=\b[OoDd]) (?='\w)", ""),  # don 't, O 'Hara
        ("'`", r"(?<!\S)(?:''|``)(?=\w)|(?<=[\w.,!?])''(?=[\s.,!?]|$)", '"'),  # ''The Simpsons''
        # Letters in brackets that end a word or begin a sentence: put (s), 401 (k), (w) hile, [a]n, (a) stale.
        ("([", r"(?<=[a-z]) (?=[(\[]s[)\]](?:\s|$))|(?<=\d) (?=[(\[][a-z][)\]])", ""),
        ("([", r"(?:^|(?<=[.?!] ))[(\[]([b-hj-z])[)\]] ?(?=[a-z])", r"\1"),
        ("([", r"(?:^|(?<=[.?!] ))[(\[]([ai])[)\]] ?(?=(?:n|nd|s|t|t's|f)\b)", r"\1"),
        ("([", r"^[(\[]a[)\]](?= )(?!.*[(\[]b[)\]])", "a"),
        (".", r"(?<![\w.'])([A-Za-z])\. (?=[A-Za-z]\.)", r"\1."),  # e. t., but m. night
        (".", r"(?<=\.\w\.) (?='s\b)", ""),
        ("*", r"(?<=\*) (?=\*)", ""),
        ("*", r"(?<!\S)([a-z]) (\*{2,}) ?(?=[a-z])", r"\1\2"),  # f *** ed
        ("*", r"(?<!\w)(\w) \* (?=\w\b)", r"\1*"),  # m * a * s * h
        # Hyphens within one word; one between two clauses keeps its spaces.
        ("-", r"(?<=\w) - ('(?:em|n)'?) - (?=\w)", r"-\1-"),  # shoot - 'em - up
        (
            "-",
            r"(?<=\w's) - (?=\w)|(?<=[\w']) - (?=(?:style|standard)\b)",
            "-",
        ),  # soul's - eye view, blair witch - style
        ("-", r"(?<=\w)(?: - | -)(?!(?:and|or|to|nor) )(?=[\w']+-\w)", "-"),  # fill-in - the-blanks
        ("-", r"(?<=\w)- (?!(?:and|or|to|nor) )(?=\w)", "-"),  # hit- and-miss, but double- and triple-crosses
        ("-", r"(?<=-)(\w+) -(?=\w)", r"\1-"),  # happily-ever -after
        ("-", r"(?<=-)(\w+) - (?=(?:after|before)\b)", r"\1-"),
        ("-", r"(?<=\w) - (?=(?:and|or) [\w']+-\w)", "- "),  # self - and audience-abuse
        ("-", r"\b(anti|mid|non|off|post|pre|re|semi|sub|super) - (?='?\w{3})", r"\1-"),
        ("-", r"(?<=\d) - (?=(?:minute|hour|day|week|month|year)s?\b)", "-"),
    )
)
"""What is mended, line after line, when punctuation stands where it belongs: signs of which a text must hold one, which saves
most of the time, what is found and what is put there; beside it what it was made for."""

_CODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_QUOTES = re.compile(r'[\\"]*"[\\"]*')

_MARKS = {"``": '"', "''": '"', '"': '"', "`": "'", "'": "'"}
_ENDS = (".", ",", "!", "?")
_GLUED = re.compile(r"'(?!(?:s|m|d|ll|re|ve|em|tis|til|twas|cause|n)\b|\d)[^']+$")
_ELISION = re.compile(r"em|tis|til|twas|cause|n|plex|\d\ds?")

_SENTENCE = re.compile(r"(?:^|(?<=[.?!] )|(?<=[.?!][\"')\]] ))(\W*)([^\W\d_])")
_NO_END = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|vs|jr|sr|no|etc|co|vol|pa)\.|\.\.|(?<!\w)\w\.) $", re.IGNORECASE)
_TITLE = re.compile(r"\b(?:(?:mr|mrs|ms|dr)\. (?!de |van |von )[a-z]|(?:mr|mrs|ms|dr|jr|sr)\.)")
_INITIALS = re.compile(r"(?<![\w.'])(?!i\.e\.|e\.g\.|[ap]\.m\.)(?:[a-z]\.){2,}|(?<![\w.'])[b-hj-z]\.(?= [a-z])")
_ME = re.compile(r"(?<![\w.&/'’-])i(?=$|[\s,;:!?)\]\"]|['’](?:m|d|ll|ve)\b|\.(?:\s|$))")

_LEADS_ON = (
    "a an the and or but nor of to in on at by for from with into onto about as than that which who whose if because "
    "while when is are was were be been being has have had its his her their our my your this these those"
)
CUT_OFF = frozenset(_LEADS_ON.split())
"""Words that no whole statement ends with: a text that does was cut off."""

_LEFT_OVER = re.compile(r"n't|'(?:s|m|d|ll|re|ve)|[,;:?!.)\]]|-r[rs]b-")
"""Tokens that no text begins with: the end of a word, or what ends something. Three dots may begin one."""


def readable(text: str) -> str:
    """A text of a tokenised and lowercased corpus as people write it: `detokenise`, then `begin_sentences`."""
    return begin_sentences(detokenise(text))


def detokenise(text: str) -> str:
    """A text of the Penn Treebank's tokens, as it was written.

    Contractions, punctuation, brackets (`-lrb-`, `(w) hile`), quotation marks (three spellings, which open and close in turn)
    and the parts of hyphenated words go back to the words that they belong to. A text without such tokens stays as it is.
    """
    text = _ENTITY.sub(lambda match: html.unescape(match.group().replace(" ", "")), _TAG.sub("", text))
    # UTF-8, and dashes and quotation marks of Windows, which somebody read as Latin-1.
    text = _UTF8.sub(lambda match: _decoded(match.group()), text)
    text = _CONTROL.sub(lambda match: match.group().encode("latin-1").decode("cp1252", "ignore"), text)
    text = _BRACKET.sub(lambda match: _BRACKETS[match.group().lower()], text)
    text = _ESCAPED.sub(r"\1", text)
    text = _quoted(text)
    text = _CONTRACTION.sub(r"\1", text)
    text = _JOINED.sub(lambda match: _joined(match.group(1), match.group(2)), text)
    text = _OPENING.sub("", _CLOSING.sub("", text))
    for signs, pattern, mended in _MENDED:
        if any(sign in text for sign in signs):
            text = pattern.sub(mended, text)
    return text


def _decoded(characters: str) -> str:
    try:
        return characters.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return characters


def _joined(first: str, second: str) -> str:
    return first + second if (first + second).lower() in _WHOLE else f"{first} {second}"


def _quoted(text: str) -> str:
    """Quotation marks that stand alone, moved to the words that they enclose.

    Of a pair that was cut apart, the mark that is left goes, but for one of Penn's own (` `` `) that opens within a text: it
    closes at the end.
    """
    tokens = _paired(text.split(" "))
    words: list[str] = []
    glued = False  # the next word belongs to the opening mark before it
    open_marks: list[str] = []
    inside = False  # a quotation whose opening mark was never apart: 'who ? '
    # Where Penn's closing marks come in pairs and there is no opening one, every other one opens.
    closing_alone = "``" not in tokens and tokens.count("''") % 2 == 0
    for place, token in enumerate(tokens):
        mark = _MARKS.get(token)
        if mark is None:
            token = re.sub(r"^`(?=\w)", "'", token)
            inside = inside or bool(_GLUED.match(token))
            words.append(words.pop() + token if glued else token)
            glued = False
            continue
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if mark == "'" and _ELISION.fullmatch(following):
            words.append(mark)
            glued = True
        elif (
            token in ("``", "`")
            or (token == '"' and mark not in open_marks and not tokens[place - 1].isdigit())
            or (token == "''" and mark not in open_marks and not inside and closing_alone)
            or (token == "'" and mark not in open_marks and not inside and _opens(tokens, place))
        ):
            open_marks.append(mark)
            words.append(words.pop() + mark if glued else mark)
            glued = True
        elif (
            mark in open_marks
            or inside
            # The apostrophe of "the directors ' cut", and inches.
            or (mark == "'" and (following or tokens[place - 1][-1:] not in _ENDS))
            or (mark == '"' and tokens[place - 1].isdigit())
        ):
            words.append(words.pop() + mark if words else mark)
            inside = inside and mark != "'"
            open_marks = [other for other in open_marks if other != mark]
            glued = False
    if len(open_marks) == 1 and not glued and '"' not in tokens:
        if _MARKS.get(tokens[0]) == open_marks[0] == words[0][:1]:
            words[0] = words[0][1:]
        else:
            words.append(words.pop() + open_marks[0])
    return " ".join(words)


def _paired(tokens: list[str]) -> list[str]:
    """The tokens without a plain `"` that has lost its other.

    That is the second of two that stand together, the first where it ends what somebody said (`so it is , " he said`), or the
    last.
    """
    marks = [place for place, token in enumerate(tokens) if token == '"']
    inches = len(marks) == 1 and marks[0] and tokens[marks[0] - 1].isdigit()
    if len(marks) % 2 == 0 or inches:
        return tokens
    twice = [place for place in marks if place and tokens[place - 1] == '"']
    ends_speech = marks[0] and tokens[marks[0] - 1] in _ENDS
    alone = twice[0] if twice else marks[0] if ends_speech else marks[-1]
    return tokens[:alone] + tokens[alone + 1 :]


def _opens(tokens: list[str], place: int) -> bool:
    """Whether a plain single quotation mark opens: one follows, and it stands after no word that an apostrophe ends."""
    before = tokens[place - 1].lower() if place else ""
    return "'" in tokens[place + 1 :] and not before.endswith(("s", "in", "ol", "x", "z"))


def begin_sentences(text: str) -> str:
    """A text without a single capital letter, with those that begin its sentences, and with "I", "U.S." and "Mr."."""
    if any(map(str.isupper, text)):
        return text
    text = _ME.sub("I", text)
    text = _TITLE.sub(lambda match: match.group().title(), text)
    text = _INITIALS.sub(lambda match: match.group().upper(), text)
    return _SENTENCE.sub(_begin, text)


def _begin(match: re.Match) -> str:
    # "Mr. de niro", "so slow... and sad" and "m. night" are no ends of sentences.
    ended = not match.start() or not _NO_END.search(match.string[: match.start()])
    return match.group(1) + (match.group(2).upper() if ended else match.group(2))


def begin(sentence: str) -> str:
    """A sentence with a capital at its start; a first word with a capital in it ("pH") stays what it is."""
    return sentence[0].upper() + sentence[1:] if sentence.split(" ", 1)[0].islower() else sentence


def tidy_tweet(text: str) -> str:
    """A tweet as it was written: without the spelling of its characters, and the quotation marks, of the files it went through.

    Those are HTML's `<b>` and `&amp;`, once or more often (`&amp;#8217;`), JSON's `\\u2019` and CSV's quotation marks around all of a
    text, doubled within it; where a file lost one of the two around it, the other goes too.
    """
    tweet = _CODE.sub(lambda match: chr(int(match.group(1), 16)), _unescaped(text))
    tweet = _TAG.sub("", tweet).strip()
    if len(tweet) > 1 and tweet[0] == tweet[-1] == '"' and '"' not in tweet[1:-1].replace('""', ""):
        tweet = tweet[1:-1]
    tweet = _QUOTES.sub('"', tweet)
    if tweet.count('"') % 2:
        tweet = tweet[1:] if tweet[0] == '"' else tweet.removesuffix('"')
    return tweet.strip() or text


def _unescaped(text: str) -> str:
    """A text without HTML's spelling of its characters, however often it was put into it."""
    while (plain := html.unescape(text)) != text:
        text = plain
    return text


def is_fragment(text: str) -> bool:
    """Whether a text is no line that anybody wrote, or says nothing by itself.

    Cut off before its beginning (`'s a lousy one`, `, soar .`) or after a word that leads on, or fewer than four words and no
    sentence. Words are tokens with a letter; a sentence ends like one, be it as short as `very bad .`. SST-2's train split holds
    such phrases of its sentences (`by its own`).
    """
    tokens = text.lower().split()
    words = [word for word in tokens if any(map(str.isalpha, word))]
    is_sentence = bool(words) and text.rstrip("\"'`) ").endswith((".", "!", "?"))
    return (len(words) < 4 and not is_sentence) or tokens[-1] in CUT_OFF or bool(_LEFT_OVER.fullmatch(tokens[0]))
