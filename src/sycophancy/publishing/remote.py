# SPDX-License-Identifier: Apache-2.0
"""What a repository holds at one commit, and what a folder would change in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sycophancy.publishing.tree import LocalFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

KEPT_BY_THE_HUB = ".gitattributes"
"""Written by the Hub when it makes a repository; says which files are large. Never deleted."""

FIRST_ANSWER_SECONDS = 10.0
"""The first question to the Hub is small; without an answer by then it is not there."""


@dataclass(frozen=True)
class RemoteFile:
    """One file in a repository: its size and the hash that names its content."""

    size: int
    git_sha1: str
    sha256: str | None
    """None for a file kept in git itself; for the others `git_sha1` names only the pointer."""

    def holds(self, local: LocalFile) -> bool:
        """Whether this is the content of `local`."""
        if self.sha256 is not None:
            return self.sha256 == local.sha256
        return self.git_sha1 == local.git_sha1


@dataclass(frozen=True)
class Remote:
    """A repository: the commit that main names, the files in it, and its tags (name -> commit)."""

    commit: str
    private: bool
    files: Mapping[str, RemoteFile]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """Paths, by what publishing does to them. `kept` are in the repository, not in the folder, and stay."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self.added or self.changed or self.deleted)


def read_remote(api: "HfApi", repo_id: str, repo_type: str) -> Remote | None:
    """Read main's commit, then that commit's files, so that they match; None if there is no repository."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.repo_info(repo_id, repo_type=repo_type, timeout=FIRST_ANSWER_SECONDS)
    except RepositoryNotFoundError:
        return None
    refs = api.list_repo_refs(repo_id, repo_type=repo_type)
    tags = {tag.name: tag.target_commit for tag in refs.tags}
    return Remote(info.sha, bool(info.private), read_files(api, repo_id, repo_type, info.sha), tags)


def read_files(api: "HfApi", repo_id: str, repo_type: str, commit: str) -> dict[str, RemoteFile]:
    """The files of one commit."""
    from huggingface_hub.hf_api import RepoFile

    entries = api.list_repo_tree(repo_id, recursive=True, revision=commit, repo_type=repo_type)
    return {
        entry.path: RemoteFile(entry.size, entry.blob_id, entry.lfs.sha256 if entry.lfs else None)
        for entry in entries
        if isinstance(entry, RepoFile)
    }


def make_plan(local: Mapping[str, LocalFile], remote: Mapping[str, RemoteFile], *, mirror: bool) -> Plan:
    """What turns the files `remote` into the files `local`; with `mirror`, what is not in `local` goes."""
    surplus = tuple(path for path in remote if path not in local)
    gone = tuple(path for path in surplus if mirror and path != KEPT_BY_THE_HUB)
    there = [path for path in local if path in remote]
    return Plan(
        added=tuple(path for path in local if path not in remote),
        changed=tuple(path for path in there if not remote[path].holds(local[path])),
        deleted=gone,
        kept=tuple(path for path in surplus if path not in gone),
        unchanged=tuple(path for path in there if remote[path].holds(local[path])),
    )


def newest_tag(api: "HfApi", repo_id: str, repo_type: str, tags: Mapping[str, str]) -> str | None:
    """The tag whose commit is nearest to the head of main; None if main has none."""
    by_commit = {commit: name for name, commit in tags.items()}
    commits = api.list_repo_commits(repo_id, repo_type=repo_type)
    return next((by_commit[commit.commit_id] for commit in commits if commit.commit_id in by_commit), None)
