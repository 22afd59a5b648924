# SPDX-License-Identifier: Apache-2.0
"""Answers on disk as they come, read back in the order of the rows: memory stays flat, and a killed run goes on."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PARTIAL = "predictions.jsonl.partial"
"""In a run folder: the answers of a run that is not finished, one line per answer, in the order of answering."""

SETTINGS = "unfinished.json"
"""Beside it: what the rest of the run must have in common with its beginning."""


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
