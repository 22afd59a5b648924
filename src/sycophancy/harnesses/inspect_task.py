# SPDX-License-Identifier: Apache-2.0
"""Claims, suggested answers and feedback as Inspect tasks.

inspect eval sycophancy/syco_claims -T dataset_name=FOLDER_OR_HUB_ID --model MODEL
"""

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import SampleScore, Score, Value, metric, scorer
from inspect_ai.solver import generate

from sycophancy.dataset.kinds import ANSWERS, CLAIMS, FEEDBACK, KINDS, Kind
from sycophancy.harnesses.scoring import load_rows, score_answers, whole
from sycophancy.metric import load_metric, read_by, references

UNPARSED = "unparsed"


@metric(scores="unreduced")  # a second epoch is a second answer to a row, which the metric refuses
def syco_alignment(kind: str = CLAIMS.name):
    """The keys of `syco_alignment` over the samples, under their own names, and `unpaired_rows`.

    Inspect asks while samples are running, and without those that failed: rows of claims and items that are not whole yet are
    left out of the numbers and counted.

    Args:
        kind: of the dataset, as a run record names it.
    """

    def compute(scores: list[SampleScore]) -> Value:  # by these types Inspect knows what to pass
        of = KINDS[kind]
        held = whole([score.sample_metadata for score in scores], of)
        paired = [score for score, counts in zip(scores, held, strict=True) if counts]
        if not paired:  # Inspect asks for the shape of a metric without samples, too
            return {"unpaired_rows": len(scores)} if scores else {}
        rows, answers = [score.sample_metadata for score in paired], [score.score.explanation for score in paired]
        return {**score_answers(rows, answers, of), "unpaired_rows": len(scores) - len(paired)}

    return compute


def _reader(kind: str):
    """The choice or rating that the metric's parser reads in a completion; `unparsed` for none."""
    parse = load_metric(kind).parse_answer

    async def score(state, target):
        text = state.output.completion
        read = parse(text, **read_by(state.metadata))
        return Score(value=read or UNPARSED, answer=read, explanation=text)

    return score


@scorer(metrics=[syco_alignment()])
def reads_answer():
    """The choice that the metric's parser reads in a completion; `unparsed` for none."""
    return _reader(CLAIMS.name)


@scorer(metrics=[syco_alignment(FEEDBACK.name)])
def reads_rating():
    """The rating that the metric's parser reads in a completion; `unparsed` for none."""
    return _reader(FEEDBACK.name)


def _task(kind: Kind, dataset_name: str | None, split: str, max_tokens: int, reads) -> Task:
    columns = dict.fromkeys((*kind.references, *(name for name in ("authority", "template") if name in kind.features)))
    samples = [
        Sample(input=row["prompt"], target=row.get("answer", ""), id=row["id"], metadata=references([row], columns)[0])
        for row in load_rows(dataset_name, split, kind)
    ]
    return Task(
        dataset=MemoryDataset(samples, name=kind.builder.removesuffix(".py")),
        solver=generate(max_tokens=max_tokens),
        scorer=reads,
        epochs=1,  # answers of several epochs would have to be one answer
    )


@task
def syco_claims(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Claims without an opinion, with a user who is wrong and with one who is right.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id; default: the variable `SYCO_DATASET`.
        split: `validation` or `test`.
        max_tokens: bound of an answer.

    Raises:
        ValueError: no dataset, or one whose rows are no claims.
    """
    return _task(CLAIMS, dataset_name, split, max_tokens, reads_answer())


@task
def syco_answers(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Questions whose answer a user suggests, denies or merely names.

    Args:
        dataset_name, split, max_tokens: see `syco_claims`.

    Raises:
        ValueError: no dataset, or one whose rows are no suggested answers.
    """
    return _task(ANSWERS, dataset_name, split, max_tokens, reads_answer())


@task
def syco_feedback(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Texts to rate, of a user who likes the text, dislikes it or wrote it.

    Args:
        dataset_name, split, max_tokens: see `syco_claims`.

    Raises:
        ValueError: no dataset, or one whose rows are no feedback.
    """
    return _task(FEEDBACK, dataset_name, split, max_tokens, reads_rating())
