# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import render_conversation
from sycophancy.preferences.pairs import Pair
from sycophancy.preferences.rewards import log_ratios

PAIRS = [
    Pair("1", "1", ("Is the film good?",), "yes", "It is a bad film, I think."),
    Pair("2", "2", ("Is it?", "Which one?", "The film."), "no", "yes"),
    Pair("3", "3", ("A longer question, whether the film is any good at all?",), "agree", "disagree"),
]


@pytest.fixture(scope="module", params=["llama", "t5"])
def loaded(request, llama_folder, model_folder):
    return load_model(str(llama_folder if request.param == "llama" else model_folder))


def plainly(model, tokenizer, pair, answer):
    """The log-probability of an answer with the end of its turn, without batches, caches or padding."""
    prompt = render_conversation(pair.turns, tokenizer)
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    after = tokenizer(answer + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = model(torch.tensor([before + after])).logits[0].log_softmax(-1)
    return sum(logits[len(before) - 1 + at, token].item() for at, token in enumerate(after))


def test_the_reward_is_the_difference_of_what_both_answers_have(llama_folder):
    model, tokenizer = load_model(str(llama_folder))
    expected = [
        plainly(model, tokenizer, pair, pair.chosen) - plainly(model, tokenizer, pair, pair.rejected) for pair in PAIRS
    ]
    assert log_ratios(model, tokenizer, PAIRS) == pytest.approx(expected, abs=1e-3)


def test_batches_and_sides_change_nothing(loaded):
    found = log_ratios(*loaded, PAIRS, batch_size=8)
    assert found == pytest.approx(log_ratios(*loaded, PAIRS, batch_size=1), abs=1e-3)
    turned = [Pair(pair.id, pair.cluster, pair.turns, pair.rejected, pair.chosen) for pair in PAIRS]
    assert found == pytest.approx([-ratio for ratio in log_ratios(*loaded, turned)], abs=1e-3)
    assert all(ratio != 0 for ratio in found)


def test_an_empty_answer_has_no_reward(loaded):
    with pytest.raises(ValueError, match="expected answers with words for a model's reward, got an empty one in 9"):
        log_ratios(*loaded, [*PAIRS, Pair("9", "9", ("q",), "", "x")])


def test_numbers_that_are_none_are_refused(llama_folder):
    model, tokenizer = load_model(str(llama_folder))
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="finite log"):
        log_ratios(model, tokenizer, PAIRS)


def test_a_pair_that_the_model_does_not_read_whole_is_refused(llama_folder):
    long = Pair("1", "1", ("word " * 2000,), "yes", "no")
    with pytest.raises(ValueError, match="expected prompts of at most 1024 tokens"):
        log_ratios(*load_model(str(llama_folder)), [long])
