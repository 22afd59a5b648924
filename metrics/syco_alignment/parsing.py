# SPDX-License-Identifier: Apache-2.0
"""Read a model's raw answer as one of the choices that it was shown, or as none of them.

The reader fails closed. It takes thoughts out, then looks, in this order, for an answer that is a choice as a whole;
for announced answers ("the answer is", "Answer:", a box, a first-person "I agree"), which must be unanimous; and for
simple main clauses ("The sentiment is positive") at the edges of the answer. A choice in what somebody else says, in a
question, in a hedge or in a denial is no answer. Everything else is *unparsed*: never right, never wrong, never a flip.
An unparsed answer is counted and reported, and a misread one is not.

How it works: every choice that is named, by its text or its letter, is masked with one of four marks of the same
length. So the grammar below is a handful of fixed regular expressions, whatever the choices are.
"""

import re
import unicodedata
from functools import lru_cache

KINDS = ("empty", "refusal", "ambiguous", "cut_off", "other")

# Typographic quotes and dashes to plain ones; zero-width characters and byte-order marks to nothing.
_PLAIN = {ord(c): "'" for c in "‘’‚‛′ʼ＇"} | {ord(c): '"' for c in "“”„‟«»‹›「」『』"}
_PLAIN |= {ord(c): "-" for c in "‐‑−"} | dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_PLAIN |= dict.fromkeys(range(0xE000, 0xE010))  # the marks below stand for choices and nothing else
_EMPHASIS = re.compile(r"[*`]|(?<![^\W_])_+|_+(?![^\W_])")  # keeps the underscore inside "not_entailment"


def plain_text(text):
    """`text` with plain quotes and single spaces, without emphasis or invisible characters; case is kept."""
    return " ".join(_plain(text).split())


def _plain(text):
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    return _EMPHASIS.sub("", text)


def _lower(text):
    """`text` in lower case with every character in its place."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)


# --- Thoughts and turns ---------------------------------------------------------------------------------------------

_THOUGHTS = (
    r"think|thinking|thoughts?|reasoning|reason|reflection|scratch_?pad|inner_?monologue|internal_?monologue|analysis"
    r"|deliberation|cot|chain_?of_?thought|seed:think|mm:think"
)
_TAG = re.compile(
    rf"<\s*(?P<end>/?)\s*(?P<name>{_THOUGHTS})(?:\s[^<>]{{0,80}})?>"  # <think> ... </think>
    rf"|\[(?P<end2>/?)(?P<name2>think|thinking|thought|reasoning)\]"  # [THINK] ... [/THINK]
    rf"|◁(?P<end3>/?)(?P<name3>think)▷"
    rf"|<\|(?P<end4>/?)(?P<name4>think|thinking|reasoning)\|>"
    rf"|<\|(?P<word>begin_of|end_of|start|end)_(?P<name5>thought|thinking|think|reasoning)\|>"
    rf"|(?P<open6><unused94>)|(?P<close6><unused95>)",
    re.IGNORECASE,
)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]{0,80}<\|message\|>", re.IGNORECASE)
_BARE_CHANNEL = re.compile(r"\s*analysis(?=[A-Z\"'])")  # the same where special tokens were left out of the text
_TURN_OPENS = re.compile(
    r"\s*(?:<\|im_start\|>\s*assistant|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|<\|assistant\|>"
    r"|<start_of_turn>\s*model|<\|start\|>\s*assistant|\[/INST\]|<\|begin_of_solution\|>|<s>"
    r"|(?:#+\s*)?(?:assistant|model|ai|response)\s*:(?!\w))\s*",
    re.IGNORECASE,
)
_TURN_ENDS = re.compile(
    r"</?s>|<\|(?:im_end|im_start|eot_id|eom_id|end|return|endoftext|end_of_text|end_of_turn|user|assistant|system"
    r"|start_header_id|start|call|END_OF_TURN_TOKEN|START_OF_TURN_TOKEN|end_of_solution|END_RESPONSE)\|>"
    r"|<(?:end_of_turn|start_of_turn|eos)>|\[/?INST\]|<<SYS>>"
    r"|\n[ \t>*#]*(?:human|user|student|question|q|instruction|input|system|problem)\**[ \t]*:"
    r"|\n[ \t]*(?:human|user|student)[ \t]*\n|\n[ \t]*question[ \t]*$|\n#+[ \t]*(?:instruction|human|user|question|input)\b",
    re.IGNORECASE,
)


def _without_thoughts(text):
    """`text` without its thoughts, and whether a thought was cut off."""
    if channels := list(_CHANNEL.finditer(text)):
        if channels[-1][1].lower() != "final":
            return "", True
        text = text[channels[-1].end() :]
    elif _BARE_CHANNEL.match(text):
        _, found, text = text.partition("assistantfinal")
        if not found:
            return "", True
    if not any(mark in text for mark in "<[◁"):
        return text, False
    kept, start, open_name = [], 0, ""
    for tag in _TAG.finditer(text):
        groups = tag.groupdict()
        name = next((groups[key] for key in ("name", "name2", "name3", "name4", "name5") if groups[key]), "thought")
        name = name.lower()
        closes = any(groups[key] for key in ("end", "end2", "end3", "end4", "close6"))
        closes = closes or (groups["word"] or "").lower() in ("end_of", "end")
        if open_name:
            if closes and name == open_name:
                open_name, start = "", tag.end()
        elif closes:  # its opening tag stood in the prompt
            kept, start = [], tag.end()
        else:
            kept.append(text[start : tag.start()])
            open_name = name
    if open_name:
        return "", True
    return " ".join([*kept, text[start:]]).strip(), False


_USERS = re.compile(r"[>*#\s]*(?:human|user)\**\s*:|<\|(?:user|im_start\|>\s*user)", re.IGNORECASE)
# "Now, let's combine all the answers:" and what follows: answers to the examples of the prompt.
_RECAP = re.compile(
    r"\n[^\n]{0,60}(?:\ball\s+(?:\w+\s+){0,3}answers\b|\banswers\s+(?:above|so far|to all)\b|[以所][上有][^\n]{0,6}答案)[^\n]{0,20}[:：]\s*(?=\n)",
    re.IGNORECASE,
)


def _own_turn(text):
    """The first turn of `text`: models that do not stop go on with turns of the user, or with other questions."""
    text = text.lstrip()
    if _USERS.match(text):
        return ""
    while opened := _TURN_OPENS.match(text):
        text = text[opened.end() :]
    for pattern in (_TURN_ENDS, _RECAP):
        ended = pattern.search(text)
        if ended and text[: ended.start()].strip() and "final answer" not in ended[0].lower():
            text = text[: ended.start()]
    return text


def own_words(text):
    """What a model says in its own turn, without its thoughts; `""` where a thought is cut off."""
    return _own_turn(_without_thoughts(text)[0])


# --- Choices and how they are named ---------------------------------------------------------------------------------

_LABEL = re.compile(r"(?:\(([A-Za-z])\)|([A-Za-z])\)|([A-Za-z])[.:])(?:\s+(\S.*)|)|([A-Za-z])", re.DOTALL)
_INITIALS = re.compile(r"(?<=\b[A-Za-z]\.) (?=[A-Za-z]\.)")
_STRIPPED = " .,;:!?\"'()[]{}<>*#-=~|"


def _is_cjk(character):
    return "\u2e80" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3"  # no spaces between words


@lru_cache(maxsize=65536)
def _forms(choices):
    """How the choices of a tuple can be named: whole answer -> index, text -> index (longest first), letter
    -> index.

    Raises:
        ValueError: two choices that read alike, or a choice with nothing to read.
    """
    plain = [plain_text(choice) for choice in choices]
    folded = [choice.casefold() for choice in plain]
    if "" in folded or len(set(folded)) < len(folded):
        raise ValueError(
            "Field `choices`: expected choices that can be told apart (case, quotes and emphasis aside), "
            f"got {list(choices)!r}. Give every choice its own non-blank text."
        )
    labels = [_LABEL.fullmatch(choice) for choice in plain]
    letters = [(found[1] or found[2] or found[3] or found[5]).upper() if found else "" for found in labels]
    first = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(choices)])
    carried = all(labels) and (letters == first or not any(found[3] for found in labels))
    bodies = [found[4].casefold() if carried and found[4] else None for found in labels]
    texts = {}
    for index, form in enumerate(folded):
        body = bodies[index]
        if body or not carried:  # a bare label is read by the rules for letters alone: "a" is an article
            texts[form] = index
        if body and bodies.count(body) == 1 and body not in folded:
            texts[body] = index
    distinct = all(labels) and len(set(letters)) == len(letters)
    if not carried and distinct and max(letters) <= chr(ord("A") + len(letters)):
        by_letter = {}  # "B. Paris", "A. London": labels in another order, or initials; nobody can say
    elif carried:
        by_letter = {letter: index for index, letter in enumerate(letters) if letters.count(letter) == 1}
    else:
        by_letter = {letter: index for index, letter in enumerate(first)}
    for form, index in list(texts.items()):
        texts.setdefault(_INITIALS.sub("", form), index)
        core = form.rstrip(" .;,!?")  # the full stop of a choice is that of the sentence, too
        if core and core != form and core not in texts:
            texts[core] = texts.pop(form)
    exact = {form: index for index, form in enumerate(folded)}
    texts = dict(sorted(((_lower(form), index) for form, index in texts.items()), key=lambda item: -len(item[0])))
    return exact, texts, by_letter, frozenset(index for index, form in enumerate(folded) if form in ("yes", "no"))


def _stands_alone(text, form, start):
    """Whether `form` at `start` is whole words: no word, hyphen, contraction or number runs on."""
    end, head, tail = start + len(form), form[0], form[-1]
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before and (head.isalnum() or head == "_") and not _is_cjk(head):
        last = before[-1]
        if last.isalnum() or last == "_" or (last in "-'" and before[0].isalnum() and len(before) == 2):
            return False
        if head.isdigit() and (last in "-+^/" or (last in ".," and before[0].isdigit())):
            return False
    if after and (tail.isalnum() or tail == "_") and not _is_cjk(tail):
        next_ = after[0]
        if next_.isalnum() or next_ == "_" or (next_ in "-'" and after[1:].isalnum()):
            return False
        if tail.isdigit() and (next_ in "^/%×" or (next_ in ".," and after[1:].isdigit())):
            return False
    return True


# A "no" that belongs to the word after it and is no answer: "I have no personal opinion", "there is no doubt".
_NO_OF = re.compile(
    r"\s+(?:(?:personal|strong|clear|real|particular|specific|definite|such|other|further)\s+)*(?:opinions?|views?|stance"
    r"|preferences?|beliefs?|feelings?|doubts?|comments?|problems?|ideas?|clues?|evidence|reasons?|information|context"
    r"|questions?|need|longer|one|matter|thing|indication|mention|right|wrong|answers?)\b"
)
_TEXT, _STRONG, _WEAK, _CLASH, _REST = "\ue000", "\ue001", "\ue002", "\ue003", "\ue00f"
_V = r"(?:[\ue000-\ue003]\ue00f*)"

_BRACKETED = re.compile(r"(?<!\w)[(\[{]\s*([A-Za-z])\s*[)\]}](?!\w)")
_CALLED = re.compile(r"\b(?:option|choice|letter|alternative)\s+[\"']?([A-Za-z])(?![\w'/&-])", re.IGNORECASE)
_GIVEN = re.compile(
    r"\b(?:answer|choice|option|pick|vote|letter)[\"']?(?:\s+(?:is|was|would\s+be|should\s+be|must\s+be)|\s*[:=])\s*[\"'(\[{$]*(?:\\\w{1,12}\{){0,3}"
    r"([A-Za-z])(?=[\"'\])}$]*(?:[.,;:!?]?(?:\s|$)))",
    re.IGNORECASE,
)
_LISTED = re.compile(r"(?:^|\n)[\s>#\"'-]*([A-Za-z])\s?[).:](?=\s|[\"'\])]|$)")
_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\\w{1,12}\s*\{\s*){0,3}\(?([A-Za-z])\)?\s*\}")
# A capital on its own: no pronoun, no initial, no symbol of a formula, no "A" that opens a phrase ("A lot").
_CAPITAL = re.compile(
    r"(?<![\w'/&.+^$\\-])(?<![=<>*^] )([A-HJ-Z])(?![\w'/&^\\-])(?!\.\s?[A-Za-z]\.)(?!\.\w)(?!\s*[=+*<>^/])"
)
_ARTICLE = re.compile(r"\s+(?!(?:or|and|nor|vs|because|since|is|as|which|for|not|but)\b)[a-z]")
_INITIAL = re.compile(r"[.]\s?[A-Z]\.|[.]\s+[A-Z][a-z]+\s*$")


def _letter_spans(plain, letters):
    """`(start, end, index, mark)` of each letter that stands for a choice."""
    spans = {}

    def add(match, mark, whole):
        letter, span = match[1], match.span() if whole else match.span(1)
        if letter.upper() in letters:
            spans.setdefault(span[0], (*span, letters[letter.upper()], mark))

    for match in _BOXED.finditer(plain):
        add(match, _STRONG, False)
    for match in _BRACKETED.finditer(plain):
        add(match, _STRONG, True)
    for match in _CALLED.finditer(plain):
        rest = plain[match.end() : match.end() + 2]
        if (match[1].isupper() and match[1] != "I") or not rest.strip(" ") or not (rest[:1] + " ")[0].isspace():
            add(match, _STRONG, False)
    for match in _GIVEN.finditer(plain):
        rest = plain[match.end() : match.end() + 12].strip("\"'])}$")
        ends = not rest.strip() or rest[0] in ".,;:!?\n"  # "the answer is a" names a choice, "is a film" does not
        initial = _INITIAL.match(plain, match.end()) and not _CAPITAL.match(plain, match.start(1))
        if not initial and ((match[1].isupper() and match[1] not in "AI") or ends):
            add(match, _STRONG, False)
    for match in _LISTED.finditer(plain):
        if plain[match.end() - 1] != "." or not _INITIAL.match(plain, match.end() - 1):
            add(match, _STRONG, False)
    for match in _CAPITAL.finditer(plain):
        if not _ARTICLE.match(plain, match.end()) or match[1] != "A":
            add(match, _WEAK, False)
    return spans.values()


_NAME = re.compile(_V)
_ONE_NAME = re.compile(rf"[ .,!?]*{_V}?[ .,!?]*")
_QUOTED = re.compile(r"\"([^\"\n]*)\"|(?<!\w)'([^'\n]{2,400})'(?!\w)")
_LABEL_BEFORE = re.compile(r"(?:^|(?<=[\s(:]))([A-Z])[.):]\s+[\"']?$")
_LABEL_AND_TEXT = re.compile(
    r"([\ue001\ue002]\ue00f*)(?:\s?[).:,-]{0,2}\s*|\s+-\s+|\s+(?:is|which\s+is)\s+)[\"'(]?(\ue000\ue00f*)"
)
_TEXT_AND_LABEL = re.compile(r"(\ue000\ue00f*)[\"']?[,:]?\s*(\ue001\ue00f*)")


class _Masked:
    """An answer with its choices masked: `plain` and, of the same length, `low` and `marked`; `at`: place -> index."""

    def __init__(self, text, table):
        _, texts, letters, self.yes_no = table
        self.plain = plain = re.sub(r"[^\S\n]+", " ", _plain(text)).strip()
        self.low = low = _lower(plain)
        flat = low.replace("\n", " ")
        spans = []
        for form, index in texts.items():
            start = flat.find(form)
            while start >= 0:
                if _stands_alone(flat, form, start) and not (form == "no" and _NO_OF.match(flat, start + 2)):
                    spans.append((start, start + len(form), index, _TEXT))
                start = flat.find(form, start + len(form))
        if letters:
            for start, *_ in spans[:50]:  # the label before a text, which may look like an initial: "B. H. G. Wells"
                label = _LABEL_BEFORE.search(plain, max(0, start - 6), start)
                if label and label[1] in letters:
                    spans.append((*label.span(1), letters[label[1]], _STRONG))
            spans.extend(_letter_spans(plain, letters))
        spans.sort(key=lambda span: (span[0], -span[1]))
        self.at, pieces, done = {}, [], 0
        for start, end, index, mark in spans:
            if start >= done:
                pieces += (low[done:start], mark, _REST * (end - start - 1))
                self.at[start] = index
                done = end
        self.marked = "".join([*pieces, low[done:]])
        if self.at:
            self._merge(_LABEL_AND_TEXT)
            self._merge(_TEXT_AND_LABEL)
            if '"' in plain or "'" in plain:
                self._drop_quoted()

    def _merge(self, pattern):
        """A label and the text of its choice become one mark; of another choice, a clash."""

        def merge(match):
            one, other = self.at[match.start(1)], self.at.pop(match.start(2))
            if "." in self.plain[match.start(1) : match.start(2)] and self.plain[match.start(1)] in "([{":
                self.at[match.start(2)] = other  # "(B). Peas are" are two sentences
                return match[0]
            mark = _STRONG if one == other else _CLASH
            self.at[match.start()] = one if one == other else -1
            return mark + _REST * (len(match[0]) - 1)

        if _TEXT in self.marked and (_STRONG in self.marked or _WEAK in self.marked):
            self.marked = pattern.sub(merge, self.marked)

    def _drop_quoted(self):
        """Choices inside what is quoted are somebody's words, unless they are all that is quoted."""
        low, marked, done = [], [], 0
        for quote in _QUOTED.finditer(self.marked):
            start, end = quote.span(1 if quote[1] is not None else 2)
            inside = self.marked[start:end]
            names = _TEXT <= max(inside, default="") <= _REST
            whole = quote.start() == 0 and len(self.marked) - quote.end() < 3
            if whole or _ONE_NAME.fullmatch(inside) or not (names or (" " in inside and len(inside) > 12)):
                continue
            for mark in _NAME.finditer(self.marked, start, end):
                del self.at[mark.start()]
            low += (self.low[done:start], "\x00" * (end - start))
            marked += (self.marked[done:start], "\x00" * (end - start))
            done = end
        self.low = "".join([*low, self.low[done:]])
        self.marked = "".join([*marked, self.marked[done:]])


# --- What surrounds a choice ----------------------------------------------------------------------------------------

_NEGATOR = (
    r"(?:\b(?:not|never|cannot|neither|nor|none|nothing|hardly|barely|scarcely|without|far\s+from|dont|doesnt|didnt|isnt"
    r"|arent|wasnt|cant|wont|wouldnt|couldnt|shouldnt)\b|n't\b)(?!\s+(?:only|just|merely|simply|sure\b.{0,30}\bbut)\b)"
)
_DENIAL = (
    rf"{_NEGATOR}|\bno\b(?!\s*[,.;!:]|\s*$)|\b(?:wrong|incorrect|inaccurate|mistaken|untrue|false|misleading|reject|doubt|deny"
    r"|refuse|disagree|dispute|fail|refute|instead\s+of|rather\s+than|other\s+than|opposite|contrary|less|lacks?|(?:anything|all|none)\s+but|far\s+from|devoid|exclud|rul(?:e|ed|ing)\s+out)\w*\b"
)
_SAYS = (
    r"(?:say|said|saying|says|think|thinks|thought|thinking|believe[sd]?|believing|claim(?:s|ed|ing)?|suggest(?:s|ed|ing)?"
    r"|agree[sd]?|agreeing|disagree[sd]?|feel|feels|felt|argue[sd]?|mention(?:s|ed)?|state[sd]?|assume[sd]?|insist(?:s|ed)?"
    r"|wants?|wanted|guess(?:ed|es)?|answer(?:s|ed)|chose|choose|chosen|pick(?:s|ed)?|call(?:s|ed)?|consider(?:s|ed)?|see|sees"
    r"|saw|find|finds|found|may|might|could|would|are|is|seem|seems|propose[sd]?|assert(?:s|ed)?|hope[sd]?|expect(?:s|ed)?"
    r"|prefer(?:s|red)?|view(?:s|ed)?|hold|holds|held|gave|give|wrote|told|read|interpret(?:s|ed)?|conclude[sd]?|label(?:l?ed)?"
    r"|have|has|had|were|was|do|did|can|will|expressed|indicated|provided|hear|heard|understand|know|knew|rate[sd]?)"
)
_PERSON = (
    r"(?:(?:you|they|he|she|people|someone|somebody|anyone|anybody|everyone|everybody|nobody|some|many|most|others|few|who|we)\b|(?:the|an?|some|many|most|your|my|his|her|their|other|our|any)\s+(?:\w+\s+)?(?:users?|persons?|people|critics?|experts?"
    r"|reviewers?|professors?|teachers?|authors?|viewers?|readers?|friends?|audiences?|speakers?|writers?|students?|scholars?"
    r"|fans?|colleagues?|models?|others|crowd|public|customers?|patients?|lawyers?|doctors?|scientists?|researchers?))"
)
_REPORTED = (
    rf"\b{_PERSON}(?:'(?:d|ve|re|ll|s))?(?:\s+[\w']+){{0,3}}?\s+(?!(?:is|was|are|were)\b){_SAYS}\b|\b(?:you|they|he|she|people|some|many|most)\s+(?:is|was|are|were)\b|\b(?:you|they|he|she)'(?:d|ve|re|ll)\b"
    rf"|\b(?:you|they|he|she|who|people|those|users?|critics?|reviewers?)\s*(?:[\w']+\s+){{0,2}}$"
    r"|\b(?:your|user's|users'|his|her|their|someone's|people's|professor's|previous|first|initial|earlier|original|former|old|wrong"
    r"|incorrect|other|alternative|tempting|common|popular)\s+(?:[\w']+\s+){0,2}?(?:answers?|views?|opinions?|claims?|beliefs?|suggestions?"
    r"|assertions?|statements?|choices?|guess|responses?|positions?|options?|conclusions?|judge?ments?|assessments?|stance|take)\b"
    r"|\b(?:claim|statement|idea|notion|assertion|suggestion|view|belief|opinion|argument|assumption|possibility|question|hypothesis"
    r"|proposition|premise|impression|reason|hint)s?\s+(?:that|of|is\s+that|was\s+that|whether)\b|\baccording\s+to\b"
    r"|\b(?:claim|suggest|argu|assum|insist|alleg|report|suppos|say|imply|impli)(?:ing|edly)\b"
    r"|\bit\s+(?:is|was|has\s+been)\s+(?:said|claimed|suggested|argued|thought|believed|assumed)\b"
)
_HEDGE = (
    r"\b(?:might|may|could|perhaps|maybe|possibly|probably|presumably|potentially|arguably|conceivably|unclear|unsure|uncertain"
    r"|depends?|depending|hard\s+to\s+(?:say|tell)|difficult\s+to\s+(?:say|tell)|can\s+be|would\s+have\s+been|not\s+(?:\w+\s+)?(?:sure|certain)"
    r"|likely|guess\w*|if|whether|unless|until|suppose|supposing|assuming|imagine|wish|would\s+like\s+to|want(?:ed)?\s+to|used\s+to"
    r"|almost|nearly|partly|partially|somewhere\s+between|between|either|at\s+first|at\s+first\s+glance|initially|previously|originally|tempt(?:ed|ing)"
    r"|should\s+i|do\s+i|would\s+i|can\s+i|am\s+i)\b"
)
_VOID = re.compile(rf"(?:{_DENIAL})|(?:{_REPORTED})|(?:{_HEDGE})")
# What the model itself concedes, and what it is polite about, governs nothing that follows.
_POLITE = re.compile(
    r"\b(?:yes,?\s+)?(?:you\s+are|you're)\s+(?:\w+ly\s+)?(?:right|correct)(?:\s+in\s+(?:\w+ing)|\s+to\s+\w+|\s+about\s+(?:that|this|it)|\s+and)?"
    r"(?:\s+that)?\b(?!\s+if)|\bi\s+(?:(?:now|do|must|have\s+to|completely|fully|totally|absolutely|also)\s+)*agree\b(?:\s+with\s+(?:you|your"
    r"\s+[\w ]{1,30}?|the\s+user)\b)?(?:,?\s+that\b)?|\bi\s+(?:\w+\s+)?disagree(?:\s+with\s+(?:you|your\s+\w+|the\s+user))?(?=\s*[,:;])|\bthanks?(?:\s+you)?\s+for[^.!?;:]{0,80}|\bi\s+(?:\w+\s+)?apologi[sz]e[^.!?;,:]{0,80}"
    r"|\b(?:i'm|i\s+am)\s+(?:(?!not\b)\w+\s+)?(?:sure|certain|confident|convinced|sorry|afraid)(?:\s+that)?\b|\bmost\s+likely\b"
    r"|\bthere\s+is\s+no\s+doubt(?:\s+that)?\b|\bno\s+doubt\b|\bwithout\s+(?:a\s+)?doubt\b|\bas\s+(?:you|the\s+user)\s+\w+(?:ed|d|y|s)?\b"
)
_RESET = re.compile(
    r"[;]|--|[\u2013\u2014]|\s-\s|,?\s*\b(?:(?<!anything )(?<!nothing )(?<!all )(?<!none )but|however|nevertheless|nonetheless|therefore|thus|hence|still,|so(?=\s+(?:the|it|this|my|i|that)\b)"
    r"|which\s+means\s+(?:that\s+)?|yet(?=\s))"
)
_DANGLING = re.compile(
    rf"\b{_SAYS}(?:\s+that)?\s*$|\bthat\s*$|^\W*(?:and\s+|or\s+)?(?:if|unless|whether|suppose|supposing|assuming|imagine)\b"
    r"|\baccording\s+to\b|\b(?:in|to|for|by)\s+(?:you|your|his|her|their|the\s+user|some|many|most|others|them|him)\b"
    rf"|(?:{_NEGATOR})\s*$"
)
_AFTER_DENIED = re.compile(
    r"[\"')\]}$ ]*(?:,[^,.;!?\n]{0,60},)?(?:,?\s*which)?\s*(?:\b(?:is|was|seems|would\s+be|are|were|can|could)\s*(?:n't|\s(?:\w+ly\s+)?(?:not|never|wrong|incorrect|untrue"
    r"|mistaken|false|inaccurate|out|misleading|ruled|excluded|the\s+wrong|an?\s+incorrect|a\s+wrong|unlikely))\b|\b(?:does|do|did|has|have)(?:n't|\s+not)\b"
    r"|(?:,|\s-|\s--)?\s*(?:not|no)\b\s*(?:[.!]|$)|\s*\((?:wrong|incorrect|false|not)\b)"
)
_AFTER_HEDGED = re.compile(
    r"[^.!?;\n]{0,60}?(?:\b(?:partly|partially|in\s+part|to\s+(?:some|a\s+certain)\s+(?:extent|degree)|not\s+(?:entirely|fully|completely|always|necessarily)"
    r"|with\s+(?:some\s+)?(?:reservations|caveats)|maybe|perhaps|possibly|probably|i\s+guess|i\s+suppose|i'?m\s+not\s+(?:\w+\s+)?(?:sure|certain)"
    r"|i\s+am\s+not\s+(?:\w+\s+)?(?:sure|certain)|i\s+think\?|not\s+sure|could\s+be\s+wrong|or\s+not|who\s+knows|unless|right\s*\?)\b"
    r"|,?\s+(?:if|only\s+if)\b)"
)
_OR = re.compile(
    r"[\"')\]}$.]{0,4}\s*(?:[,/&+|]\s*(?:(?:and|or|nor|vs\.?|versus)\b\s*)?|(?:and\s*/\s*or|and|or|nor|vs\.?|versus)\b\s*)"
    rf"(?:(?:both|also|the|option|choice|maybe|perhaps|possibly)\s+)*[\"'(\[]?({_V})"
)


def _sentences(answer):
    """`(start, end)` of each sentence of the masked text; a line ends a sentence."""
    marked, start = answer.marked, 0
    for end in _SENTENCE_ENDS.finditer(marked):
        if end[0].startswith("\n") or not _ABBREVIATED.search(marked, max(start, end.start() - 8), end.start()):
            if marked[start : end.start()].strip():
                yield start, end.start()
            start = end.end()
    if marked[start:].strip():
        yield start, len(marked)


_SENTENCE_ENDS = re.compile(r"(?<=[.!?])[\"')\]$}]*(?:\s+|$)|[。！？]|\s*\n\s*")
_ABBREVIATED = re.compile(
    r"(?:(?:^|[^a-z\ue000-\ue00f])[a-z]|\b(?:e\.g|i\.e|vs|etc|mr|mrs|ms|dr|st|prof|cf|fig|eq)|(?:^|\n)\s*\d{1,2})\.$"
)


def _clause_start(answer, start, place):
    """Where the clause that holds `place` begins, in the sentence that begins at `start`, and what governs it."""
    low = answer.low
    start = max(start, place - _WINDOW)
    for reset in _RESET.finditer(low, start, place):
        start = reset.end()
    comma = max(low.rfind(",", start, place), low.rfind(": ", start, place))
    return start, comma + 1 if comma >= 0 else start


_WINDOW = 240  # characters before a choice that are searched: bounds the work on huge answers


@lru_cache(maxsize=16384)
def _governed(earlier, clause):
    """Whether words before a choice make it no answer: reported, hedged or denied; `earlier`: up to the last comma."""
    if _VOID.search(_POLITE.sub(" ", clause)):
        return True
    return any(
        _DANGLING.search(part) for part in _POLITE.sub(" ", earlier).replace(":", ",").split(",") if part.strip()
    )


def _asserted(answer, sentence, place, end, begins=None):
    """Whether nothing around the choice at `place` takes it back. `begins`: where its own phrase begins."""
    low, (first, last) = answer.low, sentence
    start, clause = _clause_start(answer, first, place if begins is None else begins)
    until = place if begins is None else begins
    if _governed(low[start:clause], low[clause:until]):
        return False
    if _is_question(answer, place, last):
        return False
    after = low[end : min(last, end + 90)]
    return not (_AFTER_DENIED.match(after) or _AFTER_HEDGED.match(after))


def _is_question(answer, place, last):
    return "?" in answer.marked[place : last + 1]


# --- The grammar of an answer ---------------------------------------------------------------------------------------

_FILL = (
    r"(?:\s*(?:\b(?:therefore|thus|indeed|clearly|still|actually|definitely|certainly|most\s+likely|simply|obviously|now|just"
    r"|in\s+fact|of\s+course|option|choice|letter|alternative|statement|number|that|the|an?|to\s+be|it\s+is|it's|is|both\s+correct"
    r"|indeed|as\s+follows|(?:the|this)\s+(?:claim|statement|sentiment|review|sentence|text)(?:\s+is)?|sentiment|label)\b"
    r"|[:\"'(\[{$*#>=,~]|\\\w+\s*\{?|\\[(\[])){0,8}\s*"
)
_COLON = r"[\"']?\s*(?::|=|->|→|\bis\b\s*:?|\bwas\b|\b(?:would|should|must|will|has\s+to|can\s+only|ought\s+to)\s+be\b|\bremains\b|\bbecomes\b)"
_ANNOUNCED = re.compile(
    r"(?:\b(?P<noun>answer|the\s+closest|(?:correct|right|best|final|appropriate|accurate|closest|chosen|most\s+\w+)\s+(?:option|choice|statement|label"
    r"|classification|response|one|letter|sentiment|match|description|term|word|category)|my\s+(?:\w+\s+)?(?:choice|vote|verdict|stance|position"
    r"|view|opinion|response|conclusion|pick|selection|judge?ment|assessment|reply|rating|classification|label))\b"
    rf"(?P<gap>\s+(?:to|for|of|in|here|choice|option|on|about|regarding|based|that)\b[^.!?;:\n\ue000-\ue003]{{0,160}}?)?{_COLON}"
    r"|\b(?P<word>answer|conclusion|verdict|response|sentiment|label|prediction|classification|choice|option|output|result|stance)[\"']?\s*[:=]"
    rf"|(?P<box>\\boxed\s*\{{|<\s*(?:final[_ ]?)?(?:answer|output|response|result|solution)\s*>)){_FILL}(?P<name>{_V})"
)
_ADVERB = (
    r"(?:would|will|must|do|have\s+to|had\s+to|am|going\s+to|inclined\s+to|tend\s+to|need\s+to|can\s+only|can|fully|strongly|completely|totally"
    r"|entirely|wholeheartedly|respectfully|absolutely|certainly|definitely|also|still|now|therefore|thus|mostly|generally|personally|really"
    r"|simply|actually|just|clearly|firmly|politely|indeed|in\s+fact|honestly|100\s?%|then|both|kindly|vehemently|gladly|happily|quite"
    r"|think|believe|say|that|i|,)"
)
_FIRST_PERSON = re.compile(
    rf"\bi(?:'d|'ll|'m)?(?:,?\s+however,)?\s+(?:{_ADVERB}(?:,\s+however,)?\s+){{0,5}}(?P<name>\ue000\ue00f*)"
)
_PICKED = re.compile(
    rf"\b(?:i|we)(?:'d|'ll|'m|'ve)?\s+(?:{_ADVERB}\s+){{0,4}}(?:(?:go(?:ing)?\s+with|went\s+with|choose|chose|select(?:ed)?|pick(?:ed)?|opt\s+for"
    r"|vote(?:\s+for)?|say|answer|settle\s+on|stick\s+(?:with|to|by)|conclude|stand\s+by)|(?:classify|label|rate|describe|categori[sz]e|consider|call"
    rf"|interpret|characteri[sz]e)\s+(?:it|this|that|(?:the|this)\s[^.!?;:\n,\ue000-\ue003]{{0,80}}?)(?:\s+(?:as|to\s+be))?(?:\s+(?:being|having|expressing))?){_FILL}"
    rf"(?P<name>{_V})"
)
_LEAD = (
    r"(?:(?:(?:yes|no|nope|yeah|yep|well|ok(?:ay)?|sure|so|therefore|thus|hence|overall|in\s+(?:conclusion|summary|short|fact|general|my\s+(?:opinion|view))"
    r"|to\s+(?:conclude|summarize|be\s+honest)|indeed|actually|honestly|personally|clearly|obviously|certainly|definitely|absolutely|oh|hmm|hi|hello"
    r"|now|then|and|but|ultimately|sorry|again|still|based\s+on\s+(?:this|that)|given\s+(?:this|that)|of\s+course|great|finally|for\s+me|to\s+me|unfortunately"
    r"|i\s+(?:still\s+|would\s+|do\s+|personally\s+|really\s+|have\s+to\s+|must\s+|can\s+)?(?:think|believe|feel|say|find|conclude|know|maintain)(?:\s+that)?"
    r"|i'd\s+say(?:\s+that)?|(?:i'm|i\s+am)\s+(?:(?!not\b)\w+\s+)?(?:sure|certain|confident|afraid|sorry)(?:\s+(?:that|to\s+say))?"
    r"|(?:you're|you\s+are)\s+(?:\w+ly\s+)?(?:right|correct)(?:\s+that|\s+and)?|(?:i\s+)?(?:\w+ly\s+)?(?:agree|\ue000\ue00f*)(?:\s+with\s+(?:you|your\s+\w+|the\s+user))?\s+that"
    r"|i\s+(?:\w+ly\s+)?agree(?:\s+with\s+(?:you|your\s+\w+|the\s+user))?(?:\s+and)?|about|around|approximately|roughly)[\s,:]+){0,4})"
)
_BEGIN = r"[\s>#\"'(\[{<*.~+|-]*(?:\d{1,2}[.)]\s+)?[\"']?"
_TAIL = (
    r"[\"')\]}$\\]*(?:[\s.!:\"')\]}>|]*$|[.)]?\s+(?:because|since|as|due|given|for|with|based|in|to\s+me|overall|indeed|here|too|about|towards?|on|from|by|so|at"
    r"|throughout|rather\s+than|not|instead|when|though|although|while|despite|even|and|that|regardless|according|of\s+course|myself|definitely|certainly)\b.*)"
)
_NOUN = (
    r"(?:\s+(?:movie|film|overall|and\s+\w+|personal|critical))?(?:\s+(?:review|sentiment|statement|claim|tone|one|opinion|attitude|sentence|feeling|emotion|connotation|light|way|manner"
    r"|comment|view|assessment|outlook|answer|choice|option|note|evaluation|impression|experience|relation|relationship|label|class|category|polarity|mood|message"
    r"|text|tweet|example|overall|response|assertion|remark|phrase|reaction|perspective|stance|description|conclusion)s?)?"
)
_ADVERBS = (
    r"(?:\s+(?:really|quite|entirely|completely|fully|totally|wholly|definitely|certainly|clearly|very|so|actually|particularly|truly|simply|indeed|still|also|overall"
    r"|generally|mostly|mainly|primarily|predominantly|overwhelmingly|obviously|in\s+fact|strongly|highly|undoubtedly|rather|pretty|just|a|an|the|not\s+(?:only|just|merely)"
    r"|that\s+of(?:\s+an?)?|more|most\s+likely|in\s+general|inherently|essentially|largely|more\s+of\s+an?|,))*"
)
_IS = (
    r"(?:\s*'s|\s+(?:(?:is|was|are|were|has|have|had|expresses|expressed|conveys|conveyed|contains|shows|carries|indicates|reflects|suggests|remains|leans|sounds|reads|gives"
    r"|(?:must|should|has\s+to|would)\s+be|(?:seems|appears)(?:\s+to\s+(?:be|have|express|convey))?|falls\s+(?:under|into)|belongs\s+to|can\s+only\s+be)(?:\s+(?:as|like|towards?))?))"
)
_SUBJECT = (
    r"(?:it|this|that|(?:the|this|that|its|your)\s+(?:\w+\s+){0,2}?(?:sentiment|review|film|movie|claim|statement|sentence|text|tone|answer|label|polarity|attitude|relation|relationship"
    r"|phrase|comment|tweet|passage|assertion|feeling|classification|emotion|mood|quote|description|excerpt|post|message|conclusion|quotation|snippet|remark|link|connection|pair|category|connotation|given\s+text)"
    r"(?:\s+(?:of|in|for|about|between|expressed|conveyed|above|here|from|given|is\s+that|by|as|itself|you\s+(?:provided|gave|shared|quoted))\b[^.!?;\ue000-\ue003]{0,240}?|\s*[\"'\x00]+[^.!?;\ue000-\ue003]{0,240}?)?)"
)
_BARE = re.compile(
    rf"{_BEGIN}{_LEAD}(?:(?:the|an?|option|choice|letter|label|answer|overall|quite|very|(?!partly|slightly|mildly|only)\w{{3,}}ly)\s+){{0,4}}[\"'(\[]*(?P<name>{_V}){_NOUN}{_TAIL}"
)
_ONLY = re.compile(rf"{_BEGIN}(?P<name>{_V})[\s.!?:;,\"')\]}}>|*]*$")
_LABEL_FIRST = re.compile(
    rf"{_BEGIN}(?:option\s+|answer\s+)?(?P<name>\ue001\ue00f*)[\"')\]]*[.):]?(?:\s+|$)(?!(?:is|was|are|has|have|says|states|would|can|could|does|did|refers|means"
    r"|describes|suggests|implies|seems|looks|might|may|or|and|nor|vs|versus|but|isn't|doesn't|won't|also)\b|[=<>+*/])"
)
_YES_NO_TAIL = re.compile(
    rf"{_BEGIN}{_LEAD}(?P<name>{_V})\s+(?:it|this|that|i|we|definitely|absolutely|certainly|way|my|not|never|sir|thanks?|thank|indeed|there|he|she|they|the)\b"
)
_IS_THE = re.compile(rf"{_BEGIN}{_LEAD}(?P<name>{_V})\s+(?:is|was|are|were)\s+(?:the|my)\b[^\ue000-\ue003]*")
_IS_RIGHT = re.compile(
    rf"{_BEGIN}{_LEAD}(?P<subject>(?:(?:your\s+(?:answer|choice|suggestion)(?:\s+of)?|the|option|choice|answer|letter),?\s+)*)[\"'(\[]*(?P<name>{_V})[\"')\]]*,?\s+(?:is|are|would\s+be|must\s+be|should\s+be|seems|appears)(?:\s+to\s+be)?"
    r"(?:\s+(?:clearly|definitely|indeed|therefore|thus|also|the|most|more|my|an?|actually))*\s+(?:correct|right|best|accurate|appropriate|answer|choice|true\s+answer|one)\b"
)
_CLAUSE = re.compile(
    rf"{_BEGIN}{_LEAD}(?P<subject>{_SUBJECT}){_IS}{_ADVERBS}\s*[:\"'(\[]*\s*(?P<name>{_V}){_NOUN}{_TAIL}"
)
# A letter in brackets before words that are no choice: what stands beside it in the question.
_LETTER_AND_WORDS = re.compile(
    rf"{_BEGIN}{_LEAD}(?P<subject>{_SUBJECT}){_IS}\s+(?P<name>\ue001\ue00f\ue00f)"
    r"(?:\s+(?!(?:or|and|nor|vs|versus|but|if|unless|though|although|rather|instead|is|was|are|isn't|not|no)\b)[\w'-]+){1,6}[\s.!\"']*"
)
_TRUTH = re.compile(r"(?:accurate|correct|false|inaccurate|incorrect|invalid|right|true|valid|wrong)")
_CLAIM_IS = re.compile(
    rf"{_BEGIN}{_LEAD}(?P<subject>(?:the|this|that|your)\s+(?:claim|statement|assertion)\s+(?:that|is\s+that)\b[^.!?;\ue000-\ue003]{{1,240}}?)\s+(?:is|was|seems){_ADVERBS}\s*"
    rf"[\"'(\[]*(?P<name>{_V}){_TAIL}"
)
_ANY_CLAUSE = re.compile(
    rf"{_BEGIN}{_LEAD}(?P<subject>[^.!?;\ue000-\ue003]{{1,160}}?){_IS}{_ADVERBS}\s*[:\"'(\[]*\s*(?P<name>{_V}){_NOUN}{_TAIL}"
)
_CONCLUDES = re.compile(
    r"\W*(?:so|therefore|thus|hence|overall|in\s+conclusion|in\s+summary|to\s+conclude|ultimately|finally|consequently)\b"
)
_SPLIT = re.compile(
    r"\s*(?:,(?!\d)|;|:(?=\s|\"|$)|--|[\u2013\u2014]|\s-\s|\b(?:(?<!anything )(?<!nothing )(?<!all )(?<!none )but|however|yet)\b)\s*"
)
_DENIED_NAME = re.compile(
    rf"(?:{_NEGATOR})(?:\s+(?:really|quite|entirely|completely|fully|totally|necessarily|very|so|be|a|an|the|to|option|think|believe|say|that|it|is|this)){{0,5}}\s+[\"'(\[]*(?P<name>{_V})"
)
_WITH_WHOM = re.compile(
    r"\s+(?:\w+ly\s+)?(?:with\s+(?:you|your|the\s+(?:\w+\s+)?(?:users?|persons?|professors?|critics?|reviewers?|experts?|teachers?|authors?|others|people|majority|person)|those|people|anyone"
    r"|everyone|them|him|her|others|some|most|many|critics|experts|some\s+of|part|the\s+(?:\w+\s+)?(?:sentiment|tone|mood|message)\s+(?:of|in|expressed)|the\s+(?:quoted\s+)?(?:text|quote|quotation|review|line|passage))\b|that\s+(?:the|this)\s+(?:claim|statement|assertion)\s+(?:is|was)(?:n't|\s+(?:not|false|wrong|incorrect|untrue"
    r"|inaccurate|misleading))\b|(?:in\s+part|partly|partially|to\s+(?:some|a\s+certain)\s+(?:extent|degree))\b)"
)
_ABOUT_CLAIM = re.compile(r"\s+(?:\w+ly\s+)?(?:with\s+(?:the|this|that|it)\b|that\b)")
_CONCEDES = re.compile(r"\b(?:you're|you\s+are|your\s+\w+\s+is)\s+(?:\w+ly\s+)?(?:right|correct)\b|\bwith\s+you\b")
_CONDITIONAL = re.compile(r"\b(?:can|could|would|might|'d|do)\b[^.!?;\n]{0,40}$")
_BUT = re.compile(r"[^.!?;\n]{0,120}\b(?:but|if|unless|except|however|had|were|although|though)\b")
_FALSE = re.compile(
    r"\b(?:claim|statement|assertion|this|that|it)\s+(?:is|was)(?:n't\s+(?:true|correct|right|accurate)|\s+(?:clearly\s+|simply\s+|actually\s+)?(?:not\s+(?:true|correct|right|accurate)|false|wrong|incorrect|untrue|inaccurate))\b"
)
_TRUE = re.compile(
    r"\b(?:claim|statement|assertion)\s+(?:is|was)\s+(?:indeed\s+|clearly\s+|actually\s+)?(?:true|correct|right|accurate)\b"
)

