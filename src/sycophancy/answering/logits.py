# SPDX-License-Identifier: Apache-2.0
"""Log-probabilities of the tokens that count, without logits for the others.

A vocabulary is the widest thing in a small model: logits for every position of a batch cost more than a decoder layer
and most are never looked at.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

import torch

from sycophancy.answering.forms import Asked


def base_of(model):
    """The model inside a PEFT wrapper; what PEFT put into its layers (LoRA) stays there."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def pad_right(rows: Sequence[Sequence[int]], pad: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (n_rows, width) of rows that begin together, and which of them count (same shape, 0 or 1)."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], dtype=torch.long)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], dtype=torch.long)
    return ids.to(device), mask.to(device)


@contextmanager
def logits_only_at(model, counts: torch.Tensor) -> Iterator[None]:
    """Inside the block the model's `logits` are those of the marked positions alone, shape (n_marked, vocabulary).

    The hidden states are picked before they reach the output layer. The model's own forward does the rest, with
    whatever it scales or adds.

    Args:
        model: the model whose `get_output_embeddings()` makes the logits.
        counts: (n_rows, n_positions), bool; the last positions of a longer input, such as one with a soft prompt
            before it.
    """

    def pick(_, inputs):
        (hidden,) = inputs
        return (hidden[:, hidden.shape[1] - counts.shape[1] :][counts],)

    handle = model.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        yield
    finally:
        handle.remove()


def logprobs_of(logits: torch.Tensor) -> torch.Tensor:
    """Log-probabilities over the last dimension, in float32.

    Not by `logsumexp`: it is several times slower where most of the vocabulary is next to impossible.
    """
    return logits.log_softmax(-1, dtype=torch.float32)


def token_logprobs(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Log-probability of each token, shape of `tokens` (n,), from logits (n, vocabulary)."""
    return logprobs_of(logits).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def select_rows(cache, rows: torch.Tensor):
    """A cache of the given rows of `cache`, repeated where they are; `cache` itself stays as it is.

    Reading on makes tensors of its own, so that all rows in their order need no copy.
    """
    from transformers import EncoderDecoderCache

    if isinstance(cache, EncoderDecoderCache):
        return EncoderDecoderCache(
            select_rows(cache.self_attention_cache, rows), select_rows(cache.cross_attention_cache, rows)
        )
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    if not torch.equal(rows, torch.arange(cache.layers[0].keys.shape[0], device=rows.device)):
        chosen.batch_select_indices(rows)
    return chosen


def continuations(questions: Sequence[Asked]) -> tuple[list[int], list[list[int]]]:
    """One row per question and answer: the index of its question, and the answer's tokens."""
    rows = [(index, answer) for index, question in enumerate(questions) for answer in question.answers]
    return [index for index, _ in rows], [answer for _, answer in rows]


class Form(NamedTuple):
    """A way to write a choice, as a model scored it.

    Attributes:
        choice: what it stands for.
        tokens: its tokens; in a question no form begins another.
        logprobs: the log-probability of each token after those before it.
    """

    choice: str
    tokens: Sequence[int]
    logprobs: Sequence[float]


class Scores(dict):
    """Choice -> summed log-probability of its forms (natural logarithm, at most 0).

    Attributes:
        forms: what was summed; none where each choice has one form, which counts as a whole.
    """

    def __init__(self, scores: Mapping[str, float], forms: Sequence[Form] = ()):
        super().__init__(scores)
        self.forms = forms

    def choose(self, choices: Sequence[str]) -> str:
        """The choice that greedy decoding writes where it may write their forms and nothing else; ties go to the first.

        Of a sum over forms the choice with more ways to write it profits, and a model says one word: "Agree" at 0.32 is said,
        although " disagree", "Disagree" and "disagree" have 0.25, 0.15 and 0.06. Where free text begins with a form, it is of this
        choice. Without forms it is the choice with the highest score.

        Args:
            choices: those of a row, some of the scored ones.
        """
        left = [form for choice in choices for form in self.forms if form.choice == choice]
        if not left:
            return max(choices, key=self.__getitem__)
        for at in count():
            if (ended := next((form for form in left if len(form.tokens) == at), None)) is not None:
                return ended.choice
            token = max(left, key=lambda form: form.logprobs[at]).tokens[at]
            left = [form for form in left if form.tokens[at] == token]


def by_choice(questions: Sequence[Asked], sums: Sequence[float]) -> list[Scores]:
    """The scores of each question, from those of its answers in the order of `continuations`.

    The probabilities of the forms of a choice are added.
    """
    scores = iter(sums)
    found = []
    for question in questions:
        forms: dict[str, list[float]] = {}
        for choice in question.choices:
            forms.setdefault(choice, []).append(next(scores))
        found.append(Scores({choice: _log_of_sum(own) for choice, own in forms.items()}))
    return found


def by_form(questions: Sequence[Asked], logprobs: Sequence[Sequence[float]]) -> list[Scores]:
    """The same with the forms, from the log-probability of each token of each answer."""
    found, each = by_choice(questions, list(map(sum, logprobs))), iter(logprobs)
    for scores, question in zip(found, questions, strict=True):
        scores.forms = [
            Form(choice, tokens, next(each)) for choice, tokens in zip(question.choices, question.answers, strict=True)
        ]
    return found


def _log_of_sum(logprobs: Sequence[float]) -> float:
    """The logarithm of the summed probabilities of events that exclude each other."""
    if len(logprobs) == 1 or not all(map(math.isfinite, logprobs)):
        return sum(logprobs)
    most = max(logprobs)
    return min(0.0, most + math.log(sum(math.exp(logprob - most) for logprob in logprobs)))
