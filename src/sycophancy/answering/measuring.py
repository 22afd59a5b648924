# SPDX-License-Identifier: Apache-2.0
"""Measure a model on the rows of a dataset: answers, metric, run record. Used by `measure.py` and `prompt_tune.py`."""

import time
from collections.abc import Sequence
from pathlib import Path

from sycophancy.answering.answer_file import forget, n_answered
from sycophancy.answering.answers import answer_rows
from sycophancy.dataset.reading import REFERENCE_COLUMNS, fingerprint_claims, reference_columns
from sycophancy.hub import resolve_commit
from sycophancy.metric import GROUP_FIELDS, load_metric, references, split_groups
from sycophancy.records import command_line, git_state, hardware, relative, versions, write_run

SCORED = (*REFERENCE_COLUMNS, *GROUP_FIELDS)
"""Columns that the metric reads, with those that it groups by."""


def scored_columns(rows) -> tuple[str, ...]:
    """`SCORED`, and what the metric reads besides of rows that have it: what a user's words name."""
    names = rows.column_names if hasattr(rows, "column_names") else rows[0]
    return (*reference_columns(names), *GROUP_FIELDS)


def compute_metrics(
    metric, rows: Sequence[dict], predictions: Sequence[str], known: list[str] | None, seed: int,
    logprobs: Sequence[dict] | None = None,
) -> tuple[dict, dict]:  # fmt: skip
    """The metric on the whole set and per group: `(keys, {"authority": {...}, "template": {...}})`.

    With the log-probabilities of the choices also the shift in log-odds; always how often each position and each wording
    of an answer is given, which shows a model that says the same whatever it is asked.
    """
    flat = metric.compute(
        predictions=list(predictions),
        references=references(rows, scored_columns(rows)),
        known_claims=known,
        by=list(GROUP_FIELDS),
        seed=seed,
        choice_logprobs=logprobs,
        choice_rates=True,
    )
    return split_groups(flat)


def measure(
    model, tokenizer, rows: Sequence[dict], prompts: Sequence[str], output_dir: Path, *, description: dict,
    config: dict, known: list[str] | None = None, batch_size: int | None = 64, batch_tokens: int | None = None,
    generate: bool = False, max_new_tokens: int = 8, seed: int = 0, partial: Path | None = None,
    columns: Sequence[str] | None = None,
) -> dict | None:  # fmt: skip
    """Answer the rows, compute the metric and write the run folder.

    Args:
        model, tokenizer, rows, prompts, batch_size, batch_tokens, generate, max_new_tokens, partial: see
            `sycophancy.answering.answers.answer_rows`.
        output_dir: the run folder.
        description: `model`, `adapter` and `dataset` as the record names them.
        config: the settings of the run.
        known: claim ids that freeze the known partition (`known_claims` of the metric).
        seed: of the metric's bootstrap.
        columns: see `save_run` [those that the metric reads].

    Returns:
        The run record on the main process, `None` on the others.
    """
    n_before, started = n_answered(output_dir), time.perf_counter()
    answers = answer_rows(
        model,
        tokenizer,
        rows,
        prompts,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        generate=generate,
        max_new_tokens=max_new_tokens,
        partial=partial,
    )
    seconds = time.perf_counter() - started
    if answers is None:
        return None
    metric = load_metric()
    scored = scored_columns(rows)
    columns = columns or scored
    read, shown = columns_of(rows, scored), columns_of(rows, columns)
    predictions = [answer["prediction"] for answer in answers]
    logprobs = None if generate else [answer["choice_logprobs"] for answer in answers]
    metrics, groups = compute_metrics(metric, read, predictions, known, seed, logprobs)
    parsed = [
        metric.parse_answer(answer["prediction"], row["choices"]) for answer, row in zip(answers, read, strict=True)
    ]
    found = {"metrics": metrics, "by_authority": groups["authority"], "by_template": groups["template"]}
    return save_run(output_dir, shown, answers, parsed, columns, found, description, config, seconds, seed, n_before)


def columns_of(rows, columns: Sequence[str]):
    """The rows of a list as they are, those of a `datasets.Dataset` without the other columns."""
    return rows.select_columns(list(columns)) if hasattr(rows, "select_columns") else rows


def save_run(
    output_dir: Path, rows: Sequence[dict], answers: Sequence[dict], parsed: Sequence[str | None],
    columns: Sequence[str], found: dict, description: dict, config: dict, seconds: float, seed: int,
    n_before: int = 0,
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
        n_before: answers that were there before, from a killed run: they are no part of `seconds`.
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
        "rows_per_second": (len(rows) - n_before) / seconds,
        "seed": seed,
    }
    lines = (
        answer | {"parsed": choice} | {column: row[column] for column in columns}
        for answer, choice, row in zip(answers, parsed, rows, strict=True)
    )
    write_run(output_dir, record, lines)
    forget(output_dir)
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
