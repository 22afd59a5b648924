# SPDX-License-Identifier: Apache-2.0
"""Put an adapter on a model, any that PEFT loads on this base, or say in one sentence why the two do not fit.

PEFT passes over much that makes numbers meaningless: weights that the adapter lacks (a warning), weights for layers that
the base has not (nothing), another base model of the same shape (nothing).
"""

import json
import warnings
from pathlib import Path

from sycophancy.answering.folders import (
    ADAPTER_CONFIG,
    UNFINISHED,
    list_files,
    read_header,
    refuse_pointer,
    some,
)
from sycophancy.files import fingerprint
from sycophancy.hub import HUB_ID, resolve_commit

FINGERPRINT_FILE = "base_model_fingerprint.json"
"""Beside an adapter: which weights it was trained on. An adapter on other weights gives numbers that mean nothing."""

ADAPTER_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
NEEDS_TASKS = ("MULTITASK_PROMPT_TUNING", "POLY")
"""Adapters that ask with each prompt which of their tasks it is."""


def fingerprint_model(model) -> str:
    """A hash of the model's weights: equal for equal weights, wherever they were loaded from."""
    return _fingerprint(model.state_dict())


def fingerprint_adapter(model) -> str:
    """A hash of what PEFT would save of the model: a folder's adapter may be another tomorrow."""
    from peft import get_peft_model_state_dict

    return _fingerprint(get_peft_model_state_dict(model))


def _fingerprint(weights: dict) -> str:
    import torch

    def chunks():
        for name, weight in sorted(weights.items()):
            yield name.encode()
            yield weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()

    return fingerprint(chunks())


def add_adapter(model, adapter: str, revision: str | None = None, trainable: bool = False, *, checked: bool = False):
    """Put a PEFT adapter on the model.

    Args:
        model: the base model that the adapter was trained on.
        adapter: Hub id or local folder.
        revision: Hub revision of the adapter.
        trainable: whether it is to be trained on; otherwise it is frozen and the model in evaluation mode.
        checked: `check_fits` was asked already, on the base model as it was before its embeddings were resized.

    Raises:
        ValueError: the adapter is none, is not whole, or does not fit: other shape, other kind of model, other weights.
    """
    revision = resolve_commit(adapter, "model", revision)
    config = read_config(adapter, revision)
    if checked:
        _check_kind(model, adapter, config)
    else:
        check_fits(model, adapter, revision, config)
    weights = read_weights(adapter, revision)
    _check_rows(model, adapter, weights)
    from peft import PeftModel

    # PEFT loads no soft prompt as trainable, but trains one that was made so.
    by_hand = trainable and config.is_prompt_learning
    with warnings.catch_warnings():
        # What it warns of is an error here: see `_check_keys`.
        warnings.filterwarnings("ignore", message="Found missing adapter keys")
        try:
            tuned = PeftModel.from_pretrained(
                model, adapter, revision=revision, is_trainable=trainable and not by_hand, config=config
            )
        except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(_does_not_fit(model, adapter, config, error)) from error
    _check_keys(tuned, adapter, config, weights)
    _check_forward(tuned, adapter, config)
    if by_hand:
        tuned.requires_grad_(False).prompt_encoder.requires_grad_(True)
        tuned.active_peft_config.inference_mode = False
    return tuned if trainable else tuned.requires_grad_(False).eval()


def _does_not_fit(model, adapter: str, config, error) -> str:
    said = " ".join(str(error).split())
    return (
        f"expected an adapter that fits the base model {model.name_or_path}, got {adapter}, trained on "
        f"{config.base_model_name_or_path}: {said[:300]}; load it on that model"
    )


def read_config(adapter: str, revision: str | None):
    """The adapter's PEFT configuration; `ValueError` where there is none that this PEFT reads."""
    import peft

    files = list_files(adapter, revision)
    if files is not None:
        _refuse_no_adapter(adapter, files)
    try:
        return peft.PeftConfig.from_pretrained(adapter, revision=revision)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError(
            f"expected an {ADAPTER_CONFIG} in {adapter} that PEFT {peft.__version__} reads, got {type(error).__name__}: "
            f"{error}; a newer PEFT may (pip install -U peft), or the file is not whole"
        ) from error


