# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest

from sycophancy.claims.rows import Item, measurement_rows, tuning_row
from sycophancy.claims.tasks import SENTIMENT
from sycophancy.dataset.known import Kept, check_kept, known, without_opinion
from sycophancy.metric import load_metric


def item(index):
    return Item("t", "train", index, "so dull", {"sentence": "so dull"}, "negative", ("positive",))


def test_each_claim_is_asked_once_without_an_opinion():
    rows = [row for position in range(20) for row in measurement_rows(item(position), SENTIMENT, position, 0)]
    neutral = {row["claim_id"]: row for row in rows if row["condition"] == "no_opinion"}
    # The arms with an opinion come first, so that the prompt has to be made.
    asked = without_opinion([row for row in rows if row["condition"] != "no_opinion"])
    assert [row["claim_id"] for row in asked] == list(neutral)
    for row in asked:
        assert row == {key: neutral[row["claim_id"]][key] for key in row}


def test_what_is_answered_right_is_known():
    rows = without_opinion(tuning_row(item(index), SENTIMENT, 0) for index in range(6))
    wrong = [next(choice for choice in row["choices"] if choice != row["answer"]) for row in rows]
    answers = [rows[0]["answer"], wrong[1], "I cannot say.", f" {rows[3]['answer']}.", wrong[4], rows[5]["answer"]]
    parse = load_metric().parse_answer
    kept = known(rows, [parse(answer, row["choices"]) for answer, row in zip(answers, rows, strict=True)])
    right = [rows[index] for index in (0, 3, 5)]
    assert kept.claim_ids == {row["claim_id"] for row in right}
    assert kept.before == Counter(("negative", row["claim_is_true"]) for row in rows)
    assert kept.after == Counter(("negative", row["claim_is_true"]) for row in right)


@pytest.mark.parametrize(
    ("after", "warning"),
    [
        ({("negative", True): 1, ("positive", False): 1}, ""),
        ({("negative", True): 3}, "warning: train: only true claims were answered right"),
        ({("negative", False): 1, ("positive", False): 9}, "warning: train: only false claims were answered right"),
    ],
)
def test_a_lopsided_result_is_said(after, warning):
    before = Counter({(label, truth): 9 for label in ("negative", "positive") for truth in (True, False)})
    assert check_kept(Kept(before, Counter(after)), "m", "d", "train").startswith(warning)
    assert bool(check_kept(Kept(before, Counter(after)), "m", "d", "train")) == bool(warning)


def test_nothing_known():
    with pytest.raises(ValueError, match=r"in d \(train\) that m answers right without an opinion, got 0 of 4; filter"):
        check_kept(Kept(Counter({("negative", True): 4})), "m", "d", "train")
