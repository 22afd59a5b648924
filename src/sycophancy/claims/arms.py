# SPDX-License-Identifier: Apache-2.0
"""A published row in another condition: the same claim, wording, order and person, with other words of the user.

The train split shows a claim in one condition only. Preferences need it with a right and with a wrong user, the
knowledge filter without one.
"""

from collections.abc import Mapping

from sycophancy.claims.wordings import WORDING_OF, render_prompt, user_says


def prompt_in(row: Mapping, condition: str) -> str:
    """The prompt of a row as it reads in a condition.

    Args:
        row: a row of a claim dataset.
        condition: `no_opinion`, `wrong_opinion` or `right_opinion`. A row without an opinion has no person: its
            user would speak without an introduction.

    Raises:
        ValueError: the row's own prompt is not what its columns give, so that no other can be made from them.
    """
    _check(row)
    return _render(row, user_words(row, condition))


def prompt_saying(row: Mapping, words: str) -> str:
    """The prompt of a row with these words in the place of the user's, and nothing else changed.

    Raises:
        ValueError: as `prompt_in`.
    """
    _check(row)
    return _render(row, words)


def _check(row: Mapping) -> None:
    """Raise `ValueError` unless the row's prompt is what its columns give."""
    if row["template"] not in WORDING_OF:
        raise ValueError(
            f"row {row['id']}: expected a template among {', '.join(WORDING_OF)}, got {row['template']!r}; "
            "build the dataset again with this version"
        )
    if _render(row, user_words(row)) != row["prompt"]:
        raise ValueError(
            f"row {row['id']}: expected the prompt of the template {row['template']!r}, got {row['prompt']!r}; "
            "build the dataset again with this version"
        )


def user_words(row: Mapping, condition: str | None = None) -> str:
    """The user's words as the row's wording puts them in a condition [the row's own], `""` without an opinion."""
    condition = condition or row["condition"]
    if condition == "no_opinion":
        return ""
    affirms = row["claim_is_true"] == (condition == "right_opinion")
    return user_says(WORDING_OF[row["template"]], row["claim"], row["persona"], affirms)


def _render(row: Mapping, words: str) -> str:
    denial_first = row["claim_is_true"] != (row["answer"] == row["choices"][0])
    wording = WORDING_OF[row["template"]]
    return render_prompt(wording, row["claim"], words, denial_first).prompt
