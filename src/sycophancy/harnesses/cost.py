# SPDX-License-Identifier: Apache-2.0
"""What a run asks, before it starts: requests, and tokens as the model's own tokenizer counts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sycophancy.answering.prompts import render_conversation
from sycophancy.harnesses.conversations import in_questions, turns_before, words_of

CHARACTERS = 4
"""Of a token, about, where there is no tokenizer to count with."""


@dataclass(frozen=True)
class Cost:
    """What a run asks.

    Attributes:
        requests: one for each row.
        prompt_tokens: of all prompts, without the model's own answers in them.
        longest_prompt: in tokens.
        own_answers: how many answers of the model's own stand in later prompts, and are read again.
        answer_tokens: bound of all answers.
        counted: whether a tokenizer counted; otherwise a quarter of the characters.
    """

    requests: int
    prompt_tokens: int
    longest_prompt: int
    own_answers: int
    answer_tokens: int
    counted: bool

    def describe(self) -> str:
        """In lines for a terminal."""
        about = "" if self.counted else "about "
        lines = [
            f"requests: {self.requests:,}",
            f"prompt tokens: {about}{self.prompt_tokens:,}, the longest {about}{self.longest_prompt:,}",
            f"answer tokens: at most {self.answer_tokens:,}",
        ]
        if self.own_answers:
            most = self.own_answers * self.answer_tokens // self.requests
            lines.append(f"own answers in later turns: {self.own_answers:,}, read again as at most {most:,} tokens")
        if not self.counted:
            lines.append(
                f"(a quarter of the characters: name a tokenizer to count them, {CHARACTERS} are an average of English)"
            )
        return "\n".join(lines)


def cost_of(rows: Sequence[Mapping], max_new_tokens: int, tokenizer=None) -> Cost:
    """What asking these rows takes, without loading a model.

    Args:
        rows: of one dataset.
        max_new_tokens: bound of an answer.
        tokenizer: of the model; through its chat template where it has one. `None` to go by characters.

    Raises:
        ValueError: a question in turns without its first turn.
    """
    questions = in_questions(rows) if "turn" in rows[0] else {}
    conversations = [[*turns_before(row, questions[row["question_id"]]), row] if questions else [row] for row in rows]
    chat = tokenizer if tokenizer is not None and tokenizer.chat_template else None
    said = [_turns(asked) if questions else [asked[-1]["prompt"]] for asked in conversations]
    texts = [render_conversation(turns, chat) if chat or questions else turns[0] for turns in said]
    if tokenizer is None:
        lengths = [-(-len(text) // CHARACTERS) for text in texts]
    else:
        lengths = [len(ids) for ids in tokenizer(texts, add_special_tokens=chat is None)["input_ids"]]
    return Cost(
        requests=len(rows),
        prompt_tokens=sum(lengths),
        longest_prompt=max(lengths),
        own_answers=sum(len(asked) - 1 for asked in conversations),
        answer_tokens=len(rows) * max_new_tokens,
        counted=tokenizer is not None,
    )


def _turns(asked: Sequence[Mapping]) -> list[str]:
    """User, model, user ...: the model's own words are not there yet."""
    words = [words_of(row) for row in asked]
    return [turn for said in words[:-1] for turn in (said, "")] + words[-1:]
