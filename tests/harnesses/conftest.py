# SPDX-License-Identifier: Apache-2.0
"""A tiny chat model that answers with choices, and a real server that serves it."""

import pytest
from teaching import teach
from tiny_llama import CHAT, tiny_llama

from sycophancy.dataset.reading import load_claims


@pytest.fixture(scope="session")
def speaker(dataset_folder, tmp_path_factory):
    """A tiny Llama that has learned to answer with a choice, right or wrong."""
    rows = [row for row in load_claims(str(dataset_folder), "train") if len(row["prompt"]) < 400][:64]
    model, tokenizer = tiny_llama([row["prompt"] for row in rows] + [row["answer"] for row in rows] * 9, CHAT)
    tokenizer.pad_token = tokenizer.eos_token
    teach(model, tokenizer, rows, steps=60, rate=5e-3)
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
