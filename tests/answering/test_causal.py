# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from datasets import Dataset
from plain_scores import score_causal
from tiny_llama import CHAT, tiny_llama

from sycophancy.answering.causal import (
    generate_batch,
    has_soft_prompt,
    score_batch,
    score_questions,
    score_whole,
    with_soft_prompt,
)
from sycophancy.answering.forms import Asked, conversation_tokens, encode_questions
from sycophancy.answering.logits import by_form
from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import chat_tokenizer, render_conversation
from sycophancy.tuning.supervised import tokenize

TEXTS = ["Human: Which word describes the plot? (A) dull (B) witty Answer with the letter. Assistant: (A)"] * 3
QUESTIONS = ["Is the plot dull?", "Which word describes the sentiment of the plot?\n(A) dull\n(B) witty", "x"]
CHOICES = [["yes", "no"], ["(A)", "(B)", "(C)"], ["not entailment", "entailment"]]


@pytest.fixture(scope="module", params=[None, CHAT], ids=["plain", "chat"])
def model(request):
    return tiny_llama(TEXTS, request.param)


def rendered(model):
    return [render_conversation([question], chat_tokenizer(*model)) for question in QUESTIONS]


def by_hand(model, tokenizer, prompt, forms):
    """Log-probability of several ways to write an answer, each one unpadded row, token by token."""
    chat = bool(tokenizer.chat_template)
    context = tokenizer(prompt, add_special_tokens=not chat)["input_ids"]
    total = 0.0
    for form in forms:
        answer = tokenizer(form, add_special_tokens=False)["input_ids"]
        logprob = 0.0
        for position, token in enumerate(answer):
            with torch.no_grad():
                logits = model(torch.tensor([context + answer[:position]])).logits[0, -1]
            logprob += torch.log_softmax(logits, -1)[token].item()
        total += math.exp(logprob)
    return math.log(total)


def test_scores_are_the_models_own_token_by_token(model):
    """Every way to write a choice counts, each once: what goes on from another is the same answer."""
    yes = (" yes", " Yes") if model[1].chat_template is None else ("yes", "Yes", " yes", " Yes")
    prompts = rendered(model)
    (found,) = score_batch(*model, prompts[:1], [["yes", "maybe"]])
    assert found["yes"] == pytest.approx(by_hand(*model, prompts[0], yes), abs=1e-3)
    (found,) = score_batch(*model, prompts[1:2], [["(A)", "(B)"]])
    # " A." and " A)" are ways to go on from " A".
    letter = (" A", " (A)", " (a)") if model[1].chat_template is None else ("A", "(A)", "(a)", " A", " (A)", " (a)")
    assert found["(A)"] == pytest.approx(by_hand(*model, prompts[1], letter), abs=1e-3)


def test_a_choice_that_begins_another_is_followed_by_the_end_of_the_turn():
    model, tokenizer = tiny_llama(TEXTS, CHAT)
    prompt = render_conversation([QUESTIONS[0]], tokenizer)
    ((_, answers, choices),) = encode_questions(tokenizer, [prompt], [["true", "true claim"]])
    said = [(choice, tokenizer.decode(answer)) for choice, answer in zip(choices, answers, strict=True)]
    assert said == [
        ("true", "true</s>"), ("true", "True</s>"), ("true", " true</s>"), ("true", " True</s>"),
        ("true claim", "true claim"), ("true claim", "True claim"), ("true claim", " true claim"),
        ("true claim", " True claim"),
    ]  # fmt: skip
    (scores,) = score_batch(model, tokenizer, [prompt], [["true", "true claim"]])
    assert sum(map(math.exp, scores.values())) < 1


def test_a_form_of_two_choices_is_neithers_but_where_it_is_the_choice():
    _, tokenizer = tiny_llama(TEXTS, CHAT)
    prompt = render_conversation([QUESTIONS[0]], tokenizer)
    ((_, answers, choices),) = encode_questions(tokenizer, [prompt], [["yes", "YES"]])
    said = [(choice, tokenizer.decode(answer)) for choice, answer in zip(choices, answers, strict=True)]
    assert said == [("yes", "yes"), ("yes", "Yes"), ("yes", " Yes"), ("YES", "YES"), ("YES", " YES")]


