# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_llama import tiny_llama
from transformers import AutoConfig

from sycophancy.answering.limits import NanRefuser, check_lengths, model_length, refuse_nan, virtual_tokens
from sycophancy.answering.models import load_model


@pytest.fixture
def llama():
    return tiny_llama(["Is the plot dull?"])


def test_a_prompt_that_fits_is_noted(llama):
    assert check_lengths([3, 1020, 7], *llama, room=4) == {
        "longest_prompt": 1020, "longest_answer": 4, "virtual_tokens": 0, "model_length": 1024,
    }  # fmt: skip


def test_prompts_that_are_too_long_are_counted(llama):
    message = (
        "expected prompts of at most 1020 tokens, since the model reads 1024, 4 of them for the answer, got 2 of 4 that are "
        "longer, the longest of 2000; leave those rows out, shorten them, or measure a model that reads more"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_lengths([3, 1021, 7, 2000], *llama, room=4)


@pytest.mark.parametrize("kind", ["prompt", "prefix"])
def test_virtual_tokens_take_room(kind, llama):
    from peft import PrefixTuningConfig, PromptTuningConfig, get_peft_model

    config = PromptTuningConfig if kind == "prompt" else PrefixTuningConfig
    tuned, tokenizer = get_peft_model(llama[0], config(task_type="CAUSAL_LM", num_virtual_tokens=9)), llama[1]
    assert check_lengths([1014], tuned, tokenizer, room=1)["virtual_tokens"] == 9
    with pytest.raises(
        ValueError, match=r"at most 1014 tokens, .* 1 of them for the answer and 9 for the adapter's virtual"
    ):
        check_lengths([1015], tuned, tokenizer, room=1)
    with tuned.disable_adapter():
        assert virtual_tokens(tuned) == 0


def test_an_answer_without_room_is_refused(llama):
    with pytest.raises(
        ValueError, match=r"expected prompts of at most 0 tokens, since the model reads 1024, 2000 of them"
    ):
        check_lengths([], *llama, room=2000)


def test_a_tokenizer_may_know_a_smaller_length(llama):
    model, tokenizer = llama
    tokenizer.model_max_length = 100
    assert model_length(model, tokenizer) == 100
    tokenizer.model_max_length = 4096
    assert model_length(model, tokenizer) == 1024


def test_relative_positions_have_no_end(model_folder):
    model, tokenizer = load_model(str(model_folder))
    # Flan-T5's tokenizer says 512, where its training texts were cut.
    tokenizer.model_max_length = 512
    assert check_lengths([5000], model, tokenizer, room=8) == {
        "longest_prompt": 5000, "longest_answer": 8, "virtual_tokens": 0, "model_length": None,
    }  # fmt: skip


def test_an_encoder_has_positions_of_its_own():
    from transformers import BartConfig, BartForConditionalGeneration

    bart = BartForConditionalGeneration(
        BartConfig(
            vocab_size=20, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=1, decoder_attention_heads=1,
            encoder_ffn_dim=8, decoder_ffn_dim=8, max_position_embeddings=16,
        )
    )  # fmt: skip
    assert check_lengths([16], bart, None, room=16)["model_length"] == 16
    with pytest.raises(ValueError, match="got 1 of 1 that are longer, the longest of 17"):
        check_lengths([17], bart, None, room=2)


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"model_type": "gpt2", "n_positions": 48}, 48),
        ({"model_type": "llama", "max_position_embeddings": 64}, 64),
        (
            {
                "model_type": "qwen2", "max_position_embeddings": 64,
                "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
            },
            256,
        ),
        (
            {
                "model_type": "llama", "max_position_embeddings": 256,
                "rope_scaling": {
                    "rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 32, "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0,
                },
            },
            256,
        ),
        ({"model_type": "bloom"}, None),
        ({"model_type": "mamba"}, None),
    ],
)  # fmt: skip
def test_lengths_of_architectures(settings, length):
    class Model:
        config = AutoConfig.for_model(**settings)

    assert model_length(Model, None) == length


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_logit_that_is_no_number_is_refused(value):
    logits = torch.zeros(2, 3, 5)
    refuse_nan(logits)
    logits[1, 2, 3] = value
    with pytest.raises(
        ValueError, match=r"expected finite logits, got some that are not a number: .*; use --dtype float32"
    ):
        refuse_nan(logits)


def test_a_masked_token_is_no_error_but_a_masked_vocabulary_is():
    logits = torch.zeros(2, 5)
    logits[0, :4] = -torch.inf
    refuse_nan(logits)
    logits[0] = -torch.inf
    with pytest.raises(ValueError, match="expected finite logits"):
        refuse_nan(logits)


def test_text_of_a_broken_model_is_refused(llama):
    model, _ = llama
    ids = torch.tensor([[5, 6]])
    asked = {"max_new_tokens": 2, "do_sample": False, "pad_token_id": 1, "logits_processor": [NanRefuser()]}
    assert model.generate(ids, attention_mask=torch.ones_like(ids), **asked).shape[1] >= 3
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="expected finite logits"):
        model.generate(ids, attention_mask=torch.ones_like(ids), **asked)
