# SPDX-License-Identifier: Apache-2.0
"""A soft prompt before a decoder-only model: what PEFT computes for one row alone, whatever is in the batch."""

import pytest
import torch
from tiny_llama import tiny_llama

from sycophancy.answering.causal import generate_batch, score_batch
from sycophancy.answering.soft_prompt import has_soft_prompt, with_soft_prompt

PROMPTS = ["Is the plot dull, or is it witty, as some say?", "x", "Is the plot dull?"]
CHOICES = [["yes", "no"]] * 3


@pytest.fixture(scope="module")
def model():
    from peft import PromptTuningConfig, get_peft_model

    network, tokenizer = tiny_llama(["Is the plot dull, or is it witty?"] * 3)
    torch.manual_seed(0)
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5, num_transformer_submodules=1)
    return get_peft_model(network, config).eval(), tokenizer


def test_scores_are_those_of_peft_for_a_row_alone(model):
    network, tokenizer = model
    for prompt, found in zip(PROMPTS, score_batch(network, tokenizer, PROMPTS, CHOICES), strict=True):
        for choice in ("yes", "no"):
            context, ids = tokenizer(prompt)["input_ids"], tokenizer(f"{prompt} {choice}")["input_ids"]
            with torch.no_grad():
                logits = network(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            # The logits at a token are about the next; five virtual tokens come first.
            expected = sum(logits[5 + at - 1, ids[at]].item() for at in range(len(context), len(ids)))
            assert found[choice] == pytest.approx(expected, abs=1e-3)


def test_free_answers_do_not_depend_on_the_batch(model):
    network, tokenizer = model
    together = generate_batch(network, tokenizer, PROMPTS, 5)
    assert together == [generate_batch(network, tokenizer, [prompt], 5)[0] for prompt in PROMPTS]
    ids = tokenizer(PROMPTS[2])["input_ids"]
    length = len(ids)
    for _ in range(5):
        with torch.no_grad():
            ids.append(network(input_ids=torch.tensor([ids])).logits[0, -1].argmax().item())
        if ids[-1] == 1:
            break
    assert together[2] == tokenizer.decode(ids[length:], skip_special_tokens=True).strip()


def test_without_a_soft_prompt_nothing_changes(model):
    network, _ = model
    inputs = {"input_ids": torch.tensor([[5]])}
    assert has_soft_prompt(network)
    with network.disable_adapter():
        assert not has_soft_prompt(network)
    base = network.get_base_model()
    assert with_soft_prompt(base, inputs) == (base, inputs)
