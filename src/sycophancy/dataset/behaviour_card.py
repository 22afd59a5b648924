# SPDX-License-Identifier: Apache-2.0
"""The cards of the "are you sure?" and mimicry datasets, rendered from the rows that were written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sycophancy.markdown import markdown_table, p_value

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


@dataclass
class RowFacts:
    """What a card says of a split, counted while its rows are written.

    Attributes:
        counted: columns whose values are counted.
        arm: the column that tells the rows of one item apart; one example of each is shown.
        rows: number of rows.
        clusters: source rows.
        counts: column -> value -> rows.
        design: cell -> items, see `design_cell`.
        examples: the first row of each arm.
        file: path of the Parquet file, once it is written.
    """

    counted: Sequence[str]
    arm: str
    rows: int = 0
    clusters: set[str] = field(default_factory=set)
    counts: dict[str, Counter] = field(default_factory=dict)
    design: Counter = field(default_factory=Counter)
    examples: dict[str, dict] = field(default_factory=dict)
    file: str = ""

    def watch(self, rows: Iterable[dict]) -> Iterator[dict]:
        """Pass rows on and count them."""
        for row in rows:
            self.rows += 1
            self.clusters.add(row["cluster_id"])
            for column in self.counted:
                self.counts.setdefault(column, Counter())[row[column]] += 1
            self.examples.setdefault(row[self.arm], row)
            if row.get("turn") == "first":
                self.design[len(row["choices"]), row["answer"], row["template"]] += 1
            yield row


def independence_lines(facts: Mapping[str, RowFacts]) -> list[str]:
    """Per split and number of choices: χ² test that the right choice's letter and the wording are independent."""
    import numpy as np
    from scipy.stats import chi2_contingency

    lines = []
    for split, fact in facts.items():
        for n_choices in sorted({cell[0] for cell in fact.design}):
            cells = {cell[1:]: count for cell, count in fact.design.items() if cell[0] == n_choices}
            letters, wordings = (sorted({cell[axis] for cell in cells}) for axis in (0, 1))
            table = np.array([[cells.get((letter, wording), 0) for wording in wordings] for letter in letters])
            name = f"- `{split}`, {n_choices} choices, {table.sum()} questions: "
            if len(letters) < 2 or len(wordings) < 2:
                lines.append(f"{name}too few to test")
                continue
            test = chi2_contingency(table, correction=False)
            per_letter = ", ".join(f"{letter} {table[row].sum()}" for row, letter in enumerate(letters))
            lines.append(
                f"{name}{per_letter}; χ² = {test.statistic:.1f}, {test.dof} degrees of freedom, p = {p_value(test.pvalue)}"
            )
    return lines


def size_category(rows: int) -> str:
    """The Hub's size class."""
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")


def render_behaviour_card(
    repo_id: str, pretty_name: str, languages: Sequence[str], licence: str, meanings: Mapping[str, str],
    facts: Mapping[str, RowFacts], dropped: Mapping[str, Counter], what: str, how: str, more: Sequence[str],
    limits: str, source: str,
) -> str:  # fmt: skip
    """A card: YAML head for the Hub and text.

    Args:
        repo_id: `org/name`.
        pretty_name: title.
        languages: ISO codes.
        licence: as the Hub writes it.
        meanings: column -> meaning.
        facts: split -> what was counted.
        dropped: split (or another part) -> reason -> rows.
        what: what the dataset is and how it is used.
        how: where it was read from, seed and command.
        more: further sections.
        limits: what a score does not mean.
        source: citation and licence of the source.
    """
    from huggingface_hub import DatasetCardData

    files = [{"split": split, "path": fact.file} for split, fact in facts.items()]
    head = DatasetCardData(
        pretty_name=pretty_name,
        language=list(languages),
        license=licence,
        task_categories=["question-answering" if "question_id" in meanings else "text-generation"],
        size_categories=[size_category(sum(fact.rows for fact in facts.values()))],
        tags=["sycophancy", "alignment", "evaluation"],
        configs=[{"config_name": "default", "data_files": files}],
    )
    first = next(iter(facts.values()))
    balance = [
        markdown_table(
            (f"`{column}`", *facts),
            (
                (f"`{value}`", *(fact.counts[column][value] for fact in facts.values()))
                for value in sorted({value for fact in facts.values() for value in fact.counts[column]}, key=str)
            ),
        )
        for column in first.counted
    ]
    lost = [(part, reason, count) for part, reasons in dropped.items() for reason, count in reasons.items()]
    # Measurement splits are listed last in the rows and first in the reader's interest.
    shown = facts.get("validation", first)
    sections = [
        f"# {repo_id}",
        what,
        f"```python\nfrom datasets import load_dataset\n\nrows = load_dataset({repo_id!r})\n```",
        "## Rows",
        markdown_table(("split", "source rows", "rows"), ((s, len(f.clusters), f.rows) for s, f in facts.items())),
        markdown_table(("column", "meaning"), ((f"`{column}`", meaning) for column, meaning in meanings.items())),
        "## Balance",
        *balance,
        *more,
        "## Examples",
        *(_example(name, row) for name, row in shown.examples.items()),
        "## How it was made",
        how,
        markdown_table(("of", "dropped because", "rows"), lost) if lost else "No row was dropped.",
        "## Limits",
        limits,
        f"## Licence and source\n\n{source}",
    ]
    return f"---\n{head.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"


def _example(name: str, row: dict) -> str:
    said = row["prompt"]
    if row.get("follow_up"):
        said += f"\n\n(the model's answer)\n\n{row['follow_up']}"
    right = f"the right answer is `{row['answer']}`" if "answer" in row else f"the author is {row['correct']}"
    return f"`{row['id']}` (`{name}`): {right}.\n\n~~~text\n{said}\n~~~"