def _refuse_no_adapter(adapter: str, files: list[str]) -> None:
    """Raise `ValueError` where a folder's or repository's files are not those of an adapter."""
    wanted = f"expected an adapter, got {adapter}"
    if ADAPTER_CONFIG not in files:
        inner = sorted(path for path in files if path.endswith(f"/{ADAPTER_CONFIG}"))
        if inner:
            raise ValueError(
                f"{wanted}: there is none at its top; pass {adapter}/{inner[-1].removesuffix(f'/{ADAPTER_CONFIG}')}"
            )
        if "config.json" in files:
            raise ValueError(f"{wanted}: this is a whole model; pass it as --model_name_or_path, without --adapter")
        weights = [name for name in ADAPTER_WEIGHTS if name in files]
        if weights:
            raise ValueError(
                f"{wanted}: it has {weights[0]} and no {ADAPTER_CONFIG}; save it with PEFT's save_pretrained"
            )
        raise ValueError(
            f"{wanted}: it has no {ADAPTER_CONFIG}; pass a folder that PEFT's save_pretrained wrote, or a Hub id"
        )
    if not any(name in files for name in ADAPTER_WEIGHTS):
        begun = [path for path in files if path.endswith(UNFINISHED)]
        instead = f"{some(begun)} is an unfinished download; finish it" if begun else "download or save it again"
        raise ValueError(f"expected the weights of the adapter {adapter}, got no {ADAPTER_WEIGHTS[0]}; {instead}")


def read_weights(adapter: str, revision: str | None) -> dict:
    """The adapter's tensors by name; `ValueError` where their file is cut off or a pointer of Git LFS."""
    from peft.utils.save_and_load import load_peft_weights

    wanted = f"expected the weights of the adapter {adapter}"
    if Path(adapter).is_dir():
        file = next(Path(adapter) / name for name in ADAPTER_WEIGHTS if (Path(adapter) / name).is_file())
        refuse_pointer(file, wanted)
        if file.suffix == ".safetensors":
            read_header(file, wanted)
    try:
        return load_peft_weights(adapter, device="cpu", revision=revision)
    except (RuntimeError, ValueError, OSError, EOFError) as error:
        raise ValueError(f"{wanted}, got: {' '.join(str(error).split())[:300]}; download or save them again") from error


def task_type(model) -> str:
    """PEFT's name of the model's kind."""
    return "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"


def _check_kind(model, adapter: str, config) -> None:
    """Raise `ValueError` for an adapter of another kind of model; one that names no kind gets the model's."""
    wanted, found = task_type(model), getattr(config.task_type, "value", config.task_type)
    # PEFT's default names none, and then the type is unknown and not another.
    if found is None:
        config.task_type = wanted
    elif found != wanted:
        raise ValueError(
            f"expected an adapter for {wanted} models, as {model.config.model_type} is one, got {adapter} for {found}, "
            f"trained on {config.base_model_name_or_path}; load it on that model"
        )
    kind = getattr(config.peft_type, "value", config.peft_type)
    if kind in NEEDS_TASKS:
        raise ValueError(
            f"expected an adapter that answers any prompt, got {adapter} of type {kind}, which must be told with each prompt "
            "which of its tasks that is; tune one of another type"
        )
    width = model.get_input_embeddings().weight.shape[1]
    # A prefix stands in the keys and values of the layers, and its width is theirs.
    if kind in ("PROMPT_TUNING", "P_TUNING", "CPT") and config.token_dim not in (None, width):
        raise ValueError(
            f"expected an adapter for a base model of width {width}, got {adapter}, trained on "
            f"{config.base_model_name_or_path} of width {config.token_dim}; load it on that model"
        )
    layers, found = model.config.get_text_config().num_hidden_layers, getattr(config, "num_layers", None)
    if config.is_prompt_learning and found not in (None, layers):
        raise ValueError(
            f"expected an adapter for a base model of {layers} layers, got {adapter}, trained on "
            f"{config.base_model_name_or_path} of {found} layers; load it on that model"
        )


def check_fits(model, adapter: str, revision: str | None, config) -> str:
    """What is known of the adapter's base model: that it is this one (`same`), or nothing (`unknown`; see `base_known`).

    Raises:
        ValueError: the adapter is for another kind of model, or known to have been trained on other weights.
    """
    _check_kind(model, adapter, config)
    noted = _noted_fingerprint(adapter, revision)
    if noted is not None:
        _check_fingerprint(model, adapter, json.loads(noted.read_text(encoding="utf-8")))
        return "same"
    known = base_known(model, config.base_model_name_or_path)
    if known == "another":
        raise ValueError(
            f"expected an adapter trained on {model.name_or_path}, got {adapter}, trained on "
            f"{config.base_model_name_or_path}; load it on that model, or, where both are the same weights, write "
            f"{model.name_or_path} as base_model_name_or_path in its {ADAPTER_CONFIG}"
        )
    return known


