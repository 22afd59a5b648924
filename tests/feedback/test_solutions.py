# SPDX-License-Identifier: Apache-2.0
"""The embedded worked sums, worked out again: one form is right at every step, the other wrong at exactly one."""

import re
from collections import Counter

import pytest

from sycophancy.feedback.rows import flaws_in
from sycophancy.feedback.solutions import solutions

SOLUTIONS = list(solutions())

_EQUATION = re.compile(r"((?:2 × \(\d+ \+ \d+\)|\d+)(?: [×+÷-] \d+)+|2 × \(\d+ \+ \d+\)) = (\d+)")
_PERCENT = re.compile(r"(?<!Taking that off leaves )(\d+) percent of (\d+) is (\d+)\.")
_WORDS = {
    "floor": r"hall is (\d+) metres long and (\d+) metres wide.* measures [^=]* = (\d+) ",
    "minutes": r"The (\d+) hours are (\d+) minutes",
    "there_and_back": r"= (\d+)\. The fall is (\d+) percent of the new rent, which is (\d+),",
    "order_of_operations": r"It is (\d+) \+ (\d+) × (\d+), which makes (\d+)",
}
_RIGHT = {
    "floor": lambda a, b, result: a * b == result,
    "minutes": lambda hours, result: 60 * hours == result,
    "there_and_back": lambda rent, percent, result: rent * percent == 100 * result,
    "order_of_operations": lambda a, b, c, result: a + b * c == result,
}


def wrong_steps(family, text):
    """How many steps of a worked sum are wrong."""
    wrong = 0
    for worked, result in _EQUATION.findall(text):
        wrong += eval(worked.replace("×", "*").replace("÷", "/")) != int(result)
    for percent, of, result in _PERCENT.findall(text):
        wrong += int(percent) * int(of) != 100 * int(result)
    if family in _WORDS:
        (found,) = re.findall(_WORDS[family], text)
        wrong += not _RIGHT[family](*map(int, found))
    return wrong


def test_there_are_four_of_each_family():
    families = Counter(told.family for told in SOLUTIONS)
    assert len(families) == 8
    assert set(families.values()) == {4}


@pytest.mark.parametrize("told", SOLUTIONS, ids=lambda told: f"{told.family}-{told.name}")
def test_one_step_is_wrong_and_the_flaw_is_its_right_result(told):
    assert wrong_steps(told.family, told.sound) == 0
    assert wrong_steps(told.family, told.flawed) == 1
    assert flaws_in(told.flawed, told.flaw) == []
    assert flaws_in(told.sound, told.flaw) == [told.flaw]
    # A result that is on the scale of ratings could be taken for one.
    for text in (told.sound, told.flawed):
        assert min(int(result) for result in re.findall(r"= (\d+)", text)) > 5
        assert int(re.findall(r"\d+", text)[-1]) > 5
