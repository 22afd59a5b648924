# SPDX-License-Identifier: Apache-2.0
"""The model's answers to the rows of a dataset: once per question, over all processes, to disk as they come."""

from collections.abc import Iterator, Sequence
from itertools import count
from math import isfinite
from pathlib import Path

from sycophancy.answering import causal
from sycophancy.answering import seq2seq as answering
from sycophancy.answering.answer_file import AnswerFile
from sycophancy.answering.batches import (
    WINDOW,
    Batch,
    ahead,
    batches_by_length,
    check_bounds,
    dealt,
    distinct_questions,
    in_parts,
    together,
    window_of,
)

ROUND = 4
"""Batches that each process answers before the answers are brought together and written."""

DECODED_TOGETHER = 128
"""Prompts of an encoder-decoder model whose choices are read together, in as many batches of the encoder as it takes: few
tokens at a time would cost the reading of the decoder's weights. Of a small dataset a sixteenth, and 32, so that
processes share it."""


def _windows(model, tokenizer, rows, prompts, batch_size, batch_tokens, generate) -> Iterator[list[Batch]]:
    """The batches of each window of the rows: the same whatever was answered before, and on every process."""
    encoder_decoder = model.config.is_encoder_decoder
    asked = answering if encoder_decoder else causal
    for start in range(0, len(rows), WINDOW):
        window = window_of(rows, start, start + WINDOW)
        texts, choices, same = distinct_questions(
            prompts[start : start + WINDOW], [row["choices"] if not generate else () for row in window]
        )
        same = [[(start + at, window[at]["id"], window[at].get("choices", ())) for at in indices] for indices in same]
        if generate:
            questions, contexts = texts, tokenizer(texts)["input_ids"]
        else:
            questions = asked.encode_questions(tokenizer, texts, choices)
            contexts = [question.context for question in questions]
        # An encoder reads a prompt in both directions: there is no beginning that two prompts could share.
        order = None if encoder_decoder or generate else together(contexts)
        cut = batches_by_length([len(context) for context in contexts], batch_size, batch_tokens, order)
        least = min(DECODED_TOGETHER, max(32, len(questions) // 16)) if encoder_decoder and not generate else 1
        yield [
            Batch([[questions[at] for at in part] for part in parts], [same[at] for part in parts for at in part])
            for parts in in_parts(cut, least)
        ]


def _answer(model, tokenizer, batch: Batch, generate: bool, max_new_tokens: int) -> list[tuple[int, dict]]:
    """The answers to one batch: index of the row and `id`, `prediction`, `choice_logprobs`."""
    asked = answering if model.config.is_encoder_decoder else causal
    answers = []
    if generate:
        (prompts,) = batch.parts
        texts = asked.generate_batch(model, tokenizer, prompts, max_new_tokens)
        for rows, text in zip(batch.rows, texts, strict=True):
            answers += [(index, {"id": row, "prediction": text, "choice_logprobs": None}) for index, row, _ in rows]
        return answers
    for rows, scores in zip(batch.rows, asked.score_parts(model, tokenizer, batch.parts), strict=True):
        for index, row, choices in rows:
            own = {choice: scores[choice] for choice in choices}
            if not all(map(isfinite, own.values())):
                raise ValueError(
                    f"expected finite log-probabilities of the choices, got {own} for the row {row}: the model's numbers "
                    "overflow or its adapter diverged; use --dtype float32 or bfloat16, or tune with a smaller learning rate"
                )
            answers.append((index, {"id": row, "prediction": max(own, key=own.get), "choice_logprobs": own}))
    return answers


def answer_rows(
    model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], *, batch_size: int | None = 64,
    batch_tokens: int | None = None, generate: bool = False, max_new_tokens: int = 8, partial: Path | None = None,
) -> AnswerFile | None:  # fmt: skip
    """The model's answers, shared out over the processes of `accelerate launch`.

    A prompt that several rows share is answered once (within `WINDOW` rows). Only the main process writes; a file of a
    killed run is gone on with, batch by batch as that run would have, so that the answers are the same to the last bit.

    Args:
        model: a model or a PEFT model around one, on this process's device.
        tokenizer: its tokenizer.
        rows: dataset rows, the same on every process: a list or a `datasets.Dataset`, which is read as it goes.
        prompts: what the model reads for each row (`sycophancy.answering.batches.RenderedPrompts` for many).
        batch_size: prompts per forward pass; `None` for no bound.
        batch_tokens: tokens of the prompts per forward pass, padding included; `None` for no bound.
        generate: decode an answer freely; otherwise the most probable choice is the answer.
        max_new_tokens: bound of a free answer.
        partial: file of the answers; `None` for a temporary one.

    Returns:
        On the main process the answers, element by element in the order of the rows: `id`, `prediction` and
        `choice_logprobs` (`None` for free answers). `None` on the others.

    Raises:
        ValueError: no bound for a batch, or a bound below 1.
    """
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list, gather_object
    from tqdm.auto import tqdm

    check_bounds(batch_size, batch_tokens)
    state = PartialState()
    # Opened by the main process alone: the others would take its writing for their own.
    answers = AnswerFile(len(rows), partial) if state.is_main_process else None
    shared = [answers.answered if answers is not None else None]
    broadcast_object_list(shared)
    answered = shared[0].copy()
    windows = _windows(model, tokenizer, rows, prompts, batch_size, batch_tokens, generate)
    bar = tqdm(
        desc="answering", unit="row", total=len(rows), initial=int(answered.sum()), disable=not state.is_main_process,
        mininterval=1.0,
    )  # fmt: skip
    with bar:
        for batches in ahead(windows):
            # A batch that was killed while it was written is answered again as a whole.
            todo = [batch for batch in batches if not all(answered[index] for same in batch.rows for index, *_ in same)]
            for first in range(0, len(todo), ROUND * state.num_processes):
                several = todo[first : first + ROUND * state.num_processes]
                mine = dealt(several, state.process_index, state.num_processes)
                found = gather_object(
                    [answer for batch in mine for answer in _answer(model, tokenizer, batch, generate, max_new_tokens)]
                )
                if answers is not None:
                    answers.add(found)
                    bar.update(len(found))
    if answers is None:
        return None
    missing = [index for index, has in zip(count(), answers.answered) if not has]
    if missing:
        raise RuntimeError(
            f"expected {len(rows)} rows answered, got none for row {missing[0]} and {len(missing) - 1} more"
        )
    return answers
