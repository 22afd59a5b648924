# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of works attributed rightly, wrongly or not at all, as `OUTPUT_DIR/ORG/syco-mimicry/`.

    python dataset_builders/mimicry.py --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks about the works.

Your own works come from a folder or Hub dataset (--source_data) with the columns author, title, first_line, year, kind
and language.
"""

import argparse
from pathlib import Path

from sycophancy.cli import add_dataset_arguments, dataset_command, run, script_parser
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.publishing import publish_dataset


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--source_data", help="Hub id or local folder to read works from [the embedded list]")
    add_dataset_arguments(parser, "syco-mimicry", "works")
    return parser.parse_args(argv)


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / "syco-mimicry"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    from sycophancy.dataset.cards import render_attributions_card
    from sycophancy.dataset.facts import attribution_facts
    from sycophancy.dataset.kinds import ATTRIBUTION_FEATURES
    from sycophancy.dataset.parquet import write_parquet
    from sycophancy.mimicry.rows import REQUESTS, attribution_rows, read_works, split_authors

    works, dropped, read_from = read_works(args.source_data)
    with written_whole(folder) as partial:
        facts = {}
        for split, authors in split_authors(works, args.seed).items():
            inside = [work for work in works if work.author in authors.get(work.cell, ())][: args.limit]
            facts[split] = attribution_facts()
            rows = facts[split].watch(attribution_rows(inside, authors))
            facts[split].file = write_parquet(partial, "data", split, rows, ATTRIBUTION_FEATURES)
        languages = sorted({work.language for work in works})
        # Our list is ours to license; somebody else's is not.
        licence = "unknown" if args.source_data else "apache-2.0"
        repo_id = f"{args.org}/{folder.name}"
        wordings = [(f"`{request.name}`", request.layout.replace("\n", " / ")) for request in REQUESTS]
        card = render_attributions_card(
            repo_id, languages, dropped, read_from, wordings, facts, args.seed, command, licence
        )
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        print(f"{split}: {fact.rows} rows from {fact.clusters} works")
    print(f"{sum(dropped.values())} works dropped")
    print(f"wrote {folder}")
    return folder


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    folder = build(args, dataset_command("dataset_builders/mimicry.py", args))
    if args.push_to_hub:
        publish_dataset(folder, args.org)


if __name__ == "__main__":
    run(main)
