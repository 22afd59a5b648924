# SPDX-License-Identifier: Apache-2.0
"""The card of a claim dataset, rendered from the rows that were written: no figure in it is typed."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from sycophancy.claims.people import AUTHORITIES
from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.claims.sources import Source, SourceRows
from sycophancy.claims.wordings import WORDINGS, Wording
from sycophancy.dataset.preferences import PREFERENCE, PREFERENCE_COLUMNS, Preferences

COLUMN_MEANINGS = {
    "id": "unique, the same in every build with this seed",
    "claim_id": "shared by the conditions of one claim",
    "cluster_id": "the source row; all claims made from it share it",
    "source": "name of the source task",
    "source_text": "the source's text",
    "source_label": "the source's label, by name",
    "claim": "the statement that the user talks about",
    "claim_is_true": "whether the claim holds by the source's label",
    "condition": "`no_opinion`, `wrong_opinion` or `right_opinion`",
    "authority": "who gives the opinion: `none` (no introduction), `layperson`, `student`, `professional`, `expert`",
    "persona": "the user's introduction, empty where there is none",
    "template": "the wording of the exchange",
    "prompt": "what the model reads",
    "choices": "the answers to choose from, in the order shown",
    "answer": "the honest answer",
    "user_answer": "the answer that agrees with the user, empty without an opinion",
}


@dataclass
class SplitFacts:
    """What the card says of a split, counted while its rows are written.

    Attributes:
        rows: number of rows.
        clusters: number of source rows, where the rows of each stand together.
        file: path of the Parquet file in the folder, once it is written.
        counts: column -> value -> rows.
        design: (user affirms, claim is true, denial shown first, authority) -> opinion rows.
        examples: the first row of each condition that a card can show.
    """

    rows: int = 0
    clusters: int = 0
    file: str = ""
    counts: dict[str, Counter] = field(default_factory=lambda: {column: Counter() for column in COUNTED})
    design: Counter = field(default_factory=Counter)
    examples: dict[str, dict] = field(default_factory=dict)
    _cluster: str = ""

    def see(self, row: dict) -> None:
        """Count one row."""
        self.rows += 1
        # Not a set of all ids: that would hold every id of the split in memory.
        self.clusters += row["cluster_id"] != self._cluster
        self._cluster = row["cluster_id"]
        for column in COUNTED:
            self.counts[column][row[column]] += 1
        # Not a text that reads "TODO": the card would look unfinished, and could not be published.
        if row["condition"] not in self.examples and not looks_unfinished(row["prompt"]):
            self.examples[row["condition"]] = row
        if row["condition"] != "no_opinion":
            affirms = row["claim_is_true"] == (row["condition"] == "right_opinion")
            affirming = row["answer"] if row["claim_is_true"] else next(c for c in row["choices"] if c != row["answer"])
            self.design[affirms, row["claim_is_true"], row["choices"][0] != affirming, row["authority"]] += 1


COUNTED = ("condition", "claim_is_true", "authority", "template", "source_label")


def looks_unfinished(text: str) -> bool:
    """Whether a text reads like a placeholder, which no card may hold."""
    from sycophancy.publishing.cards import PLACEHOLDERS

    return any(pattern.search(text) for pattern in PLACEHOLDERS.values())


def independence(design: Counter) -> tuple[float, int, float] | None:
    """χ² test of mutual independence of opinion x truth x order x authority.

    Args:
        design: counts by (user affirms, claim is true, denial shown first, authority).

    Returns:
        χ², degrees of freedom and p; `None` where a level does not occur at all, so that nothing can be tested.
    """
    import numpy as np
    from scipy.stats import chi2_contingency

    levels = ((False, True), (False, True), (False, True), AUTHORITIES)
    table = np.array([design[cell] for cell in product(*levels)]).reshape([len(level) for level in levels])
    for axis in range(table.ndim):
        if (table.sum(axis=tuple(other for other in range(table.ndim) if other != axis)) == 0).any():
            return None
    test = chi2_contingency(table, correction=False)
    return float(test.statistic), int(test.dof), float(test.pvalue)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def render_card(
    repo_id: str, source_name: str, source: Source, source_rows: SourceRows, facts: dict[str, SplitFacts], seed: int,
    command: str, preferences: Preferences | None = None,
) -> str:  # fmt: skip
    """The card of one dataset: YAML head for the Hub and text.

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
    head = render_head(f"Sycophancy claims from {source_name}", source.licence, facts, preferences)
    return head + _body(repo_id, source_name, source, source_rows, facts, seed, command, preferences)


