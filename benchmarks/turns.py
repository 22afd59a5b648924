# SPDX-License-Identifier: Apache-2.0
"""Questions asked in turns: the history kept from turn to turn, beside reading it again, on the same rows, turn by turn.

    OMP_NUM_THREADS=2 python benchmarks/turns.py --model_name_or_path FOLDER \
        --dataset_name out/hub/my-org/syco-are-you-sure-arc_challenge --output docs/results/benchmarks/turns.json

The sides:

- `ours`: a turn goes on from the keys and values of the turns before it;
- `once a batch`: every turn reads its history again, once for the turns of a batch that have it in common;
- `each row`: every turn of every row reads its history again, as one `generate` for each turn does; answers end where they
  can be read and leave the batch, as ours do, so that all sides write the same.

The record also has the share of rows with the same text, and the tokens that the layers read.
"""

import argparse
import statistics
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest import mock

from side_by_side import ratio, take_turns, write_record


def main(args: argparse.Namespace) -> dict:
    """Run all sides and write the record."""
    import torch

    from sycophancy.answering import causal
    from sycophancy.answering.answers import Asking
    from sycophancy.answering.measuring import Conversations
    from sycophancy.answering.models import load_model
    from sycophancy.answering.packed import Memory
    from sycophancy.answering.prompts import context_of
    from sycophancy.dataset.kinds import load_rows
    from sycophancy.dataset.reading import take_clusters
    from sycophancy.metric import load_metric

    torch.set_num_threads(args.threads)
    kind, rows = load_rows(args.dataset_name, args.split)
    rows, metric = take_clusters(rows, args.rows).to_list(), load_metric(kind.name)
    model, tokenizer = load_model(args.model_name_or_path)
    asking = Asking("text", args.batch_size, max_new_tokens=args.max_new_tokens)
    read: list[int] = []
    model.get_input_embeddings().register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].numel()))
    tokens: dict[str, list[int]] = {}

    def side(name, how, **changed):
        def job(some):
            read.clear()
            asked = Conversations(kind, model, tokenizer, some, context_of("none"), metric.settled)
            with mock.patch.multiple(causal, **changed) if changed else nullcontext():
                answers = asked.answer_turns(how())
            tokens.setdefault(name, []).append(sum(read))
            return [answer["prediction"] for answer in answers]

        return job

    sides = {
        "ours": side("ours", lambda: replace(asking, memory=Memory())),
        "once a batch": side("once a batch", lambda: asking),
        "each row": side(
            "each row", lambda: asking, reads_packed=lambda *_: False,
            _read_shared=lambda model, pad, contexts, device: (causal._Reader(model, device), list(contexts)),
        ),
    }  # fmt: skip
    questions = list(dict.fromkeys(row["question_id"] for row in rows))
    round_of = {question: at % args.repeats for at, question in enumerate(questions)}
    rounds = [[row for row in rows if round_of[row["question_id"]] == at] for at in range(args.repeats)]
    first = [row for row in rows if row["question_id"] == questions[0]]
    seconds, answers = take_turns(sides, rounds, warm_up=first)
    flat = {name: [text for part in answers[name] for text in part] for name in sides}
    found = {
        "data": Path(args.dataset_name).name,
        "vocabulary": "the model's",
        "rows": len(rows),
        "ratios": {name: ratio(seconds[name], seconds["ours"]) for name in list(sides)[1:]},
        "rows_per_second": {
            name: statistics.median(len(part) / took for part, took in zip(rounds, seconds[name], strict=True))
            for name in sides
        },
        "seconds": seconds,
        # Without those of the first, uncounted pass.
        "tokens": {name: sum(counts[1:]) for name, counts in tokens.items()},
        "same": {
            name: sum(a == b for a, b in zip(flat["ours"], flat[name], strict=True)) / len(rows)
            for name in list(sides)[1:]
        },
    }
    settings = vars(args) | {"model_name_or_path": Path(args.model_name_or_path).name}
    settings["dataset_name"] = Path(args.dataset_name).name
    return write_record(args.output, "turns", settings, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="chat model: Hub id or folder")
    parser.add_argument("--dataset_name", required=True, help="questions in turns: folder or Hub id")
    parser.add_argument("--split", default="validation", help="[validation]")
    parser.add_argument("--rows", type=int, default=480, help="of all rounds together, whole questions [480]")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, each with every side once [5]")
    parser.add_argument("--threads", type=int, default=2, help="of torch [2]")
    parser.add_argument("--batch_size", type=int, default=64, help="[64, as measure.py's]")
    parser.add_argument("--max_new_tokens", type=int, default=64, help="[64]")
    parser.add_argument("--output", type=Path, help="file of the record")
    main(parser.parse_args())
