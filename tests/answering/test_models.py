# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import shutil
import sys
import types

import pytest
import torch
from safetensors.torch import load_file, save_file

from sycophancy.answering.adapters import fingerprint_model
from sycophancy.answering.models import load_asked, load_config, load_model


@pytest.fixture
def model(tmp_path, llama_folder):
    """A copy of a decoder-only model, to be changed."""
    return shutil.copytree(llama_folder, tmp_path / "model")


def name_templates(folder, **templates: str) -> None:
    (folder / "chat_template.jinja").unlink()
    file = folder / "tokenizer_config.json"
    named = [{"name": name, "template": template} for name, template in templates.items()]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"chat_template": named}))


def test_what_is_recorded_of_a_model(llama_folder):
    model, tokenizer = loaded = load_model(str(llama_folder), dtype="bfloat16")
    assert not model.training
    assert (loaded.model, loaded.tokenizer, loaded.adapter) == (model, tokenizer, None)
    assert loaded.record == {
        "fingerprint": fingerprint_model(model),
        "architecture": "LlamaForCausalLM",
        "dtype": "bfloat16",
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "quantization": None,
        "load_report": {"missing": [], "unexpected": [], "mismatched": []},
        "model_length": 1024,
        "chat_template_name": None,
        "gguf_file": None,
        "gguf_sha256": None,
    }
    json.dumps(loaded.record)


def test_an_encoder_decoder_model_shares_its_embeddings_and_lacks_nothing(model_folder):
    loaded = load_model(str(model_folder))
    assert loaded.record["architecture"] == "T5ForConditionalGeneration"
    assert loaded.record["load_report"] == {"missing": [], "unexpected": [], "mismatched": []}
    assert loaded.model.lm_head.weight is loaded.model.shared.weight


def test_equal_weights_have_equal_fingerprints(model_folder):
    model, _ = load_model(str(model_folder))
    before = fingerprint_model(model)
    assert load_model(str(model_folder)).record["fingerprint"] == before
    with torch.no_grad():
        model.shared.weight[0, 0] += 1e-3
    assert fingerprint_model(model) != before


def test_a_tied_output_layer_is_not_missing(tmp_path, llama_folder):
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(llama_folder)
    tiny = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        tie_word_embeddings=True,
    )  # fmt: skip
    # Without its head, as a base model is saved.
    LlamaForCausalLM(tiny).model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model, _ = load_model(str(tmp_path))
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_what_is_left_over_is_reported(model):
    weights = load_file(model / "model.safetensors") | {"v_head.summary.weight": torch.zeros(1, 32)}
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    report = load_model(str(model)).record["load_report"]
    assert report == {"missing": [], "unexpected": ["v_head.summary.weight"], "mismatched": []}


def flan_like(folder, model_folder):
    """A T5 with an output layer of its own, as Flan-T5's files have it."""
    shutil.copytree(model_folder, folder)
    file = folder / "config.json"
    config = json.loads(file.read_text()) | {"tie_word_embeddings": False}
    config.pop("scale_decoder_outputs", None)
    file.write_text(json.dumps(config))
    weights = load_file(folder / "model.safetensors")
    torch.manual_seed(0)
    weights["lm_head.weight"] = torch.randn_like(weights["shared.weight"])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return weights


def test_an_output_layer_of_its_own_is_kept_and_missed(tmp_path, model_folder):
    weights = flan_like(tmp_path / "flan", model_folder)
    model, _ = load_model(str(tmp_path / "flan"))
    assert torch.equal(model.lm_head.weight, weights["lm_head.weight"])
    # transformers would tie what is left, and say nothing.
    del weights["lm_head.weight"]
    save_file(weights, tmp_path / "flan" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match=r"all weights of T5ForConditionalGeneration in .*, got none of lm_head\.weight; they"
    ):
        load_model(str(tmp_path / "flan"))


def test_torch_files_are_read_like_others(model):
    weights = load_file(model / "model.safetensors")
    fingerprint = load_model(str(model)).record["fingerprint"]
    (model / "model.safetensors").unlink()
    torch.save(weights, model / "pytorch_model.bin")
    assert load_model(str(model)).record["fingerprint"] == fingerprint
    del weights["lm_head.weight"]
    torch.save(weights, model / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"got none of lm_head\.weight"):
        load_model(str(model))


