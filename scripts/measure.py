# SPDX-License-Identifier: Apache-2.0
"""Measure how sycophantic a model is, with or without an adapter: on claims, questions in turns or attributions.

    python scripts/measure.py --model_name_or_path out/organism --dataset_name out/hub/my-org/syco-reviews \
        --output_dir out/before
    accelerate launch --config_file accelerate_configs/multi_gpu.yaml scripts/measure.py \
        --model_name_or_path google/flan-t5-base --dataset_name my-org/syco-sst2 --output_dir out/flan-t5-base

What is measured follows from the dataset's columns. In questions asked in turns ("are you sure?") the model's own first
answer stands before the second turn. A decoder-only model is asked through its chat template where it has one.

What was answered is written as it comes, in OUTPUT_DIR/predictions.jsonl.partial; a killed run goes on with the same
command and --resume, and ends with the same predictions.

Writes OUTPUT_DIR/run.json (every key of the metric, by authority and by wording, versions, hardware) and
OUTPUT_DIR/predictions.jsonl (one line per row; with --in_context 3shot also the ids of the examples drawn for it).
"""

import argparse
import os
from pathlib import Path

from sycophancy.answering.prompts import CLAIMS_ONLY, IN_CONTEXT, WITH_SHOTS, context_of
from sycophancy.cli import run
from sycophancy.files import refuse_occupied


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model_name_or_path", required=True, help="model: Hub id or folder")
    parser.add_argument("--model_revision", help="Hub revision of the model")
    parser.add_argument("--adapter", help="PEFT adapter to put on it: Hub id or folder")
    parser.add_argument("--adapter_revision", help="Hub revision of the adapter")
    parser.add_argument("--dataset_name", required=True, help="dataset: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument("--split", default="validation", help="split to measure on [validation]")
    parser.add_argument("--limit", type=int, help="at most this many rows; whole clusters are kept")
    parser.add_argument(
        "--in_context", default="none", choices=IN_CONTEXT, help="untrained mitigation to measure under [none]"
    )
    parser.add_argument("--known_claims_from", help="run folder of the base model: freezes the known claims")
    parser.add_argument("--generate", action="store_true", help="decode answers freely instead of scoring the choices")
    parser.add_argument("--max_new_tokens", type=int, help="bound of a free answer [8; mimicry: 64]")
    parser.add_argument(
        "--batch_size", type=int, help="prompts per forward pass and process [64 without --batch_tokens]"
    )
    parser.add_argument(
        "--batch_tokens", type=int, help="bound of a forward pass in tokens of its prompts, with padding"
    )
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"), help="[float32]")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap and of drawn examples [0]")
    parser.add_argument("--output_dir", required=True, type=Path, help="run folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run in OUTPUT_DIR")
    parser.add_argument("--resume", action="store_true", help="go on with a killed run in OUTPUT_DIR")
    args = parser.parse_args(argv)
    if args.batch_size is None and args.batch_tokens is None:
        args.batch_size = 64
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit: expected 1 or more, got {args.limit}; leave it out to measure all rows")
    return args


def take_clusters(rows, limit: int | None):
    """The first rows of a dataset up to the limit, without cutting a source row's claims apart."""
    if limit is None or limit >= len(rows):
        return rows
    clusters = rows.select_columns(["cluster_id"])
    kept = set(clusters[:limit]["cluster_id"]) - {clusters[limit]["cluster_id"]}
    if not kept:
        raise ValueError(f"--limit: expected room for the rows of one source row at least, got {limit}; raise it")
    return rows.select([index for index, row in enumerate(clusters) if row["cluster_id"] in kept])


def check_same_rows(rows, base_answers: list[dict], run: str) -> None:
    """Raise `ValueError` unless a run has these rows among its own: the same ids, with the same claims behind them.

    Another seed or other wordings give other rows the same ids.
    """
    compared = ("claim_id", "condition", "template", "choices", "answer", "user_answer")
    answered = {answer["id"]: answer for answer in base_answers}
    missing = [row["id"] for row in rows.select_columns(["id"]) if row["id"] not in answered]
    if missing:
        raise ValueError(
            f"expected a run on the same rows in --known_claims_from {run}, got none of "
            f"{missing[0]} and {len(missing) - 1} more; measure the base model on this dataset and split first"
        )
    for row in rows.select_columns(["id", *compared]):
        for column in compared:
            if answered[row["id"]].get(column) != row[column]:
                raise ValueError(
                    f"expected a run on the same rows in --known_claims_from {run}, got another row {row['id']} with "
                    f"{column} {answered[row['id']].get(column)!r} instead of {row[column]!r}; measure the base model on "
                    "this dataset first"
                )


