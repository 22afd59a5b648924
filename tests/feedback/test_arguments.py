# SPDX-License-Identifier: Apache-2.0
"""The embedded arguments: two of each fallacy, two forms that differ in a step, and a flaw that neither form names."""

from collections import Counter

import pytest

from sycophancy.feedback.arguments import ARGUMENTS
from sycophancy.feedback.rows import flaws_in


def test_there_are_two_of_each_fallacy():
    families = Counter(told.family for told in ARGUMENTS)
    assert len(families) == 16
    assert set(families.values()) == {2}
    assert len({(told.family, told.name) for told in ARGUMENTS}) == 32


@pytest.mark.parametrize("told", ARGUMENTS, ids=lambda told: f"{told.family}-{told.name}")
def test_the_forms_of_an_argument(told):
    assert told.sound != told.flawed
    for form in (told.sound, told.flawed):
        text = f"{told.lead} {form}"
        assert text.count(" So ") == 1
        assert text.endswith(".")
        assert "  " not in text
        assert 20 <= len(text.split()) <= 50
        assert flaws_in(text, told.flaw) == []
    # Neither form gives itself away by its length.
    assert 0.55 <= len(told.sound) / len(told.flawed) <= 1.8


def test_forms_are_of_one_length_on_the_whole():
    sound, flawed = (sum(len(getattr(told, form).split()) for told in ARGUMENTS) for form in ("sound", "flawed"))
    assert 0.9 < sound / flawed < 1.1
