# SPDX-License-Identifier: Apache-2.0
"""`publish`: check a folder, then attempt to send it until it is there or the Hub says what will not pass."""

import logging
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

from sycophancy.publishing.attempt import Job, attempt
from sycophancy.publishing.checks import check_names, tree_problems
from sycophancy.publishing.patience import Trouble, diagnose, one_try_per_request
from sycophancy.publishing.remote import Plan
from sycophancy.publishing.result import PublishError, PublishResult
from sycophancy.publishing.tree import read_tree

logger = logging.getLogger(__name__)

RANK_VARIABLES = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
"""Where `accelerate launch` and the launchers under it put the number of a process (accelerate 1.15)."""

LONGEST_WAIT = 30.0
"""Seconds between two attempts, unless the Hub asks for more."""

UNREACHED_ATTEMPTS = 2
"""A Hub that was never reached is more likely a wrong address or no network than a passing trouble."""


def publish(
    tree: str | Path,
    repo_id: str,
    repo_type: str,
    *,
    tag: str | None = None,
    private: bool = False,
    mirror: bool = False,
    dry_run: bool = False,
    diff: bool = False,
    offline: bool = False,
    commit_message: str | None = None,
    token: str | None = None,
    attempts: int = 8,
    first_wait: float = 1.0,
    patience: float = 600.0,
) -> PublishResult:
    """Make a Hub repository hold the folder `tree`, in one commit, and tag that commit.

    The folder is checked first (`checks.check_tree`); nothing is sent from one that is not whole. The commit
    is made against a known head, read back file by file, and tagged last, so that a tag never names half a
    release. Publishing an unchanged folder changes nothing. Under `accelerate launch` only the main process
    publishes; the others return at once, with `skipped` set.

    Args:
        tree: The folder, exactly as it is to be on the Hub.
        repo_id: `organisation/name`. The repository is made if there is none.
        repo_type: `dataset`, `model` or `space`.
        tag: Name for the commit. It must be new, or name the same files already.
        private: Make the repository private. One that exists and is public is not changed, but refused.
        mirror: Delete what is in the repository and not in the folder (`.gitattributes` stays).
        dry_run: Check and compare, send nothing.
        diff: Also compare rows, columns and card with what is published; sends nothing.
        offline: Use no network: with `dry_run`, check the folder only. `HF_HUB_OFFLINE=1` means the same.
        commit_message: First line of the commit.
        token: Access token; default is the one of `hf auth login` or `HF_TOKEN`.
        attempts: How often to plan before giving up.
        first_wait: Seconds before the second attempt; they double, up to 30.
        patience: Seconds of waiting in all. A Hub that asks for more is reported at once, in its words.

    Returns:
        What was done.

    Raises:
        ValueError: if the arguments or the folder are not right, or if the rows need a new tag.
        PublishError: (a ValueError) if the Hub refuses, cannot be reached, or does not recover in time.
    """
    from huggingface_hub import HfApi, constants, get_token

    check_names(repo_id, repo_type, tag)
    if not is_main_process():
        return PublishResult(repo_id, repo_type, "", Plan(), skipped="the main process does it")
    root, files = read_tree(tree)
    token = token or get_token()
    if problems := tree_problems(root, files, repo_id, repo_type, token):
        raise ValueError(f"{tree} is not ready to be published as {repo_id}: {'; '.join(problems)}")
    api, sends_nothing = HfApi(token=token), dry_run or diff
    job = Job(api, root, files, repo_id, repo_type, tag, private, mirror, sends_nothing, diff, commit_message)
    if offline or constants.is_offline_mode():
        if diff or not dry_run:
            raise ValueError(
                f"expected a Hub, but this run is offline ({tree} itself is whole): leave out --offline and "
                "HF_HUB_OFFLINE, or add --dry_run to check the folder only"
            )
        return job.result(Plan(added=tuple(files)), None, compared=False)
    check_token(token, needed=not sends_nothing)
    return persist(job, attempts=attempts, first_wait=first_wait, patience=patience)


def publish_dataset(folder: Path, org: str) -> None:
    """Publish a folder that a builder wrote as the dataset ORG/FOLDER, and print what was done; see `publish`."""
    print(publish(folder, f"{org}/{folder.name}", "dataset").report())


def check_token(token: str | None, needed: bool) -> None:
    """Raise ValueError for a token that is needed and not there, or that cannot be one."""
    if token is None and needed:
        raise ValueError("expected an access token that may write: run `hf auth login` or set HF_TOKEN")
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise ValueError("the access token has characters that none has: run `hf auth login` or set HF_TOKEN anew")


def is_main_process() -> bool:
    """Whether this is the only process of a run, or its first."""
    rank = next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), "0")
    return rank in ("", "0")


def persist(job: Job, *, attempts: int, first_wait: float, patience: float, once: Callable = attempt):
    """Attempt until it is done, or until the Hub says something that will not pass.

    Args:
        job: what is to be done; its `api`, `repo_id` and `repo_type` are named in errors.
        attempts, first_wait, patience: see `publish`.
        once: does the whole job, however much of it is done already, and returns what came of it.
    """
    waited = 0.0
    while True:
        job.attempts += 1
        started = time.monotonic()
        try:
            with one_try_per_request():
                return once(job)
        except Exception as error:
            trouble = diagnose(error, job.api.endpoint)
            if trouble is None:
                raise
            job.reached = job.reached or not trouble.unreached
            if trouble.waited:
                waited += time.monotonic() - started
            wait = max(trouble.asked_wait or 0.0, jittered(first_wait, job.attempts))
            limit = attempts if job.reached else min(attempts, UNREACHED_ATTEMPTS)
            if not trouble.passes or job.attempts >= limit or waited + wait > patience:
                # The cause is left out: its text has been through `shown`, a traceback of it would not be.
                raise explained(job, trouble) from None
        said = shown(job, trouble.text)
        logger.warning("%s: %s; next attempt (of %d) in %.1f s", job.repo_id, said, limit, wait)
        time.sleep(wait)
        waited += wait


def jittered(first_wait: float, attempts: int) -> float:
    """Seconds to wait after so many attempts: doubling, and by chance, lest two publishers keep meeting."""
    return min(first_wait * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.75, 1.25)


def shown(job: Job, text: str) -> str:
    """`text` without the token, should the Hub's words repeat it."""
    return text.replace(job.api.token, "<token>") if job.api.token else text


def explained(job: Job, trouble: Trouble) -> PublishError:
    """The error for a trouble that ends publishing."""
    if not job.reached:
        text = (
            f"{job.api.endpoint} cannot be reached ({trouble.text}): check the network and HF_ENDPOINT; "
            "--dry_run --offline checks the folder without a Hub"
        )
    elif trouble.passes and trouble.asked_wait and trouble.asked_wait > LONGEST_WAIT:
        text = f"the Hub asks to wait {trouble.asked_wait:.0f} s: {trouble.text}; run the same command then"
    else:
        text = f"the Hub did not take {job.repo_type} {job.repo_id}: {trouble.text}"
    if trouble.status == 401:
        text += "; run `hf auth login`, or set HF_TOKEN to a token that may write"
    if job.attempts > 1:
        text += f" ({job.attempts} attempts; it is safe to run the same command again)"
    return PublishError(shown(job, text), status=trouble.status, retry_after=trouble.asked_wait, attempts=job.attempts)