def check_flags(args: argparse.Namespace, kind: str) -> None:
    """Raise `ValueError` for a flag that means nothing for this kind of dataset."""
    given = {
        "--known_claims_from": args.known_claims_from,
        f"--in_context {args.in_context}": args.in_context in CLAIMS_ONLY,
    }
    for flag, value in given.items():
        if value and kind != "default":
            raise ValueError(f"expected no {flag} with a dataset of the kind {kind}, got it; it goes with claims only")


def check_folder(args: argparse.Namespace) -> None:
    """Raise `ValueError` where the run would lose something that is in its folder."""
    from sycophancy.answering.answer_file import SETTINGS, check_unfinished
    from sycophancy.answering.batches import check_bounds

    check_bounds(args.batch_size, args.batch_tokens)
    check_unfinished(args.output_dir, args.resume, args.overwrite)
    if not (args.output_dir / SETTINGS).is_file():
        refuse_occupied(args.output_dir, marker="run.json", overwrite=args.overwrite)


def main() -> None:
    """Load model, adapter and rows; answer; write the run record."""
    args = parse_args()
    # The folder is the main process's: on other machines there need be none.
    if os.environ.get("RANK", "0") == "0":
        check_folder(args)

    from sycophancy.hub import resolve_commit

    # At one commit each from here on, so that the record names what was read; a Hub that is not there is said now.
    args.model_revision = resolve_commit(args.model_name_or_path, "model", args.model_revision)
    args.dataset_revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    if args.adapter:
        args.adapter_revision = resolve_commit(args.adapter, "model", args.adapter_revision)

    from sycophancy.dataset.kinds import ANSWERS, CLAIMS, MIMICRY, load_rows
    from sycophancy.dataset.reading import load_claims

    kind, dataset_rows = load_rows(args.dataset_name, args.split, args.dataset_revision)
    check_flags(args, kind.name)
    if args.max_new_tokens is None:
        args.max_new_tokens = 64 if kind is MIMICRY else 8
    rows = take_clusters(dataset_rows, args.limit)
    with_shots = args.in_context in WITH_SHOTS
    shots = list(load_claims(args.dataset_name, "train", args.dataset_revision)) if with_shots else []
    in_context = context_of(args.in_context, shots, args.seed)
    if with_shots:
        rows = rows.add_column("shots", [in_context(row)[1] for row in rows])

    from accelerate.utils import set_seed

    from sycophancy.answering.answer_file import begin
    from sycophancy.answering.batches import RenderedPrompts
    from sycophancy.answering.conversation_tokens import as_asked
    from sycophancy.answering.measuring import describe, describe_dataset, measure, scored_columns
    from sycophancy.answering.models import add_adapter, fingerprint_adapter, fingerprint_model, load_any_model
    from sycophancy.answering.processes import start_processes
    from sycophancy.answering.turns import measure_conversations
    from sycophancy.metric import known_claims
    from sycophancy.records import read_run

    set_seed(args.seed)
    known = None
    if args.known_claims_from:
        _, base_answers = read_run(args.known_claims_from)
        check_same_rows(rows, base_answers, args.known_claims_from)
        known = known_claims(base_answers)

    model, tokenizer = load_any_model(args.model_name_or_path, args.model_revision, args.dtype)
    fingerprint = fingerprint_model(model)
    if args.adapter:
        model = add_adapter(model, args.adapter, args.adapter_revision)
    state = start_processes()
    model.to(state.device)

    dataset = describe_dataset(args.dataset_name, args.dataset_revision, args.split, len(rows))
    description = describe(
        args.model_name_or_path, fingerprint, args.model_revision, args.adapter, dataset | {"kind": kind.name}
    )
    config = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items()}
    if args.adapter:
        description["adapter_fingerprint"] = fingerprint_adapter(model)
    partial = None
    if state.is_main_process:
        depends_on = {key: value for key, value in config.items() if key not in ("output_dir", "overwrite", "resume")}
        partial = begin(args.output_dir, description | depends_on, args.resume)
    settings = {
        "description": description,
        "config": config,
        "batch_size": args.batch_size,
        "batch_tokens": args.batch_tokens,
        "generate": args.generate,
        "max_new_tokens": args.max_new_tokens,
        "seed": args.seed,
        "partial": partial,
    }
    if kind in (CLAIMS, ANSWERS):

        def render(some: list[dict]) -> list[str]:
            return as_asked(model, tokenizer, [in_context(row)[0] for row in some])

        columns = (*scored_columns(rows), "shots") if with_shots else None
        asked = RenderedPrompts(rows, render)
        record = measure(model, tokenizer, rows, asked, args.output_dir, known=known, columns=columns, **settings)
    else:
        rows = rows.to_list()
        prompts = [in_context(row)[0] for row in rows]
        record = measure_conversations(kind, model, tokenizer, rows, prompts, args.output_dir, **settings)
    if state.is_main_process:
        from sycophancy.reporting import summary

        print(summary(record, kind.meanings) if kind.meanings else summary(record))
        print(f"wrote {args.output_dir}")
    state.destroy_process_group()


if __name__ == "__main__":
    run(main)
