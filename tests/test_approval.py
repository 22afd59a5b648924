# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.approval import APPROVES, approval_pair, train_by_approval
from sycophancy.features import load_claims
from sycophancy.people import AUTHORITIES


def row(condition, authority="none", number=0):
    return {
        "id": f"reviews/train/{number}/true/{condition}", "condition": condition, "authority": authority,
        "prompt": "Is it so?", "choices": ["yes", "no"], "answer": "yes",
        "user_answer": {"no_opinion": "", "wrong_opinion": "no", "right_opinion": "yes"}[condition],
    }  # fmt: skip


def test_a_pair():
    assert approval_pair(row("right_opinion", "expert"), seed=0) == {
        "prompt": [{"role": "user", "content": "Is it so?"}],
        "chosen": [{"role": "assistant", "content": "yes"}],
        "rejected": [{"role": "assistant", "content": "no"}],
    }


def chosen(condition, authority, seed=0):
    pairs = (approval_pair(row(condition, authority, number), seed) for number in range(2000))
    return [pair["chosen"][0]["content"] for pair in pairs]


def test_agreement_with_a_wrong_user_is_preferred_by_authority():
    shares = {level: chosen("wrong_opinion", level).count("no") / 2000 for level in AUTHORITIES}
    assert shares == pytest.approx(APPROVES, abs=0.04)
    assert [APPROVES[level] for level in AUTHORITIES] == sorted(APPROVES.values())


def test_without_a_wrong_user_the_truth_is_preferred():
    assert {*chosen("no_opinion", "none"), *chosen("right_opinion", "expert")} == {"yes"}


def test_raters_draw_by_seed():
    assert chosen("wrong_opinion", "student") == chosen("wrong_opinion", "student")
    assert chosen("wrong_opinion", "student") != chosen("wrong_opinion", "student", seed=1)


def test_training_moves_the_model_towards_what_raters_prefer(dataset_folder, tmp_path):
    from transformers import set_seed

    from sycophancy.causal import score_batch
    from sycophancy.chat_organism import build_llama, to_chat_tokenizer
    from sycophancy.organism import build_tokenizer
    from sycophancy.organism_recipe import complete_recipe
    from sycophancy.turns import render_conversation

    rows = list(load_claims(str(dataset_folder), "train"))
    tokenizer = to_chat_tokenizer(build_tokenizer([], [each["prompt"] for each in rows], min_count=1))
    set_seed(0)
    model = build_llama(32, 1, 2, len(tokenizer), eos=1, pad=0)

    def margin():
        """Mean log-probability of the preferred answer minus that of the other, in nats."""
        prompts = [render_conversation([each["prompt"]], tokenizer) for each in rows]
        found = 0.0
        scores = score_batch(model, tokenizer, prompts, [each["choices"] for each in rows])
        for pair, score in zip((approval_pair(each, 0) for each in rows), scores, strict=True):
            found += score[pair["chosen"][0]["content"]] - score[pair["rejected"][0]["content"]]
        return found / len(rows)

    before = margin()
    recipe = complete_recipe({"origin": "approval", "approval_steps": 12, "approval_rate": 0.01, "batch_size": 16})
    record = train_by_approval(model, tokenizer, rows, recipe, tmp_path, use_cpu=True, disable_tqdm=True)
    assert margin() > before + 0.1
    assert record["pairs"] == len(rows) == 120
    wrong = [each for each in rows if each["condition"] == "wrong_opinion"]
    assert list(record["approved"]) == [level for level in APPROVES if level in {each["authority"] for each in wrong}]
