# SPDX-License-Identifier: Apache-2.0
"""Output folders: nothing is overwritten silently, and nothing half-written is left looking whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
