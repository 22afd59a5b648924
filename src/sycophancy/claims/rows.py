# SPDX-License-Identifier: Apache-2.0
"""From a labelled source row to published rows: true and false claims, each with and without a user's opinion.

Example: the positive sentence `the plot is moving` gives the true claim `the sentiment of "The plot is moving"
is positive` and the false one `... is negative`, or, negated, `... is not negative` and `... is not positive`.
Both claims of a sentence are worded alike, so that "not" says nothing about the truth.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sycophancy.claims.people import AUTHORITIES, introduce
from sycophancy.claims.wordings import (
    CERTAINTIES,
    PLACES,
    WORDING_OF,
    WORDINGS,
    Wording,
    place_words,
    render_prompt,
    say_opinion,
)
from sycophancy.drawing import Draws, balance

CONDITIONS = ("no_opinion", "wrong_opinion", "right_opinion")
"""The arms of a claim in a measurement split."""

MEASUREMENT_SPLITS = ("validation", "test")
"""Splits that are crossed for measurement: six rows per source row. Any other split is for tuning."""


@dataclass(frozen=True)
class Item:
    """A labelled source row.

    Attributes:
        source: name of the source task.
        split: its split there.
        index: its position in that split, before rows were dropped.
        text: what the column `source_text` holds.
        fields: the text columns by name, for the statement.
        label: name of the right label.
        others: names of the other labels.
    """

    source: str
    split: str
    index: int
    text: str
    fields: dict[str, str]
    label: str
    others: tuple[str, ...]

    @property
    def cluster_id(self) -> str:
        """What all rows made from this source row share: `sst2/validation/17`."""
        return f"{self.source}/{self.split}/{self.index}"


@dataclass(frozen=True)
class Statement:
    """How a source task is put into words: statement with a slot per text column and one for the label, and people.

    Attributes:
        asserted: for example `the sentiment of "{sentence}" is {label}`.
        negated: for example `the sentiment of "{sentence}" is not {label}`.
        fields: fields of study that fit the task.
        professions: occupations that fit the task.
        introduction: how people introduce themselves, one of `people.INTRODUCTIONS`.
        briefly: the two as users put them who do not repeat a text; by default as `without_texts` puts them.
        mend: what makes a text readable before it is shown.
    """

    asserted: str
    negated: str
    fields: tuple[str, ...]
    professions: tuple[str, ...]
    introduction: str = "name_first"
    briefly: tuple[str, str] | None = None
    mend: Callable[[str], str] | None = None


def negate(asserted: str) -> str | None:
    """The same statement with "is not {label}"; `None` where it does not say "is {label}" just once."""
    if asserted.count(" is {label}") != 1:
        return None
    return asserted.replace(" is {label}", " is not {label}")


_NOUN = r"(?:(?!\b(?:the|of|to|in|for|on|by|with|from|a|an|that|is|are)\b)[\w -])+"
_SLOT = r"(?<!\{)\{(?!label\})\w+\}(?!\})"
_NAMED = re.compile(rf'\bthe ({_NOUN}?) "{_SLOT}"(?: and "{_SLOT}")?')
_UNNAMED = re.compile(rf'"{_SLOT}"|{_SLOT}')
_FIRST, _SECOND = "the first text that is shown", "the second text that is shown"


@lru_cache(maxsize=256)
def without_texts(statement: str) -> str:
    """A statement as one puts it who does not repeat its texts.

    Example: `the sentiment of the tweet "{text}" is {label}` -> `the sentiment of the quoted tweet is {label}`.
    """
    statement = _NAMED.sub(r"the quoted \1", statement)
    if len(_UNNAMED.findall(statement)) > 1:
        return _UNNAMED.sub(_SECOND, _UNNAMED.sub(_FIRST, statement, count=1))
    return _UNNAMED.sub(
        lambda slot: "the quoted text" if slot.group()[0] == '"' else "the text that is shown", statement
    )


@dataclass(frozen=True)
class Claim:
    """A claim about an item, and what users say who hold it or hold that it is false.

    Attributes:
        text: the claim, without final punctuation.
        affirmation: the same in the words of a user, who does not repeat a text.
        denial: the contrary in the words of a user: with "not" where the claim has none, and without where it has.
    """

    text: str
    affirmation: str
    denial: str


def to_claim(item: Item, statement: Statement, is_true: bool, negated: bool, other: str) -> Claim:
    """The claim about an item.

    Args:
        item: the source row.
        statement: its wording.
        is_true: whether the claim holds.
        negated: say "is not" (a true claim then denies `other`, a false one the right label).
        other: one of the wrong labels.
    """
    named = item.label if is_true != negated else other
    forms = (statement.asserted, statement.negated)
    asserted, denied = (
        # No text is repeated, but a value that is no text may be a slot of its own ("the sum of {a} and {b}").
        form.format(**item.fields, label=named)
        for form in statement.briefly or map(without_texts, forms)
    )
    fields = shown_fields(item, statement)
    return Claim(
        forms[negated].format(**fields, label=named),
        *((denied, asserted) if negated else (asserted, denied)),
    )


def shown_fields(item: Item, statement: Statement) -> dict[str, str]:
    """The item's texts as they are shown."""
    if statement.mend is None:
        return item.fields
    return {name: statement.mend(" ".join(text.split())) for name, text in item.fields.items()}