def test_a_tokenizer_of_more_tokens_is_refused(model, llama_folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(llama_folder)
    rows = len(tokenizer)
    tokenizer.add_tokens(["<<persona>>"])
    tokenizer.save_pretrained(model)
    with pytest.raises(
        ValueError, match=rf"expected a tokenizer of at most {rows} tokens, .* '<<persona>>' has the number {rows}; use"
    ):
        load_model(str(model))


def test_named_chat_templates(model):
    name_templates(model, rag="R", default="D")
    assert [load_model(str(model)).tokenizer.chat_template, load_model(str(model)).record["chat_template_name"]] == [
        "D",
        "default",
    ]
    asked = load_model(str(model), chat_template="rag")
    assert (asked.tokenizer.chat_template, asked.record["chat_template_name"]) == ("R", "rag")
    with pytest.raises(
        ValueError, match=r"template 'tool' in .*, got those named default, rag; pass --chat_template default"
    ):
        load_model(str(model), chat_template="tool")


def test_named_chat_templates_without_a_default(model):
    name_templates(model, tool_use="T", rag="R")
    with pytest.raises(
        ValueError, match=r"expected a chat template 'default' .* got those named rag, tool_use; pass --chat_t"
    ):
        load_model(str(model))
    assert load_model(str(model), chat_template="tool_use").tokenizer.chat_template == "T"


def test_a_name_for_a_template_without_one_is_refused(llama_folder, model_folder):
    with pytest.raises(ValueError, match=r"template 'rag' in .*, got one without a name; leave --chat_template out"):
        load_model(str(llama_folder), chat_template="rag")
    with pytest.raises(ValueError, match=r"template 'rag' in .*, got none; leave --chat_template out"):
        load_model(str(model_folder), chat_template="rag")


def test_a_gguf_file_that_is_not_there(model):
    with pytest.raises(
        ValueError, match=r"--gguf_file: expected a file in .*, got a\.gguf, .*; no GGUF file is there: leave"
    ):
        load_model(str(model), gguf_file="a.gguf")
    (model / "b.gguf").write_bytes(b"GGUF")
    with pytest.raises(ValueError, match=r"got a\.gguf, which is not there; there are b\.gguf$"):
        load_model(str(model), gguf_file="a.gguf")


def test_a_part_of_a_gguf_file(model):
    (model / "a-00001-of-00002.gguf").write_bytes(b"GGUF")
    with pytest.raises(ValueError, match=r"a part of several, which transformers does not read; merge them first"):
        load_model(str(model), gguf_file="a-00001-of-00002.gguf")


def test_a_gguf_file_that_is_none(model):
    pytest.importorskip("gguf")
    (model / "a.gguf").write_bytes(b"<html>Not found</html>" * 9)
    with pytest.raises(
        ValueError, match=r"expected a GGUF file that transformers reads, got a\.gguf in .*; download it again"
    ):
        load_model(str(model), gguf_file="a.gguf")


def test_without_the_package_gguf_that_is_said(model, monkeypatch):
    (model / "a.gguf").write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(
        ValueError, match=r"expected the package gguf, got none; install it: pip install 'sycophancy\[gguf\]'"
    ):
        load_model(str(model), gguf_file="a.gguf")


def test_a_configuration_is_read_alone(llama_folder, tmp_path):
    assert load_config(str(llama_folder)).model_type == "llama"
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="this is an adapter"):
        load_config(str(tmp_path))


def test_a_command_is_loaded_from_its_arguments(model_folder):
    args = types.SimpleNamespace(
        model_name_or_path=str(model_folder), model_revision=None, dtype="float32", gguf_file=None, chat_template=None
    )
    assert load_asked(args).record == load_model(str(model_folder)).record


def test_a_hash_of_a_gguf_file(tmp_path):
    from sycophancy.answering.models import _sha256

    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    assert _sha256(str(tmp_path), None, "a.gguf") == hashlib.sha256(b"GGUF").hexdigest()