def base_known(model, named: str | None) -> str:
    """Whether the base model that an adapter names is this one: `same`, `another`, or `unknown` where nobody can tell.

    Two Hub ids are compared by name: a mirror says so in the adapter's configuration. A folder that is there is compared
    by its weights; one that is gone, as most are that adapters name, tells nothing.
    """
    given = model.name_or_path
    if not named or not given:
        return "unknown"
    if named == given:
        return "same"
    if Path(named).is_dir():
        if Path(given).is_dir() and Path(named).resolve() == Path(given).resolve():
            return "same"
        return "same" if _same_weights(model, named) else "another"
    if Path(given).is_dir() or not HUB_ID.fullmatch(named):
        return "unknown"
    return "another"


def _same_weights(model, folder: str) -> bool:
    """Whether the model of a folder has this model's weights, in this model's type."""
    from sycophancy.answering.folders import refuse_no_model

    try:
        refuse_no_model(folder, list_files(folder) or ())
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        kind = AutoModelForSeq2SeqLM if model.config.is_encoder_decoder else AutoModelForCausalLM
        other = kind.from_pretrained(folder, dtype=model.dtype)
    except (ValueError, OSError, RuntimeError, KeyError):
        # Another kind of model, or none.
        return False
    mine, theirs = model.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(_same(mine[key], theirs[key]) for key in mine)


def _same(one, other) -> bool:
    # Rows after the smaller one's are those of tokens that were added, or padding.
    if one.ndim and other.ndim and one.shape[1:] == other.shape[1:] and one.shape[0] != other.shape[0]:
        rows = min(one.shape[0], other.shape[0])
        one, other = one[:rows], other[:rows]
    return one.shape == other.shape and bool((one.cpu() == other.cpu()).all())


def _check_fingerprint(model, adapter: str, trained_on: dict) -> None:
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


def embedding_names(model) -> dict[str, str]:
    """`input` and, where the model has one that is not tied to it, `output`: the module's name in the model."""
    names = {id(module): name for name, module in model.named_modules()}
    read, written = model.get_input_embeddings(), model.get_output_embeddings()
    found = {"input": names[id(read)]}
    if written is not None and written.weight is not read.weight:
        found["output"] = names[id(written)]
    return found


def rows_of(weights: dict, module: str) -> int | None:
    """How many tokens an adapter's own copy of an embedding has; `None` where it has none."""
    for end in ("modules_to_save.weight", "weight", "base_layer.weight", "original_module.weight"):
        if (found := weights.get(f"base_model.model.{module}.{end}")) is not None:
            return len(found)
    return None


def _check_rows(model, adapter: str, weights: dict) -> None:
    """Raise `ValueError` where an adapter was trained with another number of tokens than the model has."""
    rows = model.get_input_embeddings().weight.shape[0]
    for module in embedding_names(model).values():
        if (found := rows_of(weights, module)) not in (None, rows):
            raise ValueError(
                f"expected an adapter for the {rows} tokens of the base model, got {adapter} with {found} rows of {module}: it "
                "was trained with other tokens; load it with its own tokenizer beside it (measure.py --adapter does), or "
                "save a base model with those tokens first"
            )


def _check_keys(tuned, adapter: str, config, weights: dict) -> None:
    """Raise `ValueError` unless the adapter's weights are those that PEFT would save of the model as it is now."""
    from peft import get_peft_model_state_dict

    expected = get_peft_model_state_dict(tuned, save_embedding_layers=False)
    missing = sorted(expected.keys() - weights.keys())
    if missing:
        raise ValueError(
            f"expected all weights of the adapter {adapter}, trained on {config.base_model_name_or_path}, got none of "
            f"{some(missing)} for the base model {tuned.get_base_model().name_or_path}; load it on the model that it was "
            "trained on, or save it again"
        )
    # What PEFT saves of the base where embeddings were resized or adapted.
    copies = ("embed", "lm_head", "shared", "wte", "original_module", "modules_to_save", "base_layer")
    unexpected = sorted(key for key in weights.keys() - expected.keys() if not any(part in key for part in copies))
    if unexpected:
        raise ValueError(
            f"expected an adapter for the base model {tuned.get_base_model().name_or_path}, got {adapter}, trained on "
            f"{config.base_model_name_or_path}, with weights for what is not there ({some(unexpected)}); load it on that model"
        )


