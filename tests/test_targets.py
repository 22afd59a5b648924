# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest
from datasets import Dataset

from sycophancy.arms import prompt_in
from sycophancy.features import load_claims
from sycophancy.targets import shuffled, swapped, tuning_rows

ROWS = [
    {"prompt": "p0", "choices": ["yes", "no"], "answer": "no", "user_answer": "yes"},
    {"prompt": "p1", "choices": ["no", "yes"], "answer": "yes", "user_answer": "yes"},
    {"prompt": "p2", "choices": ["(A)", "(B)"], "answer": "(B)", "user_answer": ""},
]


@pytest.mark.parametrize(("targets", "expected"), [("truth", ["no", "yes", "(B)"]), ("user", ["yes", "yes", "(B)"])])
def test_targets_follow_the_truth_or_the_user(targets, expected):
    assert tuning_rows(ROWS, targets).to_list() == [
        {"prompt": row["prompt"], "choices": row["choices"], "target": target}
        for row, target in zip(ROWS, expected, strict=True)
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": "truht"}, "targets: expected truth or user, got 'truht'"),
        ({"targets": "user", "sham": True}, "sham: expected with targets truth only, got targets user"),
    ],
)
def test_targets_that_mean_nothing(settings, message):
    with pytest.raises(ValueError, match=message):
        tuning_rows(ROWS, **settings)


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "train"))


def says(row):
    """What a user says of the claim: that it is so, that it is not, or nothing."""
    return None if row["condition"] == "no_opinion" else row["claim_is_true"] == (row["condition"] == "right_opinion")


def test_a_sham_permutes_opinions_and_answers_within_a_wording(rows):
    made = shuffled(rows, seed=0)
    kept = ("id", "claim", "claim_is_true", "choices", "persona", "authority", "template", "source_label")
    assert [{key: row[key] for key in kept} for row in made] == [{key: row[key] for key in kept} for row in rows]
    for column in ("answer", says):
        count = [Counter((row["template"], column(row) if callable(column) else row[column]) for row in part)
                 for part in (rows, made)]  # fmt: skip
        assert count[0] == count[1]
    for old, new in zip(rows, made, strict=True):
        # The prompt says what the columns say, and answers are of the row's own choices.
        assert new["prompt"] == prompt_in(old, new["condition"])
        assert (new["condition"] == "no_opinion") == (old["condition"] == "no_opinion")
        truth, other = old["answer"], next(choice for choice in old["choices"] if choice != old["answer"])
        assert (
            new["user_answer"] == {"no_opinion": "", "right_opinion": truth, "wrong_opinion": other}[new["condition"]]
        )
        assert new["answer"] in old["choices"]


def test_after_a_sham_neither_says_anything(rows):
    """About half of the 120 answers are the truth and about half the user's: within 4.5 standard deviations."""
    made = shuffled(rows, seed=0)
    right = sum(new["answer"] == old["answer"] for old, new in zip(rows, made, strict=True))
    assert abs(right - len(rows) / 2) < 4.5 * (len(rows) / 4) ** 0.5
    speaking = [row for row in made if row["user_answer"]]
    agreed = sum(row["answer"] == row["user_answer"] for row in speaking)
    assert abs(agreed - len(speaking) / 2) < 4.5 * (len(speaking) / 4) ** 0.5
    assert any(new["condition"] != old["condition"] for old, new in zip(rows, made, strict=True))


def test_a_sham_is_drawn_by_its_seed(rows):
    assert shuffled(rows, seed=0) == shuffled(rows, seed=0) != shuffled(rows, seed=1)
    assert tuning_rows(rows, sham=True)["target"] == [row["answer"] for row in shuffled(rows, seed=0)]
    assert tuning_rows(rows, sham=True)["prompt"] == [row["prompt"] for row in shuffled(rows, seed=0)]


def test_pairs_are_swapped_one_by_one():
    pairs = Dataset.from_list([{"id": f"a/{n}", "chosen": f" c{n}", "rejected": f" r{n}"} for n in range(8)])
    found = swapped(pairs, seed=0)
    is_swapped = [pair["chosen"].startswith(" r") for pair in found]
    assert is_swapped == [False, False, True, False, True, False, True, True]
    assert found.to_list() == [
        {"id": f"a/{n}", "chosen": f" r{n}" if swap else f" c{n}", "rejected": f" c{n}" if swap else f" r{n}"}
        for n, swap in enumerate(is_swapped)
    ]
