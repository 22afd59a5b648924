# SPDX-License-Identifier: Apache-2.0
"""An experiment's way through its cells: the budget before, progress meanwhile, the same on all processes."""

import json
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from sycophancy.experiments.cells import (
    can_fork,
    clear_folder,
    expected_seconds,
    first_to_end,
    lock_output,
    run_cell,
    start_cell,
    states,
    warm_up,
    write_record,
)
from sycophancy.experiments.html import MARKDOWN, PICTURES
from sycophancy.experiments.plan import DISTRIBUTED, Cell
from sycophancy.files import refuse_occupied, write_json, written_whole

_RANK_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def budget(output_dir: Path, cells: Mapping[str, Cell], state: Mapping[str, str]) -> str:
    """One line before it starts: how many cells, how many are done, how long the others may take."""
    left = [name for name in cells if state[name] != "done"]
    known = [expected_seconds(output_dir, cells, name) for name in left]
    seconds = sum(second for second in known if second is not None)
    unknown = sum(second is None for second in known)
    counts = ", ".join(f"{sum(s == kind for s in state.values())} {kind}" for kind in dict.fromkeys(state.values()))
    if not left:
        return f"{len(cells)} cells: all done"
    expected = f"about {_duration(seconds)}" if unknown < len(left) else "no times known yet"
    return f"{len(cells)} cells: {counts}; {len(left)} to run, {expected}" + (
        f" and {unknown} cells never run before" if 0 < unknown < len(left) else ""
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def run_cells(
    output_dir: Path, cells: Mapping[str, Cell], keys: Mapping[str, str], *, processes: "Processes",
    overwrite: bool = False, jobs: int = 1, fork: bool | None = None, say: Callable[[str], None] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Run what is not done, `jobs` cells at once; a cell that fails stops those that need it and nothing else.

    Args:
        output_dir: of the experiment.
        cells: all cells, in an order in which they can run.
        keys: key of each cell.
        processes: of this launch.
        overwrite: run cells again that were finished with other settings.
        jobs: cells that run at once, each as soon as what it needs is done. Several processes walk through them one by one.
        fork: fork cells off this process instead of starting a Python for each [where that is safe].
        say: takes lines of progress [prints them].

    Returns:
        Why each cell that is not done is not, by name.

    Raises:
        ValueError: cells were finished with other settings, and `overwrite` is false; or another run is at work.
    """
    say = say or partial(print, flush=True)
    lock = lock_output(output_dir) if processes.is_main else None
    state = states(output_dir, cells, keys)
    changed = [name for name, found in state.items() if found == "changed"]
    if changed and not overwrite:
        raise ValueError(
            f"expected the settings that the finished cells were run with, got others for {', '.join(changed[:5])}"
            f"{' ...' if len(changed) > 5 else ''} ({len(changed)} of {len(cells)}); pass --overwrite to run them again, or "
            "name another output_dir"
        )
    todo = [name for name in cells if state[name] != "done"]
    processes.wait()  # all have read the records before one is written
    fork = can_fork() if fork is None else fork
    if todo and fork:
        warm_up()
    failures: dict[str, str] = {}
    waiting, running = list(todo), []
    numbers = {name: f"{number}/{len(todo)}" for number, name in enumerate(todo, 1)}
    while waiting or running:
        for name in list(waiting):
            if blocked := [need for need in cells[name].needs if need in failures]:
                failures[name] = f"needs {blocked[0]}"
                waiting.remove(name)
        unfinished = {*waiting, *(one.cell.name for one in running)}
        ready = [name for name in waiting if unfinished.isdisjoint(cells[name].needs)]
        if ready and len(running) < jobs:
            cell = cells[ready[0]]
            waiting.remove(cell.name)
            if processes.is_main:
                say(f"[{numbers[cell.name]}] {cell.name} ...")
                clear_folder(cell)
            if processes.count == 1:
                running.append(start_cell(cell, output_dir, fork=fork))
                continue
            found = processes.run(cell, output_dir)
        elif running:
            ended, found = first_to_end(running)
            running.remove(ended)
            cell = ended.cell
        else:
            continue
        if found["status"] == "failed":
            failures[cell.name] = found["reason"]
        if processes.is_main:
            write_record(cell, output_dir, keys[cell.name], found)
            left = [expected_seconds(output_dir, cells, other) for other in waiting]
            rest = "" if None in left or not left else f", about {_duration(sum(left) / jobs)} left"
            what = found["status"] if found["status"] == "done" else f"FAILED: {found['reason']}"
            say(
                f"[{numbers[cell.name]}] {cell.name}: {what}, {found['seconds']:.1f} s, "
                f"{found['peak_memory_mb']:.0f} MB{rest}"
            )
    processes.wait()
    if lock:
        lock.release()
    return failures


class Processes:
    """The processes of `accelerate launch` walk through the cells together, each with a share of each cell."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", 1))
        self.is_main = True
        if self.count > 1:
            from accelerate import PartialState

            # A process may wait for the main one through a whole cell.
            self.state = PartialState(cpu=True, timeout=timedelta(days=7))
            self.is_main = self.state.is_main_process

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            self.state.wait_for_everyone()

    def run(self, cell: Cell, output_dir: Path) -> dict:
        """Run a cell on all of several processes, or on the main one where its script knows of one only."""
        from accelerate.utils import broadcast_object_list, gather_object

        # The launcher's own meeting point is taken by this very walk: each cell's processes meet at a port of theirs.
        port = [_free_port() if self.is_main else None]
        broadcast_object_list(port)
        if cell.script in DISTRIBUTED:
            environment = os.environ | {"MASTER_PORT": str(port[0]), "TORCHELASTIC_USE_AGENT_STORE": "False"}
            found = [self._run_one(cell, output_dir, environment)]
        elif self.is_main:
            environment = {key: value for key, value in os.environ.items() if not _launched(key)}
            found = [self._run_one(cell, output_dir, environment)]
        else:
            found = []
        gathered = gather_object(found)
        failed = [one for one in gathered if one["status"] == "failed"]
        largest = {key: max(one[key] for one in gathered) for key in ("seconds", "cpu_seconds", "peak_memory_mb")}
        return (failed or gathered)[0] | largest

    def _run_one(self, cell: Cell, output_dir: Path, environment: Mapping[str, str]) -> dict:
        rank = int(os.environ["RANK"])
        log_of = (
            cell
            if rank == 0
            else Cell(f"{cell.name}.rank{rank}", *(getattr(cell, k) for k in ("script", "arguments", "folder")))
        )
        return run_cell(log_of, output_dir, fork=False, environment=environment)