def render_head(
    pretty_name: str, licence: str | None, facts: dict[str, SplitFacts], preferences: Preferences | None
) -> str:
    """The YAML head of a card, with the lines around it.

    Every file is named in full: with patterns such as `data/train-*.parquet`, `load_dataset` does not notice that a
    folder was built again (`sycophancy.dataset.parquet`).

    Args:
        pretty_name: title of the dataset.
        licence: as the Hub writes it.
        facts: split -> what was written.
        preferences: the pairs that were written beside the claims.
    """
    from huggingface_hub import DatasetCardData

    files = [{"split": split, "path": fact.file} for split, fact in facts.items()]
    configs = [{"config_name": "default", "data_files": files, "default": True}]
    if preferences:
        pairs = [{"split": "train", "path": preferences.file}]
        configs.append({"config_name": PREFERENCE, "data_files": pairs})
    head = DatasetCardData(
        pretty_name=pretty_name,
        language="en",
        license=licence,
        task_categories=["text-generation"],
        size_categories=[_size_category(sum(fact.rows for fact in facts.values()))],
        tags=["sycophancy", "alignment", "evaluation", *(["dpo"] if preferences else [])],
        configs=configs,
    )
    return f"---\n{head.to_yaml()}\n---\n\n"


def _size_category(rows: int) -> str:
    """The Hub's size class."""
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")


def _body(repo_id, source_name, source, source_rows, facts, seed, command, preferences) -> str:
    sections = [
        f"# {repo_id}",
        f"Claims about labelled rows of `{source_name}`, with and without a user who holds an opinion on them. A model "
        "that answers well without an opinion and gives in to one is **sycophantic**; the columns measure by how much, "
        "and the train split is for training it away.",
        f"```python\nfrom datasets import load_dataset\n\nclaims = load_dataset({repo_id!r})\n```",
        *describe_rows(repo_id, facts, preferences),
        "## How it was made",
        f"Read from {source_rows.read_from}. Seed {seed}; the same command gives the same bytes:\n\n```\n{command}\n```",
        _labels(source),
        describe_dropped(source_rows.dropped),
        "## Limits",
        "The truth of a claim is the source's label, errors included. One score over wordings and levels hides "
        "differences between them: look at both. Source tasks are part of common instruction-tuning mixtures, so a "
        "model may have seen the sentences. A low score does not mean that a model is honest elsewhere.",
        "Tuning on it: in `train`, and in the pairs, users are right as often as wrong, as in the founding study and in "
        "Wei et al. 2024. What they say is then no evidence, and a model that learns this no longer takes a correction "
        "that is right: report `right_uptake` beside the alignment. `scripts/prompt_tune.py --users_right 0.8` draws "
        "users who are worth hearing.",
        f"## Licence and source\n\n{source.citation} Licence of the source: {source.licence}.",
    ]
    return "\n\n".join(sections) + "\n"


def describe_rows(repo_id: str, facts: dict[str, SplitFacts], preferences: Preferences | None) -> list[str]:
    """The sections that show what the rows hold: splits, columns, pairs, balance, wordings and examples."""
    used = [w for w in WORDINGS if any(w.name in fact.counts["template"] for fact in facts.values())]
    return [
        "## Rows",
        markdown_table(("split", "source rows", "rows"), ((s, f.clusters, f.rows) for s, f in facts.items())),
        f"`{'` and `'.join(MEASUREMENT_SPLITS)}` are crossed for measurement: every source row gives a true and a false "
        "claim, each without an opinion, with a wrong and with a right one; the arms of a claim differ in the user's "
        "words and in nothing else. `train` is for tuning: one row per source row, drawn uniformly, and `answer` is "
        f"always the truth.{_held_out(used)}",
        markdown_table(("column", "meaning"), ((f"`{c}`", meaning) for c, meaning in COLUMN_MEANINGS.items())),
        *describe_preferences(repo_id, preferences),
        "## Balance",
        *_balance(facts),
        "## Wordings",
        markdown_table(
            ("`template`", "train", "follows"),
            ((f"`{w.name}`", "no" if w.held_out else "yes", w.after or "our own") for w in used),
        ),
        "## Examples",
        *describe_examples(facts),
    ]


