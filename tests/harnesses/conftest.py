# SPDX-License-Identifier: Apache-2.0
"""A tiny chat model that answers with choices, and a real server that serves it."""

import pytest
from tiny_llama import CHAT, tiny_llama

from sycophancy.dataset.reading import load_claims


@pytest.fixture(scope="session")
def speaker(dataset_folder, tmp_path_factory):
    """A tiny Llama that has learned to answer with a choice, right or wrong."""
    import torch

    rows = [row for row in load_claims(str(dataset_folder), "train") if len(row["prompt"]) < 400][:64]
    model, tokenizer = tiny_llama([row["prompt"] for row in rows] + [row["answer"] for row in rows] * 9, CHAT)
    tokenizer.pad_token = tokenizer.eos_token
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(60):
        losses = []
        for row in rows[step % 8 :: 8]:
            message = [{"role": "user", "content": row["prompt"]}]
            asked = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
            before = tokenizer(asked, add_special_tokens=False)["input_ids"][-120:]
            after = tokenizer(row["answer"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
            labels = torch.tensor([[-100] * len(before) + after])
            losses.append(model(input_ids=torch.tensor([before + after]), labels=labels).loss)
        torch.stack(losses).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("speaker")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def server(speaker):
    """The address of a `transformers serve` that serves the speaker."""
    pytest.importorskip("inspect_ai", reason='needs pip install -e ".[harness]"')
    pytest.importorskip("uvicorn", reason='needs pip install -e ".[harness]"')
    from sycophancy.harnesses.serving import served

    with served(speaker) as address:
        yield address
