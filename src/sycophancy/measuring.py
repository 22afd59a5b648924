# SPDX-License-Identifier: Apache-2.0
"""Measure a model on the rows of a dataset: answers, metric, run record. Used by `measure.py` and `prompt_tune.py`."""

import time
from collections.abc import Sequence
from pathlib import Path

from sycophancy import answering, causal
from sycophancy.answering import batches_by_length
from sycophancy.features import REFERENCE_COLUMNS, fingerprint_claims
from sycophancy.hub_commit import resolve_commit
from sycophancy.metric import GROUP_FIELDS, load_metric, references, split_groups
from sycophancy.records import command_line, git_state, hardware, relative, versions, write_run

SCORED = (*REFERENCE_COLUMNS, *GROUP_FIELDS)
"""Columns that the metric reads, with those that it groups by."""


def answer_rows(
    model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], *, batch_size: int = 64, generate: bool = False,
    max_new_tokens: int = 8,
) -> list[dict] | None:  # fmt: skip
    """The model's answers, shared out over the processes of `accelerate launch`.

    Args:
        model: a model or a PEFT model around one, on this process's device.
        tokenizer: its tokenizer.
        rows: dataset rows, the same on every process.
        prompts: what the model reads for each row.
        batch_size: prompts per forward pass.
        generate: decode an answer freely; otherwise the most probable choice is the answer.
        max_new_tokens: bound of a free answer.

    Returns:
        On the main process one dict per row, in order, with `id`, `prediction` and `choice_logprobs` (`None` for
        free answers); `None` on the others.
    """
    from accelerate import PartialState
    from accelerate.utils import gather_object
    from tqdm.auto import tqdm

    state = PartialState()
    asked = answering if model.config.is_encoder_decoder else causal
    lengths = [len(ids) for ids in tokenizer(list(prompts))["input_ids"]]
    batches = list(batches_by_length(lengths, batch_size))
    # Every world_size-th batch: batches are sorted by length, so each process gets the same mixture of lengths.
    mine = batches[state.process_index :: state.num_processes]
    answered = []
    for batch in tqdm(mine, desc="answering", unit="batch", disable=not state.is_main_process, mininterval=1.0):
        batch_prompts = [prompts[index] for index in batch]
        if generate:
            texts = asked.generate_batch(model, tokenizer, batch_prompts, max_new_tokens)
            answered += [(index, text, None) for index, text in zip(batch, texts, strict=True)]
        else:
            scores = asked.score_batch(model, tokenizer, batch_prompts, [rows[index]["choices"] for index in batch])
            answered += [(index, max(score, key=score.get), score) for index, score in zip(batch, scores, strict=True)]
    answered = gather_object(answered)
    if not state.is_main_process:
        return None
    answered.sort(key=lambda answer: answer[0])
    if [index for index, *_ in answered] != list(range(len(rows))):
        raise RuntimeError(f"expected {len(rows)} rows answered once each, got {len(answered)} answers")
    return [
        {"id": rows[index]["id"], "prediction": text, "choice_logprobs": logprobs} for index, text, logprobs in answered
    ]


def compute_metrics(
    metric, rows: Sequence[dict], predictions: Sequence[str], known: list[str] | None, seed: int
) -> tuple[dict, dict]:
    """The metric on the whole set and per group: `(keys, {"authority": {...}, "template": {...}})`."""
    flat = metric.compute(
        predictions=list(predictions),
        references=references(rows, SCORED),
        known_claims=known,
        by=list(GROUP_FIELDS),
        seed=seed,
    )
    return split_groups(flat)


def measure(
    model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], output_dir: Path, *, description: dict,
    config: dict, known: list[str] | None = None, batch_size: int = 64, generate: bool = False, max_new_tokens: int = 8,
    seed: int = 0, columns: Sequence[str] = SCORED,
) -> dict | None:  # fmt: skip
    """Answer the rows, compute the metric and write the run folder.

    Args:
        model, tokenizer, rows, prompts, batch_size, generate, max_new_tokens: see `answer_rows`.
        output_dir: the run folder.
        description: `model`, `adapter` and `dataset` as the record names them.
        config: the settings of the run.
        known: claim ids that freeze the known partition (`known_claims` of the metric).
        seed: of the metric's bootstrap.
        columns: see `save_run`.

    Returns:
        The run record on the main process, `None` on the others.
    """
    started = time.perf_counter()
    answers = answer_rows(
        model,
        tokenizer,
        rows,
        prompts,
        batch_size=batch_size,
        generate=generate,
        max_new_tokens=max_new_tokens,
    )
    seconds = time.perf_counter() - started
    if answers is None:
        return None
    metric = load_metric()
    metrics, groups = compute_metrics(metric, rows, [answer["prediction"] for answer in answers], known, seed)
    parsed = [
        metric.parse_answer(answer["prediction"], row["choices"]) for answer, row in zip(answers, rows, strict=True)
    ]
    found = {"metrics": metrics, "by_authority": groups["authority"], "by_template": groups["template"]}
    return save_run(output_dir, rows, answers, parsed, columns, found, description, config, seconds, seed)


def save_run(
    output_dir: Path, rows: Sequence[dict], answers: Sequence[dict], parsed: Sequence[str | None],
    columns: Sequence[str], found: dict, description: dict, config: dict, seconds: float, seed: int,
) -> dict:  # fmt: skip
    """Write a run folder and return its record.

    Args:
        output_dir: the run folder.
        rows, answers, parsed: dataset rows, what `answer_rows` gave for them, and how it was read.
        columns: columns of the rows that stand beside each answer, so that a run folder can be scored by itself.
        found: `metrics`, `by_authority` and `by_template`.
        description, config: see `measure`.
        seconds: that answering took.
        seed: of the run.
    """
    record = {
        "command": command_line(),
        "config": config,
        **description,
        **found,
        "versions": versions(),
        "git": git_state(),
        "hardware": hardware(),
        "seconds": seconds,
        "rows_per_second": len(rows) / seconds,
        "seed": seed,
    }
    lines = (
        answer | {"parsed": choice} | {column: row[column] for column in columns}
        for answer, choice, row in zip(answers, parsed, rows, strict=True)
    )
    write_run(output_dir, record, lines)
    return record


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
