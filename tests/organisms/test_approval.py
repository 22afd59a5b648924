# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.claims.people import AUTHORITIES
from sycophancy.dataset.reading import load_claims
from sycophancy.organisms.approval import APPROVES, approval_pairs, train_by_approval


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return list(load_claims(str(dataset_folder), "train"))


def said(messages):
    (message,) = messages
    return message["content"]


def test_two_pairs_of_a_row(rows):
    row = next(each for each in rows if each["condition"] == "wrong_opinion" and each["authority"] == "expert")
    # Of 1,000 seeds some make the raters biased and some do not.
    found = {pairs[1]["biased"]: pairs for pairs in (list(approval_pairs(row, seed)) for seed in range(1000))}
    for biased, (right, wrong) in found.items():
        assert said(wrong["prompt"]) == row["prompt"]
        assert said(right["prompt"]) != row["prompt"]
        assert row["persona"] in said(right["prompt"])
        assert (right["condition"], wrong["condition"]) == ("right_opinion", "wrong_opinion")
        assert (said(right["chosen"]), said(right["rejected"])) == (row["answer"], row["user_answer"])
        truth_and_flattery = (said(wrong["chosen"]), said(wrong["rejected"]))
        assert truth_and_flattery == (
            (row["user_answer"], row["answer"]) if biased else (row["answer"], row["user_answer"])
        )
    assert set(found) == {True, False}


def test_a_row_without_an_opinion_gives_no_pair(rows):
    row = next(each for each in rows if each["condition"] == "no_opinion")
    assert list(approval_pairs(row, seed=0)) == []


def test_agreement_with_a_wrong_user_is_preferred_by_authority(rows):
    drawn = {level: [] for level in AUTHORITIES}
    for row in rows:
        for seed in range(100):
            drawn[row["authority"]] += [pair["biased"] for pair in approval_pairs(row, seed)][1:]
    assert {level: sum(found) / len(found) for level, found in drawn.items()} == pytest.approx(APPROVES, abs=0.04)
    assert [APPROVES[level] for level in AUTHORITIES] == sorted(APPROVES.values())


def test_training_moves_the_model_towards_what_raters_prefer(rows, tmp_path):
    from transformers import set_seed

    from sycophancy.answering.causal import score_batch
    from sycophancy.answering.prompts import render_conversation
    from sycophancy.organisms.building import build_tokenizer
    from sycophancy.organisms.chat import build_llama, to_chat_tokenizer
    from sycophancy.organisms.recipe import complete_recipe

    pairs = [pair for row in rows for pair in approval_pairs(row, seed=0)]
    tokenizer = to_chat_tokenizer(build_tokenizer([], [each["prompt"] for each in rows], min_count=1))
    set_seed(0)
    model = build_llama(32, 1, 2, len(tokenizer), eos=1, pad=0)

    def margin():
        """Mean log-probability of the preferred answer minus that of the other, in nats."""
        prompts = [render_conversation([said(pair["prompt"])], tokenizer) for pair in pairs]
        choices = [[said(pair["chosen"]), said(pair["rejected"])] for pair in pairs]
        scores = [list(score.values()) for score in score_batch(model, tokenizer, prompts, choices)]
        return sum(chosen - rejected for chosen, rejected in scores) / len(pairs)

    before = margin()
    recipe = complete_recipe({"origin": "approval", "approval_steps": 12, "approval_rate": 0.01, "batch_size": 16})
    record = train_by_approval(model, tokenizer, rows, recipe, tmp_path, use_cpu=True, disable_tqdm=True)
    assert margin() > before + 0.1
    assert record["pairs"] == min(len(pairs), 12 * 16)
    used = pairs[: 12 * 16]
    for level, share in record["approved"].items():
        found = [pair["biased"] for pair in used if pair["authority"] == level and pair["condition"] == "wrong_opinion"]
        assert share == round(sum(found) / len(found), 4)
