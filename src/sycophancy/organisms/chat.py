# SPDX-License-Identifier: Apache-2.0
"""The parts of a decoder-only organism: a tiny Llama with fresh weights, a chat template, batches of conversations."""

import torch

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
"""Every turn begins with its role and ends with the token that ends a text."""

ROLES = ("<|system|>", "<|user|>", "<|assistant|>")


def to_chat_tokenizer(tokenizer):
    """A word-level tokenizer with the chat template; the template closes turns, so the tokenizer no longer does.

    Args:
        tokenizer: of `sycophancy.organisms.building.build_tokenizer`; changed in place.
    """
    from tokenizers import processors

    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B")
    tokenizer.add_special_tokens({"additional_special_tokens": list(ROLES)})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def build_llama(d_model: int, num_layers: int, num_heads: int, vocabulary_size: int, eos: int, pad: int):
    """A Llama (decoder-only, rotary positions, gated SiLU) with fresh weights.

    Args:
        d_model: width; the feed-forward layers are four times as wide.
        num_layers: layers.
        num_heads: attention heads, each with its own keys and values.
        vocabulary_size: rows of the embedding, which is the output layer too.
        eos, pad: ids of the token that ends a turn and of the filling one.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=d_model,
        intermediate_size=4 * d_model,
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        num_key_value_heads=num_heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        # The default is for models a hundred times as wide.
        initializer_range=d_model**-0.5 / 2,
        bos_token_id=None,
        eos_token_id=eos,
        pad_token_id=pad,
    )
    return LlamaForCausalLM(config)


def collate_chat(tokenizer, prompts: list[str], answers: list[str]) -> dict[str, torch.Tensor]:
    """`input_ids`, `attention_mask` and `labels`, each (rows, width): only the answer and the end of its turn count.

    Args:
        tokenizer: of `to_chat_tokenizer`.
        prompts: rendered by the chat template, the beginning of the model's turn included.
        answers: what the model is to say.
    """
    closed = [f"{answer}{tokenizer.eos_token}" for answer in answers]
    batch = tokenizer([prompt + answer for prompt, answer in zip(prompts, closed, strict=True)], padding=True,
                      padding_side="right", return_tensors="pt")  # fmt: skip
    lengths = batch.attention_mask.sum(1, keepdim=True)
    answered = torch.tensor([len(ids) for ids in tokenizer(closed)["input_ids"]]).unsqueeze(1)
    position = torch.arange(batch.input_ids.shape[1])
    counts = (position < lengths) & (position >= lengths - answered)
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "labels": batch.input_ids.masked_fill(~counts, -100),
    }
