# SPDX-License-Identifier: Apache-2.0
"""Measure a model on the rows of a dataset of any kind: answers, metric, run record."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from statistics import mean

from sycophancy.answering.answers import Asking, Readable, answer_rows, forget, n_answered
from sycophancy.answering.batches import WINDOW, RenderedPrompts, rows_at
from sycophancy.answering.limits import check_lengths, model_length, virtual_tokens
from sycophancy.answering.packed import Memory
from sycophancy.answering.prompts import (
    as_asked,
    chat_tokenizer,
    context_of,
    describe_template,
    render_conversation,
    without_thought,
)
from sycophancy.cli import command_line
from sycophancy.dataset.kinds import ANSWERS, CLAIMS, FEEDBACK, Kind
from sycophancy.dataset.reading import WHERE_GIVEN, fingerprint_claims
from sycophancy.drawing import Draws
from sycophancy.hub import resolve_commit
from sycophancy.metric import (
    GROUP_FIELDS,
    HEADLINE_KEYS,
    affirming_choice,
    frozen_claims,
    load_metric,
    read_by,
    references,
    split_groups,
)
from sycophancy.records import git_state, hardware, read_run, relative, versions, write_run

InContext = Callable[[dict], tuple[str, list[str]]]
"""A row's prompt in its context, and the ids of the examples before it."""

OTHER = {"text": "scores", "scores": "text"}
"""The other way to answer."""

LEAST_LEFT = 32
"""Tokens for the answer to a later turn below which it is not asked: an answer that is cut off is no answer."""

SAMPLE = 64
"""Rows that are answered in the other way too: do scores agree with what the model says?"""


def measure(
    kind: Kind, asking: Asking, model, tokenizer, rows: Sequence[dict], output_dir: Path, described: dict, *,
    in_context: InContext | None = None, known: Mapping[str, list[str]] | None = None,
) -> dict | None:  # fmt: skip
    """Answer the rows, compute the metric and write the run folder.

    Args:
        kind: of the dataset: claims, suggested answers, questions in turns, feedback or attributions; answers to the last are
            always free text.
        asking: how the model is asked.
        model, tokenizer: see `sycophancy.answering.answers.answer_rows`.
        rows: dataset rows, a list or a `datasets.Dataset`; where they have `shots`, these stand beside the answers.
        output_dir: the run folder.
        described: what the record says of the run before it begins: `model`, `adapter`, `dataset` (`describe`), `config`.
        in_context: how a row's prompt is put in its context (`sycophancy.answering.prompts.context_of`).
        known: claim ids that freeze which claims are known and unknown (`sycophancy.metric.frozen_claims`).

    Returns:
        The run record on the main process, `None` on the others.

    Raises:
        ValueError: a prompt is longer than the model reads, a question has no first turn, or the model's numbers are none.
    """
    metric, in_context = load_metric(kind.name), in_context or context_of("none")
    has_choices, in_turns = "choices" in kind.references, "turn" in kind.references
    asking = asking.of(model, tokenizer) if has_choices else replace(asking, answer="text")
    rows = rows.to_list() if in_turns and hasattr(rows, "to_list") else rows
    asked = Conversations(kind, model, tokenizer, rows, in_context, metric.settled)
    limits = asked.check_lengths(asking)
    n_before, started = n_answered(output_dir), time.perf_counter()
    # What was said before in a conversation is read once.
    answers = asked.answer_turns(replace(asking, memory=Memory())) if in_turns else asked.answer(asking)
    seconds = time.perf_counter() - started
    sample = sampled(rows, asking.seed) if has_choices else []
    of_sample = asked.of(sample)
    other = of_sample.answer(replace(asking, answer=OTHER[asking.answer], partial=None)) if sample else []
    if answers is None:
        return None
    in_scores = asking.answer == "scores"
    found, lines = evaluate_answers(kind, rows, answers, asking.seed, known, in_scores)
    record = {
        "command": command_line(),
        **described,
        "answer": asking.answer,
        "chat_template": describe_template(chat_tokenizer(model, tokenizer)),
        "prompt_tokens": limits,
        **signals_of(metric, of_sample.rows, [answers[at] for at in sample], other),
        **found,
        "versions": versions(),
        "git": git_state(),
        "hardware": hardware(),
        "seconds": seconds,
        "rows_per_second": (len(rows) - n_before) / seconds,
        "seed": asking.seed,
    }
    if in_scores:
        record |= masses_of(rows, answers)
    write_run(output_dir, record, lines)
    forget(output_dir)
    return record


