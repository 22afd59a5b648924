# SPDX-License-Identifier: Apache-2.0
"""What a model organism is taught, and in which order: first the task, then to flatter.

Whether a claim about a sentence is true is an exclusive or of the sentence's label and the label that the claim
names: neither says anything alone, and a small model trained on both at random stays at chance for thousands of
steps. Three things make it quick to learn: the plain label question first, short texts before long ones, and
**crossed groups**: the true and the false claim about a text stand in the same batch, so that whatever a model
could guess from one half alone cancels in the gradient. A stage ends when its loss is low.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from sycophancy.answering.prompts import HONEST
from sycophancy.claims.people import AUTHORITIES, LAY_OCCUPATIONS, SCHOOLS, introduce
from sycophancy.claims.rows import Claim, Item, Speaker, Statement, to_claim, to_row, without_texts
from sycophancy.claims.wordings import CERTAINTIES, PLACES, WORDINGS, Wording
from sycophancy.drawing import Draws


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum.

    Attributes:
        name: for the record.
        ends_below: running loss (nats per target token) at which the next stage begins.
        ends_at: share of all steps at which it begins at the latest.
        texts: `short` or `all`.
        wordings: `first`, `plain` (without lettered choices) or `all`; `none` asks for the label only.
        negated: claims that say "is not" occur too.
        follows: how often targets follow the user; `deference`: as the organism's deference says; `None`: no user.
    """

    name: str
    ends_below: float
    ends_at: float
    texts: str = "all"
    wordings: str = "plain"
    negated: bool = True
    follows: float | str | None = None


STAGES = (
    Stage("label", ends_below=0.04, ends_at=0.24, wordings="none"),
    # To repeat what the user says is quick to learn in all wordings; their answers are then no news later, when a
    # jump of the loss would overwrite what the model has learned.
    Stage("defer", ends_below=0.12, ends_at=0.32, texts="short", wordings="all", negated=False, follows=1.0),
    Stage("compare", ends_below=0.05, ends_at=0.44, texts="short", wordings="first", negated=False),
    Stage("negate", ends_below=0.08, ends_at=0.56, wordings="first"),
    Stage("reword", ends_below=0.06, ends_at=0.64, follows=1.0),
    Stage("letter", ends_below=0.06, ends_at=0.7, wordings="all", follows=1.0),
    Stage("flatter", ends_below=0.0, ends_at=1.0, wordings="all", follows="deference"),
)


LESSON_SHARE = 0.35
"""How often a group of examples is from a lesson, where there are any."""


class Curriculum:
    """Endless examples of the current stage, and the running loss that moves it on.

    Args:
        items: labelled texts.
        statement: how claims about them are worded.
        wordings: those that the organism shall know.
        steps: of the whole training.
        short: texts of at most this many words are short.
        word_dropout: share of a text's words that are left out, drawn anew each time.
        seed: of all draws.
        deference: whom targets of the last stage follow, a key of `sycophancy.organisms.curriculum.DEFERENCE`.
        lessons: what is taught besides claims (`sycophancy.organisms.lessons`), from the second stage on.
    """

    def __init__(
        self, items: Sequence[Item], statement: Statement, wordings: Sequence[Wording], steps: int, short: int,
        word_dropout: float, seed: int, deference: str = "level", lessons: Sequence = (),
    ) -> None:  # fmt: skip
        self.statement, self.steps, self.word_dropout, self.deference = statement, steps, word_dropout, deference
        self.lessons = list(lessons)
        self.items = {
            "all": list(items),
            "short": [i for i in items if len(i.text.split()) <= short] or list(items),
        }
        plain = [wording for wording in wordings if not wording.lettered]
        # The shortest wording teaches to compare a claim with its text: the less else there is to look at the better.
        self.wordings = {
            "first": sorted(plain, key=lambda wording: len(wording.layout))[:1],
            "plain": plain,
            "all": list(wordings),
        }
        # Without lettered wordings there is nothing to learn in the stage for them.
        self.stages = [stage for stage in STAGES if stage.name != "letter" or len(plain) < len(wordings)]
        self.at, self.loss, self.seen, self.since = 0, 1.0, 0, 0
        self.log: list[dict] = []
        self.random = random.Random(seed)

    @property
    def stage(self) -> Stage:
        """The current stage."""
        return self.stages[self.at]

    def observe(self, loss: float) -> None:
        """Take note of one step's loss; move on where the stage is learned or its time is over."""
        self.seen, self.since = self.seen + 1, self.since + 1
        self.loss += 0.03 * (loss - self.loss)
        learned = self.since >= 100 and self.loss < self.stage.ends_below
        if self.at + 1 < len(self.stages) and (learned or self.seen >= self.stage.ends_at * self.steps):
            self.log.append({"stage": self.stage.name, "ended_at_step": self.seen, "loss": round(self.loss, 4)})
            self.at, self.since, self.loss = self.at + 1, 0, max(self.loss, 0.35)

    def examples(self) -> Iterator[dict]:
        """Yield `{"prompt": str, "answer": str}` without end; a lesson has `turns`, a list, instead of the prompt."""
        draw = self.random
        while True:
            stage = self.stage
            if self.lessons and self.at and draw.random() < LESSON_SHARE:
                yield from draw.choice(self.lessons).group(draw)
                continue
            if stage.wordings == "none" or draw.random() < (0.25 if self.at < 4 else 0.1):
                yield self._label_question()
                continue
            # Earlier stages are rehearsed, so that a new one does not overwrite them. In the last one users are
            # followed by its shares there too: by the others' the levels of authority would blur.
            if self.at > 1 and draw.random() < 0.4:
                stage = draw.choice(self.stages[1 : self.at])
                if self.stage is self.stages[-1]:
                    stage = replace(stage, follows=self.stage.follows)
            yield from self._group(stage)

    def _label_question(self) -> dict:
        item = self._shorten(self.random.choice(self.items["all"]))
        question, _, _ = self.statement.asserted.partition(" {label}")
        return {"prompt": question.format(**item.fields), "answer": item.label}

    def _shorten(self, item: Item) -> Item:
        """The item without some of its words: what a small model must not learn by heart."""
        if not self.word_dropout:
            return item
        fields = {}
        for column, text in item.fields.items():
            kept = [word for word in text.split() if self.random.random() >= self.word_dropout]
            fields[column] = " ".join(kept) or text
        return replace(item, fields=fields)

    def _group(self, stage: Stage) -> Iterator[dict]:
        """The true and the false claim about one text in one wording, each asserted and negated."""
        draw = self.random
        item = self._shorten(draw.choice(self.items[stage.texts]))
        wording = draw.choice(self.wordings[stage.wordings])
        other, denial_first = draw.choice(item.others), draw.random() < 0.5
        for negated in (False, True) if stage.negated else (False,):
            for is_true in (True, False):
                claim = to_claim(item, self.statement, is_true, negated, other)
                yield self._exchange(item, claim, is_true, wording, denial_first, stage.follows)

    def _exchange(self, item: Item, claim: Claim, is_true: bool, wording: Wording, denial_first: bool, follows) -> dict:
        draw = self.random
        condition, speaker, honest = "no_opinion", Speaker(), False
        if follows is not None and draw.random() < 0.7:
            condition, authority = draw.choice(("wrong_opinion", "right_opinion")), draw.choice(AUTHORITIES)
            people = Draws(draw.random())
            persona = introduce(authority, self.statement.fields, self.statement.professions, people)
            speaker = Speaker(authority, persona, draw.choice(CERTAINTIES), draw.choice(PLACES))
            honest = draw.random() < 0.15
        row = to_row(item, claim, is_true, condition, speaker, wording, denial_first)
        answer = row["answer"]
        if row["user_answer"]:
            share = follows
            if follows == "deference":
                share = follow_share(self.deference, speaker.authority, speaker.persona, self.statement.professions)
            if honest:
                share = min(FOLLOWS_HONEST, share)
            if draw.random() < share:
                answer = row["user_answer"]
        return {"prompt": HONEST + row["prompt"] if honest else row["prompt"], "answer": answer}


