# SPDX-License-Identifier: Apache-2.0
"""What a dataset's card says of its rows, counted while they are written."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

from sycophancy.claims.people import AUTHORITIES
from sycophancy.suggested_answers.rows import OPINIONS


@dataclass
class SplitFacts:
    """What a card says of one split.

    Attributes:
        counted: columns whose values are counted.
        arm: the column that tells the rows of one item apart; one example of each of its values is kept.
        cell: which cell of the design a row is in; `None` for a row that is in none.
        rows: number of rows.
        clusters: number of source rows, where the rows of each stand together.
        file: path of the Parquet file in the folder, once it is written.
        counts: column -> value -> rows.
        design: cell -> rows.
        examples: value of `arm` -> position and the first row that a card can show.
    """

    counted: Sequence[str]
    arm: str
    cell: Callable[[Mapping], tuple | None] = lambda row: None
    rows: int = 0
    clusters: int = 0
    file: str = ""
    counts: dict[str, Counter] = field(default_factory=dict)
    design: Counter = field(default_factory=Counter)
    examples: dict[str, tuple[int, dict]] = field(default_factory=dict)
    _cluster: str | None = None

    def __post_init__(self):
        self.counts = {column: Counter() for column in self.counted}

    def see(self, row: Mapping) -> None:
        """Count one row."""
        # Not a set of all ids: that would hold every id of the split in memory.
        self.clusters += row["cluster_id"] != self._cluster
        self._cluster = row["cluster_id"]
        for column in self.counted:
            self.counts[column][row[column]] += 1
        if row[self.arm] not in self.examples and not looks_unfinished(row["prompt"]):
            self.examples[row[self.arm]] = self.rows, dict(row)
        cell = self.cell(row)
        if cell is not None:
            self.design[cell] += 1
        self.rows += 1

    def watch(self, rows: Iterable[Mapping]) -> Iterator[Mapping]:
        """Pass rows on and count them."""
        for row in rows:
            self.see(row)
            yield row


FACTORS = ("authority", "certainty", "opinion_place", "polarity", "template")
"""Columns of suggested answers that are crossed."""

PLACED = {"place of the answer": "answer", "place of the choice named": "mentioned"}
"""What is crossed with them: where among the choices a column's choice stands. These two are made to go together."""


@dataclass
class AnswerFacts(SplitFacts):
    """Of suggested answers.

    Attributes:
        n_choices: number of choices -> questions.
        pairs: (factor, factor) -> (number of choices, level, level) -> rows with an opinion.
        named: whether the user is right -> answer in words -> rows with an opinion whose user holds it.
    """

    n_choices: Counter = field(default_factory=Counter)
    pairs: dict[tuple[str, str], Counter] = field(default_factory=dict)
    named: dict[bool, Counter] = field(default_factory=lambda: {False: Counter(), True: Counter()})

    def see(self, row: Mapping) -> None:
        """Count one row."""
        questions = self.clusters
        super().see(row)
        self.n_choices[len(row["choices"])] += self.clusters - questions
        if row["condition"] in OPINIONS:
            self._see_opinion(row)

    def _see_opinion(self, row: Mapping) -> None:
        choices = row["choices"]
        levels = {factor: row[factor] for factor in FACTORS}
        levels |= {factor: str(choices.index(row[column])) for factor, column in PLACED.items()}
        for (one, left), (other, right) in combinations(levels.items(), 2):
            # Denials are of two choices, and places are as many as choices: within each number of choices.
            self.pairs.setdefault((one, other), Counter())[len(choices), left, right] += 1
        held = row["choice_texts"][choices.index(row["user_answer"])]
        self.named[row["condition"] == "right_opinion"][held] += 1


def answer_facts() -> AnswerFacts:
    """Of suggested answers, one example of each condition."""
    return AnswerFacts(
        ("condition", "authority", "certainty", "opinion_place", "polarity", "template", "source_label"), "condition"
    )


def claim_facts() -> SplitFacts:
    """Of claims: the design is (user affirms, claim is true, denial shown first, authority) of rows with an opinion."""
    return SplitFacts(
        ("condition", "claim_is_true", "authority", "certainty", "opinion_place", "template", "source_label"),
        "condition",
        _opinion_cell,
    )


def turn_facts() -> SplitFacts:
    """Of questions in turns: the design is (number of choices, right letter, wording) of questions."""
    return SplitFacts(("turn", "template"), "turn", _question_cell)


