# SPDX-License-Identifier: Apache-2.0
"""Load a model with its tokenizer, and an adapter where the two fit: as it is, or refused before anything is scored."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from sycophancy.answering.adapters import (
    add_adapter,
    check_fits,
    fingerprint_adapter,
    fingerprint_model,
    fit_tokens,
    read_config,
)
from sycophancy.answering.folders import (
    ADAPTER_CONFIG,
    WEIGHT_FILES,
    list_files,
    refuse_broken_weights,
    refuse_file,
    refuse_no_model,
    refuse_other_tasks,
    refuse_quantization,
    some,
)
from sycophancy.answering.processes import keep_memory
from sycophancy.hub import resolve_commit

TOKENIZER_NAMES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "vocab",
    "merges.txt",
    "tekken",
    ".tiktoken",
    ".spm",
)
"""What a file of a tokenizer's vocabulary is called, or part of it: without one transformers may make up an empty one."""


@dataclass(frozen=True)
class LoadedModel:
    """A model that was loaded whole; a pair of `model, tokenizer` for what asks it.

    Attributes:
        model: in evaluation mode, or a PEFT model around one.
        tokenizer: its tokenizer, or its adapter's; its chat template is one string, or none.
        record: for the run record, beside the model's name and revision: `fingerprint`, `architecture`, `dtype`,
            `parameters`, `quantization`, `load_report` (`missing`, `unexpected`, `mismatched`: names of tensors),
            `model_length`, `chat_template_name`, `gguf_file` and `gguf_sha256`.
        adapter: the same of the adapter, `None` without one: `fingerprint`, `type`, `base` (as it names it), `base_known`,
            `tokenizer`, `tokens_before`, `tokens`, `virtual_tokens`.
    """

    model: object
    tokenizer: object
    record: dict
    adapter: dict | None = None

    def __iter__(self) -> Iterator:
        return iter((self.model, self.tokenizer))

    def __getitem__(self, at: int):
        return (self.model, self.tokenizer)[at]

    def with_adapter(self, adapter: str, revision: str | None = None) -> "LoadedModel":
        """The same with a PEFT adapter on it, and the tokenizer that lies beside the adapter.

        Args:
            adapter: Hub id or local folder.
            revision: Hub revision of the adapter.

        Raises:
            ValueError: see `sycophancy.answering.adapters.add_adapter` and `fit_tokens`.
        """
        from sycophancy.answering.limits import virtual_tokens

        revision = resolve_commit(adapter, "model", revision)
        config = read_config(adapter, revision)
        known = check_fits(self.model, adapter, revision, config)
        tokenizer, tokens = fit_tokens(self.model, self.tokenizer, adapter, revision)
        model = add_adapter(self.model, adapter, revision, checked=True)
        noted = {
            "fingerprint": fingerprint_adapter(model),
            "type": str(getattr(config.peft_type, "value", config.peft_type)),
            "base": config.base_model_name_or_path,
            "base_known": known,
            "virtual_tokens": virtual_tokens(model),
        }
        return replace(self, model=model, tokenizer=tokenizer, adapter=noted | tokens)


def add_model_arguments(parser) -> None:
    """Add the flags of `load_model` that say how a model is read: `--gguf_file` and `--chat_template`."""
    parser.add_argument("--gguf_file", help="GGUF file in the model's folder or repository to read the weights from")
    parser.add_argument("--chat_template", help="which of a tokenizer's named chat templates to ask through [default]")


def load_asked(args) -> LoadedModel:
    """`load_model` with the arguments of a command: `add_model_arguments`, `model_name_or_path`, `dtype` ..., `adapter`."""
    loaded = load_model(
        args.model_name_or_path,
        args.model_revision,
        getattr(args, "dtype", None) or "float32",
        gguf_file=args.gguf_file,
        chat_template=args.chat_template,
    )
    adapter = getattr(args, "adapter", None)
    return loaded.with_adapter(adapter, args.adapter_revision) if adapter else loaded


