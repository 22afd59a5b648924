# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from transformers import LlamaForCausalLM

from sycophancy.answering import packed
from sycophancy.answering.causal import score_questions, score_whole
from sycophancy.answering.forms import Asked
from sycophancy.answering.logits import by_form
from sycophancy.answering.packed import Forest, Memory, cache_packed, full_passes, reads_packed

TEXTS = [[5, 6, 7], [5, 6, 7, 8, 9], [5, 6, 4], [3]]
"""Not in order: a forest holds them whatever comes first, and the most is shared in order."""

QUESTIONS = [
    Asked([5, 6, 7, 8, 9, 10, 11, 12], [[20, 21], [20, 22, 23], [24]], ["a", "a", "b"]),
    Asked([5, 6, 7, 8, 9, 10], [[11, 12], [25]], ["a", "b"]),
    Asked([5, 6, 7, 8, 30, 31, 32], [[20, 21], [24]], ["a", "b"]),
    Asked([40], [[20], [21, 22, 23, 24]], ["a", "b"]),
    Asked(list(range(10, 30)), [[20, 21], [24]], ["a", "b"]),
]


def seen_by_any(block: packed.Block) -> list[int]:
    return block.keys[(block.mask == 0).any(0)].tolist()


def test_texts_in_a_forest():
    forest = Forest()
    assert [forest.follow(text) for text in TEXTS] == [[0, 1, 2], [0, 1, 2, 3, 4], [0, 1, 5], [6]]
    (block,) = forest.blocks(torch.float32, "cpu")
    assert forest.tokens == [5, 6, 7, 8, 9, 4, 3]
    assert forest.depths == [0, 1, 2, 3, 4, 2, 0]
    assert forest.parents == [-1, 0, 1, 2, 3, 1, -1]
    assert forest.ends == [6, 6, 5, 5, 5, 6, 7]
    assert (block.begin, block.end, seen_by_any(block)) == (0, 7, list(range(7)))
    # An even number of keys, with what none sees.
    assert (block.keys.shape, block.mask.shape) == ((16,), (7, 16))


@pytest.mark.parametrize(("call", "longest"), [(0, 1), (0, 2), (4, 3), (3000, 256)])
def test_a_token_sees_what_it_goes_on_from_and_itself(monkeypatch, call, longest):
    monkeypatch.setattr(packed, "CALL", call)
    monkeypatch.setattr(packed, "LONGEST_BLOCK", longest)
    forest = Forest()
    paths = [forest.follow(text) for text in TEXTS]
    expected = {path[at]: path[: at + 1] for path in paths for at in range(len(path))}
    seen = {}
    for block in forest.blocks(torch.float32, "cpu"):
        for row, node in enumerate(range(block.begin, block.end)):
            assert set(block.mask[row].tolist()) <= {0.0, -torch.inf}
            seen[node] = block.keys[block.mask[row] == 0].tolist()
    assert seen == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        # What three blocks look at is 9 + 2 + 12 pairs, two 16 + 12 and one 49.
        (4, [(0, 3, [0, 1, 2]), (3, 4, [0, 3]), (4, 7, [0, 4, 5, 6])]),
        (10, [(0, 4, [0, 1, 2, 3]), (4, 7, [0, 4, 5, 6])]),
        (22, [(0, 7, list(range(7)))]),
    ],
)
def test_blocks_are_cut_where_texts_part_so_that_they_cost_least(monkeypatch, call, expected):
    monkeypatch.setattr(packed, "CALL", call)
    monkeypatch.setattr(packed, "LONGEST_BLOCK", 32)
    forest = Forest()
    for text in ([1, 2, 3], [1, 4], [1, 5, 6, 7]):
        forest.follow(text)
    found = [(block.begin, block.end, seen_by_any(block)) for block in forest.blocks(torch.float32, "cpu")]
    assert found == expected


SIZES = {
    "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.3,
    "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None,
}  # fmt: skip