def _check_forward(tuned, adapter: str, config) -> None:
    """Raise `ValueError` where the model with its adapter does not read one token: shapes that meet only then."""
    import torch

    one = torch.zeros((1, 1), dtype=torch.long, device=next(tuned.parameters()).device)
    inputs = {"input_ids": one, "attention_mask": torch.ones_like(one)}
    if tuned.get_base_model().config.is_encoder_decoder:
        inputs["decoder_input_ids"] = one
    training = tuned.training
    try:
        with torch.inference_mode():
            tuned.eval()(**inputs)
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(_does_not_fit(tuned.get_base_model(), adapter, config, error)) from error
    finally:
        tuned.train(training)


def fit_tokens(model, tokenizer, adapter: str, revision: str | None = None) -> tuple[object, dict]:
    """The tokenizer that the adapter was trained with, and the model's embeddings resized to its tokens.

    Args:
        model: the base model; resized in place.
        tokenizer: the base model's tokenizer.
        adapter: Hub id or local folder.
        revision: its commit.

    Returns:
        The tokenizer that lies beside the adapter, with the base's chat template where it has none of its own, or the
        base's; and for the record `tokenizer` (`adapter` or `base`), `tokens_before` and `tokens`.

    Raises:
        ValueError: the adapter does not hold the rows of the tokens that were added, or resizing would overwrite an output
            layer of its own (Flan-T5's): see transformers' `resize_token_embeddings`, which ties the two.
    """
    from transformers import AutoTokenizer

    files = list_files(adapter, revision) or []
    own = tokenizer
    if any(name in files for name in TOKENIZER_FILES):
        try:
            own = AutoTokenizer.from_pretrained(adapter, revision=revision, trust_remote_code=False)
        except (ValueError, OSError, ImportError, KeyError, TypeError) as error:
            raise ValueError(
                f"expected a tokenizer that transformers loads beside the adapter {adapter}, got: "
                f"{' '.join(str(error).split())[:300]}; take its files away to use the base model's"
            ) from error
        if not own.chat_template:
            own.chat_template = tokenizer.chat_template
    weights = read_weights(adapter, revision)
    names = embedding_names(model)
    before = model.get_input_embeddings().weight.shape[0]
    needed = 1 + max(own.get_vocab().values())
    held = {module: rows_of(weights, module) for module in names.values()}
    target = next((rows for rows in held.values() if rows is not None), max(before, needed))
    noted = {"tokenizer": "base" if own is tokenizer else "adapter", "tokens_before": before, "tokens": target}
    if needed > target:
        raise ValueError(
            f"expected rows for the {needed} tokens of the tokenizer beside the adapter {adapter}, got {target}; save the "
            "adapter with the tokenizer that it was trained with"
        )
    if target == before:
        return own, noted
    if target > before:
        trained = _trained_tokens(adapter, revision)
        lacking = [
            module for module, rows in held.items() if rows is None and not trained.issuperset(range(before, needed))
        ]
        if lacking:
            raise ValueError(
                f"expected in the adapter {adapter} rows for the tokens that its tokenizer adds ({target} in all) to the "
                f"{before} of {model.name_or_path}, got none of {some(lacking)}; save it with modules_to_save or "
                "trainable_token_indices for them, or as a whole model"
            )
    resized(model, target, adapter)
    return own, noted


def _trained_tokens(adapter: str, revision: str | None) -> set[int]:
    """Ids of the tokens whose rows the adapter holds one by one."""
    config = read_config(adapter, revision)
    indices = getattr(config, "trainable_token_indices", None) or getattr(config, "token_indices", None) or ()
    lists = indices.values() if isinstance(indices, dict) else [indices]
    return {int(token) for tokens in lists for token in tokens}


def resized(model, rows: int, adapter: str):
    """The model with another number of tokens; `ValueError` where its output layer would be lost.

    Resizing ties a T5's output layer to its input, also where the two differ (Flan-T5's).
    """
    names = embedding_names(model)
    if "output" in names and model.config.tie_word_embeddings:
        raise ValueError(
            f"expected an adapter for the tokens of {model.name_or_path}, got {adapter} with {rows} of them: transformers would "
            "tie the model's own output layer to its input when it makes room for them; tune without added tokens, or save "
            "the resized model and tune that"
        )
    # New rows are the adapter's: nothing is drawn for good.
    model.resize_token_embeddings(rows, mean_resizing=False)
    return model
