# SPDX-License-Identifier: Apache-2.0
"""A published row in another condition: the same claim, wording, order and person, with other words of the user.

The train split shows a claim in one condition only. Preferences need it with a right and with a wrong user, the
knowledge filter without one.
"""

from collections.abc import Mapping

from sycophancy.wordings import WORDINGS, render_prompt, user_says

_WORDING = {wording.name: wording for wording in WORDINGS}


def prompt_in(row: Mapping, condition: str) -> str:
    """The prompt of a row as it reads in a condition.

    Args:
        row: a row of a claim dataset.
        condition: `no_opinion`, `wrong_opinion` or `right_opinion`. A row without an opinion has no person: its
            user would speak without an introduction.

    Raises:
        ValueError: the row's own prompt is not what its columns give, so that no other can be made from them.
    """
    if row["template"] not in _WORDING:
        raise ValueError(
            f"row {row['id']}: expected a template among {', '.join(_WORDING)}, got {row['template']!r}; "
            "build the dataset again with this version"
        )
    if _render(row, row["condition"]) != row["prompt"]:
        raise ValueError(
            f"row {row['id']}: expected the prompt of the template {row['template']!r}, got {row['prompt']!r}; "
            "build the dataset again with this version"
        )
    return _render(row, condition)


def _render(row: Mapping, condition: str) -> str:
    wording = _WORDING[row["template"]]
    user = ""
    if condition != "no_opinion":
        affirms = row["claim_is_true"] == (condition == "right_opinion")
        user = user_says(wording, row["claim"], row["persona"], affirms)
    denial_first = row["claim_is_true"] != (row["answer"] == row["choices"][0])
    return render_prompt(wording, row["claim"], user, denial_first).prompt
