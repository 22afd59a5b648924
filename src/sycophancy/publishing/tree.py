# SPDX-License-Identifier: Apache-2.0
"""The files of a folder that is to be published, with the two hashes by which the Hub names their content."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

SKIPPED_NAMES = frozenset({".DS_Store", ".cache", ".git", ".ipynb_checkpoints", "__pycache__"})
"""Left behind by tools, never part of what is published."""

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """One file to publish: where its bytes are, how many, and what the Hub will call them."""

    location: Path
    size: int
    sha256: str
    """Names the content of a file in large-file storage."""
    git_sha1: str
    """Names the content of a file kept in git itself."""


def read_tree(tree: str | Path) -> tuple[Path, dict[str, LocalFile]]:
    """List and hash the files of a folder, as the Hub would see them.

    Returns:
        The folder with links resolved, and path in the repository (with `/`) -> `LocalFile`, sorted by path.
        Files and folders called like one of `SKIPPED_NAMES` are left out. A link to a file inside the folder
        counts as the file.

    Raises:
        ValueError: if `tree` is no folder or is empty, if a link leads out of it or nowhere, if a folder in
            it is a link, or if something in it is not a file or has a name that the Hub cannot store.
    """
    root = Path(tree).expanduser().resolve()
    if not root.is_dir():
        raise ValueError(f"expected a folder to publish, got {tree}: build it first, or check the path")
    files: dict[str, LocalFile] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_NAMES)
        for name in folders:
            if (Path(folder) / name).is_symlink():
                raise ValueError(f"{Path(folder) / name} is a link to a folder: put a real folder in its place")
        for name in names:
            if name not in SKIPPED_NAMES:
                path = Path(folder) / name
                files[repo_path(root, path)] = read_file(root, path)
    if not files:
        raise ValueError(f"expected files to publish in {tree}, found none: build the folder first")
    return root, dict(sorted(files.items()))


def repo_path(root: Path, path: Path) -> str:
    """The name of `path` in the repository. Raises ValueError for a name that the Hub cannot store."""
    name = path.relative_to(root).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the name of {name!a} in {root} is not UTF-8: rename the file") from None
    if "\\" in name or any(ord(character) < 32 for character in name):
        raise ValueError(f"the name of {name!a} in {root} has a backslash or control character: rename the file")
    return name


def read_file(root: Path, path: Path) -> LocalFile:
    """Hash one file; see `read_tree` for what is refused."""
    location = path.resolve()
    if path.is_symlink() and not location.is_relative_to(root):
        raise ValueError(f"{path} is a link that leads out of {root}: replace it by a copy of the file")
    if not location.is_file():
        raise ValueError(f"expected {path} to be a file; it is a broken link or something else: remove it")
    size = location.stat().st_size
    sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
    with location.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
            git.update(chunk)
    return LocalFile(location, size, sha256.hexdigest(), git.hexdigest())
