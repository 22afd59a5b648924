# SPDX-License-Identifier: Apache-2.0
"""How fast a chat model is tuned, beside TRL's trainers as they are documented: the same rows, weights and steps, turn by turn.

    OMP_NUM_THREADS=2 python benchmarks/chat_tuning.py --model_name_or_path FOLDER \
        --dataset_name out/hub/my-org/syco-answers-sst2 --output docs/results/benchmarks/chat_tuning.json

LoRA on q and v, rank 16, batches of 8, a constant rate, in float32 (`--batch_size`, `--dtype`). The sides:

- `ours`: `build_trainer` on the rows in order; tokenizing counts, as it does everywhere;
- `grouped`: the same with rows of similar length together;
- `sft`: `SFTTrainer` on the same conversations, prompt and completion, with its defaults but for float32;
- `sft kept`: the same without `gradient_checkpointing`, which is among them;
- `dpo ours`: `build_dpo_trainer` on the rows' pairs, with `gradient_checkpointing` off;
- `dpo`, `dpo kept`: `DPOTrainer` on the same pairs, as above.

After each turn what was tuned is asked for the answers of rows that nobody was tuned on, uncounted: the mean negative
log-likelihood per answer, and for pairs the share whose chosen answer is the more probable one.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from limit import Peaks, Work, peak_of, shape_of, tuning_operations
from side_by_side import from_the_start, ratio, take_turns, write_record

RATE = 3e-4
SIDES = ("ours", "grouped", "sft", "sft kept", "dpo ours", "dpo", "dpo kept")


def adapted(name: str, device: str, dtype: str):
    """The model with the same LoRA in every copy, and its tokenizer."""
    import torch
    from peft import LoraConfig, get_peft_model

    from sycophancy.answering.models import load_model

    model, tokenizer = load_model(name, dtype=dtype)
    model.to(device)
    torch.manual_seed(0)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=16, lora_alpha=32, lora_dropout=0.0, target_modules=["q_proj", "v_proj"]
    )
    return get_peft_model(model, config), tokenizer


def settings_of(scratch: str, batch_size: int = 8, use_cpu: bool = True, **changed) -> dict:
    """What all trainers are told."""
    return {
        "output_dir": scratch, "per_device_train_batch_size": batch_size, "learning_rate": RATE, "lr_scheduler_type": "constant",
        "weight_decay": 0.0, "num_train_epochs": 1, "logging_steps": 1, "save_strategy": "no", "eval_strategy": "no",
        "use_cpu": use_cpu, "report_to": "none", "disable_tqdm": True, "max_grad_norm": 1.0, "seed": 0,
        "train_sampling_strategy": "sequential", "bf16": False,
    } | changed  # fmt: skip


def tuned_by(made) -> list:
    """Train; what was tuned, as it is now."""
    made.train()
    return [value.detach().clone() for value in made.model.parameters() if value.requires_grad]


def supervised(model, tokenizer, scratch, **changed):
    """Ours."""
    from datasets import Dataset
    from transformers import Seq2SeqTrainingArguments

    from sycophancy.tuning.supervised import build_trainer, tokenize

    def job(rows):
        args = Seq2SeqTrainingArguments(**settings_of(scratch, **changed))
        return tuned_by(
            build_trainer(model, tokenizer, args, tokenize(Dataset.from_list(rows), model, tokenizer), None)
        )

    return job


def said(role: str, words: str) -> list[dict]:
    """A turn of a conversation."""
    return [{"role": role, "content": words}]


def sft(model, tokenizer, scratch, **changed):
    """`SFTTrainer` on conversations."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    def job(rows):
        turns = [
            {"prompt": said("user", row["prompt"]), "completion": said("assistant", row["target"])} for row in rows
        ]
        args = SFTConfig(**settings_of(scratch, **changed))
        return tuned_by(
            SFTTrainer(model=model, args=args, train_dataset=Dataset.from_list(turns), processing_class=tokenizer)
        )

    return job


def pairs_of(rows: list[dict]) -> list[dict]:
    """The right answer and another one of each row."""
    return [
        {"prompt": row["prompt"], "chosen": row["target"], "rejected": next(x for x in row["choices"] if x != row["target"])}
        for row in rows
    ]  # fmt: skip


def dpo_ours(model, tokenizer, scratch, **changed):
    """Our DPO."""
    from datasets import Dataset
    from trl import DPOConfig

    from sycophancy.tuning.dpo import TokenizedDPOTrainer, tokenize_pairs

    def job(rows):
        args = DPOConfig(**settings_of(scratch, **changed))
        pairs = tokenize_pairs(Dataset.from_list(pairs_of(rows)), tokenizer)
        return tuned_by(TokenizedDPOTrainer(model=model, args=args, train_dataset=pairs, processing_class=tokenizer))

    return job


