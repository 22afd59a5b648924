# SPDX-License-Identifier: Apache-2.0
"""Any adapter that PEFT loads on the base is measured as PEFT's own forward has it, in scores and in text."""

import json
import shutil

import peft
import pytest
import torch
from plain_scores import score_causal
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from sycophancy.answering import causal, seq2seq
from sycophancy.answering.adapters import (
    FINGERPRINT_FILE,
    _noted_fingerprint,
    add_adapter,
    base_known,
    fingerprint_model,
)
from sycophancy.answering.models import load_model

PROMPTS = [
    "Is the plot dull? yes. Is it a <<persona>> witty film? no. Is the plot dull, then?",
    "x",
    "Is the plot dull?",
]
CHOICES = [["yes", "not at all"]] * 3
NEW = "<<persona>>"


@pytest.fixture(params=["causal", "seq2seq"])
def base(request, llama_folder, model_folder):
    """Folder of a base model with grouped heads, decoder-only or encoder-decoder."""
    return llama_folder if request.param == "causal" else model_folder


def kind_of(folder):
    is_t5 = json.loads((folder / "config.json").read_text())["model_type"] == "t5"
    return (AutoModelForSeq2SeqLM, "SEQ_2_SEQ_LM") if is_t5 else (AutoModelForCausalLM, "CAUSAL_LM")


def save_adapter(base, folder, config, tokens=(), rows=None, tokenizer=False):
    """An adapter of the base, as PEFT saves it, with weights that are drawn; with added tokens as training adds them."""
    auto, _ = kind_of(base)
    model, words = auto.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    words.add_tokens(list(tokens))
    if tokens:
        model.resize_token_embeddings(rows or len(words))
    tuned = peft.get_peft_model(model, config(words) if callable(config) else config)
    torch.manual_seed(1)
    for parameter in tuned.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    tuned.save_pretrained(folder)
    if tokens or tokenizer:
        words.save_pretrained(folder)
    return str(folder)


def score_seq2seq(model, words, prompt, choice) -> float:
    """As `plain_scores` has it, but not by the loss: AdaLoRA's has more in it, and fails outside training."""
    read, labels = words(prompt, return_tensors="pt"), words(text_target=choice, return_tensors="pt").input_ids
    shifted = torch.cat([torch.zeros_like(labels[:, :1]), labels[:, :-1]], dim=1)
    with torch.no_grad():
        asked = {"input_ids": read.input_ids, "attention_mask": read.attention_mask, "decoder_input_ids": shifted}
        logits = model(**asked).logits
    return logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).sum().item()


def check_as_peft(base, folder, rows=None, tokenizer_of=None):
    """Scores and texts of the loaded model, in a batch, are those of PEFT alone, a row at a time."""
    auto, task = kind_of(base)
    loaded = load_model(str(base)).with_adapter(folder)
    model = auto.from_pretrained(base)
    if rows is not None:
        model.resize_token_embeddings(rows)
    config = peft.PeftConfig.from_pretrained(folder)
    config.task_type = config.task_type or task
    plain = peft.PeftModel.from_pretrained(model, folder, config=config).eval()
    words = AutoTokenizer.from_pretrained(tokenizer_of or base)
    assert len(loaded.tokenizer) == len(words)
    words.chat_template = loaded.tokenizer.chat_template = None
    asked, texts = (seq2seq if task == "SEQ_2_SEQ_LM" else causal), []
    for prompt, found in zip(PROMPTS, asked.score_batch(*loaded, PROMPTS, CHOICES), strict=True):
        if asked is causal:
            expected = score_causal(plain, words, prompt, CHOICES[0])
        else:
            expected = {choice: score_seq2seq(plain, words, prompt, choice) for choice in CHOICES[0]}
        assert found == pytest.approx(expected, abs=1e-3)
        read = words(prompt, return_tensors="pt")
        ids = {"input_ids": read.input_ids, "attention_mask": read.attention_mask}
        said = plain.generate(**ids, max_new_tokens=5, do_sample=False, pad_token_id=0)
        said = said[0, read.input_ids.shape[1] :] if asked is causal else said[0]
        texts.append(words.decode(said, skip_special_tokens=True).strip())
    assert [text.strip() for text in asked.generate_batch(*loaded, PROMPTS, 5)] == texts
    return loaded


