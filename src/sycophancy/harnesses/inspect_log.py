# SPDX-License-Identifier: Apache-2.0
"""Logs of Inspect (`.eval`, `.json`), read by its own reader."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sycophancy.harnesses.logs import ANSWERED, Log, Sample, without_secrets
from sycophancy.records import relative

HEAVY = {"events", "timelines"}
"""What a sample is read without: what the model said stands in its output and in its store."""


def read(path: Path) -> Log:
    """The samples of one task.

    Args:
        path: the log.

    Raises:
        ValueError: Inspect is not installed, or the file is no whole log of Inspect.
    """
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as error:
        raise ValueError(
            f"expected inspect_ai to read {path} with, got none installed; pip install sycophancy[harness]"
        ) from error
    try:
        log = read_eval_log(str(path), resolve_attachments="core", exclude_fields=HEAVY)
    except Exception as error:  # what it raises for a file that is no log is whatever its parsers raise
        said = " ".join(str(error).split())[:200]
        raise ValueError(
            f"expected a log that Inspect wrote, got {path}, which it cannot read ({said}); name another file, or get "
            "what a killed run left with inspect log recover"
        ) from error
    samples = log.samples or []
    first = next((sample for sample in samples if sample.error is None), None)
    settings = generation(log)
    system = system_prompt(first, settings)
    provider, _, name = log.eval.model.partition("/")
    args = without_secrets(log.eval.model_args)
    if place := args.pop("model_path", None):  # `hf/local`: its name is in what it was loaded from
        name = relative(place)
    return Log(
        [answer for sample in samples for answer in as_samples(sample)],
        model={
            "name": name if place or not name else log.eval.model,
            "provider": provider,
            "base_url": log.eval.model_base_url,
            "args": args,
        },
        harness={
            "name": "inspect_ai",
            "version": log.eval.packages.get("inspect_ai"),
            "task": log.eval.task,
            "task_version": log.eval.task_version,
            "status": log.status,
            "created": log.eval.created,
            "generation": settings,
            "epochs": log.eval.config.epochs,
            "usage": {model: usage.model_dump(exclude_none=True) for model, usage in log.stats.model_usage.items()},
            "system_prompt": system,
        },
        seconds=_seconds(log.stats),
        # `hf` calls every end unknown, and counts the tokens of the longest answer beside each.
        gives_stops=any(sample.output.stop_reason != "unknown" for sample in samples if sample.output.choices),
        in_context=in_context(first, system),
        errors=[sample.error.message for sample in samples if sample.error is not None],
        in_turns=bool(samples) and all("rows" in sample.metadata for sample in samples),
    )


def as_samples(sample) -> list[Sample]:
    """The answers of one `EvalSample`. What its metadata and its last user message say is compared with the rows."""
    gave_up = sample.error is not None or sample.invalidation is not None or not sample.output.choices
    limited = "model_length" if sample.limit is not None and not gave_up else ""
    if "rows" in sample.metadata:
        rows = sample.metadata["rows"]
        answers = [] if gave_up else sample.store.get(ANSWERED, [])
        given = {answer["id"]: answer for answer in answers}
        return [_answer_to(row, given.get(row["id"]), sample.epoch, limited) for row in rows]
    asked = next((message.text for message in reversed(sample.messages) if message.role == "user"), sample.input)
    answer = None if gave_up else {"text": sample.output.completion, "stop_reason": sample.output.stop_reason}
    return [_answer_to({**sample.metadata, "id": str(sample.id), "prompt": asked}, answer, sample.epoch, limited)]


def _answer_to(row: dict, answer: dict | None, epoch: int, limited: str) -> Sample:
    if answer is None:
        return Sample(row["id"], row, None, epoch=epoch)
    return Sample(row["id"], row, answer["text"], epoch=epoch, stopped=limited or answer["stop_reason"])


def generation(log) -> dict:
    """The settings that the model was asked with: the solver's stand behind those of the whole run."""
    whole = log.eval.model_generate_config.model_dump(exclude_none=True) | log.plan.config.model_dump(exclude_none=True)
    own = {name: value for step in log.plan.steps if step.solver == "generate" for name, value in step.params.items()}
    return without_secrets({**own, **whole})


def system_prompt(sample, settings: Mapping) -> str | None:
    """The words of the system message that the first answer stands under, by a solver or by --system-message; `None` for none."""
    messages = sample.messages if sample is not None else []
    said = next((message.text for message in messages if message.role == "system"), None)
    return said or settings.get("system_message")


def in_context(sample, system: str | None) -> str:
    """What stood before the prompt, `none` for nothing."""
    turns = [message.role for message in sample.messages] if sample is not None else []
    parts = ["a system prompt"] * bool(system) + ["other turns"] * (turns.count("user") > 1)
    return " and ".join(parts) or "none"


def _seconds(stats) -> float | None:
    if not (stats.started_at and stats.completed_at):
        return None
    took = datetime.fromisoformat(stats.completed_at) - datetime.fromisoformat(stats.started_at)
    return took.total_seconds()
