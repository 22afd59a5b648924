# SPDX-License-Identifier: Apache-2.0
import json

import pytest
import torch
from datasets import Dataset
from plain_scores import choose_causal
from tiny_llama import tiny_llama

from sycophancy.answering import batches, causal, packed, seq2seq
from sycophancy.answering.answers import (
    PARTIAL,
    SETTINGS,
    AnswerFile,
    Asking,
    answer_rows,
    begin,
    check_unfinished,
    forget,
    n_answered,
)
from sycophancy.answering.batches import RenderedPrompts
from sycophancy.answering.models import load_model
from sycophancy.dataset.reading import load_claims

SCORES = Asking("scores")


@pytest.fixture(scope="module")
def rows(dataset_folder):
    return load_claims(str(dataset_folder), "validation").select(range(60))


@pytest.fixture(scope="module", params=["t5", "llama"])
def model(request, model_folder, rows):
    return load_model(str(model_folder)) if request.param == "t5" else tiny_llama(rows["prompt"])


def score_batch(model, tokenizer, prompts, choices):
    asked = seq2seq if model.config.is_encoder_decoder else causal
    return asked.score_batch(model, tokenizer, prompts, choices)


def encoded_prompts(network):
    """A list that fills with the number of prompts in each pass of the encoder, and the handle to stop it."""
    seen = []
    handle = network.encoder.register_forward_pre_hook(
        lambda _, args, inputs: seen.append(len(inputs["input_ids"])), with_kwargs=True
    )
    return seen, handle


@pytest.mark.parametrize("bounds", [{"batch_size": 7}, {"batch_size": None, "batch_tokens": 900}])
def test_answers_are_those_of_each_row_alone(model, rows, bounds):
    prompts = RenderedPrompts(rows, lambda some: [row["prompt"] for row in some])
    answers = answer_rows(*model, rows, prompts, Asking("scores", **bounds))
    assert len(answers) == 60
    for row, answer in zip(rows, answers, strict=True):
        (alone,) = score_batch(*model, [row["prompt"]], [row["choices"]])
        assert answer["id"] == row["id"]
        assert list(answer["choice_logprobs"]) == row["choices"]
        assert answer["choice_logprobs"] == pytest.approx(alone, abs=1e-4)
        most = max(alone, key=alone.get)
        assert answer["prediction"] == (
            most if model[0].config.is_encoder_decoder else choose_causal(*model, row["prompt"], row["choices"])
        )


def test_a_prompt_that_occurs_again_is_encoded_once_per_window(model_folder, monkeypatch):
    model = load_model(str(model_folder))
    rows = [{"id": str(number), "choices": [["yes", "no"], ["no", "so"]][number % 2]} for number in range(12)]
    prompts = [f"Is the plot number {number // 2 % 3} dull?" for number in range(12)]
    scored = score_batch(*model, prompts, [row["choices"] for row in rows])
    seen, handle = encoded_prompts(model[0])
    for window, n_encoded in ((8192, 3), (4, 6)):
        monkeypatch.setattr("sycophancy.answering.answers.WINDOW", window)
        seen.clear()
        for answer, expected in zip(answer_rows(*model, rows, prompts, SCORES), scored, strict=True):
            assert answer["choice_logprobs"] == pytest.approx(expected, abs=1e-4)
        assert sum(seen) == n_encoded
    handle.remove()


def test_free_answers(model, rows):
    texts = rows["prompt"][:5]
    answers = answer_rows(*model, rows.select(range(5)), texts, Asking("text", 2, max_new_tokens=3))
    asked = seq2seq if model[0].config.is_encoder_decoder else causal
    expected = [asked.generate_batch(*model, [text], 3)[0] for text in texts]
    assert [(answer["prediction"], answer["choice_logprobs"]) for answer in answers] == [(x, None) for x in expected]


