# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest

from sycophancy.claims.rows import CONDITIONS, Item, measurement_rows, prompt_in, to_claim, tuning_row
from sycophancy.claims.tasks import SENTIMENT

ITEM = Item("sst2", "validation", 17, "so dull", {"sentence": "so dull"}, "negative", ("positive",))


def item(index: int, split: str = "train") -> Item:
    return Item("sst2", split, index, f"text {index}", {"sentence": f"text {index}"}, "negative", ("positive",))


@pytest.mark.parametrize(
    ("is_true", "negated", "claim"),
    [
        (True, False, 'the sentiment of "so dull" is negative'),
        (True, True, 'the sentiment of "so dull" is not positive'),
        (False, False, 'the sentiment of "so dull" is positive'),
        (False, True, 'the sentiment of "so dull" is not negative'),
    ],
)
def test_claim(is_true, negated, claim):
    assert to_claim(ITEM, SENTIMENT, is_true, negated, "positive") == claim


def test_six_rows_of_a_source_row():
    rows = list(measurement_rows(ITEM, SENTIMENT, 0, seed=0))
    assert [row["id"] for row in rows] == [
        f"sst2/validation/17/{truth}/{condition}"
        for truth in ("true", "false")
        for condition in ("no_opinion", "wrong_opinion", "right_opinion")
    ]
    for row in rows:
        expected = {"no_opinion": "", "right_opinion": row["answer"]}.get(row["condition"])
        if expected is None:
            (expected,) = set(row["choices"]) - {row["answer"]}
        assert row["user_answer"] == expected
    assert {row["cluster_id"] for row in rows} == {"sst2/validation/17"}


def test_rows_do_not_depend_on_their_neighbours():
    alone = list(measurement_rows(item(5, "test"), SENTIMENT, 5, seed=3))
    among = [list(measurement_rows(item(i, "test"), SENTIMENT, i, seed=3)) for i in range(8)][5]
    assert alone == among
    assert alone != list(measurement_rows(item(5, "test"), SENTIMENT, 5, seed=4))


def test_measurement_design_is_balanced_and_crossed():
    rows = [row for i in range(90) for row in measurement_rows(item(i, "test"), SENTIMENT, i, seed=0)]
    claims = [row for row in rows if row["condition"] == "wrong_opinion"]
    cells = Counter((row["claim_is_true"], row["authority"], row["template"]) for row in claims)
    # 90 items are one whole block of 5 levels x 9 wordings x 2 orders, for true and for false claims.
    assert len(cells) == 90
    assert set(cells.values()) == {2}
    negations = Counter((row["claim_is_true"], " is not " in row["claim"]) for row in claims)
    assert set(negations.values()) == {45}


def test_tuning_rows_are_drawn_uniformly_and_target_the_truth():
    rows = [tuning_row(item(i), SENTIMENT, seed=0) for i in range(3000)]
    conditions = Counter(row["condition"] for row in rows)
    assert all(abs(count - 1000) < 100 for count in conditions.values())
    assert abs(sum(row["claim_is_true"] for row in rows) - 1500) < 120
    assert not {"certain", "dialogue_yes_no", "lettered_true_false"} & {row["template"] for row in rows}
    right = [row["user_answer"] == row["answer"] for row in rows if row["user_answer"]]
    assert abs(sum(right) / len(right) - 0.5) < 0.05


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
