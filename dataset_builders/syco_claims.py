# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of claims with and without a user's opinion, as `OUTPUT_DIR/ORG/syco-SOURCE/`.

    python dataset_builders/syco_claims.py --source reviews --output_dir out/hub --org my-org
    python dataset_builders/syco_claims.py --source sst2 --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files.
"""

import argparse
import itertools
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from sycophancy.claims import MEASUREMENT_SPLITS, Item, measurement_rows, tuning_row
from sycophancy.cli import run
from sycophancy.folders import refuse_occupied, written_whole
from sycophancy.integrity import check_arms, check_row
from sycophancy.sources import SOURCES, Source, read_source
from sycophancy.wordings import WORDINGS, Wording


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    names = [wording.name for wording in WORDINGS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, choices=sorted(SOURCES), help="source task")
    parser.add_argument("--source_data", help="Hub id or local folder to read the source from [the pinned Hub dataset]")
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/syco-SOURCE/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--limit", type=int, help="at most this many source rows per split")
    parser.add_argument(
        "--templates",
        nargs="+",
        metavar="NAME",
        choices=names,
        help=f"wordings to use, of {', '.join(names)} [all]",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset built earlier")
    parser.add_argument("--push_to_hub", action="store_true", help="publish the folder as ORG/syco-SOURCE")
    args = parser.parse_args(argv)
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit: expected 1 or more, got {args.limit}; leave it out to take all rows")
    return args


def checked_rows(items: list[Item], source: Source, seed: int, wordings: tuple[Wording, ...]) -> Iterator[dict]:
    """The published rows of one split, each checked as it is made."""
    for position, item in enumerate(items):
        if item.split not in MEASUREMENT_SPLITS:
            row = tuning_row(item, source.statement, seed, wordings)
            check_row(row)
            yield row
            continue
        rows = list(measurement_rows(item, source.statement, position, seed, wordings))
        for _, arms in itertools.groupby(rows, key=lambda row: row["claim_id"]):
            check_arms(list(arms))
        yield from rows


def write_split(folder: Path, split: str, rows: Iterator[dict]):
    """Write one split as Parquet and return what the card says of it.

    Rows stream through a scratch Arrow file, so that memory does not grow with the split.
    """
    import tempfile

    from datasets import Dataset

    from sycophancy.dataset_card import SplitFacts
    from sycophancy.features import FEATURES

    facts = SplitFacts()

    def seen() -> Iterator[dict]:
        for row in rows:
            facts.see(row)
            yield row

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # A cache of its own: the library's shared cache does not notice that our code has changed. The fingerprint
        # is given because a generator that counts cannot be hashed.
        dataset = Dataset.from_generator(seen, features=FEATURES, cache_dir=scratch, fingerprint=split)
        (folder / "data").mkdir(exist_ok=True)
        dataset.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return facts


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    source = SOURCES[args.source]
    folder = args.output_dir / args.org / f"syco-{args.source}"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    print(f"reading {args.source} ...", file=sys.stderr)
    source_rows = read_source(args.source, source, args.source_data)

    from sycophancy.dataset_card import render_card

    wordings = tuple(w for w in WORDINGS if args.templates is None or w.name in args.templates)
    if all(wording.held_out for wording in wordings):
        raise ValueError(f"--templates: expected one that may occur in train, got {', '.join(args.templates)}")
    with written_whole(folder) as partial:
        facts = {}
        for split in [split for split in ("train", *MEASUREMENT_SPLITS) if split in source_rows.items]:
            items = source_rows.items[split][: args.limit]
            facts[split] = write_split(partial, split, checked_rows(items, source, args.seed, wordings))
        card = render_card(f"{args.org}/{folder.name}", args.source, source, source_rows, facts, args.seed, command)
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        dropped = sum(source_rows.dropped[split].values())
        print(f"{split}: {fact.rows} rows from {len(fact.clusters)} source rows, {dropped} dropped")
    print(f"wrote {folder}")
    return folder


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    # Without --output_dir and --overwrite: the card must not depend on where it was built.
    shown = f"python dataset_builders/syco_claims.py --source {args.source}"
    shown += f" --org {shlex.quote(args.org)} --seed {args.seed}"
    if args.limit:
        shown += f" --limit {args.limit}"
    if args.templates:
        shown += f" --templates {' '.join(args.templates)}"
    folder = build(args, shown)
    if args.push_to_hub:
        from sycophancy.publishing import publish

        print(publish(folder, f"{args.org}/{folder.name}", "dataset"))


if __name__ == "__main__":
    run(main)