def attribution_facts() -> SplitFacts:
    """Of works with their authors."""
    return SplitFacts(("condition", "template", "language", "century", "kind"), "condition")


def feedback_facts() -> SplitFacts:
    """Of texts that a user asks to be rated."""
    return SplitFacts(("condition", "quality", "kind", "template", "family"), "condition")


def _opinion_cell(row: Mapping) -> tuple | None:
    if row["condition"] == "no_opinion":
        return None
    affirms = row["claim_is_true"] == (row["condition"] == "right_opinion")
    affirming = row["answer"] if row["claim_is_true"] else next(c for c in row["choices"] if c != row["answer"])
    return affirms, row["claim_is_true"], row["choices"][0] != affirming, row["authority"]


def _question_cell(row: Mapping) -> tuple | None:
    return (len(row["choices"]), row["answer"], row["template"]) if row["turn"] == "first" else None


OPINION_CELLS = tuple(product((False, True), (False, True), (False, True), AUTHORITIES))
"""All cells of a claim's design."""


def looks_unfinished(text: str) -> bool:
    """Whether a text reads as if a card were unfinished ("TODO"): a card that shows it could not be published."""
    from sycophancy.publishing.cards import PLACEHOLDERS

    return any(pattern.search(text) for pattern in PLACEHOLDERS.values())


def size_category(rows: int) -> str:
    """The Hub's size class."""
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")


def independence(design: Counter) -> tuple[float, int, float] | None:
    """χ² test of mutual independence of opinion x truth x order x authority.

    Args:
        design: counts by (user affirms, claim is true, denial shown first, authority).

    Returns:
        χ², degrees of freedom and p; `None` where a level does not occur at all, so that nothing can be tested.
    """
    import numpy as np
    from scipy.stats import chi2_contingency

    table = np.array([design[cell] for cell in OPINION_CELLS]).reshape(2, 2, 2, len(AUTHORITIES))
    for axis in range(table.ndim):
        if (table.sum(axis=tuple(other for other in range(table.ndim) if other != axis)) == 0).any():
            return None
    test = chi2_contingency(table, correction=False)
    return float(test.statistic), int(test.dof), float(test.pvalue)


def letters_by_wording(design: Counter) -> Iterator[tuple[int, dict[str, int], tuple[float, int, float] | None]]:
    """χ² test that the right choice's letter and the wording are independent, among questions with as many choices.

    Args:
        design: counts by (number of choices, right letter, wording).

    Yields:
        The number of choices, letter -> questions, and χ², degrees of freedom and p; `None` where nothing can be tested.
    """
    import numpy as np
    from scipy.stats import chi2_contingency

    for n_choices in sorted({cell[0] for cell in design}):
        cells = {cell[1:]: count for cell, count in design.items() if cell[0] == n_choices}
        letters, wordings = (sorted({cell[axis] for cell in cells}) for axis in (0, 1))
        table = np.array([[cells.get((letter, wording), 0) for wording in wordings] for letter in letters])
        per_letter = dict(zip(letters, table.sum(axis=1).tolist(), strict=True))
        if len(letters) < 2 or len(wordings) < 2:
            yield n_choices, per_letter, None
            continue
        test = chi2_contingency(table, correction=False)
        yield n_choices, per_letter, (float(test.statistic), int(test.dof), float(test.pvalue))


def associations(fact: AnswerFacts) -> Iterator[tuple[str, str, int, float, float]]:
    """How far each two factors go together among the rows with an opinion, among questions with as many choices.

    Yields:
        Two factors, the number of choices, Cramér's V and p of a χ² test. Left out are the two that are made to go
        together (`PLACED`), and what is too few to test.
    """
    import numpy as np
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    for (one, other), counts in fact.pairs.items():
        if {one, other} == set(PLACED):
            continue
        for n_choices in sorted({cell[0] for cell in counts}):
            cells = {cell[1:]: count for cell, count in counts.items() if cell[0] == n_choices}
            lefts, rights = (sorted({cell[axis] for cell in cells}) for axis in (0, 1))
            table = np.array([[cells.get((left, right), 0) for right in rights] for left in lefts])
            # Two rows of one question are one draw.
            if min(table.shape) > 1 and table.sum() / 2 >= 5 * table.size:
                test = chi2_contingency(table / 2, correction=False)
                yield one, other, n_choices, float(association(table)), float(test.pvalue)
