# SPDX-License-Identifier: Apache-2.0
"""The card of a dataset of suggested answers, rendered from the rows that were written: no figure in it is typed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.dataset.arms import OPINIONS
from sycophancy.dataset.cards import (
    COLUMN_MEANINGS,
    describe_dropped,
    describe_examples,
    describe_preferences,
    looks_unfinished,
    markdown_table,
    render_head,
)
from sycophancy.dataset.preferences import Preferences
from sycophancy.suggested_answers.wordings import WORDINGS

ANSWER_MEANINGS = COLUMN_MEANINGS | {
    "claim_id": "shared by the conditions of one question",
    "cluster_id": "the source row, the same as `claim_id`",
    "source_label": "the right answer in the source's words",
    "claim": "empty: no claim is made",
    "claim_is_true": "null: no claim is made",
    "condition": "`no_opinion`; `persona`, an introduction alone; `mention`, an answer is named and nobody holds it; "
    "`wrong_opinion` and `right_opinion`",
    "authority": "who speaks: `none` (no introduction), `layperson`, `student`, `professional`, `expert`; `none` in "
    "`no_opinion` too",
    "choices": "the answers to choose from, in the order shown: words, or letters",
    "user_answer": "the answer that the user holds, empty where nobody holds one",
    "certainty": "how the user says so: `hedged`, `plain` or `sure`; empty without an opinion",
    "opinion_place": "where the answer is named, `before` or `after` the question; empty where none is",
    "polarity": "whether the user `asserts` the answer named or `denies` it; empty without an opinion",
    "mentioned": "the choice that the user's words name, empty where they name none",
    "question": "the question without its choices",
    "choice_texts": "the choices' words in the order shown, the same as `choices` where these are no letters",
    "wrong_answer": "the choice that a user holds who is wrong; the same in all rows of a question",
}

COUNTED = ("condition", "authority", "certainty", "opinion_place", "polarity", "template", "source_label")

FACTORS = (
    "authority",
    "certainty",
    "opinion_place",
    "polarity",
    "template",
    "place of the answer",
    "place of the choice named",
)


@dataclass
class AnswerFacts:
    """What the card says of a split, counted while its rows are written.

    Attributes:
        rows: number of rows.
        clusters: number of source rows, where the rows of each stand together.
        file: path of the Parquet file in the folder, once it is written.
        counts: column -> value -> rows.
        n_choices: number of choices -> questions.
        pairs: (factor, factor) -> (level, level) -> rows with an opinion.
        named: label -> (rows with an opinion whose user asserts it, those of them where it is right).
        examples: the first row of each condition that a card can show.
    """

    rows: int = 0
    clusters: int = 0
    file: str = ""
    counts: dict[str, Counter] = field(default_factory=lambda: {column: Counter() for column in COUNTED})
    n_choices: Counter = field(default_factory=Counter)
    pairs: dict[tuple[str, str], Counter] = field(default_factory=dict)
    named: dict[bool, Counter] = field(default_factory=lambda: {False: Counter(), True: Counter()})
    examples: dict[str, dict] = field(default_factory=dict)
    _cluster: str = ""

    def see(self, row: Mapping) -> None:
        """Count one row."""
        self.rows += 1
        if row["cluster_id"] != self._cluster:
            # Not a set of all ids: that would hold every id of the split in memory.
            self.clusters += 1
            self._cluster = row["cluster_id"]
            self.n_choices[len(row["choices"])] += 1
        for column in COUNTED:
            self.counts[column][row[column]] += 1
        if row["condition"] not in self.examples and not looks_unfinished(row["prompt"]):
            self.examples[row["condition"]] = dict(row)
        if row["condition"] in OPINIONS:
            self._see_opinion(row)

    def _see_opinion(self, row: Mapping) -> None:
        of = [row[factor] for factor in FACTORS[:5]]
        of += [str(row["choices"].index(row[column])) for column in ("answer", "mentioned")]
        n = len(row["choices"])
        for (one, left), (other, right) in combinations(zip(FACTORS, of, strict=True), 2):
            # Denials are of two choices, and places are as many as choices: within each number of choices.
            self.pairs.setdefault((one, other), Counter())[n, left, right] += 1
        text = row["choice_texts"][row["choices"].index(row["user_answer"])]
        self.named[row["condition"] == "right_opinion"][text] += 1


def associations(fact: AnswerFacts) -> Iterator[tuple[str, str, int, float, float]]:
    """Each pair of factors among the rows with an opinion: their names, choices, Cramér's V and p of a χ² test.

    Pairs that are made to go together are left out: the place of the answer says where the choice named stands.
    """
    import numpy as np
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    for (one, other), counts in fact.pairs.items():
        if {one, other} == set(FACTORS[5:]):
            continue
        for n in sorted({cell[0] for cell in counts}):
            cells = {cell[1:]: count for cell, count in counts.items() if cell[0] == n}
            rows, columns = (sorted({cell[axis] for cell in cells}) for axis in (0, 1))
            table = np.array([[cells.get((row, column), 0) for column in columns] for row in rows])
            # Two rows of one question are one draw.
            if min(table.shape) > 1 and (table.sum() / 2) >= 5 * table.size:
                halved = table / 2
                test = chi2_contingency(halved, correction=False)
                yield one, other, n, float(association(table)), float(test.pvalue)


def describe_answers(repo_id: str, facts: dict[str, AnswerFacts], preferences: Preferences | None) -> list[str]:
    """The sections that show what the rows hold: splits, columns, pairs, balance, wordings and examples."""
    used = [w for w in WORDINGS if any(w.name in fact.counts["template"] for fact in facts.values())]
    held_out = [f"`{wording.name}`" for wording in used if wording.held_out]
    return [
        "## Rows",
        markdown_table(("split", "source rows", "rows"), ((s, f.clusters, f.rows) for s, f in facts.items())),
        f"`{'` and `'.join(MEASUREMENT_SPLITS)}` are crossed for measurement: every question is asked alone, by an introduced "
        "user who says nothing of the answer (where there is an introduction), with an answer named that nobody holds, and by "
        "a user who is wrong and one who is right. The rows of a question differ in the user's words and in nothing else. "
        "`train` is for tuning: one row per source row, drawn uniformly, and `answer` is always the truth."
        + (f" Wordings that never occur in `train`: {', '.join(held_out)}." if held_out else ""),
        markdown_table(("column", "meaning"), ((f"`{c}`", meaning) for c, meaning in ANSWER_MEANINGS.items())),
        "Following and copying come apart in three ways: `mention` is the floor of a bare name; a user who denies one of two "
        "answers holds the one that is not named; and `persona` is who speaks, without what is said.",
        *describe_preferences(repo_id, preferences),
        "## Balance",
        *_balance(facts),
        "## Wordings",
        markdown_table(
            ("`template`", "answered by", "train", "a user who is sure", "a choice that nobody holds"),
            (
                (f"`{w.name}`", "letter" if w.lettered else "words", "no" if w.held_out else "yes", w.voice.says["sure"][0],
                 w.voice.mentions)
                for w in used
            ),
        ),
        "## Examples",
        *describe_examples(facts),
    ]  # fmt: skip


def render_answer_card(
    repo_id: str, source_name: str, facts: dict[str, AnswerFacts], dropped: Mapping[str, Counter], preferences: Preferences | None,
    *, licence: str, citation: str, read_from: str, seed: int, command: str, question: str, notes: tuple[str, ...] = (),
) -> str:  # fmt: skip
    """The card of one dataset: YAML head for the Hub and text.

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
    head = render_head(f"Suggested answers to {source_name}", licence, facts, preferences)
    sections = [
        f"# {repo_id}",
        f"Questions of `{source_name}`, asked alone and by users who suggest an answer. A model that answers well alone and "
        "gives a wrong user's answer instead is **sycophantic**; the columns measure by how much, and how much of it is no "
        "more than repeating what was named last. The train split is for training it away.",
        f"```python\nfrom datasets import load_dataset\n\nrows = load_dataset({repo_id!r})\n```",
        *describe_answers(repo_id, facts, preferences),
        "## How it was made",
        f"Read from {read_from}. Questions read `{question}`. Seed {seed}; the same command gives the same bytes:\n\n"
        f"```\n{command}\n```",
        *notes,
        describe_dropped(dropped),
        "## Limits",
        "The right answer is the source's, errors included. Users assert an answer or, of two, deny one; nobody argues. With "
        "three or more choices users only assert, and how much of following them is copying shows in `mention` alone. "
        "Published questions are part of common training mixtures, so a model may have seen them.",
        "Tuning on it: in `train`, and in the pairs, users are right as often as wrong, so that what they say is no evidence; "
        "a model that learns this no longer takes a correction that is right.",
        f"## Licence and source\n\n{citation} Licence of the source: {licence}.",
    ]
    return head + "\n\n".join(sections) + "\n"


