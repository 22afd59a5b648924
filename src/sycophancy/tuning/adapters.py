# SPDX-License-Identifier: Apache-2.0
"""What of a model is trained: a soft prompt before its input, LoRA in its projections, or all of it."""

from sycophancy.answering.adapters import add_adapter, task_type


def soft_prompt_config(model, tokenizer_name: str, num_virtual_tokens: int, init_text: str | None):
    """The PEFT configuration of a soft prompt (Lester et al. 2021).

    Args:
        model: the frozen base model; the prompt stands before the input of an encoder or of a decoder-only model.
        tokenizer_name: folder or Hub id of its tokenizer, which turns `init_text` into tokens.
        num_virtual_tokens: length of the prompt.
        init_text: text whose embeddings the prompt starts from; empty: random rows of the vocabulary.
    """
    from peft import PromptTuningConfig

    # PEFT loads the tokenizer itself, and would take it from main.
    commit = getattr(model.config, "_commit_hash", None)
    return PromptTuningConfig(
        task_type=task_type(model),
        num_virtual_tokens=num_virtual_tokens,
        # The default 2 makes a second half that PEFT never feeds to an encoder-decoder model and never trains.
        num_transformer_submodules=1,
        prompt_tuning_init="TEXT" if init_text else "SAMPLE_VOCAB",
        prompt_tuning_init_text=init_text or None,
        tokenizer_name_or_path=tokenizer_name if init_text else None,
        tokenizer_kwargs={"revision": commit} if init_text and commit else None,
    )


def lora_config(model, r: int, alpha: int, dropout: float, target_modules: list[str] | None):
    """The PEFT configuration of LoRA (Hu et al. 2021).

    Args:
        model: the frozen base model.
        r: rank.
        alpha: scale; the update counts `alpha / r` times.
        dropout: share of the inputs of the update that are dropped while training.
        target_modules: names of the adapted modules, or `["all-linear"]`; `None`: PEFT's for the architecture.
    """
    from peft import LoraConfig

    return LoraConfig(
        task_type=task_type(model),
        r=r,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules="all-linear" if target_modules == ["all-linear"] else target_modules,
    )


def adapter_config(model, args):
    """The PEFT configuration that `TuneArguments` ask for; `None` for full tuning."""
    if args.method == "prompt_tuning":
        return soft_prompt_config(model, args.model_name_or_path, args.num_virtual_tokens, args.prompt_init_text)
    if args.method == "lora":
        return lora_config(model, args.lora_r, args.lora_alpha, args.lora_dropout, args.lora_target_modules)
    return None


def prepare_model(model, args, init_adapter: str | None = None, init_adapter_revision: str | None = None):
    """The model with what `TuneArguments` ask to train made trainable, and nothing else.

    What is drawn comes from torch's generator: call `set_seed` before.

    Args:
        model: the base model.
        args: `TuneArguments`.
        init_adapter: adapter folder or Hub id to go on from, of the same method and shape.
        init_adapter_revision: its Hub revision.

    Raises:
        ValueError: `init_adapter` is of another method, shape or base model.
    """
    from peft import get_peft_model

    if init_adapter:
        tuned = add_adapter(model, init_adapter, init_adapter_revision, trainable=True)
        return check_same_shape(tuned, args, init_adapter)
    config = adapter_config(model, args)
    return get_peft_model(model, config) if config else model.requires_grad_(True)


def check_same_shape(model, args, init_adapter: str):
    """The model as it is; `ValueError` where its adapter is not what the arguments describe."""
    config = model.peft_config["default"]
    found = {"method": str(getattr(config.peft_type, "value", config.peft_type)).lower()}
    wanted = {"method": args.method}
    if found == wanted == {"method": "prompt_tuning"}:
        found["num_virtual_tokens"], wanted["num_virtual_tokens"] = config.num_virtual_tokens, args.num_virtual_tokens
    elif found == wanted:
        found |= {"lora_r": config.r, "lora_alpha": config.lora_alpha}
        wanted |= {"lora_r": args.lora_r, "lora_alpha": args.lora_alpha}
    for name, value in wanted.items():
        if found[name] != value:
            raise ValueError(
                f"init_adapter: expected an adapter of {name} {value}, got {init_adapter} of {found[name]}; "
                f"pass --{name} {found[name]}"
            )
    return model
