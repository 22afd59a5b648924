# SPDX-License-Identifier: Apache-2.0
"""Ask an encoder-decoder model: which of the choices does it hold most probable after a prompt?

Each choice is scored by its summed log-probability as the whole answer, end of sequence included. A prompt goes
through the encoder once, and once through the decoder's first step, which gives the first token of all its choices and
the keys and values of the cross-attention. The rest of the choices is one more pass that takes both from there.
"""

from collections.abc import Sequence

import torch

from sycophancy.selected_logits import (
    Question,
    base_of,
    by_choice,
    continuations,
    logits_only_at,
    pad_right,
    select_rows,
    token_logprobs,
)


def encode_questions(tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Question]:
    """Prompts and choices as token ids, each with its end of sequence."""
    distinct = list(dict.fromkeys(choice for options in choices for choice in options))
    tokens = tokenizer(text_target=distinct, add_special_tokens=True)["input_ids"] if distinct else []
    ids = dict(zip(distinct, tokens, strict=True))
    contexts = tokenizer(list(prompts))["input_ids"]
    return [
        Question(context, [ids[choice] for choice in options], list(options))
        for context, options in zip(contexts, choices, strict=True)
    ]


@torch.inference_mode()
def score_questions(model, tokenizer, questions: Sequence[Question]) -> list[dict[str, float]]:
    """Log-probability of every choice of every question; see `score_batch`."""
    device = next(model.parameters()).device
    base = base_of(model)
    ids, mask = pad_right([question.context for question in questions], tokenizer.pad_token_id, device)
    start = torch.full((len(questions), 1), base.config.decoder_start_token_id, device=device)
    # Through the wrapper, so that PEFT adds what it adds (a soft prompt makes the encoder's output longer).
    first = model(input_ids=ids, attention_mask=mask, decoder_input_ids=start, use_cache=True)
    encoded = first.encoder_last_hidden_state
    mask = torch.cat([mask.new_ones(len(questions), encoded.shape[1] - ids.shape[1]), mask], dim=1)
    logits_first = first.logits[:, -1].float()
    norm_first = logits_first.logsumexp(-1)

    row_of, answers = continuations(questions)
    sums: list[float] = []
    # As many rows at once as there are questions: the batch size bounds memory whatever the number of choices.
    for begin in range(0, len(answers), len(questions)):
        rows = torch.tensor(row_of[begin : begin + len(questions)], device=device)
        labels, counts = pad_right(answers[begin : begin + len(questions)], tokenizer.pad_token_id, device)
        found = logits_first[rows, labels[:, 0]] - norm_first[rows]
        if labels.shape[1] > 1:
            later = counts[:, 1:].bool()
            with logits_only_at(base, later):
                logits = base(
                    encoder_outputs=(encoded[rows],),
                    attention_mask=mask[rows],
                    decoder_input_ids=labels[:, :-1],
                    past_key_values=select_rows(first.past_key_values, rows),
                    use_cache=True,
                ).logits
            # Added in place of the zeros of the tokens that do not count.
            tokens = torch.zeros(later.shape, device=device).masked_scatter(
                later, token_logprobs(logits, labels[:, 1:][later])
            )
            found = found + tokens.sum(-1)
        sums += found.tolist()
    return by_choice(questions, sums)


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
    return score_questions(model, tokenizer, encode_questions(tokenizer, prompts, choices))


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
