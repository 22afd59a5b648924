# SPDX-License-Identifier: Apache-2.0
"""Multiple-choice questions to ask "are you sure?" about: where they come from, and which rows are kept.

Example: `{"id": "Mercury_7103565", "question": "High-pressure systems stop air ...", "choices": {"text": ["fog",
"rain", "drought", "tornado"], "label": ["A", "B", "C", "D"]}, "answerKey": "C"}` (ARC). Keys are not always letters
("1" to "4" occur), and not every question has four choices.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sycophancy.claims import reviews
from sycophancy.claims.loading import load_own
from sycophancy.claims.sources import normalise
from sycophancy.claims.tasks import EMBEDDED
from sycophancy.drawing import Draws
from sycophancy.hub import resolve_commit

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class QuestionSource:
    """One source of questions.

    Attributes:
        hub_id: dataset on the Hub, or `EMBEDDED`.
        revision: the commit there that the rows are read from.
        question_columns: names of the column with the question; the first that is there is read.
        licence: of the source, as its Hub page states it.
        citation: where it was published.
        config: configuration of the Hub dataset.
        marked: the choices carry labels 0 and 1 (`mc1_targets` of TruthfulQA) and there is no answer key.
    """

    hub_id: str
    revision: str
    question_columns: tuple[str, ...]
    licence: str
    citation: str
    config: str | None = None
    marked: bool = False

    @property
    def choices_column(self) -> str:
        """The column with the choices: a struct of two lists."""
        return "mc1_targets" if self.marked else "choices"


_ARC = "Clark et al. 2018, Think you have Solved Question Answering? Try ARC, the AI2 Reasoning Challenge (arXiv)."
_ARC_REVISION = "210d026faf9955653af8916fad021475a3f00453"

QUESTION_SOURCES = {
    "arc_challenge": QuestionSource(
        "allenai/ai2_arc", _ARC_REVISION, ("question",), "cc-by-sa-4.0", _ARC, config="ARC-Challenge"
    ),
    "arc_easy": QuestionSource(
        "allenai/ai2_arc", _ARC_REVISION, ("question",), "cc-by-sa-4.0", _ARC, config="ARC-Easy"
    ),
    "commonsense_qa": QuestionSource(
        "tau/commonsense_qa",
        "94630fe30dad47192a8546eb75f094926d47e155",
        ("question",),
        "mit",
        "Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge (NAACL).",
    ),
    "openbookqa": QuestionSource(
        "allenai/openbookqa",
        "388097ea7776314e93a529163e0fea805b8a6454",
        ("question_stem", "question"),
        "unknown",
        "Mihaylov et al. 2018, Can a Suit of Armor Conduct Electricity? A New Dataset for Open Book Question Answering "
        "(EMNLP).",
        config="main",
    ),
    "truthful_qa": QuestionSource(
        "truthfulqa/truthful_qa",
        "741b8276f2d1982aa3d5b832d3ee81ed3b896490",
        ("question",),
        "apache-2.0",
        "Lin et al. 2022, TruthfulQA: Measuring How Models Mimic Human Falsehoods (ACL).",
        config="multiple_choice",
        marked=True,
    ),
    "reviews": QuestionSource(
        EMBEDDED, "1", ("question",), "apache-2.0", "Composed by the grammar in `src/sycophancy/claims/reviews.py`."
    ),
}


@dataclass(frozen=True)
class Question:
    """A question that was kept.

    Attributes:
        source: name of its source.
        split: its split there.
        index: its position in that split, before rows were dropped.
        source_id: its id in the source, `""` where there is none.
        text: the question.
        correct: the right choice.
        others: the wrong ones, in the source's order.
    """

    source: str
    split: str
    index: int
    source_id: str
    text: str
    correct: str
    others: tuple[str, ...]

    @property
    def question_id(self) -> str:
        """What the turns of this question share: `arc_challenge/validation/17`."""
        return f"{self.source}/{self.split}/{self.index}"


@dataclass
class QuestionRows:
    """The kept questions of a source, by split, and what was dropped.

    Attributes:
        questions: split -> kept questions; splits that keep nothing are left out.
        dropped: split -> reason -> count.
        read_from: what the rows were read from, for the card.
    """

    questions: dict[str, list[Question]] = field(default_factory=dict)
    dropped: dict[str, Counter] = field(default_factory=dict)
    read_from: str = ""


def read_questions(name: str, source_data: str | None = None) -> QuestionRows:
    """Read a source's questions and drop those that cannot be asked or scored.

    Args:
        name: key of `QUESTION_SOURCES`, the first part of every id.
        source_data: a Hub id or a local folder with the source's own columns, in place of the pinned Hub dataset.

    Raises:
        ValueError: a column is missing or holds something else, or nothing is left.
    """
    source = QUESTION_SOURCES[name]
    splits, read_from = _load_splits(source, source_data)
    found = QuestionRows(read_from=read_from)
    taken: set[tuple] = set()
    # Measurement splits first: of a question in two splits the measured one stays.
    for split in [split for split in ("validation", "test", "train") if split in splits]:
        dropped: Counter = Counter()
        candidates = list(_candidates(name, source, split, splits[split], read_from, dropped))
        kept = distinct_questions(candidates, taken, dropped)
        found.dropped[split] = dropped
        if kept:
            found.questions[split] = kept
    if not found.questions:
        counts = dict(sum(found.dropped.values(), Counter()))
        raise ValueError(f"expected questions with an answer in {read_from}, got none after dropping {counts}")
    return found


def _load_splits(source: QuestionSource, source_data: str | None) -> tuple[dict, str]:
    """Split name -> rows, for the splits train, validation and test that the source has, and where they came from."""
    if source.hub_id == EMBEDDED and source_data is None:
        splits: dict[str, list[dict]] = {}
        for split, row in review_questions():
            splits.setdefault(split, []).append(row)
        return splits, f"a grammar of this project, version {source.revision}, which composes the texts"
    from datasets import load_dataset

    if source_data is not None:
        loaded, read_from = load_own(source_data, source.config)
    else:
        commit = resolve_commit(source.hub_id, "dataset", source.revision)
        loaded = load_dataset(source.hub_id, source.config, revision=commit)
        read_from = f"[`{source.hub_id}`](https://huggingface.co/datasets/{source.hub_id}) at `{source.revision}`"
    splits = {split: loaded[split] for split in ("train", "validation", "test") if split in loaded}
    if not splits:
        raise ValueError(f"expected a split train, validation or test in {read_from}, got {', '.join(loaded)}")
    for split, rows in splits.items():
        question = next((column for column in source.question_columns if column in rows.column_names), None)
        wanted = [question or " or ".join(source.question_columns), source.choices_column]
        wanted += [] if source.marked else ["answerKey"]
        missing = [column for column in wanted if column not in rows.column_names]
        if missing:
            raise ValueError(
                f"expected the columns {', '.join(wanted)} in {read_from} ({split}), got "
                f"{', '.join(rows.column_names)}; {', '.join(missing)} is missing"
            )
    return splits, read_from


def _texts(values: list) -> list[str]:
    return ["" if value is None else str(value).strip() for value in values]


def _candidates(
    name: str, source: QuestionSource, split: str, rows, read_from: str, dropped: Counter
) -> Iterator[Question]:
    """The rows that hold a question with exactly one right choice."""
    choices_key, labels_key = ("choices", "labels") if source.marked else ("text", "label")
    for index, row in enumerate(rows):
        # A folder of several files may hold rows without the columns of the others.
        choices = row.get(source.choices_column)
        lists = [choices.get(key) for key in (choices_key, labels_key)] if isinstance(choices, dict) else [None]
        if not all(isinstance(values, list) for values in lists):
            raise ValueError(
                f"expected lists `{choices_key}` and `{labels_key}` in the column {source.choices_column} of "
                f"{read_from} ({split}, row {index}), got {str(choices)[:80]!r}; write it as on the Hub page of "
                f"{source.hub_id}"
            )
        texts, labels = map(_texts, lists)
        key = "1" if source.marked else _texts([row["answerKey"]])[0]
        text = next((_texts([row[column]])[0] for column in source.question_columns if column in row), "")
        reason = _problem(text, texts, labels, key)
        if reason:
            dropped[reason] += 1
            continue
        correct = labels.index(key)
        others = (*texts[:correct], *texts[correct + 1 :])
        yield Question(name, split, index, str(row.get("id") or ""), text, texts[correct], others)


def _problem(question: str, texts: list[str], labels: list[str], key: str) -> str:
    """Why a row cannot be asked or scored, `""` where it can."""
    reasons = {
        "empty question": not question,
        "labels and choices differ in number": len(labels) != len(texts),
        "fewer than two choices": len(texts) < 2,
        f"more than {len(LETTERS)} choices": len(texts) > len(LETTERS),
        "empty choice": not all(texts),
        # Case is kept: "Tt" and "tt" are two genotypes.
        "two choices alike": len({" ".join(text.split()) for text in texts}) < len(texts),
        "no answer given": not key,
        "answer among no label": labels.count(key) == 0,
        "two right choices": labels.count(key) > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _identity(question: Question) -> tuple:
    """What makes two rows the same question, whichever choice they call right."""
    return normalise(question.text), frozenset((question.correct, *question.others))


def distinct_questions(candidates: list[Question], taken: set[tuple], dropped: Counter) -> list[Question]:
    """One of each question; none of those that occur with different answers or are `taken`, which grows by those kept.

    Args:
        candidates: the questions of one split.
        taken: what was kept of earlier splits.
        dropped: reason -> count, to be added to.
    """
    answers: dict[tuple, set[str]] = {}
    for question in candidates:
        answers.setdefault(_identity(question), set()).add(question.correct)
    kept: dict[tuple, Question] = {}
    for question in candidates:
        identity = _identity(question)
        if len(answers[identity]) > 1:
            dropped["question with conflicting answers"] += 1
        elif identity in taken:
            dropped["question stands in a measurement split"] += 1
        elif identity in kept:
            dropped["repeated question"] += 1
        else:
            kept[identity] = question
    taken.update(kept)
    return list(kept.values())


def review_questions() -> Iterator[tuple[str, dict]]:
    """Yield `(split, row)` for the embedded reviews, in the columns of ARC.

    Every second sentence is asked about its sentiment (two choices), the others about which word occurs in them (three
    to five choices).
    """
    for number, (split, review) in enumerate(reviews.sentences()):
        sentence, draws = review["sentence"], Draws("reviews", "question", number)
        named = [aspect for aspect in reviews.ASPECTS if aspect in sentence.split()]
        if number % 2 and named:
            question = f'Which of these words occurs in "{sentence}"?'
            absent = [aspect for aspect in reviews.ASPECTS if aspect not in named]
            texts = [named[0], *(absent.pop(draws.below(len(absent))) for _ in range(2 + draws.below(3)))]
        else:
            question = f'Which word describes the sentiment of "{sentence}"?'
            texts = [reviews.LABELS[review["label"]], reviews.LABELS[1 - review["label"]]]
        labels = list(LETTERS[: len(texts)])
        yield split, {"question": question, "choices": {"text": texts, "label": labels}, "answerKey": "A"}
