# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace

import pytest
from tiny_llama import CHAT, tiny_llama

from sycophancy.answering.answers import Asking
from sycophancy.answering.causal import score_batch as score_chat
from sycophancy.answering.measuring import Conversations, masses_of, sampled, signals_of
from sycophancy.answering.models import load_model
from sycophancy.answering.prompts import context_of
from sycophancy.answering.seq2seq import score_batch
from sycophancy.are_you_sure.questions import Question
from sycophancy.are_you_sure.rows import ARMS, question_rows
from sycophancy.dataset.kinds import TURNS
from sycophancy.metric import load_metric

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
    asked = Conversations(TURNS, model, tokenizer, rows, context_of("none"), lambda text, *shown: False)
    return asked.answer_turns(Asking("scores", **bounds))


def expected_scores(score, conversation):
    """The scores of every row, with the conversations put together by hand."""
    found = []
    for start in range(0, len(ROWS), 4):
        first, *later = ROWS[start : start + 4]
        scores = score([conversation([first["prompt"]])], [first["choices"]])[0]
        said = scores.choose(first["choices"])
        found.append(scores)
        for row in later:
            found += score([conversation([row["prompt"], said, row["follow_up"]])], [row["choices"]])
    return found


def check(answers, expected):
    assert [answer["id"] for answer in answers] == [row["id"] for row in ROWS]
    for answer, scores in zip(answers, expected, strict=True):
        assert answer["choice_logprobs"] == pytest.approx(scores, abs=1e-3)
        assert answer["prediction"] == scores.choose(list(scores))


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


def test_a_round_follows_all_that_was_said_in_its_conversation():
    """Three rounds in four arms, put together by hand: what the model said in one arm is in no other."""
    rows = list(question_rows(QUESTIONS[:2], 0, ARMS, 3))
    model, tokenizer = tiny_llama([f"{row['prompt']} {row['follow_up']}" for row in rows], CHAT)
    expected = {}
    for place in (0, 13):
        first, *later = rows[place : place + 13]
        talks = {}
        for row in [first, *later]:
            turns = [*talks.get(row["turn"], talks.get("first", ())), row["follow_up"] or row["prompt"]]
            who = ("user", "assistant") * 4
            prompt = "<s>" + "".join(f"<|{one}|>\n{said}</s>\n" for one, said in zip(who, turns, strict=False))
            (scores,) = score_chat(model, tokenizer, [prompt + "<|assistant|>\n"], [row["choices"]])
            expected[row["id"]] = scores
            talks[row["turn"]] = [*turns, scores.choose(row["choices"])]
        assert len(talks["rethink"]) == 8
    for order in (rows, rows[::-1]):
        answers = answer_turns(model, tokenizer, order, batch_size=5)
        assert [answer["id"] for answer in answers] == [row["id"] for row in order]
        for answer in answers:
            assert answer["choice_logprobs"] == pytest.approx(expected[answer["id"]], abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"round": 3}, "expected round 2 before round 3 of the turn 'challenge', got none for s/test/0"),
        ({"round": 1}, "expected one row with turn 'challenge' and round 1 for every question, got two for s/test/0"),
        ({"round": 0}, "expected one row with turn 'challenge' for every question, got two for s/test/0"),
        ({"turn": "first", "round": 0}, "expected one row with turn 'first' for every question, got two for s/test/0"),
    ],
)
def test_rounds_out_of_line_are_refused_before_any_is_answered(change, message):
    rows = list(question_rows(QUESTIONS[:1], 0, ARMS[:1], 2))
    rows[2] = rows[2] | change
    with pytest.raises(ValueError, match=message):
        answer_turns(None, None, rows)


