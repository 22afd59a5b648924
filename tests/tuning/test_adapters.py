# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_llama import tiny_llama
from transformers import set_seed

from sycophancy.answering.models import add_adapter, load_model
from sycophancy.tuning.adapters import adapter_config, prepare_model
from sycophancy.tuning.arguments import TuneArguments


def trained(model) -> dict[str, tuple[int, ...]]:
    """Name of each trainable parameter, without what PEFT puts before and after it, and its shape."""
    return {
        name.removeprefix("base_model.model.").replace(".default", ""): tuple(p.shape)
        for name, p in model.named_parameters()
        if p.requires_grad
    }


@pytest.fixture
def llama():
    return tiny_llama(["Is the plot dull?"])[0]


def test_lora_adapts_queries_and_values_of_a_t5(model_folder):
    model, _ = load_model(str(model_folder))
    tuned = prepare_model(model, TuneArguments(str(model_folder), "d", method="lora", lora_r=3))
    layers = ("encoder.block.0.layer.0.SelfAttention", "decoder.block.0.layer.0.SelfAttention",
              "decoder.block.0.layer.1.EncDecAttention")  # fmt: skip
    assert trained(tuned) == {
        f"{layer}.{projection}.lora_{side}.weight": (3, 32) if side == "A" else (32, 3)
        for layer in layers for projection in "qv" for side in "AB"
    }  # fmt: skip
    assert tuned.peft_config["default"].task_type == "SEQ_2_SEQ_LM"


def test_lora_adapts_the_modules_that_are_named(llama):
    tuned = prepare_model(llama, TuneArguments("m", "d", method="lora", lora_r=2, lora_target_modules=["down_proj"]))
    assert trained(tuned) == {
        f"model.layers.{layer}.mlp.down_proj.lora_{side}.weight": (2, 64) if side == "A" else (32, 2)
        for layer in (0, 1) for side in "AB"
    }  # fmt: skip


def test_a_soft_prompt_of_a_decoder_only_model(llama):
    tuned = prepare_model(llama, TuneArguments("m", "d", num_virtual_tokens=6, prompt_init_text=""))
    assert trained(tuned) == {"prompt_encoder.embedding.weight": (6, 32)}
    assert tuned.peft_config["default"].task_type == "CAUSAL_LM"


def test_full_tuning_trains_everything(llama):
    args = TuneArguments("m", "d", method="full")
    assert adapter_config(llama, args) is None
    tuned = prepare_model(llama.requires_grad_(False), args)
    assert tuned is llama
    assert all(p.requires_grad for p in tuned.parameters())


@pytest.fixture(params=["prompt_tuning", "lora"])
def first(request, tmp_path, llama):
    """An adapter that was tuned: its arguments, its folder and its weights."""
    own = {"num_virtual_tokens": 3, "prompt_init_text": ""} if request.param == "prompt_tuning" else {"lora_r": 2}
    args = TuneArguments("m", "d", method=request.param, **own)
    set_seed(1)
    tuned = prepare_model(llama, args)
    for parameter in tuned.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter)
    tuned.save_pretrained(tmp_path)
    return args, str(tmp_path), {name: p.detach().clone() for name, p in tuned.named_parameters() if p.requires_grad}


def test_tuning_goes_on_from_an_adapter(first):
    args, folder, weights = first
    again = prepare_model(tiny_llama(["Is the plot dull?"])[0], args, folder)
    found = {name: p.detach() for name, p in again.named_parameters() if p.requires_grad}
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_an_adapter_that_is_only_used_is_frozen(first):
    model = add_adapter(tiny_llama(["Is the plot dull?"])[0], first[1])
    assert not any(p.requires_grad for p in model.parameters())
    assert not model.training


def test_an_adapter_of_another_shape_is_not_gone_on_from(first):
    args, folder, _ = first
    if args.method == "lora":
        cases = [({"method": "lora", "lora_r": 5}, "lora_r 5, got .* of 2; pass --lora_r 2"),
                 ({}, "method prompt_tuning, got .* of lora; pass --method lora")]  # fmt: skip
    else:
        cases = [({"num_virtual_tokens": 5}, "num_virtual_tokens 5, got .* of 3; pass --num_virtual_tokens 3")]
    for given, message in cases:
        with pytest.raises(ValueError, match=f"init_adapter: expected an adapter of {message}"):
            prepare_model(tiny_llama(["Is the plot dull?"])[0], TuneArguments("m", "d", **given), folder)


def test_an_adapter_of_the_other_kind_of_model_is_refused(first, model_folder):
    with pytest.raises(
        ValueError, match=r"expected an adapter for SEQ_2_SEQ_LM models, as t5 is one, got .* CAUSAL_LM"
    ):
        add_adapter(load_model(str(model_folder)).model, first[1])
