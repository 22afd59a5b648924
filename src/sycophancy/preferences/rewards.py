# SPDX-License-Identifier: Apache-2.0
"""What a model itself prefers: the log-probability of one answer less that of the other.

A model that was tuned on preferences is its own reward model: the change of this difference by tuning is, up to a factor,
the reward that was learned (Rafailov et al. 2023, Direct Preference Optimization).
"""

import math
from collections.abc import Sequence

from tqdm.auto import tqdm

from sycophancy.answering.batches import batches_by_length
from sycophancy.answering.causal import score_questions
from sycophancy.answering.forms import Asked, conversation_tokens
from sycophancy.answering.limits import check_lengths
from sycophancy.answering.prompts import render_conversation
from sycophancy.preferences.pairs import Pair


def log_ratios(model, tokenizer, pairs: Sequence[Pair], batch_size: int = 8) -> list[float]:
    """log p(chosen | prompt) - log p(rejected | prompt) for each pair, in nats.

    Each answer is scored as it is written and, with a chat template, with the end of its turn: the tokens that tuning on
    preferences compares.

    Args:
        model: a decoder-only or an encoder-decoder model, or a PEFT model around one, in evaluation mode.
        tokenizer: its tokenizer.
        pairs: the answers.
        batch_size: prompts per forward pass.

    Raises:
        ValueError: an answer is empty, a pair is longer than the model reads, or a log-probability is no finite number.
    """
    for pair in pairs:
        if not pair.chosen or not pair.rejected:
            raise ValueError(
                f"expected answers with words for a model's reward, got an empty one in {pair.id}; leave the pair out"
            )
    score = _scored_by_encoder_decoder if model.config.is_encoder_decoder else _scored_by_decoder
    found = score(model, tokenizer, pairs, batch_size)
    for pair, ratio in zip(pairs, found, strict=True):
        if not math.isfinite(ratio):
            raise ValueError(
                f"expected finite log-probabilities of both answers, got {ratio} in {pair.id}; use --dtype float32, or another model"
            )
    return found


def _scored_by_decoder(model, tokenizer, pairs: Sequence[Pair], batch_size: int) -> list[float]:
    asked = []
    for pair in pairs:
        context, answers = conversation_tokens(tokenizer, pair.turns, [pair.chosen, pair.rejected])
        asked.append(Asked(context, answers, ["chosen", "rejected"]))
    lengths = [len(question.context) for question in asked]
    answers = [max(map(len, question.answers)) for question in asked]
    # Each with its own answer: a long answer to a short prompt is no reason to refuse a long prompt.
    wholes = [one + other for one, other in zip(lengths, answers, strict=True)]
    check_lengths(wholes, model, tokenizer, 0)
    found = [0.0] * len(pairs)
    for batch in tqdm(list(batches_by_length(wholes, batch_size)), desc="scoring", mininterval=1.0):
        for at, scores in zip(batch, score_questions(model, tokenizer, [asked[at] for at in batch]), strict=True):
            found[at] = scores["chosen"] - scores["rejected"]
    return found


def _scored_by_encoder_decoder(model, tokenizer, pairs: Sequence[Pair], batch_size: int) -> list[float]:
    from sycophancy.answering.seq2seq import score_batch

    prompts = [pair.text if len(pair.turns) == 1 else render_conversation(pair.turns) for pair in pairs]
    lengths = [len(ids) for ids in tokenizer(prompts)["input_ids"]]
    check_lengths(lengths, model, tokenizer, 0)
    found = [0.0] * len(pairs)
    for batch in tqdm(list(batches_by_length(lengths, batch_size)), desc="scoring", mininterval=1.0):
        choices = [[pairs[at].chosen, pairs[at].rejected] for at in batch]
        scores = score_batch(model, tokenizer, [prompts[at] for at in batch], choices)
        for at, score in zip(batch, scores, strict=True):
            found[at] = score[pairs[at].chosen] - score[pairs[at].rejected]
    return found
