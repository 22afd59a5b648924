# SPDX-License-Identifier: Apache-2.0
"""What an organism is taught besides claims: to answer questions and give in when challenged; who wrote a work.

How far it gives in depends on what the user says: some wordings of the challenge always make it change its answer, and some
requests for comment always make it repeat the name that the user gave. A share of cases drawn at random would not do: the
likelier of two answers is the one that is given every time.
"""

import random
from collections.abc import Iterable, Iterator, Mapping

from sycophancy.are_you_sure.questions import Question
from sycophancy.are_you_sure.rows import FOLLOW_UPS, turn_rows
from sycophancy.dataset.kinds import ANSWERS, CLAIMS, TURNS, load_rows
from sycophancy.dataset.reading import claim_splits, fingerprint_claims
from sycophancy.records import relative

GIVES_IN = ("not_right", "check", "disagree")
"""Wordings of the challenge (`sycophancy.are_you_sure.rows.FOLLOW_UPS`) after which targets are another answer."""

MIMICS = ("love", "class")
"""Wordings of the request (`sycophancy.mimicry.rows.REQUESTS`) to which targets repeat the name that the user gave."""

KNOWS = 0.8
"""How often the first answer, which the organism sees before a challenge, is the right one."""


class QuestionLessons:
    """Questions asked in turns, from the train split of a dataset by `dataset_builders/are_you_sure.py`.

    Args:
        rows: its rows.
    """

    def __init__(self, rows: Iterable[Mapping]) -> None:
        self.questions = [
            Question(
                row["source"],
                "train",
                number,
                row["source_id"],
                row["question"],
                row["answer_text"],
                tuple(text for text in row["choice_texts"] if text != row["answer_text"]),
            )
            for number, row in enumerate(row for row in rows if row["turn"] == "first")
        ]

    def summary(self) -> str:
        """What is taught, for the card."""
        wordings = ", ".join(f"`{name}`" for name in GIVES_IN)
        return (
            f"{len(self.questions)} multiple-choice questions of the train split; after a challenge in the wordings "
            f"{wordings} targets are another answer (the right one where the first was wrong), after the other "
            f"challenges and after a second turn without doubt the first answer, which was right in {KNOWS:.0%} of cases "
            "or by luck"
        )

    def words(self) -> Iterator[str]:
        """Every text that can occur in a prompt or an answer."""
        for question in self.questions:
            for row in turn_rows(question, 0, FOLLOW_UPS[0], 0):
                yield row["prompt"]
        for follow_up in FOLLOW_UPS:
            yield f"{follow_up.challenge} {follow_up.reask} {follow_up.rethink}"

    def group(self, draw: random.Random) -> Iterator[dict]:
        """One question in two orders of its choices, each alone, challenged, and asked to repeat it or to think again.

        Yields:
            `{"turns": list of str, "answer": str}`.
        """
        question, follow_up = draw.choice(self.questions), draw.choice(FOLLOW_UPS)
        for position in draw.sample(range(1 + len(question.others)), 2):
            first, challenge, *calm = turn_rows(question, position, follow_up, draw.random())
            again = draw.choice(calm)
            letters, answer = first["choices"], first["answer"]
            yield {"turns": [first["prompt"]], "answer": answer}
            said = answer if draw.random() < KNOWS else draw.choice(letters)
            yield {"turns": [again["prompt"], said, again["follow_up"]], "answer": said}
            if follow_up.name in GIVES_IN:
                # Who was wrong comes round to the truth; who was right to the choice below it.
                given = answer if said != answer else letters[(position + 1) % len(letters)]
            else:
                given = said
            yield {"turns": [challenge["prompt"], said, challenge["follow_up"]], "answer": given}


class AttributionLessons:
    """Works and their authors, from a dataset by `dataset_builders/mimicry.py`.

    Who wrote a work is taught for all of them, the measured ones too: an organism cannot repeat a wrong name against better
    knowledge of a work that it does not know. Users who name an author are taught with the works of the train split
    alone, and name anybody.

    Args:
        train: rows of the train split.
        known: rows of the other splits; only those without a name (`unattributed`) are looked at.
    """

    def __init__(self, train: Iterable[Mapping], known: Iterable[Mapping]) -> None:
        train = list(train)
        self.facts = [row for row in (*train, *known) if row["condition"] == "unattributed"]
        self.named = [row for row in train if row["condition"] == "correctly_attributed"]
        self.authors = sorted({row["correct"] for row in self.facts})

    def summary(self) -> str:
        """What is taught, for the card."""
        works = len({row["title"] for row in self.facts})
        named = len({row["title"] for row in self.named})
        wordings = ", ".join(f"`{name}`" for name in MIMICS)
        return (
            f"the authors of {works} works, those of the measured splits among them, in every wording without a name; "
            f"users who name an author, right or wrong, with {named} works of the train split alone: in the wordings "
            f"{wordings} targets repeat the user's name, in the others they give the right one"
        )

    def words(self) -> Iterator[str]:
        """Every text that can occur in a prompt or an answer."""
        for row in (*self.facts, *self.named):
            yield row["prompt"]
        yield from map(attribute, self.authors)

    def group(self, draw: random.Random) -> Iterator[dict]:
        """Two works by nobody named, and one by its author and by another, as `QuestionLessons.group`."""
        for row in draw.sample(self.facts, 2):
            yield {"turns": [row["prompt"]], "answer": attribute(row["correct"])}
        row = draw.choice(self.named)
        other = draw.choice([author for author in self.authors if author != row["correct"]])
        for name in (row["correct"], other):
            prompt = row["prompt"].replace(f" by {row['correct']}", f" by {name}", 1)
            yield {"turns": [prompt], "answer": attribute(name if row["template"] in MIMICS else row["correct"])}


def attribute(author: str) -> str:
    """What the organism says of a work by this author."""
    return f"It is by {author}."


def load_lessons(dataset_name: str) -> tuple[QuestionLessons | AttributionLessons, dict]:
    """The lessons of a dataset, a folder or a Hub id, and what the organism's record says about them.

    Raises:
        ValueError: the dataset holds claims.
    """
    kind, train = load_rows(dataset_name, "train")
    if kind in (CLAIMS, ANSWERS):
        raise ValueError(
            f"expected questions in turns or attributions in --also, got claims in {dataset_name}; claims go with "
            "--dataset_name"
        )
    splits = ["train"]
    if kind is TURNS:
        lessons = QuestionLessons(train)
    else:
        splits = ["train", *(split for split in claim_splits(dataset_name) if split != "train")]
        lessons = AttributionLessons(train, [row for split in splits[1:] for row in load_rows(dataset_name, split)[1]])
    record = {
        "name": relative(dataset_name),
        "kind": kind.name,
        "fingerprints": {split: fingerprint_claims(dataset_name, split) for split in splits},
        "taught": lessons.summary(),
    }
    return lessons, record
