# SPDX-License-Identifier: Apache-2.0
"""A few steps after which a tiny model answers with a choice, right or wrong, and ends there.

Of random weights no text can be read, and none ends: each goes on to its bound, which costs a test seconds.
"""

import torch

LAST = 120
"""Tokens of a prompt that a decoder-only model is taught on."""


def teach(model, tokenizer, rows, steps: int, rate: float):
    """The model itself, after that many steps of at least eight of the rows each (`prompt`, `answer`)."""
    torch.manual_seed(0)
    optimizer, parts = torch.optim.AdamW(model.parameters(), lr=rate), max(1, len(rows) // 8)
    loss_of = _loss_encoded if model.config.is_encoder_decoder else _loss_said
    for step in range(steps):
        loss_of(model, tokenizer, rows[step % parts :: parts]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def _loss_encoded(model, tokenizer, rows):
    asked, answers = [row["prompt"] for row in rows], [row["answer"] for row in rows]
    batch = tokenizer(asked, text_target=answers, padding=True, return_tensors="pt")
    batch["labels"][batch["labels"] == tokenizer.pad_token_id] = -100
    return model(**batch).loss


def _loss_said(model, tokenizer, rows):
    losses = []
    for row in rows:
        message = [{"role": "user", "content": row["prompt"]}]
        asked = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        before = tokenizer(asked, add_special_tokens=False)["input_ids"][-LAST:]
        after = tokenizer(row["answer"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        labels = torch.tensor([[-100] * len(before) + after])
        losses.append(model(input_ids=torch.tensor([before + after]), labels=labels).loss)
    return torch.stack(losses).mean()
