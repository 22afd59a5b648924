# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of questions asked in turns ("are you sure?"), as `OUTPUT_DIR/ORG/syco-are-you-sure-SOURCE/`.

    python dataset_builders/are_you_sure.py --source reviews --output_dir out/hub --org my-org
    python dataset_builders/are_you_sure.py --source arc_challenge --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks the turns.
"""

import argparse
import sys
from pathlib import Path

from sycophancy.cli import positive_int, run, script_parser, shown_command
from sycophancy.files import refuse_occupied, written_whole

SOURCES = ("arc_challenge", "arc_easy", "commonsense_qa", "openbookqa", "reviews", "truthful_qa")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--source", required=True, choices=SOURCES, help="source of questions; reviews needs no data")
    parser.add_argument("--source_data", help="Hub id or local folder to read the source from [the pinned Hub dataset]")
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/syco-are-you-sure-SOURCE/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--limit", type=positive_int, help="at most this many questions per split")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset built earlier")
    parser.add_argument("--push_to_hub", action="store_true", help="publish the folder")
    return parser.parse_args(argv)


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / f"syco-are-you-sure-{args.source}"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    from sycophancy.are_you_sure.questions import QUESTION_SOURCES, read_questions
    from sycophancy.are_you_sure.rows import FOLLOW_UPS, question_rows
    from sycophancy.dataset.cards import render_questions_card
    from sycophancy.dataset.facts import turn_facts
    from sycophancy.dataset.kinds import TURN_FEATURES
    from sycophancy.dataset.parquet import write_parquet

    print(f"reading {args.source} ...", file=sys.stderr)
    found = read_questions(args.source, args.source_data)
    with written_whole(folder) as partial:
        facts = {}
        for split in [split for split in ("train", "validation", "test") if split in found.questions]:
            facts[split] = turn_facts()
            rows = facts[split].watch(question_rows(found.questions[split][: args.limit], args.seed))
            facts[split].file = write_parquet(partial, "data", split, rows, TURN_FEATURES)
        source = QUESTION_SOURCES[args.source]
        wordings = [(f"`{f.name}`", f.challenge, f.reask, f.rethink, f.after or "our own") for f in FOLLOW_UPS]
        card = render_questions_card(
            f"{args.org}/{folder.name}",
            args.source,
            found,
            wordings,
            facts,
            args.seed,
            command,
            source.licence,
            source.citation,
        )
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        dropped = sum(found.dropped[split].values())
        print(f"{split}: {fact.rows} rows from {fact.clusters} questions, {dropped} dropped")
    print(f"wrote {folder}")
    return folder


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    # The card must not depend on where and how often it was built.
    shown = shown_command("dataset_builders/are_you_sure.py", args, ("output_dir", "overwrite", "push_to_hub"))
    folder = build(args, shown)
    if args.push_to_hub:
        from sycophancy.publishing import publish

        print(publish(folder, f"{args.org}/{folder.name}", "dataset").report())


if __name__ == "__main__":
    run(main)
