# SPDX-License-Identifier: Apache-2.0
"""What a model reads when it is asked, and for tuning the tokens of it and of the answers: those that measuring scores."""

from collections.abc import Sequence

from sycophancy.answering.causal import chat_tokenizer, encode_questions
from sycophancy.answering.turns import render_conversation


def as_asked(model, tokenizer, prompts: Sequence[str]) -> list[str]:
    """Prompts as the model is asked: through the chat template of a decoder-only model that has one, else as they are."""
    chat = chat_tokenizer(model, tokenizer)
    return [render_conversation([prompt], chat) for prompt in prompts] if chat else list(prompts)


def conversation_tokens(model, tokenizer, prompt: str, choices: Sequence[str]) -> tuple[list[int], list[list[int]]]:
    """Token ids of what stands before the answer, and of each choice as the answer.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        tokenizer: its tokenizer; its chat template is used where it has one, and the end of the turn is then part of
            the answer.
        prompt: what the user says.
        choices: the possible answers.
    """
    (question,) = encode_questions(tokenizer, as_asked(model, tokenizer, [prompt]), [choices])
    return question.context, question.answers
