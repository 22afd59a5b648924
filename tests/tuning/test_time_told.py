# SPDX-License-Identifier: Apache-2.0
"""What a run says of its length, with a clock that the test moves."""

import re

import pytest
from transformers import Seq2SeqTrainingArguments, TrainerControl, TrainerState
from tune_runs import write_recipe

from scripts.prompt_tune import main
from sycophancy.tuning.time_told import TimeTold, duration


class Run:
    """Calls the callback as Trainer does."""

    def __init__(self, folder, selection_rows, **settings):
        self.args = Seq2SeqTrainingArguments(output_dir=str(folder), use_cpu=True, report_to="none", **settings)
        self.state = TrainerState(max_steps=60, eval_steps=settings.get("eval_steps", 500), is_world_process_zero=True)
        self.seconds = 1000.0
        self.told = TimeTold(selection_rows, lambda: self.seconds)

    def call(self, event, **kwargs):
        getattr(self.told, event)(self.args, self.state, TrainerControl(), **kwargs)

    def step(self, seconds):
        self.call("on_step_begin")
        self.seconds += seconds
        self.state.global_step += 1
        self.call("on_step_end")

    def evaluate(self, batches, seconds):
        for _ in range(batches):
            self.seconds += seconds
            self.call("on_prediction_step", eval_dataloader=range(batches))
        self.call("on_evaluate", metrics={"eval_runtime": batches * seconds})


def test_a_step_then_an_evaluation(tmp_path, capsys):
    run = Run(tmp_path, 256, eval_strategy="steps", eval_steps=20)
    run.step(12)
    assert capsys.readouterr().err == "a step takes 12 s: about 12 min to go for 59 steps; 3 evaluations not counted\n"
    for _ in range(19):
        run.step(10)
    run.evaluate(batches=32, seconds=3)
    assert capsys.readouterr().err == (
        "a step takes 12 s, an evaluation of 256 rows 2 min: about 13 min to go for 40 steps and 3 evaluations\n"
    )
    for _ in range(20):
        run.step(10)
    run.evaluate(batches=32, seconds=3)
    assert capsys.readouterr().err == ""


def test_an_evaluation_of_one_batch_and_one_before_the_first_step(tmp_path, capsys):
    run = Run(tmp_path, 8, eval_strategy="steps", eval_steps=30)
    run.evaluate(batches=1, seconds=4)
    assert capsys.readouterr().err == "an evaluation of 8 rows 4.0 s: about 8.0 s to go for 2 evaluations\n"
    run.step(2)
    assert capsys.readouterr().err == (
        "a step takes 2.0 s, an evaluation of 8 rows 4.0 s: about 2 min to go for 59 steps and 2 evaluations\n"
    )


def test_other_processes_and_runs_without_evaluations(tmp_path, capsys):
    run = Run(tmp_path, 8, eval_strategy="no")
    run.step(1)
    assert capsys.readouterr().err == "a step takes 1.0 s: about 59 s to go for 59 steps\n"
    run = Run(tmp_path, 8, eval_strategy="no")
    run.state.is_world_process_zero = False
    run.step(1)
    assert capsys.readouterr().err == ""


def test_evaluations_by_epoch(tmp_path, capsys):
    run = Run(tmp_path, 8, eval_strategy="epoch", num_train_epochs=3)
    run.state.num_train_epochs = 3
    run.step(1)
    assert capsys.readouterr().err.endswith("; 3 evaluations not counted\n")
    run.state.epoch = 2.0
    run.evaluate(batches=3, seconds=1)
    assert capsys.readouterr().err.endswith("for 59 steps and 2 evaluations\n")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"), (60, "1 min"), (3570, "1 h 0 min"), (8100, "2 h 15 min")],
)  # fmt: skip
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_a_real_run_says_it(tmp_path, dataset_folder, model_folder, capfd):
    main(
        [
            "--config",
            write_recipe(tmp_path, dataset_folder, model_folder, "said", max_selection_rows=5, measure_rows=12),
        ]
    )
    said = [line for line in capfd.readouterr().err.replace("\r", "\n").splitlines() if " to go for " in line]
    seconds = r"[\d.]+ s"
    assert len(said) == 2
    assert re.fullmatch(
        rf"a step takes {seconds}: about {seconds} to go for 5 steps; 3 evaluations not counted", said[0]
    )
    assert re.fullmatch(
        rf"a step takes {seconds}, an evaluation of 5 rows {seconds}: about {seconds} to go for 4 steps and 2 evaluations",
        said[1],
    )
