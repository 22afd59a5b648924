# SPDX-License-Identifier: Apache-2.0
"""Run records: what was run, on what, and what came out. Cards and reports are views of them."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from sycophancy.files import CHECKOUT, without_nan, write_json

RUN = "run.json"
PREDICTIONS = "predictions.jsonl"
TUNING = "tuning.json"
"""The record of a tuning run; under `hub` it says what the folder and what it was made from are called there."""

_PACKAGES = (
    "torch",
    "transformers",
    "datasets",
    "evaluate",
    "peft",
    "accelerate",
    "trl",
    "huggingface-hub",
    "numpy",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a number depends on."""
    found = {"python": platform.python_version()}
    for package in (*_PACKAGES, "sycophancy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_state() -> dict:
    """Commit of the code that runs, and whether the checkout differs from it; nulls where there is neither.

    An installed package never asks the repository that its environment happens to lie in. It knows its commit where
    pip installed it from one (PEP 610).
    """
    if CHECKOUT is None or not (CHECKOUT / ".git").exists():
        return {"commit": _installed_commit(), "dirty": None}

    def git(*args: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(CHECKOUT), *args], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    status = git("status", "--porcelain")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if status is None else bool(status)}


def _installed_commit() -> str | None:
    try:
        noted = distribution("sycophancy").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    return json.loads(noted).get("vcs_info", {}).get("commit_id") if noted else None


def hardware() -> dict:
    """What the run had: processor, cores, threads, processes and accelerators."""
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": int(os.environ.get("WORLD_SIZE", 1)),
        "gpus": gpus,
    }


def relative(path: str | Path) -> str:
    """A path as it is recorded: below the working directory relative to it, a Hub id as it is."""
    absolute = Path(path).resolve()
    if absolute.exists() and absolute.is_relative_to(Path.cwd()):
        return str(absolute.relative_to(Path.cwd()))
    return str(path)


def write_run(folder: Path, record: dict, predictions: Iterable[dict]) -> None:
    """Write a run folder; `run.json` last, so that a folder that has it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    # An earlier record does not vouch for predictions that are being replaced.
    (folder / RUN).unlink(missing_ok=True)
    with open(folder / PREDICTIONS, "w", encoding="utf-8") as file:
        for prediction in predictions:
            file.write(json.dumps(without_nan(prediction), ensure_ascii=False) + "\n")
    write_json(folder / RUN, record)


def read_record(folder: str | Path) -> dict:
    """The record of a run folder.

    Raises:
        ValueError: the folder is not a whole run, or its record is no record.
    """
    folder = Path(folder)
    for name in (RUN, PREDICTIONS):
        if not (folder / name).is_file():
            raise ValueError(
                f"expected a run folder with {RUN} and {PREDICTIONS}, got {folder} without {name}; "
                "write one with scripts/measure.py"
            )
    try:
        record = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"expected JSON in {folder / RUN}, got {error}; write the run again") from error
    if not isinstance(record, dict):
        raise ValueError(f"expected a record in {folder / RUN}, got {type(record).__name__}; write the run again")
    return record


def read_run(folder: str | Path) -> tuple[dict, list[dict]]:
    """The record and the predictions of a run folder.

    Raises:
        ValueError: the folder is not a whole run.
    """
    record = read_record(folder)
    with open(Path(folder) / PREDICTIONS, encoding="utf-8") as file:
        predictions = [json.loads(line) for line in file]
    return record, predictions
