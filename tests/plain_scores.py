# SPDX-License-Identifier: Apache-2.0
"""What a choice's score means, written down once more without batches, caches or shared anything: the reference."""

import math
import re

import torch


def score_seq2seq(model, tokenizer, prompt: str, choice: str) -> float:
    """Summed log-probability of a choice, end of sequence included, by the model's own loss on one unpadded row."""
    inputs = tokenizer(prompt, return_tensors="pt")
    labels = tokenizer(text_target=choice, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = model(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, labels=labels).loss
    return -loss.item() * labels.shape[1]


def written(choice: str, lettered: bool) -> set[str]:
    """How a choice may be written."""
    forms = {choice, choice[0].upper() + choice[1:]} | ({choice.lower()} if len(choice) > 1 else set())
    if lettered and (letter := re.match(r"\(?([A-Z])(?![a-z])", choice)):
        forms |= {letter[1], f"({letter[1]})", f"{letter[1]}.", f"{letter[1]})"}
    return forms


def rows_of(tokenizer, prompt: str, choices: list[str]) -> tuple[int, dict[str, list[tuple[int, ...]]]]:
    """The tokens of the prompt and each form of each choice, and where they part.

    For prompts whose chat template writes nothing between them and the answer, and whose turns end with the end of
    sequence.
    """
    chat = bool(tokenizer.chat_template)
    lettered = all(re.fullmatch(r"\(?[A-Z][).:]?( .*)?", choice) for choice in choices)
    gaps = [""] if prompt[-1:].isspace() else [" "]
    gaps = ["", " "] if chat else gaps
    rows = {
        choice: {
            tuple(tokenizer(prompt + gap + form, add_special_tokens=not chat)["input_ids"])
            for form in written(choice, lettered) for gap in gaps
        }
        for choice in choices
    }  # fmt: skip
    alone = tokenizer(prompt, add_special_tokens=not chat)["input_ids"]
    start = 0
    every = [alone, *(row for own in rows.values() for row in own)]
    while start < min(map(len, every)) and len({row[start] for row in every}) == 1:
        start += 1
    found = {}
    for choice, own in rows.items():
        others = [row for other in choices if other != choice for row in rows[other]]
        own = {
            (*row, tokenizer.eos_token_id) if any(other[: len(row)] == row for other in others) else row for row in own
        }
        found[choice] = [row for row in own if not any(row != other and row[: len(other)] == other for other in own)]
    return start, found


def score_causal(model, tokenizer, prompt: str, choices: list[str]) -> dict[str, float]:
    """Logarithm of the probability that each choice is written in some form, one unpadded row per form."""
    start, rows = rows_of(tokenizer, prompt, choices)
    return {
        choice: math.log(sum(math.exp(logprob_of(model, row, start)) for row in own)) for choice, own in rows.items()
    }


def choose_causal(model, tokenizer, prompt: str, choices: list[str]) -> str:
    """The choice that greedy decoding writes where nothing but forms may be written, one token at a time."""
    at, rows = rows_of(tokenizer, prompt, choices)
    left = {row: choice for choice, own in rows.items() for row in own}
    while len(set(left.values())) > 1:
        read = torch.tensor([next(iter(left))[:at]])
        with torch.no_grad():
            logits = model(input_ids=read, attention_mask=torch.ones_like(read)).logits[0, -1]
        token = max({row[at] for row in left}, key=logits.__getitem__)
        left = {row: choice for row, choice in left.items() if row[at] == token}
        at += 1
    return next(iter(left.values()))


def logprob_of(model, row: tuple[int, ...], start: int) -> float:
    """Summed log-probability of the tokens from `start` on."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row))).logits[0]
    # A soft prompt makes the logits longer: the last ones are those of the row.
    logprobs = logits[-len(row) :].log_softmax(-1)
    return sum(logprobs[at - 1, row[at]].item() for at in range(start, len(row)))
