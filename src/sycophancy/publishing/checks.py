# SPDX-License-Identifier: Apache-2.0
"""Is a folder whole? Everything that must be right before a byte of it leaves this machine."""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sycophancy.publishing.cards import card_problems
from sycophancy.publishing.models import model_problems
from sycophancy.publishing.rows import row_problems
from sycophancy.publishing.secrets import secret_problems
from sycophancy.publishing.tree import LocalFile, read_tree

REPO_TYPES = ("dataset", "model", "space")

REFUSED_NAMES = {
    "training_args.bin": "it is a pickle of the training arguments and may hold a token",
    ".env": "it usually holds secrets",
    ".netrc": "it holds passwords",
    "stored_tokens": "it holds access tokens",
}
UNFINISHED_SUFFIXES = (".incomplete", ".lock", ".part", ".tmp")


def check_tree(tree: str | Path, repo_id: str, repo_type: str, *, token: str | None = None) -> None:
    """Raise ValueError with everything that keeps a folder from being published; return if it is whole.

    No network is used. `publish` calls this itself; it is here for whoever wants to know beforehand.

    Args:
        tree: The folder.
        repo_id: `organisation/name` that it is to be published as.
        repo_type: `dataset`, `model` or `space`.
        token: An access token that must not occur in any file, beside everything that looks like one.
    """
    check_names(repo_id, repo_type)
    root, files = read_tree(tree)
    problems = tree_problems(root, files, repo_id, repo_type, token)
    if problems:
        raise ValueError(f"{tree} is not ready to be published as {repo_id}: {'; '.join(problems)}")


def check_names(repo_id: str, repo_type: str, tag: str | None = None) -> None:
    """Raise ValueError for a repository type, repository id or tag that cannot be one."""
    if repo_type not in REPO_TYPES:
        raise ValueError(f"expected a repo_type of {', '.join(REPO_TYPES)}, got {repo_type!r}")
    part = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
    if not re.fullmatch(f"{part}/{part}", repo_id) or "--" in repo_id or ".." in repo_id:
        raise ValueError(f"expected a repo_id such as my-org/syco-sst2, got {repo_id!r}")
    if tag is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", tag):
        raise ValueError(f"expected a tag such as v1.0.0, got {tag!r}")
    if repo_type == "space" and tag is not None and tag == f"v{evaluate_version()}":
        # evaluate asks for this revision before it asks for main.
        raise ValueError(f"evaluate {tag[1:]} always loads a Space that has a tag {tag} from that tag: choose another")


def evaluate_version() -> str:
    """Version of the installed `evaluate`, "" if there is none."""
    try:
        return version("evaluate")
    except PackageNotFoundError:
        return ""


def tree_problems(
    root: Path, files: Mapping[str, LocalFile], repo_id: str, repo_type: str, token: str | None
) -> list[str]:
    """Everything that keeps the folder from being published, one sentence each; [] if it is whole."""
    problems = name_problems(files) + secret_problems(files, token) + card_problems(root, repo_type)
    if repo_type == "dataset":
        script = f"{repo_id.split('/')[1]}.py"
        if script in files:
            problems.append(f"{script} in a dataset makes load_dataset refuse the repository: take it out")
        problems += row_problems(root, files, token)
    elif repo_type == "model":
        problems += model_problems(root, files, repo_id)
    else:
        problems += metric_problems(files, repo_id)
    # A library's message may span lines; together they must fit one.
    return [" ".join(problem.split()) for problem in problems]


def name_problems(files: Mapping[str, LocalFile]) -> list[str]:
    """Files that must never be published, and files that were still being written."""
    problems = []
    for path in files:
        name = path.split("/")[-1]
        if name in REFUSED_NAMES:
            problems.append(f"{path} must not be published: {REFUSED_NAMES[name]}")
        if name.endswith(UNFINISHED_SUFFIXES):
            problems.append(f"{path} looks like a file that was still being written: build the folder again")
    return problems


def metric_problems(files: Mapping[str, LocalFile], repo_id: str) -> list[str]:
    """`evaluate.load("org/name")` asks the Space for `name.py`."""
    script = f"{repo_id.split('/')[1]}.py"
    modules = [
        path
        for path, file in files.items()
        if path.endswith(".py") and b"evaluate.Metric" in file.location.read_bytes()
    ]
    if modules and script not in files:
        return [f"{', '.join(modules)} defines a metric, but evaluate.load({repo_id!r}) looks for {script}"]
    return []
