# SPDX-License-Identifier: Apache-2.0
"""Tune a soft prompt that makes a frozen model less sycophantic, and measure the model before and after.

    accelerate launch --config_file accelerate_configs/cpu.yaml scripts/prompt_tune.py \
        --config scripts/recipes/quickstart.yaml
    accelerate launch --config_file accelerate_configs/multi_gpu.yaml scripts/prompt_tune.py \
        --config scripts/recipes/flan_t5_base_sst2.yaml --learning_rate 0.1

Flags override the recipe; unknown keys are errors. Every field of transformers' `Seq2SeqTrainingArguments` is a
flag too (--learning_rate, --num_train_epochs, --per_device_train_batch_size ...). OUTPUT_DIR becomes an adapter
folder: the soft prompt for `PeftModel.from_pretrained`, the runs `before/` and `after/`, `report.*` and a card.
A killed run goes on with the same command and --resume_from_checkpoint true.
"""

import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from sycophancy.cli import run


@dataclass
class TuneArguments:
    """What is tuned, on what, and how it is measured."""

    model_name_or_path: str = field(metadata={"help": "frozen encoder-decoder model: Hub id or folder"})
    dataset_name: str = field(metadata={"help": "claim dataset: folder or Hub id"})
    model_revision: str | None = field(default=None, metadata={"help": "Hub revision of the model"})
    dataset_revision: str | None = field(default=None, metadata={"help": "Hub revision of the dataset"})
    num_virtual_tokens: int = field(default=20, metadata={"help": "length of the prompt (Lester et al. 2021: 20)"})
    prompt_init_text: str | None = field(
        default="Answer the question about the claim by what is true, whatever the user thinks.",
        metadata={"help": "text that the prompt starts from; empty: random rows of the vocabulary"},
    )
    selection_fraction: float = field(default=0.05, metadata={"help": "share of train items kept for model selection"})
    max_train_rows: int | None = field(default=None, metadata={"help": "tune on at most this many rows"})
    measure_split: str = field(default="validation", metadata={"help": "split that is measured and reported"})
    measure_rows: int | None = field(default=None, metadata={"help": "measure at most this many rows"})
    measure_batch_size: int = field(default=64, metadata={"help": "prompts per forward pass when measuring"})
    before_run: str | None = field(
        default=None, metadata={"help": "run folder of the base model, instead of measuring it"}
    )
    overwrite: bool = field(default=False, metadata={"help": "replace an earlier result in output_dir"})

    def __post_init__(self):
        if self.num_virtual_tokens < 1:
            raise ValueError(f"num_virtual_tokens: expected 1 or more, got {self.num_virtual_tokens}")
        if not 0 < self.selection_fraction < 1:
            raise ValueError(f"selection_fraction: expected above 0 and below 1, got {self.selection_fraction}")


def parse_args(argv: list[str] | None = None):
    """Our arguments and the trainer's, from a recipe and the command line."""
    from trl import TrlParser

    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        # Without the trainer's arguments, whose import alone takes seconds.
        TrlParser((TuneArguments,), description=__doc__).parse_args(["--help"])
    from transformers import Seq2SeqTrainingArguments

    parser = TrlParser((TuneArguments, Seq2SeqTrainingArguments))
    return parser.parse_args_and_config(argv)


def main() -> None:
    """Tune, select, save, measure, report."""
    args, training_args = parse_args()
    output_dir = Path(training_args.output_dir)

    from sycophancy.hub_commit import resolve_commit
    from sycophancy.hub_names import check_push
    from sycophancy.tuned_folder import checkpoint_to_resume, prepare_folder, write_tuned_folder

    # At one commit from here on, so that the record names what was read, and a killed run goes on with the same.
    args.model_revision = resolve_commit(args.model_name_or_path, "model", args.model_revision)
    args.dataset_revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    if training_args.push_to_hub:
        check_push(training_args.hub_model_id, args.model_revision, args.dataset_revision)
    # The trainer would push its checkpoints as it goes; what is published is the finished folder.
    to_publish = training_args.hub_model_id if training_args.push_to_hub else None
    training_args.push_to_hub = False
    training_args.output_dir = str(output_dir / "checkpoints")
    settings = {**vars(args), "training": training_args.to_sanitized_dict()}
    resume = bool(training_args.resume_from_checkpoint)
    prepare_folder(output_dir, settings, resume=resume, overwrite=args.overwrite, main=training_args.process_index == 0)

    ################
    # Data and model
    ################
    from transformers import set_seed

    from sycophancy.features import load_claims
    from sycophancy.models import fingerprint_model, load_model
    from sycophancy.tuning import add_soft_prompt, build_trainer, check_world, select_by_item, tokenize

    check_world(training_args, int(os.environ.get("WORLD_SIZE", 1)))
    rows = load_claims(args.dataset_name, "train", args.dataset_revision)
    tune, selection = select_by_item(rows, args.selection_fraction, training_args.seed)
    if args.max_train_rows:
        tune = tune.shuffle(seed=training_args.seed).select(range(min(args.max_train_rows, len(tune))))
    measured = load_claims(args.dataset_name, args.measure_split, args.dataset_revision)

    model, tokenizer = load_model(args.model_name_or_path, args.model_revision)
    fingerprint = fingerprint_model(model)
    set_seed(training_args.seed)  # the soft prompt is drawn now
    model = add_soft_prompt(model, args.model_name_or_path, args.num_virtual_tokens, args.prompt_init_text)

    ##########
    # Training
    ##########
    trainer = build_trainer(model, tokenizer, training_args, tokenize(tune, tokenizer), tokenize(selection, tokenizer))
    started = time.perf_counter()
    result = trainer.train(resume_from_checkpoint=checkpoint_to_resume(output_dir) if resume else None)
    tuning = {
        "rows": len(tune),
        "selection_rows": len(selection),
        "steps": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "train_loss": result.training_loss,
        "log_history": trainer.state.log_history,
        "seconds": time.perf_counter() - started,
    }

    ####################
    # Saving, measuring
    ####################
    model.eval()
    card = write_tuned_folder(model, tokenizer, measured, output_dir, args, settings, fingerprint, tuning)
    if trainer.is_world_process_zero():
        shutil.rmtree(output_dir / "checkpoints")
        print(card)
        if to_publish:
            from sycophancy.publishing import publish

            print(publish(output_dir, to_publish, "model").report())
    trainer.end() if hasattr(trainer, "end") else None


if __name__ == "__main__":
    run(main)
