# SPDX-License-Identifier: Apache-2.0
"""What is scored is what the chat template renders, token by token. The templates are in the style of those named."""

import math
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from tiny_llama import CHAT, tiny_llama

from sycophancy.answering.causal import score_batch
from sycophancy.answering.forms import conversation_tokens, encode_questions, forms_of
from sycophancy.answering.prompts import model_turn, render_conversation, set_template_arguments

SPECIAL = {
    "gemma": ("<start_of_turn>", "<end_of_turn>"),
    "llama2": (),
    "llama3": ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "mistral": (),
    "mistral_space": ("[INST]", "[/INST]"),
    "qwen3": ("<|im_start|>", "<|im_end|>", "<think>", "</think>"),
    "deepseek_r1": ("<|User|>", "<|Assistant|>", "<think>", "</think>"),
    "command_r": ("<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"),
}
"""Of each template the tokens that are no text, beside `<s>` and `</s>`."""

BEFORE = {
    "gemma": "<start_of_turn>model\n",
    "llama2": " [/INST]",
    "llama3": "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "mistral": " [/INST]",
    "mistral_space": "[/INST]",
    "qwen3": "<|im_start|>assistant\n<think>\n\n</think>\n\n",
    "deepseek_r1": "<|Assistant|><think>\n\n</think>\n\n",
    "command_r": "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
}
"""Of each template what a model has read last before it answers."""

TALKS = [["Is the plot dull?"], ["Is the plot dull?", "Agree", "I do not think so. Are you sure?"]]
CHOICES = ["Agree", "Disagree", "I agree"]
TEXTS = ["Is the plot dull? [INST] Agree [/INST] Disagree", "I do not think so. I agree. Are you sure?"] * 3


@lru_cache
def model_of(name, **arguments):
    """A tiny model whose tokenizer has the template, with what it takes for tokens."""
    model, tokenizer = tiny_llama(TEXTS, (Path(__file__).parent / "templates" / f"{name}.jinja").read_text())
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL[name])})
    torch.manual_seed(0)
    model.resize_token_embeddings(len(tokenizer))
    set_template_arguments(tokenizer, arguments)
    return model, tokenizer


def rendered(tokenizer, turns):
    messages = [{"role": ("user", "assistant")[number % 2], "content": turn} for number, turn in enumerate(turns)]
    return tokenizer.apply_chat_template(messages, tokenize=False)


