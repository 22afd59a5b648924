# SPDX-License-Identifier: Apache-2.0
"""A chat model on rows of a dataset beside what people would use instead: the same rows and weights, turn by turn.

    OMP_NUM_THREADS=2 python benchmarks/decoding.py --model_name_or_path FOLDER --dataset_name out/hub/my-org/syco-answers-sst2 \
        --output docs/results/benchmarks/decoding.json

In scores, the sides are:

- `ours`: `answer_rows`, with every way to write each choice, its tokenizing and its file;
- `as written`: `score_questions` of each choice as it is written, and no other way: what lm_eval asks;
- `lm_eval`: lm-evaluation-harness (pip install -e ".[benchmark]"; left out where it is not installed), `loglikelihood` of
  each choice, in batches of a fixed size;
- `lm_eval auto`: the same with its own search for a batch size, which is part of every call.

In text, answers of at most `--max_new_tokens`:

- `text`: `answer_rows`;
- `generate`: batches of 32 (`--generate_batch_size`) in the order of the rows, padded on the left;
- `generate alone`: row by row, as on model cards.

The record has the ratios by round, the share of rows with the same answer, and the share of the machine's limit
(`benchmarks/limit.py`).
"""

import argparse
import copy
import importlib.util
import statistics
from pathlib import Path

from limit import Peaks, Work, decoder_operations, peak_of, shape_of, work_of
from side_by_side import ratio, take_turns, write_record

SIDES = ("ours", "as written", "lm_eval", "lm_eval auto", "text", "generate", "generate alone")

USUAL = ("ours", "as written", "lm_eval", "text", "generate")
"""The others take several times as long: on a CPU the search for a batch size takes minutes."""


def ours(model, tokenizer, prompt_of, asking, settled):
    """Our answers."""
    from sycophancy.answering.answers import answer_rows

    def job(rows):
        return list(answer_rows(model, tokenizer, rows, [prompt_of[row["id"]] for row in rows], asking, settled))

    return job


def questions_of(tokenizer, prompt_of, rows, as_written: bool = False):
    """The rows as token ids, with every way to write a choice or with one."""
    from sycophancy.answering.forms import encode_questions

    found = encode_questions(tokenizer, [prompt_of[row["id"]] for row in rows], [row["choices"] for row in rows])
    if not as_written:
        return found
    # The choice as it is comes first among its ways.
    first = [[asked.choices.index(choice) for choice in dict.fromkeys(asked.choices)] for asked in found]
    return [
        asked._replace(answers=[asked.answers[at] for at in kept], choices=[asked.choices[at] for at in kept])
        for asked, kept in zip(found, first, strict=True)
    ]


def as_written(model, tokenizer, prompt_of, batch_size):
    """Our scores of the choices as they are written."""
    from sycophancy.answering.causal import score_questions

    def job(rows):
        asked = questions_of(tokenizer, prompt_of, rows, as_written=True)
        size = batch_size or len(asked)
        batches = (asked[at : at + size] for at in range(0, len(asked), size))
        return [scores for batch in batches for scores in score_questions(model, tokenizer, batch)]

    return job


