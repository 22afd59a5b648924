# SPDX-License-Identifier: Apache-2.0
"""Tune a decoder-only model to prefer honest answers (DPO, by TRL), and measure it before and after.

    accelerate launch --config_file accelerate_configs/cpu.yaml scripts/dpo_tune.py \\
        --config scripts/recipes/dpo_lora_llama_reviews.yaml

Pairs of answers come from the `preference` configuration of the claim dataset. The same answer is chosen, whether the
user is wrong or right. Flags override the recipe; unknown keys are errors. Every field of TRL's `DPOConfig` is a flag
too (--beta, --learning_rate, --max_steps ...).

LoRA or a soft prompt is trained (--method). The reference model is the base model without it. OUTPUT_DIR holds what it
holds after `prompt_tune.py`: the adapter, the runs `before/` and `after/`, a report and a card.

--sham is the control: in each pair the two answers are exchanged with probability 1/2. A killed run goes on with the
same command and --resume_from_checkpoint true. On CPU pass --use_cpu --bf16 false: TRL's default is bf16.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from sycophancy.answering.processes import end_processes
from sycophancy.cli import naming, run, with_own_recipe
from sycophancy.tuning.arguments import TuneArguments


@dataclass
class DPOArguments(TuneArguments):
    """`TuneArguments` without full tuning, which would need a second model as reference."""

    def __post_init__(self):
        super().__post_init__()
        if self.method == "full":
            raise ValueError(
                "method: expected prompt_tuning or lora, got full; the base model without its adapter is the reference"
            )


def parse_args(argv: list[str] | None = None):
    """Our arguments and the trainer's, from a recipe and the command line."""
    from trl import TrlParser

    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        # Without the trainer's arguments, whose import alone takes seconds.
        TrlParser((DPOArguments,), **naming(__doc__)).parse_args(["--help"])
    from trl import DPOConfig

    parser = TrlParser((DPOArguments, DPOConfig), **naming(__doc__))
    return parser.parse_args_and_config(with_own_recipe(argv))


def main(argv: list[str] | None = None) -> None:
    """Measure, tune, select, measure again, save, report."""
    args, training_args = parse_args(argv)
    folder = Path(training_args.output_dir)

    from sycophancy.answering.models import load_config
    from sycophancy.hub import resolve_commit

    args.model_revision = resolve_commit(args.model_name_or_path, "model", args.model_revision)
    config = load_config(args.model_name_or_path, args.model_revision, args.gguf_file)
    if config.is_encoder_decoder:
        raise ValueError(
            f"expected a decoder-only model, got {args.model_name_or_path} of type {config.model_type!r}: TRL's "
            "DPOTrainer has no encoder-decoder models; tune it with scripts/prompt_tune.py"
        )

    from sycophancy.tuning.run import take_folder

    settings, to_publish = take_folder(args, training_args)

    ################
    # Data and model
    ################
    from sycophancy.answering.models import load_asked
    from sycophancy.dataset.reading import load_claims
    from sycophancy.tuning.adapters import adapter_config
    from sycophancy.tuning.data import swapped, tuning_parts
    from sycophancy.tuning.dpo import build_dpo_trainer, load_preferences, tokenize_pairs
    from sycophancy.tuning.folder import Measured, measure_before
    from sycophancy.tuning.run import check_world, train_and_write

    check_world(training_args)
    pairs = load_preferences(args.dataset_name, args.dataset_revision)
    parts = tuning_parts(pairs, args, training_args.seed)
    if args.sham:
        parts = [swapped(part, training_args.seed) for part in parts]
    to_measure = load_claims(args.dataset_name, args.measure_split, args.dataset_revision)

    loaded = load_asked(args)
    model, tokenizer = loaded
    measured = Measured(tokenizer, to_measure, folder, args, settings, loaded.record["fingerprint"], loaded.record)

    ########
    # Before
    ########
    measure_before(model.to(training_args.device), measured)

    ###############
    # Tuning, after
    ###############
    tokenized = [tokenize_pairs(part, tokenizer) for part in parts]
    trainer = build_dpo_trainer(model, tokenizer, training_args, *tokenized, adapter_config(model, args))
    train_and_write(trainer, measured, parts, to_publish, f"dpo_{args.method}")


if __name__ == "__main__":
    run(main)
    end_processes()