def test_without_a_bound_a_batch_is_what_fills_a_forward_pass(rows, monkeypatch):
    network, tokenizer = tiny_llama(rows["prompt"])
    prompts, passes = rows["prompt"][:], []
    alone = list(answer_rows(network, tokenizer, rows, prompts, Asking("scores", 1)))
    monkeypatch.setitem(packed.TOGETHER, "cpu", 256)
    network.model.register_forward_pre_hook(
        lambda _, args, kwargs: passes.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    answers = list(answer_rows(network, tokenizer, rows, prompts, SCORES))
    for answer, expected in zip(answers, alone, strict=True):
        assert answer["choice_logprobs"] == pytest.approx(expected["choice_logprobs"], abs=1e-4)
    # What a pass has in common with the one before it comes on top; none is a rest of a few tokens.
    assert 192 < min(passes) <= max(passes) < 384, passes


class Stop(Exception):
    pass


def test_what_was_answered_is_not_asked_again_and_the_file_is_the_same(model, rows, tmp_path, monkeypatch):
    """Stopped after any batch and gone on with, the answers are the same to the last bit."""
    monkeypatch.setattr("sycophancy.answering.answers.DECODED_TOGETHER", 8)
    monkeypatch.setattr("sycophancy.answering.answers.ROUND", 1)
    prompts = rows["prompt"][:]
    whole = list(answer_rows(*model, rows, prompts, Asking("scores", 4)))
    calls = []

    def stop_later(*_):
        calls.append(1)
        if len(calls) > 4:
            raise Stop

    handle = model[0].get_output_embeddings().register_forward_pre_hook(stop_later)
    with pytest.raises(Stop):
        answer_rows(*model, rows, prompts, Asking("scores", 4, partial=tmp_path / "a"))
    handle.remove()
    # The middle of a batch: it is asked again as a whole.
    left = (tmp_path / "a").read_bytes().splitlines(keepends=True)
    assert 0 < len(left) < 60
    (tmp_path / "a").write_bytes(b"".join(left[:-2]) + left[-2][:-9])
    file = AnswerFile(60, tmp_path / "a")
    assert file.answered.sum() == len(left) - 2
    file.close()
    answers = answer_rows(*model, rows, prompts, Asking("scores", 4, partial=tmp_path / "a"))
    assert list(answers) == whole


def test_bfloat16_answers_as_float32(model_folder, rows):
    network, tokenizer = load_model(str(model_folder))
    prompts = rows["prompt"][:]
    exact = list(answer_rows(network, tokenizer, rows, prompts, SCORES))
    rounded = list(answer_rows(network.to(torch.bfloat16), tokenizer, rows, prompts, SCORES))
    for a, b in zip(exact, rounded, strict=True):
        assert a["choice_logprobs"] == pytest.approx(b["choice_logprobs"], abs=0.25)
    assert [a["prediction"] for a in exact] == [b["prediction"] for b in rounded]


def test_one_window_after_another_holds_no_more_rows_than_one(rows, model_folder, monkeypatch):
    """Rows and prompts are read in windows, never as a whole."""
    monkeypatch.setattr("sycophancy.answering.answers.WINDOW", 8)
    sizes = []

    def render(some):
        sizes.append(len(some))
        return [row["prompt"] for row in some]

    assert len(answer_rows(*load_model(str(model_folder)), rows, RenderedPrompts(rows, render), SCORES)) == 60
    assert sizes == [8] * 7 + [4]
    assert isinstance(rows, Dataset)
    assert batches.WINDOW == 8192


@pytest.mark.parametrize("name", ["t5", "llama"])
def test_a_model_whose_numbers_are_none_answers_nothing(name, model_folder, llama_folder, rows):
    network, tokenizer = load_model(str(model_folder if name == "t5" else llama_folder))
    with torch.no_grad():
        network.get_output_embeddings().weight[5] = torch.nan
    some = rows.select(range(3))
    with pytest.raises(ValueError, match=r"expected finite log-probabilities of the choices, got .*nan.* for the row "):
        answer_rows(network, tokenizer, some, list(some["prompt"]), SCORES)


@pytest.mark.parametrize("name", ["t5", "llama"])
def test_a_model_whose_numbers_are_none_says_nothing_either(name, model_folder, llama_folder, rows):
    network, tokenizer = load_model(str(model_folder if name == "t5" else llama_folder))
    with torch.no_grad():
        network.get_output_embeddings().weight[5] = torch.nan
    some = rows.select(range(3))
    with pytest.raises(ValueError, match="expected finite logits, got some that are not a number"):
        answer_rows(network, tokenizer, some, list(some["prompt"]), Asking("text"))


ANSWERS = [{"id": str(number), "prediction": "ja ✓", "choice_logprobs": {"a": -0.1}} for number in range(4)]


@pytest.mark.parametrize("named", [True, False])
def test_answers_in_any_order_come_back_in_that_of_the_rows(tmp_path, named):
    file = AnswerFile(4, tmp_path / PARTIAL if named else None)
    file.add([(2, ANSWERS[2]), (0, ANSWERS[0])])
    assert file.answered.tolist() == [True, False, True, False]
    assert file[2] == ANSWERS[2]
    file.add([(3, ANSWERS[3]), (1, ANSWERS[1])])
    assert list(file) == ANSWERS == file[:]
    assert file[-1] == ANSWERS[3]
    file.close()


def test_a_line_that_was_not_finished_does_not_count(tmp_path):
    file = AnswerFile(4, tmp_path / PARTIAL)
    file.add([(1, ANSWERS[1]), (3, ANSWERS[3])])
    file.close()
    whole = (tmp_path / PARTIAL).read_bytes()
    (tmp_path / PARTIAL).write_bytes(whole[:-5])
    assert n_answered(tmp_path) == 1
    again = AnswerFile(4, tmp_path / PARTIAL)
    assert again.answered.tolist() == [False, True, False, False]
    again.add([(3, ANSWERS[3])])
    again.close()
    assert (tmp_path / PARTIAL).read_bytes() == whole


@pytest.mark.parametrize("line", ['{"index": 4}', '{"id": "x"}', "no", "[]"])
def test_a_file_of_something_else(tmp_path, line):
    (tmp_path / PARTIAL).write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"expected answers to 4 rows in .*partial, got the line"):
        AnswerFile(4, tmp_path / PARTIAL)


