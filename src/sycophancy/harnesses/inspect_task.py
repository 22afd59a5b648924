# SPDX-License-Identifier: Apache-2.0
"""The datasets of every kind as Inspect tasks.

inspect eval sycophancy/syco_claims -T dataset_name=FOLDER_OR_HUB_ID --model MODEL
"""

from collections.abc import Callable, Mapping

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser
from inspect_ai.scorer import SampleScore, Score, Value, metric, scorer
from inspect_ai.solver import generate, solver

from sycophancy.dataset.kinds import ANSWERS, CLAIMS, FEEDBACK, KINDS, MIMICRY, TURNS, Kind
from sycophancy.harnesses.conversations import heard, in_questions, turns_before, until_read, words_of
from sycophancy.harnesses.logs import ANSWERED, CUT
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
        answers = [pair for score in scores for pair in _answers(score)]
        held = whole([row for row, _ in answers], of)
        paired = [pair for pair, counts in zip(answers, held, strict=True) if counts]
        if not paired:  # Inspect asks for the shape of a metric without samples, too
            return {"unpaired_rows": len(answers)} if scores else {}
        found = score_answers([row for row, _ in paired], [text for _, text in paired], of)
        return {**found, "unpaired_rows": len(answers) - len(paired)}

    return compute


def _answers(score: SampleScore) -> list[tuple[dict, str]]:
    """Each row of a sample with what is read of it."""
    metadata = score.sample_metadata
    return list(zip(metadata.get("rows", [metadata]), score.score.metadata["read"], strict=True))


def _readable(text: str, stopped: str, row: Mapping, settled: Callable) -> str:
    """What is read of an answer, as in an imported run: nothing where it was cut off, else as far as `until_read` says."""
    return "" if stopped in CUT else until_read(text, row, settled)


def _reader(kind: Kind):
    """What the metric's parser reads in a completion; `unparsed` for nothing. Of free text that is the text itself."""
    metric = load_metric(kind.name)

    async def score(state, target):
        text = state.output.completion
        kept = _readable(text, state.output.stop_reason, state.metadata, metric.settled)
        read = metric.parse_answer(kept, **read_by(state.metadata)) if "choices" in kind.references else kept.strip()
        return Score(value=read or UNPARSED, answer=read, explanation=text, metadata={"read": [kept]})

    return score


@scorer(metrics=[syco_alignment()])
def reads_answer():
    """The choice that the metric's parser reads in a completion; `unparsed` for none."""
    return _reader(CLAIMS)


@scorer(metrics=[syco_alignment(FEEDBACK.name)])
def reads_rating():
    """The rating that the metric's parser reads in a completion; `unparsed` for none."""
    return _reader(FEEDBACK)


@scorer(metrics=[syco_alignment(MIMICRY.name)])
def reads_attribution():
    """The completion itself, in which the metric looks for names; `unparsed` for one without a word."""
    return _reader(MIMICRY)


@scorer(metrics=[syco_alignment(TURNS.name)])
def reads_turns():
    """The choice that the metric's parser reads in the answer to each turn of a question; `unparsed` for none."""
    metric = load_metric(TURNS.name)

    async def score(state, target):
        answers, rows = state.store.get(ANSWERED), state.metadata["rows"]
        kept = [
            _readable(answer["text"], answer["stop_reason"], row, metric.settled)
            for row, answer in zip(rows, answers, strict=True)
        ]
        read = {
            row["id"]: metric.parse_answer(text, **read_by(row)) or UNPARSED
            for row, text in zip(rows, kept, strict=True)
        }
        said = "\n\n".join(f"{answer['id']}: {answer['text']}" for answer in answers)
        return Score(
            value=next(iter(read.values())), answer=", ".join(read.values()), explanation=said, metadata={"read": kept}
        )

    return score


@solver
def ask_in_turns(max_tokens: int = 256):
    """Ask all rows of a question: the first, then each other after the model's own answers to those before it.

    The answers stand in the sample's store, in the order of the rows; its messages are those of the first row.

    Args:
        max_tokens: bound of an answer.
    """
    settled = load_metric(TURNS.name).settled

    async def solve(state, ask):
        rows, given, opened, before = state.metadata["rows"], {}, None, state.messages[:-1]
        for row in sorted(rows, key=lambda row: len(turns_before(row, rows))):
            state.messages = list(before)
            for earlier in turns_before(row, rows):
                own = heard(given[earlier["id"]]["text"], earlier, settled)
                state.messages += [ChatMessageUser(content=words_of(earlier)), ChatMessageAssistant(content=own)]
            state.messages.append(ChatMessageUser(content=words_of(row)))
            state = await ask(state, max_tokens=max_tokens)
            output = state.output
            given[row["id"]] = {"id": row["id"], "text": output.completion, "stop_reason": output.stop_reason}
            opened = opened or (state.messages, output)  # the first row comes first: nothing is asked before it
        state.store.set(ANSWERED, [given[row["id"]] for row in rows])
        state.messages, state.output = opened
        return state

    return solve


def _task(kind: Kind, dataset_name: str | None, split: str, max_tokens: int, reads) -> Task:
    columns = dict.fromkeys((*kind.references, *(name for name in ("authority", "template") if name in kind.features)))
    rows = load_rows(dataset_name, split, kind)
    if kind is TURNS:
        columns = dict.fromkeys(("id", *columns, "prompt", "follow_up"))
        samples = [
            Sample(
                input=asked[0]["prompt"],
                target=asked[0]["answer"],
                id=name,
                metadata={"rows": references(asked, columns)},
            )
            for name, asked in in_questions(rows).items()
        ]
    else:
        samples = [
            Sample(
                input=row["prompt"], target=row.get("answer", ""), id=row["id"], metadata=references([row], columns)[0]
            )
            for row in rows
        ]
    return Task(
        dataset=MemoryDataset(samples, name=kind.builder.removesuffix(".py")),
        solver=ask_in_turns(max_tokens) if kind is TURNS else generate(max_tokens=max_tokens),
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
def syco_are_you_sure(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Questions asked once, then challenged, and asked again without doubt; a sample is a question with all its turns.

    Args:
        dataset_name, split, max_tokens: see `syco_claims`.

    Raises:
        ValueError: no dataset, or one whose rows are no questions in turns.
    """
    return _task(TURNS, dataset_name, split, max_tokens, reads_turns())


@task
def syco_mimicry(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Works that a user attributes to the wrong author, to the right one, or to nobody.

    Args:
        dataset_name, split, max_tokens: see `syco_claims`.

    Raises:
        ValueError: no dataset, or one whose rows are no attributions.
    """
    return _task(MIMICRY, dataset_name, split, max_tokens, reads_attribution())


@task
def syco_feedback(dataset_name: str | None = None, split: str = "validation", max_tokens: int = 256):
    """Texts to rate, of a user who likes the text, dislikes it or wrote it.

    Args:
        dataset_name, split, max_tokens: see `syco_claims`.

    Raises:
        ValueError: no dataset, or one whose rows are no feedback.
    """
    return _task(FEEDBACK, dataset_name, split, max_tokens, reads_rating())
