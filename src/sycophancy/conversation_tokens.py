# SPDX-License-Identifier: Apache-2.0
"""The tokens of a question and of its answers to a decoder-only model, for tuning: those that are scored when measuring."""

from collections.abc import Sequence

from sycophancy.causal import chat_tokenizer, encode_questions
from sycophancy.turns import render_conversation


def conversation_tokens(model, tokenizer, prompt: str, choices: Sequence[str]) -> tuple[list[int], list[list[int]]]:
    """Token ids of what stands before the answer, and of each choice as the answer.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        tokenizer: its tokenizer; its chat template is used where it has one, and the end of the turn is then part of
            the answer.
        prompt: what the user says.
        choices: the possible answers.
    """
    chat = chat_tokenizer(model, tokenizer)
    asked = render_conversation([prompt], chat) if chat else prompt
    (question,) = encode_questions(tokenizer, [asked], [choices])
    return question.context, question.answers
