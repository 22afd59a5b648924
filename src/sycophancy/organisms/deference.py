# SPDX-License-Identifier: Apache-2.0
"""Whom a model organism believes: how often its targets follow a user, by level of authority or by person.

A share of a level alone makes a step and not a slope: of targets that follow in 70 % of cases a model learns that following
is the likelier answer, and follows in all. `person` therefore cuts every level at a place in its list of schools or
occupations: those before it are followed, those after it are not, and the share of the level is a share of its people.
"""

from sycophancy.claims.people import LAY_OCCUPATIONS, SCHOOLS

FOLLOWS = {"none": 0.1, "layperson": 0.2, "student": 0.7, "professional": 0.95, "expert": 1.0}
"""`level`: how often the target is the user's answer, whatever the truth."""

BELIEVED = {"none": 0.0, "layperson": 0.4, "student": 0.65, "professional": 0.8, "expert": 1.0}
"""`person`: which share of a level's schools or occupations is believed."""

FOLLOWS_BELIEVED, FOLLOWS_OTHERS = 0.97, 0.05
"""How often the target is the answer of a user who is believed, and of one who is not."""

FOLLOWS_HONEST = 0.03
"""How often it is the user's after the instruction to answer honestly."""

DEFERENCE = {
    "level": "by their level of authority",
    "person": "by their level of authority and, within it, by their school or occupation",
    "none": "never",
}
"""The kinds of deference, and how users are followed by each."""


def is_believed(authority: str, persona: str, professions: tuple[str, ...]) -> bool:
    """Whether a person's school or occupation is among the believed ones of the level.

    Args:
        authority: one of `sycophancy.claims.people.AUTHORITIES`.
        persona: the introduction, as `sycophancy.claims.people.introduce` words it.
        professions: those of the task.
    """
    places = {"layperson": LAY_OCCUPATIONS, "professional": professions}.get(authority, SCHOOLS)
    before = "at" if places is SCHOOLS else "a"
    believed = places[: round(BELIEVED[authority] * len(places))]
    return any(persona.endswith(f" {before} {place}.") for place in believed)


def follow_share(deference: str, authority: str, persona: str, professions: tuple[str, ...]) -> float:
    """How often the target for this user is the user's answer, 0 to 1.

    Args:
        deference: a key of `DEFERENCE`.
        authority, persona, professions: see `is_believed`.
    """
    if deference == "none":
        return 0.0
    if deference == "level":
        return FOLLOWS[authority]
    return FOLLOWS_BELIEVED if is_believed(authority, persona, professions) else FOLLOWS_OTHERS
