# SPDX-License-Identifier: Apache-2.0
"""What a name given as a model holds, where it is no model that transformers loads whole: one sentence that says so.

A loader says of an adapter, a GGUF file or half a download that there is no `config.json`, or that a header is too large;
of a reward model or an encoder it says nothing and makes up what is missing. Here each is called by its name.
"""

import json
import pickle
import re
from collections.abc import Iterable
from pathlib import Path

ADAPTER_CONFIG = "adapter_config.json"
LFS_POINTER = b"version https://git-lfs"
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Where transformers looks for weights, in this order."""

SHARD = re.compile(r"-\d{5}-of-\d{5}\.(safetensors|bin|gguf)$")
UNFINISHED = (".incomplete", ".part", ".partial", ".crdownload", ".aria2", ".tmp")
OTHER_TASKS = (
    "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice",
    "ForMaskedLM", "ForPreTraining", "ForNextSentencePrediction", "RewardModel", "ForImageClassification",
)  # fmt: skip
"""What an architecture's name ends with where its output is not the next token."""

QUANTIZED = re.compile(
    r"\.(qweight|qzeros|scales|g_idx|SCB|absmax|quant_map|weight_scale|weight_scale_inv|weight_packed|zero_point)$"
)
"""Tensors beside a packed weight: without their method's library the weight means nothing."""


def refuse_file(name: str) -> None:
    """Raise `ValueError` where the name is a file and not a folder."""
    path = Path(name)
    if not path.is_file():
        return
    folder = path.parent
    if path.suffix == ".gguf":
        advice = f"this is GGUF: pass --model_name_or_path {folder} --gguf_file {path.name}"
    else:
        advice = f"pass the folder that holds it with its config.json and tokenizer, --model_name_or_path {folder}"
    raise ValueError(f"expected a model's folder or Hub id, got the file {name}; {advice}")


def list_files(name: str, revision: str | None = None) -> list[str] | None:
    """Paths in a local folder (two levels) or a Hub repository; `None` where nobody can be asked."""
    folder = Path(name)
    if folder.is_dir():
        found = [*folder.iterdir(), *(inner for sub in folder.iterdir() if sub.is_dir() for inner in sub.iterdir())]
        return sorted(path.relative_to(folder).as_posix() for path in found if path.is_file() or path.is_dir())
    from httpx2 import TransportError
    from huggingface_hub import HfApi, constants
    from huggingface_hub.file_download import repo_folder_name

    if constants.is_offline_mode():
        cached = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "snapshots"
        return list_files(str(cached / str(revision))) if (cached / str(revision)).is_dir() else None
    try:
        return sorted(file.rfilename for file in HfApi().model_info(name, revision=revision).siblings or ())
    except (OSError, TransportError):
        # The loaders ask again, and say what is wrong with the Hub.
        return None


def refuse_no_model(name: str, files: Iterable[str], gguf_file: str | None = None, base: str | None = None) -> None:
    """Raise `ValueError` where a folder's or repository's files are not those of a model.

    Args:
        name: as it was given.
        files: its paths.
        gguf_file: the file in it that is to be read.
        base: the base model that its adapter names, if there is one.
    """
    files = list(files)
    top = [path for path in files if "/" not in path]
    ggufs = [path for path in files if path.endswith(".gguf")]
    if gguf_file is not None:
        if gguf_file not in files:
            raise ValueError(
                f"--gguf_file: expected a file in {name}, got {gguf_file}, which is not there; "
                + (f"there are {some(ggufs)}" if ggufs else "no GGUF file is there: leave the flag out")
            )
        if SHARD.search(gguf_file):
            raise ValueError(
                f"--gguf_file: expected one whole file, got {gguf_file}, a part of several, which transformers does not "
                "read; merge them first with llama-gguf-split --merge"
            )
        return
    wanted = f"expected a model, got {name}"
    if ADAPTER_CONFIG in top:
        both = "; to use the whole model beside it, move the adapter's files elsewhere" if "config.json" in top else ""
        raise ValueError(
            f"{wanted}, this is an adapter: pass its base as --model_name_or_path{f' ({base})' if base else ''} and this "
            f"as --adapter{both}"
        )
    if "modules.json" in top or "config_sentence_transformers.json" in top:
        raise ValueError(
            f"{wanted}: this is a sentence-transformer, which makes vectors and no text; name a language model"
        )
    if "model_index.json" in top:
        raise ValueError(f"{wanted}: this is a diffusers pipeline, which makes images; name a language model")
    if "config.json" in top:
        return
    if ggufs:
        raise ValueError(f"{wanted}, this is GGUF: pass --gguf_file {some(ggufs)}")
    checkpoints = sorted(
        {path.split("/")[0] for path in files if re.match(r"checkpoint-\d+", path)}, key=lambda sub: int(sub[11:])
    )
    if checkpoints:
        raise ValueError(f"{wanted}: this holds checkpoints of a training; pass one of them, {name}/{checkpoints[-1]}")
    if "snapshots" in files and "blobs" in files:
        commits = [path for path in files if path.startswith("snapshots/")]
        hub_id = Path(name).name.removeprefix("models--").replace("--", "/")
        raise ValueError(
            f"{wanted}: this is a repository in the Hub's cache; pass {hub_id}"
            + (f" or {name}/{commits[0]}" if commits else "")
        )
    adapters = [path for path in files if path.endswith(f"/{ADAPTER_CONFIG}")]
    if adapters:
        inner = adapters[0].removesuffix(f"/{ADAPTER_CONFIG}")
        raise ValueError(
            f"{wanted}: this holds the adapter {inner}; pass its base as --model_name_or_path and {name}/{inner} as --adapter"
        )
    inner = [path for path in files if path.endswith("/config.json")]
    if inner:
        raise ValueError(f"{wanted}: there is none at its top; pass {name}/{inner[0].removesuffix('/config.json')}")
    if any(path.startswith("consolidated.") for path in top) and "params.json" in top:
        raise ValueError(
            f"{wanted}: these are weights in their authors' own format (params.json, consolidated.*); convert them to "
            "transformers' format first, or name a repository in it"
        )
    raise ValueError(
        f"{wanted}: it has no config.json{f', only {some(top)}' if top else ' and is empty'}; "
        "pass a folder that save_pretrained wrote, or a Hub id"
    )