def load_model(
    model_name_or_path: str, revision: str | None = None, dtype: str = "float32", *, gguf_file: str | None = None,
    chat_template: str | None = None,
) -> LoadedModel:  # fmt: skip
    """An encoder-decoder or a decoder-only model, in evaluation mode, and its tokenizer.

    Args:
        model_name_or_path: Hub id or local folder of a language model (T5, Flan-T5, BART; Llama, Qwen, Gemma ...).
        revision: Hub revision.
        dtype: `float32`, `bfloat16` or `float16`.
        gguf_file: GGUF file there, whose weights transformers makes dense.
        chat_template: name of the chat template, where the tokenizer has several.

    Raises:
        ValueError: there is no model of this name, the Hub cannot be reached, or what is there is no language model, is not
            whole, or needs what is not installed; the message says which and what to do.
    """
    from sycophancy.answering.limits import model_length

    keep_memory()
    name = str(model_name_or_path)
    revision = resolve_commit(name, "model", revision) if not Path(name).is_file() else None
    config, raw, files = _read_config(name, revision, gguf_file)
    given = {"revision": revision, "trust_remote_code": False} | ({"gguf_file": gguf_file} if gguf_file else {})
    folder = Path(name) if Path(name).is_dir() else None
    quantized = raw.get("quantization_config") is not None
    tensors = refuse_broken_weights(name, folder, quantized) if folder is not None and gguf_file is None else {}
    tokenizer = _load_tokenizer(name, files, given)
    template = _choose_template(name, tokenizer, chat_template)
    model, report = _load_weights(name, config, dtype, given, quantized)
    if folder is None and gguf_file is None:
        # Now they lie in the cache.
        folder = _cached_folder(name, revision)
        if folder is not None and any((folder / file).is_file() for file in WEIGHT_FILES):
            tensors = refuse_broken_weights(name, folder, quantized)
    _refuse_missing(name, model, report, raw, tensors)
    _refuse_longer_tokenizer(name, model, tokenizer)
    model = model.eval()
    settings = getattr(model.config, "quantization_config", None)
    record = {
        "fingerprint": fingerprint_model(model),
        "architecture": type(model).__name__,
        "dtype": str(model.dtype).removeprefix("torch."),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "quantization": _plain(settings),
        "load_report": report,
        "model_length": model_length(model, tokenizer),
        "chat_template_name": template,
        "gguf_file": gguf_file,
        "gguf_sha256": _sha256(name, revision, gguf_file) if gguf_file else None,
    }
    return LoadedModel(model, tokenizer, record)


def load_config(model_name_or_path: str, revision: str | None = None, gguf_file: str | None = None):
    """The configuration of a model that `load_model` would load; `ValueError` as there, as far as it goes by that."""
    name = str(model_name_or_path)
    return _read_config(name, None if Path(name).is_file() else resolve_commit(name, "model", revision), gguf_file)[0]


def _read_config(name: str, revision: str | None, gguf_file: str | None):
    """The configuration, the same as it was written, and the paths in the folder or repository where they are known."""
    refuse_file(name)
    if gguf_file is not None and find_spec("gguf") is None:
        raise ValueError("--gguf_file: expected the package gguf, got none; install it: pip install 'sycophancy[gguf]'")
    files = list_files(name, revision)
    if files is not None:
        base = _adapter_base(name, revision) if ADAPTER_CONFIG in files else None
        refuse_no_model(name, files, gguf_file, base)
    given = {"revision": revision, "trust_remote_code": False} | ({"gguf_file": gguf_file} if gguf_file else {})
    config, raw = _parse_config(name, given)
    refuse_other_tasks(name, config)
    refuse_quantization(name, raw.get("quantization_config"))
    return config, raw, files


def _one_line(error: BaseException, most: int = 300) -> str:
    return " ".join(str(error).split())[:most]


