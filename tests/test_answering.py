# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from sycophancy.answering import batches_by_length, generate_batch, score_batch
from sycophancy.models import load_model
from sycophancy.tuning import add_soft_prompt

PROMPTS = [
    "the plot is dull",
    'Is it true that the sentiment of "a witty plot" is positive? Answer:',
    "the cast",
]
CHOICES = [["yes", "no"], ["agree", "I disagree with the claim", "true"], ["(A)", "(B)"]]


@pytest.fixture(scope="module")
def model(model_folder):
    return load_model(str(model_folder))


def by_hand(model, tokenizer, prompt: str, choice: str) -> float:
    """Summed log-probability of one choice, by the model's own loss on one unpadded row."""
    inputs = tokenizer(prompt, return_tensors="pt")
    labels = tokenizer(text_target=choice, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = model(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, labels=labels).loss
    return -loss.item() * labels.shape[1]


def test_scores_are_the_models_own_losses(model):
    scores = score_batch(*model, PROMPTS, CHOICES)
    for prompt, choices, found in zip(PROMPTS, CHOICES, scores, strict=True):
        assert list(found) == choices
        assert found == pytest.approx({choice: by_hand(*model, prompt, choice) for choice in choices}, abs=1e-4)


def test_scores_of_a_soft_prompt_are_its_own_losses(model_folder):
    base, tokenizer = load_model(str(model_folder))
    torch.manual_seed(1)
    tuned = add_soft_prompt(base, str(model_folder), 5, init_text=None).eval()
    scores = score_batch(tuned, tokenizer, PROMPTS, CHOICES)
    plain = score_batch(*load_model(str(model_folder)), PROMPTS, CHOICES)
    for prompt, choices, found, without in zip(PROMPTS, CHOICES, scores, plain, strict=True):
        assert found == pytest.approx(
            {choice: by_hand(tuned, tokenizer, prompt, choice) for choice in choices}, abs=1e-4
        )
        assert found != pytest.approx(without, abs=1e-3)


def test_an_answer_does_not_depend_on_its_batch(model):
    together = score_batch(*model, PROMPTS, CHOICES)
    alone = [score_batch(*model, [prompt], [choices])[0] for prompt, choices in zip(PROMPTS, CHOICES, strict=True)]
    for a, b in zip(together, alone, strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def test_batches_hold_every_row_once_longest_first():
    assert list(batches_by_length([3, 9, 5, 9, 1], 2)) == [[1, 3], [2, 0], [4]]


def test_free_answers_do_not_depend_on_padding(model):
    assert generate_batch(*model, PROMPTS, 4) == [generate_batch(*model, [prompt], 4)[0] for prompt in PROMPTS]