def refuse_other_tasks(name: str, config) -> None:
    """Raise `ValueError` for a model whose output is not the next token: a classifier, a reward model, an encoder."""
    for architecture in getattr(config, "architectures", None) or ():
        if architecture.endswith(OTHER_TASKS):
            raise ValueError(
                f"expected a language model, got {name}, saved as {architecture}, whose output is not text; "
                "name the language model that it was made from"
            )
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    )

    known = MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING if config.is_encoder_decoder else MODEL_FOR_CAUSAL_LM_MAPPING
    if type(config) not in known:
        raise ValueError(
            f"expected a language model, encoder-decoder or decoder-only, got {name} of type {config.model_type!r}; "
            "name a model such as google/flan-t5-base or HuggingFaceTB/SmolLM2-135M-Instruct"
        )
    # Reformer is both, by a setting; XLM and the others of this list read in both directions unless told otherwise.
    if (
        not config.is_encoder_decoder
        and type(config) in MODEL_FOR_MASKED_LM_MAPPING
        and not getattr(config, "is_decoder", False)
    ):
        raise ValueError(
            f"expected a language model, got {name} of type {config.model_type!r}, an encoder, which says nothing; "
            "name a model that generates text"
        )


def refuse_quantization(name: str, settings) -> None:
    """Raise `ValueError` for a `quantization_config` of a method that transformers does not know, and would pass over."""
    if settings is None:
        return
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING

    settings = settings if isinstance(settings, dict) else settings.to_dict()
    method = settings.get("quant_method")
    if settings.get("load_in_8bit") or settings.get("load_in_4bit"):
        method = "bitsandbytes_4bit" if settings.get("load_in_4bit") else "bitsandbytes_8bit"
    if str(getattr(method, "value", method)) not in AUTO_QUANTIZATION_CONFIG_MAPPING:
        raise ValueError(
            f"expected weights that transformers reads, got {name}, quantised by "
            f"{method or 'a method that its config.json does not name'}; name the model that it was made from, or another "
            "quantisation of it"
        )


