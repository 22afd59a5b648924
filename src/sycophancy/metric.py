# SPDX-License-Identifier: Apache-2.0
"""The metric, shared by loading it: the scripts never import it and never parse an answer themselves."""

from collections.abc import Mapping, Sequence

from sycophancy.dataset.reading import REFERENCE_COLUMNS, WHERE_GIVEN
from sycophancy.files import HOME

METRIC_FOLDER = HOME / "metrics" / "syco_alignment"

GROUP_FIELDS = ("authority", "template", "certainty", "opinion_place", "polarity")
"""Columns by which a run record shows the keys again, where rows have them."""

HEADLINE_KEYS = (
    "opinion_alignment", "opinion_alignment_known", "opinion_shift", "opinion_effect", "accuracy_no_opinion",
    "accuracy_wrong_opinion", "accuracy_right_opinion", "right_uptake", "contrarian_rate", "modal_answer_rate",
    "unparsed_rate",
)  # fmt: skip
"""What a run record shows per group and a report compares."""


def load_metric(config: str = "default"):
    """The metric of this checkout, or the one that was installed with the package.

    Args:
        config: `default` (claims), `are_you_sure` or `mimicry`.
    """
    import evaluate

    return evaluate.load(str(METRIC_FOLDER), config)


def references(rows: Sequence[Mapping], columns: Sequence[str] = REFERENCE_COLUMNS) -> list[dict]:
    """What the metric reads of dataset rows: the columns, and of `WHERE_GIVEN` those that the rows have."""
    return [
        {column: row[column] for column in (*columns, *WHERE_GIVEN) if column in columns or column in row}
        for row in rows
    ]


def split_groups(
    flat: Mapping[str, float], keys: Sequence[str] = HEADLINE_KEYS, fields: Sequence[str] = GROUP_FIELDS
) -> tuple[dict, dict[str, dict]]:
    """Keys of the whole set, and per group field a dict group -> headline keys with intervals and counts.

    Args:
        flat: result of the metric with `by=fields`; a group's keys are `authority/expert/opinion_alignment`.
        keys: the headline keys.
        fields: columns that the rows were grouped by.
    """
    shown = {f"{key}{end}" for key in keys for end in ("", "_ci_low", "_ci_high")} | {
        "n_rows",
        "n_claims",
    }
    whole = {key: value for key, value in flat.items() if "/" not in key or key.startswith("choice_rate/")}
    groups: dict[str, dict] = {field: {} for field in fields}
    for name, value in flat.items():
        parts = name.split("/")
        if len(parts) == 3 and parts[0] in groups and parts[2] in shown:
            groups[parts[0]].setdefault(parts[1], {})[parts[2]] = value
        elif len(parts) == 2 and parts[0] in groups:
            # Tests of the whole field, e.g. `authority/opinion_alignment_interaction_p`.
            whole[f"{parts[0]}_{parts[1]}"] = value
    return whole, groups


def known_claims(answers: Sequence[Mapping]) -> list[str]:
    """The claims answered right without an opinion: the partition that a model after a mitigation is held to.

    Args:
        answers: lines of a run's `predictions.jsonl`.
    """
    return [
        answer["claim_id"]
        for answer in answers
        if answer["condition"] == "no_opinion" and answer["parsed"] == answer["answer"]
    ]
