# SPDX-License-Identifier: Apache-2.0
"""Free answers: greedy, each ended where it can be read, thoughts with a budget of their own."""

from collections.abc import Callable, Sequence, Set

import torch
from transformers import LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from sycophancy.answering.limits import NanRefuser
from sycophancy.answering.logits import select_rows
from sycophancy.answering.prompts import THOUGHTS, open_thought

Settled = Callable[[str], bool]
"""Whether an answer can be read from a text, whatever comes after it."""

GREEDY = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0}
"""What a model's own generation settings do not change: a penalty for repeating would be one for naming a choice."""

READ_EVERY = 8
"""How often a long answer is read, in tokens: a short one is read at each."""

PAUSE = 3 / 4
"""The share of a batch that goes on when the others leave it: earlier, copying what was read costs more than it saves."""

_TAG = 12
"""Tokens in which the tag that ends a thought lies, at most."""


class _Ends(StoppingCriteria):
    """Ends each answer by itself, and pauses the call when many of those that it generates have ended.

    Attributes:
        said: of each answer its tokens so far.
        going: the answers that go on.
    """

    def __init__(self, tokenizer, ends, settled, max_new_tokens: int, max_thought_tokens: int, thought: str):
        self.tokenizer, self.ends, self.settled = tokenizer, set(ends), settled
        self.special = set(tokenizer.all_special_ids)
        self.max_new_tokens, self.max_thought_tokens = max_new_tokens, max_thought_tokens
        self.closing = [THOUGHTS[thought.strip()] if thought else None for _ in settled]
        self.begins = [0 for _ in settled]
        self.said: list[list[int]] = [[] for _ in settled]
        self.going = list(range(len(settled)))

    def __deepcopy__(self, memo):
        # PEFT hands a copy of its arguments on; what ended is to be known here.
        return self

    def begin(self, n_read: int, pauses: bool) -> None:
        """Prepare for a call that generates the answers that go on.

        Args:
            n_read: how many tokens of a row stand before what the call adds.
            pauses: end the call as soon as fewer than `PAUSE` of them go on.
        """
        self.n_read, self.rows, self.before = n_read, list(self.going), [self.said[row] for row in self.going]
        self.least = PAUSE * len(self.rows) if pauses else 0

    def __call__(self, input_ids, scores, **kwargs):
        new = input_ids[:, self.n_read :].tolist()
        going = set(self.going)
        for row, before, tokens in zip(self.rows, self.before, new, strict=True):
            if row in going:
                self.said[row] = before + tokens
                if self._is_done(row, self.said[row]):
                    going.remove(row)
        self.going = [row for row in self.rows if row in going]
        pause = len(self.going) <= self.least
        done = [pause or row not in going for row in self.rows]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)

    def _is_done(self, row: int, new: list[int]) -> bool:
        if new[-1] in self.ends:
            return True
        if self.closing[row]:
            if self.closing[row] in self._readable(new[-_TAG:]):
                self.closing[row], self.begins[row] = None, len(new)
            return self.closing[row] is not None and len(new) >= self.max_thought_tokens
        if self.begins[row] == 0 and (thought := open_thought(self._readable(new[-_TAG:]))):
            # A thought of the model's own accord.
            self.closing[row] = next(end for tag, end in THOUGHTS.items() if thought.startswith(tag))
            return len(new) >= self.max_thought_tokens
        n_said = len(new) - self.begins[row]
        if n_said >= self.max_new_tokens:
            return True
        # Reading costs more the longer a text is, and a long one is settled by none of its next few tokens.
        due = n_said <= 4 * READ_EVERY or n_said % READ_EVERY == 0
        return due and self.settled[row](self._readable(new[self.begins[row] :]))

    def _readable(self, tokens: Sequence[int]) -> str:
        return readable(self.tokenizer, tokens, self.special)


def readable(tokenizer, tokens: Sequence[int], special: Set[int] | None = None) -> str:
    """Tokens as text, without special tokens but with the tags of thoughts.

    Args:
        tokenizer: of the tokens.
        tokens: their ids.
        special: the ids of all special tokens, where they are at hand: a tokenizer takes long to list them.
    """
    special = set(tokenizer.all_special_ids) if special is None else special
    names = {token: tokenizer.convert_ids_to_tokens(token) for token in special.intersection(tokens)}
    tags = {*THOUGHTS, *THOUGHTS.values()}
    return tokenizer.decode([token for token in tokens if token not in names or names[token] in tags])


def generate_texts(
    model, tokenizer, inputs: dict, *, n_read: int, ends: Sequence[int], pad: int, max_new_tokens: int,
    max_thought_tokens: int = 0, thought: str = "", settled: Sequence[Settled] | None = None,
) -> list[str]:  # fmt: skip
    """Greedy answers.

    Answers of one batch differ in length by a factor of a hundred. Where the keys and values of what was read are given,
    rows whose answer has ended leave the batch, and the others go on without them.

    Args:
        model: what generates.
        tokenizer: its tokenizer.
        inputs: what it reads, the prompts padded. With `past_key_values`, `input_ids` and `attention_mask` are as wide as
            what the cache holds and one token that is still to be read.
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
    rows, keeps = len(inputs["attention_mask"]), "past_key_values" in inputs
    until = _Ends(tokenizer, ends, settled or [lambda _: False] * rows, max_new_tokens, max_thought_tokens, thought)
    while True:
        until.begin(n_read, pauses=keeps)
        found = model.generate(
            **inputs, **GREEDY, max_new_tokens=max_new_tokens + max_thought_tokens, eos_token_id=list(ends),
            pad_token_id=pad, stopping_criteria=StoppingCriteriaList([until]),
            logits_processor=LogitsProcessorList([NanRefuser()]), return_dict_in_generate=True,
        )  # fmt: skip
        if not until.going:
            return [(thought + readable(tokenizer, said)).strip() for said in until.said]
        left = torch.tensor([until.rows.index(row) for row in until.going], device=found.sequences.device)
        mask, ids = inputs["attention_mask"][left], found.sequences[left]
        inputs = {
            "input_ids": ids,
            "attention_mask": torch.cat([mask, mask.new_ones(len(left), ids.shape[1] - n_read)], dim=1),
            "past_key_values": select_rows(found.past_key_values, left),
        }
        n_read = ids.shape[1]
