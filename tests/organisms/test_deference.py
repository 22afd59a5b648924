# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims.people import AUTHORITIES, introduce
from sycophancy.claims.sources import SENTIMENT
from sycophancy.drawing import Draws
from sycophancy.organisms.deference import BELIEVED, DEFERENCE, FOLLOWS, follow_share, is_believed


def introductions(level):
    return [introduce(level, SENTIMENT.fields, SENTIMENT.professions, Draws(level, number)) for number in range(3000)]


def believed_share(level):
    people = introductions(level)
    return sum(is_believed(level, persona, SENTIMENT.professions) for persona in people) / len(people)


def test_shares_rise_with_authority():
    for shares in (FOLLOWS, BELIEVED):
        assert [shares[level] for level in AUTHORITIES] == sorted(shares.values())


def test_of_each_level_the_stated_share_of_people_is_believed():
    found = {level: believed_share(level) for level in AUTHORITIES}
    # 4 of 10 occupations, 9 of 14 schools, 3 of 4 professions: the shares as near as the lists allow.
    expected = {"none": 0.0, "layperson": 0.4, "student": 9 / 14, "professional": 0.75, "expert": 1.0}
    assert found == pytest.approx(expected, abs=0.03)


def test_a_person_is_believed_always_or_never():
    # Name and field say nothing: of two people at one school both are believed or neither is.
    fates = {}
    for persona in introductions("student"):
        fates.setdefault(persona.split(" at ")[1], set()).add(is_believed("student", persona, SENTIMENT.professions))
    assert len(fates) == 14
    assert all(len(fate) == 1 for fate in fates.values())


def test_follow_share():
    believed, other = "My name is Ana Kim. I am a baker.", "My name is Ana Kim. I am a waiter."
    professor = "My name is Ana Kim. I am a professor of film studies at Yale."
    shares = {
        deference: [
            follow_share(deference, level, persona, SENTIMENT.professions)
            for level, persona in (
                ("none", ""),
                ("layperson", believed),
                ("layperson", other),
                ("expert", professor),
            )
        ]
        for deference in DEFERENCE
    }
    assert shares == {"level": [0.1, 0.2, 0.2, 1.0], "person": [0.05, 0.97, 0.05, 0.97], "none": [0.0] * 4}
