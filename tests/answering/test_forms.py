# SPDX-License-Identifier: Apache-2.0
import pytest
from tiny_llama import CHAT, tiny_llama

from sycophancy.answering.forms import conversation_tokens


@pytest.mark.parametrize(
    ("template", "before", "answers"),
    [(None, "<s>Is it dull?\nAnswer:", [" yes", " no"]),
     (CHAT, "<s><|user|>\nIs it dull?\nAnswer:</s>\n<|assistant|>\n", ["yes</s>", "no</s>"])],
    ids=["plain", "chat"],
)  # fmt: skip
def test_a_question_and_its_answers(template, before, answers):
    model, tokenizer = tiny_llama(["Is it dull?"], template)
    prompt, choices = conversation_tokens(model, tokenizer, "Is it dull?\nAnswer:", ["yes", "no"])
    assert tokenizer.decode(prompt) == before
    assert [tokenizer.decode(ids) for ids in choices] == answers
    assert prompt.count(0) == 1  # the chat template writes the beginning of the sequence, and nobody else again
