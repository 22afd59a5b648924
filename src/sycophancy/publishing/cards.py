# SPDX-License-Identifier: Apache-2.0
"""Is a card finished? Its YAML can be read, nothing is left to fill in, a model's card carries results."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLACEHOLDERS = {
    "[More Information Needed]": re.compile(r"\[More Information Needed\]", re.IGNORECASE),
    "TODO": re.compile(r"\bTODO\b"),
    "TBD": re.compile(r"\bTBD\b"),
    "FIXME": re.compile(r"\bFIXME\b"),
    "XXX": re.compile(r"\bXXX+\b"),
    "lorem ipsum": re.compile(r"\blorem ipsum\b", re.IGNORECASE),
    "an unfilled template field": re.compile(r"\{\{ [^{}]* \}\}|\{%"),
    "an instruction of the card template": re.compile(r"<!--\s*Provide\b"),
}
"""What an unfinished card still contains: the Hub's own template, and what people write in its place."""


def card_metadata(readme: str) -> dict[str, Any]:
    """The YAML at the head of a card. Raises ValueError, saying what is wrong, where there is none."""
    import yaml

    match = re.match(r"---\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", readme, re.DOTALL)
    if match is None:
        raise ValueError("README.md does not begin with YAML between two lines of ---")
    try:
        metadata = yaml.safe_load(match.group(1))
    except yaml.YAMLError as error:
        raise ValueError(f"the YAML of README.md cannot be read: {error}") from error
    if not isinstance(metadata, dict):
        raise ValueError("the YAML of README.md is not a mapping of keys to values")
    return metadata


def card_problems(root: Path, repo_type: str) -> list[str]:
    """What keeps the card of the folder `root` from being published; [] if it is finished."""
    readme = root / "README.md"
    if not readme.is_file():
        return ["there is no README.md: a published folder needs its card"]
    try:
        text = readme.read_text(encoding="utf-8")
        metadata = card_metadata(text)
    except UnicodeDecodeError:
        return ["README.md is not UTF-8"]
    except ValueError as error:
        return [str(error)]
    found = [name for name, pattern in PLACEHOLDERS.items() if pattern.search(text)]
    problems = [f"README.md still contains {name}: fill it in or take it out" for name in found]
    measured = has_model_index(metadata) or has_eval_results(root)
    if repo_type == "model" and not measured and not is_organism(root, metadata):
        problems.append("README.md carries no results: expected a number in model-index, or in .eval_results/*.yaml")
    if repo_type == "space" and not metadata.get("sdk"):
        problems.append("the YAML of README.md has no sdk: a Space needs one, for example `sdk: gradio`")
    return problems


def is_organism(root: Path, metadata: dict[str, Any]) -> bool:
    """Whether a model is one that is made to be measured: tagged so, with the record of how it was made.

    Its card says what it is and what it is not; results on it would say nothing about any model that people use.
    """
    tags = metadata.get("tags")
    return isinstance(tags, list) and "model-organism" in tags and (root / "organism.json").is_file()


def is_number(value: Any) -> bool:
    """Whether a value from YAML is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def has_model_index(metadata: dict[str, Any]) -> bool:
    """Whether `model-index` holds at least one metric, and every one of its metrics is a finite number."""
    try:
        values = [
            metric["value"]
            for entry in metadata["model-index"]
            for result in entry["results"]
            for metric in result["metrics"]
        ]
    except (KeyError, TypeError):
        return False
    return bool(values) and all(is_number(value) for value in values)


def has_eval_results(root: Path) -> bool:
    """Whether `.eval_results/*.yaml` hold at least one entry, and every entry has a finite number."""
    import yaml

    entries: list[Any] = []
    for path in sorted((root / ".eval_results").glob("*.yaml")):
        entries += yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return bool(entries) and all(isinstance(one, dict) and is_number(one.get("value")) for one in entries)


def render_eval_results(dataset: str, revision: str, values: Mapping[str, float], notes: str) -> str:
    """The text of a file in `.eval_results/`, one entry for each key.

    Args:
        dataset: Hub id of the rows.
        revision: their commit.
        values: key -> number, written with four decimals.
        notes: how they came about.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = [
        EvalResultEntry(dataset_id=dataset, task_id=key, value=round(value, 4), dataset_revision=revision, notes=notes)
        for key, value in values.items()
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False)
