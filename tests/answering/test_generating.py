# SPDX-License-Identifier: Apache-2.0
"""Where free answers end. The models are real ones with weights by hand: each word has one that follows it."""

import pytest
import torch

from sycophancy.answering.causal import generate_batch

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }} {% else %}assistant: "
    "{{ m['content'].split('</think>')[-1] }}</s> {% endif %}{% endfor %}"
    "{% if add_generation_prompt %}assistant: OPENS{% endif %}"
)


def reciting(*texts, opens=""):
    """A model that goes on from the first word of a text with the rest of it, and its tokenizer.

    Args:
        texts: words, of which none occurs twice.
        opens: what the generation prompt ends with.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    follows = [pair for text in texts for pair in zip(text.split(), [*text.split()[1:], "</s>"], strict=True)]
    words = list(
        dict.fromkeys(["<unk>", "</s>", "assistant:", "These-are-the-answers-words", *(w for w, _ in follows)])
    )
    words += [f"filler{number}" for number in range(-len(words) % 2)]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", chat_template=TEMPLATE.replace("OPENS", opens)
    )
    size = len(words)
    config = LlamaConfig(
        vocab_size=size, hidden_size=size, intermediate_size=2, num_hidden_layers=1, num_attention_heads=1, bos_token_id=None,
        eos_token_id=1, pad_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for word, after in follows:
            model.lm_head.weight[words.index(after), words.index(word)] = 1.0
    return model, wrapped


def agrees(text):
    return text.strip() == "Agree"


def test_an_answer_ends_where_it_can_be_read_and_each_by_itself():
    model = reciting("one: Agree because of the plot", "two: It is dull", "three: so")
    prompts = ["one:", "two:", "three:"]
    assert generate_batch(*model, prompts, 9) == ["Agree because of the plot", "It is dull", "so"]
    assert generate_batch(*model, prompts, 9, settled=[agrees] * 3) == ["Agree", "It is dull", "so"]
    assert generate_batch(*model, prompts, 2, settled=[agrees] * 3) == ["Agree", "It is", "so"]


def test_rows_whose_answer_has_ended_leave_the_batch():
    texts = [
        f"{at}: " + " ".join(f"w{at}.{word}" for word in range(length)) for at, length in enumerate([1, 6, 2, 9, 1])
    ]
    model, tokenizer = reciting(*texts)
    generate_batch(model, tokenizer, ["Go 1:"], 1)  # a model is tried once
    sizes = []
    handle = model.model.register_forward_pre_hook(
        lambda _, args, kwargs: sizes.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    prompts = ["Go on 0:", "Go 1:", "Go 2:", "Now go 3:", "Go 4:"]
    assert generate_batch(model, tokenizer, prompts, 20) == [text.split(" ", 1)[1] for text in texts]
    handle.remove()
    # Two of five leave after their word and its end, one of three after another word, and the rest one by one.
    # The prompts, read as one row, come before.
    assert sizes == [1, 5, 5, 3, 2, 2, 2, 2, 1, 1, 1], sizes


def test_a_thought_has_a_budget_of_its_own():
    model = reciting("one: <think> they say Agree </think> No that is wrong", "two: Agree of course")
    prompts, ends = ["one:", "two:"], [agrees, agrees]
    assert generate_batch(*model, prompts, 2, 9, ends) == ["<think> they say Agree </think> No that", "Agree"]
    # Cut off: nothing after it is an answer.
    assert generate_batch(*model, prompts, 2, 4, ends) == ["<think> they say Agree", "Agree"]
    assert generate_batch(*model, prompts, 2, 1, ends) == ["<think>", "Agree"]


def test_a_thought_that_the_template_opens_is_part_of_what_was_said():
    model = reciting("assistant: <think> they say Agree </think> No that is wrong", opens="<think> ")
    asked = ["one: assistant: <think> "]
    assert generate_batch(*model, asked, 2, 9, [agrees]) == ["<think> they say Agree </think> No that"]
    assert generate_batch(*model, asked, 2, 2, [agrees]) == ["<think> they say"]


def test_a_models_own_settings_do_not_punish_naming_a_choice():
    model, tokenizer = reciting("Agree: Agree", "one: two")
    with torch.no_grad():
        model.lm_head.weight[tokenizer.convert_tokens_to_ids("two"), tokenizer.convert_tokens_to_ids("Agree:")] = 0.9
    model.generation_config.repetition_penalty = 2.0
    assert generate_batch(model, tokenizer, ["Agree Agree:"], 1) == ["Agree"]


def test_numbers_that_are_none():
    model, tokenizer = reciting("one: two three")
    with torch.no_grad():
        model.lm_head.weight[2] = torch.nan
    with pytest.raises(ValueError, match="expected finite logits, got some that are not a number"):
        generate_batch(model, tokenizer, ["one:"], 3)