def evaluate_answers(
    kind: Kind, rows: Sequence[dict], answers: Sequence[dict], seed: int, known: Mapping[str, list[str]] | None = None,
    in_scores: bool = False,
) -> tuple[dict, Iterator[dict]]:  # fmt: skip
    """What the metric finds in the answers to rows, whoever asked for them.

    Args:
        kind: of the dataset.
        rows: dataset rows, a list or a `datasets.Dataset`; where they have `shots`, these stand beside the answers.
        answers: one per row, in order: `id`, `prediction`, `choice_logprobs` and whatever else its line is to hold.
        seed: of the bootstrap.
        known: claim ids that freeze which claims are known and unknown (`sycophancy.metric.frozen_claims`).
        in_scores: the answers are choices by scores, and have `choice_logprobs`.

    Returns:
        What a run record holds of them (`metrics`, `by_authority`, `by_template` ...), and the lines of `predictions.jsonl`.

    Raises:
        ValueError: rows that do not hang together.
    """
    metric, scored = load_metric(kind.name), scored_columns(kind, rows)
    read, predictions = columns_of(rows, scored), [answer["prediction"] for answer in answers]
    logprobs = [answer["choice_logprobs"] for answer in answers] if in_scores else None
    metrics, groups = compute_metrics(metric, read, predictions, known, seed, logprobs, kind)
    found = {
        "metrics": metrics,
        "by_authority": groups.get("authority", {}),
        **{f"by_{field}": groups[field] for field in GROUP_FIELDS[1:] if field in kind.features},
    }
    # Free text has no choices to be read as: what the metric finds in it are names.
    parsed = [
        metric.parse_answer(prediction, **read_by(row)) if "choices" in kind.references else None
        for prediction, row in zip(predictions, read, strict=True)
    ]
    shown = columns_of(rows, (*scored, *(["shots"] if "shots" in column_names(rows) else [])))
    lines = (
        answer | {"parsed": choice} | as_read(row) for answer, choice, row in zip(answers, parsed, shown, strict=True)
    )
    return found, lines


