# SPDX-License-Identifier: Apache-2.0
"""Which commit of a Hub repository a name stands for, asked once and within seconds, or a clear reason why not.

Whatever is loaded from the Hub is loaded at the commit found here, so that a record names what was really read. It is
also the only place that waits for a Hub which is not there: the loaders of the libraries try again for 23 to 46 s
(datasets 5.2, transformers 5.23) before they say so.
"""

import re
from functools import cache
from pathlib import Path

REACH_SECONDS = 10.0
"""The question is small; a Hub that has not answered by then is not there."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
FULL_COMMIT = re.compile(r"[0-9a-f]{40}")


def resolve_commit(name: str, repo_type: str, revision: str | None = None) -> str | None:
    """The commit that `revision` (default: `main`) of a Hub repository names now; `None` for a local folder.

    Asked once in a process, so that everything in it reads the same commit even if somebody publishes meanwhile.
    Without a network, that is with `HF_HUB_OFFLINE=1`, the commit that lies in the cache.

    Args:
        name: a local folder or a Hub id.
        repo_type: `model` (an adapter too) or `dataset`.
        revision: branch, tag or commit; has no meaning for a folder.

    Raises:
        ValueError: `name` is neither, the Hub has no such repository or revision, cannot be reached within
            `REACH_SECONDS`, or is not to be asked and the cache has nothing.
    """
    if Path(name).is_dir():
        return None
    if not HUB_ID.fullmatch(str(name)):
        raise ValueError(f"expected a local folder or a Hub id as {repo_type}, got {name}, which is neither")
    return _ask(str(name), repo_type, revision)


@cache
def _ask(name: str, repo_type: str, revision: str | None) -> str:
    from huggingface_hub import constants

    return _cached(name, repo_type, revision) if constants.is_offline_mode() else _from_hub(name, repo_type, revision)


def _from_hub(name: str, repo_type: str, revision: str | None) -> str:
    from httpx2 import TransportError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    api = HfApi()
    try:
        return api.repo_info(name, repo_type=repo_type, revision=revision, timeout=REACH_SECONDS).sha
    except RevisionNotFoundError as error:
        raise ValueError(f"expected a revision of the {repo_type} {name}, got {revision}: there is none") from error
    except RepositoryNotFoundError as error:
        raise ValueError(
            f"expected a {repo_type}, got {name}: there is no such folder here, and on {api.endpoint} none that you may "
            "read; check the name, or run `hf auth login`"
        ) from error
    except HfHubHTTPError as error:
        raise ValueError(f"{api.endpoint} does not give the {repo_type} {name}: {error}; try again later") from error
    except TransportError as error:
        raise ValueError(
            f"{api.endpoint} cannot be reached for the {repo_type} {name} ({type(error).__name__}: {error}); check the "
            "network and HF_ENDPOINT, set HF_HUB_OFFLINE=1 to use what is in the cache, or name a local folder"
        ) from error


def _cached(name: str, repo_type: str, revision: str | None) -> str:
    commits = _cached_datasets(name) if repo_type == "dataset" else _cached_models(name, revision)
    if revision in commits:
        return revision
    if not commits or (revision and FULL_COMMIT.fullmatch(revision)):
        at = f" at {revision}" if revision else ""
        raise ValueError(
            f"expected the {repo_type} {name}{at} in the cache, since HF_HUB_OFFLINE is set, got none; load it once with "
            "a network, leave out HF_HUB_OFFLINE, or name a local folder"
        )
    if len(commits) > 1 or (repo_type == "dataset" and revision):
        raise ValueError(
            f"expected to know which commit of the {repo_type} {name} is meant, since HF_HUB_OFFLINE is set, got "
            f"{', '.join(sorted(commits))} in the cache; give one of them as revision"
        )
    return commits[0]


def _cached_models(name: str, revision: str | None) -> list[str]:
    """What `revision` names in the hub cache; every commit there where the cache does not know it."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    reference = folder / "refs" / (revision or "main")
    if reference.is_file():
        return [reference.read_text(encoding="utf-8").strip()]
    commits = [path.name for path in folder.glob("snapshots/*")]
    return commits if revision is None or revision in commits else []


def _cached_datasets(name: str) -> list[str]:
    """The commits of a dataset whose rows lie in the cache of `datasets`, newest last."""
    from datasets import config
    from datasets.naming import camelcase_to_snakecase

    *org, last = name.split("/")
    folder = "___".join([*org, camelcase_to_snakecase(last)])
    found = Path(config.HF_DATASETS_CACHE).glob(f"{folder}/*/*/*/dataset_info.json")
    return list(dict.fromkeys(path.parent.name for path in sorted(found, key=lambda path: path.stat().st_mtime)))
