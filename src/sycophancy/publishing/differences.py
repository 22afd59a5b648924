# SPDX-License-Identifier: Apache-2.0
"""What publishing would change for a reader: rows, columns and card, compared with a commit on the Hub."""

import difflib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sycophancy.publishing.remote import RemoteFile
from sycophancy.publishing.rows import load_rows, row_differences
from sycophancy.publishing.tree import LocalFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

READ_BY_LOADING = ("README.md", ".parquet")
"""Endings of the files from which `load_dataset` makes the rows: the card's configs and the Parquet."""


def same_data_files(local: Mapping[str, LocalFile], remote: Mapping[str, RemoteFile]) -> bool:
    """Whether the card and the Parquet files are byte for byte those of a commit (then so are the rows)."""
    mine = {path for path in local if path.endswith(READ_BY_LOADING)}
    theirs = {path for path in remote if path.endswith(READ_BY_LOADING)}
    return mine == theirs and all(remote[path].holds(local[path]) for path in mine)


def download(api: "HfApi", repo_id: str, repo_type: str, commit: str, folder: str, patterns: list[str]) -> Path:
    """Fetch the files of a commit that match `patterns` into `folder`."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    were_disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        api.snapshot_download(repo_id, repo_type=repo_type, revision=commit, local_dir=folder, allow_patterns=patterns)
    finally:
        if not were_disabled:
            enable_progress_bars()
    return Path(folder)


def rows_against(api: "HfApi", repo_id: str, commit: str, root: Path) -> list[str]:
    """How the rows of the dataset folder `root` differ from those of a commit; [] if readers get the same."""
    with tempfile.TemporaryDirectory() as folder:
        old = load_rows(download(api, repo_id, "dataset", commit, folder, ["README.md", "*.parquet"]))
        return row_differences(old, load_rows(root))


def card_against(api: "HfApi", repo_id: str, repo_type: str, commit: str, root: Path) -> list[str]:
    """The card's changes against a commit, as the lines of a unified diff; [] if there are none."""
    with tempfile.TemporaryDirectory() as folder:
        card = download(api, repo_id, repo_type, commit, folder, ["README.md"]) / "README.md"
        old = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    new = (root / "README.md").read_text(encoding="utf-8").splitlines()
    return list(difflib.unified_diff(old, new, "README.md (published)", "README.md (here)", lineterm="", n=1))
