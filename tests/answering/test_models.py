# SPDX-License-Identifier: Apache-2.0
import json

import pytest
import torch
from tune_runs import add_soft_prompt

from sycophancy.answering.models import FINGERPRINT_FILE, _noted_fingerprint, add_adapter, fingerprint_model, load_model


@pytest.fixture
def adapter(tmp_path, model_folder):
    model, _ = load_model(str(model_folder))
    fingerprint = fingerprint_model(model)
    add_soft_prompt(model, str(model_folder), 3, init_text=None).save_pretrained(tmp_path / "adapter")
    (tmp_path / "adapter" / FINGERPRINT_FILE).write_text(json.dumps({"name": "base", "fingerprint": fingerprint}))
    return str(tmp_path / "adapter")


def test_equal_weights_have_equal_fingerprints(model_folder):
    model, _ = load_model(str(model_folder))
    before = fingerprint_model(model)
    assert fingerprint_model(load_model(str(model_folder))[0]) == before
    with torch.no_grad():
        model.shared.weight[0, 0] += 1e-3
    assert fingerprint_model(model) != before


def test_an_adapter_goes_on_its_base_model(model_folder, adapter):
    model, _ = load_model(str(model_folder))
    assert add_adapter(model, adapter).peft_config["default"].num_virtual_tokens == 3


def test_an_adapter_of_other_weights_is_refused(model_folder, adapter):
    model, _ = load_model(str(model_folder))
    with torch.no_grad():
        model.shared.weight[0, 0] += 1e-3
    with pytest.raises(
        ValueError, match=r"expected the base model that the adapter .* was trained on \(base, float32 weights sha256"
    ):
        add_adapter(model, adapter)


def test_an_adapter_of_another_width_is_refused(adapter):
    from sycophancy.organisms.building import OrganismRecipe, build_model

    with pytest.raises(ValueError, match=r"expected an adapter for a base model of width 64, got .* of width 32"):
        add_adapter(build_model(OrganismRecipe(num_layers=1), 100), adapter)


def test_a_decoder_only_model_is_refused(tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    tiny = LlamaConfig(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    LlamaForCausalLM(tiny).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"expected an encoder-decoder model, got .* of type 'llama'"):
        load_model(str(tmp_path))


def test_without_a_network_a_check_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"expected base_model_fingerprint.json of the adapter org/adapter in the cache"
    ):
        _noted_fingerprint("org/adapter", None)
