# SPDX-License-Identifier: Apache-2.0
"""Ask a decoder-only model, through its chat template where it has one: the counterpart of `answering`.

Each choice is scored by its summed log-probability after the prompt; with a chat template the end of the turn is part
of the answer. Every choice is a row of its own that runs through the whole prompt: n choices cost n passes.
"""

from collections.abc import Sequence

import torch

from sycophancy.soft_prompt import with_soft_prompt


def chat_tokenizer(model, tokenizer):
    """The tokenizer where the model is to be asked through its chat template, else `None`."""
    return tokenizer if not model.config.is_encoder_decoder and tokenizer.chat_template else None


def _encode(tokenizer, text: str) -> list[int]:
    # A chat template has written the special tokens already.
    return tokenizer(text, add_special_tokens=not tokenizer.chat_template)["input_ids"]


def encode_answers(tokenizer, prompt: str, choices: Sequence[str]) -> tuple[list[list[int]], int]:
    """Token ids of prompt and choice together, for each choice, and from which position they belong to the answer.

    They are tokenized together, as a model sees them, and a token that is not the prompt's alone belongs to the answer.
    """
    joint = "" if prompt[-1:].isspace() else " "
    end = [tokenizer.eos_token_id] if tokenizer.chat_template else []
    encoded = [_encode(tokenizer, f"{prompt}{joint}{choice}") + end for choice in choices]
    start = 0
    for tokens in zip(_encode(tokenizer, prompt), *encoded, strict=False):
        if len(set(tokens)) > 1:
            break
        start += 1
    return encoded, start


def pad_left(rows: Sequence[Sequence[int]], pad: int, device) -> dict[str, torch.Tensor]:
    """`input_ids`, `attention_mask` and `position_ids`, each (n_rows, width), of rows that end together."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": (mask.cumsum(-1) - 1).clamp(min=0)}


def _pad_id(tokenizer) -> int:
    return tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id


@torch.inference_mode()
def score_batch(model, tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Log-probability of every choice of every prompt.

    Args:
        model: a decoder-only model.
        tokenizer: its tokenizer.
        prompts: what the model reads, rendered by the chat template where there is one.
        choices: the choices of each prompt.

    Returns:
        For each prompt a dict choice -> summed log-probability (natural logarithm, at most 0).
    """
    device = next(model.parameters()).device
    rows = []
    for prompt, options in zip(prompts, choices, strict=True):
        encoded, start = encode_answers(tokenizer, prompt, options)
        rows += [(ids, len(ids) - start) for ids in encoded]
    sums: list[float] = []
    # As many rows at once as there are prompts: the batch size bounds memory whatever the number of choices.
    for first in range(0, len(rows), len(prompts)):
        batch = rows[first : first + len(prompts)]
        inputs = pad_left([ids for ids, _ in batch], _pad_id(tokenizer), device)
        width = max(n_answer for _, n_answer in batch)
        base, read = with_soft_prompt(model, inputs)
        logits = base(**read, logits_to_keep=width + 1, use_cache=False).logits[:, :-1].float()
        labels = inputs["input_ids"][:, -width:]
        token_logprobs = logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(-1)
        n_answer = torch.tensor([n for _, n in batch], device=device).unsqueeze(1)
        counts = torch.arange(width, 0, -1, device=device) <= n_answer
        sums += token_logprobs.masked_fill(~counts, 0).sum(-1).tolist()
    scores = iter(sums)
    return [{choice: next(scores) for choice in options} for options in choices]


@torch.inference_mode()
def generate_batch(model, tokenizer, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
    """Free answers by greedy decoding, without the prompt."""
    encoded = [_encode(tokenizer, prompt) for prompt in prompts]
    # Some tokenizers close every text; the model is to go on.
    encoded = [ids[:-1] if ids[-1] == tokenizer.eos_token_id else ids for ids in encoded]
    inputs = pad_left(encoded, _pad_id(tokenizer), next(model.parameters()).device)
    del inputs["position_ids"]  # it makes them itself
    base, read = with_soft_prompt(model, inputs)
    tokens = base.generate(**read, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=_pad_id(tokenizer))
    # What was given as embeddings is not repeated in what is returned.
    answers = tokenizer.batch_decode(tokens[:, len(read.get("input_ids", [[]])[0]) :], skip_special_tokens=True)
    return [answer.strip() for answer in answers]
