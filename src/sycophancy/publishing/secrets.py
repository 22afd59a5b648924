# SPDX-License-Identifier: Apache-2.0
"""Access tokens and keys in what is about to be published: in the bytes of files, and in the text of rows."""

import mmap
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sycophancy.publishing.tree import LocalFile

if TYPE_CHECKING:
    from datasets import Dataset

SECRET_PATTERNS = {
    "a Hugging Face token": r"\bhf_(?:[a-z]+_)?[A-Za-z0-9]{30,}",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50,})",
    "an API key": r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_]{32,}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a Slack token": r"\bxox[abposr]-[A-Za-z0-9-]{20,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
}
"""What an access token looks like, as regular expressions that `re` and Arrow's RE2 both read."""


def secret_problems(files: Mapping[str, LocalFile], token: str | None) -> list[str]:
    """Files whose bytes hold `token` or something that looks like an access token."""
    patterns = {what: re.compile(pattern.encode()) for what, pattern in SECRET_PATTERNS.items()}
    if token:
        patterns["your own access token"] = re.compile(re.escape(token.encode()))
    problems = []
    for path, file in files.items():
        if file.size == 0:
            continue
        with file.location.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as data:
            found = [what for what, pattern in patterns.items() if pattern.search(data)]
        problems += [f"{path} contains {what}: take it out, and revoke it if it is real" for what in found]
    return problems


def secrets_in(split: "Dataset", token: str | None) -> list[tuple[str, str]]:
    """(column, what) for text columns that hold something like an access token.

    Compression hides it from a search through the file.
    """
    import pyarrow
    import pyarrow.compute

    patterns = dict(SECRET_PATTERNS)
    if token:
        patterns["your own access token"] = re.escape(token)
    found = []
    for name in split.column_names:
        column = split.data.column(name)
        while pyarrow.types.is_list(column.type) or pyarrow.types.is_large_list(column.type):
            column = pyarrow.compute.list_flatten(column)
        if not (pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)):
            continue
        for what, pattern in patterns.items():
            if pyarrow.compute.any(pyarrow.compute.match_substring_regex(column, pattern)).as_py():
                found.append((name, what))
    return found