def lm_eval(model, tokenizer, prompt_of, batch_size):
    """lm-evaluation-harness on the same model."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    harness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size, device=str(model.device))

    def job(rows):
        asked = [(prompt_of[row["id"]], choice) for row in rows for choice in row["choices"]]
        requests = [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(asked)]
        found = iter(harness.loglikelihood(requests, disable_tqdm=True))
        return [{choice: next(found)[0] for choice in row["choices"]} for row in rows]

    return job


def generate(model, tokenizer, prompt_of, batch_size, max_new_tokens):
    """`generate` as in the libraries' examples."""
    import torch

    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    # A chat template has written the special tokens.
    special = not tokenizer.chat_template

    def job(rows):
        texts = []
        for first in range(0, len(rows), batch_size):
            prompts = [prompt_of[row["id"]] for row in rows[first : first + batch_size]]
            inputs = tokenizer(
                prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=special
            ).to(model.device)
            with torch.inference_mode():
                tokens = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
            texts += tokenizer.batch_decode(tokens[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)
        return texts

    return job


def scores_work(asked) -> Work:
    """What has to be read to score questions: beginnings once, the ends of answers not at all."""
    texts = [[*question.context, *answer[:-1]] for question in asked for answer in question.answers]
    after = {
        (*question.context, *answer[:end])
        for question in asked
        for answer in question.answers
        for end in range(len(answer))
    }
    return work_of(texts, len(after))


def text_work(tokenizer, contexts, texts) -> Work:
    """What has to be read to write texts: the prompts, beginnings once, and what was said but for its last token."""
    said = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    whole = [[*context, *tokens[:-1]] for context, tokens in zip(contexts, said, strict=True)]
    return work_of(whole, sum(map(len, said)))


def main(args: argparse.Namespace) -> dict:
    """Run all sides and write the record."""
    import torch

    from sycophancy.answering.answers import Asking
    from sycophancy.answering.models import load_model
    from sycophancy.answering.prompts import as_asked
    from sycophancy.dataset.kinds import load_rows
    from sycophancy.dataset.reading import take_clusters
    from sycophancy.metric import load_metric, read_by

    torch.set_num_threads(args.threads)
    kind, rows = load_rows(args.dataset_name, args.split)
    rows, metric = take_clusters(rows, args.rows).to_list(), load_metric(kind.name)
    model, tokenizer = load_model(args.model_name_or_path, dtype=args.dtype)
    model.to(args.device)
    prompt_of = dict(
        zip((row["id"] for row in rows), as_asked(model, tokenizer, [row["prompt"] for row in rows]), strict=True)
    )
    given = (model, tokenizer, prompt_of)
    text = Asking("text", args.batch_size, max_new_tokens=args.max_new_tokens)
    sides = {
        "ours": lambda: ours(*given, Asking("scores", args.batch_size), None),
        "as written": lambda: as_written(*given, args.batch_size),
        "lm_eval": lambda: lm_eval(*given, args.lm_eval_batch_size),
        "lm_eval auto": lambda: lm_eval(*given, "auto"),
        "text": lambda: ours(*given, text, metric.settled),
        "generate": lambda: generate(*given, args.generate_batch_size, args.max_new_tokens),
        "generate alone": lambda: generate(*given, 1, args.max_new_tokens),
    }
    chosen = [name for name in args.sides if not name.startswith("lm_eval") or importlib.util.find_spec("lm_eval")]
    sides = {name: sides[name]() for name in chosen}
    # Whole clusters, so that what their rows have in common stays together.
    clusters = list(dict.fromkeys(row["cluster_id"] for row in rows))
    round_of = {cluster: at % args.repeats for at, cluster in enumerate(clusters)}
    rounds = [[row for row in rows if round_of[row["cluster_id"]] == at] for at in range(args.repeats)]
    peaks, operations = Peaks(lambda: peak_of(model)), {}
    seconds, answers = take_turns(sides, rounds, warm_up=rows[:2], before=peaks.before)
    flat = {name: [answer for part in answers[name] for answer in part] for name in sides}
    order, shape = [row for part in rounds for row in part], shape_of(model.config)
    found = {
        "data": Path(args.dataset_name).name,
        "vocabulary": "the model's",
        "ratios": {
            name: ratio(seconds[name], seconds[mine])
            for mine, others in (("ours", SIDES[2:4]), ("text", SIDES[5:]))
            for name in others
            if mine in sides and name in sides
        },
        "rows": len(order),
        "rows_per_second": {
            name: statistics.median(len(part) / took for part, took in zip(rounds, seconds[name], strict=True))
            for name in sides
        },
        "seconds": seconds,
        "same": {},
    }
    if "ours" in sides:
        work = [scores_work(questions_of(tokenizer, prompt_of, part)) for part in rounds]
        operations["ours"] = [decoder_operations(shape, one) for one in work]
        found["tokens"] = {
            "prompts": sum(len(asked.context) for asked in questions_of(tokenizer, prompt_of, order)),
            "had to be read": sum(one.tokens for one in work),
        }
        best = [max(scores, key=scores.get) for scores in (answer["choice_logprobs"] for answer in flat["ours"])]
        for name in ("as written", "lm_eval"):
            if name in sides:
                found["same"][f"ours, {name}"] = share(best, [max(scores, key=scores.get) for scores in flat[name]])
    if "as written" in sides and "lm_eval" in sides:
        pairs = list(zip(flat["as written"], flat["lm_eval"], strict=True))
        found["same"]["as written, lm_eval"] = share(*([max(one, key=one.get) for one in side] for side in zip(*pairs, strict=True)))  # fmt: skip
        # lm_eval counts the template's last line break to each choice: the same number for all choices of a row.
        found["largest_difference"] = max(
            spread([one[choice] - other[choice] for choice in one]) for one, other in pairs
        )
    if "text" in sides:
        said = [answer["prediction"] for answer in flat["text"]]
        special = not tokenizer.chat_template
        contexts = tokenizer([prompt_of[row["id"]] for row in order], add_special_tokens=special)["input_ids"]
        work, at = [], 0
        for part in rounds:
            work.append(text_work(tokenizer, contexts[at : at + len(part)], said[at : at + len(part)]))
            at += len(part)
        operations["text"] = [decoder_operations(shape, one) for one in work]
        for name in ("generate", "generate alone"):
            if name in sides:
                read = [
                    [metric.parse_answer(text, **read_by(row)) for text, row in zip(texts, order, strict=True)]
                    for texts in (said, flat[name])
                ]
                found["same"][f"text, {name}"] = share(*read)
                begun = [whole.strip().startswith(mine) for mine, whole in zip(said, flat[name], strict=True)]
                found["same"][f"text begins {name}"] = sum(begun) / len(begun)
    found |= peaks.record(operations, seconds)
    settings = vars(args) | {"model_name_or_path": Path(args.model_name_or_path).name}
    settings["dataset_name"] = Path(args.dataset_name).name
    return write_record(args.output, "decoding", settings, found)


def share(one, other) -> float:
    """The share of rows on which two sides have the same answer."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def spread(numbers) -> float:
    """The largest difference between some numbers."""
    return max(numbers) - min(numbers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="chat model: Hub id or folder")
    parser.add_argument("--dataset_name", required=True, help="dataset with choices: folder or Hub id")
    parser.add_argument("--split", default="validation", help="[validation]")
    parser.add_argument("--rows", type=int, default=640, help="of all rounds together, whole clusters [640]")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, each with every side once [5]")
    parser.add_argument("--threads", type=int, default=2, help="of torch [2]")
    parser.add_argument("--batch_size", type=int, help="of ours [as measure.py's: what fits a forward pass, or 64]")
    parser.add_argument("--device", default="cpu", help="of the model [cpu]")
    parser.add_argument("--dtype", default="float32", help="of its weights [float32]")
    parser.add_argument("--generate_batch_size", type=int, default=32, help="of the plain loop [32]")
    parser.add_argument("--lm_eval_batch_size", type=int, default=32, help="[32]")
    parser.add_argument("--max_new_tokens", type=int, default=64, help="[64]")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=USUAL, help=f"[{', '.join(USUAL)}]")
    parser.add_argument("--output", type=Path, help="file of the record")
    main(parser.parse_args())
