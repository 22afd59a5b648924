# SPDX-License-Identifier: Apache-2.0
"""Recipes of short tuning runs, and what the runs logged."""

import json

import yaml


def write_recipe(folder, dataset_folder, model_folder, name: str, **settings) -> str:
    """A recipe file for a short run into `folder / name`; `settings` override it, `None` leaves out."""
    content = {
        "model_name_or_path": str(model_folder),
        "dataset_name": str(dataset_folder),
        "output_dir": str(folder / name),
        "num_virtual_tokens": 4,
        "selection_fraction": 0.2,
        "measure_rows": 60,
        # Random weights say nothing that could be read.
        "answer": "scores",
        "use_cpu": True,
        "max_steps": 6,
        "per_device_train_batch_size": 8,
        "learning_rate": 0.05,
        "weight_decay": 0.0,
        "lr_scheduler_type": "constant",
        "eval_strategy": "steps",
        "eval_steps": 2,
        "save_strategy": "steps",
        "save_steps": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": "nll",
        "greater_is_better": False,
        "logging_steps": 1,
        "report_to": "none",
        **settings,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return str(path)


def losses(folder) -> list[tuple[int, float]]:
    """(step, training loss) and (step, selection loss) as the run logged them."""
    history = json.loads((folder / "tuning.json").read_text())["log_history"]
    return [(e["step"], e[key]) for key in ("loss", "eval_nll") for e in history if key in e]


def add_soft_prompt(model, tokenizer_name: str, num_virtual_tokens: int, init_text: str | None):
    """Wrap a model with trainable soft tokens before its input, as `prompt_tune.py` does."""
    from peft import get_peft_model

    from sycophancy.tuning.adapters import soft_prompt_config

    return get_peft_model(model, soft_prompt_config(model, tokenizer_name, num_virtual_tokens, init_text))
