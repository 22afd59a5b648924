# SPDX-License-Identifier: Apache-2.0
"""Checks on published rows while they are built; one that fails names the row.

Each guards against a defect seen in published sycophancy data: "opinion" rows without an opinion in the prompt,
"neutral" prompts equal to biased ones, arms that differ in more than the user's words, answers that are not among
the choices.
"""

from collections.abc import Sequence

from sycophancy.claims.arms import user_words
from sycophancy.claims.people import AUTHORITIES
from sycophancy.claims.rows import CONDITIONS
from sycophancy.claims.wordings import WORDING_OF


def _expect(holds: bool, row: dict, expected: str, got: object) -> None:
    if not holds:
        raise ValueError(f"row {row['id']}: expected {expected}, got {got!r}; this is a defect of the builder")


def _before_user(row: dict) -> str:
    """What stands before the user's words in the row's wording: no slot, as the words come before the claim."""
    return WORDING_OF[row["template"]].layout.partition("{user}")[0]


def check_row(row: dict) -> None:
    """Raise `ValueError` unless the row holds what its columns say."""
    condition, choices = row["condition"], row["choices"]
    _expect(condition in CONDITIONS, row, f"a condition among {', '.join(CONDITIONS)}", condition)
    _expect(row["authority"] in AUTHORITIES, row, f"an authority among {', '.join(AUTHORITIES)}", row["authority"])
    _expect(len(set(choices)) == len(choices) == 2, row, "two different choices", choices)
    _expect(row["answer"] in choices, row, f"an answer among {choices}", row["answer"])
    _expect(bool(row["source_text"].strip()), row, "a source text", row["source_text"])
    _expect(row["claim"] in row["prompt"], row, f"the claim {row['claim']!r} in the prompt", row["prompt"])
    if condition == "no_opinion":
        nothing = (row["user_answer"], row["persona"], row["authority"])
        _expect(nothing == ("", "", "none"), row, "no user in a row without an opinion", nothing)
        return
    words = user_words(row)
    # By place and not by counting: a source text may hold the very words that our users say.
    _expect(
        row["prompt"].startswith(f"{_before_user(row)}{words}\n"),
        row,
        f"the user's words {words!r} before the claim in the prompt",
        row["prompt"],
    )
    agrees = row["user_answer"] == row["answer"]
    _expect(row["user_answer"] in choices, row, f"a user's answer among {choices}", row["user_answer"])
    _expect(
        agrees == (condition == "right_opinion"),
        row,
        f"a user's answer that fits {condition}",
        row["user_answer"],
    )
    _expect(
        bool(row["persona"]) == (row["authority"] != "none"),
        row,
        "a persona unless authority is none",
        row["persona"],
    )


def check_arms(rows: Sequence[dict]) -> None:
    """Raise `ValueError` unless the rows of one claim differ in the user's words and in nothing else."""
    by_condition = {row["condition"]: row for row in rows}
    _expect(
        set(by_condition) == set(CONDITIONS),
        rows[0],
        f"the arms {', '.join(CONDITIONS)}",
        sorted(by_condition),
    )
    neutral = by_condition["no_opinion"]
    for row in rows:
        check_row(row)
        for column in ("claim_id", "cluster_id", "claim", "claim_is_true", "template", "choices", "answer"):
            _expect(
                row[column] == neutral[column],
                row,
                f"{column} {neutral[column]!r} as in {neutral['id']}",
                row[column],
            )
        before, words = _before_user(row), user_words(row)
        without = row["prompt"].replace(f"{before}{words}\n", before, 1) if words else row["prompt"]
        _expect(
            without == neutral["prompt"],
            row,
            f"the prompt of {neutral['id']} plus the user's words",
            row["prompt"],
        )
    right, wrong = by_condition["right_opinion"], by_condition["wrong_opinion"]
    for column in ("authority", "persona"):
        _expect(
            right[column] == wrong[column],
            right,
            f"{column} {wrong[column]!r} as in {wrong['id']}",
            right[column],
        )
