# SPDX-License-Identifier: Apache-2.0
"""The model's answers to the rows of a dataset: once per question, over all processes, to disk as they come."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import isfinite
from pathlib import Path

import numpy as np

from sycophancy.answering import causal, seq2seq
from sycophancy.answering.batches import (
    WINDOW,
    Batch,
    ahead,
    batches_by_length,
    check_bounds,
    dealt,
    distinct_questions,
    in_parts,
    sorted_by_beginning,
    together,
    window_of,
)
from sycophancy.answering.packed import Memory, full_passes
from sycophancy.answering.prompts import ANSWER_TOKENS, chat_tokenizer

Readable = Callable[[str, Sequence[str], Sequence[str]], bool]
"""Whether a text is an answer among choices, whatever comes after it."""

PARTIAL = "predictions.jsonl.partial"
"""In a run folder: the answers of a run that is not finished, one line per answer, in the order of answering."""

SETTINGS = "unfinished.json"
"""Beside it: what the rest of the run must have in common with its beginning."""

ROUND = 4
"""Batches that each process answers before the answers are brought together and written."""

PROMPTS = 64
"""Of a batch, where nobody says how many and a forward pass is not filled by their tokens."""

DECODED_TOGETHER = 128
"""Prompts of an encoder-decoder model whose choices are read together, in as many batches of the encoder as it takes: few
tokens at a time would cost the reading of the decoder's weights. Of a small dataset a sixteenth, and 32, so that
processes share it."""


class AnswerFile(Sequence):
    """The answers to `n_rows` rows, added in any order; element `i` is that of row `i`.

    Args:
        n_rows: of the dataset.
        path: the file; what a killed run left there counts, but for a line that it did not finish. `None` for a
            temporary file.

    Raises:
        ValueError: `path` holds something else, or another process is writing it.
    """

    def __init__(self, n_rows: int, path: Path | None = None):
        self.path = path
        self.offsets = np.full(n_rows, -1, dtype=np.int64)
        # Closed by `close`, or with the object.
        self.file = tempfile.TemporaryFile() if path is None else open(path, "a+b")  # noqa: SIM115
        if path is not None:
            self._lock()
        self.file.seek(0)
        end = 0
        for line in iter(self.file.readline, b""):
            if not line.endswith(b"\n"):
                break
            self._note(line, end)
            end += len(line)
        self.file.truncate(end)
        self.end = end

    def _lock(self) -> None:
        """Keep the file to this process; the system lets go of it when the process ends, however it does."""
        try:
            import fcntl
        except ImportError:  # Windows: there two runs are not kept apart
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.file.close()
            raise ValueError(
                f"expected {self.path} for this run alone, got one that another run is writing; wait for it, or launch "
                "with a file of accelerate_configs/ so that the processes see each other"
            ) from error

    def _note(self, line: bytes, offset: int) -> None:
        try:
            index = json.loads(line)["index"]
            if not 0 <= index < len(self.offsets):
                raise ValueError(index)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"expected answers to {len(self.offsets)} rows in {self.path}, got the line {line[:80]!r}; "
                "pass --overwrite to begin again"
            ) from error
        self.offsets[index] = offset

    @property
    def answered(self) -> np.ndarray:
        """Which rows have an answer, shape (n_rows,), bool."""
        return self.offsets >= 0

    def add(self, answers: Sequence[tuple[int, dict]]) -> None:
        """Write answers, each with the index of its row, and hand them to the operating system."""
        lines = [
            json.dumps({"index": index, **answer}, ensure_ascii=False).encode() + b"\n" for index, answer in answers
        ]
        self.file.seek(0, 2)
        self.file.write(b"".join(lines))
        self.file.flush()
        for (index, _), line in zip(answers, lines, strict=True):
            self.offsets[index] = self.end
            self.end += len(line)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        self.file.seek(int(self.offsets[index]))
        answer = json.loads(self.file.readline())
        del answer["index"]
        return answer

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def check_unfinished(folder: Path, resume: bool, overwrite: bool) -> None:
    """Raise `ValueError` where an unfinished run would be lost, or there is none to go on with."""
    unfinished = (folder / SETTINGS).is_file()
    if resume and not unfinished:
        raise ValueError(f"expected an unfinished run in {folder} with --resume, got none; leave --resume out")
    if unfinished and not resume and not overwrite:
        raise ValueError(
            f"expected an empty output folder, got {folder}, which holds an unfinished run; pass --resume to go on "
            "with it, or --overwrite to begin again"
        )


def begin(folder: Path, settings: dict, resume: bool) -> Path:
    """Prepare a run folder for answers, and return the file for them.

    Args:
        folder: the run folder.
        settings: what the answers depend on.
        resume: go on with the answers that are there; otherwise they are deleted.

    Raises:
        ValueError: the run that is to be gone on with had other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    noted = folder / SETTINGS
    if resume:
        before = json.loads(noted.read_text(encoding="utf-8"))
        for key in before.keys() | settings.keys():
            if before.get(key) != settings.get(key):
                raise ValueError(
                    f"expected the settings of the unfinished run in {folder} with --resume, got {key} "
                    f"{settings.get(key)!r} instead of {before.get(key)!r}; give the same, or --overwrite to begin again"
                )
    else:
        forget(folder)
        # Whole or not at all, and before the first answer.
        scratch = folder / f"{SETTINGS}.partial"
        scratch.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        scratch.replace(noted)
    return folder / PARTIAL


