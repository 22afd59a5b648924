# SPDX-License-Identifier: Apache-2.0
"""What came of publishing: a result to print and to keep, or an error with the Hub's own words."""

import json
from dataclasses import dataclass
from pathlib import Path

from sycophancy.publishing.remote import Plan

NAMED_PATHS = 20
"""How many paths of a kind a report names."""


class PublishError(ValueError):
    """The folder was fine, but it could not be published; the text carries what the Hub said.

    Attributes:
        status: HTTP status of the Hub's last answer, None if there was none.
        retry_after: Seconds that the Hub asked to wait, None if it did not.
        attempts: How often publishing was planned before giving up.
    """

    def __init__(self, text: str, *, status: int | None = None, retry_after: float | None = None, attempts: int = 1):
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after
        self.attempts = attempts


@dataclass(frozen=True)
class PublishResult:
    """What a call of `publish` did, or with `dry_run` would do."""

    repo_id: str
    repo_type: str
    url: str
    plan: Plan
    commit: str | None = None
    """The commit that holds the folder; None if nothing was sent and there is none."""
    tag: str | None = None
    load_line: str = ""
    """What a reader types."""
    sent: bool = False
    """Whether this call made a commit."""
    tagged: bool = False
    """Whether this call made the tag."""
    attempts: int = 1
    dry_run: bool = False
    differences: tuple[str, ...] = ()
    """Lines on what changes in rows, columns and card, if they were asked for."""
    skipped: str = ""
    """Why nothing was done, for a process that does not publish."""
    compared: bool = True
    """False if the folder was only checked, without a Hub."""

    def report(self) -> str:
        """Several lines of text: what changed, and the line that loads it."""
        if self.skipped:
            return f"{self.repo_id}: not published by this process: {self.skipped}"
        lines = [self.headline()]
        for mark, paths in (("+", self.plan.added), ("~", self.plan.changed), ("-", self.plan.deleted)):
            lines += [f"  {mark} {path}" for path in paths[:NAMED_PATHS]]
            if len(paths) > NAMED_PATHS:
                lines.append(f"  {mark} ... and {len(paths) - NAMED_PATHS} more")
        if self.plan.unchanged:
            lines.append(f"  {len(self.plan.unchanged)} files are there already")
        if self.plan.kept:
            kept = ", ".join(self.plan.kept[:NAMED_PATHS])
            lines.append(f"  kept, though not in the folder (--mirror deletes them): {kept}")
        lines += [f"  {line}" for line in self.differences]
        if self.tagged:
            lines.append(f"tagged {self.tag}")
        if self.load_line:
            lines.append(self.load_line)
        return "\n".join(lines)

    def headline(self) -> str:
        """What was done, on one line."""
        plan = self.plan
        if not self.compared:
            return f"the folder is whole ({len(plan.added)} files); it was not compared with {self.url}"
        counts = f"{len(plan.added)} added, {len(plan.changed)} changed, {len(plan.deleted)} deleted"
        if self.dry_run:
            return f"{self.url}: nothing was sent; publishing would mean {counts}"
        if self.sent:
            return f"{self.url}: {counts} in commit {self.commit}"
        return f"{self.url}: nothing to change, commit {self.commit} holds the folder"


def load_line(root: Path, repo_id: str, repo_type: str, revision: str | None) -> str:
    """The line of Python with which a reader loads what was published, pinned to `revision`."""
    pin = f", revision={revision!r}" if revision else ""
    if repo_type == "dataset":
        return f'load_dataset("{repo_id}"{pin})'.replace("'", '"')
    if repo_type == "space":
        is_metric = (root / f"{repo_id.split('/')[1]}.py").is_file()
        return f'evaluate.load("{repo_id}"{pin})'.replace("'", '"') if is_metric else ""
    if (root / "adapter_config.json").is_file():
        return f'PeftModel.from_pretrained(base, "{repo_id}"{pin})'.replace("'", '"')
    config = json.loads((root / "config.json").read_text(encoding="utf-8"))
    auto = "AutoModelForSeq2SeqLM" if config.get("is_encoder_decoder") else "AutoModelForCausalLM"
    return f'{auto}.from_pretrained("{repo_id}"{pin})'.replace("'", '"')
