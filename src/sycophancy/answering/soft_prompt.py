# SPDX-License-Identifier: Apache-2.0
"""A soft prompt before padded input of a decoder-only model.

PEFT drops `position_ids` under a soft prompt. In a batch that is padded on the left, the text then stands the farther
from the soft prompt the shorter it is, and an answer depends on what else is in its batch.
"""

import torch


def has_soft_prompt(model) -> bool:
    """Whether the model is a PEFT model whose active adapter is a soft prompt."""
    config = getattr(model, "active_peft_config", None)
    return config is not None and config.is_prompt_learning and not getattr(model, "_adapters_disabled", False)


def with_soft_prompt(model, inputs: dict[str, torch.Tensor]) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    """The base model and what it reads: the soft prompt, then the input, at consecutive positions.

    Args:
        model: a decoder-only model, or a PEFT model around one.
        inputs: `input_ids` and `attention_mask`, each (rows, width). Positions are not among them: `generate` makes
            them from the mask.

    Returns:
        The model as it is and the inputs as they are where there is no soft prompt, or a prefix; else the base model with
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
