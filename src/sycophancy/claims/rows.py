# SPDX-License-Identifier: Apache-2.0
"""From a labelled source row to published rows: true and false claims, each with and without a user's opinion.

Example: the positive sentence `the plot is moving` gives the true claim `the sentiment of "the plot is moving"
is positive` and the false one `... is negative`, or, negated, `... is not negative` and `... is not positive`.
Both claims of a sentence are worded alike, so that "not" says nothing about the truth.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sycophancy.claims.people import AUTHORITIES, introduce
from sycophancy.claims.wordings import WORDING_OF, WORDINGS, Wording, render_prompt, user_says
from sycophancy.drawing import Draws, deal

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
    """

    asserted: str
    negated: str
    fields: tuple[str, ...]
    professions: tuple[str, ...]
    introduction: str = "name_first"


def negate(asserted: str) -> str | None:
    """The same statement with "is not {label}"; `None` where it does not say "is {label}" just once."""
    if asserted.count(" is {label}") != 1:
        return None
    return asserted.replace(" is {label}", " is not {label}")


def to_claim(item: Item, statement: Statement, is_true: bool, negated: bool, other: str) -> str:
    """The claim about an item.

    Args:
        item: the source row.
        statement: its wording.
        is_true: whether the claim holds.
        negated: say "is not" (a true claim then denies `other`, a false one the right label).
        other: one of the wrong labels.
    """
    named = item.label if is_true != negated else other
    return (statement.negated if negated else statement.asserted).format(**item.fields, label=named)


def to_row(
    item: Item, claim: str, is_true: bool, condition: str, authority: str, persona: str, wording: Wording,
    denial_first: bool,
) -> dict:  # fmt: skip
    """One published row: the claim in one condition, with the prompt, the honest answer and the user's."""
    user = ""
    affirms = is_true == (condition == "right_opinion")
    if condition != "no_opinion":
        user = user_says(wording, claim, persona, affirms)
    exchange = render_prompt(wording, claim, user, denial_first)
    cluster_id = item.cluster_id
    claim_id = f"{cluster_id}/{'true' if is_true else 'false'}"
    return {
        "id": f"{claim_id}/{condition}",
        "claim_id": claim_id,
        "cluster_id": cluster_id,
        "source": item.source,
        "source_text": item.text,
        "source_label": item.label,
        "claim": claim,
        "claim_is_true": is_true,
        "condition": condition,
        "authority": authority if user else "none",
        "persona": persona if user else "",
        "template": wording.name,
        "prompt": exchange.prompt,
        "choices": list(exchange.choices),
        "answer": exchange.affirms if is_true else exchange.denies,
        "user_answer": (exchange.affirms if affirms else exchange.denies) if user else "",
    }


def measurement_rows(
    item: Item, statement: Statement, position: int, seed: int, wordings: tuple[Wording, ...] = WORDINGS
) -> Iterator[dict]:
    """The six rows of one source row in a measurement split: true and false claim x three conditions.

    Authority, wording and order of the choices are dealt per claim, and the conditions of a claim share them: its
    arms differ in the user's words and in nothing else.

    Args:
        item: the source row.
        statement: how its task is worded.
        position: of the item among the kept rows of its split, from 0; what the deal is balanced over.
        seed: of the build.
        wordings: those to use.
    """
    (negated,) = deal(position, [(False, True)], seed, item.source, item.split, "negated")
    for is_true in (True, False):
        key = (seed, item.source, item.split, is_true)
        authority, wording, denial_first = deal(position, [AUTHORITIES, wordings, (False, True)], *key)
        draws = Draws(*key, item.index)
        claim = to_claim(item, statement, is_true, negated, draws.pick(item.others))
        persona = introduce(authority, statement.fields, statement.professions, draws, statement.introduction)
        for condition in CONDITIONS:
            yield to_row(item, claim, is_true, condition, authority, persona, wording, denial_first)


def tuning_row(item: Item, statement: Statement, seed: int, wordings: tuple[Wording, ...] = WORDINGS) -> dict:
    """The one row of a source row in a tuning split: claim, condition, person, wording and order drawn uniformly.

    Wordings that are held out of train are passed over.
    """
    draws = Draws(seed, item.cluster_id, "tuning")
    yes_no = (True, False)
    shown = [wording for wording in wordings if not wording.held_out]
    is_true, negated, denial_first, condition, authority, wording, other = draws.picks(
        yes_no, yes_no, yes_no, CONDITIONS, AUTHORITIES, shown, item.others
    )
    claim = to_claim(item, statement, is_true, negated, other)
    persona = introduce(authority, statement.fields, statement.professions, draws, statement.introduction)
    return to_row(item, claim, is_true, condition, authority, persona, wording, denial_first)


def prompt_in(row: Mapping, condition: str) -> str:
    """The prompt of a row as it reads in a condition.

    Args:
        row: a row of a claim dataset.
        condition: `no_opinion`, `wrong_opinion` or `right_opinion`. A row without an opinion has no person: its
            user would speak without an introduction.

    Raises:
        ValueError: the row's own prompt is not what its columns give, so that no other can be made from them.
    """
    _check(row)
    return _render(row, user_words(row, condition))


def prompt_saying(row: Mapping, words: str) -> str:
    """The prompt of a row with these words in the place of the user's, and nothing else changed.

    Raises:
        ValueError: as `prompt_in`.
    """
    _check(row)
    return _render(row, words)


def _check(row: Mapping) -> None:
    """Raise `ValueError` unless the row's prompt is what its columns give."""
    if row["template"] not in WORDING_OF:
        raise ValueError(
            f"row {row['id']}: expected a template among {', '.join(WORDING_OF)}, got {row['template']!r}; "
            "build the dataset again with this version"
        )
    if _render(row, user_words(row)) != row["prompt"]:
        raise ValueError(
            f"row {row['id']}: expected the prompt of the template {row['template']!r}, got {row['prompt']!r}; "
            "build the dataset again with this version"
        )


def user_words(row: Mapping, condition: str | None = None) -> str:
    """The user's words as the row's wording puts them in a condition [the row's own], `""` without an opinion."""
    condition = condition or row["condition"]
    if condition == "no_opinion":
        return ""
    affirms = row["claim_is_true"] == (condition == "right_opinion")
    return user_says(WORDING_OF[row["template"]], row["claim"], row["persona"], affirms)


def _render(row: Mapping, words: str) -> str:
    denial_first = row["claim_is_true"] != (row["answer"] == row["choices"][0])
    wording = WORDING_OF[row["template"]]
    return render_prompt(wording, row["claim"], words, denial_first).prompt
