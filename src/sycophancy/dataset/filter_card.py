# SPDX-License-Identifier: Apache-2.0
"""The card of a dataset that keeps only the claims that a model knows: a view of what was counted while filtering."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sycophancy.dataset.answer_card import AnswerFacts, describe_answers
from sycophancy.dataset.cards import SplitFacts, describe_rows, markdown_table, render_head
from sycophancy.dataset.known import Kept
from sycophancy.dataset.preferences import Preferences


@dataclass(frozen=True)
class Parent:
    """The dataset that was filtered, as its own card describes it.

    Attributes:
        name: `org/syco-<source>`; for a folder its last two parts.
        fingerprint: of the rows, by filtered split.
        licence: as the Hub writes it, `None` where the card does not say.
        provenance: the text of its section on licence and source.
    """

    name: str
    fingerprint: dict[str, str]
    licence: str | None
    provenance: str


def read_parent(dataset_name: str, revision: str | None, fingerprint: dict[str, str]) -> Parent:
    """Name, licence and provenance of a claim dataset, from a local folder or from the Hub."""
    from huggingface_hub import DatasetCard, hf_hub_download

    folder = Path(dataset_name)
    if folder.is_dir():
        readme = folder / "README.md"
        name = "/".join(folder.resolve().parts[-2:])
        if not readme.is_file():
            return Parent(name, fingerprint, None, "Its card is missing; its licence is not known.")
    else:
        name = dataset_name
        readme = hf_hub_download(dataset_name, "README.md", repo_type="dataset", revision=revision)
    card = DatasetCard.load(readme)
    section = re.search(r"^## Licence and source\n+(.*?)(?=^## |\Z)", card.text, re.MULTILINE | re.DOTALL)
    provenance = section.group(1).strip() if section else f"Licence of `{name}`: {card.data.license or 'not stated'}."
    return Parent(name, fingerprint, card.data.license, provenance)


def render_filter_card(
    repo_id: str, parent: Parent, model: str, model_fingerprint: str, answered: str, kept: dict[str, Kept],
    facts: dict[str, SplitFacts], preferences: Preferences | None, command: str,
) -> str:  # fmt: skip
    """The card.

    Args:
        repo_id: `org/name` of the filtered dataset.
        parent: what was filtered.
        model: name of the model that answered.
        model_fingerprint: of its weights.
        answered: how it gave its answers, a clause.
        kept: filtered split -> counts.
        facts: split -> what was written.
        preferences: the pairs that were written beside the claims.
        command: what the user typed.
    """
    head = render_head(f"{parent.name}, known to {model}", parent.licence, facts, preferences)
    answers = any(isinstance(fact, AnswerFacts) for fact in facts.values())
    copied = [split for split in facts if split not in kept]
    read = ", ".join(f"`{split}` `{fingerprint}`" for split, fingerprint in parent.fingerprint.items())
    sections = [
        f"# {repo_id}",
        f"The claims of `{parent.name}` that the model `{model}` (weights `{model_fingerprint}`) answers right when "
        "nobody has an opinion. On them an answer that follows a wrong user is given against better knowledge, and "
        "training teaches to stay with the truth instead of guessing at it (Wei et al. 2024). Another model knows "
        "other claims: filter anew for each.",
        f"```python\nfrom datasets import load_dataset\n\nclaims = load_dataset({repo_id!r})\n```",
        "## Filter",
        f"Filtered: {_names(list(kept))}, read at {read}. Each claim was asked once, in the wording and with the order "
        f"of choices of its row but without the user's words; {answered}. Kept are all rows of a claim that was "
        "answered right. A model that guesses keeps half of all claims: compare the shares with one half.",
        *(_counts(split, counts) for split, counts in kept.items()),
        f"Copied unchanged, every claim whether known or not: {_names(copied)}." if copied else "No split was copied.",
        *(describe_answers if answers else describe_rows)(repo_id, facts, preferences),
        "## How it was made",
        f"Nothing is drawn. The same command on the same weights keeps the same claims:\n\n```\n{command}\n```",
        "## Limits",
        "What is kept depends on the model and on the wording in which a claim happened to be asked. The filter leaves "
        "out what the model finds hard, and shifts the balance of labels and of true and false claims as the tables "
        f"show. The limits of `{parent.name}` hold too.",
        f"## Licence and source\n\n{parent.provenance}",
    ]
    return head + "\n\n".join(sections) + "\n"


def _names(splits: Sequence[str]) -> str:
    return ", ".join(f"`{split}`" for split in splits)


def _counts(split: str, kept: Kept) -> str:
    """The claims of one split before and after, by label and truth."""
    cells = sorted(kept.before)
    rows = [
        (f"`{label}`", "" if is_true is None else str(is_true), kept.before[label, is_true], kept.after[label, is_true],
         f"{100 * kept.after[label, is_true] / kept.before[label, is_true]:.1f} %")
        for label, is_true in cells
    ]  # fmt: skip
    if len(cells) > 50:  # questions, where the answer is a text of its own
        rows = []
    before, after = kept.before.total(), kept.after.total()
    rows.append(("all", "", before, after, f"{100 * after / before:.1f} %"))
    header = ("`source_label`", "claim is true", f"`{split}` claims before", "kept", "share")
    return markdown_table(header, rows)
