# SPDX-License-Identifier: Apache-2.0
"""Files: where the project's own lie; nothing is overwritten silently, and nothing half-written looks whole."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

CHECKOUT = _PACKAGE.parents[1] if (_PACKAGE.parents[1] / "dataset_builders").is_dir() else None
"""The checkout that this code runs from; `None` where a wheel was installed."""

HOME = CHECKOUT or _PACKAGE
"""What holds `scripts/`, `dataset_builders/`, `metrics/` and `accelerate_configs/`; a wheel has them in the package."""


def own_file(path: str | Path) -> Path:
    """A path as it is if something is there, otherwise the project's own file of that name, if there is one.

    So a recipe is `scripts/recipes/quickstart.yaml` in any folder, and what is recorded names no place of a machine.
    """
    path = Path(path)
    return HOME / path if not path.exists() and not path.is_absolute() and (HOME / path).exists() else path


def refuse_occupied(folder: Path, marker: str, overwrite: bool) -> None:
    """Raise `ValueError` where writing to `folder` would lose something.

    Args:
        folder: where output is about to go.
        marker: a file that tells that the folder holds output of the same command.
        overwrite: whether the user allowed to replace such output. Never allows to replace anything else.
    """
    if folder.is_file():
        raise ValueError(f"expected a folder as output, got the file {folder}; name another folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / marker).exists():
        raise ValueError(
            f"expected an empty output folder, got {folder}, which holds something else "
            f"({', '.join(sorted(entry.name for entry in folder.iterdir())[:3])} ...); name another folder"
        )
    if not overwrite:
        raise ValueError(
            f"expected an empty output folder, got {folder}, which holds an earlier result; "
            "pass --overwrite to replace it or name another folder"
        )


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A scratch folder that takes the place of `folder` when the block ends without an error.

    Until then whatever stood at `folder` stays as it was. A run that was killed leaves a folder `<name>.partial`
    behind, which the next run removes.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    replaced = folder.with_name(f"{folder.name}.replaced")
    if replaced.exists() and not folder.exists():
        # A run was killed between the two renames below: what it was about to replace is still the last whole output.
        replaced.rename(folder)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    partial.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all; whoever reads meanwhile reads what stood there before."""
    partial = path.with_name(f"{path.name}.partial")
    # No translation of line ends: the same text is the same bytes everywhere.
    partial.write_text(text, encoding="utf-8", newline="\n")
    os.replace(partial, path)


def write_json(path: Path, content: dict) -> None:
    """Write JSON whole or not at all, with `null` for NaN."""
    write_text(path, json.dumps(without_nan(content), indent=2, ensure_ascii=False) + "\n")


def without_nan(value):
    """The same structure with `null` for NaN: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def lock(path: Path, refusal: str):
    """Keep something to this process until `release` or its end, however it ends.

    Args:
        path: the lock's own file, made if it is not there; its folder is.
        refusal: what to say where another process holds it.

    Returns:
        The lock, a `filelock.FileLock`.

    Raises:
        ValueError: another process holds it.
    """
    from filelock import FileLock, Timeout

    held = FileLock(path, timeout=0)
    try:
        held.acquire()
    except Timeout as error:
        raise ValueError(refusal) from error
    return held


def fingerprint(chunks: Iterable[bytes]) -> str:
    """A short name for bytes: equal for equal bytes, however they are cut into chunks."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()[:16]}"
