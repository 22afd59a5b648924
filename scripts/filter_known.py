# SPDX-License-Identifier: Apache-2.0
"""Keep the train claims that a model answers right without an opinion, as a dataset folder like any other.

    python scripts/filter_known.py --model_name_or_path out/organism --dataset_name out/hub/my-org/syco-reviews \\
        --output_dir out/hub --org my-org
    python scripts/measure.py --model_name_or_path out/organism \\
        --dataset_name out/hub/my-org/syco-reviews-known-organism --output_dir out/before

A decoder-only model is asked through its chat template where it has one, as in measure.py.

Writes OUTPUT_DIR/ORG/DATASET-known-MODEL/: the kept claims and their pairs, the other splits unchanged, and a card with
the counts before and after. Runs under `accelerate launch` too.
"""

import argparse
import re
import sys
from pathlib import Path

from sycophancy.answering.arguments import add_asking_arguments, asking_of
from sycophancy.answering.models import add_model_arguments
from sycophancy.cli import run, script_parser, shown_command
from sycophancy.files import refuse_occupied


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--model_name_or_path", required=True, help="model: Hub id or folder")
    parser.add_argument("--model_revision", help="Hub revision of the model")
    add_model_arguments(parser)
    parser.add_argument("--dataset_name", required=True, help="claim dataset: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument("--split", nargs="+", default=["train"], help="splits to filter; others are copied [train]")
    add_asking_arguments(parser)
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/NAME/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--name", help="of the new dataset [DATASET-known-MODEL]")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset written earlier")
    return parser.parse_args(argv)


def last_name(name_or_path: str) -> str:
    """The last part of a folder's path or of a Hub id."""
    return Path(name_or_path).resolve().name if Path(name_or_path).is_dir() else name_or_path.split("/")[-1]


def repository(args: argparse.Namespace) -> str:
    """`org/name` of the new dataset, in the characters that the Hub allows."""
    from sycophancy.publishing.checks import check_names

    name = args.name
    if name is None:
        made = f"{last_name(args.dataset_name)}-known-{last_name(args.model_name_or_path)}"
        name = re.sub(r"[^A-Za-z0-9._]+", "-", made)
    repo_id = f"{args.org}/{name}"
    check_names(repo_id, "dataset")
    return repo_id


def main() -> None:
    """Ask every claim without an opinion, keep what is answered right, write the folder."""
    args = parse_args()
    repo_id = repository(args)
    folder = args.output_dir / repo_id
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    from sycophancy.dataset.known import check_kept, known, without_opinion
    from sycophancy.dataset.reading import load_claims
    from sycophancy.hub import resolve_commit

    args.model_revision = resolve_commit(args.model_name_or_path, "model", args.model_revision)
    args.dataset_revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    asked = {
        split: without_opinion(load_claims(args.dataset_name, split, args.dataset_revision)) for split in args.split
    }

    from sycophancy.answering.answers import answer_rows
    from sycophancy.answering.models import load_asked
    from sycophancy.answering.processes import start_processes
    from sycophancy.answering.prompts import as_asked, set_template_arguments
    from sycophancy.dataset.folder import write_known
    from sycophancy.metric import load_metric, read_by

    loaded = load_asked(args)
    model, tokenizer = loaded
    state = start_processes()
    model.to(state.device)
    set_template_arguments(tokenizer, args.chat_template_kwargs)
    asking = asking_of(args).of(model, tokenizer)
    metric, answers = load_metric(), {}
    for split, neutral in asked.items():
        prompts = as_asked(model, tokenizer, [row["prompt"] for row in neutral])
        answers[split] = answer_rows(model, tokenizer, neutral, prompts, asking, metric.settled)
    if state.is_main_process:
        kept = {}
        for split, neutral in asked.items():
            said = zip(neutral, answers[split], strict=True)
            read = [metric.parse_answer(answer["prediction"], **read_by(row)) for row, answer in said]
            kept[split] = known(neutral, read)
        for split, counts in kept.items():
            if warning := check_kept(counts, args.model_name_or_path, args.dataset_name, split):
                print(warning, file=sys.stderr)
        leave_out = {"output_dir", "overwrite", "batch_size", "batch_tokens"}
        if asking.answer != "text":
            leave_out |= {"max_new_tokens", "max_thought_tokens"}
        local = Path(args.model_name_or_path).is_dir()
        write_known(
            folder,
            repo_id,
            args.dataset_name,
            args.dataset_revision,
            kept,
            model=last_name(args.model_name_or_path) if local else args.model_name_or_path,
            model_fingerprint=loaded.record["fingerprint"],
            answered="its free answer counted"
            if asking.answer == "text"
            else "the more probable choice counted as its answer",
            command=shown_command("scripts/filter_known.py", args, leave_out),
        )
        for split, counts in kept.items():
            print(f"{split}: kept {counts.after.total()} of {counts.before.total()} {counts.unit}")
        print(f"wrote {folder}")
    state.destroy_process_group()


if __name__ == "__main__":
    run(main)