@dataclass(frozen=True)
class Speaker:
    """Who the user is, how sure, and where they speak."""

    authority: str = "none"
    persona: str = ""
    certainty: str = "plain"
    place: str = "before"


def to_row(
    item: Item, claim: Claim, is_true: bool, condition: str, speaker: Speaker, wording: Wording, denial_first: bool
) -> dict:
    """One published row: the claim in one condition, with the prompt, the honest answer and the user's."""
    opines = condition != "no_opinion"
    exchange = render_prompt(wording, claim.text, "", "", denial_first)
    answer, wrong = (exchange.affirms, exchange.denies) if is_true else (exchange.denies, exchange.affirms)
    claim_id = f"{item.cluster_id}/{'true' if is_true else 'false'}"
    row = {
        "id": f"{claim_id}/{condition}",
        "claim_id": claim_id,
        "cluster_id": item.cluster_id,
        "source": item.source,
        "source_text": item.text,
        "source_label": item.label,
        "claim": claim.text,
        "claim_is_true": is_true,
        "condition": condition,
        "authority": speaker.authority if opines else "none",
        "persona": speaker.persona if opines else "",
        "template": wording.name,
        "prompt": exchange.prompt,
        "choices": list(exchange.choices),
        "answer": answer,
        "user_answer": {"right_opinion": answer, "wrong_opinion": wrong}.get(condition, ""),
        "certainty": speaker.certainty if opines else "",
        "opinion_place": speaker.place if opines else "",
        "affirmation": claim.affirmation,
        "denial": claim.denial,
        "choice_texts": list(exchange.choice_texts),
    }
    if opines:
        row["prompt"] = _render(row, *user_pieces(row))
    return row


def measurement_rows(
    item: Item, statement: Statement, position: int, seed: int, wordings: Sequence[Wording] = WORDINGS
) -> Iterator[dict]:
    """The six rows of one source row in a measurement split: true and false claim x three conditions.

    Authority, certainty, place, wording and order of the choices are balanced over claims, any two of them crossed; the
    conditions of a claim share them: its arms differ in the user's words and in nothing else.

    Args:
        item: the source row.
        statement: how its task is worded.
        position: of the item among the kept rows of its split, from 0; what the factors are balanced over.
        seed: of the build.
        wordings: those to use.
    """
    factors = (AUTHORITIES, wordings, (False, True), CERTAINTIES, PLACES)
    negated, *levels = balance(position, ((False, True), *factors, *factors), seed, item.source, item.split)
    for is_true, (authority, wording, denial_first, certainty, place) in (
        (True, levels[: len(factors)]),
        (False, levels[len(factors) :]),
    ):
        draws = Draws(seed, item.source, item.split, is_true, item.index)
        claim = to_claim(item, statement, is_true, negated, draws.pick(item.others))
        persona = introduce(authority, statement.fields, statement.professions, draws, statement.introduction)
        speaker = Speaker(authority, persona, certainty, place)
        for condition in CONDITIONS:
            yield to_row(item, claim, is_true, condition, speaker, wording, denial_first)


def tuning_row(item: Item, statement: Statement, seed: int, wordings: Sequence[Wording] = WORDINGS) -> dict:
    """The one row of a source row in a tuning split: claim, condition, person, wording and order drawn uniformly.

    Wordings that are held out of train are passed over.
    """
    draws = Draws(seed, item.cluster_id, "tuning")
    yes_no = (True, False)
    shown = [wording for wording in wordings if not wording.held_out]
    is_true, negated, denial_first, condition, authority, wording, certainty, place, other = draws.picks(
        yes_no, yes_no, yes_no, CONDITIONS, AUTHORITIES, shown, CERTAINTIES, PLACES, item.others
    )
    claim = to_claim(item, statement, is_true, negated, other)
    persona = introduce(authority, statement.fields, statement.professions, draws, statement.introduction)
    return to_row(item, claim, is_true, condition, Speaker(authority, persona, certainty, place), wording, denial_first)


def prompt_in(row: Mapping, condition: str) -> str:
    """The prompt of a row as it reads in a condition.

    Args:
        row: a row of a claim dataset.
        condition: `no_opinion`, `wrong_opinion` or `right_opinion`. A row without an opinion has no person: its
            user would speak without an introduction, plainly, before the claim.

    Raises:
        ValueError: the row's own prompt is not what its columns give, so that no other can be made from them.
    """
    check_prompt(row)
    return _render(row, *user_pieces(row, condition))


def reported_prompt(row: Mapping, frame: str) -> str:
    """The prompt of a row with the user's words put as someone else's, and nothing else changed.

    Args:
        row: a row of a claim dataset.
        frame: what the words are put into, with a slot `{words}`: `Someone wrote: "{words}"`.

    Raises:
        ValueError: as `prompt_in`.
    """
    check_prompt(row)
    return _render(row, *(words and frame.replace("{words}", words) for words in user_pieces(row)))


def check_prompt(row: Mapping) -> None:
    """Raise `ValueError` unless the row's prompt is what its columns give."""
    if row["template"] not in WORDING_OF:
        raise ValueError(
            f"row {row['id']}: expected a template among {', '.join(WORDING_OF)}, got {row['template']!r}; "
            "build the dataset again with this version"
        )
    if _render(row, *user_pieces(row)) != row["prompt"]:
        raise ValueError(
            f"row {row['id']}: expected the prompt of the template {row['template']!r}, got {row['prompt']!r}; "
            "build the dataset again with this version"
        )


def user_pieces(row: Mapping, condition: str | None = None) -> tuple[str, str]:
    """The user's words before the claim and after it in a condition [the row's own], `""` for none."""
    condition = condition or row["condition"]
    if condition == "no_opinion":
        return "", ""
    affirms = row["claim_is_true"] == (condition == "right_opinion")
    place = row["opinion_place"] or "before"
    said = say_opinion(
        WORDING_OF[row["template"]],
        row["certainty"] or "plain",
        place,
        affirms,
        row["affirmation" if affirms else "denial"],
    )
    return place_words(row["persona"], said, place)


def _render(row: Mapping, before: str, after: str) -> str:
    denial_first = row["claim_is_true"] != (row["answer"] == row["choices"][0])
    return render_prompt(WORDING_OF[row["template"]], row["claim"], before, after, denial_first).prompt
