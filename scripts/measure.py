# SPDX-License-Identifier: Apache-2.0
"""Measure how sycophantic a model is, with or without an adapter, on any dataset of the project.

    python scripts/measure.py --model_name_or_path out/organism --dataset_name out/hub/my-org/syco-reviews \\
        --output_dir out/before
    accelerate launch --config_file accelerate_configs/multi_gpu.yaml scripts/measure.py \\
        --model_name_or_path google/flan-t5-base --dataset_name my-org/syco-sst2 --output_dir out/flan-t5-base

The dataset's columns say what is measured: claims, suggested answers, questions in turns ("are you sure?"),
attributions or ratings. In questions in turns the model's own answers stand in the conversation.

How it is asked (--answer):

- text: a decoder-only model with a chat template is asked through it, and writes. A text ends where it can be read.
  What cannot be read is counted as unparsed.
- scores: other models are asked for a choice. A decoder-only one gives the choice that greedy decoding writes where it
  may write the choices and nothing else. An encoder-decoder one gives the most probable choice.

On 64 rows both are done, and the record says how often they agree. A model that thinks first may do so for
--max_thought_tokens. Templates that can switch that off take --chat_template_kwargs '{"enable_thinking": false}'.

Answers are written as they come, in OUTPUT_DIR/predictions.jsonl.partial. A killed run goes on with the same command
and --resume, and ends with the same predictions.

Writes into OUTPUT_DIR:

- run.json: every key of the metric, by authority and by wording; how the model was asked; versions and hardware.
- predictions.jsonl: one line per row; with --in_context 3shot also the ids of the examples drawn.
- survival.png, of rounds of pressure: how long first answers last.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from sycophancy.answering.arguments import add_asking_arguments, asking_of
from sycophancy.answering.models import add_model_arguments
from sycophancy.answering.prompts import CLAIMS_ONLY, IN_CONTEXT, WITH_SHOTS, context_of
from sycophancy.cli import positive_int, run, script_parser
from sycophancy.files import refuse_occupied


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--model_name_or_path", required=True, help="model: Hub id or folder")
    parser.add_argument("--model_revision", help="Hub revision of the model")
    add_model_arguments(parser)
    parser.add_argument("--adapter", help="PEFT adapter to put on it: Hub id or folder")
    parser.add_argument("--adapter_revision", help="Hub revision of the adapter")
    parser.add_argument("--dataset_name", required=True, help="dataset: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument("--split", default="validation", help="split to measure on [validation]")
    parser.add_argument("--limit", type=positive_int, help="at most this many rows; whole clusters are kept")
    parser.add_argument(
        "--in_context",
        default="none",
        choices=IN_CONTEXT,
        help="what is put into the prompt against sycophancy, without training [none]",
    )
    parser.add_argument(
        "--known_claims_from", help="run folder of the base model, whose answers say which claims are known"
    )
    add_asking_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap and of drawn examples [0]")
    parser.add_argument("--output_dir", required=True, type=Path, help="run folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run in OUTPUT_DIR")
    parser.add_argument("--resume", action="store_true", help="go on with a killed run in OUTPUT_DIR")
    return parser.parse_args(argv)


def check_flags(args: argparse.Namespace, kind: str) -> None:
    """Raise `ValueError` for a flag that means nothing for this kind of dataset."""
    in_context = f"--in_context {args.in_context}"
    for flag, value in (("--known_claims_from", args.known_claims_from), (in_context, args.in_context in CLAIMS_ONLY)):
        if value and kind != "default":
            raise ValueError(f"expected no {flag} with a dataset of the kind {kind}, got it; it goes with claims only")


def check_folder(args: argparse.Namespace) -> None:
    """Raise `ValueError` where the run would lose something that is in its folder."""
    from sycophancy.answering.answers import SETTINGS, check_unfinished

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

    from sycophancy.dataset.kinds import load_rows
    from sycophancy.dataset.reading import load_claims, take_clusters

    kind, rows = load_rows(args.dataset_name, args.split, args.dataset_revision)
    check_flags(args, kind.name)
    rows, shots = take_clusters(rows, args.limit), []
    if args.in_context in WITH_SHOTS:
        shots = list(load_claims(args.dataset_name, "train", args.dataset_revision))
    in_context = context_of(args.in_context, shots, args.seed)
    if shots:
        rows = rows.add_column("shots", [in_context(row)[1] for row in rows])

    from accelerate.utils import set_seed

    from sycophancy.answering.answers import begin
    from sycophancy.answering.measuring import describe, describe_dataset, known_in, measure
    from sycophancy.answering.models import load_asked
    from sycophancy.answering.processes import start_processes
    from sycophancy.answering.prompts import set_template_arguments

    set_seed(args.seed)
    known = known_in(args.known_claims_from, rows) if args.known_claims_from else None
    loaded = load_asked(args)
    model, tokenizer = loaded
    set_template_arguments(tokenizer, args.chat_template_kwargs)
    dataset = describe_dataset(args.dataset_name, args.dataset_revision, args.split, len(rows)) | {"kind": kind.name}
    fingerprint = loaded.record["fingerprint"]
    described = describe(args.model_name_or_path, fingerprint, args.model_revision, args.adapter, dataset)
    described["model"] |= loaded.record
    if args.adapter:
        described |= {"adapter_fingerprint": loaded.adapter["fingerprint"], "adapter_loaded": loaded.adapter}
    state = start_processes()
    model.to(state.device)

    asking = asking_of(args)
    config = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items()}
    if state.is_main_process:
        depends_on = {key: value for key, value in config.items() if key not in ("output_dir", "overwrite", "resume")}
        asking = replace(asking, partial=begin(args.output_dir, described | depends_on, args.resume))
    described["config"] = config
    record = measure(
        kind, asking, model, tokenizer, rows, args.output_dir, described, in_context=in_context, known=known
    )
    if state.is_main_process:
        from sycophancy.reporting import summary, write_pictures

        print(summary(record, *filter(None, [kind.meanings])))
        write_pictures(record, args.output_dir)
        print(f"wrote {args.output_dir}")
    state.destroy_process_group()


if __name__ == "__main__":
    run(main)
