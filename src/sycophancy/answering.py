# SPDX-License-Identifier: Apache-2.0
"""Ask an encoder-decoder model: which of the choices does it hold most probable after a prompt?

Each choice is scored by its summed log-probability as the whole answer, end of sequence included. A prompt goes
through the encoder once; all its choices share one pass of the decoder.
"""

from collections.abc import Iterator, Sequence

import torch


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Indices in batches of prompts of similar length, longest first.

    Longest first: a batch that does not fit into memory fails at once and not after an hour.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def encode_choices(tokenizer, choices: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids of the choices (n_choices, n_tokens), padded, and which of them count (same shape, bool)."""
    ids = tokenizer(text_target=list(choices), add_special_tokens=True)["input_ids"]
    width = max(map(len, ids))
    padded = torch.full((len(ids), width), tokenizer.pad_token_id)
    counts = torch.zeros((len(ids), width), dtype=torch.bool)
    for row, tokens in enumerate(ids):
        padded[row, : len(tokens)] = torch.tensor(tokens)
        counts[row, : len(tokens)] = True
    return padded, counts


@torch.inference_mode()
def score_batch(model, tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Log-probability of every choice of every prompt.

    Args:
        model: an encoder-decoder model, or a PEFT model around one.
        tokenizer: its tokenizer.
        prompts: what the model reads.
        choices: the choices of each prompt.

    Returns:
        For each prompt a dict choice -> summed log-probability (natural logarithm, at most 0).
    """
    device = next(model.parameters()).device
    inputs = tokenizer(list(prompts), return_tensors="pt", padding=True).to(device)
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    start = torch.full((len(prompts), 1), base.config.decoder_start_token_id, device=device)
    # Through the wrapper, so that PEFT adds what it adds (a soft prompt makes the encoder's output longer).
    encoded = model(
        input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, decoder_input_ids=start
    ).encoder_last_hidden_state
    n_virtual = encoded.shape[1] - inputs.input_ids.shape[1]
    mask = torch.cat([inputs.attention_mask.new_ones(len(prompts), n_virtual), inputs.attention_mask], dim=1)

    # One decoder row per (prompt, choice).
    row_of = [prompt for prompt, options in enumerate(choices) for _ in options]
    flat = [choice for options in choices for choice in options]
    labels, counts = (tensor.to(device) for tensor in encode_choices(tokenizer, flat))
    rows = torch.tensor(row_of, device=device)
    logits = base(
        encoder_outputs=(encoded[rows],),
        attention_mask=mask[rows],
        decoder_input_ids=torch.cat([start[rows], labels[:, :-1]], dim=1),
    ).logits.float()
    token_logprobs = logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(-1)
    sums = iter(token_logprobs.masked_fill(~counts, 0).sum(-1).tolist())
    return [{choice: next(sums) for choice in options} for options in choices]


@torch.inference_mode()
def generate_batch(model, tokenizer, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
    """Free answers by greedy decoding."""
    inputs = tokenizer(list(prompts), return_tensors="pt", padding=True).to(next(model.parameters()).device)
    # The mask is given: without it a PEFT model attends to the padding of shorter prompts.
    tokens = model.generate(
        input_ids=inputs.input_ids,
        attention_mask=inputs.attention_mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
    )
    return tokenizer.batch_decode(tokens, skip_special_tokens=True)