def _launched(variable: str) -> bool:
    return variable in _RANK_VARIABLES or variable.startswith(("TORCHELASTIC_", "GROUP_", "ROLE_"))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return free.getsockname()[1]


PAGE = (MARKDOWN, PICTURES, "records")
RECORDS = ("run.json", "tuning.json", "organism.json")


def copy_records(output_dir: Path, target: Path) -> None:
    """Copy the page in Markdown, its pictures and the records of an experiment, without texts of its sources, in its own layout.

    The runs of the base model that each tuned cell holds are left out: they are copies of the study's base.

    Args:
        output_dir: of an experiment whose page was written.
        target: a folder that does not exist, is empty, or is an earlier copy, which is replaced.

    Raises:
        ValueError: there is no page, or the target holds something else.
    """
    marker = MARKDOWN
    if not (output_dir / marker).exists():
        raise ValueError(f"expected a finished experiment, got {output_dir} without {marker}; run it first")
    refuse_occupied(target, marker=marker, overwrite=True)
    with written_whole(target) as partial:
        for name in PAGE:
            source = output_dir / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, partial / name)
        for source in sorted((output_dir / "cells").rglob("*.json")):
            place = source.relative_to(output_dir)
            if source.name not in RECORDS or "before" in place.parts:
                continue
            (partial / place).parent.mkdir(parents=True, exist_ok=True)
            record = json.loads(source.read_text(encoding="utf-8"))
            # A prompt for the adapter's card, with a text of the source, which may not be ours to pass on.
            record.pop("example", None)
            write_json(partial / place, record)
