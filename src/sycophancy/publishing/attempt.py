# SPDX-License-Identifier: Apache-2.0
"""One attempt to publish: read the head, plan, commit if anything differs, read back, tag.

Every attempt plans from nothing, so a commit that took place although its answer was lost shows up as
"nothing left to change". That is why an attempt may be repeated without ever making a second commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sycophancy.publishing import differences, remote
from sycophancy.publishing.cards import card_metadata
from sycophancy.publishing.result import PublishError, PublishResult, load_line
from sycophancy.publishing.tree import LocalFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

URL_PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}


@dataclass
class Job:
    """One folder on its way to one repository, over all attempts."""

    api: "HfApi"
    root: Path
    files: Mapping[str, LocalFile]
    repo_id: str
    repo_type: str
    tag: str | None
    private: bool
    mirror: bool
    dry_run: bool
    diff: bool
    commit_message: str | None
    attempts: int = 0
    reached: bool = False
    """Whether the Hub has answered anything yet."""
    tried: remote.Plan = field(default_factory=remote.Plan)
    """What the last commit request was to change; its answer may have been lost."""
    committed: str | None = None
    """The commit that an attempt made before it failed."""

    @property
    def url(self) -> str:
        """Address of the repository."""
        return f"{self.api.endpoint}/{URL_PREFIX[self.repo_type]}{self.repo_id}"

    def result(self, plan: remote.Plan, commit: str | None, **more: object) -> PublishResult:
        """The result of this job, as far as it is the same for all outcomes."""
        # A reader of a metric pins the commit: evaluate takes an unknown tag for the newest copy that it has.
        revision = commit if self.repo_type == "space" or self.tag is None else self.tag
        return PublishResult(
            self.repo_id,
            self.repo_type,
            self.url,
            plan,
            commit,
            self.tag,
            load_line(self.root, self.repo_id, self.repo_type, revision),
            attempts=max(self.attempts, 1),
            dry_run=self.dry_run,
            **more,
        )


def attempt(job: Job) -> PublishResult:
    """Do the whole job once. Raises what the clients raise, and ValueError for what no attempt can mend."""
    there = remote.read_remote(job.api, job.repo_id, job.repo_type)
    job.reached = True
    if there is None:
        if job.dry_run:
            return job.result(remote.Plan(added=tuple(job.files)), None)
        there = create(job)
    if job.private and not there.private:
        raise ValueError(f"{job.url} is public: make it private in its settings, or leave out --private")
    plan = remote.make_plan(job.files, there.files, mirror=job.mirror)
    refusal = tag_problem(job, there, plan)
    if refusal and not job.diff:
        raise ValueError(refusal)
    if job.diff:
        lines = differing(job, there.commit)
        if refusal:
            lines.append(f"it would be refused: {refusal}")
        return job.result(plan, there.commit, differences=tuple(lines))
    if job.dry_run:
        return job.result(plan, there.commit)
    commit, sent = there.commit, not job.tried.is_empty
    if not plan.is_empty:
        job.tried = plan
        commit, sent = send(job, plan, there.commit), True
        job.committed = commit
    read_back(job, commit)
    tagged = job.tag is not None and job.tag not in there.tags
    if tagged:
        job.api.create_tag(job.repo_id, repo_type=job.repo_type, tag=job.tag, revision=commit)
    return job.result(job.tried if sent else plan, commit, sent=sent, tagged=tagged)


def create(job: Job) -> remote.Remote:
    """Make the repository; a Space's kind comes from its card."""
    sdk = None
    if job.repo_type == "space":
        sdk = str(card_metadata((job.root / "README.md").read_text(encoding="utf-8"))["sdk"])
    job.api.create_repo(job.repo_id, repo_type=job.repo_type, private=job.private or None, space_sdk=sdk, exist_ok=True)
    there = remote.read_remote(job.api, job.repo_id, job.repo_type)
    if there is None:
        raise PublishError(f"{job.url} exists but cannot be read with this token: check the token's rights")
    return there


def tag_problem(job: Job, there: remote.Remote, plan: remote.Plan) -> str:
    """How a tag would come to name something else, or changed rows would have no tag; "" if all is well."""
    if job.tag in there.tags:
        commit = there.tags[job.tag]
        tagged = remote.read_files(job.api, job.repo_id, job.repo_type, commit)
        difference = remote.make_plan(job.files, tagged, mirror=job.mirror)
        if not difference.is_empty:
            changed = ", ".join((*difference.added, *difference.changed, *difference.deleted))
            made = f" (commit {job.committed} was made and has no tag)" if job.committed else ""
            return (
                f"tag {job.tag} of {job.repo_id} names commit {commit}, which differs in {changed}: "
                f"choose a new tag, readers rely on the old one{made}"
            )
    elif job.tag is None and job.repo_type == "dataset" and there.tags and not plan.is_empty:
        newest = remote.newest_tag(job.api, job.repo_id, job.repo_type, there.tags)
        if newest is None:
            return ""
        commit = there.tags[newest]
        tagged = remote.read_files(job.api, job.repo_id, job.repo_type, commit)
        if differences.same_data_files(job.files, tagged):
            return ""
        if changes := differences.rows_against(job.api, job.repo_id, commit, job.root):
            return (
                f"{job.repo_id} would get other rows than its tag {newest} ({'; '.join(changes)}): "
                "give them a new tag with --tag"
            )
    return ""


def differing(job: Job, commit: str) -> list[str]:
    """The lines of `--diff`: rows of a dataset, then the card."""
    lines = differences.card_against(job.api, job.repo_id, job.repo_type, commit, job.root)
    if job.repo_type == "dataset":
        lines = differences.rows_against(job.api, job.repo_id, commit, job.root) + lines
    return lines


def send(job: Job, plan: remote.Plan, head: str) -> str:
    """Make the one commit, on top of `head`; its id."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path, str(job.files[path].location)) for path in (*plan.added, *plan.changed)
    ]
    operations += [CommitOperationDelete(path) for path in plan.deleted]
    name = " ".join(part for part in (job.repo_id.split("/")[1], job.tag) if part)
    commit = job.api.create_commit(
        job.repo_id,
        operations,
        commit_message=job.commit_message or f"Publish {name}",
        repo_type=job.repo_type,
        parent_commit=head,
    )
    return commit.oid


def read_back(job: Job, commit: str) -> None:
    """Raise PublishError unless `commit` holds the folder, byte for byte by its hashes."""
    held = remote.read_files(job.api, job.repo_id, job.repo_type, commit)
    found = remote.make_plan(job.files, held, mirror=job.mirror)
    if not found.is_empty:
        wrong = [f"{path} is missing" for path in found.added] + [f"{path} differs" for path in found.changed]
        wrong += [f"{path} is still there" for path in found.deleted]
        raise PublishError(
            f"commit {commit} of {job.url} is not the folder: {', '.join(wrong)}. A .gitignore in the "
            "repository, or a folder that changed while it was sent, can be the cause",
            attempts=job.attempts,
        )
