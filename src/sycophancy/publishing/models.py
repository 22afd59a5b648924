# SPDX-License-Identifier: Apache-2.0
"""Is a model or adapter folder whole, and does it name only what others can load?"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from sycophancy.publishing.tree import LocalFile
from sycophancy.records import TUNING


def model_problems(root: Path, files: Mapping[str, LocalFile], repo_id: str) -> list[str]:
    """A model folder has its configuration and whole weights; an adapter names a base on the Hub."""
    problems = checkpoint_problems(files)
    if TUNING in files:
        problems += tuned_problems(root, repo_id)
    weights = [path for path in files if path.endswith(".safetensors")]
    for path in weights:
        if not is_safetensors(files[path]):
            problems.append(f"{path} is not a whole safetensors file: save the weights again")
    if "adapter_config.json" in files:
        if "adapter_model.safetensors" not in files:
            problems.append("there is no adapter_model.safetensors beside adapter_config.json")
        # A tuned folder's own record says more: a path such as out/organism looks like a Hub id.
        return problems if TUNING in files else problems + base_problems(root)
    if "config.json" not in files:
        problems.append("there is neither adapter_config.json nor config.json: this is no model")
    if not weights:
        problems.append("there are no weights: expected *.safetensors")
    return problems


def is_safetensors(file: LocalFile) -> bool:
    """Whether a file is as long as its header says: 8 bytes with the header's length, header, tensors."""
    with file.location.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 2 <= length <= file.size - 8:
            return False
        try:
            header = json.loads(opened.read(length))
        except ValueError:
            return False
    header.pop("__metadata__", None)
    end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    return file.size == 8 + length + end


def base_problems(root: Path) -> list[str]:
    """An adapter is of use only with a base that others can load: a Hub id, not a path of this machine."""
    try:
        config = json.loads((root / "adapter_config.json").read_text(encoding="utf-8"))
    except ValueError:
        return ["adapter_config.json is not JSON"]
    base = config.get("base_model_name_or_path")
    if not base or not re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", base):
        return [f"adapter_config.json names the base model {base!r}: expected its id on the Hub, not a path"]
    return []


def checkpoint_problems(files: Mapping[str, LocalFile]) -> list[str]:
    """Checkpoints of a trainer: optimizer states, and a run that is not finished."""
    found = {
        part for path in files for part in path.split("/")[:-1] if re.fullmatch(r"checkpoints|checkpoint-\d+", part)
    }
    return [f"{name}/ holds checkpoints of training: finish the run, or take them out" for name in sorted(found)[:1]]


def tuned_problems(root: Path, repo_id: str) -> list[str]:
    """A tuned folder names base and dataset by Hub id and commit, and itself by the id that it is published as."""
    try:
        tuning = json.loads((root / TUNING).read_text(encoding="utf-8"))
        hub = tuning.get("hub") or {}
        read = {part: tuning[part]["name"] for part in ("model", "dataset")}
        config = root / "adapter_config.json"
        base = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else None
    except (ValueError, KeyError, AttributeError, TypeError):
        return [f"{TUNING} is not the record of a tuning run"]
    local = [part for part in read if not (hub.get(part) or {}).get("revision")]
    if not local and hub.get("adapter") == repo_id:
        wanted = [hub["model"]["name"], hub["model"]["revision"]]
        found = [base.get("base_model_name_or_path"), base.get("revision")] if base else wanted
        if found == wanted:
            return []
        return [
            f"adapter_config.json names the base model {found[0]} at {found[1]}, {TUNING} {wanted[0]} at {wanted[1]}: run "
            "`python scripts/point_to_hub.py FOLDER`"
        ]
    flags = {"model": "--base_model_id ORG/NAME", "dataset": "--dataset_id ORG/NAME"}
    command = " ".join(
        [f"python scripts/point_to_hub.py FOLDER --hub_model_id {repo_id}", *(flags[part] for part in local)]
    )
    if local:
        names = " and the ".join(f"{part} {read[part]}" for part in local)
        return [f"the card names the {names}, which only this machine has: publish them first, then run `{command}`"]
    return [f"the card loads {hub.get('adapter') or 'the local folder'}, not {repo_id}: run `{command}`"]
