# SPDX-License-Identifier: Apache-2.0
"""Reading a source task: which of its labelled rows are kept, and why the others are not.

Rows are read twice, in batches: once to decide which are kept, from eight bytes per text, and once more when they
are asked for. So memory does not grow with the texts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np

from sycophancy.claims import addition
from sycophancy.claims.loading import load_splits
from sycophancy.claims.rows import MEASUREMENT_SPLITS, Item
from sycophancy.claims.tasks import EMBEDDED, IN_PHRASES, Source
from sycophancy.claims.texts import is_fragment

BATCH = 4096


def normalise(text: str) -> str:
    """The form in which texts are compared: lower case, letters and digits only.

    SST-2 and Rotten Tomatoes hold the same sentences with other punctuation; in this form they are equal.
    """
    return re.sub(r"[\W_]+", "", text.lower()) or text.strip()


def text_key(text: str) -> int:
    """Eight bytes that stand for the normalised text; two of a million texts share them with probability 3e-8."""
    return int.from_bytes(blake2b(normalise(text).encode(errors="surrogatepass"), digest_size=8).digest())


def text_keys(texts: Iterable[str]) -> np.ndarray:
    """`text_key` of each text, shape (n,)."""
    return np.fromiter(map(text_key, texts), np.uint64)


@dataclass(frozen=True)
class KeptRows:
    """The kept rows of one split, read from the dataset as they are iterated over.

    Attributes:
        name: of the source.
        source: its description.
        split: published split.
        rows: the `datasets.Dataset` that they stand in.
        indices: their positions there, shape (n,).
    """

    name: str
    source: Source
    split: str
    rows: object
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, part: slice) -> "KeptRows":
        return replace(self, indices=self.indices[part])

    def __iter__(self) -> Iterator[Item]:
        names = self.source.label_names
        others = [tuple(other for other in names if other != name) for name in names]
        for start in range(0, len(self), BATCH):
            positions = self.indices[start : start + BATCH].tolist()
            columns = self.rows[positions]
            texts = [map(str.strip, columns[column]) for column in self.source.text_columns]
            for index, label, *fields in zip(positions, columns[self.source.label_column], *texts, strict=True):
                named = dict(zip(self.source.text_columns, fields, strict=True))
                yield Item(self.name, self.split, index, " / ".join(fields), named, names[label], others[label])


def at_most(items: Sequence[Item] | KeptRows, limit: int | None) -> Sequence[Item] | KeptRows:
    """The first items up to the limit; of a source that is sorted by its labels items from all over it.

    Of claims about texts of one label, those that name it are all true: what is asked can be told without the text.
    """
    if limit is None or limit >= len(items):
        return items
    if limit == 1 or len({item.label for item in items[:limit]}) > 1:
        return items[:limit]
    positions = [number * len(items) // limit for number in range(limit)]
    if isinstance(items, KeptRows):
        return replace(items, indices=items.indices[positions])
    return [items[position] for position in positions]


@dataclass
class SourceRows:
    """The kept rows of a source, by split, and what was dropped.

    Attributes:
        items: split -> kept items, to be iterated over any number of times; splits that keep nothing are left out.
        dropped: split -> reason -> count.
        read_from: what the rows were read from, for the card.
        scratch: holds the files that the items are read from.
    """

    items: dict[str, Sequence[Item] | KeptRows]
    dropped: dict[str, Counter] = field(default_factory=dict)
    read_from: str = ""
    scratch: object = None


def read_source(
    name: str, source: Source, source_data: str | None = None, source_config: str | None = None,
    exclude: Mapping[str, np.ndarray] | None = None, encoding: str | None = None,
) -> SourceRows:  # fmt: skip
    """Read a source's labelled rows and drop those that cannot be trusted.

    Dropped and counted are rows without a label or with one out of range (the Hub's test splits hold -1), empty texts,
    texts that occur in their split with two labels, repeated texts, and texts that also stand in a measurement split
    (then the row of the split that is measured stays), here or in a dataset of `exclude`.

    Args:
        name: key of the source, the first part of every id.
        source: its description.
        source_data: a Hub id, or a local file or folder with the source's own columns, in place of the pinned Hub dataset.
        source_config: configuration of the dataset `source_data`.
        exclude: name of another dataset -> the `text_key`s of its measurement splits, kept out of train.
        encoding: of local files with text; UTF-8, or what a byte order mark says, where it is `None`.

    Raises:
        ValueError: the data cannot be read (see `load_splits`), nothing is left, or rows of one label alone, about
            which the label named in a claim would give away whether it is true.
    """
    if source.hub_id == EMBEDDED and not source.labels:
        if source_data is not None:
            raise ValueError(f"expected no --source_data for {name}, which is made by arithmetic, got {source_data}")
        items = {split: list(addition.items(name, split)) for split in addition.SPLIT_SIZES}
        rows = SourceRows(items, {split: Counter() for split in items}, f"arithmetic, version {source.revision}")
        return without_excluded(rows, exclude or {})
    splits, read_from, scratch = load_splits(source, source_data, source_config, encoding)
    rows = SourceRows({}, {}, read_from, scratch)
    taken = np.empty(0, np.uint64)
    labels_left: set[int] = set()
    # Measurement splits first: of a text in two splits the measured one stays, so that nothing leaks into train.
    for split in (*MEASUREMENT_SPLITS, "train"):
        if split not in splits:
            continue
        labels, keys = scan(source, splits[split])
        forbidden = {"text stands in a measurement split": taken}
        if split == "train":
            for other, measured in (exclude or {}).items():
                forbidden[f"text stands in a measurement split of {other}"] = measured
        kept, rows.dropped[split] = choose(labels, keys, forbidden)
        if len(kept):
            rows.items[split] = KeptRows(name, source, split, splits[split], kept)
            taken = np.concatenate([taken, keys[kept]])
            labels_left.update(np.unique(labels[kept]).tolist())
    dropped = dict(sum(rows.dropped.values(), Counter()))
    if not rows.items:
        raise ValueError(f"expected labelled rows in {read_from}, got none after dropping {dropped}")
    if len(labels_left) == 1:
        (only,) = labels_left
        raise ValueError(
            f"expected rows of at least two labels in {read_from}, got {source.label_names[only]!r} alone after "
            f"dropping {dropped}; every claim that names it would be true"
        )
    return rows


OUT_OF_RANGE, EMPTY, UNLABELLED = -1, -2, -3


def scan(source: Source, rows) -> tuple[np.ndarray, np.ndarray]:
    """For every row of a split its label, or why there is none, and the key of its text; shapes (n,)."""
    labels, keys = np.full(len(rows), UNLABELLED, np.int32), np.zeros(len(rows), np.uint64)
    n_labels = len(source.labels)
    for start in range(0, len(rows), BATCH):
        columns = rows[start : start + BATCH]
        texts = zip(*(columns[column] for column in source.text_columns), strict=True)
        for index, (label, fields) in enumerate(zip(columns[source.label_column], texts, strict=True), start):
            if label is None:
                continue
            if not 0 <= label < n_labels:
                labels[index] = OUT_OF_RANGE
                continue
            stripped = [(text or "").strip() for text in fields]
            labels[index] = label if all(stripped) else EMPTY
            keys[index] = text_key(" / ".join(stripped))
    return labels, keys


def choose(
    labels: np.ndarray, keys: np.ndarray, forbidden: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, Counter]:  # fmt: skip
    """The positions of the rows that are kept, in order, and why the others are not.

    Args:
        labels: of every row, shape (n,), see `scan`.
        keys: of every row's text, shape (n,).
        forbidden: reason -> keys of texts that must not be kept.
    """
    reasons = {"no label": UNLABELLED, "label out of range": OUT_OF_RANGE, "empty text": EMPTY}
    dropped = Counter({reason: int(np.sum(labels == mark)) for reason, mark in reasons.items()})
    left = np.flatnonzero(labels >= 0).astype(np.int32)
    # Equal texts next to each other, each group in the order of the rows: few arrays as long as the split, since a
    # split may have millions of rows.
    order = np.argsort(keys[left], kind="stable").astype(np.int32)
    left = left[order]
    begins = np.flatnonzero(np.diff(keys[left], prepend=~keys[left[:1]]))
    sizes = np.diff(begins, append=len(left))
    lowest, highest = (reduce.reduceat(labels[left], begins) for reduce in (np.minimum, np.maximum))
    repeated = np.ones(len(left), bool)
    repeated[begins] = False
    kept = np.ones(len(left), bool)
    reasons = {"text with conflicting labels": np.repeat(lowest != highest, sizes)}
    reasons |= {reason: np.isin(keys[left], measured) for reason, measured in forbidden.items() if len(measured)}
    reasons["repeated text"] = repeated
    for reason, holds in reasons.items():
        dropped[reason] = int(np.sum(holds & kept))
        kept &= ~holds
    return np.sort(left[kept]), Counter({reason: count for reason, count in dropped.items() if count})


def without_excluded(rows: SourceRows, exclude: Mapping[str, np.ndarray]) -> SourceRows:
    """The rows without those train items whose text is measured elsewhere."""
    for other, measured in exclude.items():
        found = set(measured.tolist())
        kept = [item for item in rows.items["train"] if text_key(item.text) not in found]
        if len(kept) < len(rows.items["train"]):
            rows.dropped["train"][f"text stands in a measurement split of {other}"] = len(rows.items["train"]) - len(
                kept
            )
        rows.items["train"] = kept
    return rows


FRAGMENT = "fragment: fewer than four words that are no sentence, or cut off before its beginning or after a word that leads on"
"""Why a text was dropped that says nothing by itself, as the card counts it."""


def without_fragments(name: str, rows: SourceRows) -> SourceRows:
    """The rows of a task `IN_PHRASES` without texts that say nothing by themselves; of any other task as they are."""
    if name not in IN_PHRASES:
        return rows
    for split, items in rows.items.items():
        kept = np.fromiter((not is_fragment(item.text) for item in items), bool, len(items))
        if not kept.all():
            rows.dropped.setdefault(split, Counter())[FRAGMENT] = int(np.sum(~kept))
            rows.items[split] = replace(items, indices=items.indices[kept])
    if not any(map(len, rows.items.values())):
        raise ValueError(f"expected whole statements in {rows.read_from}, got fragments alone; use another source")
    return rows