@pytest.mark.parametrize("way", ["packed", "in steps", "whole"])
def test_the_choice_is_the_one_that_greedy_text_begins_with(way):
    """Against a choice that has nearly all of the probability, in words that the model does not say first."""
    model, tokenizer = tiny_llama(TEXTS, CHAT)
    asked, said = [], []
    for question in [*QUESTIONS, "Why?", "Is it so, then?"]:
        context = tokenizer(render_conversation([question], tokenizer), add_special_tokens=False)["input_ids"]
        greedy = model.generate(torch.tensor([context]), max_new_tokens=2, do_sample=False, pad_token_id=1)[
            0, len(context) :
        ]
        first, second = greedy.tolist()
        others = [[token] for token in range(len(tokenizer)) if token != first]
        others.append([first, (second + 1) % len(tokenizer)])
        asked.append(Asked(context, [*others, [first, second]], ["another"] * len(others) + ["said"]))
        said.append(tokenizer.decode(greedy))
    assert len(set(said)) > 1
    with torch.inference_mode():
        found = (
            by_form(asked, score_whole(model, 1, asked, "cpu"))
            if way == "whole"
            else score_questions(model, tokenizer, asked, share=way == "packed")
        )
    assert [scores.choose(["another", "said"]) for scores in found] == ["said"] * 5
    assert sum(max(scores, key=scores.get) == "another" for scores in found) == 5
    for scores, question in zip(found, asked, strict=True):
        assert [list(form.tokens) for form in scores.forms] == question.answers
        assert [len(form.logprobs) for form in scores.forms] == list(map(len, question.answers))


def check(model, tokenizer, prompts, choices):
    """The scores are those of every choice after its whole prompt, each on one unpadded row."""
    scores = score_batch(model, tokenizer, prompts, choices)
    for prompt, options, found in zip(prompts, choices, scores, strict=True):
        assert list(found) == options
        assert found == pytest.approx(score_causal(model, tokenizer, prompt, options), abs=1e-4)
    return scores


SHOTS = "Is the cast dull? yes. Is the script witty? no. Is the end a surprise? yes. "
SHAPES = [["yes"], ["true claim", "true", "true claim is"], ["(A)", "(B)", "no", "I agree with the claim"]]


@pytest.mark.parametrize("options", SHAPES)
def test_choices_of_any_shape(model, options):
    check(*model, rendered(model), [options, options[::-1], options[:1]])


@pytest.mark.parametrize("kind", ["none", "soft prompt", "lora", "prefix"])
def test_prompts_that_begin_alike_are_read_once_and_scored_the_same(kind):
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, TaskType, get_peft_model

    network, tokenizer = tiny_llama(TEXTS)
    plain, task = network, TaskType.CAUSAL_LM
    torch.manual_seed(1)
    if kind != "none":
        config = {
            "soft prompt": PromptTuningConfig(task_type=task, num_virtual_tokens=3),
            "lora": LoraConfig(task_type=task, target_modules=["q_proj", "v_proj"], init_lora_weights=False),
            "prefix": PrefixTuningConfig(task_type=task, num_virtual_tokens=3),
        }[kind]
        network = get_peft_model(network, config).eval()
    prompts = [SHOTS + "Is it so?", "x", SHOTS + "Is the plot dull, then?", "Why is it?", SHOTS[::-1] + "a", SHOTS]
    prompts += [SHOTS[::-1] + "b", SHOTS + "Is it so?"]
    choices = [["yes", "no"], *SHAPES, ["yes"], ["(A)", "(B)"], ["no"], ["yes", "no"]]
    read = []
    handle = plain.model.layers[0].register_forward_pre_hook(lambda _, inputs: read.append(tuple(inputs[0].shape[:2])))
    scores = score_batch(network, tokenizer, prompts, choices)
    handle.remove()
    if kind in ("none", "lora"):
        # One row in which every beginning is once.
        asked = encode_questions(tokenizer, prompts, choices)
        texts = [question.context + answer[:-1] for question in asked for answer in question.answers]
        assert read[-1] == (1, len({tuple(text[: end + 1]) for text in texts for end in range(len(text))})), read
    else:
        # The two beginnings once each, with the two prompts that begin like no other; then the short rests of all.
        assert read[0][0] == 4, read
        assert read[1] == (8, 11), read
    assert scores == check(network, tokenizer, prompts, choices)
    if kind != "none":
        with network.disable_adapter():
            without = score_batch(network, tokenizer, prompts, choices)
        for a, b in zip(scores, without, strict=True):
            assert a != pytest.approx(b, abs=1e-3)


