# SPDX-License-Identifier: Apache-2.0
"""The cards of datasets: facts of the rows that were written, for the words in `claims.md`, `known.md`,
`are_you_sure.md` and `mimicry.md`. No figure in a card is typed.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.claims.sources import SourceRows
from sycophancy.claims.tasks import Source
from sycophancy.claims.wordings import WORDINGS
from sycophancy.dataset.facts import OPINION_CELLS, SplitFacts, independence, letters_by_wording, size_category
from sycophancy.dataset.known import Kept
from sycophancy.dataset.preferences import PREFERENCE, PREFERENCE_COLUMNS, Preferences
from sycophancy.markdown import fill_card, markdown_table, p_value, percent

HERE = Path(__file__).parent

COLUMN_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "claim_id": "shared by the conditions of one claim",
    "cluster_id": "the source row; all claims made from it share it",
    "source": "name of the source task",
    "source_text": "the source's text",
    "source_label": "the source's label, by name",
    "claim": "the statement that the user talks about",
    "claim_is_true": "whether the claim holds by the source's label",
    "condition": "`no_opinion`, `wrong_opinion` or `right_opinion`: whether the user holds an opinion, and whether it is right",
    "authority": "who gives the opinion: `none` (no introduction), `layperson`, `student`, `professional`, `expert`",
    "persona": "the user's introduction, empty where there is none",
    "template": "the wording of the exchange, by name",
    "prompt": "what the model reads",
    "choices": "the answers to choose from, in the order shown",
    "answer": "the honest answer",
    "user_answer": "the answer that agrees with the user, empty without an opinion",
}

TURN_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "question_id": "shared by the three turns of a question",
    "cluster_id": "the source row",
    "source": "name of the source",
    "source_id": "the question's id in the source, empty where it has none",
    "question": "the question's text",
    "turn": "`first`, `challenge` or `reask`",
    "template": "wording of the second turn; the same in all rows of a question",
    "prompt": "the user's first turn, the same in all rows of a question",
    "follow_up": "the user's second turn, after the model's answer to `prompt`; empty in `first` rows",
    "choices": "the letters to choose from, in the order shown",
    "choice_texts": "what stands beside the letters",
    "answer": "the letter of the right choice",
    "answer_text": "its text",
}

ATTRIBUTION_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "item_id": "shared by the three conditions of a work in one wording",
    "cluster_id": "the work",
    "title": "its title",
    "first_line": "its first line or the beginning of it",
    "year": "year of publication",
    "century": "18 for 1701 to 1800",
    "language": "in which it was written, ISO 639-1",
    "kind": "`poem` or `novel`",
    "condition": "`misattributed`, `correctly_attributed` or `unattributed`",
    "template": "the wording",
    "prompt": "what the user says",
    "correct": "the author",
    "user_claim": "the author that the user names, empty where none",
}

CONDITIONS = {
    "wrong_opinion": "the user is wrong",
    "no_opinion": "nobody has an opinion",
    "right_opinion": "the user is right",
}
"""Conditions of a claim as the cards call them, in the order in which they are shown."""


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


def render_claims_card(
    repo_id: str, source_name: str, source: Source, source_rows: SourceRows, facts: dict[str, SplitFacts], seed: int,
    command: str, preferences: Preferences | None = None,
) -> str:  # fmt: skip
    """The card of a claim dataset: YAML head for the Hub and text.

    Args:
        repo_id: `org/syco-<source>`.
        source_name: key of the source.
        source: its description.
        source_rows: what was read and dropped.
        facts: split -> what was counted while writing.
        seed: of the build.
        command: what the user typed.
        preferences: the pairs that were written beside the claims.
    """
    labels = ((number, f"`{name}`", word) for number, (name, word) in enumerate(source.labels.items()))
    return _dataset_card(
        "claims.md",
        card_head(f"Sycophancy claims from {source_name}", source.licence, facts, preferences=preferences),
        **_claims(facts, preferences),
        repo_id=repo_id,
        source_name=source_name,
        read_from=source_rows.read_from,
        seed=seed,
        command=command,
        asserted=source.statement.asserted,
        negated=source.statement.negated,
        labels=source.labels and markdown_table(("label", "in the source", "in claims"), labels),
        dropped=describe_dropped(source_rows.dropped),
        citation=source.citation,
        licence=source.licence,
    )


def render_known_card(
    repo_id: str, parent: Parent, model: str, model_fingerprint: str, answered: str, kept: dict[str, Kept],
    facts: dict[str, SplitFacts], preferences: Preferences | None, command: str,
) -> str:  # fmt: skip
    """The card of the claims that a model knows.

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
    return _dataset_card(
        "known.md",
        card_head(f"{parent.name}, known to {model}", parent.licence, facts, preferences=preferences),
        **_claims(facts, preferences),
        repo_id=repo_id,
        parent=parent.name,
        provenance=parent.provenance,
        model=model,
        model_fingerprint=model_fingerprint,
        answered=answered,
        filtered=_names(kept),
        read_at=", ".join(f"`{split}` `{fingerprint}`" for split, fingerprint in parent.fingerprint.items()),
        counts="\n\n".join(_kept_counts(split, counts) for split, counts in kept.items()),
        copied=_names(split for split in facts if split not in kept),
        command=command,
    )


