# SPDX-License-Identifier: Apache-2.0
"""What a tuned folder, its base model and its dataset are called on the Hub, and naming them once they are there.

`tuning.json` says what was read (`model`, `dataset`) and under `hub` what others load in its place. The two are the same
where the run read from the Hub. What it read from a local folder gets its Hub id later, by `point_to_hub`, which first
looks whether weights and rows are the same.
"""

import json
from pathlib import Path

from sycophancy.answering.adapters import FINGERPRINT_FILE
from sycophancy.answering.models import load_model
from sycophancy.dataset.reading import fingerprint_claims
from sycophancy.files import write_json
from sycophancy.hub import resolve_commit
from sycophancy.records import TUNING
from sycophancy.tuning.card import name_on_hub, write_adapter_card

PARTS = ("model", "dataset")


def check_push(hub_model_id: str | None, model_commit: str | None, *dataset_commits: str | None) -> None:
    """Raise `ValueError` before a training whose result could not be published after it.

    Args:
        hub_model_id: what the result is to be published as.
        model_commit, dataset_commits: of what it is made from and measured on; `None` for a local folder.
    """
    from huggingface_hub import constants, get_token

    from sycophancy.publishing.checks import check_names

    if not hub_model_id:
        raise ValueError("expected --hub_model_id org/name with --push_to_hub, got none; name the repository")
    check_names(hub_model_id, "model")
    if None in (model_commit, *dataset_commits):
        raise ValueError(
            "expected a model and a dataset on the Hub with --push_to_hub, got a local folder, which nobody else has; "
            "publish it first and give its Hub id, or tune without --push_to_hub and see scripts/point_to_hub.py"
        )
    if constants.is_offline_mode():
        raise ValueError("expected a Hub with --push_to_hub, got HF_HUB_OFFLINE; leave one of them out")
    if get_token() is None:
        raise ValueError("expected an access token with --push_to_hub, got none; run `hf auth login` or set HF_TOKEN")


def names_on_hub(tuning: dict) -> dict:
    """`adapter` (Hub id or `None`), `model` and `dataset` (name and commit, or `None` for a local folder)."""
    # Trainer's sanitized dict has the text "None" where nothing was given.
    given = tuning["config"]["training"].get("hub_model_id")
    read = {part: {key: tuning[part][key] for key in ("name", "revision")} for part in PARTS}
    return {
        "adapter": None if given in (None, "None") else given,
        **{part: named if named["revision"] else None for part, named in read.items()},
    }


def point_to_hub(
    folder: Path,
    hub_model_id: str | None = None,
    base_model_id: str | None = None,
    base_model_revision: str | None = None,
    dataset_id: str | None = None,
    dataset_revision: str | None = None,
) -> dict:
    """Name what a tuned folder was made from by its Hub ids, and render its card again from its records.

    The base model and the dataset on the Hub must be what the run read: the same weights, the same rows.

    Args:
        folder: that a tuning script wrote.
        hub_model_id: what it is to be published as.
        base_model_id, base_model_revision: the base model on the Hub; default revision: `main`.
        dataset_id, dataset_revision: the dataset on the Hub; default revision: `main`.

    Returns:
        The names, as they stand in `tuning.json` under `hub`.

    Raises:
        ValueError: the folder is not whole, what is on the Hub is something else, or the Hub cannot be reached.
    """
    tuning, report = (read_record(folder, name) for name in (TUNING, "report.json"))
    hub = tuning.get("hub") or names_on_hub(tuning)
    if hub_model_id:
        hub["adapter"] = hub_model_id
    if base_model_id:
        hub["model"] = same_weights(tuning, base_model_id, base_model_revision)
    if dataset_id:
        hub["dataset"] = same_rows(tuning, dataset_id, dataset_revision)
    tuning["hub"] = hub
    write_adapter_card(folder, tuning, report)
    name, commit = name_on_hub(tuning, "model")
    if (folder / "adapter_config.json").is_file():
        config = read_record(folder, "adapter_config.json")
        named = config | {"base_model_name_or_path": name, "revision": commit}
        if config.get("tokenizer_name_or_path") is not None:
            named["tokenizer_name_or_path"] = name
        if named != config:
            write_json(folder / "adapter_config.json", named)
        noted = read_record(folder, FINGERPRINT_FILE)
        write_json(folder / FINGERPRINT_FILE, noted | {"name": name, "revision": commit})
    # Last: publishing goes by it.
    write_json(folder / TUNING, tuning)
    return hub


def read_record(folder: Path, name: str) -> dict:
    """One JSON record of a tuned folder. Raises ValueError where it is missing."""
    if not (folder / name).is_file():
        raise ValueError(f"expected a folder of scripts/prompt_tune.py, got {folder} without {name}; tune again")
    return json.loads((folder / name).read_text(encoding="utf-8"))


def same_weights(tuning: dict, base_model_id: str, revision: str | None) -> dict:
    """Name and commit of a base model on the Hub. Raises ValueError unless its weights are those that were tuned on."""
    commit = on_hub(base_model_id, "model", revision)
    config = tuning["config"]
    loaded = load_model(base_model_id, commit, config.get("dtype") or "float32", gguf_file=config.get("gguf_file"))
    found = loaded.record["fingerprint"]
    if found != tuning["model"]["fingerprint"]:
        raise ValueError(
            f"expected in {base_model_id} the weights that were tuned on ({tuning['model']['name']}, "
            f"{tuning['model']['fingerprint']}), got {found}; publish that model, or tune on this one"
        )
    return {"name": base_model_id, "revision": commit}


def same_rows(tuning: dict, dataset_id: str, revision: str | None) -> dict:
    """Name and commit of a dataset on the Hub. Raises ValueError unless its files are those of the run's splits."""
    from huggingface_hub import snapshot_download

    commit = on_hub(dataset_id, "dataset", revision)
    if tuning["dataset"]["revision"] is not None:
        raise ValueError(
            f"expected a run on a local dataset, got one on {tuning['dataset']['name']} at "
            f"{tuning['dataset']['revision']}, which the card names already; leave --dataset_id out"
        )
    there = snapshot_download(dataset_id, repo_type="dataset", revision=commit, allow_patterns="*.parquet")
    splits = {tuning["dataset"]["split"]: tuning["dataset"]["fingerprint"]}
    if "train_datasets" not in tuning:
        splits["train"] = tuning["train_fingerprint"]
    for name, wanted in splits.items():
        found = fingerprint_claims(there, name)
        if found != wanted:
            raise ValueError(
                f"expected in {dataset_id} the {name} split of the run ({tuning['dataset']['name']}, {wanted}), got "
                f"{found}; publish that dataset, or name the revision that has it"
            )
    return {"name": dataset_id, "revision": commit}


def on_hub(name: str, repo_type: str, revision: str | None) -> str:
    """The commit of a Hub id. Raises ValueError for a local folder, which would be loaded in its place."""
    commit = resolve_commit(name, repo_type, revision)
    if commit is None:
        raise ValueError(
            f"expected the {repo_type} {name} on the Hub, got a local folder; run this from another folder"
        )
    return commit
