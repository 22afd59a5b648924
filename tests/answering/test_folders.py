# SPDX-License-Identifier: Apache-2.0
"""What is given in place of a model ends in one sentence: what was expected, what came, what to do."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sycophancy.answering.folders import some
from sycophancy.answering.models import load_model


@pytest.fixture
def model(tmp_path, llama_folder) -> Path:
    """A copy of a whole decoder-only model, to be broken."""
    return Path(shutil.copytree(llama_folder, tmp_path / "model"))


def rewrite(folder: Path, **entries) -> None:
    file = folder / "config.json"
    config = json.loads(file.read_text()) | entries
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def keep_only(folder: Path, **files: str | bytes) -> None:
    shutil.rmtree(folder)
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_dot_", ".").replace("_to_", "-")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())


def with_weights(folder: Path, change) -> None:
    weights = change(load_file(folder / "model.safetensors"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def to_adapter(folder):
    keep_only(folder, adapter_config_dot_json='{"peft_type": "LORA", "base_model_name_or_path": "my-org/base"}')


def to_bad_pickle(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04 and no more")


def to_shards(folder, *, lose: str):
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    whole.save_pretrained(folder, max_shard_size="40KB")
    (lost,) = folder.glob(lose)
    lost.unlink()


def cut_in_half(folder):
    file = folder / "model.safetensors"
    os.truncate(file, file.stat().st_size // 2)


FOLDERS = {
    "adapter": (to_adapter, r"this is an adapter: pass its base as --model_name_or_path \(my-org/base\) and this as --adapter$"),
    "model with an adapter in it": (
        lambda folder: (folder / "adapter_config.json").write_text("{}"),
        r"this is an adapter: .* as --adapter; to use the whole model beside it, move the adapter's files elsewhere$",
    ),
    "adapter in a folder": (
        lambda folder: keep_only(folder, best__adapter_config_dot_json="{}"),
        r"this holds the adapter best; pass its base as --model_name_or_path and .*/model/best as --adapter$",
    ),
    "gguf": (lambda folder: keep_only(folder, small_dot_gguf="GGUF"), r"this is GGUF: pass --gguf_file small\.gguf$"),
    "checkpoints of a training": (
        lambda folder: keep_only(
            folder, checkpoint_to_90__config_dot_json="{}", checkpoint_to_500__config_dot_json="{}", runs__x=""
        ),
        r"this holds checkpoints of a training; pass one of them, .*/model/checkpoint-500$",
    ),
    "cache": (
        lambda folder: keep_only(folder, blobs__a="", snapshots__0a1b__config_dot_json="{}"),
        r"this is a repository in the Hub's cache; pass model or .*/model/snapshots/0a1b$",
    ),
    "folder of a folder": (
        lambda folder: keep_only(folder, final__config_dot_json="{}"), r"there is none at its top; pass .*/model/final$"
    ),
    "sentence-transformer": (
        lambda folder: (folder / "modules.json").write_text("[]"), r"this is a sentence-transformer, which makes vectors"
    ),
    "diffusers": (lambda folder: keep_only(folder, model_index_dot_json="{}"), r"this is a diffusers pipeline"),
    "authors' own format": (
        lambda folder: keep_only(folder, **{"consolidated.00.pth": "x", "params.json": "{}"}),
        r"weights in their authors' own format \(params\.json, consolidated\.\*\); convert them",
    ),
    "tokenizer alone": (
        lambda folder: keep_only(folder, tokenizer_dot_json="{}"), r"it has no config\.json, only tokenizer\.json; pass a folder"
    ),
    "nothing": (lambda folder: (shutil.rmtree(folder), folder.mkdir()), r"it has no config\.json and is empty; pass a folder"),
    "no tokenizer": (
        lambda folder: [file.unlink() for file in folder.glob("tokenizer*")], r"expected a tokenizer in .*/model, got none; put"
    ),
    "no json": (lambda folder: (folder / "config.json").write_text("{"), r"config\.json' is not a valid JSON file.*download it"),
    "newer type": (
        lambda folder: rewrite(folder, model_type="llama9"),
        r"expected a model that transformers [\d.]+ knows, got .* of type 'llama9'; a newer transformers may",
    ),
    "no type": (lambda folder: rewrite(folder, model_type=None), r"whose config\.json names no model_type; save it"),
    "code of its own": (
        lambda folder: rewrite(folder, model_type="my_own", auto_map={"AutoConfig": "configuration_my_own.Own"}),
        r"which brings code of its own to run; none is run here: name a repository",
    ),
    "reward model": (
        lambda folder: rewrite(folder, architectures=["LlamaForSequenceClassification"]),
        r"saved as LlamaForSequenceClassification, whose output is not text; name the language model",
    ),
    "unknown quantisation": (
        lambda folder: rewrite(folder, quantization_config={"quant_method": "mlx", "bits": 4}),
        r"quantised by mlx; name the model that it was made from",
    ),
    "quantisation without a method": (
        lambda folder: rewrite(folder, quantization_config={"bits": 4, "group_size": 64}),
        r"quantised by a method that its config\.json does not name; name",
    ),
    "packed integers": (
        lambda folder: with_weights(folder, lambda weights: {k: w.to(torch.int8) if w.ndim > 1 else w for k, w in weights.items()}),
        r"got quantised ones \(lm_head\.weight of type I8, and 15 more\) without a quantization_config in config\.json",
    ),
    "pointer": (
        lambda folder: (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        r"got a pointer of Git LFS in place of model\.safetensors; run `git lfs install && git lfs pull`",
    ),
    "cut off": (cut_in_half, r"got model\.safetensors of [\d,]+ bytes where its header names [\d,]+: it is cut off"),
    "no header": (
        lambda folder: (folder / "model.safetensors").write_text("<html>Not found</html>"),
        r"got model\.safetensors, which is no whole safetensors file; download it again",
    ),
    "no bytes": (lambda folder: os.truncate(folder / "model.safetensors", 0), r"got model\.safetensors of 0 bytes; download"),
    "torch's format cut off": (to_bad_pickle, r"got pytorch_model\.bin, which torch does not read: .*; download it again"),
    "unfinished download": (
        lambda folder: (folder / "model.safetensors").rename(folder / "model.safetensors.incomplete"),
        r"got none: model\.safetensors\.incomplete is an unfinished download; finish it",
    ),
    "weights of another library": (
        lambda folder: (folder / "model.safetensors").rename(folder / "flax_model.msgpack"),
        r"got none: flax_model\.msgpack is in a format that transformers does not load; save the model",
    ),
    "deepspeed": (
        lambda folder: ((folder / "model.safetensors").unlink(), (folder / "global_step80").mkdir()),
        r"got none: this is a checkpoint of DeepSpeed; make whole weights of it with its zero_to_fp32\.py",
    ),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), r"there is no model\.safetensors and no pytorch_model"),
    "a shard is missing": (
        lambda folder: to_shards(folder, lose="model-00002-of-*.safetensors"),
        r"got \d of \d files of model\.safetensors\.index\.json: model-00002-of-0000\d\.safetensors is missing; download",
    ),
    "index is missing": (
        lambda folder: to_shards(folder, lose="*.index.json"),
        r"got none: model-00001-of-.* without the index that says what is where",
    ),
    "no output layer": (
        lambda folder: with_weights(folder, lambda weights: {k: w for k, w in weights.items() if k != "lm_head.weight"}),
        r"expected all weights of LlamaForCausalLM in .*, got none of lm_head\.weight; they would be made up; save",
    ),
    "value in place of the output layer": (
        lambda folder: with_weights(
            folder, lambda weights: {k.replace("lm_head", "score"): w[:1].clone() if "lm_head" in k else w for k, w in weights.items()}
        ),
        r"got none of lm_head\.weight; it has score\.weight instead, as a reward model",
    ),
    "wrapped": (
        lambda folder: with_weights(folder, lambda weights: {f"_orig_mod.{k}": w for k, w in weights.items()}),
        r"got none of lm_head\.weight, .* and \d+ more; they have other names there \(_orig_mod\.lm_head\.weight and \d+ more\)",
    ),
    "another shape": (
        lambda folder: rewrite(folder, intermediate_size=48),
        r"got others: model\.layers\.0\.mlp\.down_proj\.weight \(\[32, 64\] for \[32, 48\]\), .*; give it the config\.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_is_no_whole_model_is_called_by_its_name(kind, model):
    spoil, message = FOLDERS[kind]
    spoil(model)
    with pytest.raises(ValueError, match=message) as raised:
        load_model(str(model))
    assert str(raised.value).startswith("expected ")
    assert "\n" not in str(raised.value)


def test_a_file_is_no_folder(model):
    with pytest.raises(ValueError, match=r"pass the folder that holds it .* --model_name_or_path .*/model$"):
        load_model(f"{model}/model.safetensors")
    (model / "tiny.gguf").write_bytes(b"GGUF")
    with pytest.raises(ValueError, match=r"this is GGUF: pass --model_name_or_path .*/model --gguf_file tiny\.gguf$"):
        load_model(f"{model}/tiny.gguf")


def test_an_encoder_says_nothing(tmp_path):
    from transformers import BertConfig, BertModel

    tiny = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(tiny).save_pretrained(tmp_path)
    with pytest.raises(
        ValueError, match=r"of type 'bert', an encoder, which says nothing; name a model that generates"
    ):
        load_model(str(tmp_path))


def test_a_model_of_other_things_is_refused(tmp_path):
    from transformers import ViTConfig

    ViTConfig(hidden_size=8).save_pretrained(tmp_path)
    with pytest.raises(
        ValueError, match=r"expected a language model, encoder-decoder or decoder-only, got .* of type 'vit'"
    ):
        load_model(str(tmp_path))


def test_a_quantised_model_without_its_library_says_which(model):
    rewrite(model, quantization_config={"quant_method": "aqlm", "in_group_size": 8})
    with pytest.raises(ValueError, match=r"expected what reads the quantised weights of .*, got: .*aqlm"):
        load_model(str(model))


def test_some_names_three_and_counts_the_rest():
    assert some("ab") == "a, b"
    assert some("abcde") == "a, b, c and 2 more"