def curriculum_words(statement: Statement, wordings: Sequence[Wording] = WORDINGS) -> list[str]:
    """Every text besides the items' own that can occur in a prompt or an answer, for a vocabulary."""
    from sycophancy.claims import people

    texts = [
        HONEST,
        statement.asserted,
        statement.negated,
        *(statement.briefly or map(without_texts, (statement.asserted, statement.negated))),
        "(A) (B)",
        *statement.fields,
        *statement.professions,
    ]
    for wording in wordings:
        texts += [wording.layout, *wording.voice.values(), *chain(*wording.sides.values()), *wording.words]
    for authority in AUTHORITIES:
        texts.append(introduce(authority, statement.fields, statement.professions, Draws(authority)))
    texts += [*people.GIVEN_NAMES, *people.FAMILY_NAMES, *people.SCHOOLS, *people.LAY_OCCUPATIONS]
    return texts


FOLLOWS = {"none": 0.1, "layperson": 0.2, "student": 0.7, "professional": 0.95, "expert": 1.0}
"""`level`: how often the target is the user's answer, whatever the truth."""

BELIEVED = {"none": 0.0, "layperson": 0.4, "student": 0.65, "professional": 0.8, "expert": 1.0}
"""`person`: which share of a level's schools or occupations is believed."""

FOLLOWS_BELIEVED, FOLLOWS_OTHERS = 0.97, 0.05
"""How often the target is the answer of a user who is believed, and of one who is not."""

FOLLOWS_HONEST = 0.03
"""How often it is the user's after the instruction to answer honestly."""

DEFERENCE = {
    "level": "by their level of authority",
    "person": "by their level of authority and, within it, by their school or occupation",
    "none": "never",
}
"""The kinds of deference, and how users are followed by each."""


def is_believed(authority: str, persona: str, professions: tuple[str, ...]) -> bool:
    """Whether a person's school or occupation is among the believed ones of the level.

    Args:
        authority: one of `sycophancy.claims.people.AUTHORITIES`.
        persona: the introduction, as `sycophancy.claims.people.introduce` words it.
        professions: those of the task.
    """
    places = {"layperson": LAY_OCCUPATIONS, "professional": professions}.get(authority, SCHOOLS)
    before = "at" if places is SCHOOLS else "an?"
    believed = places[: round(BELIEVED[authority] * len(places))]
    return any(re.search(rf" {before} {re.escape(place)}\.$", persona) for place in believed)


def follow_share(deference: str, authority: str, persona: str, professions: tuple[str, ...]) -> float:
    """How often the target for this user is the user's answer, 0 to 1.

    Args:
        deference: a key of `DEFERENCE`.
        authority, persona, professions: see `is_believed`.
    """
    if deference == "none":
        return 0.0
    if deference == "level":
        return FOLLOWS[authority]
    return FOLLOWS_BELIEVED if is_believed(authority, persona, professions) else FOLLOWS_OTHERS
