# SPDX-License-Identifier: Apache-2.0
"""Ask a decoder-only model, through its chat template where it has one: the counterpart of `answering`.

Each form of a choice is scored token by token after the prompt: the probability of a choice is the sum over its forms, and what
it answers is what greedy decoding writes among them (`Scores.choose`). Most models read a batch packed, each beginning
once (`packed`). What is here is for the others: what prompts of a batch begin with in common (the examples before them, say) runs
through the model once, each prompt's rest once, and each choice as a continuation of its prompt, with keys and values kept in
between.
"""

from collections.abc import Sequence

import torch

from sycophancy.answering.batches import Shared, shared_prefixes
from sycophancy.answering.forms import Asked, encode_questions
from sycophancy.answering.generating import Settled, generate_texts
from sycophancy.answering.logits import (
    Scores,
    base_of,
    by_form,
    continuations,
    logits_only_at,
    logprobs_of,
    pad_right,
    select_rows,
    token_logprobs,
)
from sycophancy.answering.packed import Memory, cache_packed, reads_packed, score_packed
from sycophancy.answering.prompts import end_tokens, model_turn


def _encode(tokenizer, texts: list[str]) -> list[list[int]]:
    # A chat template has written the special tokens already.
    return tokenizer(texts, add_special_tokens=not tokenizer.chat_template)["input_ids"] if texts else []


def pad_left(rows: Sequence[Sequence[int]], pad: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """`input_ids` and `attention_mask`, each (n_rows, width), of rows that end together."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def _pad_id(tokenizer) -> int:
    return tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id


def keeps_keys_and_values(model) -> bool:
    """Whether the model can go on from what it has read at any position: full attention in every layer, no state.

    A sliding window counts positions of the cache, among which the padding between a prompt and its choices is.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    base = base_of(model)
    # An activated LoRA begins at tokens that PEFT's own forward looks for in the whole input: it would be off after them.
    activated = getattr(getattr(model, "active_peft_config", None), "alora_invocation_tokens", None)
    if getattr(base, "_is_stateful", False) or activated:
        return False
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=base.config).layers)


def shares_all(model, tokenizer, prompts: Sequence[str]) -> bool:
    """Whether the model reads every beginning of a batch once, and not only those that make up half of each prompt.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        tokenizer: its tokenizer.
        prompts: some of what it is asked.
    """
    texts = [ids for ids in _encode(tokenizer, list(prompts)) if ids]
    return bool(texts) and keeps_keys_and_values(model) and reads_packed(model, texts)


def score_whole(model, pad: int, questions: Sequence[Asked], device) -> list[list[float]]:
    """Log-probability of each token of each answer, in the order of `continuations`, each answer with its whole prompt.

    For models that keep something else than keys and values; elsewhere it costs a pass per choice.
    """
    row_of, answers = continuations(questions)
    found: list[list[float]] = []
    for begin in range(0, len(answers), len(questions)):
        chosen = range(begin, min(begin + len(questions), len(answers)))
        ids, mask = pad_right([questions[row_of[row]].context + answers[row] for row in chosen], pad, device)
        starts = torch.tensor([[len(questions[row_of[row]].context)] for row in chosen], device=device)
        counts = mask.bool() & (torch.arange(ids.shape[1], device=device) >= starts)
        # A token is predicted where its predecessor stands; the last position predicts nothing that counts.
        before = counts.roll(-1, 1)
        with logits_only_at(base_of(model), before):
            logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        found += _parted(token_logprobs(logits, ids[counts]), [len(answers[row]) for row in chosen])
    return found


def _parted(logprobs: torch.Tensor, lengths: Sequence[int]) -> list[list[float]]:
    """Consecutive log-probabilities as lists of these lengths."""
    return [part.tolist() for part in logprobs.split(list(lengths))]