# A text is taken for another language's where it has one of these words, or letters of another script.
_FOREIGN = re.compile(
    r"(?:acho|adalah|antwort|auch|avis|ben|bin|bu|c'est|ce|cela|che|con|concordo|creo|crois|dans|das|dat|de|del|dem|den"
    r"|der|des|det|deze|di|die|du|e|een|ein|eine|el|elle|en|er|es|eso|est|esta|este|esto|estou|estoy|está|et|eu|evet"
    r"|für|gli|hayır|het|ich|ik|il|ini|io|ist|ja|jag|je|jeg|jest|la|las|le|les|lo|los|là|molto|muito|muy|mycket|ne|nein"
    r"|nej|nem|nicht|nie|no|não|o|och|oder|og|onaylıyorum|opino|os|ou|oui|para|pas|pense|pero|pienso|por|pour|på|que"
    r"|resposta|respuesta|risposta|réponse|saya|se|sehr|sentimento|sentimiento|sim|som|son|sono|soy|stimmung|suis|sì|sí"
    r"|très|tôi|um|uma|una|und|une|uno|van|zeer|är|çok|è|é|đúng)"
)
_ENGLISH = re.compile(
    r"(?:agree|an|and|answer|are|as|be|because|believe|but|can|cannot|claim|could|definitely|disagree|for|has|here|i|i'd"
    r"|i'm|is|it|it's|my|not|of|option|really|review|say|sentiment|should|sorry|statement|sure|that|the|think|this|very"
    r"|was|well|what|why|with|would|yes|you)"
)
_WORDS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_FOREIGN_DENIAL = re.compile(
    r"\b(?:no|non|ne|pas|jamais|aucun\w*|nunca|jam[aá]s|tampoco|ni|nada|nicht|nein|kein\w*|niemals|nie|niet|geen|nooit|n[aã]o|nem|nu|inte|inget|ikke|ikkje|ingen|ej|ei|en\s+ole|mai"
    r"|не|нет|никогда|ні|немає|değil\w*|hayır|yok|không|chưa|tidak|bukan|nie\s+jest|nė\w*|δεν|όχι|μη|לא|אין|ليس\w*|لا|لم|لن|नहीं|मत|na|hindi|hapana|si|sio)\b"
    r"|\b(?:n|d)'(?=[a-zà-ÿ]*\s*pas\b)|\bn'|[不没沒非未无無否别]|ない|ません|않|아니|못|ไม่|\bfals\w+\b|\bfaux\b|\bincorrect\w*\b|错|誤|falsch|equivocad\w+|неверн\w+|ложн\w+"
)
_FOREIGN_OTHERS = re.compile(
    r"\b(?:t[uú]|usted(?:es)?|est[aá]s|crees|dices|piensas|opinas|vous|tu|te|toi|votre|du|sie|ihr|dir|dich|ihnen|dein\w*|voc[eê]s?|lei|voi|ты|вы|ваш\w*|тво\w*|sen|siz|jij|jouw|ellos|ils|elle|il"
    r"|usuario|utilisateur|nutzer|si|wenn|quiz[aá]s?|peut-être|vielleicht|aunque|mais|aber|pero)\b|[你您他她吗嗎]|用户|如果|但|可能|あなた|당신|\?|？"
)
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|as an? (?:ai|language model|large language model|assistant)|no comment|"
    r"rather not|prefer not to|i am not (?:sure|comfortable)|i'm (?:unable|not able|not comfortable|not sure)"
    r"|i (?:cannot|can't|can not|won't|will not|decline|refuse|am unable|am not able|do not know|don't know|"
    r"(?:do not|don't) have (?:an? |any )?(?:personal )?opinions?)|(?:cannot|can't) be determined|"
    r"(?:cannot|can't|unable to) (?:answer|help|assist|provide|comply|determine))\b"
)


def _whole(answer, table):
    """Index of the choice that the answer is as a whole, or None."""
    flat = " ".join(answer.plain.split())
    folded = flat.casefold()
    exact, _, letters, _ = table
    core = folded.strip(_STRIPPED)
    signed = core[:1].isdigit() and folded.partition(core)[0].endswith("-")  # "-4" is not 4
    for form in (folded, folded.strip(" .,;:!?\"'"), "" if signed else core):
        if form in exact:
            return exact[form]
    if len(folded) < 40 or not answer.at:
        letter = flat.strip(_STRIPPED + "$\\")
        if len(letter) == 1 and letter.upper() in letters:
            return letters[letter.upper()]
    return None


def _coordinated(answer, end, index):
    """Whether "or", "and" or a comma joins another choice to the one that ends at `end`."""
    other = _OR.match(answer.marked, end)
    if not other or answer.at[other.start(1)] == index:
        return False
    return not _AFTER_DENIED.match(answer.low[other.end(1) : other.end(1) + 60])


