# SPDX-License-Identifier: Apache-2.0
"""Tune a model to be less sycophantic, by a soft prompt, LoRA or all weights, and measure it before and after.

    accelerate launch --config_file accelerate_configs/cpu.yaml scripts/prompt_tune.py \\
        --config scripts/recipes/quickstart.yaml
    accelerate launch --config_file accelerate_configs/multi_gpu.yaml scripts/prompt_tune.py \\
        --config scripts/recipes/flan_t5_base_sst2.yaml --learning_rate 0.1
    python scripts/prompt_tune.py --config scripts/recipes/lora_reviews.yaml --sham --output_dir out/sham

Flags override the recipe; unknown keys are errors. Every field of transformers' `Seq2SeqTrainingArguments` is a flag
too (--learning_rate, --num_train_epochs, --per_device_train_batch_size ...). Encoder-decoder and decoder-only models
can be tuned. The latter are asked through their chat template where they have one.

Writes into OUTPUT_DIR an adapter for `PeftModel.from_pretrained`, or with --method full a whole model for `measure.py
--model_name_or_path`. Beside it stand the runs `before/` (always the bare base model) and `after/`, `report.*` and a
card.

--sham is the control, the same training with nothing to learn. Within each wording the users' opinions are permuted
over the rows. The targets are what the model answers anyway (`sycophancy.tuning.data`).

--users_right 0.8 draws users who are right in 80 % of the train rows, so that what they say is evidence. By default
they are right as often as wrong.

--train_dataset_names A B tunes on the train rows of those datasets, and measures on dataset_name: leave one task out.

--init_adapter FOLDER goes on from a tuned adapter. With --targets user, on targets that follow the user, it shows how
long an effect lasts.

--targets alone is for a dataset of feedback. The targets are the model's own ratings where the user says nothing of the
text. In its sham they are the model's own ratings of the same prompts.

A killed run goes on with the same command and --resume_from_checkpoint true.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from sycophancy.answering.processes import end_processes
from sycophancy.cli import naming, run, with_own_recipe
from sycophancy.tuning.arguments import TuneArguments


@dataclass
class TargetArguments(TuneArguments):
    """`TuneArguments`, and what prompts are answered with."""

    targets: str = field(
        default="truth",
        metadata={
            "help": "truth; user: the user's answer where the user has an opinion; alone, of feedback: the model's own rating "
            "where the user says nothing"
        },
    )
    users_right: float | None = field(
        default=None,
        metadata={"help": "share of train rows with an opinion whose user is right [as in the dataset: half]"},
    )
    train_dataset_names: list[str] | None = field(
        default=None, metadata={"help": "tune on the train rows of these claim datasets [dataset_name]"}
    )
    train_dataset_revisions: list[str] | None = field(
        default=None, metadata={"help": "Hub revisions of those, in order"}
    )
    init_adapter: str | None = field(
        default=None, metadata={"help": "go on from this tuned adapter (folder or Hub id) of the same method and shape"}
    )
    init_adapter_revision: str | None = field(default=None, metadata={"help": "Hub revision of init_adapter"})

    def __post_init__(self):
        super().__post_init__()
        if self.targets not in ("truth", "user", "alone"):
            raise ValueError(f"targets: expected truth, user or alone, got {self.targets!r}")
        for name in ("users_right", "train_dataset_names"):
            if self.targets == "alone" and getattr(self, name) is not None:
                raise ValueError(f"{name}: expected with targets truth or user only, got targets alone; leave it out")
        if self.users_right is not None and not 0 <= self.users_right <= 1:
            raise ValueError(f"users_right: expected 0 to 1, got {self.users_right}")
        names, revisions = self.train_dataset_names, self.train_dataset_revisions
        if revisions is not None and len(revisions) != len(names or ()):
            raise ValueError(
                f"train_dataset_revisions: expected one for each of train_dataset_names ({len(names or ())}), got "
                f"{len(revisions)}; give one for each, or none"
            )
        if names is not None and len(set(names)) < max(1, len(names)):
            raise ValueError(f"train_dataset_names: expected different datasets, got {', '.join(names) or 'none'}")
        if self.sham and self.targets == "user":
            raise ValueError("sham: expected with targets truth or alone, got targets user; leave one of them out")
        if self.sham and self.init_adapter:
            raise ValueError("sham: expected without init_adapter, which it would undo; leave one of them out")
        if self.init_adapter and self.method == "full":
            raise ValueError(
                "init_adapter: expected with method prompt_tuning or lora, got method full; to go on from a fully tuned "
                "model, name its folder as model_name_or_path"
            )


def parse_args(argv: list[str] | None = None):
    """Our arguments and the trainer's, from a recipe and the command line."""
    from trl import TrlParser

    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        # Without the trainer's arguments, whose import alone takes seconds.
        TrlParser((TargetArguments,), **naming(__doc__)).parse_args(["--help"])
    from transformers import Seq2SeqTrainingArguments

    parser = TrlParser((TargetArguments, Seq2SeqTrainingArguments), **naming(__doc__))
    return parser.parse_args_and_config(with_own_recipe(argv))


def main(argv: list[str] | None = None) -> None:
    """Measure, tune, select, measure again, save, report."""
    args, training_args = parse_args(argv)
    folder = Path(training_args.output_dir)

    from sycophancy.answering.models import load_config
    from sycophancy.tuning.run import take_folder

    # Before the folder is taken: what is no model leaves no run to go on with.
    load_config(args.model_name_or_path, args.model_revision, args.gguf_file)
    settings, to_publish = take_folder(args, training_args)

    ################
    # Data and model
    ################
    from transformers import set_seed

    from sycophancy.answering.models import load_asked
    from sycophancy.dataset.kinds import load_rows
    from sycophancy.tuning.adapters import prepare_model
    from sycophancy.tuning.data import check_targets, own_answers, own_ratings, rows_read, training_rows, tuning_rows
    from sycophancy.tuning.folder import Measured, measure_before
    from sycophancy.tuning.run import check_world, train_and_write
    from sycophancy.tuning.supervised import build_trainer, tokenize

    check_world(training_args)
    seed = training_args.seed
    kind, to_measure = load_rows(args.dataset_name, args.measure_split, args.dataset_revision)
    check_targets(kind, args.targets)
    *parts, train_datasets = training_rows(args, seed)
    if args.targets != "alone":
        parts = [tuning_rows(part, args.targets, args.sham, seed, args.users_right) for part in parts]
        parts[0] = rows_read(parts[0], training_args, seed)

    loaded = load_asked(args)
    model, tokenizer = loaded
    measured = Measured(tokenizer, to_measure, folder, args, settings, loaded.record["fingerprint"], loaded.record)

    ########
    # Before
    ########
    measure_before(model.to(training_args.device), measured)
    if args.targets == "alone":
        parts = [own_ratings(model, tokenizer, part, args.measure_batch_size, args.sham, seed) for part in parts]
    elif args.sham:
        parts = [own_answers(model, tokenizer, part, args.measure_batch_size) for part in parts]

    ################
    # Tuning, after
    ################
    set_seed(seed)  # a soft prompt or LoRA is drawn now
    model = prepare_model(model, args, args.init_adapter, args.init_adapter_revision)
    tokenized = [tokenize(part, model, tokenizer) for part in parts]
    trainer = build_trainer(model, tokenizer, training_args, *tokenized)
    train_and_write(trainer, measured, parts, to_publish, args.method, train_datasets)


if __name__ == "__main__":
    run(main)
    end_processes()
