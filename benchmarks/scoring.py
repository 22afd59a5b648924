# SPDX-License-Identifier: Apache-2.0
"""How fast choices are scored, beside what people would use instead: the same rows and weights, turn by turn.

    OMP_NUM_THREADS=2 python benchmarks/scoring.py --source_data SST2_FOLDER --spiece spiece.model \
        --output docs/results/benchmarks/scoring.json

The model is a T5 of flan-t5-small's shape with random weights, in float32. The sides:

- `ours`: `answer_rows`, with its tokenizing and its file;
- `encoder`: our batches through the encoder alone, the bound of any scoring of this model;
- `lm_eval`: lm-evaluation-harness (pip install -e ".[benchmark]"; left out where it is not installed), `loglikelihood`
  of each choice with its end of sequence, in batches of 32;
- `generate`: greedy, 4 new tokens, batches of 32 in the order of the rows, as in the libraries' examples;
- `predict`: `Seq2SeqTrainer.predict` with generation, the same.

A round takes the next part of the rows, so that all of them are done once in all rounds. Log-probabilities are compared
with those of lm_eval; `generate` and `predict` give free text, which a model with random weights fills with anything.
"""

import argparse
import functools
import importlib.util
import statistics
import tempfile

from limit import Peaks, encoder_decoder_operations, measured_peak
from scale import Shape
from side_by_side import (
    add_flags,
    claim_rows,
    flan_t5_shape,
    largest_difference,
    ratio,
    t5_tokenizer,
    take_turns,
    write_record,
)


def ours(model, tokenizer, batch_tokens):
    """Our scoring."""
    from sycophancy.answering.answers import Asking, answer_rows

    def job(rows):
        prompts = [row["prompt"] for row in rows]
        answers = answer_rows(model, tokenizer, rows, prompts, Asking("scores", None, batch_tokens))
        return [answer["choice_logprobs"] for answer in answers]

    return job


def encoder_alone(model, tokenizer, batch_tokens):
    """Our batches through the encoder, and nothing after it."""
    import torch

    from sycophancy.answering.batches import batches_by_length
    from sycophancy.answering.logits import pad_right

    def job(rows):
        ids = tokenizer([row["prompt"] for row in rows])["input_ids"]
        with torch.inference_mode():
            for batch in batches_by_length([len(row) for row in ids], None, batch_tokens):
                padded, mask = pad_right([ids[at] for at in batch], tokenizer.pad_token_id, "cpu")
                model.encoder(input_ids=padded, attention_mask=mask)

    return job


def lm_eval(model, tokenizer):
    """lm-evaluation-harness on the same model."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    harness = HFLM(
        pretrained=model, backend="seq2seq", tokenizer=tokenizer, batch_size=32, device="cpu", max_length=512
    )

    def job(rows):
        asked = [(row["prompt"], choice) for row in rows for choice in row["choices"]]
        requests = [
            Instance("loglikelihood", {}, (prompt, choice + tokenizer.eos_token), number)
            for number, (prompt, choice) in enumerate(asked)
        ]
        found = iter(harness.loglikelihood(requests, disable_tqdm=True))
        return [{choice: next(found)[0] for choice in row["choices"]} for row in rows]

    return job


def generate(model, tokenizer):
    """`generate` as in the libraries' examples."""
    import torch

    def job(rows):
        texts = []
        for first in range(0, len(rows), 32):
            prompts = [row["prompt"] for row in rows[first : first + 32]]
            inputs = tokenizer(prompts, return_tensors="pt", padding=True)
            with torch.inference_mode():
                tokens = model.generate(
                    input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, max_new_tokens=4, do_sample=False
                )
            texts += tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return texts

    return job


def predict(model, tokenizer, scratch):
    """`Seq2SeqTrainer.predict` with generation."""
    from datasets import Dataset
    from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

    args = Seq2SeqTrainingArguments(
        output_dir=scratch, per_device_eval_batch_size=32, predict_with_generate=True, generation_max_length=5,
        use_cpu=True, report_to="none", disable_tqdm=True,
    )  # fmt: skip
    collator = DataCollatorForSeq2Seq(tokenizer, model=model)
    trainer = Seq2SeqTrainer(model=model, args=args, data_collator=collator, processing_class=tokenizer)

    def job(rows):
        texts = tokenizer([row["prompt"] for row in rows], text_target=[row["answer"] for row in rows])
        trainer.predict(Dataset.from_dict(dict(texts)))

    return job


def operations(model, tokenizer, rows) -> int:
    """What scoring the rows needs: each prompt once, and of its choices each beginning once."""
    from sycophancy.answering.seq2seq import encode_questions

    asked = encode_questions(tokenizer, [row["prompt"] for row in rows], [row["choices"] for row in rows])
    begun = [{tuple(answer[:end]) for answer in one.answers for end in range(len(answer))} for one in asked]
    config = model.config
    shape = Shape(config.d_model, config.d_ff, config.num_layers, config.num_heads, config.d_kv, config.vocab_size)
    return encoder_decoder_operations(shape, [len(one.context) for one in asked], [len(nodes) for nodes in begun])


def main(args: argparse.Namespace) -> dict:
    """Run all sides and write the record."""
    import torch

    from sycophancy.answering.processes import keep_memory

    keep_memory()

    torch.set_num_threads(args.threads)
    rows = claim_rows(args.rows, args.source_data)
    tokenizer = t5_tokenizer(args.spiece, [row["prompt"] for row in rows] + [x for row in rows for x in row["choices"]])
    model = flan_t5_shape(args.layers)
    sides = {
        "ours": ours(model, tokenizer, args.batch_tokens),
        "encoder": encoder_alone(model, tokenizer, args.batch_tokens),
    }
    # The others get the model as the libraries load it.
    stock = flan_t5_shape(args.layers)
    if importlib.util.find_spec("lm_eval"):
        sides["lm_eval"] = lm_eval(stock, tokenizer)
    sides["generate"] = generate(stock, tokenizer)
    with tempfile.TemporaryDirectory() as scratch:
        sides["predict"] = predict(stock, tokenizer, scratch)
        rounds = [rows[at :: args.repeats] for at in range(args.repeats)]
        peaks = Peaks(functools.partial(measured_peak, repeats=3))
        seconds, answers = take_turns(sides, rounds, warm_up=rows[:4], before=peaks.before)
    needed = [operations(model, tokenizer, part) for part in rounds]
    found = {
        "ratios": {name: ratio(seconds[name], seconds["ours"]) for name in sides if name not in ("ours", "encoder")},
        "rows_per_second": {
            name: statistics.median(len(part) / took for part, took in zip(rounds, seconds[name], strict=True))
            for name in sides
        },
        "seconds": seconds,
        **peaks.record({"ours": needed}, seconds),
        "prompt_tokens": sorted(len(ids) for ids in tokenizer([row["prompt"] for row in rows])["input_ids"])[
            :: max(1, len(rows) // 4)
        ],
    }
    found["ratios"]["ours to encoder"] = ratio(seconds["ours"], seconds["encoder"])
    if "lm_eval" in sides:
        mine, theirs = ([x for part in answers[name] for x in part] for name in ("ours", "lm_eval"))
        same = sum(max(a, key=a.get) == max(b, key=b.get) for a, b in zip(mine, theirs, strict=True))
        found["answers"] = {
            "rows": len(rows), "same": same, "largest_difference": largest_difference(mine, theirs),
        }  # fmt: skip
    return write_record(args.output, "scoring", vars(args), found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser, rows=654)
    parser.add_argument("--batch_tokens", type=int, default=1024, help="of our batches [1024]")
    main(parser.parse_args())
