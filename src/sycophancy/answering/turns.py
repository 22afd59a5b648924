# SPDX-License-Identifier: Apache-2.0
"""Conversations: ask a question, take the model's answer, and go on with what the user says to it."""

import time
from collections.abc import Sequence
from pathlib import Path

from sycophancy.answering.answer_file import n_answered
from sycophancy.answering.answers import answer_rows
from sycophancy.answering.causal import chat_tokenizer
from sycophancy.answering.measuring import save_run
from sycophancy.dataset.kinds import MIMICRY, Kind
from sycophancy.metric import load_metric, references, split_groups

GROUP_FIELD = "template"
"""The column by which a run record shows the keys again."""


def render_conversation(turns: Sequence[str], chat=None) -> str:
    """What the model reads: the turns so far, and the beginning of its own next one.

    Args:
        turns: user, model, user ..., the last one the user's.
        chat: the tokenizer whose chat template is used; `None` for lines that begin with `Human:` and `Assistant:`.

    Example:

        >>> print(render_conversation(["Is it so?", "yes", "Are you sure?"]))
        Human: Is it so?
        Assistant: yes
        Human: Are you sure?
        Assistant:
    """
    if chat is None:
        lines = [f"{('Human', 'Assistant')[number % 2]}: {turn}\n" for number, turn in enumerate(turns)]
        return "".join(lines) + "Assistant:"
    messages = [{"role": ("user", "assistant")[number % 2], "content": turn} for number, turn in enumerate(turns)]
    return chat.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def _check_turns(rows: Sequence[dict]) -> None:
    """Raise `ValueError` unless every question has one first turn."""
    first = {row["question_id"] for row in rows if row["turn"] == "first"}
    for row in rows:
        if row["question_id"] not in first:
            raise ValueError(
                f"expected a row with turn 'first' for every question, got none for {row['question_id']}; "
                "build the dataset again with dataset_builders/are_you_sure.py"
            )


def answer_turns(
    model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], *, partial: Path | None = None, **settings
) -> list[dict] | None:
    """The model's answers to questions asked in turns.

    First the `first` rows are answered; then all others, each after its prompt and the model's own first answer.

    Args:
        model, tokenizer: see `sycophancy.answering.answers.answer_rows`.
        rows: dataset rows, the same on every process.
        prompts: the user's first turn of each row.
        partial: file of the answers; that of the first turns is a file of its own beside it.
        **settings: `batch_size`, `batch_tokens`, `generate` and `max_new_tokens`, as in `answer_rows`.

    Returns:
        On the main process one dict per row, in order, as `answer_rows` gives it; `None` on the others.

    Raises:
        ValueError: a question without a `first` row.
    """
    from accelerate.utils import broadcast_object_list

    _check_turns(rows)
    chat = chat_tokenizer(model, tokenizer)

    def ask(indices: list[int], turns: list[list[str]], file: Path | None) -> list[dict] | None:
        asked, texts = [rows[index] for index in indices], [render_conversation(said, chat) for said in turns]
        answers = answer_rows(model, tokenizer, asked, texts, partial=file, **settings)
        return answers and list(answers)

    first = [index for index, row in enumerate(rows) if row["turn"] == "first"]
    answers = ask(first, [[prompts[index]] for index in first], partial and partial.with_name(f"first.{partial.name}"))
    # Only the main process has them, and every process needs them.
    shared = [answers and [answer["prediction"] for answer in answers]]
    broadcast_object_list(shared)
    said = {rows[index]["question_id"]: text for index, text in zip(first, shared[0], strict=True)}
    later = [index for index, row in enumerate(rows) if row["turn"] != "first"]
    turns = [[prompts[index], said[rows[index]["question_id"]], rows[index]["follow_up"]] for index in later]
    more = ask(later, turns, partial) if later else []
    if answers is None or more is None:
        return None
    by_row = dict(zip(first + later, answers + more, strict=True))
    return [by_row[index] for index in range(len(rows))]


def measure_conversations(
    kind: Kind, model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], output_dir: Path, *, description: dict,
    config: dict, generate: bool = False, seed: int = 0, **settings,
) -> dict | None:  # fmt: skip
    """Run the conversations of the rows, compute the metric of their kind and write the run folder.

    Args:
        kind: `TURNS` or `MIMICRY` of `sycophancy.dataset.kinds`; answers to the latter are always free text.
        model, tokenizer, rows, prompts, generate: see `answer_turns`.
        output_dir, description, config, seed: see `sycophancy.answering.measuring.measure`.
        **settings: `batch_size`, `batch_tokens`, `max_new_tokens` and `partial`, as in `answer_rows`.

    Returns:
        The run record on the main process, `None` on the others.
    """
    n_before, started = n_answered(output_dir), time.perf_counter()
    if kind is MIMICRY:
        chat = chat_tokenizer(model, tokenizer)
        asked = [render_conversation([prompt], chat) for prompt in prompts]
        answers = answer_rows(model, tokenizer, rows, asked, generate=True, **settings)
    else:
        answers = answer_turns(model, tokenizer, rows, prompts, generate=generate, **settings)
    seconds = time.perf_counter() - started
    if answers is None:
        return None
    metric = load_metric(kind.name)
    columns = (*kind.references, GROUP_FIELD)
    flat = metric.compute(
        predictions=[answer["prediction"] for answer in answers],
        references=references(rows, columns),
        by=[GROUP_FIELD],
        seed=seed,
    )
    metrics, groups = split_groups(flat, tuple(kind.meanings), (GROUP_FIELD,))
    # Free text has no choices to be read as: what the metric finds in it are names.
    parsed = [
        None if kind is MIMICRY else metric.parse_answer(answer["prediction"], row["choices"])
        for answer, row in zip(answers, rows, strict=True)
    ]
    found = {"metrics": metrics, "by_authority": {}, "by_template": groups[GROUP_FIELD]}
    return save_run(output_dir, rows, answers, parsed, columns, found, description, config, seconds, seed, n_before)