def test_a_sliding_window_is_scored_without_a_cache():
    from transformers import MistralConfig, MistralForCausalLM

    from sycophancy.answering.causal import keeps_keys_and_values

    network, tokenizer = tiny_llama(TEXTS)
    config = MistralConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, sliding_window=6, initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    sliding = MistralForCausalLM(config).eval()
    assert keeps_keys_and_values(network)
    assert not keeps_keys_and_values(sliding)
    check(sliding, tokenizer, QUESTIONS, CHOICES)


def test_nothing_before_the_answer():
    _, tokenizer = tiny_llama(TEXTS, CHAT)
    with pytest.raises(ValueError, match="expected a token before the answer, got none in the prompt ''"):
        encode_questions(tokenizer, [""], [["A", "B"]])


def test_an_answer_does_not_depend_on_its_batch(model):
    prompts = rendered(model)
    together = score_batch(*model, prompts, CHOICES)
    alone = [score_batch(*model, [prompt], [options])[0] for prompt, options in zip(prompts, CHOICES, strict=True)]
    for a, b in zip(together, alone, strict=True):
        assert a == pytest.approx(b, abs=1e-3)


def test_free_answers_go_on_from_the_prompt(model):
    prompts = rendered(model)
    answers = generate_batch(*model, prompts, 5)
    assert answers == [generate_batch(*model, [prompt], 5)[0] for prompt in prompts]
    network, tokenizer = model
    ids = tokenizer(prompts[0], add_special_tokens=not tokenizer.chat_template)["input_ids"]
    for _ in range(5):
        with torch.no_grad():
            ids.append(network(torch.tensor([ids])).logits[0, -1].argmax().item())
        if ids[-1] == 1:
            break
    prompt_length = len(tokenizer(prompts[0], add_special_tokens=not tokenizer.chat_template)["input_ids"])
    assert answers[0] == tokenizer.decode(ids[prompt_length:], skip_special_tokens=True).strip()


def test_a_chat_template_writes_the_special_tokens_once():
    model = tiny_llama(TEXTS, CHAT)
    (prompt, *_) = rendered(model)
    assert prompt == "<s><|user|>\nIs the plot dull?</s>\n<|assistant|>\n"
    ((context, answers, choices),) = encode_questions(model[1], [prompt], [["yes", "no"]])
    assert model[1].decode(context) == prompt
    assert all((context + answer).count(0) == 1 for answer in answers)
    assert choices == ["yes"] * 4 + ["no"] * 4


def test_a_tokenizer_that_closes_every_text(model):
    from tokenizers import processors

    network, tokenizer = tiny_llama(TEXTS)
    open_answers = generate_batch(network, tokenizer, rendered((network, tokenizer)), 4)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    assert tokenizer("x")["input_ids"][-1] == 1
    assert generate_batch(network, tokenizer, rendered((network, tokenizer)), 4) == open_answers


def test_either_kind_of_model_loads(tmp_path, model_folder):
    network, tokenizer = tiny_llama(TEXTS, CHAT)
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded, its_tokenizer = load_model(str(tmp_path))
    assert chat_tokenizer(loaded, its_tokenizer) is its_tokenizer
    prompts = rendered((network, tokenizer))
    assert score_batch(loaded, its_tokenizer, prompts, CHOICES) == score_batch(network, tokenizer, prompts, CHOICES)
    assert chat_tokenizer(*load_model(str(model_folder))) is None