def dpo(model, tokenizer, scratch, **changed):
    """`DPOTrainer` on conversations."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    def job(rows):
        turns = [
            {"prompt": said("user", one["prompt"]), "chosen": said("assistant", one["chosen"]),
             "rejected": said("assistant", one["rejected"])}
            for one in pairs_of(rows)
        ]  # fmt: skip
        args = DPOConfig(**settings_of(scratch, **changed))
        return tuned_by(
            DPOTrainer(model=model, args=args, train_dataset=Dataset.from_list(turns), processing_class=tokenizer)
        )

    return job


def held_out(model, tokenizer, rows: list[dict], tuned: list) -> dict:
    """What a tuned adapter makes of rows that it was not tuned on."""
    import torch

    from sycophancy.answering.causal import score_questions
    from sycophancy.answering.forms import Asked, conversation_tokens

    with torch.no_grad():
        for parameter, value in zip((p for p in model.parameters() if p.requires_grad), tuned, strict=True):
            parameter.copy_(value)
    model.eval()
    asked = []
    for row in rows:
        context, answers = conversation_tokens(tokenizer, row["prompt"], row["choices"])
        asked.append(Asked(context, answers, row["choices"]))
    scores = score_questions(model, tokenizer, asked)
    return {
        "nll": -statistics.mean(found[row["target"]] for found, row in zip(scores, rows, strict=True)),
        "right": statistics.mean(
            max(found, key=found.get) == row["target"] for found, row in zip(scores, rows, strict=True)
        ),
    }


def tuning_work(model, tokenizer, rows: list[dict]) -> Work:
    """What a step of LoRA has to read: each prompt with its target, and the scores of the vocabulary before the target's tokens."""
    from sycophancy.answering.forms import conversation_tokens

    texts, asked = [], 0
    for row in rows:
        context, (target,) = conversation_tokens(tokenizer, row["prompt"], [row["target"]])
        texts.append([*context, *target[:-1]])
        asked += len(target)
    lengths = [len(text) for text in texts]
    return Work(sum(lengths), sum(length * (length + 1) // 2 for length in lengths), asked)


def main(args: argparse.Namespace) -> dict:
    """Run all sides and write the record."""
    import torch

    from sycophancy.dataset.kinds import load_rows

    torch.set_num_threads(args.threads)
    rows = load_rows(args.dataset_name, args.split)[1]
    rows = rows.shuffle(seed=0).select(range(args.rows * args.repeats + args.held_out)).to_list()
    rows = [{name: row[name] for name in ("prompt", "choices")} | {"target": row["answer"]} for row in rows]
    held, rows = rows[: args.held_out], rows[args.held_out :]
    model, tokenizer = adapted(args.model_name_or_path, args.device, args.dtype)
    kept = {"gradient_checkpointing": False}
    with tempfile.TemporaryDirectory() as scratch:
        makers = {
            "ours": (supervised, {}),
            "grouped": (supervised, {"train_sampling_strategy": "group_by_length"}),
            "sft": (sft, {}),
            "sft kept": (sft, kept),
            "dpo ours": (dpo_ours, kept),
            "dpo": (dpo, {}),
            "dpo kept": (dpo, kept),
        }
        # TRL changes a model for good, so it gets another one.
        stock, _ = adapted(args.model_name_or_path, args.device, args.dtype)
        resets = (from_the_start(model), from_the_start(stock))

        peaks = Peaks(lambda: peak_of(model))

        def start_over():
            for reset, network in zip(resets, (model, stock), strict=True):
                reset()
                network.gradient_checkpointing_disable()
                if "ref" in network.peft_config:  # what DPOTrainer compares with
                    network.delete_adapter("ref")

        def before(name):
            peaks.before(name)
            start_over()

        sides = {
            name: makers[name][0](
                stock if makers[name][0] in (sft, dpo) else model,
                tokenizer,
                scratch,
                batch_size=args.batch_size,
                use_cpu=args.device == "cpu",
                **makers[name][1],
            )
            for name in args.sides
        }
        rounds = [rows[at :: args.repeats] for at in range(args.repeats)]
        seconds, tuned = take_turns(sides, rounds, warm_up=rows[: args.batch_size], before=before)
    start_over()
    start = [value.detach().clone() for value in model.parameters() if value.requires_grad]
    work = [tuning_work(model, tokenizer, part) for part in rounds]
    operations = [tuning_operations(shape_of(model.config), one) for one in work]
    found = {
        "data": Path(args.dataset_name).name,
        "vocabulary": "the model's",
        "ratios": {
            f"{name} to {mine}": ratio(seconds[name], seconds[mine])
            for mine, others in (("ours", ("sft", "sft kept")), ("grouped", ("sft", "sft kept")), ("dpo ours", ("dpo", "dpo kept")))
            for name in others
            if mine in sides and name in sides
        },
        "rows_per_second": {
            name: statistics.median(len(part) / took for part, took in zip(rounds, seconds[name], strict=True))
            for name in sides
        },
        "seconds": seconds,
        **peaks.record({name: operations for name in ("ours", "grouped", "sft", "sft kept") if name in sides}, seconds),
        "held_out": {"before": held_out(model, tokenizer, held, start)}
        | {name: [held_out(model, tokenizer, held, values) for values in tuned[name]] for name in sides},
    }  # fmt: skip
    settings = vars(args) | {"model_name_or_path": Path(args.model_name_or_path).name}
    settings["dataset_name"] = Path(args.dataset_name).name
    return write_record(args.output, "chat_tuning", settings, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="chat model: Hub id or folder")
    parser.add_argument("--dataset_name", required=True, help="dataset with choices: folder or Hub id")
    parser.add_argument("--split", default="train", help="[train]")
    parser.add_argument("--rows", type=int, default=64, help="of a round [64]")
    parser.add_argument("--held_out", type=int, default=64, help="rows that nothing is tuned on [64]")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, each with every side once [5]")
    parser.add_argument("--threads", type=int, default=2, help="of torch [2]")
    parser.add_argument("--batch_size", type=int, default=8, help="rows of a step [8]")
    parser.add_argument("--device", default="cpu", help="of the model [cpu]")
    parser.add_argument("--dtype", default="float32", help="of its weights [float32]")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES, help="[all]")
    parser.add_argument("--output", type=Path, help="file of the record")
    main(parser.parse_args())