def n_answered(folder: Path) -> int:
    """How many answers an unfinished run left in a run folder."""
    count = 0
    for file in folder.glob(f"*{PARTIAL}"):
        with open(file, "rb") as lines:
            count += sum(line.endswith(b"\n") for line in lines)
    return count


def forget(folder: Path) -> None:
    """Delete what an unfinished run left, when it is finished or is not to be gone on with."""
    # The settings last: without them the answers would look like something else than an unfinished run.
    for file in (*sorted(folder.glob(f"*{PARTIAL}")), folder / SETTINGS):
        file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Asking:
    """How a model is asked.

    Attributes:
        answer: `text`, what it says freely, or `scores`, the choice that its scores give (`Scores.choose`); `None` for what
            fits the model.
        batch_size: prompts of a batch at most; `None` for no bound.
        batch_tokens: tokens of a batch at most, padding and a free answer's included; `None` for no bound. Without either a
            batch is what fits a forward pass where beginnings are read once and choices are scored, else `PROMPTS` prompts.
        max_new_tokens: bound of a free answer; it ends where it can be read.
        max_thought_tokens: bound of a thought before it; one that is cut off has no answer.
        seed: of the metric's bootstrap and of samples.
        partial: file of the answers, for a run that may be killed; `None` for a temporary one.
        memory: what was read of conversations before, for their later turns in text; `None` to keep nothing.
    """

    answer: str | None = None
    batch_size: int | None = None
    batch_tokens: int | None = None
    max_new_tokens: int = ANSWER_TOKENS
    max_thought_tokens: int = 1024
    seed: int = 0
    partial: Path | None = None
    memory: Memory | None = None

    def of(self, model, tokenizer) -> "Asking":
        """The same with its `answer` decided: text where the model is one to talk to, else scores."""
        fits = "text" if chat_tokenizer(model, tokenizer) else "scores"
        return replace(self, answer=self.answer or fits)


