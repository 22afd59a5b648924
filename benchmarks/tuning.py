# SPDX-License-Identifier: Apache-2.0
"""How fast a soft prompt is tuned, beside PEFT's stock recipe: the same rows, weights and steps, turn by turn.

    OMP_NUM_THREADS=2 python benchmarks/tuning.py --source_data SST2_FOLDER --spiece spiece.model \
        --output docs/results/benchmarks/tuning.json

The model is a T5 of flan-t5-small's shape with random weights, in float32, with 20 soft tokens. The sides:

- `stock`: a bare loop as in PEFT's examples for sequence-to-sequence models: prompts padded to 256 tokens, batches of 8;
- `bare loop`: the same loop over our batches: what Trainer costs;
- `ours`: `build_trainer` on rows in the same order, padded to the longest of each batch;
- `grouped`: the same with `train_sampling_strategy="group_by_length"`, as in the recipes for large models.

The losses of `stock`, `bare loop` and `ours` are of the same rows in the same steps and are compared step by step; those
of `grouped` are of other rows in each step, and their mean is compared.
"""

import argparse
import statistics
import tempfile

from side_by_side import (
    add_flags,
    claim_rows,
    flan_t5_shape,
    from_the_start,
    ratio,
    t5_tokenizer,
    take_turns,
    write_record,
)

BATCH = 8
RATE = 0.03


def soft_prompt_model(layers: int):
    """The frozen model with its soft prompt, as `prompt_tune.py` makes it."""
    import torch
    from peft import get_peft_model

    from sycophancy.tuning.adapters import soft_prompt_config

    model = flan_t5_shape(layers, dropout_rate=0.0)
    torch.manual_seed(0)
    return get_peft_model(model, soft_prompt_config(model, "", 20, None))


def stock_model(layers: int):
    """The same, as PEFT's example makes it."""
    import torch
    from peft import PromptTuningConfig, TaskType, get_peft_model

    model = flan_t5_shape(layers, dropout_rate=0.0)
    torch.manual_seed(0)
    config = PromptTuningConfig(
        task_type=TaskType.SEQ_2_SEQ_LM, num_virtual_tokens=20, num_transformer_submodules=1,
        prompt_tuning_init="SAMPLE_VOCAB",
    )  # fmt: skip
    return get_peft_model(model, config)


def loop(model, to_batch):
    """A bare training loop over batches of the rows, in order; gives the losses."""
    import torch

    def job(rows):
        model.train()
        optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=RATE, weight_decay=0.0)
        losses = []
        for first in range(0, len(rows), BATCH):
            loss = model(**to_batch(rows[first : first + BATCH])).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        return losses

    return job


def batch_of(tokenizer, **padding):
    """What makes tensors of rows: prompts padded as told, labels to the longest, and their padding left out."""

    def to_batch(rows):
        inputs = tokenizer([row["prompt"] for row in rows], return_tensors="pt", truncation=True, **padding)
        labels = tokenizer(text_target=[row["answer"] for row in rows], return_tensors="pt", padding=True)["input_ids"]
        return {
            "input_ids": inputs.input_ids,
            "attention_mask": inputs.attention_mask,
            "labels": labels.masked_fill(labels == tokenizer.pad_token_id, -100),
        }

    return to_batch


def trainer(model, tokenizer, scratch, strategy):
    """Ours: Trainer as `prompt_tune.py` sets it up; gives the losses."""
    from datasets import Dataset
    from transformers import Seq2SeqTrainingArguments

    from sycophancy.tuning.supervised import build_trainer, tokenize

    def job(rows):
        args = Seq2SeqTrainingArguments(
            output_dir=scratch, per_device_train_batch_size=BATCH, learning_rate=RATE, lr_scheduler_type="constant",
            weight_decay=0.0, num_train_epochs=1, logging_steps=1, save_strategy="no", eval_strategy="no", use_cpu=True,
            report_to="none", disable_tqdm=True, max_grad_norm=0.0, train_sampling_strategy=strategy, seed=0,
        )  # fmt: skip
        made = build_trainer(model, tokenizer, args, tokenize(Dataset.from_list(rows), model, tokenizer), None)
        made.train()
        return [entry["loss"] for entry in made.state.log_history if "loss" in entry]

    return job


def main(args: argparse.Namespace) -> dict:
    """Run all sides and write the record."""
    import torch

    torch.set_num_threads(args.threads)
    rows = [
        {"prompt": row["prompt"], "answer": row["answer"], "choices": row["choices"], "target": row["answer"]}
        for row in claim_rows(args.rows * args.repeats, args.source_data)
    ]
    tokenizer = t5_tokenizer(args.spiece, [row["prompt"] for row in rows] + [row["answer"] for row in rows])
    tokenizer.model_max_length = 512
    with tempfile.TemporaryDirectory() as scratch:
        stock, model = stock_model(args.layers), soft_prompt_model(args.layers)
        sides = {
            "stock": loop(stock, batch_of(tokenizer, padding="max_length", max_length=256)),
            "bare loop": loop(model, batch_of(tokenizer, padding=True)),
            "ours": trainer(model, tokenizer, scratch, "sequential"),
            "grouped": trainer(model, tokenizer, scratch, "group_by_length"),
        }
        resets = (from_the_start(stock), from_the_start(model))
        rounds = [rows[at :: args.repeats] for at in range(args.repeats)]
        seconds, losses = take_turns(
            sides, rounds, warm_up=rows[:BATCH], before=lambda _: [reset() for reset in resets]
        )

    def largest(name):
        pairs = zip(losses["stock"], losses[name], strict=True)
        return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))

    found = {
        "ratios": {
            "stock": ratio(seconds["stock"], seconds["ours"]),
            "stock to grouped": ratio(seconds["stock"], seconds["grouped"]),
            "ours to bare loop": ratio(seconds["ours"], seconds["bare loop"]),
        },
        "samples_per_second": {
            name: statistics.median(len(part) / took for part, took in zip(rounds, seconds[name], strict=True))
            for name in sides
        },
        "seconds": seconds,
        "losses": losses,
        "largest_difference_of_losses": {name: largest(name) for name in ("bare loop", "ours")},
        "mean_loss": {
            name: statistics.mean(loss for part in losses[name] for loss in part) for name in ("stock", "grouped")
        },
    }
    return write_record(args.output, "tuning", vars(args), found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser, rows=160)
    main(parser.parse_args())
