# SPDX-License-Identifier: Apache-2.0
"""The rows that a run tunes on: the train split of the dataset that is measured, or those of other datasets.

Tuned on some tasks and measured on another, a mitigation shows whether it carries over: leave one task out. No text that
is measured is tuned on, in whatever dataset it stands: the sentences of SST-2 are among those of Rotten Tomatoes.
"""

from typing import NamedTuple

import numpy as np
from datasets import Dataset, concatenate_datasets

from sycophancy.claims.sources import text_keys
from sycophancy.dataset.exclusion import keys_of_dataset
from sycophancy.dataset.reading import fingerprint_claims, load_claims
from sycophancy.records import relative
from sycophancy.tuning.supervised import select_by_item


class TrainingRows(NamedTuple):
    """What a run tunes on.

    Attributes:
        tune: rows to tune on.
        selection: rows to select a checkpoint on.
        datasets: what they were read from, for the record; `None` where that is the dataset that is measured.
    """

    tune: Dataset
    selection: Dataset
    datasets: list[dict] | None


def training_rows(args, seed: int) -> TrainingRows:
    """Read the train rows, cut off those to select on by source item, and draw at most `max_train_rows` of the others.

    With several datasets that is done for each, so that a bound makes a large one as heavy as a small one in what is tuned
    on; the rows stand one dataset after another.

    Args:
        args: `TuneArguments` with `train_dataset_names` and `train_dataset_revisions`.
        seed: of all draws.

    Raises:
        ValueError: a dataset cannot be read, or none of its rows may be tuned on.
    """
    if args.train_dataset_names is None:
        rows = load_claims(args.dataset_name, "train", args.dataset_revision)
        return TrainingRows(*tuning_parts(rows, args, seed), None)
    measured = keys_of_dataset(args.dataset_name, args.dataset_revision)
    parts, records = [], []
    for name, revision in zip(args.train_dataset_names, args.train_dataset_revisions, strict=True):
        rows = load_claims(name, "train", revision)
        kept = _unmeasured(rows, measured)
        if not len(kept):
            raise ValueError(
                f"expected train rows in {name} whose texts are not measured in {args.dataset_name}, got none of "
                f"{len(rows)}; tune on another dataset"
            )
        tune, selection = tuning_parts(kept, args, seed)
        parts.append((tune, selection))
        records.append(
            {
                "name": relative(name),
                "revision": revision,
                "fingerprint": fingerprint_claims(name, "train", revision),
                "rows": len(tune),
                "selection_rows": len(selection),
                "left_out": len(rows) - len(kept),
            }
        )
    return TrainingRows(*map(concatenate_datasets, zip(*parts, strict=True)), records)


def tuning_parts(rows: Dataset, args, seed: int) -> tuple[Dataset, Dataset]:
    """Rows to tune on and rows to select on, cut by source item (`selection_fraction`, `max_train_rows` of the arguments)."""
    tune, selection = select_by_item(rows, args.selection_fraction, seed)
    return take_rows(tune, args.max_train_rows, seed), selection


def take_rows(rows: Dataset, limit: int | None, seed: int) -> Dataset:
    """At most `limit` rows, drawn by the seed."""
    return rows.shuffle(seed=seed).select(range(min(limit, len(rows)))) if limit else rows


def _unmeasured(rows: Dataset, measured: np.ndarray) -> Dataset:
    """The rows whose text has none of these keys."""
    return rows.select(np.flatnonzero(~np.isin(text_keys(rows["source_text"]), measured)))
