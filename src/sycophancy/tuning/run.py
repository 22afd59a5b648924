# SPDX-License-Identifier: Apache-2.0
"""From a built trainer to a finished folder: what `prompt_tune.py` and `dpo_tune.py` do in the same way."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset

from sycophancy.files import refuse_occupied, write_json
from sycophancy.hub import resolve_commit
from sycophancy.records import TUNING
from sycophancy.tuning.folder import Measured, write_tuned_folder
from sycophancy.tuning.hub_names import check_push
from sycophancy.tuning.time_told import TimeTold


def check_world(training_args) -> None:
    """Raise `ValueError` where the launcher started more processes than the trainer knows of, or cuts the model up.

    `accelerate launch` with `use_cpu` in its config and not in the arguments runs two independent trainings that
    write into one folder. With FSDP or DeepSpeed no process need have the whole model, which is measured before and after.
    """
    for name, flag in (("FSDP", "ACCELERATE_USE_FSDP"), ("DeepSpeed", "ACCELERATE_USE_DEEPSPEED")):
        if os.environ.get(flag, "false").lower() in ("1", "true"):
            raise ValueError(
                f"expected a launch with the whole model on every device, got one with {name}: the model is measured before "
                "and after tuning, each process by itself; use accelerate_configs/multi_gpu.yaml, with --dtype bfloat16 "
                "where memory is short"
            )
    launched = int(os.environ.get("WORLD_SIZE", 1))
    if training_args.world_size != launched:
        raise ValueError(
            f"expected the trainer to see the {launched} launched processes, got {training_args.world_size}; "
            "add --use_cpu when you launch several processes on CPU"
        )


def train_and_write(
    trainer, measured: Measured, parts: Sequence[Dataset], to_publish: str | None, method: str,
    train_datasets: list[dict] | None = None,
) -> None:  # fmt: skip
    """Train, measure again, write the folder, and publish it where that is asked for.

    Args:
        trainer: built; its model is what is tuned.
        measured: what was measured before.
        parts: rows to tune on and rows to select on.
        to_publish: Hub repository.
        method: as records and cards name it.
        train_datasets: what the parts were read from, where that is not the dataset that is measured.
    """
    resume = checkpoint_to_resume(measured.folder) if trainer.args.resume_from_checkpoint else None
    trainer.add_callback(TimeTold(len(parts[1])))
    started = time.perf_counter()
    result = trainer.train(resume_from_checkpoint=resume)
    # Without the autocast of mixed precision: it is measured as `measure.py` measures it, and as it was before.
    model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    tune, selection = parts
    tuning = {
        "method": method,
        "rows": len(tune),
        "selection_rows": len(selection),
        "steps": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "train_loss": result.training_loss,
        "log_history": trainer.state.log_history,
        "seconds": time.perf_counter() - started,
    }
    if train_datasets is not None:
        tuning["train_datasets"] = train_datasets
    card = write_tuned_folder(model, measured, tuning)
    if trainer.is_world_process_zero():
        shutil.rmtree(measured.folder / "checkpoints")
        print(card)
        if to_publish:
            from sycophancy.publishing import publish

            print(publish(measured.folder, to_publish, "model").report())


UNFINISHED = "checkpoints/settings.json"

# What may differ between the command that was killed and the one that goes on with it.
_FREE_SETTINGS = ("overwrite",)
_FREE_TRAINING = (
    "resume_from_checkpoint",
    "local_rank",
    "logging_steps",
    "disable_tqdm",
    "push_to_hub",
    "hub_model_id",
)


def _comparable(settings: dict) -> dict:
    """The settings that decide what a run computes."""
    kept = {key: value for key, value in settings.items() if key not in (*_FREE_SETTINGS, "training")}
    training = {key: value for key, value in settings["training"].items() if key not in _FREE_TRAINING}
    return json.loads(json.dumps({**kept, "training": training}, default=str))


def prepare_folder(folder: Path, settings: dict, *, resume: bool, overwrite: bool, main: bool) -> None:
    """Make room for a tuning run, or check that the one to go on with has the same settings.

    Args:
        folder: the output folder.
        settings: of this run.
        resume: go on with the unfinished run in `folder`, if there is one.
        overwrite: replace a finished or unfinished run in `folder`.
        main: whether this is the main process; the others only check.

    Raises:
        ValueError: `folder` holds something else, a finished run, or an unfinished one that is not to be resumed or
            has other settings.
    """
    unfinished = folder / UNFINISHED
    if unfinished.is_file() and not overwrite:
        if not resume:
            # Another process of this very launch may have written it already: its settings tell.
            if not main and json.loads(unfinished.read_text(encoding="utf-8")) == _comparable(settings):
                return
            raise ValueError(
                f"expected an empty output folder, got {folder} with an unfinished run; pass --resume_from_checkpoint "
                "true to go on with it or --overwrite to start anew"
            )
        before, now = json.loads(unfinished.read_text(encoding="utf-8")), _comparable(settings)
        changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        changed += sorted(
            f"training.{key}"
            for key in {*before["training"], *now["training"]}
            if "training" in changed and before["training"].get(key) != now["training"].get(key)
        )
        if changed:
            raise ValueError(
                f"expected the settings of the unfinished run in {folder}, got others for {', '.join(changed)}; "
                "give the same recipe and flags, or --overwrite to start anew"
            )
        return
    if main:
        refuse_occupied(folder, marker=UNFINISHED if unfinished.is_file() else TUNING, overwrite=overwrite)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.parent.mkdir(parents=True)
        write_json(unfinished, _comparable(settings))


def checkpoint_to_resume(folder: Path) -> str | None:
    """The last whole checkpoint of the run in `folder`; `None` where it was killed before the first.

    A checkpoint that was being written when the run was killed lacks `trainer_state.json`, which comes last.
    """
    whole = [path.parent for path in (folder / "checkpoints").glob("checkpoint-*/trainer_state.json")]
    return str(max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]))) if whole else None


def take_folder(args, training_args) -> tuple[dict, str | None]:
    """Make `output_dir` this run's, and the trainer's checkpoints a folder in it; look up what the Hub holds now.

    Args:
        args: `TuneArguments`; their revisions become commits.
        training_args: the trainer's; their `output_dir` and `push_to_hub` are changed.

    Returns:
        All settings of the run, and the Hub repository to publish to at the end, if any.

    Raises:
        ValueError: see `prepare_folder`; or there is no name to publish under, or what was read is not on the Hub.
    """
    # At one commit from here on, so that the record names what was read, and a killed run goes on with the same.
    args.model_revision = resolve_commit(args.model_name_or_path, "model", args.model_revision)
    args.dataset_revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    if getattr(args, "init_adapter", None):
        args.init_adapter_revision = resolve_commit(args.init_adapter, "model", args.init_adapter_revision)
    others = getattr(args, "train_dataset_names", None) or []
    if others:
        given = args.train_dataset_revisions or [None] * len(others)
        args.train_dataset_revisions = [
            resolve_commit(name, "dataset", revision) for name, revision in zip(others, given, strict=True)
        ]
    if training_args.push_to_hub:
        commits = args.train_dataset_revisions if others else ()
        check_push(training_args.hub_model_id, args.model_revision, args.dataset_revision, *commits)
    # The trainer would push its checkpoints as it goes; what is published is the finished folder.
    to_publish = training_args.hub_model_id if training_args.push_to_hub else None
    training_args.push_to_hub = False
    folder = Path(training_args.output_dir)
    training_args.output_dir = str(folder / "checkpoints")
    # With other processes a step has other rows.
    settings = {**vars(args), "processes": training_args.world_size, "training": training_args.to_sanitized_dict()}
    prepare_folder(
        folder,
        settings,
        resume=bool(training_args.resume_from_checkpoint),
        overwrite=args.overwrite,
        main=training_args.process_index == 0,
    )
    return settings, to_publish
