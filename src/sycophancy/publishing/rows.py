# SPDX-License-Identifier: Apache-2.0
"""The rows of a dataset folder, loaded the way its readers load them, and how two sets of rows differ."""

import json
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sycophancy.publishing.secrets import secrets_in
from sycophancy.publishing.tree import LocalFile

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

NAMED_IDS = 3
"""How many row ids a difference names as examples."""


def load_rows(folder: str | Path) -> dict[str, "DatasetDict"]:
    """Load every configuration of a dataset folder with `load_dataset`: configuration -> splits.

    The rows are held in memory. A cache of its own is used and thrown away, because the usual one does not
    notice when the Parquet files of a folder change (datasets 5.2 keys it by the patterns in the card).
    """
    from datasets import get_dataset_config_names, load_dataset

    with tempfile.TemporaryDirectory() as cache, quietly():
        return {
            config: load_dataset(str(folder), config, cache_dir=cache, keep_in_memory=True)
            for config in get_dataset_config_names(str(folder))
        }


@contextmanager
def quietly() -> Iterator[None]:
    """No progress bars for the short loads of a check, and no log of what its own message says."""
    import datasets

    bars, verbosity = datasets.is_progress_bar_enabled(), datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


def row_problems(root: Path, files: Mapping[str, LocalFile], token: str | None) -> list[str]:
    """What is wrong with the rows of the dataset folder `root`; [] if it loads and every split has rows."""
    import pyarrow.parquet

    parquet = [path for path in files if path.endswith(".parquet")]
    if not parquet:
        return ["there is no Parquet file: a published dataset needs its rows"]
    try:
        # load_dataset fails on an empty file, but does not say which or why.
        if empty := [path for path in parquet if pyarrow.parquet.read_metadata(root / path).num_rows == 0]:
            return [f"{path} has no rows" for path in empty]
        rows = load_rows(root)
        unread = set(parquet) - loaded_files(root)
    except Exception as error:  # `datasets` has no common base for the many ways in which loading fails.
        reason = error.__cause__ or error
        text = " ".join(str(reason).split())[:300]
        return [f"load_dataset cannot load it: {type(reason).__name__}: {text}"]
    problems = [f"{path} belongs to no split of the card's configs" for path in sorted(unread)]
    for name, split in each_split(rows):
        problems += [f"{name}, column {col}, contains {what}" for col, what in secrets_in(split, token)]
    return problems


def loaded_files(root: Path) -> set[str]:
    """The files of the folder that some split of some configuration reads."""
    from datasets import get_dataset_config_names, load_dataset_builder

    with tempfile.TemporaryDirectory() as cache:
        builders = [
            load_dataset_builder(str(root), config, cache_dir=cache) for config in get_dataset_config_names(str(root))
        ]
    paths = [path for builder in builders for split in builder.config.data_files.values() for path in split]
    return {Path(path).resolve().relative_to(root).as_posix() for path in paths}


def each_split(rows: "Mapping[str, DatasetDict]") -> Iterator[tuple[str, "Dataset"]]:
    """`configuration/split` and rows, for each."""
    for config, splits in rows.items():
        for split, dataset in splits.items():
            yield f"{config}/{split}", dataset


def row_differences(old: "Mapping[str, DatasetDict]", new: "Mapping[str, DatasetDict]") -> list[str]:
    """How the rows `new` differ from the rows `old`, one line per difference; [] if readers get the same."""
    before, after = dict(each_split(old)), dict(each_split(new))
    lines = [f"- split {name}: {before[name].num_rows} rows" for name in before if name not in after]
    lines += [f"+ split {name}: {after[name].num_rows} rows" for name in after if name not in before]
    for name in after:
        if name in before:
            lines += [f"{name}: {line}" for line in split_differences(before[name], after[name])]
    return lines


def split_differences(old: "Dataset", new: "Dataset") -> list[str]:
    """How one split differs: columns, then rows (by `id` where both have unique ones)."""
    if old.features == new.features and old.data.table.equals(new.data.table):
        return []
    lines = []
    for column in [*old.column_names, *(name for name in new.column_names if name not in old.column_names)]:
        was, now = (str(features.get(column, "")) for features in (old.features, new.features))
        if was != now:
            lines.append(f"column {column}: {was or 'absent'} -> {now or 'absent'}")
    shared = [column for column in new.column_names if column in old.column_names]
    old_rows, new_rows = keyed_rows(old, shared), keyed_rows(new, shared)
    added = [key for key in new_rows if key not in old_rows]
    removed = [key for key in old_rows if key not in new_rows]
    changed = [key for key in new_rows if key in old_rows and new_rows[key] != old_rows[key]]
    for what, keys in (("added", added), ("removed", removed), ("changed", changed)):
        if keys:
            examples = ", ".join(keys[:NAMED_IDS]) + (", ..." if len(keys) > NAMED_IDS else "")
            lines.append(f"{len(keys)} rows {what} ({examples})")
    if not lines:
        lines.append("the same rows in another order")
    return lines


def keyed_rows(split: "Dataset", columns: list[str]) -> dict[str, str]:
    """A name for each row -> the row as text. The name is its `id`, or its content and its count so far."""
    plain = split.data.table.select(columns).to_pylist()
    rows = [json.dumps(row, sort_keys=True, default=str) for row in plain]
    if "id" in columns:
        ids = [str(value) for value in split.data.column("id").to_pylist()]
        if len(set(ids)) == len(ids):
            return dict(zip(ids, rows, strict=True))
    seen: Counter[str] = Counter()
    named = {}
    for row in rows:
        seen[row] += 1
        named[f"{row} #{seen[row]}"] = row
    return named
