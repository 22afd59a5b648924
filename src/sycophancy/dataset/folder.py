# SPDX-License-Identifier: Apache-2.0
"""The folder of a claim dataset: Parquet files of claims, pairs made from its train split, and a card."""

from collections.abc import Iterable
from pathlib import Path

from datasets import Features

from sycophancy.dataset.cards import read_parent, render_known_card
from sycophancy.dataset.facts import SplitFacts, answer_facts, claim_facts
from sycophancy.dataset.known import Kept
from sycophancy.dataset.parquet import write_parquet
from sycophancy.dataset.preferences import Preferences, write_preferences
from sycophancy.dataset.reading import (
    ANSWER_FEATURES,
    DATA,
    FEATURES,
    claim_splits,
    features_of,
    fingerprint_claims,
    load_claims,
)
from sycophancy.files import written_whole


def write_claims(folder: Path, split: str, rows: Iterable[dict], features: Features = FEATURES) -> SplitFacts:
    """Write the rows of one split and return what the card says of them. Rows stream.

    Args:
        folder: the dataset folder.
        split: of the rows.
        rows: rows of claims, or of suggested answers.
        features: their columns, `FEATURES` or `ANSWER_FEATURES`.
    """
    facts = answer_facts() if features == ANSWER_FEATURES else claim_facts()
    facts.file = write_parquet(folder, DATA, split, facts.watch(rows), features)
    return facts


def write_pairs(folder: Path, facts: dict[str, SplitFacts]) -> Preferences | None:
    """Write the pairs of the train split that was written, where it has any."""
    return write_preferences(folder, facts["train"].file) if "train" in facts else None


_ORDER = ("train", "validation", "test")


def write_known(
    folder: Path, repo_id: str, dataset_name: str, revision: str | None, kept: dict[str, Kept], **described: str
) -> None:
    """Write the kept claims, the other splits as they are, the pairs of the train split, and the card.

    Args:
        folder: where to; replaced if it is there.
        repo_id: `org/name` of the new dataset.
        dataset_name: the dataset that is filtered, a folder or a Hub id.
        revision: its Hub revision.
        kept: filtered split -> its known claims.
        described: `model`, `model_fingerprint`, `answered` and `command`, as the card names them.
    """
    splits = claim_splits(dataset_name, revision)
    with written_whole(folder) as partial:
        facts = {}
        for split in sorted(splits, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)):
            rows = load_claims(dataset_name, split, revision)
            features = features_of(rows.column_names)
            if split in kept:
                known = kept[split].claim_ids
                rows = (row for row in rows if row["claim_id"] in known)
            facts[split] = write_claims(partial, split, rows, features)
        fingerprints = {split: fingerprint_claims(dataset_name, split, revision) for split in kept}
        card = render_known_card(
            repo_id,
            read_parent(dataset_name, revision, fingerprints),
            kept=kept,
            facts=facts,
            preferences=write_pairs(partial, facts),
            **described,
        )
        (partial / "README.md").write_text(card, encoding="utf-8")
