# SPDX-License-Identifier: Apache-2.0
"""Loading a source's splits, from the Hub or from a local folder, and checking what their columns hold."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from sycophancy.claims import reviews
from sycophancy.claims.labels import number_labels
from sycophancy.claims.own_files import DataFile, Number, OwnRows, own_files, rows_of
from sycophancy.claims.tasks import EMBEDDED, Source
from sycophancy.hub import resolve_commit

BATCH = 4096


def load_splits(
    source: Source, source_data: str | None, source_config: str | None, encoding: str | None = None
) -> tuple[dict, str, object]:
    """The labelled splits of a source, labels as integers or `None`.

    Args:
        source: its description.
        source_data: a Hub id, or a local file or folder with the source's own columns, in place of the pinned Hub dataset.
        source_config: configuration of the dataset `source_data`.
        encoding: of local files with text (`own_files.read_own_files`).

    Returns:
        Published split -> `datasets.Dataset`; where the rows came from, in words; and an object that has to live as
        long as the rows are read, since their files go with it.

    Raises:
        ValueError: there is no such folder, nothing can be read from it, it has none of the splits, or a column is
            missing or holds something else than text or labels.
    """
    scratch = None
    if source_data is None:
        loaded, read_from = _load_described(source)
    elif Path(source_data).exists():
        # A cache of its own: for a folder with a card the library's shared cache does not notice changed files.
        scratch = tempfile.TemporaryDirectory(prefix="syco-source-")
        loaded = _load_local(source, Path(source_data), source_config, scratch.name, encoding)
        _give_memory_back()
        read_from = _called(Path(source_data))
    elif re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", source_data):
        commit = resolve_commit(source_data, "dataset")
        loaded, read_from = _load_hub(source_data, source_config, commit), f"`{source_data}` at `{commit}`"
    else:
        raise ValueError(
            f"expected a local file or folder or a Hub id as source data, got {source_data}, which is neither"
        )
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
    return number_labels(source, splits, read_from), read_from, scratch


def _called(path: Path) -> str:
    """A local place as the card names it."""
    return f"the local {'folder' if path.is_dir() else 'file'} `{path.resolve().name}`"


def _load_described(source: Source) -> tuple[dict, str]:
    """What the table says, and where that is."""
    from datasets import Dataset

    if source.hub_id == EMBEDDED:
        splits: dict[str, list[dict]] = {}
        for split, row in reviews.sentences(mixed=source.config == reviews.MIXED):
            splits.setdefault(split, []).append(row)
        rows = {split: Dataset.from_list(rows) for split, rows in splits.items()}
        return rows, f"a grammar of this project, version {source.revision}, which composes the texts"
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


def _load_local(source: Source, path: Path, config: str | None, cache: str, encoding: str | None) -> dict:
    from datasets import Dataset, load_dataset
    from datasets.exceptions import DatasetGenerationError

    if source.label_files and all((path / file).is_file() for file in source.label_files.values()):
        return {
            split: Dataset.from_list(list(label_file_rows(source, path / file)))
            for split, file in source.label_files.items()
        }
    if (saved := _load_saved(path)) is not None:
        return saved
    splits, builder = _local_files(path, config, cache, source.splits.values())
    if builder and (label := (builder.info.features or {}).get(source.label_column)) is not None:
        check_order(source, label, _called(path))
    if any(file.kind != "parquet" for files in splits.values() for file in files):
        return {split: _as_strings(source, split, files, cache, encoding) for split, files in splits.items()}
    # Parquet says what its columns are; of other files a reader would have to guess it.
    paths = {split: [str(file.path) for file in files] for split, files in splits.items()}
    try:
        return (
            load_dataset(str(path), config, cache_dir=cache)
            if builder
            else load_dataset("parquet", data_files=paths, cache_dir=cache)
        )
    except (DatasetGenerationError, ValueError) as error:
        reason = error.__cause__ or error
        raise ValueError(
            f"expected readable rows with the same columns in every file of {path}, got: {reason}"
        ) from error


def _load_saved(path: Path) -> dict | None:
    """The splits of a folder that `save_to_disk` wrote; `None` for others."""
    from datasets import Dataset, DatasetDict

    if (path / "dataset_dict.json").is_file():
        return DatasetDict.load_from_disk(str(path))
    if (path / "state.json").is_file() and (path / "dataset_info.json").is_file():
        return {"train": Dataset.load_from_disk(str(path))}
    return None


def _local_files(
    path: Path, config: str | None, cache: str | None = None, splits: Iterable[str] = ()
) -> tuple[dict[str, list[DataFile]], object]:
    """Split -> its data files, and the `datasets` builder of a folder whose card told them, else `None`."""
    from huggingface_hub import DatasetCard

    card = path / "README.md"
    if not (card.is_file() and DatasetCard.load(card, ignore_metadata_errors=True).data.to_dict().get("configs")):
        return own_files(path, splits), None
    from datasets import load_dataset_builder

    builder = load_dataset_builder(str(path), config, cache_dir=cache)
    return {
        str(split): [one for file in files for found in own_files(Path(file)).values() for one in found]
        for split, files in builder.config.data_files.items()
    }, builder


def _as_strings(source: Source, split: str, files: list[DataFile], cache: str, encoding: str | None):
    """The text columns and the label column of files as strings, in a dataset on the disk."""
    import pyarrow as pa
    from datasets import Dataset
    from tqdm import tqdm

    schema = pa.schema([(column, pa.string()) for column in (*source.text_columns, source.label_column)])
    path = f"{cache}/{split}.arrow"
    rows = iter(
        tqdm(
            _string_rows(source, split, files, encoding), desc=f"reading {split}", unit=" rows", delay=1, mininterval=1
        )
    )
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        while batch := list(islice(rows, BATCH)):
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema))
    return Dataset.from_file(path)


def _string_rows(source: Source, split: str, files: Iterable[DataFile], encoding: str | None) -> Iterator[dict]:
    """Rows with the text columns and the label column as strings, `None` where there is nothing."""
    wanted, label = (*source.text_columns, source.label_column), source.label_column
    where = f"{', '.join(file.name for file in files)} ({split})"
    n_rows, words, numbers = 0, dict.fromkeys(wanted, 0), dict.fromkeys(wanted, 0)
    for n_rows, row in enumerate(rows_of(files, wanted, encoding), start=1):
        for column, value in row.items():
            if isinstance(value, bool | int | float) and column == label:
                row[column] = str(value).lower()
            elif not isinstance(value, str | None):
                raise ValueError(
                    f"expected {'a label' if column == label else 'text'} in the column {column} of {where}, row "
                    f"{n_rows}, got {type(value).__name__} {str(value)[:80]!r}; write a string"
                )
            elif value is not None:
                numbers[column] += isinstance(value, Number)
                words[column] += not isinstance(value, Number)
                row[column] = str(value)
        yield row
    if not n_rows:
        raise ValueError(f"expected rows in {where}, got none; remove the file")
    # A number among words is a word; a column of numbers is likely another than was meant.
    if only := [column for column in source.text_columns if numbers[column] and not words[column]]:
        raise ValueError(
            f"expected text in the column {only[0]} of {where}, got numbers alone; name another column, or put them in "
            "quotes"
        )


def load_own(source_data: str, config: str | None = None) -> tuple[dict, str]:
    """Splits of somebody's own dataset, a local file or folder or a Hub id, and where they came from, for the card.

    Local files are read into memory as they are (`own_files.read_own_files`).
    """
    from datasets import get_dataset_config_names

    path = Path(source_data)
    if path.exists():
        if (saved := _load_saved(path)) is not None:
            return saved, _called(path)
        if config is not None and (path.is_file() or config not in get_dataset_config_names(source_data)):
            config = None
        splits, _ = _local_files(path, config)
        return {split: OwnRows(rows_of(files)) for split, files in splits.items()}, _called(path)
    commit = resolve_commit(source_data, "dataset")
    # A copy of a task with several configurations has the same ones; other datasets have none of that name.
    if config is not None and config not in get_dataset_config_names(source_data, revision=commit):
        config = None
    return _load_hub(source_data, config, commit), f"`{source_data}` at `{commit}`"


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
    """Raise `ValueError` unless the text columns hold strings and the label column something that labels can be."""
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
        lost = rows.data.column(column).null_count
        if lost and rows.builder_name == "csv":
            raise ValueError(
                f"expected text in every row of the column {column} of {read_from} ({split}), got {lost} that the reader of "
                "`datasets` takes for nothing, as it does words like null and NA; download the files and name their folder"
            )
    label = rows.features[source.label_column]
    check_order(source, label, f"{read_from} ({split})")
    if not re.match("u?int|float|double|bool|(large_)?string", str(getattr(label, "dtype", label))):
        numbers = ", ".join(f"{number} for {name!r}" for number, name in enumerate(source.label_names))
        raise ValueError(
            f"expected integer labels in the column {source.label_column} of {read_from} ({split}), got {label}; "
            f"write {numbers}"
        )


def check_order(source: Source, label: object, where: str) -> None:
    """Raise `ValueError` where a label column's feature names the labels, and not as the source does."""
    from datasets import ClassLabel

    known = list(source.labels)
    if not isinstance(label, ClassLabel) or label.names == known:
        return
    # Labels known by their number alone ("0", "1", ...) have nothing to be compared but how many there are.
    if known != [str(number) for number in range(len(known))] or len(label.names) != len(known):
        raise ValueError(
            f"expected the labels {', '.join(known)} in this order in the column {source.label_column} of "
            f"{where}, got {', '.join(label.names)}; with another order every claim would be wrong"
        )
