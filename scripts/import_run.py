# SPDX-License-Identifier: Apache-2.0
"""Make a run folder of what another harness logged: a model behind an API, in vLLM over many GPUs, in llama.cpp.

    python scripts/import_run.py logs/2026-11-26T05-20-00_syco-claims_x.eval --dataset_name my-org/syco-sst2 \\
        --output_dir out/api-model
    python scripts/import_run.py out/lm-eval/MODEL/samples_syco_claims_DATE.jsonl --dataset_name my-org/syco-sst2 \\
        --output_dir out/vllm-model
    python scripts/import_run.py my_answers.jsonl --dataset_name my-org/syco-sst2 --output_dir out/my-model

LOG is one of these:

- a log of Inspect (.eval, .json);
- samples_*.jsonl of lm-evaluation-harness, with results_*.json beside it;
- your own answers: a line {"id": ROW, "prediction": ANSWER} for each row;
- the predictions.jsonl of an older run, which is read again by today's reader.

The rows, the reader and the metric are those of measure.py. So compare.py, table.py and reports take the folder.

What the log lacks is printed, and counted in run.json under `imported`: samples that failed, samples of other rows,
answers of other epochs. A source item counts where all of its rows are answered. An answer that was cut off is not
read.

Writes OUTPUT_DIR/run.json and OUTPUT_DIR/predictions.jsonl.
"""

from pathlib import Path

from sycophancy.cli import positive_int, run, script_parser
from sycophancy.files import refuse_occupied


def main() -> None:
    """Read the log, match it with the rows, compute the metric, write the run folder."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "log",
        type=Path,
        metavar="LOG",
        help="an Inspect log, samples_*.jsonl of lm-eval, or lines of id and prediction",
    )
    parser.add_argument("--dataset_name", required=True, help="dataset that was asked: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument("--split", default="validation", help="split that was asked [validation]")
    parser.add_argument(
        "--epoch", type=positive_int, default=1, help="which answer to take where a row has several [1]"
    )
    parser.add_argument(
        "--known_claims_from", help="run folder of the base model, whose answers say which claims are known"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap [0]")
    parser.add_argument("--output_dir", required=True, type=Path, help="run folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run in OUTPUT_DIR")
    args = parser.parse_args()
    refuse_occupied(args.output_dir, marker="run.json", overwrite=args.overwrite)

    from sycophancy.harnesses.importing import import_log
    from sycophancy.hub import resolve_commit
    from sycophancy.reporting import kind_of_run, summary

    revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    config = {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()}
    record, lacking = import_log(
        args.log, args.dataset_name, args.split, args.output_dir, revision=revision, epoch=args.epoch, seed=args.seed,
        config=config, known_claims_from=args.known_claims_from,
    )  # fmt: skip
    print(summary(record, *filter(None, [kind_of_run(record).meanings])))
    if lacking:
        print("\n".join(["What the log lacks:", *(f"  - {sentence}" for sentence in lacking)]))
    print(f"wrote {args.output_dir}")


if __name__ == "__main__":
    run(main)
