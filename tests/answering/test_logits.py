# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from tiny_llama import tiny_llama

from sycophancy.answering.forms import Asked
from sycophancy.answering.logits import (
    Scores,
    by_choice,
    by_form,
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


def scored(*forms):
    """Scores of one question, from the choice, the tokens and the probability of each token of each form."""
    choices, tokens, probabilities = zip(*forms, strict=True)
    question = Asked([1], [list(answer) for answer in tokens], list(choices))
    (found,) = by_form([question], [[math.log(p) for p in each] for each in probabilities])
    return found


AGREE, DISAGREE = ("agree", [5], [0.28]), [("disagree", [6, 7], [0.24, 1.0]), ("disagree", [8, 7], [0.22, 1.0])]
YES, NO, OTHER_NO = ("yes", [3], [0.375]), ("no", [4], [0.375]), ("no", [5], [0.25])


@pytest.mark.parametrize(
    ("forms", "choices", "sums", "chosen"),
    [
        # More ways to write a word are more probability, and one way is what is written.
        ([AGREE, *DISAGREE], ["disagree", "agree"], [0.46, 0.28], "agree"),
        # Token by token: what begins with the likeliest token, although as a whole another form is likelier.
        ([("sad", [3], [0.4]), ("not sad", [4, 3], [0.5, 0.6]), ("not gay", [4, 5], [0.5, 0.4])],
         ["sad", "not gay", "not sad"], [0.4, 0.2, 0.3], "not sad"),
        # Only the choices of the row: "not sad" was offered with the same words in another row.
        ([("sad", [3], [0.4]), ("not sad", [4, 3], [0.5, 0.6]), ("not gay", [4, 5], [0.5, 0.4])],
         ["sad", "not gay"], [0.4, 0.2], "not gay"),
        # Where forms part after a token that they share, what was less likely there counts for nothing.
        ([("A", [9, 1], [0.9, 0.1]), ("B", [9, 2], [0.9, 0.2]), ("A", [1], [0.1])], ["A", "B"], [0.19, 0.18], "B"),
        # Ties go to the choice that the row has first.
        ([YES, NO, OTHER_NO], ["yes", "no"], [0.375, 0.625], "yes"),
        ([YES, NO, OTHER_NO], ["no", "yes"], [0.625, 0.375], "no"),
    ],
    ids=["ways", "token by token", "the row's own", "after a shared token", "tie", "tie, turned"],
)  # fmt: skip
def test_the_choice_is_what_greedy_decoding_writes_among_the_forms(forms, choices, sums, chosen):
    found = scored(*forms)
    assert [math.exp(found[choice]) for choice in choices] == pytest.approx(sums)
    assert found.choose(choices) == chosen


def test_without_forms_the_choice_is_the_most_probable_one():
    (found,) = by_choice([Asked([1], [[2, 1], [3, 4, 1]], ["a", "b"])], [-2.0, -1.0])
    assert (found, found.choose(["a", "b"])) == ({"a": -2.0, "b": -1.0}, "b")
    assert Scores({"a": -1.0, "b": -1.0}).choose(["b", "a"]) == "b"


def test_rows_and_scores_of_choices():
    questions = [Asked([1], [[2], [3, 4]], ["a", "b"]), Asked([5], [[6]], ["c"])]
    assert continuations(questions) == ([0, 0, 1], [[2], [3, 4], [6]])
    assert by_choice(questions, [-1.0, -2.0, -3.0]) == [{"a": -1.0, "b": -2.0}, {"c": -3.0}]
    forms = [Asked([1], [[2], [3, 4], [5]], ["a", "b", "a"])]
    assert by_choice(forms, [math.log(0.25), -2.0, math.log(0.5)]) == [{"a": pytest.approx(math.log(0.75)), "b": -2.0}]
    ids, mask = pad_right([[2], [3, 4]], 9, "cpu")
    assert ids.tolist() == [[2, 9], [3, 4]]
    assert mask.tolist() == [[1, 0], [1, 1]]
