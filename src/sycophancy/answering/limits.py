# SPDX-License-Identifier: Apache-2.0
"""What a model can be asked: prompts that it reads whole, and numbers that are numbers."""

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

ENDLESS = 10**9
"""A tokenizer whose length is above this knows none: transformers writes 10^30 then."""


def virtual_tokens(model) -> int:
    """How many positions the active adapter takes before the prompt: those of a soft prompt or a prefix, else 0."""
    config = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning or getattr(model, "_adapters_disabled", False):
        return 0
    return int(getattr(config, "num_virtual_tokens", None) or 0)


def model_length(model, tokenizer) -> int | None:
    """How many tokens the model reads: the smaller one of what its configuration and its tokenizer say.

    `None` for models without positions of their own to run out of (T5's are relative, Bloom's and MPT's a slope, Mamba has
    none): what their tokenizers name is where training texts were cut. A stretched rotary embedding (Peng et al. 2023,
    YaRN, and what came before) counts with its factor.
    """
    config = model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None)
    if not positions or positions < 0:
        return None
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    if rope.get("rope_type", rope.get("type")) in ("linear", "dynamic", "yarn"):
        before = rope.get("original_max_position_embeddings") or positions
        positions = max(positions, int(before * (rope.get("factor") or 1)))
    named = getattr(tokenizer, "model_max_length", None) or ENDLESS
    return min(positions, int(named)) if named < ENDLESS else positions


def check_lengths(lengths: Sequence[int], model, tokenizer, room: int) -> dict[str, int | None]:
    """Refuse prompts that are longer than what the model reads; call it before anything is answered.

    A model with learned positions would crash in the middle of a run; one with rotary positions would go on, and say
    something that nobody trained it to say.

    Args:
        lengths: tokens of each prompt as the model reads it, with what the chat template adds.
        model: the model, or a PEFT model around one; the virtual tokens of its adapter count.
        tokenizer: its tokenizer.
        room: tokens of the longest answer: of the longest choice where choices are scored, else `max_new_tokens`.

    Returns:
        For the record: `longest_prompt`, `longest_answer`, `virtual_tokens`, and `model_length` (`None`: no limit).

    Raises:
        ValueError: how many are too long, the longest one, and what the model reads.
    """
    limit, virtual = model_length(model, tokenizer), virtual_tokens(model)
    longest = max(lengths, default=0)
    found = {"longest_prompt": longest, "longest_answer": room, "virtual_tokens": virtual, "model_length": limit}
    if limit is None:
        return found
    # An encoder's positions are its own: the answer stands in the decoder's.
    most = limit - virtual - (0 if model.config.is_encoder_decoder else room)
    too_long = sum(length > most for length in lengths)
    if too_long or room > limit:
        for_answer = f", {room} of them for the answer" if room else ""
        for_prompt = f" and {virtual} for the adapter's virtual tokens" if virtual else ""
        raise ValueError(
            f"expected prompts of at most {max(most, 0)} tokens, since the model reads {limit}{for_answer}{for_prompt}, got "
            f"{too_long} of {len(lengths)} that are longer, the longest of {longest}; leave those rows out, shorten them, or "
            "measure a model that reads more"
        )
    return found


def refuse_nan(logits: torch.Tensor) -> None:
    """Raise `ValueError` where a logit is not a number or endless, or a row has no finite one.

    Greedy decoding takes such a row's first token without a word.

    Args:
        logits: (..., vocabulary), of any type.
    """
    # In one reading: the largest is not a number where one of them is none, and minus infinity, as a masked token may be,
    # only where all are.
    if not logits.amax(-1).isfinite().all():
        raise ValueError(
            "expected finite logits, got some that are not a number: the model's numbers overflow, its weights are broken or "
            "its adapter diverged; use --dtype float32 or bfloat16, or tune with a smaller learning rate"
        )


class NanRefuser(LogitsProcessor):
    """For `generate(logits_processor=[NanRefuser()])`: `refuse_nan` before each token."""

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The scores (rows, vocabulary) as they are."""
        refuse_nan(scores)
        return scores