def _balance(facts: dict[str, AnswerFacts]) -> list[str]:
    parts = []
    for column in COUNTED:
        values = sorted({value for fact in facts.values() for value in fact.counts[column]})
        rows = (
            (f"`{value}`" if value else "(none)", *(f.counts[column][value] for f in facts.values()))
            for value in values
        )
        if len(values) > 50:  # questions, where the answer is a text of its own
            rows = [("different values", *(len(fact.counts[column]) for fact in facts.values()))]
        parts.append(markdown_table((f"`{column}`", *facts), rows))
    numbers = sorted({n for fact in facts.values() for n in fact.n_choices})
    parts.append(markdown_table(("choices", *facts), ((n, *(f.n_choices[n] for f in facts.values())) for n in numbers)))
    labels = sorted({label for fact in facts.values() for named in fact.named.values() for label in named})
    if len(labels) <= 50:
        cells = ((f"`{label}`", *(_share(fact, label) for fact in facts.values())) for label in labels)
        parts += [
            "Rows whose user holds this answer, and how many of these users are right:",
            markdown_table(("held", *facts), cells),
        ]
    lines = []
    for split, fact in facts.items():
        if found := list(associations(fact)):
            one, other, n, strength, _ = max(found, key=lambda pair: pair[3])
            p = min(pair[4] for pair in found)
            lines.append(
                f"- `{split}`: {len(found)} pairs of factors; the strongest association is that of {one} and {other} ({n} "
                f"choices), Cramér's V = {strength:.3f}; the smallest p of a χ² test is {p:.3f}, after Bonferroni "
                f"{min(1.0, p * len(found)):.3f}"
            )
        else:
            lines.append(f"- `{split}`: too few rows to test")
    return [*parts, "Independence of the factors, among rows with an opinion:\n\n" + "\n".join(lines)]


def _share(fact: AnswerFacts, label: str) -> str:
    right, wrong = fact.named[True][label], fact.named[False][label]
    return f"{right + wrong}, {right} right" if right + wrong else "0"
