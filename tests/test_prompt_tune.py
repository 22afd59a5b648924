# SPDX-License-Identifier: Apache-2.0
"""`prompt_tune.py` as users run it: several processes, real kills, a tiny T5 and a small real dataset."""

import json
import os
import random
import signal
import time
from functools import partial

import pytest
import torch
from commands import SECONDS, assert_refused, attempt, python, start_warm, warm
from safetensors.torch import load_file
from tune_runs import losses, write_recipe

from scripts.prompt_tune import main

SCRIPT = "scripts/prompt_tune.py"


@pytest.fixture
def recipe(tmp_path, dataset_folder, model_folder):
    return partial(write_recipe, tmp_path, dataset_folder, model_folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, dataset_folder, model_folder):
    """The folder of one whole run in one process."""
    folder = tmp_path_factory.mktemp("one")
    warm(SCRIPT, "--config", write_recipe(folder, dataset_folder, model_folder, "one"))
    return folder / "one"


def test_the_folder_is_whole(finished, model_folder):
    assert sorted(path.name for path in finished.iterdir()) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "after", "base_model_fingerprint.json",
        "before", "report.json", "report.md", "report.png", "tuning.json",
    ]  # fmt: skip
    assert {key: tuple(value.shape) for key, value in load_file(finished / "adapter_model.safetensors").items()} == {
        "prompt_embeddings": (4, 32)
    }


def test_peft_loads_it_and_answers_as_recorded(finished, model_folder, dataset_folder):
    from peft import PeftModel
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from sycophancy.answering.seq2seq import score_batch
    from sycophancy.dataset.reading import load_claims

    base = AutoModelForSeq2SeqLM.from_pretrained(str(model_folder))
    model = PeftModel.from_pretrained(base, str(finished)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(model_folder))
    rows = list(load_claims(str(dataset_folder), "validation"))[:60]
    scores = score_batch(model, tokenizer, [row["prompt"] for row in rows], [row["choices"] for row in rows])
    recorded = [json.loads(line) for line in (finished / "after" / "predictions.jsonl").read_text().splitlines()]
    assert [line["id"] for line in recorded] == [row["id"] for row in rows]
    for score, line in zip(scores, recorded, strict=True):
        assert score == pytest.approx(line["choice_logprobs"], abs=1e-4)
        assert line["prediction"] == max(line["choice_logprobs"], key=line["choice_logprobs"].get)


def test_card_and_report_are_views_of_the_records(finished):
    report = json.loads((finished / "report.json").read_text())
    card = (finished / "README.md").read_text()
    for side in ("before", "after"):
        record = json.loads((finished / side / "run.json").read_text())
        assert report[side] == record["metrics"] | {"by_authority": record["by_authority"]}
        assert f"{100 * record['metrics']['opinion_alignment']:.1f} %" in card
    assert report["difference"]["opinion_alignment"]["value"] == pytest.approx(
        report["after"]["opinion_alignment"] - report["before"]["opinion_alignment"]
    )


@pytest.mark.parametrize(
    ("processes", "settings"),
    [(2, {"per_device_train_batch_size": 4}),
     (1, {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2})],
    ids=["two processes", "gradient accumulation"],
)  # fmt: skip
def test_the_loss_curve_is_that_of_one_process(recipe, tmp_path, finished, processes, settings):
    if processes == 1:
        main(["--config", recipe("other", **settings)])
    else:
        warm(SCRIPT, "--config", recipe("other", **settings), processes=2)
    assert losses(tmp_path / "other") == [(step, pytest.approx(loss, abs=2e-4)) for step, loss in losses(finished)]
    weights = [load_file(folder / "adapter_model.safetensors") for folder in (finished, tmp_path / "other")]
    assert torch.allclose(weights[0]["prompt_embeddings"], weights[1]["prompt_embeddings"], atol=2e-4)
    answers = [
        (folder / "after" / "predictions.jsonl").read_text().splitlines() for folder in (finished, tmp_path / "other")
    ]
    assert [json.loads(line)["id"] for line in answers[0]] == [json.loads(line)["id"] for line in answers[1]]


def test_a_killed_run_goes_on_to_the_same_adapter(recipe, tmp_path, finished):
    path = recipe("killed")
    after_step = random.Random(time.time_ns()).choice((2, 4))
    print("killed after the checkpoint of step", after_step)
    process = start_warm(tmp_path / "printed", SCRIPT, "--config", path)
    checkpoint = tmp_path / "killed" / "checkpoints" / f"checkpoint-{after_step}" / "trainer_state.json"
    deadline = time.monotonic() + SECONDS
    while not checkpoint.exists() and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    assert not (tmp_path / "killed" / "tuning.json").exists()
    assert_refused(attempt(SCRIPT, "--config", path), "with an unfinished run; pass --resume_from_checkpoint true")
    changed = attempt(SCRIPT, "--config", path, "--learning_rate", "0.1", "--resume_from_checkpoint", "true")
    assert_refused(changed, "got others for training, training.learning_rate")
    warm(SCRIPT, "--config", path, "--resume_from_checkpoint", "true")
    weights = [load_file(folder / "adapter_model.safetensors") for folder in (finished, tmp_path / "killed")]
    assert torch.equal(weights[0]["prompt_embeddings"], weights[1]["prompt_embeddings"])


def test_a_finished_run_is_not_overwritten(finished, recipe):
    path = recipe("again", output_dir=str(finished))
    assert_refused(attempt(SCRIPT, "--config", path), "holds an earlier result; pass --overwrite")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rte": 0.1}, "learning_rte"),
        ({"dataset_name": "/nowhere/else"}, "/nowhere/else"),
        ({"selection_fraction": 1.5}, "selection_fraction: expected above 0 and below 1, got 1.5"),
        ({"num_virtual_tokens": 0}, "num_virtual_tokens: expected 1 or more, got 0"),
        ({"sham": True, "targets": "user"}, "sham: expected with targets truth or alone, got targets user"),
        ({"targets": "users"}, "targets: expected truth, user or alone, got 'users'"),
        ({"method": "lora"}, "num_virtual_tokens: expected with method prompt_tuning only, got 4 with method lora"),
        ({"method": "full", "num_virtual_tokens": None, "init_adapter": "a"}, "init_adapter: expected with method"),
        ({"push_to_hub": True}, "expected --hub_model_id org/name with --push_to_hub, got none"),
    ],
)
def test_bad_recipes(recipe, settings, message):
    assert_refused(attempt(SCRIPT, "--config", recipe("bad", **settings)), message)


def test_help_needs_no_trainer():
    done = python(SCRIPT, "--help")
    assert "--num_virtual_tokens" in done.stdout
