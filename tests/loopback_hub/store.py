# SPDX-License-Identifier: Apache-2.0
"""Repositories, commits and blobs of the loopback Hub, kept in memory. Every commit is atomic."""

import hashlib
import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loopback_hub.wire import Refusal

LFS_SUFFIXES = (
    ".7z",
    ".arrow",
    ".bin",
    ".gz",
    ".h5",
    ".npy",
    ".npz",
    ".onnx",
    ".parquet",
    ".pkl",
    ".pt",
    ".pth",
)
LFS_SUFFIXES += (".safetensors", ".tar", ".wav", ".zip")
"""The suffixes that the Hub's initial `.gitattributes` sends to large-file storage (a selection)."""

LFS_SIZE = 10 * 1024 * 1024
"""Above this many bytes any file goes to large-file storage."""

GITATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()


def git_blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(frozen=True)
class Blob:
    """One file's bytes; `large` ones are pointers in git and bytes in storage."""

    data: bytes
    large: bool
    xet_hash: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        ).encode()

    @property
    def oid(self) -> str:
        """The git blob id, of the pointer for a large file."""
        return git_blob_id(self.pointer if self.large else self.data)


@dataclass(frozen=True)
class Commit:
    """One commit with its whole tree: path in the repository -> blob."""

    oid: str
    parent: str
    title: str
    message: str
    author: str
    date: str
    tree: dict[str, Blob]


@dataclass
class Repo:
    """One repository. `branches` and `tags` map names to commit ids."""

    repo_type: str
    repo_id: str
    private: bool = False
    sdk: str = ""
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    counter: itertools.count = field(default_factory=itertools.count)

    @property
    def namespace(self) -> str:
        return self.repo_id.split("/")[0]

    @property
    def head(self) -> str:
        return self.branches["main"]

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, tag, `refs/...` name or full commit id names. Raises a 404 `Refusal`."""
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        oid = self.branches.get(name) or self.tags.get(name) or revision
        if oid not in self.commits:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def tree(self, revision: str = "main") -> dict[str, bytes]:
        """Path -> bytes, as a reader of `revision` gets them."""
        return {path: blob.data for path, blob in self.resolve(revision).tree.items()}

    def log(self, revision: str = "main") -> list[Commit]:
        """The commits of `revision`, newest first."""
        commits, oid = [], self.resolve(revision).oid
        while oid:
            commits.append(self.commits[oid])
            oid = self.commits[oid].parent
        return commits

    def commit(self, tree: dict[str, Blob], title: str, message: str = "", author: str = "hub", branch: str = "main"):
        """Put a commit with `tree` on top of `branch`."""
        parent = self.branches.get(branch, "")
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        listing = "".join(f"{path} {blob.oid}\n" for path, blob in sorted(tree.items()))
        text = f"{self.repo_type} {self.repo_id} {parent} {date} {next(self.counter)} {title}\n{listing}"
        oid = hashlib.sha1(text.encode()).hexdigest()
        self.commits[oid] = Commit(oid, parent, title, message, author, date, dict(tree))
        self.branches[branch] = oid
        return self.commits[oid]


def new_repo(repo_type: str, repo_id: str, private: bool, sdk: str, author: str) -> Repo:
    """A repository as the Hub makes it: with an initial commit that holds `.gitattributes`."""
    repo = Repo(repo_type, repo_id, private, sdk)
    repo.commit({".gitattributes": Blob(GITATTRIBUTES, large=False)}, "initial commit", author=author)
    return repo


def check_repo_id(namespace: str, name: str) -> None:
    for part in (namespace, name):
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?", part) or "--" in part:
            raise Refusal(400, f"Invalid repository name: {namespace}/{name}")


def check_path(path: str) -> None:
    """Refuse, like git and the Hub, a path that leaves the repository or writes into git's own folder."""
    parts = path.split("/")
    bad = not path or path.startswith("/") or "\\" in path or "\0" in path
    if bad or any(part in ("", ".", "..") for part in parts) or ".git" in parts:
        raise Refusal(400, f"Invalid path in repository: {path!r}")


def is_large(path: str, size: int, sample: bytes) -> bool:
    """Whether a file goes to large-file storage: by suffix, by size, or because it is binary."""
    return size > 0 and (path.lower().endswith(LFS_SUFFIXES) or size > LFS_SIZE or b"\0" in sample)