def _held_out(used: list[Wording]) -> str:
    names = [f"`{wording.name}`" for wording in used if wording.held_out]
    if len(names) == 1:
        return f" The wording {names[0]} never occurs in `train`."
    return f" The wordings {', '.join(names)} never occur in `train`." if names else ""


_AS_CHAT = (
    'chat = pairs.map(lambda pair: {key: [{"role": "user" if key == "prompt" else "assistant", '
    '"content": pair[key].strip()}] for key in ("prompt", "chosen", "rejected")})'
)


def describe_preferences(repo_id: str, preferences: Preferences | None) -> list[str]:
    """The section on the pairs; none where there are none."""
    if preferences is None:
        return []
    return [
        "## Preferences",
        f"`load_dataset({repo_id!r}, {PREFERENCE!r})` gives {preferences.pairs} pairs of answers for TRL's "
        f"`DPOTrainer`, {preferences.pairs // 2} with a wrong user and as many with a right one: every train row with "
        "an opinion gives the same user on the same claim, once wrong and once right, and the honest answer is chosen "
        "in both. There are no pairs for the measurement splits: those are for reporting.",
        markdown_table(("column", "meaning"), ((f"`{c}`", meaning) for c, meaning in PREFERENCE_COLUMNS.items())),
        "The pairs are plain text, for a model without a chat template; as a conversation, for one that has one:",
        f'```python\npairs = load_dataset({repo_id!r}, {PREFERENCE!r}, split="train")\n{_AS_CHAT}\n```',
    ]


def _balance(facts: dict[str, SplitFacts]) -> list[str]:
    parts = []
    for column in COUNTED:
        values = sorted({value for fact in facts.values() for value in fact.counts[column]}, key=str)
        rows = ((f"`{value}`", *(fact.counts[column][value] for fact in facts.values())) for value in values)
        if len(values) > 50:  # sums, where the label is a value of its own
            rows = [("different values", *(len(fact.counts[column]) for fact in facts.values()))]
        parts.append(markdown_table((f"`{column}`", *facts), rows))
    cells = list(product((False, True), (False, True), (False, True), AUTHORITIES))
    rows = (
        ("affirms" if affirms else "denies", truth, "denial" if denial else "affirmation", authority,
         *(fact.design[affirms, truth, denial, authority] for fact in facts.values()))
        for affirms, truth, denial, authority in cells
    )  # fmt: skip
    parts.append("Rows with an opinion, by design cell:")
    parts.append(markdown_table(("user", "claim is true", "shown first", "authority", *facts), rows))
    lines = []
    for split, fact in facts.items():
        tested = independence(fact.design)
        if tested is None:
            lines.append(f"- `{split}`: too few rows, a level does not occur")
        else:
            lines.append(f"- `{split}`: χ² = {tested[0]:.1f}, {tested[1]} degrees of freedom, p = {tested[2]:.3f}")
    parts.append("Mutual independence of opinion, truth, order and authority (χ² test):\n\n" + "\n".join(lines))
    return parts


def describe_examples(facts: dict[str, SplitFacts]) -> list[str]:
    """One row of each condition, from a measurement split if there is one."""
    fact = next((facts[split] for split in MEASUREMENT_SPLITS if split in facts), next(iter(facts.values())))
    shown = []
    for condition, row in fact.examples.items():
        # Longer than any such line in the prompt, which would end the block.
        fence = "~" * max(3, 1 + max(map(len, re.findall("~+", row["prompt"])), default=0))
        user = f", the user's answer `{row['user_answer']}`" if row["user_answer"] else ""
        shown.append(
            f"`{row['id']}` (`{condition}`): the honest answer is `{row['answer']}`{user}.\n\n"
            f"{fence}text\n{row['prompt']}\n{fence}"
        )
    return shown


def _labels(source: Source) -> str:
    """How the source's labels read in a claim, and how a claim is worded."""
    statement = source.statement
    worded = f"Claims read `{statement.asserted}` or `{statement.negated}`"
    if not source.labels:
        return f"{worded}, where a false value is as often a near miss as an absurd one."
    table = ((number, f"`{name}`", word) for number, (name, word) in enumerate(source.labels.items()))
    return f"{worded}.\n\n" + markdown_table(("label", "in the source", "in claims"), table)


def describe_dropped(dropped: Mapping[str, Counter]) -> str:
    """A table of split, reason and rows."""
    rows = [(split, reason, count) for split, reasons in dropped.items() for reason, count in reasons.items()]
    return markdown_table(("split", "dropped because", "rows"), rows) if rows else "No row was dropped."
