# SPDX-License-Identifier: Apache-2.0
"""Loading a source's splits, from the Hub or from a local folder, and checking what their columns hold."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sycophancy.claims import reviews
from sycophancy.claims.tasks import EMBEDDED, Source
from sycophancy.hub import resolve_commit

DATA_SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")


def load_splits(source: Source, source_data: str | None, source_config: str | None) -> tuple[dict, str, object]:
    """The labelled splits of a source.

    Args:
        source: its description.
        source_data: a Hub id or a local folder with the source's own columns, in place of the pinned Hub dataset.
        source_config: configuration of the dataset `source_data`.

    Returns:
        Published split -> `datasets.Dataset`; where the rows came from, in words; and an object that has to live as
        long as the rows are read, since their files go with it.

    Raises:
        ValueError: there is no such folder, nothing can be read from it, it has none of the splits, or a column is
            missing or holds something else than text or integer labels.
    """
    scratch = None
    if source_data is None:
        loaded, read_from = _load_described(source)
    elif Path(source_data).is_dir():
        # A cache of its own: for a folder with a card the library's shared cache does not notice changed files.
        scratch = tempfile.TemporaryDirectory(prefix="syco-source-")
        loaded = _load_folder(source, Path(source_data), source_config, scratch.name)
        _give_memory_back()
        read_from = f"the local folder `{Path(source_data).resolve().name}`"
    elif re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", source_data) and not Path(source_data).exists():
        commit = resolve_commit(source_data, "dataset")
        loaded, read_from = _load_hub(source_data, source_config, commit), f"`{source_data}` at `{commit}`"
    else:
        raise ValueError(f"expected a local folder or a Hub id as source data, got {source_data}, which is neither")
    splits = {}
    for split, called in source.splits.items():
        found = loaded.get(called, loaded.get(split))
        if found is not None and len(found):
            splits[split] = found
    if not splits:
        got = ", ".join(f"{split} ({len(rows)} rows)" for split, rows in loaded.items())
        raise ValueError(f"expected rows in a split {', '.join(source.splits)} of {read_from}, got {got or 'no split'}")
    for split, rows in splits.items():
        check_columns(source, split, rows, read_from)
    return splits, read_from, scratch


def _load_described(source: Source) -> tuple[dict, str]:
    """What the table says, and where that is."""
    from datasets import Dataset

    if source.hub_id == EMBEDDED:
        splits: dict[str, list[dict]] = {}
        for split, row in reviews.sentences(mixed=source.config == reviews.MIXED):
            splits.setdefault(split, []).append(row)
        rows = {split: Dataset.from_list(rows) for split, rows in splits.items()}
        return rows, f"the embedded grammar, version {source.revision}"
    commit = resolve_commit(source.hub_id, "dataset", source.revision)
    at = f"`{commit}`" + ("" if source.revision else ", its latest then (not pinned)")
    read_from = f"[`{source.hub_id}`](https://huggingface.co/datasets/{source.hub_id}) at {at}"
    if not source.label_files:
        return _load_hub(source.hub_id, source.config, commit), read_from
    from huggingface_hub import hf_hub_download

    files = {
        split: hf_hub_download(source.hub_id, file, repo_type="dataset", revision=commit)
        for split, file in source.label_files.items()
    }
    rows = {split: Dataset.from_list(list(label_file_rows(source, Path(file)))) for split, file in files.items()}
    return rows, read_from


def _load_hub(hub_id: str, config: str | None, revision: str | None) -> dict:
    from datasets import load_dataset

    try:
        return load_dataset(hub_id, config, revision=revision)
    except RuntimeError as error:  # "Dataset scripts are no longer supported, but found ..."
        raise ValueError(
            f"expected a dataset that can be loaded as {hub_id}, got: {error}; pass --source_data"
        ) from error


def _load_folder(source: Source, folder: Path, config: str | None, cache: str) -> dict:
    from datasets import Dataset, DatasetDict, load_dataset
    from datasets.exceptions import DatasetGenerationError

    if source.label_files and all((folder / file).is_file() for file in source.label_files.values()):
        return {
            split: Dataset.from_list(list(label_file_rows(source, folder / file)))
            for split, file in source.label_files.items()
        }
    if (folder / "dataset_dict.json").is_file():
        return DatasetDict.load_from_disk(str(folder))
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in DATA_SUFFIXES]
    if not files:
        raise ValueError(f"expected data files ({', '.join(DATA_SUFFIXES)}) in the folder {folder}, got none")
    if empty := [path.name for path in files if not path.stat().st_size]:
        raise ValueError(f"expected rows in every data file of {folder}, got the empty {', '.join(empty)}; remove it")
    try:
        return load_dataset(str(folder), config, cache_dir=cache)
    except (DatasetGenerationError, ValueError) as error:
        reason = error.__cause__ or error
        raise ValueError(
            f"expected readable rows with the same columns in every file of {folder}, got: {reason}"
        ) from error


def load_own(source_data: str, config: str | None = None) -> tuple[dict, str]:
    """Splits of somebody's own dataset, a local folder or a Hub id, and where they came from, for the card.

    A folder is read into memory through a cache of its own: for a folder with a card the library's shared cache does not
    notice changed files.
    """
    from datasets import get_dataset_config_names, load_dataset

    commit = resolve_commit(source_data, "dataset")
    # A copy of a task with several configurations has the same ones; other datasets have none of that name.
    if config is not None and config not in get_dataset_config_names(source_data, revision=commit):
        config = None
    if commit:
        return _load_hub(source_data, config, commit), f"`{source_data}` at `{commit}`"
    with tempfile.TemporaryDirectory(prefix="syco-source-") as cache:
        loaded = load_dataset(source_data, config, cache_dir=cache, keep_in_memory=True)
    return loaded, f"the local folder `{Path(source_data).name}`"


def _give_memory_back() -> None:
    """Arrow keeps what it needed to read the files, as much as the files are long."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def label_file_rows(source: Source, file: Path) -> Iterator[dict]:
    """The rows of a label file of TREC: `DESC:manner How did serfdom develop ?`, one question a line.

    Bytes 0xF0 in it stand for spaces.

    Raises:
        ValueError: a line begins with no known label.
    """
    names = list(source.labels)
    for number, line in enumerate(file.read_bytes().replace(b"\xf0", b" ").decode().splitlines(), start=1):
        fine, _, text = line.strip().partition(" ")
        coarse = fine.partition(":")[0]
        if coarse not in names:
            raise ValueError(f"expected a label among {', '.join(names)} in line {number} of {file}, got {fine!r}")
        yield {source.text_columns[0]: text, source.label_column: names.index(coarse)}


