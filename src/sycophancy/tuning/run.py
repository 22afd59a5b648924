# SPDX-License-Identifier: Apache-2.0
"""From a built trainer to a finished folder: what `prompt_tune.py` and `dpo_tune.py` do in the same way."""

import os
import shutil
import time
from collections.abc import Sequence

from datasets import Dataset

from sycophancy.tuning.folder import Measured, write_tuned_folder
from sycophancy.tuning.resuming import checkpoint_to_resume


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
            "add --use_cpu true when you launch several processes on CPU"
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