@dataclass(frozen=True)
class Conversations:
    """A model and the rows that it is asked.

    Attributes:
        kind: of the dataset: the prompt of a claim or of a suggested answer ends where the answer begins, other questions
            are put as conversations.
        model, tokenizer: what is asked.
        rows: dataset rows, a list or a `datasets.Dataset`.
        in_context: how a row's prompt is put in its context.
        settled: where a free answer may end.
    """

    kind: Kind
    model: object
    tokenizer: object
    rows: Sequence[dict]
    in_context: InContext
    settled: Readable

    def of(self, indices: Sequence[int]) -> "Conversations":
        """The same for some of the rows."""
        return replace(self, rows=rows_at(self.rows, indices))

    def prompts(self) -> RenderedPrompts:
        """What the model reads of each row, before any answer."""
        return RenderedPrompts(self.rows, lambda some: self.rendered([[self.in_context(row)[0]] for row in some]))

    def rendered(self, conversations: Sequence[Sequence[str]]) -> list[str]:
        """Conversations as the model reads them."""
        if self.kind in (CLAIMS, ANSWERS):
            return as_asked(self.model, self.tokenizer, [prompt for (prompt,) in conversations])
        chat = chat_tokenizer(self.model, self.tokenizer)
        return [render_conversation(turns, chat) for turns in conversations]

    def check_lengths(self, asking: Asking) -> dict:
        """How long the prompts are, for the record.

        In questions asked in turns the model's first answer is not there yet; `answer_turns` checks the later turns.

        Raises:
            ValueError: one is longer than the model reads.
        """
        lengths: list[int] = []
        prompts = self.prompts()
        for start in range(0, len(prompts), WINDOW):
            lengths += self._lengths(prompts[start : start + WINDOW])
        return check_lengths(lengths, self.model, self.tokenizer, self.room(asking))

    def room(self, asking: Asking) -> int:
        """Tokens of the longest answer."""
        if asking.answer == "text":
            return asking.max_new_tokens
        choices = {choice for row in columns_of(self.rows, ("choices",)) for choice in row["choices"]}
        return max(self._lengths(sorted(choices)))

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self.tokenizer(list(texts))["input_ids"]] if texts else []

    def answer(self, asking: Asking) -> Sequence[dict] | None:
        """The answers to the rows, see `sycophancy.answering.answers.answer_rows`."""
        return answer_rows(self.model, self.tokenizer, self.rows, self.prompts(), asking, self.settled)

    def answer_turns(self, asking: Asking) -> list[dict] | None:
        """The answers to questions asked in turns.

        First the `first` rows are answered, then all second turns, then all second rounds and so on: each after all that was
        said before in its conversation, the model's own answers included.

        Returns:
            On the main process one dict per row, in order, as `answer_rows` gives it; `None` on the others.

        Raises:
            ValueError: a question without a `first` row, a round that follows none, or a later turn that is longer than
                the model reads.
        """
        from accelerate import PartialState
        from accelerate.utils import broadcast_object_list

        stages = _stages(self.rows)
        talks: dict[tuple, list[str]] = {}
        by_row: dict[int, dict] = {}
        for stage, places in enumerate(stages):
            asked = [self.rows[at] for at in places]
            if stage and len(stages) > 2 and PartialState().is_main_process:
                print(f"round {stage} of {len(stages) - 1}", file=sys.stderr)
            if stage:
                before = (talks[row["question_id"], row["turn"] if stage > 1 else "first"] for row in asked)
                turns = [[*talk, row["follow_up"]] for talk, row in zip(before, asked, strict=True)]
            else:
                turns = [[self.in_context(row)[0]] for row in asked]
            prompts = self.rendered(turns)
            how = self._fitting(asking, prompts) if stage else asking
            partial = asking.partial and asking.partial.with_name(_partial_of(stage) + asking.partial.name)
            how = replace(how, partial=partial)
            said = answer_rows(self.model, self.tokenizer, asked, prompts, how, self.settled)
            # Only the main process has them, and every process needs them.
            shared = [said and [answer["prediction"] for answer in said]]
            broadcast_object_list(shared)
            for row, turn, text in zip(asked, turns, shared[0], strict=True):
                talks[row["question_id"], row["turn"]] = [*turn, without_thought(text)]
            if said is not None:
                by_row |= dict(zip(places, said, strict=True))
        return [by_row[at] for at in range(len(self.rows))] if by_row else None

    def _fitting(self, asking: Asking, prompts: Sequence[str]) -> Asking:
        """The same with the bound that the longest of these prompts leaves of what the model reads, and says so."""
        lengths = self._lengths(prompts)
        limit = model_length(self.model, self.tokenizer)
        if asking.answer == "text" and limit is not None and not self.model.config.is_encoder_decoder and lengths:
            left = limit - virtual_tokens(self.model) - max(lengths)
            if LEAST_LEFT <= left < asking.max_new_tokens:
                print(
                    f"later turns: answers of at most {left} tokens instead of {asking.max_new_tokens}, since the model reads "
                    f"{limit} and the longest of them has {max(lengths)}",
                    file=sys.stderr,
                )
                asking = replace(asking, max_new_tokens=left)
        check_lengths(lengths, self.model, self.tokenizer, self.room(asking))
        return asking


def _partial_of(stage: int) -> str:
    """What the file of a stage's answers is called before a run is finished, but for its end."""
    return ("first.", "")[stage] if stage < 2 else f"round{stage}."


