# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from sycophancy.answering.causal import score_batch
from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import render_conversation
from sycophancy.preferences.features import MEANINGS
from sycophancy.preferences.judging import (
    LETTERS,
    QUESTIONS,
    TWINS,
    check_readable,
    judge_of,
    judge_pairs,
    judge_prompt,
    kappa,
    readings,
    verdict,
)
from sycophancy.preferences.pairs import Pair

PAIRS = [
    Pair("1", "1", ("q",), "a long answer", "short"),
    Pair("2", "2", ("q",), "x", "some more words"),
    Pair("3", "3", ("q",), "same", "same"),
]


def judge(choose):
    """A judge that answers by a function of the prompt's two responses and its question."""

    def letters(prompts):
        found = []
        for prompt in prompts:
            body, _, rest = prompt.partition("Response (A):\n")[2].partition("\n\nResponse (B):\n")
            second, _, question = rest.partition("\n\n")
            found.append(choose(body, second, question.partition("\n")[0]))
        return found

    return letters


def by_length(first, second, question):
    return "(C)" if len(first) == len(second) else "(A)" if len(first) > len(second) else "(B)"


@pytest.mark.parametrize("batch_pairs", [1, 2])
def test_a_verdict_counts_where_both_orders_give_it(batch_pairs):
    found = judge_pairs(judge(by_length), PAIRS, {"longer": QUESTIONS["longer"]}, batch_pairs)
    assert found.values == {"longer": [1, -1, 0]}
    assert found.order_flips == {"longer": 0}


def test_a_judge_that_likes_the_first_answer_says_nothing():
    found = judge_pairs(judge(lambda *_: "(A)"), PAIRS, {"longer": QUESTIONS["longer"]})
    assert (found.values, found.order_flips) == ({"longer": [0, 0, 0]}, {"longer": 1})


def test_each_question_gets_its_own_answer():
    ask = {name: QUESTIONS[name] for name in ("longer", "concise")}
    found = judge_pairs(
        judge(lambda a, b, asked: by_length(a, b, "") if "longer" in asked else by_length(b, a, "")), PAIRS, ask
    )
    assert found.values == {"longer": [1, -1, 0], "concise": [-1, 1, 0]}


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [("(A)", "(B)", 1), ("(B)", "(A)", -1), ("(A)", "(A)", 0), ("(B)", "(B)", 0), ("(C)", "(B)", 0), ("(C)", "(C)", 0)],
)
def test_two_letters(first, second, said):
    assert verdict(first, second) == said


def test_the_question_stands_last():
    one, other = (judge_prompt("m", "a", "b", question) for question in ("One?", "Two?"))
    assert one.index("One?") > one.index("Response (B):\nb")
    assert one[: one.index("One?")] == other[: other.index("Two?")]


def test_how_a_judge_reads_what_is_known():
    judged = judge_pairs(judge(by_length), PAIRS, {"longer": QUESTIONS["longer"], "polite": QUESTIONS["polite"]})
    found = readings(judged, {"longer": [2.0, 1.0, -0.5]})
    assert found == {
        "longer": {
            "pairs": 3,
            "right": pytest.approx(1 / 3),
            "wrong": pytest.approx(1 / 3),
            "nothing": pytest.approx(1 / 3),
        }
    }
    assert readings(judged, {"longer": [0, 0, 0]}) == {}


def test_a_pair_that_the_judge_does_not_read_whole_is_refused(llama_folder):
    model, tokenizer = load_model(str(llama_folder))
    check_readable(model, tokenizer, PAIRS, QUESTIONS)
    with pytest.raises(ValueError, match=r"expected prompts of at most .* 1 of 1 that are longer"):
        check_readable(model, tokenizer, [Pair("1", "1", ("q",), "word " * 2000, "b")], QUESTIONS)


def test_the_verdicts_of_a_model_are_the_letters_that_it_would_write(llama_folder):
    model, tokenizer = load_model(str(llama_folder))
    found = judge_pairs(judge_of(model, tokenizer), PAIRS, {"longer": QUESTIONS["longer"]})
    letters = []
    for pair in PAIRS:
        for one, other in ((pair.chosen, pair.rejected), (pair.rejected, pair.chosen)):
            prompt = render_conversation([judge_prompt(pair.text, one, other, QUESTIONS["longer"])], tokenizer)
            (scores,) = score_batch(model, tokenizer, [prompt], [LETTERS])
            letters.append(scores.choose(LETTERS))
    assert found.values["longer"] == [verdict(*letters[at : at + 2]) for at in (0, 2, 4)]


def test_twins_are_features():
    assert set(TWINS) <= set(QUESTIONS)
    assert set(TWINS.values()) <= set(MEANINGS)
    assert len(QUESTIONS) >= 20


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, -1, 0], [1, -1, 0], 1.0),
        ([1, -1] * 2, [1, 1, -1, -1], 0.0),
        ([1, -1], [-1, 1], -1.0),
        ([1, 1], [1, 1], None),
    ],
)
def test_kappa(one, other, expected):
    found = kappa(one, other)
    assert (None if math.isnan(found) else found) == expected
