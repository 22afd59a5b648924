# SPDX-License-Identifier: Apache-2.0
"""`dpo_tune.py` on a tiny decoder-only model: short real runs in this process."""

import json

import pytest
from commands import assert_refused, attempt, python
from safetensors.torch import load_file
from tune_runs import losses, write_recipe

from scripts.dpo_tune import main

SCRIPT = "scripts/dpo_tune.py"
SHORT = {
    "max_steps": 2, "eval_steps": 1, "save_steps": 1, "measure_rows": 36, "metric_for_best_model": "loss",
    "bf16": False, "gradient_checkpointing": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, dataset_folder, llama_folder):
    """Folder of a run, by its name."""
    folder = tmp_path_factory.mktemp("dpo")

    def run(name: str, **settings):
        main(["--config", write_recipe(folder, dataset_folder, llama_folder, name, **(SHORT | settings))])
        return folder / name

    return run


@pytest.fixture(scope="module")
def lora(tuned):
    return tuned("lora", method="lora", num_virtual_tokens=None, lora_r=2, lora_dropout=0.0)


def test_the_folder_is_that_of_prompt_tune(lora, llama_folder):
    assert sorted(path.name for path in lora.iterdir()) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "after", "base_model_fingerprint.json",
        "before", "report.json", "report.md", "report.png", "tuning.json",
    ]  # fmt: skip
    record = json.loads((lora / "tuning.json").read_text())
    found = {key: record[key] for key in ("method", "task_type", "sham", "steps")}
    assert found == {"method": "dpo_lora", "task_type": "CAUSAL_LM", "sham": False, "steps": 2}
    assert losses(lora)[0] == (1, pytest.approx(0.693147, abs=1e-4))
    assert len(load_file(lora / "adapter_model.safetensors")) == 8


def test_a_sham_swaps_pairs(tuned, lora):
    sham = tuned(
        "sham", method="lora", num_virtual_tokens=None, lora_r=2, lora_dropout=0.0, sham=True,
        before_run=str(lora / "before"),
    )  # fmt: skip
    assert json.loads((sham / "tuning.json").read_text())["sham"] is True
    first, *later = zip(losses(sham), losses(lora), strict=True)
    assert first[0] == first[1]  # log 2, whatever is chosen
    assert all(a != b for a, b in later)


def test_a_soft_prompt(tuned, lora):
    folder = tuned("prompt", num_virtual_tokens=3, before_run=str(lora / "before"))
    weights = load_file(folder / "adapter_model.safetensors")
    assert {key: tuple(value.shape) for key, value in weights.items()} == {"prompt_embeddings": (3, 32)}
    # The reference is the bare model, and a soft prompt from a text is no bare model: not log 2.
    assert abs(losses(folder)[0][1] - 0.693147) > 1e-4


def test_encoder_decoders_are_refused(tmp_path, dataset_folder, model_folder):
    recipe = write_recipe(tmp_path, dataset_folder, model_folder, "t5", **SHORT)
    assert_refused(
        attempt(SCRIPT, "--config", recipe), "expected a decoder-only model, got", "tune it with scripts/prompt_tune.py"
    )
    assert not (tmp_path / "t5").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "full", "num_virtual_tokens": None}, "method: expected prompt_tuning or lora, got full"),
        ({"targets": "user"}, "targets"),
        ({"max_length": 9}, "max_length: expected room for every prompt with its answer, got 9"),
    ],
)
def test_bad_recipes(tmp_path, dataset_folder, llama_folder, settings, message):
    recipe = write_recipe(tmp_path, dataset_folder, llama_folder, "bad", **(SHORT | settings))
    assert_refused(attempt(SCRIPT, "--config", recipe), message)


def test_help_needs_no_trainer():
    assert "--lora_r" in python(SCRIPT, "--help").stdout


@pytest.mark.parametrize("script", ["dpo_tune", "prompt_tune"])
def test_suggested_answers_are_tuned_on(tmp_path, answers_folder, llama_folder, script):
    """The other family of datasets, in the same columns: pairs and train rows, measured before and after in all its arms."""
    how = {"measure_rows": 30, "max_steps": 1, "eval_steps": 1, "save_steps": 1}
    if script == "dpo_tune":
        how = SHORT | how | {"method": "lora", "num_virtual_tokens": None, "lora_r": 2}
    recipe = write_recipe(tmp_path, answers_folder, llama_folder, "run", **how)
    done = attempt(f"scripts/{script}.py", "--config", recipe)
    assert done.returncode == 0, done.stderr[-2000:]
    for side in ("before", "after"):
        metrics = json.loads((tmp_path / "run" / side / "run.json").read_text())["metrics"]
        # Whole questions of four or five rows each.
        assert 25 <= metrics["n_rows"] <= 30
        assert all(-1 <= metrics[key] <= 1 for key in ("mention_shift", "opinion_beyond_mention", "persona_shift"))
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert "opinion_beyond_mention" in card or "beyond a mention" in card
