# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import pytest
from datasets import Dataset

from sycophancy.answering import causal
from sycophancy.answering.models import load_any_model, load_model
from sycophancy.answering.seq2seq import score_batch
from sycophancy.answering.turns import render_conversation
from sycophancy.claims.rows import prompt_in
from sycophancy.dataset.reading import load_claims
from sycophancy.tuning.data import own_answers, redrawn, shuffled, swapped, tuning_rows

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


def test_a_sham_permutes_opinions_within_a_wording(rows):
    made = shuffled(rows, seed=0)
    kept = [{key: value for key, value in row.items() if key not in OF_USER} for row in rows]
    assert [{key: value for key, value in row.items() if key not in OF_USER} for row in made] == kept
    for part in (rows, made):
        check_users(part)
    count = [Counter((row["template"], says(row)) for row in part) for part in (rows, made)]
    assert count[0] == count[1]
    assert any(new["condition"] != old["condition"] for old, new in zip(rows, made, strict=True))


OF_USER = ("prompt", "condition", "user_answer")


def check_users(rows):
    """The prompt and the user's answer are what the condition says."""
    for row in rows:
        assert row["prompt"] == prompt_in(row, row["condition"])
        truth, other = row["answer"], next(choice for choice in row["choices"] if choice != row["answer"])
        said = {"no_opinion": "", "right_opinion": truth, "wrong_opinion": other}
        assert row["user_answer"] == said[row["condition"]]


def test_a_sham_is_drawn_by_its_seed(rows):
    assert shuffled(rows, seed=0) == shuffled(rows, seed=0) != shuffled(rows, seed=1)
    assert tuning_rows(rows, sham=True)["prompt"] == [row["prompt"] for row in shuffled(rows, seed=0)]


@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_users_are_right_as_often_as_told(rows, share):
    made = redrawn(rows, share, seed=0)
    check_users(made)
    assert [row["condition"] == "no_opinion" for row in made] == [row["condition"] == "no_opinion" for row in rows]
    speaking = [row["condition"] == "right_opinion" for row in made if row["condition"] != "no_opinion"]
    assert len(speaking) == 77
    assert sum(speaking) == {0.0: 0, 0.8: 58, 1.0: 77}[share]
    assert tuning_rows(rows, users_right=share)["prompt"] == [row["prompt"] for row in made]
    assert tuning_rows(rows, users_right=share)["target"] == [row["answer"] for row in rows]
    assert redrawn(rows, 0.5, seed=0) != redrawn(rows, 0.5, seed=1)


def test_the_targets_of_a_sham_are_what_the_model_answers(rows, model_folder):
    model, tokenizer = load_model(str(model_folder))
    tuned = tuning_rows(rows[:30], sham=True)
    found = own_answers(model, tokenizer, tuned, batch_size=4)
    scores = score_batch(model, tokenizer, tuned["prompt"], tuned["choices"])
    expected = [{**row, "target": max(scored, key=scored.get)} for row, scored in zip(tuned, scores, strict=True)]
    assert found.to_list() == expected
    assert found["target"] != tuned["target"]


def test_a_chat_model_is_asked_through_its_template_for_its_own_answers(rows, llama_folder):
    model, tokenizer = load_any_model(str(llama_folder))
    tuned = tuning_rows(rows[:30], sham=True)
    asked = [render_conversation([prompt], tokenizer) for prompt in tuned["prompt"]]
    scores = causal.score_batch(model, tokenizer, asked, tuned["choices"])
    raw = causal.score_batch(model, tokenizer, tuned["prompt"], tuned["choices"])
    expected = [max(scored, key=scored.get) for scored in scores]
    assert own_answers(model, tokenizer, tuned, batch_size=4)["target"] == expected
    assert expected != [max(scored, key=scored.get) for scored in raw]


def test_pairs_are_swapped_one_by_one():
    pairs = Dataset.from_list([{"id": f"a/{n}", "chosen": f" c{n}", "rejected": f" r{n}"} for n in range(8)])
    found = swapped(pairs, seed=0)
    is_swapped = [pair["chosen"].startswith(" r") for pair in found]
    assert is_swapped == [False, False, True, False, True, False, True, True]
    assert found.to_list() == [
        {"id": f"a/{n}", "chosen": f" r{n}" if swap else f" c{n}", "rejected": f" c{n}" if swap else f" r{n}"}
        for n, swap in enumerate(is_swapped)
    ]