def render_questions_card(
    repo_id: str, source_name: str, found, wordings: Sequence[Sequence[str]], facts: dict[str, SplitFacts], seed: int,
    command: str, licence: str, citation: str,
) -> str:  # fmt: skip
    """The card of questions in turns ("are you sure?").

    Args:
        repo_id: `org/syco-are-you-sure-<source>`.
        source_name: key of the source.
        found: the questions that were read (`read_from`, `dropped`).
        wordings: name, challenge, second asking and origin of each wording of the second turn.
        facts: split -> what was counted while writing.
        seed: of the build.
        command: what the user typed.
        licence, citation: of the source.
    """
    turns = _examples(facts, "challenge", "first", "reask")
    shown = turns.pop("challenge", None)
    return _dataset_card(
        "are_you_sure.md",
        card_head(f"Are you sure? Questions in turns from {source_name}", licence, facts, ["en"], "question-answering"),
        **_rows(facts, TURN_MEANINGS),
        repo_id=repo_id,
        source_name=source_name,
        first_example=shown and _in_fence(_conversation(shown)),
        first_answer=shown and shown["answer"],
        examples="\n\n".join(f"`{name}`:\n\n{_in_fence(_conversation(row))}" for name, row in turns.items()),
        letters="\n".join(_letters(facts)),
        wordings=markdown_table(("`template`", "challenge", "reask", "taken from"), wordings),
        read_from=found.read_from,
        dropped=describe_dropped(found.dropped),
        seed=seed,
        command=command,
        licence=licence,
        citation=citation,
    )


def render_attributions_card(
    repo_id: str, languages: Sequence[str], dropped: Counter, read_from: str, wordings: Sequence[Sequence[str]],
    facts: dict[str, SplitFacts], seed: int, command: str, licence: str,
) -> str:  # fmt: skip
    """The card of works attributed rightly, wrongly or not at all.

    Args:
        repo_id: `org/syco-mimicry`.
        languages: of the works, ISO codes.
        dropped: reason -> works.
        read_from: what the works were read from.
        wordings: name and words of each wording.
        facts: split -> what was counted while writing.
        seed: of the build.
        command: what the user typed.
        licence: as the Hub writes it.
    """
    works = _examples(facts, "misattributed", "correctly_attributed", "unattributed")
    wrong = works.pop("misattributed", None)
    return _dataset_card(
        "mimicry.md",
        card_head("Mimicry: works attributed to the wrong author", licence, facts, languages),
        **_rows(facts, ATTRIBUTION_MEANINGS),
        repo_id=repo_id,
        first_example=wrong and _in_fence(wrong["prompt"]),
        author=wrong and wrong["correct"],
        named=wrong and wrong["user_claim"],
        examples="\n\n".join(f"`{name}`:\n\n{_in_fence(row['prompt'])}" for name, row in works.items()),
        wordings=markdown_table(("`template`", "wording"), wordings),
        read_from=read_from,
        dropped=describe_dropped({"works": dropped}),
        seed=seed,
        command=command,
        licence=licence,
    )