def types_of(task, projections, feedforward):
    """Configuration of each type of adapter."""
    lora = {"target_modules": projections, "init_lora_weights": False}
    return {
        "lora": peft.LoraConfig(task_type=task, **lora),
        "lora without a task type": peft.LoraConfig(**lora),
        "dora": peft.LoraConfig(task_type=task, use_dora=True, **lora),
        "adalora": peft.AdaLoraConfig(task_type=task, target_modules=projections, total_step=10, init_r=4, target_r=2),
        "vera": peft.VeraConfig(task_type=task, target_modules=projections[:1], r=4),
        "ia3": peft.IA3Config(
            task_type=task, target_modules=[*projections, feedforward], feedforward_modules=[feedforward]
        ),
        "layer norms": peft.LNTuningConfig(task_type=task),
        "oft": peft.OFTConfig(task_type=task, target_modules=projections[:1], oft_block_size=8, r=0),
        "prompt": peft.PromptTuningConfig(task_type=task, num_virtual_tokens=3),
        "p-tuning": peft.PromptEncoderConfig(task_type=task, num_virtual_tokens=3, encoder_hidden_size=8),
        "prefix": peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=3),
    }  # fmt: skip


TYPES = list(types_of("CAUSAL_LM", ["q_proj", "v_proj"], "down_proj"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TYPES)
def test_an_adapter_of_any_type(name, base, tmp_path):
    task = kind_of(base)[1]
    named = (["q_proj", "v_proj"], "down_proj") if task == "CAUSAL_LM" else (["q", "v"], "wo")
    loaded = check_as_peft(base, save_adapter(base, tmp_path / "adapter", types_of(task, *named)[name]))
    virtual = 3 if name in ("prompt", "p-tuning", "prefix") else 0
    rows = loaded.model.get_input_embeddings().weight.shape[0]
    assert {key: value for key, value in loaded.adapter.items() if key not in ("fingerprint", "type")} == {
        "base": str(base), "base_known": "same", "virtual_tokens": virtual, "tokenizer": "base", "tokens_before": rows,
        "tokens": rows,
    }  # fmt: skip
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


MORE = {
    "prefix with a projection": peft.PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=8
    ),
    "cartridge": peft.CartridgeConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    "llama-adapter": peft.AdaptionPromptConfig(task_type="CAUSAL_LM", adapter_len=4, adapter_layers=2),
    "context tokens": peft.CPTConfig(
        task_type="CAUSAL_LM", cpt_token_ids=[5, 6, 7], cpt_mask=[1, 1, 1], cpt_tokens_type_mask=[1, 2, 2]
    ),
    "whole output layer": peft.LoraConfig(
        task_type="CAUSAL_LM", target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"]
    ),
    "adapted embeddings": peft.LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj", "lm_head", "embed_tokens"]),
    "single tokens": peft.TrainableTokensConfig(task_type="CAUSAL_LM", token_indices=[40, 41, 42]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MORE)
def test_an_adapter_of_a_type_for_decoder_only_models(name, llama_folder, tmp_path):
    check_as_peft(llama_folder, save_adapter(llama_folder, tmp_path / "adapter", MORE[name]))


@pytest.mark.filterwarnings("ignore")
def test_a_lora_that_is_activated_by_words(llama_folder, tmp_path):
    def config(words):
        invoked = words(" dull?", add_special_tokens=False)["input_ids"]
        return peft.LoraConfig(
            task_type="CAUSAL_LM",
            target_modules=["q_proj", "v_proj"],
            alora_invocation_tokens=invoked,
            init_lora_weights=False,
        )

    loaded = check_as_peft(llama_folder, save_adapter(llama_folder, tmp_path / "adapter", config))
    assert not causal.keeps_keys_and_values(loaded.model)


@pytest.mark.filterwarnings("ignore")
def test_a_whole_cross_attention(model_folder, tmp_path):
    config = peft.LoraConfig(task_type="SEQ_2_SEQ_LM", target_modules=["q"], modules_to_save=["EncDecAttention"])
    check_as_peft(model_folder, save_adapter(model_folder, tmp_path / "adapter", config))


def with_token(target, **more):
    """A LoRA with the token that was added trained beside it."""
    return lambda words: peft.LoraConfig(
        target_modules=target,
        **{key: value(words.convert_tokens_to_ids(NEW)) if callable(value) else value for key, value in more.items()},
    )


TOKENS = {
    "both embeddings whole": with_token(["q_proj"], modules_to_save=["embed_tokens", "lm_head"]),
    "one embedding whole": with_token(["q_proj"], modules_to_save=["embed_tokens"]),
    "none trained": with_token(["q_proj"]),
    "embeddings adapted": with_token(["q_proj", "embed_tokens", "lm_head"]),
    "one row": with_token(["q_proj"], trainable_token_indices=lambda token: [token]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows", [None, 512])
@pytest.mark.parametrize("name", TOKENS)
def test_an_adapter_with_added_tokens(name, rows, llama_folder, tmp_path):
    folder = save_adapter(llama_folder, tmp_path / "adapter", TOKENS[name], [NEW], rows)
    before = len(AutoTokenizer.from_pretrained(llama_folder))
    loaded = check_as_peft(llama_folder, folder, rows or before + 1, tokenizer_of=folder)
    assert loaded.adapter["tokenizer"] == "adapter"
    assert (loaded.adapter["tokens_before"], loaded.adapter["tokens"]) == (before, rows or before + 1)
    assert len(loaded.tokenizer(NEW, add_special_tokens=False)["input_ids"]) == 1


@pytest.mark.filterwarnings("ignore")
def test_an_encoder_decoder_adapter_with_added_tokens(model_folder, tmp_path):
    folder = save_adapter(model_folder, tmp_path / "adapter", with_token(["q", "v"], modules_to_save=["shared"]), [NEW])
    check_as_peft(model_folder, folder, len(AutoTokenizer.from_pretrained(folder)), tokenizer_of=folder)


@pytest.mark.filterwarnings("ignore")
def test_tokens_whose_rows_are_nowhere_are_refused(llama_folder, tmp_path):
    folder = save_adapter(llama_folder, tmp_path / "adapter", TOKENS["none trained"], [NEW])
    keep_weights(folder, lambda key: "lora" in key)
    with pytest.raises(
        ValueError, match=r"rows for the tokens .* got none of model\.embed_tokens, lm_head; save it with"
    ):
        load_model(str(llama_folder)).with_adapter(folder)


@pytest.mark.filterwarnings("ignore")
def test_added_tokens_never_cost_an_output_layer_of_its_own(model_folder, tmp_path):
    # Two tokens: one may have room in the embeddings as they are.
    tokens = [NEW, "<<another>>"]
    folder = save_adapter(model_folder, tmp_path / "adapter", with_token(["q"], modules_to_save=["shared"]), tokens)
    flan = shutil.copytree(model_folder, tmp_path / "flan")
    weights = load_file(flan / "model.safetensors")
    save_file(
        weights | {"lm_head.weight": weights["shared.weight"] * 2},
        flan / "model.safetensors",
        metadata={"format": "pt"},
    )
    edit(folder, base_model_name_or_path=str(flan))
    with pytest.raises(
        ValueError, match=r"transformers would tie the model's own output layer to its input .*; tune without"
    ):
        load_model(str(flan)).with_adapter(folder)


def test_the_adapters_own_tokenizer_and_template_are_used(llama_folder, tmp_path):
    config = peft.LoraConfig(target_modules=["q_proj"])
    folder = save_adapter(llama_folder, tmp_path / "adapter", config, tokenizer=True)
    base = load_model(str(llama_folder))
    (tmp_path / "adapter" / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert base.with_adapter(folder).tokenizer.chat_template == "{{ messages[0]['content'] }}"
    (tmp_path / "adapter" / "chat_template.jinja").unlink()
    assert load_model(str(llama_folder)).with_adapter(folder).tokenizer.chat_template == base.tokenizer.chat_template


def edit(folder, **entries):
    from pathlib import Path

    file = Path(folder) / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


def keep_weights(folder, keep):
    file = f"{folder}/adapter_model.safetensors"
    save_file({key: weight for key, weight in load_file(file).items() if keep(key)}, file, metadata={"format": "pt"})


@pytest.fixture
def lora(base, tmp_path):
    target = ["q_proj"] if kind_of(base)[1] == "CAUSAL_LM" else ["q"]
    config = peft.LoraConfig(task_type=kind_of(base)[1], target_modules=target, init_lora_weights=False)
    return save_adapter(base, tmp_path / "lora", config)


def refusal(base, folder) -> str:
    """What is said of the adapter, by either door."""
    with pytest.raises(ValueError, match=r"^expected ") as raised:
        load_model(str(base)).with_adapter(folder)
    with pytest.raises(ValueError, match=r"^expected ") as again:
        add_adapter(load_model(str(base)).model, folder)
    assert str(again.value) == str(raised.value)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_an_adapter_of_a_base_that_is_gone_is_taken_and_noted(base, lora):
    edit(lora, base_model_name_or_path="/gone/since/long")
    adapter = load_model(str(base)).with_adapter(lora).adapter
    assert (adapter["base"], adapter["base_known"]) == ("/gone/since/long", "unknown")


def test_an_adapter_of_a_copy_of_the_base_is_taken(base, lora, tmp_path):
    shutil.copytree(base, tmp_path / "copy")
    edit(lora, base_model_name_or_path=str(tmp_path / "copy"))
    assert load_model(str(base)).with_adapter(lora).adapter["base_known"] == "same"


def test_an_adapter_of_other_weights_is_refused_with_both_names(base, lora, tmp_path):
    other = shutil.copytree(base, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    weights[min(weights)] += 1e-3
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    edit(lora, base_model_name_or_path=str(other))
    assert refusal(base, lora).startswith(
        f"expected an adapter trained on {base}, got {lora}, trained on {other}; load it on that model, or, where both are the "
        f"same weights, write {base} as base_model_name_or_path in its adapter_config.json"
    )


def test_two_hub_ids_are_compared_by_name(llama_folder):
    model, _ = load_model(str(llama_folder))
    model.name_or_path = "my-org/small"
    assert [base_known(model, name) for name in ("my-org/small", "my-org/large", "/gone", None)] == [
        "same", "another", "unknown", "unknown",
    ]  # fmt: skip


def test_an_adapter_that_lacks_weights_is_refused(base, lora):
    keep_weights(lora, lambda key: not (("lora_B" in key and "block.0" in key) or "layers.1" in key))
    assert "expected all weights of the adapter" in refusal(base, lora)


def test_an_adapter_for_more_layers_is_refused(base, lora):
    file = f"{lora}/adapter_model.safetensors"
    weights = load_file(file)
    deeper = {
        key.replace("layers.0", "layers.9").replace("block.0", "block.9"): w.clone() for key, w in weights.items()
    }
    save_file(weights | deeper, file, metadata={"format": "pt"})
    assert "with weights for what is not there (" in refusal(base, lora)


def test_a_rank_that_is_not_the_weights_is_refused(base, lora):
    edit(lora, r=3, lora_alpha=3)
    assert f"expected an adapter that fits the base model {base}, got {lora}, trained on {base}: " in refusal(
        base, lora
    )


def test_an_adapter_for_other_modules_is_refused(llama_folder, model_folder, tmp_path):
    folder = save_adapter(llama_folder, tmp_path / "adapter", peft.LoraConfig(target_modules=["q_proj"]))
    edit(folder, base_model_name_or_path="/gone")
    assert "trained on /gone: " in refusal(model_folder, folder)


def test_an_adapter_for_another_task_is_refused(base, lora):
    edit(lora, task_type="SEQ_CLS")
    assert f"got {lora} for SEQ_CLS, trained on {base}; load it on that model" in refusal(base, lora)


def test_an_adapter_of_a_type_that_is_not_known_is_refused(base, lora):
    edit(lora, peft_type="NEWEST")
    assert "that PEFT " in refusal(base, lora)
    edit(lora, peft_type="POLY")
    assert "of type POLY, which must be told with each prompt which of its tasks that is; tune" in refusal(base, lora)


@pytest.mark.parametrize("name", ["prompt", "p-tuning", "prefix"])
def test_an_adapter_of_another_width_is_refused(name, llama_folder, tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    wide = tmp_path / "wide"
    shutil.copytree(llama_folder, wide)
    settings = json.loads((llama_folder / "config.json").read_text())
    settings |= {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    LlamaForCausalLM(LlamaConfig(**settings)).save_pretrained(wide)
    config = types_of("CAUSAL_LM", ["q_proj"], "down_proj")[name]
    folder = save_adapter(llama_folder, tmp_path / "adapter", config)
    edit(folder, base_model_name_or_path="/gone")
    assert "trained on /gone" in refusal(wide, folder)


def test_a_prefix_for_another_depth_is_refused(llama_folder, tmp_path):
    config = peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    folder = save_adapter(llama_folder, tmp_path / "adapter", config)
    edit(folder, num_layers=1)
    assert "for a base model of 2 layers, got " in refusal(llama_folder, folder)


def test_what_is_no_adapter(base, lora, tmp_path):
    assert "this is a whole model; pass it as --model_name_or_path, without --adapter" in refusal(base, str(base))
    (tmp_path / "out").mkdir()
    shutil.copytree(lora, tmp_path / "out" / "checkpoint-40")
    assert f"there is none at its top; pass {tmp_path}/out/checkpoint-40" in refusal(base, str(tmp_path / "out"))
    (tmp_path / "out" / "checkpoint-40" / "adapter_config.json").unlink()
    assert "it has adapter_model.safetensors and no adapter_config.json; save it" in refusal(
        base, str(tmp_path / "out" / "checkpoint-40")
    )
    (tmp_path / "out" / "checkpoint-40" / "adapter_model.safetensors").unlink()
    assert "it has no adapter_config.json; pass a folder" in refusal(base, str(tmp_path / "out"))


def test_an_adapter_that_is_not_whole(base, lora):
    from pathlib import Path

    weights = Path(lora) / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-8])
    assert "it is cut off or was written over; download it again" in refusal(base, lora)
    weights.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "got a pointer of Git LFS in place of adapter_model.safetensors; run" in refusal(base, lora)
    weights.rename(weights.with_suffix(".safetensors.incomplete"))
    assert "adapter_model.safetensors.incomplete is an unfinished download; finish it" in refusal(base, lora)


@pytest.fixture
def noted(tmp_path, model_folder):
    """An adapter beside which the weights that it was trained on are noted, as our tuning leaves it."""
    model, _ = load_model(str(model_folder))
    config = peft.PromptTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=3, num_transformer_submodules=1)
    folder = save_adapter(model_folder, tmp_path / "adapter", config)
    noted = {"name": "base", "fingerprint": fingerprint_model(model)}
    (tmp_path / "adapter" / FINGERPRINT_FILE).write_text(json.dumps(noted))
    return folder


def test_an_adapter_goes_on_its_base_model(model_folder, noted):
    # Whatever the name: the fingerprint tells.
    edit(noted, base_model_name_or_path="my-org/another-name")
    loaded = load_model(str(model_folder)).with_adapter(noted)
    assert loaded.model.peft_config["default"].num_virtual_tokens == 3
    assert loaded.adapter["base_known"] == "same"


def test_an_adapter_of_other_noted_weights_is_refused(model_folder, noted):
    model, _ = load_model(str(model_folder))
    with torch.no_grad():
        model.shared.weight[0, 0] += 1e-3
    with pytest.raises(
        ValueError, match=r"expected the base model that the adapter .* was trained on \(base, float32 weights sha256"
    ):
        add_adapter(model, noted)


def test_without_a_network_a_check_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"expected base_model_fingerprint.json of the adapter org/adapter in the cache"
    ):
        _noted_fingerprint("org/adapter", None)