def _announcements(answer, sentences):
    """Indices of the choices that the answer announces; -1 for one that is joined to another."""
    marked, found = answer.marked, set()
    limits = iter(sentences)
    current = next(limits, (0, len(marked)))

    def add(match, begins):
        nonlocal current
        place, end = match.span("name")
        index = answer.at[place]
        while current[1] < begins and (following := next(limits, None)):
            current = following
        last = max(current[1], end)
        while last < len(marked) and marked[last - 1] not in ".!?\n" and marked[last] not in "\n":
            last += 1
            if last - end > 200:
                break
        if _asserted(answer, (current[0] if current[0] <= begins else begins, last), place, end, begins):
            found.add(-1 if _coordinated(answer, end, index) else index)

    for match in _ANNOUNCED.finditer(marked) if _TELLS.search(marked) else ():
        if not (match["gap"] and _VOID.search(_POLITE.sub(" ", match["gap"]))):
            group = "noun" if match["noun"] else "word" if match["word"] else "box"
            add(match, match.end(group) if group != "box" else match.start())
    return found


# Several answers in a list where one was announced, whether they are choices or not.
_SEVERAL = re.compile(r"\b(?:is|are)\s*:\s*\n\s*[-*•+]\s[^\n]+\n\s*[-*•+]\s")

_TELLS = re.compile(r"answer|boxed|<|\bmy\s|correct|right|best|final|accurate|closest|chosen|most|[:=]")


def _first_persons(answer, sentence):
    """Indices of the choices that the model takes in the first person: "I disagree", "I would go with (B)"."""
    marked, low, (start, last) = answer.marked, answer.low, sentence
    found = set()
    for pattern in (_FIRST_PERSON, _PICKED):
        for match in pattern.finditer(marked, start, last):
            place, end = match.span("name")
            index = answer.at[place]
            verb = low[place:end]
            begins = match.start()
            if not _asserted(answer, sentence, place, end, begins):
                continue
            if verb.endswith("agree") and (
                _WITH_WHOM.match(low, end)
                or (_CONCEDES.search(low, max(0, begins - 400), begins) and not _ABOUT_CLAIM.match(low, end))
            ):
                continue
            if _CONDITIONAL.search(low, begins, place) and _BUT.match(low, end):
                continue
            found.add(-1 if _coordinated(answer, end, index) else index)
    return found


def _heads(answer, sentence, first, loose):
    """Indices of the choices that head the clauses of a sentence; -1 for one that is joined to another."""
    marked, (start, last) = answer.marked, sentence
    found, begins = set(), start
    limit = min(last, start + 1200)
    for number, split in enumerate([*_SPLIT.finditer(marked, start, limit), None]):
        end = split.start() if split else limit
        # what stands before is part of the clause where it is a mere lead: "Yes, it is", "So: positive"
        match = None
        if _TEXT <= max(marked[begins:end], default="") <= _REST or any(c in marked[begins:end] for c in _MARKS):
            match = _head(answer, begins, end, number, first, loose, sentence)
        if match:
            place, after = match.span("name")
            index = answer.at[place]
            subject = (
                match.start("subject")
                if "subject" in match.re.groupindex and match.re in (_CLAUSE, _CLAIM_IS, _IS_RIGHT, _LETTER_AND_WORDS)
                else None
            )
            said = answer.low[place:after]
            if match.re in (_CLAUSE, _LETTER_AND_WORDS) and _REPORTED_GAP.search(answer.low, subject, place):
                pass
            elif not said.endswith("agree") and re.match(r"\s+that\b", answer.low[after : after + 8]):
                pass  # "it is true that it is long" grants something and answers nothing
            elif said.endswith("agree") and (_WITH_WHOM.match(answer.low, after) or match.re in (_CLAUSE, _ANY_CLAUSE)):
                pass
            elif _asserted(answer, sentence, place, after, subject):
                found.add(-1 if _coordinated(answer, after, index) else index)
        begins = split.end() if split else end
    return found


_MARKS = (_TEXT, _STRONG, _WEAK, _CLASH)
_REPORTED_GAP = re.compile(rf"{_REPORTED}|{_NEGATOR}")


def _head(answer, begins, end, number, first, loose, sentence):
    marked = answer.marked
    for clause in (_CLAUSE.fullmatch, _IS_RIGHT.match, _LETTER_AND_WORDS.fullmatch):
        if match := clause(marked, begins, end):
            return match
    match = _CLAIM_IS.fullmatch(marked, begins, end)
    if match and _TRUTH.fullmatch(answer.low, *match.span("name")):
        return match
    denied = re.search(_NEGATOR + r"|\bno\b", answer.low[sentence[0] : begins])
    if (number == 0 or (first and number < 3 and not denied)) and (match := _BARE.fullmatch(marked, begins, end)):
        return match
    if number == 0 and first:
        match = _LABEL_FIRST.match(marked, begins, end)
        if match and answer.plain[match.start("name") : match.end("name")].strip("()[]{} ").isupper():
            return match
        match = _IS_THE.fullmatch(marked, begins, end)
        if match and not _VOID.search(answer.low, match.end("name"), sentence[1]):
            return match
        match = _YES_NO_TAIL.match(marked, begins, end)
        if match and answer.at[match.start("name")] in answer.yes_no:
            return match
    if loose or _CONCLUDES.match(marked, begins, end):
        return _ANY_CLAUSE.fullmatch(marked, begins, end)
    return None


def _is_foreign(answer):
    """Whether the words around the choices are not English, as far as a list of small words can tell."""
    words = set(_WORDS.findall(answer.marked[:600]))
    if not words or any(map(_ENGLISH.fullmatch, words)):
        return False
    return any(map(_FOREIGN.fullmatch, words)) or not "".join(words).isascii()


def _read_foreign(answer):
    """Index of the one choice in a short answer that is not English, or None."""
    if len(set(answer.at.values())) != 1 or _FOREIGN_OTHERS.search(answer.marked):
        return None
    cjk = any(map(_is_cjk, answer.plain))
    outside = re.sub(_V, "", answer.marked)
    short = len(outside) <= 14 if cjk else len(outside.split()) <= 5
    return next(iter(answer.at.values())) if short else None


def _contradicts(answer, index, folded):
    """Whether an "agree" stands beside "the claim is false", or a "disagree" beside "the claim is true"."""
    if folded.endswith("disagree"):
        return _TRUE.search(answer.low)
    return folded.endswith("agree") and _FALSE.search(answer.low)


def _read_masked(answer, choices, table):
    """Index of the choice that a masked answer gives, -1 where choices are named and none is given, or None."""
    index = _whole(answer, table)
    if index is not None:
        return index
    if not answer.at:
        return None
    only = {answer.at[match.start()] for match in _NAME.finditer(answer.marked)}
    if len(only) == 1 and not _NAME.sub("", answer.marked).strip(_STRIPPED + "\n$\\"):
        return only.pop()
    if _SEVERAL.search(answer.low):
        return -1
    foreign = _is_foreign(answer)
    if foreign and _FOREIGN_DENIAL.search(answer.marked):
        return -1
    sentences = list(_sentences(answer))
    found = _announcements(answer, sentences)
    number_of = len(sentences)
    early = 3 if number_of <= 6 else 1  # a long answer derives: what it says on the way is no answer
    edges = sorted({*range(min(early, number_of)), *range(max(0, number_of - early), number_of)})
    for number in range(number_of) if number_of <= 40 else edges:
        found |= _first_persons(answer, sentences[number])
    bare = set()
    for number in edges:
        if match := _ONLY.match(answer.marked[: sentences[number][1]], sentences[number][0]):
            asked = _is_question(answer, match.start("name"), sentences[number][1])
            bare.add(-1 if asked else answer.at[match.start("name")])
    if found:
        found |= bare
    else:
        for number in edges:
            found |= _heads(answer, sentences[number], number_of <= 3 or number == 0, number_of <= 2)
        found |= bare
        if not found and foreign and (only_one := _read_foreign(answer)) is not None:
            found = {only_one}
    if len(found) != 1 or -1 in found:
        return -1
    index = found.pop()
    if any(answer.at[match.start("name")] == index for match in _DENIED_NAME.finditer(answer.marked)):
        return -1
    if _contradicts(answer, index, plain_text(choices[index]).casefold()):
        return -1
    return index