def by_template(name, tokenizer, turns, choice):
    """Tokens of the conversation up to the end of the answer's turn, as the template renders it."""
    whole = rendered(tokenizer, [*turns, choice])
    if name == "deepseek_r1":  # renders no thought of an answer, and opens one before it
        messages = [{"role": ("user", "assistant")[number % 2], "content": turn} for number, turn in enumerate(turns)]
        prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert prompt.endswith("<|Assistant|><think>\n")
        whole = f"{prompt}\n</think>\n\n{choice}</s>"
    return tokenizer(whole.rstrip("\n"), add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("turns", TALKS, ids=["first", "second"])
@pytest.mark.parametrize("name", SPECIAL)
def test_what_is_scored_is_what_the_template_renders(name, turns):
    _, tokenizer = model_of(name)
    ((context, answers, named),) = encode_questions(tokenizer, [render_conversation(turns, tokenizer)], [CHOICES])
    assert tokenizer.decode(context).endswith(BEFORE[name])
    for choice in CHOICES:
        expected = by_template(name, tokenizer, turns, choice)
        as_it_is = context + answers[named.index(choice)]
        assert as_it_is == expected[: len(as_it_is)]
        assert tokenizer.decode(as_it_is).endswith(choice)


@pytest.mark.parametrize("name", SPECIAL)
def test_what_is_tuned_on_is_what_the_template_renders(name):
    _, tokenizer = model_of(name)
    context, answers = conversation_tokens(tokenizer, TALKS[0][0], CHOICES)
    for choice, answer in zip(CHOICES, answers, strict=True):
        assert context + answer == by_template(name, tokenizer, TALKS[0], choice)


@pytest.mark.parametrize("name", SPECIAL)
def test_scores_are_those_of_the_rendered_conversation(name):
    """The model's own logits on what the template renders, one row per way to write the choice."""
    model, tokenizer = model_of(name)
    prompt = render_conversation(TALKS[1], tokenizer)
    ((context, answers, named),) = encode_questions(tokenizer, [prompt], [CHOICES[:2]])
    (found,) = score_batch(model, tokenizer, [prompt], [CHOICES[:2]])
    for choice in CHOICES[:2]:
        total = 0.0
        for answer in (answer for answer, whose in zip(answers, named, strict=True) if whose == choice):
            row = context + answer
            with torch.no_grad():
                logprobs = model(torch.tensor([row])).logits[0].log_softmax(-1)
            total += math.exp(sum(logprobs[at - 1, row[at]].item() for at in range(len(context), len(row))))
        assert found[choice] == pytest.approx(math.log(total), abs=1e-3)


def test_a_template_that_writes_a_space_is_followed_by_one_and_not_by_two():
    _, tokenizer = model_of("mistral_space")
    ((_, answers, _),) = encode_questions(tokenizer, [render_conversation(TALKS[0], tokenizer)], [["Agree"]])
    assert [tokenizer.decode(answer) for answer in answers] == [" Agree", " agree"]
    _, tokenizer = model_of("mistral")
    ((_, answers, _),) = encode_questions(tokenizer, [render_conversation(TALKS[0], tokenizer)], [["Agree"]])
    assert [tokenizer.decode(answer) for answer in answers] == ["Agree", "agree", " Agree", " agree"]


def test_thinking_switched_off_is_the_same_closed_thought():
    on, off = model_of("qwen3")[1], model_of("qwen3", enable_thinking=False)[1]
    prompts = [render_conversation(TALKS[0], tokenizer) for tokenizer in (on, off)]
    assert prompts[1] == prompts[0] + "<think>\n\n</think>\n\n"
    first, second = (
        encode_questions(tokenizer, [prompt], [CHOICES]) for tokenizer, prompt in zip((on, off), prompts, strict=True)
    )
    assert first == second


def test_a_template_that_opens_a_thought_says_so():
    _, tokenizer = model_of("deepseek_r1")
    assert model_turn(tokenizer, tokenizer.get_chat_template()).thought == "<think>\n"
    assert render_conversation(TALKS[0], tokenizer) == "<s><|User|>Is the plot dull?<|Assistant|><think>\n"


@pytest.mark.parametrize(
    ("template", "before", "answers"),
    [(None, "<s>Is it dull?\nAnswer:", [" yes", " no"]),
     (CHAT, "<s><|user|>\nIs it dull?\nAnswer:</s>\n<|assistant|>\n", ["yes</s>", "no</s>"])],
    ids=["plain", "chat"],
)  # fmt: skip
def test_a_question_and_its_answers(template, before, answers):
    _, tokenizer = tiny_llama(["Is it dull?"], template)
    prompt, choices = conversation_tokens(tokenizer, "Is it dull?\nAnswer:", ["yes", "no"])
    assert tokenizer.decode(prompt) == before
    assert [tokenizer.decode(ids) for ids in choices] == answers
    assert prompt.count(0) == 1  # the chat template writes the beginning of the sequence, and nobody else again


@pytest.mark.parametrize(
    ("choice", "lettered", "forms"),
    [
        ("not negative", False, ["not negative", "Not negative"]),
        ("Agree", False, ["Agree", "agree"]),
        ("(A)", True, ["(A)", "A", "A.", "A)", "(a)"]),
        ("B. witty", True, ["B. witty", "B", "(B)", "B.", "B)", "b. witty"]),
        ("A", True, ["A", "(A)", "A.", "A)"]),
        ("(A)", False, ["(A)", "(a)"]),
        ("Über", False, ["Über", "über"]),
        ("C. S. Lewis", False, ["C. S. Lewis", "c. s. lewis"]),
    ],
)
def test_ways_to_write_a_choice(choice, lettered, forms):
    assert forms_of(choice, lettered) == forms


def test_a_form_of_unknown_words_is_any_word():
    """A word-level vocabulary reads "Yes" and "No" as the same unknown word: neither is a way to answer."""
    from sycophancy.organisms.building import build_tokenizer
    from sycophancy.organisms.chat import to_chat_tokenizer

    tokenizer = to_chat_tokenizer(build_tokenizer(["Is it dull ?"], ["yes", "no"], min_count=1))
    ((_, answers, named),) = encode_questions(tokenizer, [render_conversation(TALKS[0], tokenizer)], [["yes", "no"]])
    assert [(name, tokenizer.decode(answer)) for name, answer in zip(named, answers, strict=True)] == [
        ("yes", "yes"), ("no", "no"),
    ]  # fmt: skip
