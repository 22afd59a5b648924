# SPDX-License-Identifier: Apache-2.0
"""Load a model with its tokenizer, and put an adapter on it only where the two fit."""

import hashlib
import json
from pathlib import Path

from sycophancy.hub import resolve_commit

FINGERPRINT_FILE = "base_model_fingerprint.json"
"""Beside an adapter: which weights it was trained on. An adapter on other weights gives numbers that mean nothing."""


def load_model(model_name_or_path: str, revision: str | None = None, dtype: str = "float32"):
    """The model, in evaluation mode, and its tokenizer.

    Args:
        model_name_or_path: Hub id or local folder of an encoder-decoder model (T5, Flan-T5, BART ...).
        revision: Hub revision.
        dtype: `float32`, `bfloat16` or `float16`.

    Raises:
        ValueError: the model is not an encoder-decoder, there is none of this name, or the Hub cannot be reached.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

    revision = resolve_commit(model_name_or_path, "model", revision)
    config = AutoConfig.from_pretrained(model_name_or_path, revision=revision)
    if not config.is_encoder_decoder:
        raise ValueError(
            f"expected an encoder-decoder model, got {model_name_or_path} of type {config.model_type!r}; "
            "name a T5-like model such as google/flan-t5-base"
        )
    tokenizer = AutoTokenizer.from_pretrained(model_name_or_path, revision=revision)
    model = AutoModelForSeq2SeqLM.from_pretrained(model_name_or_path, revision=revision, dtype=getattr(torch, dtype))
    return model.eval(), tokenizer


def load_any_model(model_name_or_path: str, revision: str | None = None, dtype: str = "float32"):
    """An encoder-decoder or a decoder-only model, in evaluation mode, and its tokenizer; see `load_model`."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    revision = resolve_commit(model_name_or_path, "model", revision)
    if AutoConfig.from_pretrained(model_name_or_path, revision=revision).is_encoder_decoder:
        return load_model(model_name_or_path, revision, dtype)
    tokenizer = AutoTokenizer.from_pretrained(model_name_or_path, revision=revision)
    model = AutoModelForCausalLM.from_pretrained(model_name_or_path, revision=revision, dtype=getattr(torch, dtype))
    return model.eval(), tokenizer


def fingerprint_model(model) -> str:
    """A hash of the model's weights: equal for equal weights, wherever they were loaded from."""
    return _fingerprint(model.state_dict())


def fingerprint_adapter(model) -> str:
    """A hash of what PEFT would save of the model: a folder's adapter may be another tomorrow."""
    from peft import get_peft_model_state_dict

    return _fingerprint(get_peft_model_state_dict(model))


def _fingerprint(weights: dict) -> str:
    import torch

    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return f"sha256:{digest.hexdigest()[:16]}"


def add_adapter(model, adapter: str, revision: str | None = None, trainable: bool = False):
    """Put a PEFT adapter on the model.

    Args:
        model: the base model that the adapter was trained on.
        adapter: Hub id or local folder.
        revision: Hub revision of the adapter.
        trainable: whether it is to be trained on; otherwise it is frozen and the model in evaluation mode.

    Raises:
        ValueError: the adapter does not fit: other shape, other kind of model, or trained on other weights.
    """
    from peft import PeftConfig, PeftModel

    revision = resolve_commit(adapter, "model", revision)
    config = PeftConfig.from_pretrained(adapter, revision=revision)
    wanted = "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"
    found = getattr(config.task_type, "value", config.task_type)
    if found != wanted:
        raise ValueError(
            f"expected an adapter for {wanted} models, as {model.config.model_type} is one, got {adapter} for {found}, "
            f"trained on {config.base_model_name_or_path}; load it on that model"
        )
    width = getattr(config, "token_dim", None)
    if width is not None and width != model.config.hidden_size:
        raise ValueError(
            f"expected an adapter for a base model of width {model.config.hidden_size}, got {adapter}, trained on "
            f"{config.base_model_name_or_path} of width {width}; load it on that model"
        )
    _check_fingerprint(model, adapter, revision)
    # PEFT loads no soft prompt as trainable, but trains one that was made so.
    by_hand = trainable and config.is_prompt_learning
    try:
        tuned = PeftModel.from_pretrained(model, adapter, revision=revision, is_trainable=trainable and not by_hand)
    except (RuntimeError, KeyError) as error:
        raise ValueError(
            f"expected an adapter that fits the base model, got {adapter}, trained on "
            f"{config.base_model_name_or_path}: {error}"
        ) from error
    if by_hand:
        tuned.requires_grad_(False).prompt_encoder.requires_grad_(True)
        tuned.active_peft_config.inference_mode = False
    return tuned if trainable else tuned.requires_grad_(False).eval()


def _check_fingerprint(model, adapter: str, revision: str | None) -> None:
    """Raise `ValueError` where the adapter's folder or repository says that it was trained on other weights."""
    noted = _noted_fingerprint(adapter, revision)
    if noted is None:
        return
    trained_on = json.loads(noted.read_text())
    found = fingerprint_model(model)
    if trained_on["fingerprint"] != found:
        dtype = trained_on.get("dtype", "float32")
        raise ValueError(
            f"expected the base model that the adapter {adapter} was trained on "
            f"({trained_on['name']}, {dtype} weights {trained_on['fingerprint']}), got weights {found} in "
            f"{str(model.dtype).removeprefix('torch.')}; load it on that model, or train an adapter for this one"
        )


def _noted_fingerprint(adapter: str, revision: str | None) -> Path | None:
    """The file that says which weights an adapter was trained on; `None` where it has none."""
    if Path(adapter).is_dir():
        noted = Path(adapter) / FINGERPRINT_FILE
        return noted if noted.exists() else None
    from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(adapter, FINGERPRINT_FILE, revision=revision))
    except LocalEntryNotFoundError as error:
        # A kind of the other error, but nobody has looked whether the file is there.
        if try_to_load_from_cache(adapter, FINGERPRINT_FILE, revision=revision) is _CACHED_NO_EXIST:
            return None
        raise ValueError(
            f"expected {FINGERPRINT_FILE} of the adapter {adapter} in the cache or a Hub to ask for it, got neither: it says "
            "which weights the adapter fits; load the adapter once with a network"
        ) from error
    except EntryNotFoundError:
        return None
