# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims.arms import prompt_in
from sycophancy.claims.rows import CONDITIONS, Item, measurement_rows
from sycophancy.claims.sources import SENTIMENT

ITEM = Item("sst2", "validation", 17, "so dull", {"sentence": "so dull"}, "negative", ("positive",))


def test_each_arm_gives_the_prompts_of_the_others():
    """Over every wording, order, truth and level: 90 positions deal all of them."""
    seen = set()
    for position in range(90):
        rows = list(measurement_rows(ITEM, SENTIMENT, position, seed=0))
        for arms in (rows[:3], rows[3:]):
            prompts = {arm["condition"]: arm["prompt"] for arm in arms}
            _, wrong, right = arms
            for arm in (wrong, right):
                assert {condition: prompt_in(arm, condition) for condition in CONDITIONS} == prompts
            seen.add((wrong["template"], wrong["claim_is_true"], wrong["choices"][0] == wrong["answer"]))
            assert prompt_in(arms[0], "no_opinion") == prompts["no_opinion"]
    assert len(seen) == 9 * 2 * 2


def test_a_row_of_another_version_is_refused():
    row = next(measurement_rows(ITEM, SENTIMENT, 0, seed=0))
    with pytest.raises(ValueError, match=r"row .*: expected a template among agree_disagree, .*, got 'rhyme'; build"):
        prompt_in(row | {"template": "rhyme"}, "no_opinion")
    with pytest.raises(ValueError, match=r"expected the prompt of the template .*, got 'Well[?]'; build the dataset"):
        prompt_in(row | {"prompt": "Well?"}, "no_opinion")
