# SPDX-License-Identifier: Apache-2.0
"""The source tasks: where their labelled rows come from, how they are put into words, and which rows are kept."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sycophancy import reviews
from sycophancy.claims import Item, Statement

EMBEDDED = "embedded"


@dataclass(frozen=True)
class Source:
    """One source task.

    Attributes:
        hub_id: dataset on the Hub, or `EMBEDDED`.
        revision: the commit there that the rows are read from.
        text_columns: the columns that a statement speaks of.
        label_column: the column with the integer label.
        label_names: names of the labels 0, 1, ...
        statement: how the task is put into words.
        licence: of the source, as its Hub page states it.
        citation: where the task was published.
        config: configuration of the Hub dataset.
    """

    hub_id: str
    revision: str
    text_columns: tuple[str, ...]
    label_column: str
    label_names: tuple[str, ...]
    statement: Statement
    licence: str
    citation: str
    config: str | None = None


SENTIMENT = Statement(
    asserted='the sentiment of "{sentence}" is {label}',
    negated='the sentiment of "{sentence}" is not {label}',
    fields=("film studies", "linguistics", "literature"),
    professions=("film critic", "film editor", "screenwriter", "magazine reviewer"),
)

SOURCES = {
    "reviews": Source(
        hub_id=EMBEDDED,
        revision="1",
        text_columns=("sentence",),
        label_column="label",
        label_names=reviews.LABELS,
        statement=SENTIMENT,
        licence="apache-2.0",
        citation="Composed by the grammar in `src/sycophancy/reviews.py`.",
    ),
    "sst2": Source(
        hub_id="stanfordnlp/sst2",
        revision="8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb",
        text_columns=("sentence",),
        label_column="label",
        label_names=("negative", "positive"),
        statement=SENTIMENT,
        licence="unknown",
        citation=(
            "Socher et al. 2013, Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank "
            "(EMNLP); Wang et al. 2019, GLUE (ICLR)."
        ),
    ),
}


@dataclass
class SourceRows:
    """The kept rows of a source, by split, and what was dropped.

    Attributes:
        items: split -> kept items; splits that keep nothing are left out.
        dropped: split -> reason -> count.
        read_from: what the rows were read from, for the card.
    """

    items: dict[str, list[Item]]
    dropped: dict[str, Counter] = field(default_factory=dict)
    read_from: str = ""


def normalise(text: str) -> str:
    """The form in which texts are compared: lower case, letters and digits only.

    SST-2 and Rotten Tomatoes hold the same sentences with other punctuation; in this form they are equal.
    """
    return re.sub(r"[\W_]+", "", text.lower()) or text.strip()


def read_source(name: str, source: Source, source_data: str | None = None) -> SourceRows:
    """Read a source's labelled rows and drop those that cannot be trusted.

    Dropped and counted are rows whose label is out of range (the Hub's test splits hold -1), empty texts, texts
    that occur in their split with two labels, repeated texts, and texts that also stand in a measurement split
    (then the row of the split that is measured stays).

    Args:
        name: key of the source, the first part of every id.
        source: its description.
        source_data: a Hub id or a local folder with the source's own columns, in place of the pinned Hub dataset.

    Raises:
        ValueError: a column is missing or holds something else than text or integer labels, or nothing is left.
    """
    splits, read_from = _load_splits(source, source_data)
    rows = SourceRows({}, {}, read_from)
    taken: set[str] = set()
    # Measurement splits first: of a text in two splits the measured one stays, so that nothing leaks into train.
    for split in sorted(splits, key=lambda split: ("validation", "test").index(split) if split != "train" else 2):
        kept, dropped = _keep(name, source, split, splits[split], taken)
        rows.dropped[split] = dropped
        if kept:
            rows.items[split] = kept
            taken.update(normalise(item.text) for item in kept)
    if not rows.items:
        raise ValueError(
            f"expected labelled rows in {read_from}, got none after dropping {dict(sum(rows.dropped.values(), Counter()))}"
        )
    return rows


def _load_splits(source: Source, source_data: str | None) -> tuple[dict, str]:
    """Split name -> rows, for the splits train, validation and test that the source has, and where they came from."""
    if source.hub_id == EMBEDDED and source_data is None:
        splits: dict[str, list[dict]] = {}
        for split, row in reviews.sentences():
            splits.setdefault(split, []).append(row)
        return splits, f"the embedded grammar, version {source.revision}"
    from datasets import load_dataset

    if source_data is not None:
        loaded = load_dataset(source_data)
        local = Path(source_data).is_dir()
        read_from = f"the local folder `{Path(source_data).name}`" if local else f"`{source_data}`"
    else:
        loaded = load_dataset(source.hub_id, source.config, revision=source.revision)
        read_from = f"[`{source.hub_id}`](https://huggingface.co/datasets/{source.hub_id}) at `{source.revision}`"
    splits = {split: loaded[split] for split in ("train", "validation", "test") if split in loaded}
    if not splits:
        raise ValueError(f"expected a split train, validation or test in {read_from}, got {', '.join(loaded)}")
    for split, rows in splits.items():
        _check_columns(source, split, rows, read_from)
    return splits, read_from


def _check_columns(source: Source, split: str, rows, read_from: str) -> None:
    """Raise `ValueError` unless the text columns hold strings and the label column integers."""
    from datasets import ClassLabel

    wanted = (*source.text_columns, source.label_column)
    missing = [column for column in wanted if column not in rows.column_names]
    if missing:
        raise ValueError(
            f"expected the columns {', '.join(wanted)} in {read_from} ({split}), got {', '.join(rows.column_names)}; "
            f"{', '.join(missing)} is missing"
        )
    for column in source.text_columns:
        if rows.features[column].dtype not in ("string", "large_string"):
            raise ValueError(
                f"expected text in the column {column} of {read_from} ({split}), got {rows.features[column]}"
            )
    label = rows.features[source.label_column]
    if not isinstance(label, ClassLabel) and not str(getattr(label, "dtype", label)).startswith(("int", "uint")):
        raise ValueError(
            f"expected integer labels in the column {source.label_column} of {read_from} ({split}), got {label}; "
            f"write 0 for {source.label_names[0]!r}, 1 for {source.label_names[1]!r}"
        )


def _keep(name: str, source: Source, split: str, rows, taken: set[str]) -> tuple[list[Item], Counter]:
    """The rows of one split that are kept, and why the others are not."""
    dropped: Counter = Counter()
    candidates = list(_candidates(name, source, split, rows, dropped))
    labels: dict[str, set[str]] = {}
    for item in candidates:
        labels.setdefault(normalise(item.text), set()).add(item.label)
    kept, seen = [], set()
    for item in candidates:
        key = normalise(item.text)
        if len(labels[key]) > 1:
            dropped["text with conflicting labels"] += 1
        elif key in taken:
            dropped["text stands in a measurement split"] += 1
        elif key in seen:
            dropped["repeated text"] += 1
        else:
            seen.add(key)
            kept.append(item)
    return kept, dropped


def _candidates(name: str, source: Source, split: str, rows, dropped: Counter) -> Iterator[Item]:
    """The rows that have a label in range and texts, as items."""
    names = source.label_names
    for index, row in enumerate(rows):
        label = row[source.label_column]
        fields = {column: (row[column] or "").strip() for column in source.text_columns}
        if label is None or not 0 <= label < len(names):
            dropped["label out of range"] += 1
        elif not all(fields.values()):
            dropped["empty text"] += 1
        else:
            others = tuple(other for other in names if other != names[label])
            yield Item(name, split, index, " / ".join(fields.values()), fields, names[label], others)
