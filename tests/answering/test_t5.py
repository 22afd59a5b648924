# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, MT5Config, MT5ForConditionalGeneration

from sycophancy.answering.models import load_model
from sycophancy.answering.t5 import Tree, answer_tree, reads_trees, tree_logits

ANSWERS = [[5, 8, 1], [5, 9, 1], [6, 1], [1], [5, 8, 1, 1]]


def test_answers_share_what_they_begin_with():
    assert answer_tree(0, [[5, 8, 1], [5, 9, 1], [6, 1], [1]]) == Tree(
        tokens=(0, 5, 8, 9, 6),
        parents=(0, 0, 1, 1, 0),
        ways=((0, 1, 2), (0, 1, 3), (0, 4), (0,)),
    )
    assert answer_tree(0, [[5, 1], [6, 1]]).shape == answer_tree(0, [[7, 2], [8, 3]]).shape
    assert answer_tree(0, [[5, 1], [6, 1]]).shape != answer_tree(0, [[5, 1], [5, 2]]).shape


@pytest.fixture(scope="module", params=["t5", "mt5"])
def model(request, model_folder):
    if request.param == "t5":
        return load_model(str(model_folder)).model
    torch.manual_seed(0)
    config = MT5Config(
        vocab_size=40, d_model=16, d_kv=8, num_heads=3, d_ff=20, num_layers=1, num_decoder_layers=2,
        decoder_start_token_id=0,
    )  # fmt: skip
    return MT5ForConditionalGeneration(config).eval()


@torch.inference_mode()
def test_logits_are_those_of_each_answer_alone(model):
    """Also behind a longer prompt in the same batch, and with the decoder as it was afterwards."""
    prompts = [[9, 8, 7, 6, 5, 4, 3, 1], [4, 1], [11, 12, 1]]
    encoded = [model.encoder(input_ids=torch.tensor([prompt])).last_hidden_state[0] for prompt in prompts]
    tree = answer_tree(0, ANSWERS)
    found = tree_logits(model, [tree] * 3, encoded)
    assert found.shape == (3, len(tree.tokens), model.config.vocab_size)
    for number, prompt in enumerate(prompts):
        for answer, way in zip(ANSWERS, tree.ways, strict=True):
            plain = model(input_ids=torch.tensor([prompt]), labels=torch.tensor([answer])).logits[0]
            torch.testing.assert_close(found[number, way], plain, atol=1e-4, rtol=1e-4)
    for block in model.decoder.block:
        assert "forward" not in vars(block.layer[1].EncDecAttention)
        assert "compute_bias" not in vars(block.layer[0].SelfAttention)


@torch.inference_mode()
def test_the_decoder_is_as_it_was_after_an_error(model):
    with pytest.raises(IndexError):
        tree_logits(model, [answer_tree(0, [[10**6, 1]])], [torch.zeros(2, model.config.d_model)])
    assert all("forward" not in vars(block.layer[1].EncDecAttention) for block in model.decoder.block)


def test_only_plain_projections_are_moved(model_folder):
    from peft import LoraConfig, get_peft_model

    def lora(targets):
        base = load_model(str(model_folder)).model
        return get_peft_model(base, LoraConfig(task_type="SEQ_2_SEQ_LM", target_modules=targets)).get_base_model()

    assert reads_trees(load_model(str(model_folder)).model)
    assert reads_trees(lora(["q", "o"]))
    assert not reads_trees(lora(["q", "v"]))
    small = BartConfig(vocab_size=9, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                       decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8)  # fmt: skip
    assert not reads_trees(BartForConditionalGeneration(small))