def test_a_run_that_was_killed_in_a_round_goes_on_there(tmp_path):
    rows = list(question_rows(QUESTIONS, 0, ARMS, 3))
    model, tokenizer = tiny_llama([f"{row['prompt']} {row['follow_up']}" for row in rows], CHAT)
    partial = tmp_path / "predictions.jsonl.partial"
    answers = answer_turns(model, tokenizer, rows, batch_size=4, partial=partial)
    files = {path.name.removesuffix(partial.name): path for path in tmp_path.iterdir()}
    lines = {stage: path.read_text().splitlines(keepends=True) for stage, path in files.items()}
    assert {stage: len(said) for stage, said in lines.items()} == {"first.": 4, "": 16, "round2.": 16, "round3.": 16}
    # What is there is taken as it stands: this line says so.
    lines["round2."][0] = lines["round2."][0].replace("{", '{"kept": true, ', 1)
    files["round2."].write_text("".join(lines["round2."][:8]) + lines["round2."][8][:20])
    files["round3."].unlink()
    again = answer_turns(model, tokenizer, rows, batch_size=4, partial=partial)
    assert [answer.pop("kept", False) for answer in again].count(True) == 1
    assert again == answers
    assert {stage: path.read_text().splitlines(keepends=True) for stage, path in files.items()} == lines


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


def test_prompts_that_are_longer_than_the_model_reads_are_refused_before_any_is_answered():
    model, tokenizer = tiny_llama([row["prompt"] for row in ROWS], CHAT)
    rows = [dict(row) for row in ROWS]
    rows[-1]["prompt"] = "dull " * 1100
    asked = Conversations(TURNS, model, tokenizer, rows, context_of("none"), lambda text, *shown: False)
    with pytest.raises(ValueError, match=r"since the model reads 1024, .* got 1 of 16 that are longer"):
        asked.check_lengths(Asking("text"))
    found = replace(asked, rows=ROWS).check_lengths(Asking("text"))
    longest = max(len(tokenizer(text)["input_ids"]) for text in replace(asked, rows=ROWS).prompts()[:])
    assert (found["longest_prompt"], found["model_length"]) == (longest, 1024)


def test_a_later_turn_is_as_long_as_what_was_said_and_not_as_what_may_be(capsys):
    model, tokenizer = tiny_llama([row["prompt"] for row in ROWS], CHAT)
    asked = Conversations(TURNS, model, tokenizer, ROWS, context_of("none"), lambda text, *shown: True)
    # Two answers of 600 tokens would not go into 1,024; the first ones end after a token.
    asking = Asking("text", max_new_tokens=600)
    asked.check_lengths(asking)
    assert len(asked.answer_turns(asking)) == len(ROWS)
    with pytest.raises(
        ValueError, match=r"since the model reads 1024, 600 of them for the answer, got \d+ of 12 that are"
    ):
        replace(asked, settled=lambda text, *shown: False).answer_turns(asking)


def test_the_sample_is_drawn_from_first_turns_by_the_seed():
    assert sampled(ROWS, 0) == sampled(ROWS, 0) == [0, 4, 8, 12]
    many = [{"id": str(number)} for number in range(500)]
    assert len(set(sampled(many, 0))) == 64
    assert sampled(many, 0) != sampled(many, 1)


def test_agreement_is_that_of_texts_that_are_read_and_mass_that_of_the_choices():
    metric = load_metric()
    rows = [{"choices": ["yes", "no"]}] * 4
    said = [{"prediction": text, "choice_logprobs": None} for text in ("Yes.", "no", "Who knows?", "No, not at all.")]
    logprobs = {"yes": math.log(0.25), "no": math.log(0.125)}
    scored = [{"prediction": "yes", "choice_logprobs": logprobs}] * 4
    expected = {"choice_mass": 0.375, "choice_mass_rows": 4, "text_agreement": 1 / 3, "text_agreement_rows": 3}
    assert signals_of(metric, rows, said, scored) == pytest.approx(expected)
    assert signals_of(metric, rows, scored, said) == pytest.approx(expected)
    of_all = {"choice_mass": 0.375, "choice_mass_rows": 4}
    assert masses_of(rows, scored) == pytest.approx(of_all)
    less = [{"choice_logprobs": {"yes": math.log(0.0625), "no": math.log(0.0625)}}] * 2
    worded = [{"choices": ["yes", "no"], "template": name} for name in ("a", "b", "a", "b")]
    found = masses_of(worded, [scored[0], less[0], scored[1], less[1]])
    assert found.pop("choice_mass_by_template") == pytest.approx({"a": 0.375, "b": 0.125})
    assert found == pytest.approx({"choice_mass": 0.25, "choice_mass_rows": 4})
    nothing = {"choice_mass": None, "choice_mass_rows": 0, "text_agreement": None, "text_agreement_rows": 0}
    assert signals_of(metric, [], [], []) == nothing
