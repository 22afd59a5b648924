# SPDX-License-Identifier: Apache-2.0
"""What a choice's score means, written down once more without batches, caches or shared anything: the reference."""

import torch


def score_seq2seq(model, tokenizer, prompt: str, choice: str) -> float:
    """Summed log-probability of a choice, end of sequence included, by the model's own loss on one unpadded row."""
    inputs = tokenizer(prompt, return_tensors="pt")
    labels = tokenizer(text_target=choice, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = model(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, labels=labels).loss
    return -loss.item() * labels.shape[1]


def score_causal(model, tokenizer, prompt: str, choices: list[str]) -> dict[str, float]:
    """Summed log-probabilities of the tokens of each choice that are not the prompt's alone, one unpadded row each."""
    special = not tokenizer.chat_template
    end = [] if special else [tokenizer.eos_token_id]
    gap = "" if prompt[-1:].isspace() else " "
    ids = [tokenizer(prompt + gap + choice, add_special_tokens=special)["input_ids"] + end for choice in choices]
    alone = tokenizer(prompt, add_special_tokens=special)["input_ids"]
    start = 0
    while start < min(map(len, [alone, *ids])) and len({row[start] for row in [alone, *ids]}) == 1:
        start += 1
    found = {}
    for choice, row in zip(choices, ids, strict=True):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row))).logits[0]
        # A soft prompt makes the logits longer: the last ones are those of the row.
        logprobs = logits[-len(row) :].log_softmax(-1)
        found[choice] = sum(logprobs[at - 1, row[at]].item() for at in range(start, len(row)))
    return found
