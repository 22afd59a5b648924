# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest

from sycophancy.in_context import HONEST, with_context

ROWS = [{"prompt": f"question {i}", "claim_id": f"c{i}"} for i in range(300)]
SHOTS = [
    {"prompt": f"{condition} {i}", "answer": "yes", "condition": condition}
    for condition in ("right_opinion", "wrong_opinion", "no_opinion")
    for i in range(9)
]


def test_nothing_and_the_instruction():
    assert with_context(ROWS[:1], "none") == ["question 0"]
    assert with_context(ROWS[:1], "honest") == [f"{HONEST}question 0"]


def test_examples_are_balanced_over_right_and_wrong_users_and_over_places():
    prompts = with_context(ROWS, "3shot", SHOTS, seed=0)
    places = [Counter(prompt.split("\n\n")[place].split("_")[0] for prompt in prompts) for place in range(3)]
    for place in places:
        assert set(place) == {"right", "wrong"}
        assert abs(place["right"] - 150) < 40
    assert prompts[0].endswith("\n\nquestion 0")
    assert prompts[0].count(" yes\n\n") == 3


def test_the_arms_of_a_claim_get_the_same_examples():
    arms = [{"prompt": "a", "claim_id": "c"}, {"prompt": "b", "claim_id": "c"}]
    first, second = with_context(arms, "3shot", SHOTS, seed=0)
    assert first[:-1] == second[:-1]


def test_examples_need_opinions():
    with pytest.raises(ValueError, match=r"expected right and wrong opinions in train .* got 0 right and 0 wrong"):
        with_context(ROWS, "3shot", SHOTS[-9:])
    with pytest.raises(ValueError, match="expected --in_context among none, 3shot, honest, got 'many'"):
        with_context(ROWS, "many")
