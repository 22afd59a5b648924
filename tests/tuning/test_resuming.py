# SPDX-License-Identifier: Apache-2.0
import pytest
from tune_runs import write_recipe

from scripts.prompt_tune import parse_args
from sycophancy.tuning.resuming import checkpoint_to_resume, prepare_folder, take_folder

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