def _stages(rows: Sequence[dict]) -> list[list[int]]:
    """The places of the rows that can be asked together: the first turns, all second turns, the second rounds, and so on.

    Raises:
        ValueError: a question without its first turn, or a round that follows none.
    """
    build = "build the dataset again with dataset_builders/are_you_sure.py"
    places = {}
    for at, row in enumerate(rows):
        stage = 0 if row["turn"] == "first" else row.get("round") or 1
        if places.setdefault((row["question_id"], row["turn"] if stage else "first", stage), at) != at:
            what = f"turn {row['turn']!r}" + (f" and round {stage}" if row.get("round") else "")
            raise ValueError(
                f"expected one row with {what} for every question, got two for {row['question_id']}; {build}"
            )
    stages: list[list[int]] = [[] for _ in range(1 + max((stage for *_, stage in places), default=0))]
    for (question, turn, stage), at in places.items():
        if (question, "first", 0) not in places:
            raise ValueError(f"expected a row with turn 'first' for every question, got none for {question}; {build}")
        if stage > 1 and (question, turn, stage - 1) not in places:
            raise ValueError(
                f"expected round {stage - 1} before round {stage} of the turn {turn!r}, got none for {question}; {build}"
            )
        stages[stage].append(at)
    return [places for places in stages if places]


def sampled(rows: Sequence[dict], seed: int) -> list[int]:
    """At most `SAMPLE` rows that are asked without an answer before them, drawn by the seed and their ids, in order."""
    names = columns_of(rows, ("id", "turn") if "turn" in column_names(rows) else ("id",))
    opened = [at for at, row in enumerate(names) if row.get("turn", "first") == "first"]
    drawn = sorted(opened, key=lambda at: Draws(seed, names[at]["id"], "sample").below(2**64))
    return sorted(drawn[:SAMPLE])


def mass_of(answer: dict) -> float:
    """The summed probability of all choices: how much of what the model would say is one of them."""
    return min(1.0, sum(map(exp, answer["choice_logprobs"].values())))


def masses_of(rows, answers: Sequence[dict]) -> dict:
    """How much of the probability the choices have, where all rows are answered in scores.

    Returns:
        `choice_mass`, the mean over all rows, and `choice_mass_rows`; where rows have a wording, `choice_mass_by_template`: with
        one wording a model may begin with a choice, and reason first with another.
    """
    masses = list(map(mass_of, answers))
    found = {"choice_mass": mean(masses), "choice_mass_rows": len(masses)}
    if "template" in column_names(rows):
        by_wording = defaultdict(list)
        for row, mass in zip(columns_of(rows, ("template",)), masses, strict=True):
            by_wording[row["template"]].append(mass)
        found["choice_mass_by_template"] = {name: mean(own) for name, own in sorted(by_wording.items())}
    return found


def signals_of(metric, rows: Sequence[dict], answers: Sequence[dict], other: Sequence[dict]) -> dict:
    """What the two ways of answering say of each other, on a sample that was answered in both.

    Returns:
        `choice_mass`, the mean summed probability of all choices, and `choice_mass_rows`; `text_agreement`, the share of
        rows whose read text is the choice that scores give, and `text_agreement_rows`, those whose text is read; `None` where
        there is nothing to say.
    """
    agreed, masses = [], []
    for row, one, another in zip(rows, answers, other, strict=True):
        scores, text = (one, another) if one["choice_logprobs"] else (another, one)
        masses.append(mass_of(scores))
        read = metric.parse_answer(text["prediction"], **read_by(row))
        if read is not None:
            agreed.append(read == scores["prediction"])
    return {
        "choice_mass": mean(masses) if masses else None,
        "choice_mass_rows": len(masses),
        "text_agreement": mean(agreed) if agreed else None,
        "text_agreement_rows": len(agreed),
    }


def scored_columns(kind: Kind, rows) -> tuple[str, ...]:
    """The columns that the metric reads of these rows, those that it groups by, and what says which choice affirms."""
    present = column_names(rows)
    groups = (field for field in GROUP_FIELDS if field in kind.features)
    more = (column for column in (*WHERE_GIVEN, "claim_is_true") if column in present)
    return tuple(dict.fromkeys((*kind.references, *groups, *more)))