def check_columns(source: Source, split: str, rows, read_from: str) -> None:
    """Raise `ValueError` unless the text columns hold strings and the label column integers of the known labels."""
    from datasets import ClassLabel

    wanted = (*source.text_columns, source.label_column)
    missing = [column for column in wanted if column not in rows.column_names]
    if missing:
        raise ValueError(
            f"expected the columns {', '.join(wanted)} in {read_from} ({split}), got {', '.join(rows.column_names)}; "
            f"{', '.join(missing)} is missing"
        )
    for column in source.text_columns:
        feature = rows.features[column]
        if getattr(feature, "dtype", None) not in ("string", "large_string"):
            raise ValueError(f"expected text in the column {column} of {read_from} ({split}), got {feature}")
    label, known = rows.features[source.label_column], list(source.labels)
    if isinstance(label, ClassLabel):
        # Labels known by their number alone ("0", "1", ...) have nothing to be compared but how many there are.
        numbered = known == [str(number) for number in range(len(known))] and len(label.names) == len(known)
        if label.names != known and not numbered:
            raise ValueError(
                f"expected the labels {', '.join(known)} in this order in the column {source.label_column} of "
                f"{read_from} ({split}), got {', '.join(label.names)}; with another order every claim would be wrong"
            )
    elif not str(getattr(label, "dtype", label)).startswith(("int", "uint")):
        numbers = ", ".join(f"{number} for {name!r}" for number, name in enumerate(source.label_names))
        raise ValueError(
            f"expected integer labels in the column {source.label_column} of {read_from} ({split}), got {label}; "
            f"write {numbers}"
        )