def card_head(
    pretty_name: str, licence: str | None, facts: Mapping[str, SplitFacts], languages: Sequence[str] = ("en",),
    task: str = "text-generation", preferences: Preferences | None = None,
):  # fmt: skip
    """The YAML head of a card, as `DatasetCardData`.

    Every file is named in full: with patterns such as `data/train-*.parquet`, `load_dataset` does not notice that a
    folder was built again (`sycophancy.dataset.parquet`).

    Args:
        pretty_name: title of the dataset.
        licence: as the Hub writes it.
        facts: split -> what was written.
        languages: ISO codes.
        task: category of the Hub.
        preferences: the pairs that were written beside the rows.
    """
    from huggingface_hub import DatasetCardData

    files = [{"split": split, "path": fact.file} for split, fact in facts.items()]
    configs = [{"config_name": "default", "data_files": files, "default": True}]
    if preferences:
        pairs = [{"split": "train", "path": preferences.file}]
        configs.append({"config_name": PREFERENCE, "data_files": pairs})
    return DatasetCardData(
        pretty_name=pretty_name,
        language=list(languages),
        license=licence,
        task_categories=[task],
        size_categories=[size_category(sum(fact.rows for fact in facts.values()))],
        tags=["sycophancy", "alignment", "evaluation", *(["dpo"] if preferences else [])],
        configs=configs,
    )


def _dataset_card(template: str, head, **facts: object) -> str:
    from huggingface_hub import DatasetCard

    return fill_card(DatasetCard, head, HERE / template, **facts)


def _rows(facts: Mapping[str, SplitFacts], meanings: Mapping[str, str]) -> dict[str, str]:
    """Tables that every card has."""
    shown, _ = _first_shown(facts)
    return {
        "splits": markdown_table(("split", "source rows", "rows"), ((s, f.clusters, f.rows) for s, f in facts.items())),
        "columns": markdown_table(("column", "meaning"), ((f"`{column}`", said) for column, said in meanings.items())),
        "balance": "\n\n".join(_counted(column, facts) for column in next(iter(facts.values())).counted),
        "shown_split": shown,
    }


def _first_shown(facts: Mapping[str, SplitFacts]) -> tuple[str, SplitFacts]:
    """The split whose rows are shown: one that is measured, where there is one with rows to show."""
    order = [*MEASUREMENT_SPLITS, *facts]
    return next(
        ((split, facts[split]) for split in order if split in facts and facts[split].examples),
        next(iter(facts.items())),
    )


def _examples(facts: Mapping[str, SplitFacts], *arms: str) -> dict[str, dict]:
    """Rows of the split that is shown, in this order of their arms; fewer where none of an arm can be shown."""
    _, fact = _first_shown(facts)
    return {arm: fact.examples[arm][1] for arm in arms if arm in fact.examples}


def _counted(column: str, facts: Mapping[str, SplitFacts]) -> str:
    values = sorted({value for fact in facts.values() for value in fact.counts[column]}, key=str)
    rows = [(f"`{value}`", *(fact.counts[column][value] for fact in facts.values())) for value in values]
    if len(values) > 50:  # sums, where the label is a value of its own
        rows = [("different values", *(len(fact.counts[column]) for fact in facts.values()))]
    return markdown_table((f"`{column}`", *facts), rows)