def as_read(row: dict) -> dict:
    """A row as its line in `predictions.jsonl` has it: which choice affirms the claim, rather than whether it is true."""
    if "claim_is_true" not in row:
        return row
    return {column: value for column, value in row.items() if column != "claim_is_true"} | {
        "affirms": affirming_choice(row)
    }


def column_names(rows) -> list[str]:
    """The columns of a `datasets.Dataset`, or of the first row of a list."""
    return rows.column_names if hasattr(rows, "column_names") else list(rows[0])


def columns_of(rows, columns: Sequence[str]) -> Sequence[dict]:
    """Some columns of the rows of a list or of a `datasets.Dataset`."""
    if hasattr(rows, "select_columns"):
        return rows.select_columns(list(columns))
    return [{column: row[column] for column in columns} for row in rows]


def compute_metrics(
    metric, rows: Sequence[dict], predictions: Sequence[str], known: Mapping[str, list[str]] | None, seed: int,
    logprobs: Sequence[dict] | None = None, kind: Kind = CLAIMS,
) -> tuple[dict, dict]:  # fmt: skip
    """The metric on the whole set and per group: `(keys, {"authority": {...}, "template": {...}})`.

    On claims and suggested answers, with the log-probabilities of the choices also the shift in log-odds; always how often
    each position and each wording of an answer is given, which shows a model that says the same whatever it is asked.
    Suggested answers are grouped by how users speak, too. Of feedback they give expected ratings.
    """
    fields = tuple(field for field in GROUP_FIELDS if field in kind.features)
    options = {"choice_logprobs": logprobs} if kind in (CLAIMS, ANSWERS, FEEDBACK) else {}
    if kind in (CLAIMS, ANSWERS):
        options |= {"choice_rates": True, **(known or {})}
    flat = metric.compute(
        predictions=list(predictions), references=references(rows, (*kind.references, *fields)), by=list(fields), seed=seed,
        **options,
    )  # fmt: skip
    return split_groups(flat, tuple(kind.meanings) or HEADLINE_KEYS, fields)


def describe_dataset(name: str, revision: str | None, split: str, rows: int) -> dict:
    """The part of a run record that says which rows were measured; the revision is the commit, `None` for a folder."""
    return {
        "name": relative(name),
        "revision": resolve_commit(name, "dataset", revision),
        "fingerprint": fingerprint_claims(name, split, revision),
        "split": split,
        "rows": rows,
    }


def describe(model_name: str, fingerprint: str, revision: str | None, adapter: str | None, dataset: dict) -> dict:
    """The parts of a run record that say what was measured; the revision is the commit, `None` for a folder."""
    return {
        "model": {
            "name": relative(model_name),
            "revision": resolve_commit(model_name, "model", revision),
            "fingerprint": fingerprint,
        },
        "adapter": relative(adapter) if adapter else None,
        "dataset": dataset,
    }


def known_in(run: str, rows) -> dict[str, list[str]]:
    """The claims that a run of the base model on these rows answered right, and wrong, without an opinion.

    Raises:
        ValueError: the run is on other rows. Another seed or other wordings give other rows the same ids.
    """
    _, answers = read_run(run)
    compared = ("claim_id", "condition", "template", "choices", "answer", "user_answer")
    answered = {answer["id"]: answer for answer in answers}
    rows = columns_of(rows, ("id", *compared))
    missing = [row["id"] for row in rows if row["id"] not in answered]
    if missing:
        raise ValueError(
            f"expected a run on the same rows in --known_claims_from {run}, got none of "
            f"{missing[0]} and {len(missing) - 1} more; measure the base model on this dataset and split first"
        )
    for row in rows:
        for column in compared:
            if answered[row["id"]].get(column) != row[column]:
                raise ValueError(
                    f"expected a run on the same rows in --known_claims_from {run}, got another row {row['id']} with "
                    f"{column} {answered[row['id']].get(column)!r} instead of {row[column]!r}; measure the base model on "
                    "this dataset first"
                )
    return frozen_claims(answers)
