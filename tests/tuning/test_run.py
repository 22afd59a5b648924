# SPDX-License-Identifier: Apache-2.0
"""The curve of a decoder-only model is the same however its batch is cut up."""

import pytest
import torch
from commands import warm
from safetensors.torch import load_file
from transformers import Seq2SeqTrainingArguments
from tune_runs import losses, write_recipe

from scripts.prompt_tune import main, parse_args
from sycophancy.answering.causal import score_batch
from sycophancy.answering.models import add_adapter, load_model
from sycophancy.answering.prompts import render_conversation
from sycophancy.dataset.reading import load_claims
from sycophancy.records import read_run
from sycophancy.tuning.run import check_world, checkpoint_to_resume, prepare_folder, take_folder

SHORT = {"max_steps": 3, "eval_steps": 1, "save_steps": 1, "measure_rows": 36, "num_virtual_tokens": 3}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, dataset_folder, llama_folder):
    folder = tmp_path_factory.mktemp("whole")
    main(["--config", write_recipe(folder, dataset_folder, llama_folder, "whole", **SHORT)])
    return folder / "whole"


def assert_same(one, other):
    assert losses(other) == [(step, pytest.approx(loss, abs=5e-4)) for step, loss in losses(one)]
    weights = [load_file(folder / "adapter_model.safetensors")["prompt_embeddings"] for folder in (one, other)]
    assert torch.allclose(*weights, atol=5e-4)


def test_accumulation_changes_nothing(whole, tmp_path, dataset_folder, llama_folder):
    parts = SHORT | {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    settings = parts | {"before_run": str(whole / "before"), "per_device_eval_batch_size": 5}
    main(["--config", write_recipe(tmp_path, dataset_folder, llama_folder, "parts", **settings)])
    assert_same(whole, tmp_path / "parts")


def test_mixed_precision_ends_with_training(tmp_path, dataset_folder, llama_folder, whole):
    """What is recorded is what the saved adapter gives in full precision."""
    settings = SHORT | {"method": "lora", "num_virtual_tokens": None, "bf16": True, "before_run": str(whole / "before")}
    main(["--config", write_recipe(tmp_path, dataset_folder, llama_folder, "bf16", **settings)])
    model, tokenizer = load_model(str(llama_folder))
    model = add_adapter(model, str(tmp_path / "bf16"))
    rows = list(load_claims(str(dataset_folder), "validation"))[:36]
    asked = [render_conversation([row["prompt"]], tokenizer) for row in rows]
    scores = score_batch(model, tokenizer, asked, [row["choices"] for row in rows])
    for score, answer in zip(scores, read_run(tmp_path / "bf16" / "after")[1], strict=True):
        assert score == pytest.approx(answer["choice_logprobs"], abs=1e-3)


@pytest.mark.slow
def test_two_processes_change_nothing(whole, tmp_path, dataset_folder, llama_folder):
    settings = SHORT | {"per_device_train_batch_size": 4, "before_run": str(whole / "before")}
    recipe = write_recipe(tmp_path, dataset_folder, llama_folder, "two", **settings)
    warm("scripts/prompt_tune.py", "--config", recipe, processes=2)
    assert_same(whole, tmp_path / "two")


def test_a_trainer_that_knows_of_one_of_two_processes(monkeypatch, tmp_path):
    args = Seq2SeqTrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    check_world(args)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=r"expected the trainer to see the 2 launched processes, got 1; add --use_cpu"):
        check_world(args)


@pytest.mark.parametrize(("flag", "name"), [("ACCELERATE_USE_FSDP", "FSDP"), ("ACCELERATE_USE_DEEPSPEED", "DeepSpeed")])
def test_a_model_in_pieces_is_refused(monkeypatch, tmp_path, flag, name):
    args = Seq2SeqTrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    monkeypatch.setenv(flag, "true")
    with pytest.raises(
        ValueError, match=f"expected a launch with the whole model on every device, got one with {name}"
    ):
        check_world(args)


SETTINGS = {"method": "lora", "overwrite": False, "training": {"seed": 0, "logging_steps": 5}}


def prepare(folder, settings=SETTINGS, resume=False, overwrite=False, main=True):
    prepare_folder(folder, settings, resume=resume, overwrite=overwrite, main=main)


def test_the_last_whole_checkpoint(tmp_path):
    assert checkpoint_to_resume(tmp_path) is None
    for step, is_whole in ((9, True), (10, True), (11, False)):
        checkpoint = tmp_path / "checkpoints" / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        if is_whole:
            (checkpoint / "trainer_state.json").write_text("{}")
    assert checkpoint_to_resume(tmp_path) == str(tmp_path / "checkpoints" / "checkpoint-10")


def test_a_run_goes_on_with_the_same_settings_only(tmp_path):
    folder = tmp_path / "run"
    prepare(folder)
    with pytest.raises(ValueError, match=r"with an unfinished run; pass --resume_from_checkpoint true"):
        prepare(folder)
    prepare(folder, resume=True)
    prepare(folder, SETTINGS | {"training": {"seed": 0, "logging_steps": 6}}, resume=True)
    prepare(folder, main=False)  # another process of the same launch
    with pytest.raises(ValueError, match=r"got others for method, training, training.seed; give the same recipe"):
        prepare(folder, {"method": "full", "training": {"seed": 1}}, resume=True)


def test_what_is_there_is_replaced_only_when_told(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "tuning.json").write_text("{}")
    with pytest.raises(ValueError, match=r"holds an earlier result; pass --overwrite"):
        prepare(folder)
    prepare(folder, overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["checkpoints"]


def test_with_other_processes_a_run_does_not_go_on(tmp_path, model_folder, dataset_folder):
    """A step would have other rows."""
    flags = ["--config", write_recipe(tmp_path, dataset_folder, model_folder, "run")]
    settings, _ = take_folder(*parse_args(flags))
    assert settings["processes"] == 1
    with pytest.raises(ValueError, match=r"got others for processes; give the same recipe"):
        prepare(tmp_path / "run", settings | {"processes": 2}, resume=True)