def _adapter_base(name: str, revision: str | None) -> str | None:
    """The base model that the adapter in a folder or repository names."""
    from peft import PeftConfig

    try:
        return PeftConfig.from_pretrained(name, revision=revision).base_model_name_or_path
    except (ValueError, TypeError, KeyError, OSError):
        return None


def _parse_config(name: str, given: dict):
    """The model's configuration, and as it was written; `ValueError` where transformers does not know it."""
    import transformers
    from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig

    raw: dict = {}
    try:
        if "gguf_file" not in given:
            raw, _ = PretrainedConfig.get_config_dict(name, revision=given["revision"])
            _refuse_unknown_type(name, raw, CONFIG_MAPPING, transformers.__version__)
        return AutoConfig.from_pretrained(name, **given), raw
    except (ValueError, OSError, KeyError, TypeError, ImportError, NotImplementedError) as error:
        if str(error).startswith("expected "):
            raise
        what = (
            f"a GGUF file that transformers reads, got {given['gguf_file']} in"
            if "gguf_file" in given
            else "a model, got"
        )
        raise ValueError(f"expected {what} {name}: {_one_line(error)}; download it again") from error


def _refuse_unknown_type(name: str, raw: dict, known, version: str) -> None:
    kind = raw.get("model_type")
    if kind in known:
        return
    if raw.get("auto_map"):
        raise ValueError(
            f"expected a model that transformers itself knows, got {name}, which brings code of its own to run; none is run "
            "here: name a repository of the model in transformers' format"
        )
    if kind is None:
        raise ValueError(
            f"expected a model, got {name}, whose config.json names no model_type; save it with save_pretrained"
        )
    raise ValueError(
        f"expected a model that transformers {version} knows, got {name} of type {kind!r}; a newer transformers may "
        "(pip install -U transformers)"
    )


