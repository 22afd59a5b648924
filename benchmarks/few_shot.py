# SPDX-License-Identifier: Apache-2.0
"""Few-shot prompts on a decoder-only model: the examples read once for many rows, beside once for each row.

    OMP_NUM_THREADS=2 python benchmarks/few_shot.py --source_data SST2_FOLDER --output docs/results/benchmarks/few_shot.json

A Llama of width 256 with 6 layers and random weights, in float32; eight solved claims before every row. The sides:

- `ours`: `score_questions`: the examples once per batch, each prompt's rest once, its choices from there;
- `each row`: the same without sharing between rows: every prompt is read whole, its choices go on from there;
- `each choice`: every choice with its whole prompt, as lm-evaluation-harness does for choices of several tokens.

Log-probabilities of all sides are compared.
"""

import argparse

from side_by_side import add_flags, claim_rows, largest_difference, ratio, take_turns, write_record


def small_llama(texts, layers: int):
    """A Llama with random weights and a byte-level BPE tokenizer of the texts."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=4096, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=4096, hidden_size=256, intermediate_size=688, num_hidden_layers=layers, num_attention_heads=4,
        max_position_embeddings=4096, bos_token_id=0, eos_token_id=1, pad_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval(), wrapped


def scored(score, batch):
    """A job that scores the questions of a round in batches."""

    def job(questions):
        return [found for at in range(0, len(questions), batch) for found in score(questions[at : at + batch])]

    return job


def main(args: argparse.Namespace) -> dict:
    """Run all sides and write the record."""
    import torch

    from sycophancy.answering import causal
    from sycophancy.answering.logits import by_form

    torch.set_num_threads(args.threads)
    drawn = claim_rows(args.rows * args.repeats + args.shots, args.source_data)
    shots = "".join(f"{row['prompt']} {row['answer']}\n\n" for row in drawn[: args.shots])
    rows = drawn[args.shots :]
    model, tokenizer = small_llama([row["prompt"] for row in drawn], args.layers)
    questions = causal.encode_questions(
        tokenizer, [shots + row["prompt"] for row in rows], [row["choices"] for row in rows]
    )

    def each_choice(some):
        with torch.inference_mode():
            return by_form(some, causal.score_whole(model, 0, some, "cpu"))

    sides = {
        "ours": scored(lambda some: causal.score_questions(model, tokenizer, some), args.batch_size),
        "each row": scored(lambda some: causal.score_questions(model, tokenizer, some, share=False), args.batch_size),
        "each choice": scored(each_choice, args.batch_size),
    }
    rounds = [questions[at :: args.repeats] for at in range(args.repeats)]
    seconds, answers = take_turns(sides, rounds, warm_up=questions[:4])
    mine = [x for part in answers["ours"] for x in part]
    found = {
        "ratios": {name: ratio(seconds[name], seconds["ours"]) for name in ("each row", "each choice")},
        "seconds": seconds,
        "tokens": {
            "examples": len(tokenizer(shots)["input_ids"]),
            "prompts": sum(len(question.context) for question in questions) / len(questions),
        },
        "answers": {
            name: largest_difference(mine, [x for part in answers[name] for x in part])
            for name in ("each row", "each choice")
        },
    }
    return write_record(args.output, "few_shot", vars(args), found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser, rows=64)
    parser.set_defaults(layers=6)
    parser.add_argument("--shots", type=int, default=8, help="solved claims before each row [8]")
    parser.add_argument("--batch_size", type=int, default=32, help="[32]")
    main(parser.parse_args())