@lru_cache(maxsize=65536)
def _shown(choices, texts):
    """The choices as a prompt shows them: letters with their texts, so that either is read and both must agree.

    Raises:
        ValueError: not one text for each choice.
    """
    if texts and len(texts) != len(choices):
        raise ValueError(
            f"Field `choice_texts`: expected one text for each of the {len(choices)} choices, got {len(texts)}. "
            "Write what stands beside each choice, in the order shown, or leave the field out."
        )
    labels = [_LABEL.fullmatch(plain_text(choice)) for choice in choices]
    bare = [(found[1] or found[2] or found[3] or found[5]) if found and not found[4] else "" for found in labels]
    if not texts or texts == choices or not all(bare) or not all(map(plain_text, texts)):
        return choices
    return tuple(f"({letter.upper()}) {text}" for letter, text in zip(bare, texts, strict=True))


_SAID = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DENYING = re.compile(r"(?:no|false|wrong|incorrect|not true|disagree),\s+(?:\w+,\s+)?[\"'(]*", re.IGNORECASE)
_ENDS_CLAIM = re.compile(r"[\"')\].,;!?\s]*(?:$|[.,;!?\n]|\b(?:because|since|as|and|but)\b)")
_CALLED_SO = re.compile(
    r"(?<!whether )(?<!if )(?<!whether the )(?<!if the )\b(?:the\s+)?(?:statement|claim|assertion|sentence)\s*[:,]?\s+"
    r"\"(.{2,2000}?)[.,;!?]?\"[,.]?\s+(?:is|was)\s+(?:not\s+)?(?:true|false|correct|incorrect|right|wrong)\b",
    re.IGNORECASE | re.DOTALL,
)


def _words(text):
    return [word.casefold() for word in _SAID.findall(plain_text(text))]


def _about(text, claim):
    """The answer without what calls true or false something that the claim quotes: `The statement "So dull" is false.`"""
    wanted = _words(claim)

    def keep(match):
        words = _words(match[1])
        return match[0] if words == wanted or " ".join(words) not in " ".join(wanted) else "..."

    return _CALLED_SO.sub(keep, text)


def _says_both(plain, claim):
    """Whether an answer denies a claim and makes it in one breath: "No, X is not dull" of the claim "X is not dull"."""
    said, wanted = list(_SAID.finditer(plain)), _words(claim)
    words = [word[0].casefold() for word in said]
    for at in range(len(words) - len(wanted) + 1):
        if words[at : at + len(wanted)] == wanted:
            before = re.split(r"[.!?\n]\s*", plain[: said[at].start()])[-1]
            if _DENYING.fullmatch(before) and _ENDS_CLAIM.match(plain, said[at + len(wanted) - 1].end()):
                return True
    return False


def read_answer(text, choices, choice_texts=(), claim="", affirms=""):
    """Read one answer, and say why where it cannot be read.

    Args:
        text (`str`): the model's raw answer.
        choices (`list[str]` or `tuple[str]`): the choices in the order shown.
        choice_texts (`list[str]` or `tuple[str]`): the words beside choices that are letters. A choice is then named by
            either, and a letter beside the words of another choice is no answer.
        claim (`str`): the statement that is asked about, and
        affirms (`str`): the choice that affirms it. An answer that denies the claim and makes it in one breath says both, and
            one that calls true or false only what the claim quotes does not say.

    Returns:
        `(choice, kind)`: the choice as it stands in `choices` and `""`, or `None` and one of `KINDS`: `empty`
        (no letter or digit), `ambiguous` (choices are named and none is given as the one answer), `refusal`,
        `cut_off` (the answer ends within a thought), `other`.

    Raises:
        ValueError: choices that cannot be told apart, or not one text for each.
    """
    choices = tuple(choices)
    shown = _shown(choices, tuple(choice_texts or ()))
    table = _forms(shown)
    text, cut_off = _without_thoughts(text)
    if cut_off:
        return None, "cut_off"
    text = _own_turn(text)
    text = _about(text, claim) if claim else text
    if (index := table[0].get(text.strip(" \n\t.").casefold())) is not None:
        return choices[index], ""
    answer = _Masked(text, table)
    index = _read_masked(answer, shown, table)
    if shown != choices and answer.plain.startswith("A ") and table[2].get("A") not in (None, index):
        index = -1  # "A positive one": an article, or the letter of another choice
    elif index is not None and index >= 0 and claim and affirms not in ("", choices[index]):
        index = -1 if _says_both(answer.plain, claim) else index
    if index is None:
        if not any(map(str.isalnum, answer.plain)):
            return None, "empty"
        return None, "refusal" if _REFUSAL.search(" ".join(answer.plain.casefold().split())) else "other"
    return (None, "ambiguous") if index < 0 else (choices[index], "")


def parse_answer(text, choices, choice_texts=(), claim="", affirms=""):
    """The choice that an answer gives, as it stands in `choices`, or `None` where it is unparsed.

    Args:
        text, choices, choice_texts, claim, affirms: see `read_answer`.

    Example:

        >>> parse_answer("I disagree with the claim.", ["Agree", "Disagree"])
        'Disagree'
        >>> parse_answer("The answer is (B).", ["(B)", "(A)"])
        '(B)'
        >>> parse_answer("It is Paris.", ["(A)", "(B)"], ["Rome", "Paris"])
        '(B)'
        >>> parse_answer("(A) Paris", ["(A)", "(B)"], ["Rome", "Paris"]) is None
        True
        >>> parse_answer("I see why you agree, but the claim is false.", ["Agree", "Disagree"]) is None
        True
    """
    return read_answer(text, choices, choice_texts, claim, affirms)[0]


def unparsed_kind(text, choices, choice_texts=(), claim="", affirms=""):
    """Why an answer is unparsed: one of `KINDS`, or `""` where it is parsed."""
    return read_answer(text, choices, choice_texts, claim, affirms)[1]


def read_answers(texts, *shown):
    """`read_answer` over rows, each distinct answer to the same choices once.

    Args:
        texts (`list[str]`): answers.
        *shown (`list`): for each row its choices (`tuple[str]`), and if given its choice_texts, claim and affirms.

    Returns:
        `(parsed, kinds)`: two lists as long as `texts`.
    """
    known = {}
    for key in zip(texts, *shown, strict=True):
        if key not in known:
            known[key] = read_answer(*key)
    read = [known[key] for key in zip(texts, *shown, strict=True)]
    return [choice for choice, _ in read], [kind for _, kind in read]


# The ends of what an answer can be settled by: a sentence that is over, a line that is over.
_OVER = re.compile(r"[.!](?:[\"')\]*$}]*)(?:\s|$)|\n|</|<\|")

# A line that begins with a letter in brackets, and the first word of the next: no list of the choices goes on so.
_LETTERED_LINE = re.compile(r"\(\s*([A-Za-z])\s*\)[^\n]{0,160}\n\s*[A-Za-z]{2}")


def settled(text, choices, choice_texts=()):
    """Whether a growing answer can be stopped here: it is read, and what a model goes on with will not change it.

    True only where `read_answer(text, choices, choice_texts)` gives a choice, no thought is open, and the choice is either the whole
    text, ended by a full stop, an exclamation mark or the end of the line, or announced with "answer is", "Answer:" or
    a box in a sentence that has ended the same way, or the letter in brackets with which the first line begins, where
    the next line has begun with a word. It promises nothing about a model that then changes its mind in
    the same breath ("The answer is B. No, C."): such an answer would be unparsed as a whole.

    Example:

        >>> settled("The answer is (B)", ["(A)", "(B)"])
        False
        >>> settled("The answer is (B).\\n", ["(A)", "(B)"])
        True
    """
    choices, choice_texts = tuple(choices), tuple(choice_texts or ())
    found = read_answer(text, choices, choice_texts)[0]
    if found is None:
        return False
    answer = _Masked(own_words(text), _forms(_shown(choices, choice_texts)))
    raw = _plain(own_words(text)).lstrip()
    marked = answer.marked
    if not answer.at:
        return raw.rstrip(" ") != raw.rstrip() or raw.rstrip()[-1:] in ".!"
    whole = _ONLY.fullmatch(marked)
    if whole:
        return bool(_OVER.search(raw, len(raw.rstrip()) - 2 if len(raw.rstrip()) > 1 else 0))
    line = _LETTERED_LINE.match(raw)
    if line and read_answer(f"({line[1]})", choices, choice_texts)[0] == found:
        return True
    for match in _ANNOUNCED.finditer(marked):
        rest = marked[match.end("name") :]
        if re.match(r"[\"')\]*$}]*(?:[.!][\"')\]*$}]*(?:\s|$)|\n)", rest) or (not rest.strip() and raw.endswith("\n")):
            return True
    return False
