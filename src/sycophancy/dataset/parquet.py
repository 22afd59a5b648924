# SPDX-License-Identifier: Apache-2.0
"""Rows to Parquet files whose names say what is in them: `data/train-00000-of-00001-3f0c9a1b2d4e.parquet`.

`load_dataset(folder)` of a folder with a card caches by the file names in the card and never looks at the files
(datasets 5.2), so that a dataset that is built again under the same names, or another one in a folder of the same
name, gives yesterday's rows. With a fingerprint of the content in the name, other rows have other names.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Features

ROW_GROUP = 10_000
"""Rows per row group, which is also what is held in memory at a time."""


def write_parquet(folder: Path, directory: str, split: str, rows: Iterable[dict], features: "Features") -> str:
    """Write the rows of one split; they stream, so that memory does not grow with the split.

    Args:
        folder: the dataset folder.
        directory: where in it, for example `data`.
        split: `train`, `validation` or `test`.
        rows: dicts with the columns of `features`.
        features: columns and types.

    Returns:
        The file's path in the folder. The same rows give the same bytes under the same name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tqdm.auto import tqdm

    target = folder / directory
    target.mkdir(parents=True, exist_ok=True)
    unfinished = target / f"{split}.parquet.incomplete"
    schema = features.arrow_schema
    # The options that `datasets` writes with: chunks that the Hub can deduplicate, pages that its viewer can seek.
    options = {"use_content_defined_chunking": True, "write_page_index": True}
    with (
        pq.ParquetWriter(unfinished, schema, **options) as writer,
        tqdm(desc=f"{directory}/{split}", unit=" rows", mininterval=1.0) as progress,
    ):
        rows = iter(rows)
        while batch := list(islice(rows, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            progress.update(len(batch))
            # Or the rows would live until the next batch is whole, and Arrow would keep what it needed to write them.
            batch.clear()
            pa.default_memory_pool().release_unused()
    with open(unfinished, "rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    written = unfinished.rename(target / f"{split}-00000-of-00001-{fingerprint}.parquet")
    return written.relative_to(folder).as_posix()


def read_parquet(path: Path) -> Iterator[dict]:
    """The rows of a Parquet file, one after the other."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        # By row group: `iter_batches` over a whole file keeps every group that it has read (pyarrow 26).
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(batch_size=ROW_GROUP // 10, row_groups=[group]):
                yield from batch.to_pylist()
