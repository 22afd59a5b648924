# SPDX-License-Identifier: Apache-2.0
"""Ask an encoder-decoder model: which of the choices does it hold most probable after a prompt?

Each choice is scored by its summed log-probability as the whole answer, end of sequence included. A prompt goes
through the encoder once. T5's decoder then reads all choices of many prompts in one pass (`sycophancy.answering.t5`).
Other models, and adapters that reach into the cross-attention, take the decoder's first step, which gives the first token
of all choices and the keys and values of the cross-attention, and then the rest of the choices, which takes both from there.
"""

from collections.abc import Iterator, Sequence

import torch

from sycophancy.answering.forms import Asked
from sycophancy.answering.generating import Settled, generate_texts
from sycophancy.answering.logits import (
    Scores,
    base_of,
    by_choice,
    continuations,
    logits_only_at,
    logprobs_of,
    pad_right,
    select_rows,
    token_logprobs,
)
from sycophancy.answering.prompts import end_tokens
from sycophancy.answering.t5 import Tree, answer_tree, reads_trees, tree_logits


def encode_questions(tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Asked]:
    """Prompts and choices as token ids, each with its end of sequence."""
    distinct = list(dict.fromkeys(choice for options in choices for choice in options))
    tokens = tokenizer(text_target=distinct, add_special_tokens=True)["input_ids"] if distinct else []
    ids = dict(zip(distinct, tokens, strict=True))
    contexts = tokenizer(list(prompts))["input_ids"]
    return [
        Asked(context, [ids[choice] for choice in options], list(options))
        for context, options in zip(contexts, choices, strict=True)
    ]


DECODED = 1024
"""Tokens of choices in a pass through the decoder, at most: logits of all of them are in memory at once."""


@torch.inference_mode()
def score_parts(model, tokenizer, parts: Sequence[Sequence[Asked]]) -> list[Scores]:
    """Log-probability of every choice of every question, in the order of the parts; see `score_batch`.

    Args:
        model: an encoder-decoder model, or a PEFT model around one.
        tokenizer: its tokenizer.
        parts: the questions; those of a part go through the encoder together, all of them through the decoder.
    """
    base = base_of(model)
    if not (reads_trees(base) and _leaves_decoder_alone(model)):
        return [scores for part in parts for scores in _score_in_steps(model, tokenizer, part)]
    encoded = [row for part in parts for row in _encode(model, base, tokenizer.pad_token_id, part)]
    questions = [question for part in parts for question in part]
    found: dict[int, Scores] = {}
    trees = [answer_tree(base.config.decoder_start_token_id, question.answers) for question in questions]
    for chunk in _alike(trees):
        asked = [questions[at] for at in chunk]
        logprobs = logprobs_of(tree_logits(base, [trees[at] for at in chunk], [encoded[at] for at in chunk]))
        sums = torch.zeros(len(asked), len(trees[chunk[0]].ways), device=logprobs.device)
        for number, way in enumerate(trees[chunk[0]].ways):
            answers = torch.tensor([question.answers[number] for question in asked], device=logprobs.device)
            sums[:, number] = logprobs[:, way].gather(-1, answers.unsqueeze(-1)).sum((1, 2))
        found |= zip(chunk, by_choice(asked, sums.flatten().tolist()), strict=True)
    return [found[at] for at in range(len(questions))]


def _leaves_decoder_alone(model) -> bool:
    """Whether what PEFT put around the model, if anything, is a soft prompt before the encoder's input, or layers."""
    config = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning:
        return True
    return config.peft_type == "PROMPT_TUNING" and config.num_transformer_submodules == 1


class _Read(Exception):
    """The decoder would begin: what it would read, (n, tokens, width)."""


def _encode(model, base, pad: int, questions: Sequence[Asked]) -> Iterator[torch.Tensor]:
    """The encoder's output of each question, (its tokens, width), with a soft prompt's before it."""
    ids, mask = pad_right([question.context for question in questions], pad, next(model.parameters()).device)

    def stop(_, args, inputs):
        raise _Read(inputs["encoder_hidden_states"])

    handle = base.decoder.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        # Through the wrapper, so that PEFT adds what it adds, or does not where its adapter is disabled.
        model(input_ids=ids, attention_mask=mask, decoder_input_ids=ids[:, :1], use_cache=False)
    except _Read as read:
        (encoded,) = read.args
    finally:
        handle.remove()
    added = encoded.shape[1] - ids.shape[1]
    return (row[: added + len(question.context)] for row, question in zip(encoded, questions, strict=True))


