# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from tiny_llama import tiny_llama

from sycophancy.answering.forms import Asked
from sycophancy.answering.logits import (
    by_choice,
    continuations,
    logits_only_at,
    pad_right,
    select_rows,
    token_logprobs,
)


@pytest.fixture(scope="module")
def model():
    return tiny_llama(["a b c"])[0]


def test_logits_are_made_for_the_marked_positions_alone(model):
    ids = torch.arange(12).view(3, 4)
    counts = torch.tensor([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)
    with torch.no_grad():
        whole = model(ids).logits
        with logits_only_at(model, counts):
            marked = model(ids).logits
        with logits_only_at(model, counts[:, 2:]):  # of the last positions, as after a soft prompt
            last = model(ids).logits
        assert torch.equal(model(ids).logits, whole)
    assert marked.shape == (3, whole.shape[-1])
    torch.testing.assert_close(marked, whole[counts])
    torch.testing.assert_close(last, whole[0, 3:])


def test_log_probabilities_are_those_of_the_softmax():
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    tokens = torch.tensor([0, 6, 3, 3, 1])
    torch.testing.assert_close(token_logprobs(logits, tokens), logits.log_softmax(-1)[range(5), tokens])


def test_a_selected_cache_leaves_the_other_as_it_is(model):
    with torch.no_grad():
        cache = model(torch.tensor([[1, 2], [3, 4]]), use_cache=True).past_key_values
        before = cache.layers[0].keys.clone()
        chosen = select_rows(cache, torch.tensor([1, 1, 0]))
        model(torch.tensor([[5], [6], [7]]), past_key_values=chosen)
    assert chosen.layers[0].keys.shape[0] == 3
    assert chosen.get_seq_length() == 3
    assert torch.equal(cache.layers[0].keys, before)
    assert torch.equal(chosen.layers[0].keys[0, :, :2], before[1])


def test_rows_and_scores_of_choices():
    questions = [Asked([1], [[2], [3, 4]], ["a", "b"]), Asked([5], [[6]], ["c"])]
    assert continuations(questions) == ([0, 0, 1], [[2], [3, 4], [6]])
    assert by_choice(questions, [-1.0, -2.0, -3.0]) == [{"a": -1.0, "b": -2.0}, {"c": -3.0}]
    forms = [Asked([1], [[2], [3, 4], [5]], ["a", "b", "a"])]
    assert by_choice(forms, [math.log(0.25), -2.0, math.log(0.5)]) == [{"a": pytest.approx(math.log(0.75)), "b": -2.0}]
    ids, mask = pad_right([[2], [3, 4]], 9, "cpu")
    assert ids.tolist() == [[2, 9], [3, 4]]
    assert mask.tolist() == [[1, 0], [1, 1]]