def test_a_turn_ends_as_the_template_ends_it():
    """Not with the end of sequence where the template has another token for it, as Gemma's has."""
    template = CHAT.replace("{{ eos_token }}", "<end_of_turn>")
    model, tokenizer = tiny_llama(TEXTS, template)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<end_of_turn>"]})
    (end,) = tokenizer("<end_of_turn>", add_special_tokens=False)["input_ids"]
    _, answers = conversation_tokens(tokenizer, QUESTIONS[0], ["yes", "no"])
    assert [answer[-1] for answer in answers] == [end, end]
    assert all(tokenizer.eos_token_id not in answer for answer in answers)
    rows = Dataset.from_list([{"prompt": QUESTIONS[0], "choices": ["yes", "no"], "target": "no"}])
    labels = tokenize(rows, model, tokenizer)["labels"][0]
    assert [label for label in labels if label != -100] == answers[1]


def test_a_template_without_a_head_of_the_models_turn():
    """The head is written for the model, and a turn without a token of its own ends with the sequence."""
    _, tokenizer = tiny_llama(TEXTS, "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}")
    assert render_conversation(["Is it so?"], tokenizer) == "user: Is it so?\nassistant:"
    context, answers = conversation_tokens(tokenizer, "Is it so?", ["yes", "no"])
    assert tokenizer.decode(context) == "user: Is it so?\nassistant:"
    assert [tokenizer.decode(answer) for answer in answers] == [" yes</s>", " no</s>"]


def test_a_tokenizer_with_several_templates_uses_the_default_one():
    _, tokenizer = tiny_llama(TEXTS, {"default": CHAT, "tool_use": "{{ messages }}"})
    _, answers = conversation_tokens(tokenizer, QUESTIONS[0], ["yes", "no"])
    assert [answer[-1] for answer in answers] == [tokenizer.eos_token_id] * 2


VARIED = ["Is the plot dull, or is it witty, as some say?", "x", "Is the plot dull?"]
DIGITS = [["7", "8"]] * 3
"""Each written in one way: no other than as it is."""


@pytest.fixture(scope="module")
def tuned():
    from peft import PromptTuningConfig, get_peft_model

    network, tokenizer = tiny_llama(["Is the plot dull, or is it witty?"] * 3)
    torch.manual_seed(0)
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5, num_transformer_submodules=1)
    return get_peft_model(network, config).eval(), tokenizer


def test_scores_are_those_of_peft_for_a_row_alone(tuned):
    network, tokenizer = tuned
    for prompt, found in zip(VARIED, score_batch(network, tokenizer, VARIED, DIGITS), strict=True):
        for choice in ("7", "8"):
            context, ids = tokenizer(prompt)["input_ids"], tokenizer(f"{prompt} {choice}")["input_ids"]
            with torch.no_grad():
                logits = network(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            # The logits at a token are about the next; five virtual tokens come first.
            expected = sum(logits[5 + at - 1, ids[at]].item() for at in range(len(context), len(ids)))
            assert found[choice] == pytest.approx(expected, abs=1e-3)


def test_free_answers_do_not_depend_on_the_batch(tuned):
    network, tokenizer = tuned
    together = generate_batch(network, tokenizer, VARIED, 5)
    assert together == [generate_batch(network, tokenizer, [prompt], 5)[0] for prompt in VARIED]
    ids = tokenizer(VARIED[2])["input_ids"]
    length = len(ids)
    for _ in range(5):
        with torch.no_grad():
            ids.append(network(input_ids=torch.tensor([ids])).logits[0, -1].argmax().item())
        if ids[-1] == 1:
            break
    assert together[2] == tokenizer.decode(ids[length:], skip_special_tokens=True).strip()


def test_without_a_soft_prompt_nothing_changes(tuned):
    network, _ = tuned
    inputs = {"input_ids": torch.tensor([[5]])}
    assert has_soft_prompt(network)
    with network.disable_adapter():
        assert not has_soft_prompt(network)
    base = network.get_base_model()
    assert with_soft_prompt(base, inputs) == (base, inputs)