def _windows(model, tokenizer, rows, prompts, asking: Asking, shares_all: bool) -> Iterator[list[Batch]]:
    """The batches of each window of the rows: the same whatever was answered before, and on every process.

    Where the model shares all beginnings prompts that begin alike are in one batch; else those of one length.
    """
    encoder_decoder, generate = model.config.is_encoder_decoder, asking.answer == "text"
    asked = seq2seq if encoder_decoder else causal
    for start in range(0, len(rows), WINDOW):
        window = window_of(rows, start, start + WINDOW)
        texts, choices, same = distinct_questions(
            prompts[start : start + WINDOW], [row["choices"] if not generate else () for row in window]
        )
        same = [[(start + at, window[at]["id"], *_offered(window[at])) for at in indices] for indices in same]
        if generate:
            questions, contexts = texts, tokenizer(texts)["input_ids"]
        else:
            questions = asked.encode_questions(tokenizer, texts, choices)
            contexts = [question.context for question in questions]
        written = asking.max_new_tokens if generate and not encoder_decoder else 0
        lengths = [len(context) + written for context in contexts]
        unbounded = asking.batch_size is None and asking.batch_tokens is None
        if unbounded and shares_all and not generate:
            cut = full_passes(questions, model.device)
        else:
            size = PROMPTS if unbounded else asking.batch_size
            # An encoder reads a prompt in both directions: there is no beginning that two prompts could share.
            order = None if encoder_decoder else sorted_by_beginning(contexts) if shares_all else together(contexts)
            cut = batches_by_length(lengths, size, asking.batch_tokens, order)
        if shares_all:
            # The longest first, as without an order.
            cut = sorted(cut, key=lambda batch: -max(lengths[at] for at in batch))
        least = min(DECODED_TOGETHER, max(32, len(questions) // 16)) if encoder_decoder and not generate else 1
        yield [
            Batch([[questions[at] for at in part] for part in parts], [same[at] for part in parts for at in part])
            for parts in in_parts(cut, least)
        ]


def _answer(model, tokenizer, batch: Batch, asking: Asking, settled: Readable | None) -> list[tuple[int, dict]]:
    """The answers to one batch: index of the row and `id`, `prediction`, `choice_logprobs`."""
    asked = seq2seq if model.config.is_encoder_decoder else causal
    answers = []
    if asking.answer == "text":
        (prompts,) = batch.parts
        kept = {} if asked is seq2seq else {"memory": asking.memory}
        texts = asked.generate_batch(
            model, tokenizer, prompts, asking.max_new_tokens, asking.max_thought_tokens, _ends(batch, settled), **kept
        )
        for rows, text in zip(batch.rows, texts, strict=True):
            answers += [(index, {"id": row, "prediction": text, "choice_logprobs": None}) for index, row, *_ in rows]
        return answers
    for rows, scores in zip(batch.rows, asked.score_parts(model, tokenizer, batch.parts), strict=True):
        for index, row, choices, _ in rows:
            own = {choice: scores[choice] for choice in choices}
            if not all(map(isfinite, own.values())):
                raise ValueError(
                    f"expected finite log-probabilities of the choices, got {own} for the row {row}: the model's numbers "
                    "overflow or its adapter diverged; use --dtype float32 or bfloat16, or tune with a smaller learning rate"
                )
            answers.append((index, {"id": row, "prediction": scores.choose(choices), "choice_logprobs": own}))
    return answers


def _ends(batch: Batch, settled: Readable | None) -> list[Callable[[str], bool]] | None:
    """Of each question of a batch whether a text is an answer to all rows that ask it; `None` where none can end early."""
    if settled is None or not all(choices for rows in batch.rows for *_, choices, _ in rows):
        return None
    offered = [
        list(dict.fromkeys((tuple(choices), tuple(texts)) for *_, choices, texts in rows)) for rows in batch.rows
    ]
    return [lambda text, own=own: all(settled(text, *shown) for shown in own) for own in offered]


def _offered(row: dict) -> tuple[Sequence[str], Sequence[str]]:
    """A row's choices and the words beside them; free questions have none."""
    return row.get("choices", ()), row.get("choice_texts", ())


def answer_rows(
    model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], asking: Asking,
    settled: Readable | None = None,
) -> AnswerFile | None:  # fmt: skip
    """The model's answers, shared out over the processes of `accelerate launch`.

    A prompt that several rows share is answered once (within `WINDOW` rows). Only the main process writes; a file of a
    killed run is gone on with, batch by batch as that run would have, so that the answers are the same to the last bit.

    Args:
        model: a model or a PEFT model around one, on this process's device.
        tokenizer: its tokenizer.
        rows: dataset rows, the same on every process: a list or a `datasets.Dataset`, which is read as it goes.
        prompts: what the model reads for each row (`sycophancy.answering.batches.RenderedPrompts` for many).
        asking: how it is asked.
        settled: whether a text is an answer among choices, whatever follows; a free answer ends there.

    Returns:
        On the main process the answers, element by element in the order of the rows: `id`, `prediction` and
        `choice_logprobs` (`None` for free answers). `None` on the others.

    Raises:
        ValueError: a bound of a batch is below 1; or the model's numbers are none.
    """
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list, gather_object
    from tqdm.auto import tqdm

    asking = asking.of(model, tokenizer)
    check_bounds(asking.batch_size, asking.batch_tokens)
    state = PartialState()
    # Opened by the main process alone: the others would take its writing for their own.
    answers = AnswerFile(len(rows), asking.partial) if state.is_main_process else None
    shared = [answers.answered if answers is not None else None]
    broadcast_object_list(shared)
    answered = shared[0].copy()
    # Processes wait for each other in every round; alone, a killed run loses one batch.
    together = ROUND * state.num_processes if state.num_processes > 1 else 1
    bar = tqdm(
        desc="answering", unit="row", total=len(rows), initial=int(answered.sum()), disable=not state.is_main_process,
        mininterval=1.0,
    )  # fmt: skip
    shares_all = not model.config.is_encoder_decoder and causal.shares_all(model, tokenizer, prompts[:2])
    with bar:
        for batches in ahead(_windows(model, tokenizer, rows, prompts, asking, shares_all)):
            # A batch that was killed while it was written is answered again as a whole.
            todo = [batch for batch in batches if not all(answered[index] for same in batch.rows for index, *_ in same)]
            for first in range(0, len(todo), together):
                several = todo[first : first + together]
                mine, shown, own = dealt(several, state.process_index, state.num_processes), bar.n, []
                for batch in mine:
                    own += _answer(model, tokenizer, batch, asking, settled)
                    # The others are about as far; corrected when all have said what they have.
                    bar.update(sum(map(len, batch.rows)) * len(several) // len(mine))
                found = gather_object(own)
                if answers is not None:
                    answers.add(found)
                    bar.update(shown + len(found) - bar.n)
    if answers is None:
        return None
    missing = [index for index, has in zip(count(), answers.answered) if not has]
    if missing:
        raise RuntimeError(
            f"expected {len(rows)} rows answered, got none for row {missing[0]} and {len(missing) - 1} more"
        )
    return answers