def _load_tokenizer(name: str, files: list[str] | None, given: dict):
    from transformers import AutoTokenizer

    if (
        "gguf_file" not in given
        and files is not None
        and not any(part in file for file in files for part in TOKENIZER_NAMES)
    ):
        raise ValueError(
            f"expected a tokenizer in {name}, got none; put the tokenizer of the model that it was made from there "
            "(tokenizer.save_pretrained)"
        )
    try:
        return AutoTokenizer.from_pretrained(name, **given)
    except (ValueError, OSError, ImportError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a tokenizer that transformers loads in {name}, got: {_one_line(error)}") from error


def _choose_template(name: str, tokenizer, wanted: str | None) -> str | None:
    """Leave the tokenizer one chat template; its name, `None` where it has none or one without a name."""
    templates = tokenizer.chat_template
    named = templates if isinstance(templates, dict) else {}
    if wanted is None and not named:
        return None
    chosen = wanted or "default"
    if chosen not in named:
        has = f"those named {', '.join(sorted(named))}" if named else "one without a name" if templates else "none"
        advice = (
            f"pass --chat_template {sorted(named)[0]}, or another of them" if named else "leave --chat_template out"
        )
        raise ValueError(f"expected a chat template {chosen!r} in the tokenizer of {name}, got {has}; {advice}")
    tokenizer.chat_template = named[chosen]
    return chosen


def _load_weights(name: str, config, dtype: str, given: dict, quantized: bool):
    """The model, and the names of tensors that were missing, left over or of another shape."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
    from transformers.utils import logging

    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    told = logging.get_verbosity()
    # Its report goes to the record, or into our own sentence.
    logging.set_verbosity_error()
    try:
        model, info = kind.from_pretrained(
            name, dtype=getattr(torch, dtype), output_loading_info=True, ignore_mismatched_sizes=True, **given
        )
    except torch.OutOfMemoryError:
        raise
    except ImportError as error:
        raise ValueError(
            f"expected what reads the {'quantised ' if quantized else ''}weights of {name}, got: {_one_line(error)}"
        ) from error
    except (RuntimeError, ValueError, OSError, KeyError, TypeError, EOFError, SafetensorError) as error:
        folder = _cached_folder(name, given["revision"])
        if folder is not None and "gguf_file" not in given:
            refuse_broken_weights(name, folder, quantized)
        raise ValueError(
            f"expected weights that transformers loads in {name}, got: {_one_line(error)}; download or save them again"
        ) from error
    finally:
        logging.set_verbosity(told)
    return model, {part: sorted(map(_key_of, info[f"{part}_keys"])) for part in ("missing", "unexpected", "mismatched")}


def _key_of(entry) -> str:
    """A tensor's name in transformers' report, with its two shapes where they differ."""
    if isinstance(entry, str):
        return entry
    key, saved, wanted = entry
    return f"{key} ({list(saved)} for {list(wanted)})"


def _cached_folder(name: str, revision: str | None) -> Path | None:
    """Where a repository's files lie in the cache, or the folder itself."""
    from transformers.utils import cached_file

    if Path(name).is_dir():
        return Path(name)
    found = cached_file(
        name, "config.json", revision=revision, local_files_only=True,
        _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False,
    )  # fmt: skip
    return Path(found).parent if found else None


def _refuse_missing(name: str, model, report: dict, raw: dict, tensors: dict) -> None:
    """Raise `ValueError` where weights of the model were made up: not in the files, or of another shape there."""
    # Buffers are computed, or start as they stay.
    missing = [key for key in report["missing"] if key in dict(model.named_parameters(remove_duplicate=False))]
    read, written = model.get_input_embeddings(), model.get_output_embeddings()
    if raw.get("tie_word_embeddings") is False and tensors and written is not None and written.weight is read.weight:
        # T5 in transformers 5 reads such a file as one whose layers are tied, and says nothing.
        (output,) = (key for key, module in model.named_modules() if module is written)
        if not any(key.endswith(f"{output}.weight") for key in tensors):
            missing.append(f"{output}.weight")
    wrong = report["mismatched"]
    if wrong:
        raise ValueError(
            f"expected the weights that config.json of {name} describes, got others: {some(wrong)}; give it the config.json "
            "that the weights were saved with"
        )
    if not missing:
        return
    renamed = [key for key in report["unexpected"] if any(key.endswith(f".{lost}") for lost in missing)]
    heads = [key for key in report["unexpected"] if "score" in key or "classif" in key or "v_head" in key]
    if renamed:
        advice = f"they have other names there ({some(renamed, 1)}): save the model without what is wrapped around it"
    elif heads:
        advice = f"it has {some(heads)} instead, as a reward model or a classifier has; name the language model"
    else:
        advice = "they would be made up; save the whole language model there, or name another folder"
    raise ValueError(f"expected all weights of {type(model).__name__} in {name}, got none of {some(missing)}; {advice}")


def _refuse_longer_tokenizer(name: str, model, tokenizer) -> None:
    """Raise `ValueError` where the tokenizer has tokens that the model has no row for."""
    rows = model.get_input_embeddings().weight.shape[0]
    largest = max(tokenizer.get_vocab().items(), key=lambda entry: entry[1], default=("", -1))
    if largest[1] >= rows:
        raise ValueError(
            f"expected a tokenizer of at most {rows} tokens, as the model of {name} has, got one whose token {largest[0]!r} has "
            f"the number {largest[1]}; use the model's own tokenizer, or save the model with the tokens that were added"
        )


def _plain(settings) -> dict | None:
    """A quantisation's settings as JSON has them."""
    if settings is None:
        return None
    settings = settings if isinstance(settings, dict) else settings.to_dict()
    return {
        key: value if isinstance(value, str | int | float | bool | None) else str(value)
        for key, value in settings.items()
    }


def _sha256(name: str, revision: str | None, file: str) -> str:
    from transformers.utils import cached_file

    with open(cached_file(name, file, revision=revision), "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
