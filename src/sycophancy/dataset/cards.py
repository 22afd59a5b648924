# SPDX-License-Identifier: Apache-2.0
"""The cards of datasets: facts of the rows that were written, for the words in `claims.md`, `suggested_answers.md`,
`known.md`, `are_you_sure.md`, `mimicry.md` and `feedback.md`. No figure in a card is typed.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.claims.sources import SourceRows
from sycophancy.claims.tasks import Source
from sycophancy.claims.wordings import WORDINGS, say_opinion
from sycophancy.dataset.facts import (
    OPINION_CELLS,
    AnswerFacts,
    SplitFacts,
    associations,
    independence,
    letters_by_wording,
    size_category,
)
from sycophancy.dataset.known import Kept
from sycophancy.dataset.meanings import (
    ANSWER_CONDITIONS,
    ANSWER_MEANINGS,
    ATTRIBUTION_MEANINGS,
    COLUMN_MEANINGS,
    CONDITIONS,
    FEEDBACK_MEANINGS,
    ROUND_MEANINGS,
    TURN_MEANINGS,
)
from sycophancy.dataset.preferences import PREFERENCE, PREFERENCE_COLUMNS, Preferences
from sycophancy.feedback import rows as feedback
from sycophancy.markdown import fill_card, markdown_table, p_value, percent
from sycophancy.suggested_answers import wordings as of_answers

HERE = Path(__file__).parent

MOST_VALUES = 50
"""Values of a column that a card counts one by one."""


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
    command: str, preferences: Preferences | None = None, mended: bool = False,
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
        mended: whether texts are shown otherwise than the source has them.
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
        mended=mended,
        dropped=describe_dropped(source_rows.dropped),
        citation=source.citation,
        licence=source.licence,
    )


def render_answers_card(
    repo_id: str, source_name: str, facts: dict[str, AnswerFacts], dropped: Mapping[str, Counter],
    preferences: Preferences | None, *, licence: str, citation: str, read_from: str, seed: int, command: str, question: str,
    notes: Sequence[str] = (),
) -> str:  # fmt: skip
    """The card of a dataset of suggested answers.

    Args:
        repo_id: `org/syco-answers-<source>`.
        source_name: key of the source.
        facts: split -> what was counted while writing.
        dropped: split -> reason -> rows.
        preferences: the pairs that were written beside the rows.
        licence, citation: of the source.
        read_from: what the rows were read from, in words.
        seed: of the build.
        command: what the user typed.
        question: the form of the questions.
        notes: further sentences about how the source was read.
    """
    return _dataset_card(
        "suggested_answers.md",
        card_head(f"Suggested answers to {source_name}", licence, facts, preferences=preferences),
        **_answers(facts, preferences),
        repo_id=repo_id,
        source_name=source_name,
        read_from=read_from,
        seed=seed,
        command=command,
        question=question,
        notes="\n\n".join(notes),
        dropped=describe_dropped(dropped),
        citation=citation,
        licence=licence,
    )


def render_known_card(
    repo_id: str, parent: Parent, model: str, model_fingerprint: str, answered: str, kept: dict[str, Kept],
    facts: dict[str, SplitFacts], preferences: Preferences | None, command: str,
) -> str:  # fmt: skip
    """The card of the claims, or of the questions with suggested answers, that a model knows.

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
    of_questions = any(isinstance(fact, AnswerFacts) for fact in facts.values())
    return _dataset_card(
        "known.md",
        card_head(f"{parent.name}, known to {model}", parent.licence, facts, preferences=preferences),
        # The template has sections for both families.
        **{"design": "", "n_choices": "", "held": ""} | (_answers if of_questions else _claims)(facts, preferences),
        of_questions=of_questions,
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
    repo_id: str, source_name: str, found, wordings: tuple[Sequence[str], Sequence[Sequence[str]]],
    facts: dict[str, SplitFacts], seed: int, command: str, licence: str, citation: str, rounds: int = 1,
) -> str:  # fmt: skip
    """The card of questions in turns ("are you sure?").

    Args:
        repo_id: `org/syco-are-you-sure-<source>`.
        source_name: key of the source.
        found: the questions that were read (`read_from`, `dropped`).
        wordings: head and rows of the table of what users say.
        facts: split -> what was counted while writing.
        seed: of the build.
        command: what the user typed.
        licence, citation: of the source.
        rounds: how often the user presses in one conversation.
    """
    turns = _examples(facts, "challenge", "first", "reask", "rethink", "suggest_wrong", "suggest_right")
    shown = turns.pop("challenge", None) or turns.pop("suggest_wrong", None) or turns.pop("suggest_right", None)
    suggests = any(
        turn in fact.counts["turn"] for fact in facts.values() for turn in ("suggest_wrong", "suggest_right")
    )
    meanings = TURN_MEANINGS | (ROUND_MEANINGS if suggests or rounds > 1 else {})
    return _dataset_card(
        "are_you_sure.md",
        card_head(f"Are you sure? Questions in turns from {source_name}", licence, facts, ["en"], "question-answering"),
        **_rows(facts, meanings),
        repo_id=repo_id,
        source_name=source_name,
        first_example=shown and _in_fence(_conversation(shown)),
        first_answer=shown and shown["answer"],
        examples="\n\n".join(f"`{name}`:\n\n{_in_fence(_conversation(row))}" for name, row in turns.items()),
        letters="\n".join(_letters(facts)),
        wordings=markdown_table(*wordings),
        rounds=rounds,
        suggests=suggests,
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


def render_feedback_card(
    repo_id: str, ask: str, read_from: str, wordings: Sequence[feedback.Wording], facts: dict[str, SplitFacts], seed: int,
    command: str, licence: str, embedded: bool,
) -> str:  # fmt: skip
    """The card of texts of known quality, about which users say one thing or another.

    Args:
        repo_id: `org/syco-feedback`.
        ask: `rating` or `comment`.
        read_from: what the texts were read from.
        wordings: those that can occur.
        facts: split -> what was counted while writing.
        seed: of the build.
        command: what the user typed.
        licence: as the Hub writes it.
        embedded: whether the texts are this project's own, in pairs.
    """
    rows = _examples(facts, *feedback.CONDITIONS)
    first = rows.pop("like", None)
    arms = [arm for arm in feedback.CONDITIONS if arm != "none"]
    balanced = all(fact.counts["quality"]["good"] == fact.counts["quality"]["flawed"] for fact in facts.values())
    return _dataset_card(
        "feedback.md",
        card_head("Biased feedback: texts that the user likes or wrote", licence, facts),
        **_rows(facts, FEEDBACK_MEANINGS),
        repo_id=repo_id,
        comments=ask == "comment",
        asked_for={"rating": "a rating of", "comment": "a comment on, and a rating of,"}[ask],
        first_example=first and _in_fence(first["prompt"]),
        first_quality=first and first["quality"],
        first_condition=first and first["condition"],
        balanced=balanced,
        origin=_origin(facts, embedded),
        examples="\n\n".join(f"`{name}`:\n\n{_in_fence(row['prompt'])}" for name, row in rows.items()),
        wordings=markdown_table(
            ("`template`", "in `train`", *(f"`{arm}`" for arm in arms)),
            (
                (
                    f"`{w.name}`",
                    "no" if w.held_out else "yes",
                    *(w.says[arm].strip().format(kind="text") for arm in arms),
                )
                for w in wordings
            ),
        ),
        read_from=read_from,
        seed=seed,
        command=command,
        licence=licence,
    )


def _origin(facts: Mapping[str, SplitFacts], embedded: bool) -> str:
    """How the texts came about, and which are in which split."""
    if not embedded:
        return (
            "Every text is a cluster of its own, and all are in `validation`: whoever gave them says which are flawed."
        )
    families = {split: len(fact.counts["family"]) for split, fact in facts.items()}
    counted = " and ".join(f"{number} in `{split}`" for split, number in families.items())
    return (
        "Every text is there in two forms, one good and one with exactly one planted flaw: arguments differ in a step and what "
        "is made of it, worked sums in one result and what follows from it. The two forms are one cluster. No family of flaws "
        f"is in two splits: {counted}."
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
    rows = [
        ("(none)" if value == "" else f"`{value}`", *(fact.counts[column][value] for fact in facts.values()))
        for value in values
    ]
    if len(values) > MOST_VALUES:  # sums and questions, where the label is a value of its own
        rows = [("different values", *(len(fact.counts[column]) for fact in facts.values()))]
    return markdown_table((f"`{column}`", *facts), rows)


def _claims(facts: Mapping[str, SplitFacts], preferences: Preferences | None) -> dict[str, object]:
    """What the cards of claims say of their rows."""
    used = [w for w in WORDINGS if any(w.name in fact.counts["template"] for fact in facts.values())]
    return _rows(facts, COLUMN_MEANINGS) | _in_conditions(facts, CONDITIONS) | _pairs(preferences, PREFERENCE_COLUMNS) | {
        "held_out": _names(wording.name for wording in used if wording.held_out),
        "wordings": markdown_table(
            ("`template`", "in `train`", "a user who is sure and denies the claim", "taken from"),
            (
                (f"`{w.name}`", "no" if w.held_out else "yes", say_opinion(w, "sure", "before", False, "(the denial)"),
                 w.after or "our own")
                for w in used
            ),
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


def _answers(facts: Mapping[str, AnswerFacts], preferences: Preferences | None) -> dict[str, object]:
    """What the cards of suggested answers say of their rows."""
    used = [w for w in of_answers.WORDINGS if any(w.name in fact.counts["template"] for fact in facts.values())]
    numbers = sorted({n for fact in facts.values() for n in fact.n_choices})
    held = sorted({text for fact in facts.values() for named in fact.named.values() for text in named})
    pairs = PREFERENCE_COLUMNS | {
        "prompt": "what the model reads, as in the rows",
        "claim_id": "the question, as in the train split",
    }
    return _rows(facts, ANSWER_MEANINGS) | _in_conditions(facts, ANSWER_CONDITIONS) | _pairs(preferences, pairs) | {
        "held_out": _names(wording.name for wording in used if wording.held_out),
        "wordings": markdown_table(
            ("`template`", "answered by", "in `train`", "a user who is sure", "a choice that nobody holds"),
            (
                (f"`{w.name}`", "letter" if w.lettered else "words", "no" if w.held_out else "yes", w.voice.says["sure"][0],
                 w.voice.mentions)
                for w in used
            ),
        ),
        "n_choices": markdown_table(("choices", *facts), ((n, *(f.n_choices[n] for f in facts.values())) for n in numbers)),
        # Of questions, whose answers are texts of their own, this would be a table of all of them.
        "held": len(held) <= MOST_VALUES and markdown_table(
            ("held", *facts), ((f"`{text}`", *(_share_right(fact, text) for fact in facts.values())) for text in held)
        ),
        "independence": "\n".join(_associations(facts)),
    }  # fmt: skip


def _in_conditions(facts: Mapping[str, SplitFacts], conditions: Mapping[str, str]) -> dict[str, object]:
    """The row on the first screen, and the same in the other conditions."""
    _, fact = _first_shown(facts)
    shown = _examples(facts, *conditions)
    first = next(iter(shown.values()), None)
    return {
        "position": fact.examples[first["condition"]][0] if first else 0,
        "first_example": first and _in_fence(first["prompt"]),
        "first_row": first,
        "first_condition": first and conditions[first["condition"]],
        "examples": "\n\n".join(
            f"Where {conditions[row['condition']]} (`{row['id']}`), the honest answer is `{row['answer']}`:\n\n"
            f"{_in_fence(row['prompt'])}"
            for row in list(shown.values())[1:]
        ),
    }


def _pairs(preferences: Preferences | None, meanings: Mapping[str, str]) -> dict[str, object]:
    return {
        "preferences": preferences,
        "preference_columns": markdown_table(
            ("column", "meaning"), ((f"`{column}`", meaning) for column, meaning in meanings.items())
        ),
    }


def _share_right(fact: AnswerFacts, text: str) -> str:
    right, wrong = fact.named[True][text], fact.named[False][text]
    return f"{right + wrong}, {right} right" if right + wrong else "0"


def _associations(facts: Mapping[str, AnswerFacts]) -> list[str]:
    lines = []
    for split, fact in facts.items():
        found = list(associations(fact))
        if not found:
            lines.append(f"- `{split}`: too few rows to test")
            continue
        one, other, n_choices, strength, _ = max(found, key=lambda pair: pair[3])
        p = min(pair[4] for pair in found)
        lines.append(
            f"- `{split}`: {len(found)} pairs of factors; the strongest association is that of {one} and {other} "
            f"({n_choices} choices), Cramér's V = {strength:.3f}; the smallest p of a χ² test is {p_value(p)}, after "
            f"Bonferroni {p_value(min(1.0, p * len(found)))}"
        )
    return lines


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
    """The claims or questions of one split before and after, by label, and those of claims by truth."""
    cells = sorted(kept.before) if len(kept.before) <= MOST_VALUES else []
    before, after = kept.before.total(), kept.after.total()
    rows = [
        *((f"`{label}`", is_true, kept.before[label, is_true], kept.after[label, is_true]) for label, is_true in cells),
        ("all", "", before, after),
    ]
    rows = [(*row, percent(row[3] / row[2])) for row in rows]
    header = ["`source_label`", "claim is true", f"`{split}` {kept.unit} before", "kept", "share"]
    if kept.unit == "questions":
        header, rows = [*header[:1], *header[2:]], [(*row[:1], *row[2:]) for row in rows]
    return markdown_table(header, rows)


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
