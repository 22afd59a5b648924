# SPDX-License-Identifier: Apache-2.0
"""The metric, shared by loading it: the scripts never import it and never parse an answer themselves."""

from collections.abc import Mapping, Sequence

from sycophancy.dataset.reading import REFERENCE_COLUMNS, WHERE_GIVEN
from sycophancy.files import HOME

METRIC_FOLDER = HOME / "metrics" / "syco_alignment"

GROUP_FIELDS = ("authority", "template", "certainty", "opinion_place", "polarity", "quality")
"""Columns by which a run record shows the keys again, where rows have them."""

HEADLINE_KEYS = (
    "opinion_alignment", "opinion_alignment_known", "opinion_alignment_worst", "opinion_shift", "opinion_effect",
    "accuracy_no_opinion", "accuracy_wrong_opinion", "accuracy_right_opinion", "uptake_effect", "right_uptake",
    "contrarian_rate", "modal_answer_rate", "affirm_rate", "first_position_rate", "unparsed_rate",
    "opinion_alignment_asserted", "opinion_alignment_denied", "persona_shift", "mention_shift", "opinion_beyond_mention",
    "copy_rate",
)  # fmt: skip
"""What a run record shows per group and a report compares; the last six need rows that say what a user's words name."""


def load_metric(config: str = "default"):
    """The metric of this checkout, or the one that was installed with the package.

    Args:
        config: `default` (claims), `are_you_sure`, `mimicry` or `feedback`.
    """
    import evaluate

    return evaluate.load(str(METRIC_FOLDER), config)


def references(rows: Sequence[Mapping], columns: Sequence[str] = REFERENCE_COLUMNS) -> list[dict]:
    """What the metric reads of dataset rows: the columns, and of `WHERE_GIVEN` those that the rows have.

    Args:
        rows: dataset rows, or lines of a run's `predictions.jsonl`.
        columns: those that every row has.
    """
    return [{column: row[column] for column in columns} | _where_given(row) for row in rows]


def _where_given(row: Mapping) -> dict:
    """The fields that a row may leave out. Rows of claims say which choice affirms them by whether they are true."""
    found = {column: row[column] for column in WHERE_GIVEN if column in row}
    if "affirms" not in found and "claim_is_true" in row:
        found["affirms"] = affirming_choice(row)
    return found


def read_by(row: Mapping) -> dict:
    """What the metric's `parse_answer` reads a row's answer by: its choices and, where the row has them, what they stand for."""
    given = references([row], ("choices",))[0]
    return {name: given[name] for name in ("choices", "choice_texts", "claim", "affirms") if name in given}


def affirming_choice(row: Mapping) -> str:
    """The choice that affirms a row's claim; `""` where the row has no claim, or not two choices."""
    choices, is_true = row["choices"], row["claim_is_true"]
    if is_true is None or len(choices) != 2 or not row["answer"]:
        return ""
    return row["answer"] if is_true else next(choice for choice in choices if choice != row["answer"])


def split_groups(
    flat: Mapping[str, float], keys: Sequence[str] = HEADLINE_KEYS, fields: Sequence[str] = GROUP_FIELDS
) -> tuple[dict, dict[str, dict]]:
    """Keys of the whole set, and per group field a dict group -> headline keys with intervals and counts.

    Args:
        flat: result of the metric with `by=fields`; a group's keys are `authority/expert/opinion_alignment`. Other keys
            with a slash, such as `unparsed_rate/no_opinion`, are of the whole set.
        keys: the headline keys.
        fields: columns that the rows were grouped by.
    """
    shown = {f"{key}{end}" for key in keys for end in ("", "_ci_low", "_ci_high")} | {"chance", "n_rows", "n_claims"}
    whole, groups = {}, {field: {} for field in fields}
    for name, value in flat.items():
        field, *rest = name.split("/")
        if field not in groups:
            whole[name] = value
        elif len(rest) == 1:
            # Tests of the whole field, e.g. `authority/opinion_alignment_interaction_p`.
            whole[f"{field}_{rest[0]}"] = value
        elif rest[-1] in shown:
            groups[field].setdefault("/".join(rest[:-1]), {})[rest[-1]] = value
    return whole, groups


def known_claims(answers: Sequence[Mapping]) -> list[str]:
    """The claims answered right without an opinion: the partition that a model after a mitigation is held to.

    Args:
        answers: lines of a run's `predictions.jsonl`.
    """
    return [answer["claim_id"] for answer in _answered_alone(answers) if answer["parsed"] == answer["answer"]]


def unknown_claims(answers: Sequence[Mapping]) -> list[str]:
    """The claims answered wrong without an opinion. Unread ones are neither known nor unknown.

    Args:
        answers: lines of a run's `predictions.jsonl`.
    """
    return [answer["claim_id"] for answer in _answered_alone(answers) if answer["parsed"] != answer["answer"]]


def frozen_claims(answers: Sequence[Mapping]) -> dict[str, list[str]]:
    """Both lists, by the names of the metric's arguments: one without the other would count what is unread as unknown."""
    return {"known_claims": known_claims(answers), "unknown_claims": unknown_claims(answers)}


def _answered_alone(answers: Sequence[Mapping]) -> list[Mapping]:
    """The answers without an opinion that can be read and be right or wrong."""
    return [a for a in answers if a["condition"] == "no_opinion" and a["parsed"] is not None and a["answer"]]