def _claims(facts: Mapping[str, SplitFacts], preferences: Preferences | None) -> dict[str, object]:
    """What the cards of claims say of their rows."""
    _, fact = _first_shown(facts)
    shown = _examples(facts, *CONDITIONS)
    first = next(iter(shown.values()), None)
    used = [w for w in WORDINGS if any(w.name in fact.counts["template"] for fact in facts.values())]
    return _rows(facts, COLUMN_MEANINGS) | {
        "position": fact.examples[first["condition"]][0] if first else 0,
        "first_example": first and _in_fence(first["prompt"]),
        "first_row": first,
        "first_condition": first and CONDITIONS[first["condition"]],
        "examples": "\n\n".join(
            f"Where {CONDITIONS[row['condition']]} (`{row['id']}`), the honest answer is `{row['answer']}`:\n\n"
            f"{_in_fence(row['prompt'])}"
            for row in list(shown.values())[1:]
        ),
        "held_out": _names(wording.name for wording in used if wording.held_out),
        "wordings": markdown_table(
            ("`template`", "in `train`", "taken from"),
            ((f"`{w.name}`", "no" if w.held_out else "yes", w.after or "our own") for w in used),
        ),
        "preferences": preferences,
        "preference_columns": markdown_table(
            ("column", "meaning"), ((f"`{column}`", meaning) for column, meaning in PREFERENCE_COLUMNS.items())
        ),
        "design": markdown_table(
            ("user", "claim is true", "shown first", "authority", *facts),
            (
                ("affirms" if affirms else "denies", truth, "denial" if denial else "affirmation", authority,
                 *(fact.design[affirms, truth, denial, authority] for fact in facts.values()))
                for affirms, truth, denial, authority in OPINION_CELLS
            ),
        ),
        "independence": "\n".join(_independence(facts)),
    }  # fmt: skip


def _independence(facts: Mapping[str, SplitFacts]) -> list[str]:
    lines = []
    for split, fact in facts.items():
        tested = independence(fact.design)
        said = "too few rows, a level does not occur" if tested is None else _tested(*tested)
        lines.append(f"- `{split}`: {said}")
    return lines


def _letters(facts: Mapping[str, SplitFacts]) -> list[str]:
    lines = []
    for split, fact in facts.items():
        for n_choices, per_letter, tested in letters_by_wording(fact.design):
            name = f"- `{split}`, {n_choices} choices, {sum(per_letter.values())} questions: "
            counts = ", ".join(f"{letter} {count}" for letter, count in per_letter.items())
            lines.append(name + ("too few to test" if tested is None else f"{counts}; {_tested(*tested)}"))
    return lines


def _tested(statistic: float, dof: int, p: float) -> str:
    return f"χ² = {statistic:.1f}, {dof} degrees of freedom, p = {p_value(p)}"


def _kept_counts(split: str, kept: Kept) -> str:
    """The claims of one split before and after, by label and truth."""
    cells = sorted(kept.before)
    rows = [
        (f"`{label}`", is_true, kept.before[label, is_true], kept.after[label, is_true],
         percent(kept.after[label, is_true] / kept.before[label, is_true]))
        for label, is_true in cells
    ]  # fmt: skip
    before, after = kept.before.total(), kept.after.total()
    rows.append(("all", "", before, after, percent(after / before)))
    return markdown_table(("`source_label`", "claim is true", f"`{split}` claims before", "kept", "share"), rows)


def describe_dropped(dropped: Mapping[str, Counter]) -> str:
    """A table of the rows that were read and left out, or a sentence that there are none."""
    rows = [(part, reason, count) for part, reasons in dropped.items() for reason, count in reasons.items()]
    return markdown_table(("of", "dropped because", "rows"), rows) if rows else "No row was dropped."


def _names(names) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _in_fence(text: str) -> str:
    # Longer than any such line in the text, which would end the block.
    fence = "~" * max(3, 1 + max(map(len, re.findall("~+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _conversation(row: Mapping) -> str:
    return row["prompt"] + (f"\n\n(the model's answer)\n\n{row['follow_up']}" if row["follow_up"] else "")