def _alike(trees: Sequence[Tree]) -> Iterator[list[int]]:
    """Indices of trees of the same shape, together as far as `DECODED` allows."""
    groups: dict[tuple, list[int]] = {}
    for index, tree in enumerate(trees):
        groups.setdefault(tree.shape, []).append(index)
    for group in groups.values():
        most = max(1, DECODED // len(trees[group[0]].tokens))
        for first in range(0, len(group), most):
            yield group[first : first + most]


def _score_in_steps(model, tokenizer, questions: Sequence[Asked]) -> list[Scores]:
    """`score_parts` for any encoder-decoder model, one part."""
    device = next(model.parameters()).device
    base = base_of(model)
    ids, mask = pad_right([question.context for question in questions], tokenizer.pad_token_id, device)
    start = torch.full((len(questions), 1), base.config.decoder_start_token_id, device=device)
    # Through the wrapper, so that PEFT adds what it adds (a soft prompt makes the encoder's output longer).
    first = model(input_ids=ids, attention_mask=mask, decoder_input_ids=start, use_cache=True)
    encoded = first.encoder_last_hidden_state
    mask = torch.cat([mask.new_ones(len(questions), encoded.shape[1] - ids.shape[1]), mask], dim=1)
    logprobs_first = logprobs_of(first.logits[:, -1])

    row_of, answers = continuations(questions)
    sums: list[float] = []
    # As many rows at once as there are questions: the batch size bounds memory whatever the number of choices.
    for begin in range(0, len(answers), len(questions)):
        rows = torch.tensor(row_of[begin : begin + len(questions)], device=device)
        labels, counts = pad_right(answers[begin : begin + len(questions)], tokenizer.pad_token_id, device)
        found = logprobs_first[rows, labels[:, 0]]
        if labels.shape[1] > 1:
            later = counts[:, 1:].bool()
            with logits_only_at(base, later):
                logits = base(
                    encoder_outputs=(encoded[rows],),
                    attention_mask=mask[rows],
                    decoder_input_ids=labels[:, :-1],
                    past_key_values=select_rows(first.past_key_values, rows),
                    use_cache=True,
                ).logits
            # Added in place of the zeros of the tokens that do not count.
            tokens = torch.zeros(later.shape, device=device).masked_scatter(
                later, token_logprobs(logits, labels[:, 1:][later])
            )
            found = found + tokens.sum(-1)
        sums += found.tolist()
    return by_choice(questions, sums)


def score_batch(model, tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
    """Log-probability of every choice of every prompt.

    Args:
        model: an encoder-decoder model, or a PEFT model around one.
        tokenizer: its tokenizer.
        prompts: what the model reads.
        choices: the choices of each prompt.

    Returns:
        For each prompt a dict choice -> summed log-probability (natural logarithm, at most 0).
    """
    return score_parts(model, tokenizer, [encode_questions(tokenizer, prompts, choices)])


@torch.inference_mode()
def generate_batch(
    model, tokenizer, prompts: Sequence[str], max_new_tokens: int, max_thought_tokens: int = 0,
    settled: Sequence[Settled] | None = None,
) -> list[str]:  # fmt: skip
    """Free answers by greedy decoding; see `sycophancy.answering.generating.generate_texts`."""
    # Not padded by the tokenizer, which `answer_rows` uses in another thread: it would change its settings meanwhile.
    encoded = tokenizer(list(prompts))["input_ids"]
    ids, mask = pad_right(encoded, tokenizer.pad_token_id, next(model.parameters()).device)
    return generate_texts(
        model,
        tokenizer,
        # The mask is given: without it a PEFT model attends to the padding of shorter prompts.
        {"input_ids": ids, "attention_mask": mask},
        n_read=1,
        ends=end_tokens(model, tokenizer),
        pad=tokenizer.pad_token_id,
        max_new_tokens=max_new_tokens,
        max_thought_tokens=max_thought_tokens,
        settled=settled,
    )