def refuse_broken_weights(name: str, folder: Path, quantized: bool = False) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The tensors of a folder's weight files, name -> type and shape.

    Args:
        name: as it was given.
        folder: where the files lie.
        quantized: whether `config.json` names a method of quantisation.

    Raises:
        ValueError: there are no weights, or some are missing, cut off, pointers of Git LFS, or packed integers.
    """
    wanted = f"expected the weights of a model in {name}"
    found = next((file for file in WEIGHT_FILES if (folder / file).is_file()), None)
    if found is None:
        raise ValueError(f"{wanted}, got none: {_instead(folder)}")
    if found.endswith(".index.json"):
        shards = sorted(set(json.loads((folder / found).read_text(encoding="utf-8"))["weight_map"].values()))
        absent = [shard for shard in shards if not (folder / shard).is_file()]
        if absent:
            raise ValueError(
                f"{wanted}, got {len(shards) - len(absent)} of {len(shards)} files of {found}: {some(absent)} "
                f"{'is' if len(absent) == 1 else 'are'} missing; download them again"
            )
    else:
        shards = [found]
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for shard in shards:
        refuse_pointer(folder / shard, wanted)
        read = read_header if shard.endswith(".safetensors") else _read_pickle
        tensors |= read(folder / shard, wanted)
    packed = [
        key for key, (dtype, _) in tensors.items()
        if QUANTIZED.search(key) or (key.endswith("weight") and dtype[0] in "IU")
    ]  # fmt: skip
    if packed and not quantized:
        dtype = tensors[packed[0]][0]
        raise ValueError(
            f"{wanted}, got quantised ones ({packed[0]} of type {dtype}, and {len(packed) - 1} more) without a "
            "quantization_config in config.json that says how to read them; name the model that they were made from"
        )
    return tensors


def refuse_pointer(file: Path, wanted: str) -> None:
    """Raise `ValueError` where a file is empty, or what Git leaves in its place without Git LFS."""
    with file.open("rb") as opened:
        begins = opened.read(len(LFS_POINTER))
    if begins == LFS_POINTER:
        raise ValueError(
            f"{wanted}, got a pointer of Git LFS in place of {file.name}; run `git lfs install && git lfs pull` there, or "
            "download it with `hf download`"
        )
    if not begins:
        raise ValueError(f"{wanted}, got {file.name} of 0 bytes; download it again")


def read_header(file: Path, wanted: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of each tensor of a safetensors file; `ValueError` where the file is cut off."""
    size = file.stat().st_size
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if length > size:
                raise ValueError
            header = json.loads(opened.read(length))
        header.pop("__metadata__", None)
        ends = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
        tensors = {key: (entry["dtype"], tuple(entry["shape"])) for key, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{wanted}, got {file.name}, which is no whole safetensors file; download it again") from error
    if size != ends:
        raise ValueError(
            f"{wanted}, got {file.name} of {size:,} bytes where its header names {ends:,}: it is cut off or was written over; "
            "download it again"
        )
    return tensors


def _read_pickle(file: Path, wanted: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """`read_header` for torch's own format; no tensor is read."""
    import torch

    try:
        weights = torch.load(file, map_location="meta", weights_only=True)
        return {key: (_SHORT.get(str(value.dtype), "F"), tuple(value.shape)) for key, value in weights.items()}
    except (RuntimeError, ValueError, KeyError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{wanted}, got {file.name}, which torch does not read: {said}; download it again") from error


_SHORT = {"torch.int8": "I8", "torch.uint8": "U8", "torch.int16": "I16", "torch.int32": "I32", "torch.int64": "I64"}


def _instead(folder: Path) -> str:
    """What lies in a folder that has no weights, and what to do."""
    names = sorted(path.name for path in folder.iterdir())
    downloads = folder / ".cache" / "huggingface" / "download"
    begun = [*names, *(path.name for path in (downloads.iterdir() if downloads.is_dir() else ()))]
    unfinished = [name for name in begun if name.endswith(UNFINISHED)]
    if unfinished:
        return f"{some(unfinished)} is an unfinished download; finish it with `hf download`"
    ggufs = [name for name in names if name.endswith(".gguf")]
    if ggufs:
        return f"this is GGUF: pass --gguf_file {some(ggufs)}"
    shards = [name for name in names if SHARD.search(name)]
    if shards:
        return f"{some(shards)} without the index that says what is where (*.index.json); download it too"
    if any(re.fullmatch(r"global_step\d+", name) for name in names) or "zero_to_fp32.py" in names:
        return "this is a checkpoint of DeepSpeed; make whole weights of it with its zero_to_fp32.py"
    if any(name.startswith(("pytorch_model_fsdp", "__0_")) or name.endswith(".distcp") for name in names):
        return "this is a sharded checkpoint of FSDP; make whole weights of it with `accelerate merge-weights`"
    foreign = [
        name for name in names
        if name.endswith((".h5", ".msgpack", ".onnx", ".npz", ".tflite", ".ckpt", ".pth", ".pt")) or name in ("onnx", "openvino")
        if name not in ("optimizer.pt", "scheduler.pt", "rng_state.pth")
    ]  # fmt: skip
    if foreign:
        return f"{some(foreign)} is in a format that transformers does not load; save the model with save_pretrained"
    return (
        "there is no model.safetensors and no pytorch_model.bin; download them, or save the model with save_pretrained"
    )


def some(names: Iterable[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
