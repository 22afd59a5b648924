# SPDX-License-Identifier: Apache-2.0
"""The check of a card's YAML that the Hub makes before it accepts a README.md."""

import re
from typing import Any

import yaml

SPACE_SDKS = ("gradio", "docker", "static", "streamlit")


def front_matter(content: str) -> str | None:
    match = re.match(r"\s*---\r?\n(.*?)\r?\n---\s*(\r?\n|$)", content, re.DOTALL)
    return match.group(1) if match else None


def metadata(content: str) -> dict[str, Any]:
    """The YAML of a card that has been validated; {} where there is none."""
    return yaml.safe_load(front_matter(content) or "") or {}


def validate(content: str, repo_type: str) -> tuple[list[str], list[str]]:
    """Errors and warnings about a card's YAML."""
    block = front_matter(content)
    if block is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(block)
    except yaml.YAMLError as error:
        return [f"YAML: {' '.join(str(error).split())}"], []
    if not isinstance(data, dict):
        return ["the YAML metadata must be a mapping"], []
    errors = []
    if repo_type == "dataset":
        errors += configs_errors(data.get("configs"))
    if repo_type == "space" and data.get("sdk") not in SPACE_SDKS:
        errors.append(f'"sdk" must be one of [{", ".join(SPACE_SDKS)}]')
    if repo_type == "model":
        errors += model_index_errors(data.get("model-index"))
    return errors, []


def configs_errors(configs: Any) -> list[str]:
    if configs is None:
        return []
    if not isinstance(configs, list):
        return ['"configs" must be an array']
    return [f'"configs[{i}].config_name" is required' for i, c in enumerate(configs) if "config_name" not in c]


def model_index_errors(index: Any) -> list[str]:
    if index is None:
        return []
    if not isinstance(index, list):
        return ['"model-index" must be an array']
    errors = []
    for i, entry in enumerate(index):
        if not entry.get("name"):
            errors.append(f'"model-index[{i}].name" is required')
        for j, result in enumerate(entry.get("results") or []):
            for key in ("task", "dataset", "metrics"):
                if not result.get(key):
                    errors.append(f'"model-index[{i}].results[{j}].{key}" is required')
    return errors
