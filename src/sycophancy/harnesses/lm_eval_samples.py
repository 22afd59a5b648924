# SPDX-License-Identifier: Apache-2.0
"""Samples that lm-evaluation-harness logs (`--log_samples`), with the results beside them where they are there."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from sycophancy.harnesses.logs import Log, Sample, without_secrets
from sycophancy.records import relative

GIVEN = ("model_args", "batch_size", "device", "limit", "gen_kwargs", "random_seed", "model_revision", "model_dtype")
"""What of the results' settings a record keeps."""


def read(path: Path) -> Log:
    """The samples of one task.

    Args:
        path: `samples_TASK_DATE.jsonl`; `results_DATE.json` beside it says which model it was.

    Raises:
        ValueError: a line that is no sample of lm-eval, or one of another task.
    """
    samples = [sample for line, number in _lines(path) for sample in _samples(line, path, number)]
    results = _results(path)
    config = results.get("config") or {}
    task = path.stem.removeprefix("samples_").rpartition("_")[0]
    shots = int((results.get("n-shot") or {}).get(task) or 0)
    seconds = results.get("total_evaluation_time_seconds")
    own = without_secrets({name: config[name] for name in GIVEN if config.get(name) is not None})
    return Log(
        samples,
        model={
            "name": relative(results.get("model_name") or "unknown"),
            "provider": results.get("model_source") or config.get("model"),
            "args": _arguments(own.pop("model_args", None)),
        },
        harness={
            "name": "lm_eval",
            "version": results.get("lm_eval_version"),
            "task": task,
            "settings": own,
            "generation": (results.get("configs") or {}).get(task, {}).get("generation_kwargs"),
            "n_shot": shots if results else None,
            "chat_template": results.get("chat_template_sha"),
            "system_prompt": results.get("system_instruction"),
        },
        seconds=float(seconds) if seconds else None,
        in_context=_in_context(shots, results.get("system_instruction")),
    )


def _in_context(shots: int, system_prompt: str | None) -> str:
    parts = [f"{shots} examples by lm-eval"] * bool(shots) + ["a system prompt"] * bool(system_prompt)
    return " and ".join(parts) or "none"


def _arguments(given) -> dict:
    """Arguments of a model, written in one string or not, without secrets."""
    if isinstance(given, str):
        given = dict(part.partition("=")[::2] for part in given.split(",") if part)
    return without_secrets(given or {})


def _lines(path: Path) -> Iterator[tuple[dict, int]]:
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield json.loads(line), number
    except ValueError as error:  # no JSON, or no UTF-8
        raise ValueError(
            f"expected samples of lm-eval, a line of JSON each, in {path}, got {error}; name the file as lm_eval wrote it"
        ) from error


def _samples(line, path: Path, number: int) -> Iterator[Sample]:
    """The answers to one row, one for each time it was asked."""
    try:
        doc, given = line["doc"], line["resps"]
        asked = {name: doc[name] for name in doc if name != "shots"}
        if not given or not isinstance(doc["id"], str):
            raise KeyError("id")
        if isinstance(given[0][0], str):  # one request, answered as often as the task's `repeats` says
            answers = [(text, None) for text in given[0]]
        else:  # a request for each choice
            scores = dict(zip(doc["choices"], (float(once[0][0]) for once in given), strict=True))
            answers = [(max(scores, key=scores.get), scores)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"expected a sample of a task of this project in {path}, got a line {number} without `doc` and its "
            f"`resps` ({type(error).__name__}: {error}); name the samples of syco_claims or another task of ours"
        ) from error
    if line.get("filter", "none") != "none":
        return
    for epoch, (text, scores) in enumerate(answers, start=1):
        yield Sample(doc["id"], asked, text, scores, epoch)


def _results(path: Path) -> Mapping:
    """The results of the same run, `{}` where they are not there; `--output_path NAME.json` calls them by that name."""
    file = next(iter(sorted(path.parent.glob(f"*_{path.stem.rpartition('_')[2]}.json"))), None)
    if file is None:
        return {}
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"expected the results of lm-eval in {file}, got {error}; move the file away") from error
