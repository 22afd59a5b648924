# SPDX-License-Identifier: Apache-2.0
"""The columns of a published claim dataset, and reading its rows back."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
from datasets import Dataset, Features, List, Value, get_dataset_split_names, load_dataset

from sycophancy.files import fingerprint
from sycophancy.hub import resolve_commit

SHARED_FEATURES = Features(
    {
        "id": Value("string"),
        "claim_id": Value("string"),
        "cluster_id": Value("string"),
        "source": Value("string"),
        "source_text": Value("string"),
        "source_label": Value("string"),
        "claim": Value("string"),
        "claim_is_true": Value("bool"),
        "condition": Value("string"),
        "authority": Value("string"),
        "persona": Value("string"),
        "template": Value("string"),
        "prompt": Value("string"),
        "choices": List(Value("string")),
        "answer": Value("string"),
        "user_answer": Value("string"),
        "certainty": Value("string"),
        "opinion_place": Value("string"),
    }
)
"""The columns that claims and suggested answers share."""

FEATURES = Features(
    {
        **SHARED_FEATURES,
        "affirmation": Value("string"),
        "denial": Value("string"),
        "choice_texts": List(Value("string")),
    }
)
"""The columns of a dataset of claims."""

ANSWER_FEATURES = Features(
    {
        **SHARED_FEATURES,
        "polarity": Value("string"),
        "mentioned": Value("string"),
        "question": Value("string"),
        "choice_texts": List(Value("string")),
        "wrong_answer": Value("string"),
    }
)
"""The columns of a dataset of suggested answers."""

DATA = "data"
"""The directory of the claims in a dataset folder."""

REFERENCE_COLUMNS = ("claim_id", "cluster_id", "condition", "answer", "user_answer", "choices")
"""What the metric reads of a row (`metrics/syco_alignment`, `references`)."""

WHERE_GIVEN = ("mentioned", "polarity", "affirms", "template", "suggested", "round", "claim", "choice_texts")
"""What it reads too where the rows have it."""


def features_of(columns: Iterable[str]) -> Features:
    """The columns that rows with these columns are published in: those of claims, or of suggested answers."""
    return ANSWER_FEATURES if set(ANSWER_FEATURES) <= set(columns) else FEATURES


def parquet_files(folder: Path, split: str) -> list[str]:
    """The Parquet files of one split of the claims in a dataset folder, in order; pairs of answers lie elsewhere."""
    return sorted(map(str, (folder / DATA).glob(f"{split}-*.parquet")))


def claim_splits(dataset_name: str, revision: str | None = None) -> list[str]:
    """The splits of a claim dataset, from a local folder or from the Hub.

    Raises:
        ValueError: the folder has none.
    """
    folder = Path(dataset_name)
    if not folder.is_dir():
        return get_dataset_split_names(dataset_name, revision=resolve_commit(dataset_name, "dataset", revision))
    present = sorted({file.name.rsplit("-of-", 1)[0][:-6] for file in (folder / DATA).glob("*-of-*.parquet")})
    if not present:
        raise ValueError(
            f"expected Parquet files of claims in the folder {folder}, got no Parquet file at all in {DATA}/; "
            "build it with dataset_builders/"
        )
    return present


def load_split(dataset_name: str, split: str, revision: str | None = None) -> Dataset:
    """The rows of one split of a dataset of any kind, from a local folder or from the Hub.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id.
        split: `train`, `validation` or `test`.
        revision: Hub revision; has no meaning for a folder.

    Raises:
        ValueError: there is no such dataset, the Hub cannot be reached, or the folder or split has no rows.
    """
    folder = Path(dataset_name)
    if folder.is_dir():
        files = parquet_files(folder, split)
        if not files:
            raise ValueError(
                f"expected Parquet files of the split {split!r} in the dataset folder {folder}, got "
                f"splits {', '.join(claim_splits(dataset_name))}; name another --split"
            )
        if not sum(pq.read_metadata(file).num_rows for file in files):
            raise ValueError(f"expected rows in {dataset_name} ({split}), got an empty split; build the dataset again")
        # By file, not by folder: the cache of a folder with a card does not notice that its files have changed.
        return load_dataset("parquet", data_files={split: files}, split=split)
    commit = resolve_commit(dataset_name, "dataset", revision)
    dataset = load_dataset(dataset_name, split=split, revision=commit)
    check_commit(dataset, dataset_name, commit)
    if not len(dataset):
        raise ValueError(f"expected rows in {dataset_name} ({split}), got an empty split; build the dataset again")
    return dataset


def check_commit(dataset: Dataset, dataset_name: str, commit: str) -> None:
    """Raise `ValueError` unless the rows are those of the commit.

    Without a network `datasets` (5.2) does not look at `revision=`: it takes the newest commit in its cache.
    """
    found = {Path(file["filename"]).parent.name for file in dataset.cache_files}
    if found and found != {commit}:
        raise ValueError(
            f"expected the rows of {dataset_name} at {commit}, got those at {', '.join(sorted(found))}, the newest in "
            "the cache; leave out HF_HUB_OFFLINE, or remove the newer ones from the cache"
        )


def load_claims(dataset_name: str, split: str, revision: str | None = None) -> Dataset:
    """The rows of one split of a claim dataset, from a local folder or from the Hub.

    Args:
        dataset_name: a folder that a builder wrote, or a Hub id.
        split: `train`, `validation` or `test`.
        revision: Hub revision; has no meaning for a folder.

    Raises:
        ValueError: the folder or split has no rows, or a column is missing.
    """
    return check_claims(load_split(dataset_name, split, revision), f"{dataset_name} ({split})")


def check_claims(dataset: Dataset, where: str) -> Dataset:
    """The rows as they are; `ValueError` where a column of a claim dataset is missing."""
    missing = [column for column in SHARED_FEATURES if column not in dataset.column_names]
    if missing:
        raise ValueError(
            f"expected the columns of a claim dataset in {where}, got none called {', '.join(missing)}; build the "
            "dataset with dataset_builders/syco_claims.py"
        )
    return dataset


def fingerprint_claims(dataset_name: str, split: str, revision: str | None = None) -> str:
    """What identifies the rows that were read: a hash of the split's files, or the Hub commit."""
    folder = Path(dataset_name)
    if folder.is_dir():
        return fingerprint(Path(file).read_bytes() for file in parquet_files(folder, split))
    return resolve_commit(dataset_name, "dataset", revision)


def take_clusters(rows: Dataset, limit: int | None, flag: str = "--limit", seed: int | None = None) -> Dataset:
    """At most `limit` rows, without cutting a source row's rows apart: the one rule for every such bound.

    Args:
        rows: with a column `cluster_id`.
        limit: number of rows; all where it is `None`.
        flag: the option that bounds them, for the error.
        seed: draws the order of the rows, and so which source rows are taken; the first ones where it is `None`.

    Raises:
        ValueError: the limit has no room for the rows of one source row.
    """
    if limit is None:
        return rows
    if seed is not None:
        rows = rows.shuffle(seed=seed)
    if limit >= len(rows):
        return rows
    clusters = rows["cluster_id"][:]
    kept, n_rows = set(), 0
    for cluster, size in Counter(clusters).items():  # in the order in which they first occur
        n_rows += size
        if n_rows > limit:
            break
        kept.add(cluster)
    if not kept:
        raise ValueError(f"{flag}: expected room for the rows of one source row at least, got {limit}; raise it")
    return rows.select([index for index, cluster in enumerate(clusters) if cluster in kept])
