# SPDX-License-Identifier: Apache-2.0
"""Requests and tokens before a run are those that the run then has."""

import pytest
from commands import assert_refused, attempt, here

from sycophancy.dataset.kinds import load_rows
from sycophancy.dataset.reading import take_clusters
from sycophancy.harnesses.cost import cost_of

SCRIPT = "scripts/cost.py"


@pytest.fixture(scope="module")
def tokenizer(llama_folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(llama_folder)


def test_the_tokens_are_those_of_the_prompts_as_they_are_asked(answers_folder, llama_folder, tokenizer):
    rows = load_rows(str(answers_folder), "validation")[1].select(range(20)).to_list()
    lengths = [
        len(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": row["prompt"]}], add_generation_prompt=True, return_dict=False
            )
        )
        for row in rows
    ]
    found = cost_of(rows, 100, tokenizer)
    assert vars(found) == {
        "requests": 20, "prompt_tokens": sum(lengths), "longest_prompt": max(lengths), "own_answers": 0, "answer_tokens": 2000,
        "counted": True,
    }  # fmt: skip
    flags = ["--dataset_name", answers_folder, "--limit", "20", "--model_name_or_path", llama_folder]
    limited = cost_of(take_clusters(load_rows(str(answers_folder), "validation")[1], 20).to_list(), 256, tokenizer)
    assert here(SCRIPT, *flags).stdout == limited.describe() + "\n"


def row(turn, number=0):
    follow_up = "" if turn == "first" else "Sure?"
    return {"question_id": "q", "turn": turn, "round": number, "prompt": "Which?!", "follow_up": follow_up}


def test_own_answers_in_later_turns_are_counted():
    rows = [row("first"), row("challenge"), row("round", 1), row("round", 2)]
    found = cost_of(rows, 10)
    assert (found.requests, found.own_answers, found.answer_tokens, found.counted) == (4, 0 + 1 + 1 + 2, 40, False)
    assert found.describe().splitlines() == [
        "requests: 4",
        f"prompt tokens: about {found.prompt_tokens}, the longest about {found.longest_prompt}",
        "answer tokens: at most 40",
        "own answers in later turns: 4, read again as at most 40 tokens",
        "(a quarter of the characters: name a tokenizer to count them, 4 are an average of English)",
    ]


def test_rows_that_are_not_there_are_refused(answers_folder):
    assert_refused(attempt(SCRIPT, "--dataset_name", answers_folder, "--split", "dev"), "expected Parquet files")