def test_two_runs_do_not_write_one_file(tmp_path):
    file = AnswerFile(4, tmp_path / PARTIAL)
    with pytest.raises(ValueError, match="got one that another run is writing"):
        AnswerFile(4, tmp_path / PARTIAL)
    file.close()
    AnswerFile(4, tmp_path / PARTIAL).close()


def test_an_unfinished_run_is_neither_lost_nor_mixed_with_another(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match=r"expected an unfinished run in .*run with --resume, got none"):
        check_unfinished(folder, resume=True, overwrite=False)
    check_unfinished(folder, resume=False, overwrite=False)
    path = begin(folder, {"dtype": "float32", "seed": 0}, resume=False)
    file = AnswerFile(4, path)
    file.add([(0, ANSWERS[0])])
    file.close()
    with pytest.raises(ValueError, match="holds an unfinished run; pass --resume to go on"):
        check_unfinished(folder, resume=False, overwrite=False)
    with pytest.raises(ValueError, match="got dtype 'bfloat16' instead of 'float32'"):
        begin(folder, {"dtype": "bfloat16", "seed": 0}, resume=True)
    check_unfinished(folder, resume=True, overwrite=False)
    assert len(begin(folder, {"dtype": "float32", "seed": 0}, resume=True).read_text().splitlines()) == 1
    check_unfinished(folder, resume=False, overwrite=True)
    begin(folder, {"seed": 1}, resume=False)
    assert [file.name for file in folder.iterdir()] == [SETTINGS]
    assert json.loads((folder / SETTINGS).read_text()) == {"seed": 1}
    forget(folder)
    assert list(folder.iterdir()) == []