def network(kind, **changed):
    """A tiny model of a kind, with random weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    own = {
        "llama": {"intermediate_size": 48, "num_key_value_heads": 2},
        "qwen2": {"intermediate_size": 48, "num_key_value_heads": 1},
        "qwen3": {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8},
        "gpt_neox": {"intermediate_size": 48},
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
        "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
        "bloom": {"n_head": 4},
        "falcon": {"alibi": False},
        "gptj": {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4},
    }[kind]
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SIZES | own | changed)).eval()


READ_PACKED = {
    "llama": True, "qwen2": True, "qwen3": True, "gpt_neox": True, "gpt2": True, "opt": True,
    # Their attention is their own.
    "bloom": False, "falcon": False, "gptj": False,
}  # fmt: skip


class Padding:
    pad_token_id = 0


@pytest.mark.parametrize("kind", list(READ_PACKED))
def test_scores_are_those_of_whole_texts_whatever_the_model(kind):
    model = network(kind)
    with torch.inference_mode():
        expected = by_form(QUESTIONS, score_whole(model, 0, QUESTIONS, "cpu"))
    found = score_questions(model, Padding, QUESTIONS)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    assert reads_packed(model, [question.context for question in QUESTIONS]) == READ_PACKED[kind]


def test_a_model_that_counts_positions_by_itself_is_read_row_by_row():
    class Counts(LlamaForCausalLM):
        def forward(self, *args, position_ids=None, **kwargs):
            return super().forward(*args, **kwargs)

    assert not reads_packed(Counts(network("llama").config).eval(), TEXTS)


def test_a_model_with_another_attention_is_read_row_by_row():
    model = network("llama")
    model.set_attn_implementation("eager")
    assert not reads_packed(model, TEXTS)
    assert model.config._attn_implementation == "eager"


def test_half_precision_is_read_packed_too():
    model = network("llama").to(torch.bfloat16)
    assert reads_packed(model, TEXTS)
    assert model.config._attn_implementation == "sdpa"
    for packed_scores, alone in zip(
        score_questions(model, Padding, QUESTIONS), score_questions(model, Padding, QUESTIONS, share=False), strict=True
    ):
        assert packed_scores == pytest.approx(alone, abs=0.2)


def test_few_tokens_a_pass_give_the_same_scores(monkeypatch):
    model, passes = network("llama"), []
    whole = score_questions(model, Padding, QUESTIONS)
    monkeypatch.setitem(packed.TOGETHER, "cpu", 16)
    model.model.register_forward_pre_hook(
        lambda _, args, kwargs: passes.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    for one, other in zip(score_questions(model, Padding, QUESTIONS), whole, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    # Three that begin alike, and the others.
    assert passes == [14, 25], passes


def test_questions_are_parted_into_passes_that_are_full(monkeypatch):
    monkeypatch.setitem(packed.TOGETHER, "cpu", 16)
    found = full_passes(QUESTIONS, torch.device("cpu"))
    # In the order of their tokens, as `score_packed` reads them.
    assert found == [[1, 0, 2], [4, 3]], found


def test_passes_are_of_one_size_and_what_is_there_twice_goes_along(monkeypatch):
    monkeypatch.setitem(packed.TOGETHER, "cpu", 16)
    several = [Asked([number, 50, 51, 52], [[20]], ["a"]) for number in range(9)]
    # Not four, four and one.
    assert full_passes(several[:6], torch.device("cpu")) == [[0, 1, 2], [3, 4, 5]]
    assert full_passes([*several[:5], several[4]], torch.device("cpu")) == [[0, 1, 2, 3, 4, 5]]
    assert full_passes(several, torch.device("cpu")) == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]
    # One that is longer than a pass, and the others.
    long = Asked(list(range(60)), [[20]], ["a"])
    assert full_passes([*several[1:4], long], torch.device("cpu")) == [[3], [0, 1, 2]]


@pytest.mark.parametrize("together", [4, 1024])
def test_what_is_kept_of_texts_is_what_the_model_keeps_of_each(monkeypatch, together):
    monkeypatch.setitem(packed.TOGETHER, "cpu", together)
    monkeypatch.setattr(packed, "ROOM", 2)
    model = network("llama")
    with torch.inference_mode():
        cache, mask = cache_packed(model, TEXTS)
        assert mask.tolist() == [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1]]
        alone = [model(input_ids=torch.tensor([text]), use_cache=True).past_key_values for text in TEXTS]
        for number, layer in enumerate(cache.layers):
            assert layer.get_seq_length() == 5
            for row, text in enumerate(TEXTS):
                torch.testing.assert_close(layer.keys[row, :, -len(text) :], alone[row].layers[number].keys[0])
                torch.testing.assert_close(layer.values[row, :, -len(text) :], alone[row].layers[number].values[0])
        # Read on beyond the room that there is, and with other rows.
        cache.batch_select_indices(torch.tensor([1, 3]))
        mask, said = mask[[1, 3]], [list(TEXTS[1]), list(TEXTS[3])]
        for token in range(40, 46):
            mask = torch.cat([mask, mask.new_ones(2, 1)], dim=1)
            found = model(
                input_ids=torch.full((2, 1), token), attention_mask=mask, past_key_values=cache, use_cache=True,
                position_ids=mask.sum(1, keepdim=True) - 1,
            ).logits[:, -1]  # fmt: skip
            for row, text in enumerate(said):
                text.append(token)
                torch.testing.assert_close(
                    found[row], model(input_ids=torch.tensor([text])).logits[0, -1], rtol=1e-4, atol=1e-4
                )


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_layers_read_a_batch_packed_and_give_the_same_loss_and_gradients(side):
    from peft import LoraConfig, get_peft_model

    from sycophancy.answering.packed import rows_packed

    texts = [[5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 11], [5, 6, 7, 8, 9, 10], [12, 13]]
    ids, labels = torch.zeros(4, 6, dtype=torch.long), torch.full((4, 6), -100)
    for row, text in enumerate(texts):
        place = slice(6 - len(text), 6) if side == "left" else slice(0, len(text))
        ids[row, place] = torch.tensor(text)
    mask = (ids > 0).long()
    labels[:, 1:] = ids[:, 1:].masked_fill((mask[:, 1:] & mask[:, :-1]) == 0, -100)
    model = get_peft_model(
        network("llama"),
        LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"], init_lora_weights=False),
    ).train()
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": None}
    sizes = []
    model.get_base_model().model.layers[0].register_forward_pre_hook(
        lambda _, args: sizes.append(tuple(args[0].shape[:2]))
    )

    def run():
        model.zero_grad()
        found = model(**inputs, labels=labels)
        found.loss.backward()
        gradients = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
        return found.loss.item(), found.logits.detach()[mask.bool()], gradients

    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    inputs["position_ids"] = positions
    expected = run()
    inputs["position_ids"] = None
    with rows_packed(model, inputs) as packs:
        assert packs
        assert model.training
        sizes.clear()
        found = run()
    # Nine tokens that are not the beginning of another text.
    assert sizes == [(1, 9)]
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-4)
    assert found[2].keys() == expected[2].keys()
    assert len(found[2]) == 8
    for name, gradient in found[2].items():
        torch.testing.assert_close(gradient, expected[2][name], rtol=1e-3, atol=1e-5)
    assert "forward" not in vars(model.get_base_model().model)


def test_activations_that_are_computed_again_are_not_read_packed():
    from sycophancy.answering.packed import rows_packed

    model = network("llama").train()
    inputs = {"input_ids": torch.tensor([[5, 6]]), "attention_mask": torch.tensor([[1, 1]])}
    with rows_packed(model, inputs) as packs:
        assert packs
    model.gradient_checkpointing_enable()
    with rows_packed(model, inputs) as packs:
        assert not packs


def states(tokens):
    """Made-up keys and values of that many tokens: 2 layers, 2, 1 head, tokens, 4: 64 bytes a token."""
    return torch.zeros(2, 2, 1, tokens, 4)


def test_a_memory_has_the_longest_text_that_another_goes_on_from():
    memory = Memory()
    for text in ([1, 2], [1, 2, 3, 9], [1, 2, 3], [5]):
        memory.keep(text, states(len(text)))
    assert memory.find([1, 2, 3, 10])[0] == memory.find([1, 2, 3])[0] == 3
    assert memory.find([1, 2, 4])[1].shape == (2, 2, 1, 2, 4)
    assert memory.find([1]) == (0, None)
    assert memory.find([6, 1, 2]) == (0, None)


def test_a_full_memory_lets_go_of_what_was_gone_on_from_and_of_nothing_else():
    memory = Memory(most=64 * 6)
    for text in ([1, 2], [3, 4], [5, 6]):
        memory.keep(text, states(2))
    memory.keep([7, 8], states(2))  # no room: nothing was of use yet
    assert memory.find([7, 8]) == (0, None)
    assert memory.find([3, 4, 1])[0] == memory.find([1, 2, 1])[0] == 2
    memory.keep([3, 4, 1], states(3))
    # First what was used first; two tokens are not room enough for three.
    assert [memory.find(text)[0] for text in ([3, 4], [1, 2], [5, 6], [3, 4, 1])] == [0, 0, 2, 3]
    assert memory.held == 64 * 5
    memory.keep([9] * 7, states(7))
    assert memory.find([9] * 7) == (0, None)


def test_what_a_memory_has_is_not_read_again(monkeypatch):
    monkeypatch.setattr(packed, "CALL", 2)
    model, memory = network("llama"), Memory()
    first = [[5, 6, 7, 8], [5, 6, 9], [40, 41, 42]]
    # Two go on from one text, one from another, one is new, and one is as it was.
    later = [[5, 6, 7, 8, 20, 21, 22], [5, 6, 7, 8, 20, 23], [40, 41, 42, 24], [5, 6, 30], [5, 6, 9]]
    sizes = []
    model.model.layers[0].register_forward_pre_hook(lambda _, args: sizes.append(args[0].shape[1]))
    with torch.inference_mode():
        expected, mask = cache_packed(model, later)
        sizes.clear()
        cache_packed(model, first, memory)
        found, its_mask = cache_packed(model, later, memory)
        again, _ = cache_packed(model, later, memory)
    assert torch.equal(mask, its_mask)
    # 20, 21, 22 and 23; 24; and 30, which stands after what is known of others. The last time all of it is known.
    assert sizes == [8, 6]
    counts = mask.bool()[:, None, :, None]
    for one, other, third in zip(expected.layers, found.layers, again.layers, strict=True):
        for name in ("keys", "values"):
            torch.testing.assert_close(getattr(other, name) * counts, getattr(one, name) * counts, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(getattr(third, name) * counts, getattr(one, name) * counts, rtol=1e-4, atol=1e-5)
