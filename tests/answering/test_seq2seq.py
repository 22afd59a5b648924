# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from plain_scores import score_seq2seq
from tune_runs import add_soft_prompt

from sycophancy.answering.models import load_model
from sycophancy.answering.seq2seq import generate_batch, score_batch

PROMPTS = [
    "the plot is dull",
    'Is it true that the sentiment of "a witty plot" is positive? Answer:',
    "the cast",
]
CHOICES = [["yes", "no"], ["agree", "I disagree with the claim", "true"], ["(A)", "(B)"]]


@pytest.fixture(scope="module")
def model(model_folder):
    return load_model(str(model_folder))


def check(model, tokenizer, prompts=PROMPTS, choices=CHOICES):
    """The scores are the model's own losses, each on one unpadded row."""
    scores = score_batch(model, tokenizer, prompts, choices)
    for prompt, options, found in zip(prompts, choices, scores, strict=True):
        assert list(found) == options
        plain = {choice: score_seq2seq(model, tokenizer, prompt, choice) for choice in options}
        assert found == pytest.approx(plain, abs=1e-4)
    return scores


def test_scores_are_the_models_own_losses(model):
    check(*model)


@pytest.mark.parametrize(
    "choices",
    [
        ["yes"],
        ["true claim", "true", "true claim is"],  # equal first tokens, each the beginning of another
        ["I agree with the claim", "I agree", "(A)", "(B)", "no", "negative"],
        ["", "yes"],  # nothing but the end of sequence
    ],
)
def test_choices_of_any_shape(model, choices):
    check(*model, PROMPTS, [choices, choices[::-1], choices[:1]])


def test_repeated_prompts(model):
    prompts = [PROMPTS[0], PROMPTS[2], PROMPTS[0]]
    first, _, again = check(*model, prompts, [["yes", "no"]] * 3)
    assert first == pytest.approx(again, abs=1e-6)


def test_padding_side_is_no_matter(model):
    network, tokenizer = model
    right = score_batch(network, tokenizer, PROMPTS, CHOICES)
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    assert score_batch(network, tokenizer, PROMPTS, CHOICES) == right
    tokenizer.padding_side = side


def adapted(model_folder, kind):
    """A fresh model with an adapter that changes its answers."""
    from peft import IA3Config, LoraConfig, PrefixTuningConfig, TaskType, get_peft_model

    base, tokenizer = load_model(str(model_folder))
    torch.manual_seed(1)
    if kind == "soft prompt":
        return add_soft_prompt(base, str(model_folder), 5, init_text=None).eval(), tokenizer
    task = TaskType.SEQ_2_SEQ_LM
    config = {
        "lora": LoraConfig(task_type=task, target_modules=["q", "k", "v", "lm_head"], init_lora_weights=False),
        "prefix": PrefixTuningConfig(task_type=task, num_virtual_tokens=4),
        "ia3": IA3Config(task_type=task, init_ia3_weights=False),
    }[kind]
    return get_peft_model(base, config).eval(), tokenizer


@pytest.mark.parametrize("kind", ["soft prompt", "lora", "prefix", "ia3"])
def test_scores_with_an_adapter_are_its_own_losses(model, model_folder, kind):
    tuned, tokenizer = adapted(model_folder, kind)
    scores = check(tuned, tokenizer)
    plain = score_batch(*model, PROMPTS, CHOICES)
    for found, without in zip(scores, plain, strict=True):
        assert found != pytest.approx(without, abs=1e-3)
    with tuned.disable_adapter():
        for found, without in zip(score_batch(tuned, tokenizer, PROMPTS, CHOICES), plain, strict=True):
            assert found == pytest.approx(without, abs=1e-5)


def test_an_answer_does_not_depend_on_its_batch(model):
    together = score_batch(*model, PROMPTS, CHOICES)
    alone = [score_batch(*model, [prompt], [choices])[0] for prompt, choices in zip(PROMPTS, CHOICES, strict=True)]
    for a, b in zip(together, alone, strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def test_free_answers_do_not_depend_on_padding(model):
    assert generate_batch(*model, PROMPTS, 4) == [generate_batch(*model, [prompt], 4)[0] for prompt in PROMPTS]
