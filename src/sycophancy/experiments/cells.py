# SPDX-License-Identifier: Apache-2.0
"""Running cells: each in a process of its own, with its seconds, its peak memory and its output kept.

A cell is finished when its record says so, and the record is written last: a run that is killed at any moment loses
the running cell and nothing else.
"""

import json
import os
import runpy
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sycophancy.experiments.plan import DISTRIBUTED, Cell
from sycophancy.files import HOME, lock, write_json
from sycophancy.records import git_state

MARKER = "experiment.json"


def script_path(cell: Cell) -> Path:
    """The script's file."""
    folder = "dataset_builders" if cell.name.startswith("data.") else "scripts"
    return HOME / folder / f"{cell.script}.py"


def record_path(output_dir: Path, name: str) -> Path:
    """Where the record of a cell lies."""
    return output_dir / "records" / f"{name}.json"


def read_record(output_dir: Path, name: str) -> dict | None:
    """The record of a cell; `None` for one that never ended."""
    path = record_path(output_dir, name)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def current_records(output_dir: Path, cells: Mapping[str, Cell], keys: Mapping[str, str]) -> dict[str, dict | None]:
    """The record of each cell, `None` for one that never ended; one that ran with other settings counts as failed."""
    found = {}
    for name, state in states(output_dir, cells, keys).items():
        stale = {"status": "failed", "reason": "run with other settings"}
        found[name] = stale if state == "changed" else read_record(output_dir, name)
    return found


def states(output_dir: Path, cells: Mapping[str, Cell], keys: Mapping[str, str]) -> dict[str, str]:
    """Each cell's state: `done`, `changed` (done with other settings), `failed` or `open`."""
    found = {}
    for name in cells:
        record = read_record(output_dir, name)
        if record is None:
            found[name] = "open"
        elif record["status"] == "done":
            found[name] = "done" if record["key"] == keys[name] and cells[name].folder.is_dir() else "changed"
        else:
            found[name] = "failed"
    return found


def expected_seconds(output_dir: Path, cells: Mapping[str, Cell], name: str) -> float | None:
    """How long a cell took last time, or the mean of finished cells of its script; `None` where nothing is known."""
    own = read_record(output_dir, name)
    if own and own["status"] == "done":
        return own["seconds"]
    alike = (read_record(output_dir, other) for other, cell in cells.items() if cell.script == cells[name].script)
    seconds = [record["seconds"] for record in alike if record and record["status"] == "done"]
    return sum(seconds) / len(seconds) if seconds else None


def prepare_output(output_dir: Path, grid_text: str) -> None:
    """Make the experiment's folder, or go on in it.

    Raises:
        ValueError: the folder holds something else.
    """
    marker = output_dir / MARKER
    if output_dir.exists() and any(output_dir.iterdir()) and not marker.is_file():
        raise ValueError(
            f"expected an empty folder or an earlier experiment as output_dir, got {output_dir}, which holds something "
            "else; name another folder"
        )
    (output_dir / "records").mkdir(parents=True, exist_ok=True)
    (output_dir / "logs").mkdir(exist_ok=True)
    (output_dir / "cells").mkdir(exist_ok=True)
    write_json(marker, {"config": grid_text})


def lock_output(output_dir: Path):
    """Hold the experiment's folder until `release`, or the end of the process.

    Raises:
        ValueError: another experiment is running in it.
    """
    return lock(
        output_dir / "lock", f"expected no other run in {output_dir}, got one that is still at work; wait for its end"
    )


def warm_up() -> None:
    """Import what the scripts import, once for all cells that are forked off; nothing is computed yet."""
    import evaluate  # noqa: F401
    import peft  # noqa: F401
    import torch  # noqa: F401
    from transformers import (  # noqa: F401
        AutoModelForCausalLM,
        AutoModelForSeq2SeqLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Seq2SeqTrainer,
        T5ForConditionalGeneration,
    )

    import sycophancy.answering.measuring
    import sycophancy.tuning.folder
    import sycophancy.tuning.supervised  # noqa: F401


def can_fork() -> bool:
    """Whether cells may be forked: not with a GPU, whose driver does not survive it, and not among several processes."""
    import torch

    return sys.platform == "linux" and not torch.cuda.is_available() and int(os.environ.get("WORLD_SIZE", 1)) == 1


