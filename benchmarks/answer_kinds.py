# SPDX-License-Identifier: Apache-2.0
"""What text costs against scores: rows per second of both on one model, on the same rows of a claim dataset.

    python benchmarks/answer_kinds.py --model_name_or_path FOLDER --dataset_name out/hub/my-org/syco-sst2 --limit 60 \
        --output docs/results/benchmarks/answer_kinds.json

The model is loaded once and answers the rows once in each way, with the batches of `scripts/measure.py`. The record also says
how much of the model's probability the choices have, how many texts are read, and how often they are the most probable choice.
"""

import argparse
import time
from pathlib import Path

from side_by_side import write_record


def main(args: argparse.Namespace) -> dict:
    """Answer in both ways and write the record."""
    from sycophancy.answering.answers import Asking
    from sycophancy.answering.measuring import Conversations, signals_of
    from sycophancy.answering.models import load_model
    from sycophancy.answering.prompts import context_of
    from sycophancy.dataset.kinds import load_rows
    from sycophancy.dataset.reading import take_clusters
    from sycophancy.metric import load_metric

    kind, rows = load_rows(args.dataset_name, args.split)
    rows, metric = take_clusters(rows, args.limit), load_metric(kind.name)
    model, tokenizer = load_model(args.model_name_or_path)
    asked = Conversations(kind, model, tokenizer, rows, context_of("none"), metric.settled)
    # The first pass of a model is not like the others.
    asked.of(range(min(2, len(rows)))).answer(Asking("scores", args.batch_size))
    seconds, answers = {}, {}
    for way in ("scores", "text"):
        start = time.perf_counter()
        answers[way] = list(asked.answer(Asking(way, args.batch_size, max_new_tokens=args.max_new_tokens)))
        seconds[way] = time.perf_counter() - start
    found = {
        "data": Path(args.dataset_name).name,
        "vocabulary": "the model's",
        "rows": len(rows),
        "ratios": {"text": {"median": seconds["text"] / seconds["scores"], "rounds": 1}},
        "seconds": seconds,
        "rows_per_second": {way: len(rows) / took for way, took in seconds.items()},
        **signals_of(metric, list(rows), answers["scores"], answers["text"]),
    }
    settings = vars(args) | {"model_name_or_path": Path(args.model_name_or_path).name}
    settings["dataset_name"] = Path(args.dataset_name).name
    return write_record(args.output, "answer_kinds", settings, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="model: Hub id or folder")
    parser.add_argument("--dataset_name", required=True, help="claim dataset: folder or Hub id")
    parser.add_argument("--split", default="validation", help="[validation]")
    parser.add_argument("--limit", type=int, default=60, help="at most this many rows, whole clusters [60]")
    parser.add_argument("--batch_size", type=int, default=16, help="[16]")
    parser.add_argument("--max_new_tokens", type=int, default=64, help="[64]")
    parser.add_argument("--output", type=Path, help="file of the record")
    main(parser.parse_args())
