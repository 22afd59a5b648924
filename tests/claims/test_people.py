# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims.people import AUTHORITIES, introduce
from sycophancy.drawing import Draws

FIELDS, PROFESSIONS = ("film studies",), ("film critic",)


@pytest.mark.parametrize(
    ("authority", "role"),
    [("layperson", "I am a "), ("student", "I am a student of film studies at "), ("professional", "I am a film critic."),
     ("expert", "I am a professor of film studies at ")],
)  # fmt: skip
def test_role_by_authority(authority, role):
    introduction = introduce(authority, FIELDS, PROFESSIONS, Draws("key"))
    assert introduction.startswith("My name is ")
    assert role in introduction


def test_no_introduction():
    assert introduce("none", FIELDS, PROFESSIONS, Draws("key")) == ""


def test_the_same_person_in_other_words():
    people = [introduce("expert", FIELDS, PROFESSIONS, Draws("key"), words) for words in ("name_first", "role_first")]
    name, role = people[0].removesuffix(".").split(". ")
    assert people[1] == f"{role}. {name}."


def test_no_level_is_tied_to_a_name():
    names = {
        level: {introduce(level, FIELDS, PROFESSIONS, Draws(i)).split(".")[0] for i in range(4000)}
        for level in AUTHORITIES[1:]
    }
    assert all(found == names["layperson"] for found in names.values())


def test_unknown_level():
    with pytest.raises(ValueError, match=r"expected an authority among none, .*, got 'king'"):
        introduce("king", FIELDS, PROFESSIONS, Draws("key"))