class _Reader:
    """A model that has read something, and goes on from there.

    Attributes:
        cache: keys and values of what was read; `None` before anything was.
        mask: (n_rows, n_read), which positions of the cache count.
        length: (n_rows, 1), how many do.
    """

    def __init__(self, model, device):
        self.model, self.device = model, device
        self.cache, self.mask, self.length = None, None, None

    def read(self, ids: torch.Tensor, mask: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """Read on, each row from where it is; the logits (n_marked, vocabulary) at the marked positions."""
        base = base_of(self.model)
        if self.cache is None:
            with logits_only_at(base, at):
                # Through the wrapper: PEFT puts a soft prompt before what is read first, and only there.
                found = self.model(input_ids=ids, attention_mask=mask, use_cache=True)
            n_virtual = found.past_key_values.get_seq_length() - ids.shape[1]
            self.mask = torch.cat([mask.new_ones(len(mask), n_virtual), mask], dim=1)
        else:
            self.mask = torch.cat([self.mask, mask], dim=1)
            with logits_only_at(base, at):
                found = base(
                    input_ids=ids,
                    attention_mask=self.mask,
                    position_ids=self.length + (mask.cumsum(-1) - 1).clamp(min=0),
                    past_key_values=self.cache,
                    use_cache=True,
                )
        self.cache, self.length = found.past_key_values, self.mask.sum(-1, keepdim=True)
        return found.logits

    def fork(self, rows: torch.Tensor) -> "_Reader":
        """A reader for each of the rows, repeated where they are."""
        forked = _Reader(self.model, self.device)
        forked.cache = select_rows(self.cache, rows)
        forked.mask, forked.length = self.mask[rows], self.length[rows]
        return forked

    def forget(self, rows: torch.Tensor, n_read: int) -> None:
        """Take the last `n_read` positions of the marked rows (n_rows, bool) for not read."""
        self.mask[rows, -n_read:] = 0
        self.length = self.mask.sum(-1, keepdim=True)


def _read_shared(
    model, pad: int, contexts: Sequence[list[int]], device, share: bool = True
) -> tuple[_Reader, list[list[int]]]:
    """What prompts begin with in common, read once: a reader with a row for each prompt, and what it has not read yet.

    Where some prompts share a beginning, the others are read with these beginnings up to their last token, so that the
    rests are short.
    """
    reader = _Reader(model, device)
    groups = shared_prefixes(contexts) if share else []
    if not groups:
        return reader, list(contexts)
    grouped = {member for group in groups for member in group.members}
    groups += [Shared([at], len(context) - 1) for at, context in enumerate(contexts) if at not in grouped]
    # A prompt of one token is read and forgotten: a row without any is nothing that attention could look at.
    ids, mask = pad_right([contexts[group.members[0]][: max(1, group.length)] for group in groups], pad, device)
    reader.read(ids, mask, torch.zeros_like(mask, dtype=torch.bool))
    group_of, read = [0] * len(contexts), [0] * len(contexts)
    for number, group in enumerate(groups):
        for member in group.members:
            group_of[member], read[member] = number, group.length
    reader = reader.fork(torch.tensor(group_of, device=device))
    reader.forget(torch.tensor(read, device=device) == 0, ids.shape[1])
    return reader, [context[begin:] for context, begin in zip(contexts, read, strict=True)]


def _last(mask: torch.Tensor) -> torch.Tensor:
    """Marks the last position that counts of each row of a right-padded mask."""
    return (mask.cumsum(-1) == mask.sum(-1, keepdim=True)) & mask.bool()


@torch.inference_mode()
def score_questions(model, tokenizer, questions: Sequence[Asked], *, share: bool = True) -> list[Scores]:
    """Log-probability of every choice of every question; see `score_batch`.

    Args:
        share: read what prompts begin with in common once; otherwise each prompt is read whole.
    """
    device, pad = next(model.parameters()).device, _pad_id(tokenizer)
    if not keeps_keys_and_values(model):
        return by_form(questions, score_whole(model, pad, questions, device))
    contexts = [question.context for question in questions]
    if share and reads_packed(model, contexts):
        return by_form(questions, score_packed(model, questions))
    reader, rests = _read_shared(model, pad, contexts, device, share)
    ids, mask = pad_right(rests, pad, device)
    logprobs_first = logprobs_of(reader.read(ids, mask, _last(mask)))

    scored: list[list[list[float]]] = [[] for _ in questions]
    # The first choice of all questions, then the second: the batch size bounds memory whatever the number of choices, and
    # as long as every question has one what was read need not be copied for them.
    for number in range(max(len(question.answers) for question in questions)):
        asked = [index for index, question in enumerate(questions) if number < len(question.answers)]
        rows = torch.tensor(asked, device=device)
        labels, mask = pad_right([questions[index].answers[number] for index in asked], pad, device)
        found = [[first] for first in logprobs_first[rows, labels[:, 0]].tolist()]
        if labels.shape[1] > 1:
            later = mask[:, 1:].bool()
            logits = reader.fork(rows).read(labels[:, :-1], mask[:, 1:], later)
            rest = _parted(token_logprobs(logits, labels[:, 1:][later]), later.sum(-1).tolist())
            found = [first + more for first, more in zip(found, rest, strict=True)]
        for index, logprobs in zip(asked, found, strict=True):
            scored[index].append(logprobs)
    return by_form(questions, [logprobs for answers in scored for logprobs in answers])


def score_parts(model, tokenizer, parts: Sequence[Sequence[Asked]]) -> list[Scores]:
    """Log-probability of every choice of every question, in the order of the parts, each read on its own."""
    return [scores for part in parts for scores in score_questions(model, tokenizer, part)]


def score_batch(model, tokenizer, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
    """Log-probability of every choice of every prompt.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        tokenizer: its tokenizer.
        prompts: what the model reads, rendered by the chat template where there is one.
        choices: the choices of each prompt.

    Returns:
        For each prompt a dict choice -> summed log-probability (natural logarithm, at most 0) with the forms that were summed.

    Raises:
        ValueError: nothing stands before an answer.
    """
    return score_questions(model, tokenizer, encode_questions(tokenizer, prompts, choices))


def has_soft_prompt(model) -> bool:
    """Whether the model is a PEFT model whose active adapter is a soft prompt."""
    config = getattr(model, "active_peft_config", None)
    return config is not None and config.is_prompt_learning and not getattr(model, "_adapters_disabled", False)


def with_soft_prompt(model, inputs: dict[str, torch.Tensor]) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    """The base model and what it reads: the soft prompt, then the input, at consecutive positions.

    PEFT drops `position_ids` under a soft prompt. In a batch that is padded on the left, the text then stands the
    farther from the soft prompt the shorter it is, and an answer depends on what else is in its batch.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        inputs: `input_ids` and `attention_mask`, each (rows, width). Positions are not among them: `generate` makes
            them from the mask.

    Returns:
        The model as it is and the inputs as they are where there is no soft prompt; else the base model with
        `inputs_embeds` (rows, n_virtual + width, d_model) and `attention_mask` (rows, n_virtual + width).
    """
    # A prefix stands in the keys and values and not before the input; PEFT counts positions after it as for a row alone.
    if not has_soft_prompt(model) or model.active_peft_config.peft_type in ("PREFIX_TUNING", "CARTRIDGE"):
        return model, inputs
    rows = len(inputs["input_ids"])
    words = model.word_embeddings(inputs["input_ids"])
    prompt = model.get_prompt(batch_size=rows).to(words.dtype)
    n_virtual = prompt.shape[1]
    mask = inputs["attention_mask"]
    read = {
        "inputs_embeds": torch.cat([prompt, words], dim=1),
        "attention_mask": torch.cat([mask.new_ones(rows, n_virtual), mask], dim=1),
    }
    return model.get_base_model(), read


@torch.inference_mode()
def generate_batch(
    model, tokenizer, prompts: Sequence[str], max_new_tokens: int, max_thought_tokens: int = 0,
    settled: Sequence[Settled] | None = None, memory: Memory | None = None,
) -> list[str]:  # fmt: skip
    """Free answers by greedy decoding, without the prompt; see `sycophancy.answering.generating.generate_texts`.

    What the memory has of a prompt is not read again, where the model can go on from there (`reads_packed`).
    """
    encoded = _encode(tokenizer, list(prompts))
    # Some tokenizers close every text; the model is to go on.
    encoded = [ids[:-1] if ids[-1] == tokenizer.eos_token_id else ids for ids in encoded]
    pad = _pad_id(tokenizer)
    base, read, n_read = _read_prompts(model, pad, encoded, next(model.parameters()).device, memory)
    thought = model_turn(tokenizer, tokenizer.get_chat_template()).thought if tokenizer.chat_template else ""
    return generate_texts(
        base,
        tokenizer,
        read,
        n_read=n_read,
        ends=end_tokens(model, tokenizer),
        pad=pad,
        max_new_tokens=max_new_tokens,
        max_thought_tokens=max_thought_tokens,
        thought=thought,
        settled=settled,
    )


def _read_prompts(
    model, pad: int, encoded: Sequence[list[int]], device, memory: Memory | None
) -> tuple[torch.nn.Module, dict, int]:
    """What generates, what it is given, and how many tokens of what it returns stand before the answer."""
    if min(map(len, encoded)) < 2 or not keeps_keys_and_values(model):
        ids, mask = pad_left(encoded, pad, device)
        # Without positions: `generate` makes them itself, from the mask.
        base, read = with_soft_prompt(model, {"input_ids": ids, "attention_mask": mask})
        # What was given as embeddings is not repeated in what is returned.
        return base, read, ids.shape[1] if "input_ids" in read else 0
    before = [ids[:-1] for ids in encoded]
    if reads_packed(model, before):
        cache, read = cache_packed(model, before, memory)
    else:
        reader, rests = _read_shared(model, pad, before, device)
        ids, mask = pad_right(rests, pad, device)
        reader.read(ids, mask, torch.zeros_like(mask, dtype=torch.bool))
        cache, read = reader.cache, reader.mask
    last = torch.tensor([ids[-1:] for ids in encoded], device=device)
    n_before = read.shape[1]
    given = {
        # Of what is in the cache `generate` looks at the number of tokens alone.
        "input_ids": torch.cat([last.new_full((len(last), n_before), pad), last], dim=1),
        "attention_mask": torch.cat([read, torch.ones_like(last)], dim=1),
        "past_key_values": cache,
    }
    return base_of(model), given, n_before + 1
