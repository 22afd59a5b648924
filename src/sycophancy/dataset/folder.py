# SPDX-License-Identifier: Apache-2.0
"""The folder of a claim dataset: Parquet files of claims, pairs made from its train split, and a card."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sycophancy.dataset.cards import SplitFacts
from sycophancy.dataset.parquet import write_parquet
from sycophancy.dataset.preferences import Preferences, write_preferences
from sycophancy.dataset.reading import CLAIMS, FEATURES


def write_claims(folder: Path, split: str, rows: Iterable[dict]) -> SplitFacts:
    """Write the claims of one split and return what the card says of them. Rows stream."""
    facts = SplitFacts()

    def seen() -> Iterator[dict]:
        for row in rows:
            facts.see(row)
            yield row

    facts.file = write_parquet(folder, CLAIMS, split, seen(), FEATURES)
    return facts


def write_pairs(folder: Path, facts: dict[str, SplitFacts]) -> Preferences | None:
    """Write the pairs of the train split that was written, where it has any."""
    return write_preferences(folder, facts["train"].file) if "train" in facts else None