@dataclass(frozen=True)
class Running:
    """A cell that was started: its process, and when."""

    cell: Cell
    log: Path
    pid: int
    started: float
    forked: bool


def run_cell(cell: Cell, output_dir: Path, *, fork: bool, environment: Mapping[str, str] | None = None) -> dict:
    """Run a cell to its end; see `start_cell` for the arguments and `first_to_end` for what is found."""
    return first_to_end([start_cell(cell, output_dir, fork=fork, environment=environment)])[1]


def start_cell(cell: Cell, output_dir: Path, *, fork: bool, environment: Mapping[str, str] | None = None) -> Running:
    """Start a cell in a process of its own.

    Args:
        cell: the cell; what an earlier try left in its folder is removed.
        output_dir: of the experiment.
        fork: fork it off this process, which saves seconds of imports, instead of starting a Python.
        environment: of a started Python, instead of this process's.

    Raises:
        ValueError: the system does not tell what a process used.
    """
    if not hasattr(os, "wait4"):
        raise ValueError(
            "expected Linux or macOS, which tell what a cell's process used, got another system; run the commands that "
            "--dry_run shows one by one"
        )
    log = output_dir / "logs" / f"{cell.name}.txt"
    started = time.perf_counter()
    start = _fork if fork else _spawn
    return Running(cell, log, start(cell, log, environment), started, fork)


def first_to_end(running: Sequence[Running]) -> tuple[Running, dict]:
    """Wait until one of these cells has ended.

    Returns:
        The cell, and of it `status`, `seconds` by the clock, `cpu_seconds` and `peak_memory_mb` of the process and, of a
        failed one, the `reason`.
    """
    try:
        if len(running) == 1:
            return running[0], _found(running[0], *os.wait4(running[0].pid, 0)[1:])
        while True:
            for one in running:
                pid, status, usage = os.wait4(one.pid, os.WNOHANG)
                if pid:
                    return one, _found(one, status, usage)
            time.sleep(0.05)
    except BaseException:
        # Also on Ctrl-C: no cell outlives its experiment.
        for one in running:
            try:
                os.kill(one.pid, signal.SIGKILL)
                os.waitpid(one.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        raise


def _found(one: Running, status: int, usage) -> dict:
    """What is said of a cell that has ended."""
    code = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    found = {
        "status": "failed" if code else "done",
        "seconds": time.perf_counter() - one.started,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_memory_mb": round(usage.ru_maxrss / unit, 1),
        "started_as": "fork" if one.forked else "process",
    }
    return found | ({"reason": _reason(code, one.log)} if code else {})


def clear_folder(cell: Cell) -> None:
    """Remove what an earlier try left."""
    shutil.rmtree(cell.folder, ignore_errors=True)


def write_record(cell: Cell, output_dir: Path, key: str, found: dict) -> None:
    """Write a cell's record; a cell that has one has ended."""
    head = {"cell": cell.name, "script": cell.script, "arguments": list(cell.arguments), "needs": list(cell.needs)}
    processes = int(os.environ.get("WORLD_SIZE", 1)) if cell.script in DISTRIBUTED else 1
    record = head | {"key": key, **found, "processes": processes, "git": git_state()}
    write_json(record_path(output_dir, cell.name), record)


def _reason(code: int, log: Path) -> str:
    """Why a cell failed: the last line that it said, or the signal that ended it."""
    if code < 0:
        return f"ended by signal {signal.Signals(-code).name}"
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][-400:] if lines else f"status {code}, nothing said"


def _die_with_parent() -> None:
    """Linux: a cell whose experiment is killed ends too, instead of writing on beside the next one."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _fork(cell: Cell, log: Path, _environment=None) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _die_with_parent()
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        script = script_path(cell)
        sys.argv = [str(script.relative_to(HOME)), *cell.arguments]
        # A script that is started has its own folder first on the path.
        sys.path[0] = str(script.parent)
        runpy.run_path(str(script), run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Without the exit handlers of the parent, which are not this process's business.
        os._exit(code)


def _spawn(cell: Cell, log: Path, environment: Mapping[str, str] | None = None) -> int:
    import subprocess

    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, str(script_path(cell)), *cell.arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    process.returncode = 0  # waited for by its id, with its resource usage
    return process.pid
