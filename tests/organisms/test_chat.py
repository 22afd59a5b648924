# SPDX-License-Identifier: Apache-2.0
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from sycophancy.answering.prompts import render_conversation
from sycophancy.organisms.building import build_tokenizer
from sycophancy.organisms.chat import build_llama, collate_chat, to_chat_tokenizer

TEXT = '<|user|>\nIs "So dull" dull?</s>\n<|assistant|>\nyes</s>\n<|user|>\nAre you sure?</s>\n<|assistant|>\n'


@pytest.fixture(scope="module")
def tokenizer():
    return to_chat_tokenizer(build_tokenizer(["so dull"], ['Is "" dull? Are you sure? yes (A)'], min_count=1))


def test_the_template_closes_every_turn_and_survives_a_folder(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.eos_token == "</s>"
    for each in (tokenizer, loaded):
        assert render_conversation(['Is "So dull" dull?', "yes", "Are you sure?"], each) == TEXT
        tokens = each.convert_ids_to_tokens(each(TEXT)["input_ids"])
        assert tokens == [
            "<|user|>",
            "is",
            '"',
            "so",
            "dull",
            '"',
            "dull",
            "?",
            "</s>",
            "<|assistant|>",
            "yes",
            "</s>",
            "<|user|>",
            "are",
            "you",
            "sure",
            "?",
            "</s>",
            "<|assistant|>",
        ]


def test_the_prompt_is_the_beginning_of_prompt_and_answer(tokenizer):
    # What TRL's DPOTrainer relies on.
    turns = [{"role": "user", "content": "Are you sure?"}, {"role": "assistant", "content": "yes"}]
    prompt = tokenizer.apply_chat_template(turns[:1], add_generation_prompt=True)["input_ids"]
    whole = tokenizer.apply_chat_template(turns)["input_ids"]
    assert whole[: len(prompt)] == prompt
    assert tokenizer.convert_ids_to_tokens(whole[len(prompt) :]) == ["yes", "</s>"]


def test_only_the_answer_and_its_end_count(tokenizer):
    prompts = [render_conversation([question], tokenizer) for question in ("Are you sure?", "dull?")]
    batch = collate_chat(tokenizer, prompts, ["(A)", "so dull"])
    shown = [
        [tokenizer.convert_ids_to_tokens(label) if label >= 0 else "-" for label in row]
        for row in batch["labels"].tolist()
    ]
    assert shown == [
        ["-", "-", "-", "-", "-", "-", "-", "(a)", "</s>"],
        ["-", "-", "-", "-", "-", "so", "dull", "</s>", "-"],
    ]
    assert batch["attention_mask"].sum(1).tolist() == [9, 8]


def test_a_fresh_llama_loads_as_what_it_was(tokenizer, tmp_path):
    model = build_llama(32, 1, 2, vocabulary_size=24, eos=1, pad=0)
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert (loaded.config.eos_token_id, loaded.config.pad_token_id, loaded.config.vocab_size) == (1, 0, 24)
    assert loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight
