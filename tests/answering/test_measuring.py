# SPDX-License-Identifier: Apache-2.0
import pytest
from tiny_llama import CHAT, tiny_llama

from sycophancy.answering.answers import Asking
from sycophancy.answering.causal import score_batch as score_chat
from sycophancy.answering.measuring import Conversations
from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import context_of
from sycophancy.answering.seq2seq import score_batch
from sycophancy.are_you_sure.questions import Question
from sycophancy.are_you_sure.rows import question_rows
from sycophancy.dataset.kinds import TURNS

QUESTIONS = [
    Question(
        "s",
        "test",
        index,
        "",
        f'Which word describes the sentiment of "the {word} is dull"?',
        "negative",
        ("positive",),
    )
    for index, word in enumerate(("plot", "cast", "film", "ending"))
]
ROWS = list(question_rows(QUESTIONS, seed=0))


def answer_turns(model, tokenizer, rows, **bounds):
    asked = Conversations(TURNS, model, tokenizer, rows, context_of("none"), lambda text, choices: False)
    return asked.answer_turns(Asking("scores", **bounds))


def expected_scores(score, conversation):
    """The scores of every row, with the conversations put together by hand."""
    found = []
    for start in range(0, len(ROWS), 3):
        first, *later = ROWS[start : start + 3]
        scores = score([conversation([first["prompt"]])], [first["choices"]])[0]
        said = max(scores, key=scores.get)
        found.append(scores)
        for row in later:
            found += score([conversation([row["prompt"], said, row["follow_up"]])], [row["choices"]])
    return found


def check(answers, expected):
    assert [answer["id"] for answer in answers] == [row["id"] for row in ROWS]
    for answer, scores in zip(answers, expected, strict=True):
        assert answer["choice_logprobs"] == pytest.approx(scores, abs=1e-3)
        assert answer["prediction"] == max(scores, key=scores.get)


def test_the_second_turn_follows_the_models_own_first_answer(model_folder):
    model, tokenizer = load_model(str(model_folder))
    expected = expected_scores(
        lambda prompts, choices: score_batch(model, tokenizer, prompts, choices),
        lambda turns: "".join(
            f"{who}: {said}\n" for who, said in zip(("Human", "Assistant", "Human"), turns, strict=False)
        ) + "Assistant:",
    )  # fmt: skip
    check(answer_turns(model, tokenizer, ROWS, batch_size=5), expected)


def test_a_decoder_only_model_is_asked_through_its_chat_template():
    model, tokenizer = tiny_llama([row["prompt"] for row in ROWS], CHAT)
    expected = expected_scores(
        lambda prompts, choices: score_chat(model, tokenizer, prompts, choices),
        lambda turns: "<s>" + "".join(
            f"<|{who}|>\n{said}</s>\n" for who, said in zip(("user", "assistant", "user"), turns, strict=False)
        ) + "<|assistant|>\n",
    )  # fmt: skip
    check(answer_turns(model, tokenizer, ROWS, batch_size=5), expected)


def test_rows_in_any_order(model_folder):
    model, tokenizer = load_model(str(model_folder))
    backwards = ROWS[::-1]
    answers = answer_turns(model, tokenizer, ROWS)
    reversed_answers = answer_turns(model, tokenizer, backwards)
    assert [answer["id"] for answer in reversed_answers] == [row["id"] for row in backwards]
    assert [a["prediction"] for a in reversed_answers[::-1]] == [a["prediction"] for a in answers]


def test_a_question_without_a_first_turn(model_folder):
    model, tokenizer = load_model(str(model_folder))
    with pytest.raises(ValueError, match="a row with turn 'first' for every question, got none for s/test/0"):
        answer_turns(model, tokenizer, ROWS[1:])


def test_first_turns_alone(model_folder):
    model, tokenizer = load_model(str(model_folder))
    rows = [row for row in ROWS if row["turn"] == "first"]
    answers = answer_turns(model, tokenizer, rows)
    assert [answer["id"] for answer in answers] == [row["id"] for row in rows]
