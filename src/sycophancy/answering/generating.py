# SPDX-License-Identifier: Apache-2.0
"""Free answers: greedy, each ended where it can be read, thoughts with a budget of their own."""

from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from sycophancy.answering.limits import NanRefuser
from sycophancy.answering.prompts import THOUGHTS, open_thought

Settled = Callable[[str], bool]
"""Whether an answer can be read from a text, whatever comes after it."""

GREEDY = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0}
"""What a model's own generation settings do not change: a penalty for repeating would be one for naming a choice."""

READ_EVERY = 8
"""How often a long answer is read, in tokens: a short one is read at each."""

_TAG = 12
"""Tokens in which the tag that ends a thought lies, at most."""


class _Ends(StoppingCriteria):
    """Ends each row by itself.

    Attributes:
        lengths: of each row the new tokens that belong to its answer; `None` while it goes on.
    """

    def __init__(
        self, tokenizer, n_read: int, ends, settled, max_new_tokens: int, max_thought_tokens: int, thought: str
    ):
        self.tokenizer, self.n_read, self.ends, self.settled = tokenizer, n_read, set(ends), settled
        self.max_new_tokens, self.max_thought_tokens = max_new_tokens, max_thought_tokens
        self.closing = [THOUGHTS[thought.strip()] if thought else None for _ in settled]
        self.begins = [0 for _ in settled]
        self.lengths: list[int | None] = [None for _ in settled]

    def __call__(self, input_ids, scores, **kwargs):
        tokens = input_ids[:, self.n_read :].tolist()
        for row, new in enumerate(tokens):
            if self.lengths[row] is None and self._is_done(row, new):
                self.lengths[row] = len(new)
        done = [length is not None for length in self.lengths]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)

    def _is_done(self, row: int, new: list[int]) -> bool:
        if new[-1] in self.ends:
            return True
        if self.closing[row]:
            if self.closing[row] in readable(self.tokenizer, new[-_TAG:]):
                self.closing[row], self.begins[row] = None, len(new)
            return self.closing[row] is not None and len(new) >= self.max_thought_tokens
        said = readable(self.tokenizer, new[self.begins[row] :])
        if self.begins[row] == 0 and (thought := open_thought(said)):
            # A thought of the model's own accord.
            self.closing[row] = next(end for tag, end in THOUGHTS.items() if thought.startswith(tag))
            return len(new) >= self.max_thought_tokens
        n_said = len(new) - self.begins[row]
        # Reading costs more the longer a text is, and a long one is settled by none of its next few tokens.
        due = n_said <= 4 * READ_EVERY or n_said % READ_EVERY == 0
        return n_said >= self.max_new_tokens or (due and self.settled[row](said))


def readable(tokenizer, tokens: Sequence[int]) -> str:
    """Tokens as text, without special tokens but with the tags of thoughts."""
    special = set(tokenizer.all_special_ids)
    names = {token: tokenizer.convert_ids_to_tokens(token) for token in special.intersection(tokens)}
    tags = {*THOUGHTS, *THOUGHTS.values()}
    return tokenizer.decode([token for token in tokens if token not in names or names[token] in tags])


def generate_texts(
    model, tokenizer, inputs: dict, *, n_read: int, ends: Sequence[int], pad: int, max_new_tokens: int,
    max_thought_tokens: int = 0, thought: str = "", settled: Sequence[Settled] | None = None,
) -> list[str]:  # fmt: skip
    """Greedy answers.

    Args:
        model: what generates.
        tokenizer: its tokenizer.
        inputs: what it reads, the prompts padded.
        n_read: how many tokens of what `generate` returns stand before the answer.
        ends: tokens that end an answer.
        pad: the token that fills up.
        max_new_tokens: bound of an answer, in tokens after its thought.
        max_thought_tokens: bound of a thought; one that is cut off has no answer after it.
        thought: the words with which the prompts open a thought; the answers then begin with them.
        settled: of each prompt, where an answer may end.

    Raises:
        ValueError: the model gives something that is no number.
    """
    rows = len(inputs["attention_mask"])
    until = _Ends(
        tokenizer, n_read, ends, settled or [lambda _: False] * rows, max_new_tokens, max_thought_tokens, thought
    )
    tokens = model.generate(
        **inputs, **GREEDY, max_new_tokens=max_new_tokens + max_thought_tokens, eos_token_id=list(ends), pad_token_id=pad,
        stopping_criteria=StoppingCriteriaList([until]), logits_processor=LogitsProcessorList([NanRefuser()]),
    )  # fmt: skip
    new = [row[:length] for row, length in zip(tokens[:, n_read:].tolist(), until.lengths, strict=True)]
    return [(thought + readable(tokenizer, row)).strip() for row in new]
