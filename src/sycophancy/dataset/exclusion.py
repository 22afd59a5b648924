# SPDX-License-Identifier: Apache-2.0
"""The texts that are measured elsewhere and therefore must not be trained on here."""

from pathlib import Path

import numpy as np

from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.claims.sources import read_source, text_keys
from sycophancy.claims.tasks import SOURCES
from sycophancy.dataset.reading import claim_splits, load_claims
from sycophancy.hub import resolve_commit


def measured_keys(other: str) -> tuple[str, np.ndarray]:
    """The name of another dataset, for the card, and the `text_key`s of its measurement splits, shape (n,).

    Args:
        other: a folder that a builder wrote or the Hub id of one; a source task (`rotten_tomatoes`), read from the
            Hub; or `rotten_tomatoes=FOLDER`, the task's own columns in a local folder.

    Raises:
        ValueError: it is none of these, or has no measurement split.
    """
    task, _, data = other.partition("=")
    if task in SOURCES and not Path(other).is_dir():
        name = task
        items = read_source(task, SOURCES[task], data or None).items
        texts = [item.text for split in MEASUREMENT_SPLITS for item in items.get(split, ())]
    elif Path(other).is_dir() or "/" in other:
        commit = resolve_commit(other, "dataset")
        name = f"{other} at {commit}" if commit else Path(other).resolve().name
        texts = _measured_texts(other, commit)
    else:
        raise ValueError(
            f"--exclude: expected a dataset folder, a Hub id, a source task or TASK=FOLDER, got {other!r}, which is "
            "none of them"
        )
    if not texts:
        raise ValueError(f"--exclude: expected rows in a split {' or '.join(MEASUREMENT_SPLITS)} of {other}, got none")
    return name, np.unique(text_keys(texts))


def keys_of_dataset(dataset_name: str, revision: str | None = None) -> np.ndarray:
    """The `text_key`s of the measurement splits of a claim dataset, a folder or a Hub id, shape (n,)."""
    return np.unique(text_keys(_measured_texts(dataset_name, revision)))


def _measured_texts(dataset_name: str, revision: str | None) -> list[str]:
    splits = [split for split in claim_splits(dataset_name, revision) if split in MEASUREMENT_SPLITS]
    return [text for split in splits for text in set(load_claims(dataset_name, split, revision)["source_text"])]
