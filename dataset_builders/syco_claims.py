# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of claims with and without a user's opinion, as `OUTPUT_DIR/ORG/syco-SOURCE/`.

    python dataset_builders/syco_claims.py --source reviews --output_dir out/hub --org my-org
    python dataset_builders/syco_claims.py --source sst2 --output_dir out/hub --org my-org
    python dataset_builders/syco_claims.py --source custom --source_data my_folder --text_columns sentence \\
        --label_column label --label_names "negative,positive" --statement 'the sentiment of "{sentence}" is {label}' \\
        --name mine --output_dir out/hub --org my-org

A claim says something of a text. Each is put to the model alone, by a user who is wrong about it, and by one who is
right. The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks about
the claims.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from sycophancy.claims.building import rows_by_processes
from sycophancy.claims.custom import check_name, custom_source
from sycophancy.claims.denials import doubtful_labels
from sycophancy.claims.people import INTRODUCTIONS
from sycophancy.claims.rows import MEASUREMENT_SPLITS
from sycophancy.claims.sources import at_most, read_source, without_fragments
from sycophancy.claims.tasks import MENDED, SOURCES, Source
from sycophancy.claims.wordings import WORDINGS
from sycophancy.cli import add_source_arguments, dataset_command, run, script_parser
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.publishing import publish_dataset

CUSTOM = "custom"
CUSTOM_FLAGS = ("name", "text_columns", "label_column", "label_names", "statement", "negated_statement", "license")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    names = [wording.name for wording in WORDINGS]
    parser = script_parser(__doc__)
    parser.add_argument("--source", required=True, choices=[*sorted(SOURCES), CUSTOM], help="source task")
    add_source_arguments(parser, "syco-SOURCE")
    parser.add_argument(
        "--templates",
        nargs="+",
        metavar="NAME",
        choices=names,
        help=f"wordings to use, of {', '.join(names)} [all]",
    )
    parser.add_argument(
        "--introduction",
        choices=tuple(INTRODUCTIONS),
        default="name_first",
        help="how users say who they are; role_first puts it in other words than the datasets that are tuned on [name_first]",
    )
    parser.add_argument("--raw_texts", action="store_true", help="show texts as the source has them: it 's , n't")
    own = parser.add_argument_group("a task of your own, --source custom")
    own.add_argument("--name", help="the folder is called syco-NAME [custom]")
    own.add_argument("--text_columns", metavar="NAMES", help="columns with texts, separated by commas")
    own.add_argument("--label_column", metavar="NAME", help="column with the labels, 0, 1, ... or their names")
    own.add_argument("--label_names", metavar="WORDS", help="words for the labels 0, 1, ..., separated by commas")
    own.add_argument("--statement", metavar="TEXT", help="with a slot per text column and {label}")
    own.add_argument("--negated_statement", metavar="TEXT", help='[" is {label}" becomes " is not {label}"]')
    own.add_argument("--license", metavar="ID", help="of the data, as the Hub calls it [unknown]")
    args = parser.parse_args(argv)
    required = {"source_data", *CUSTOM_FLAGS} - {"name", "negated_statement", "license"}
    if args.source == CUSTOM and (missing := sorted(flag for flag in required if getattr(args, flag) is None)):
        parser.error(f"--source custom: expected also --{', --'.join(missing)}")
    if args.source != CUSTOM and (given := [flag for flag in CUSTOM_FLAGS if getattr(args, flag) is not None]):
        parser.error(f"--{', --'.join(given)}: expected with --source custom only, got --source {args.source}")
    return args


def described_source(args: argparse.Namespace) -> tuple[str, Source]:
    """The name and description of the source task that the command line names."""
    if args.source != CUSTOM:
        return args.source, SOURCES[args.source]
    columns, names = ([part.strip() for part in given.split(",")] for given in (args.text_columns, args.label_names))
    source = custom_source(
        columns, args.label_column, names, args.statement, args.negated_statement, args.license or "unknown"
    )
    name = args.name or CUSTOM
    check_name(name)
    if args.negated_statement is None and (doubt := doubtful_labels(names)):
        print(f"warning: --label_names: {doubt}", file=sys.stderr)
    return name, source


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    task, source = described_source(args)
    folder = args.output_dir / args.org / f"syco-{task}"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    print(f"reading {task} ...", file=sys.stderr)
    exclude = {}
    if args.exclude:
        from sycophancy.dataset.exclusion import measured_keys

        exclude = dict(map(measured_keys, args.exclude))
    source_rows = read_source(task, source, args.source_data, args.source_config, exclude, args.encoding)
    source_rows = without_fragments(task, source_rows)

    from sycophancy.dataset.cards import render_claims_card
    from sycophancy.dataset.folder import write_claims, write_pairs

    wordings = tuple(w for w in WORDINGS if args.templates is None or w.name in args.templates)
    if all(wording.held_out for wording in wordings):
        raise ValueError(f"--templates: expected one that may occur in train, got {', '.join(args.templates)}")
    mend = None if args.raw_texts else MENDED.get(task)
    statement = dataclasses.replace(source.statement, introduction=args.introduction, mend=mend)
    with written_whole(folder) as partial:
        facts = {}
        for split in [split for split in ("train", *MEASUREMENT_SPLITS) if split in source_rows.items]:
            # Popped, so that a split's files are given up once it is written.
            items = at_most(source_rows.items.pop(split), args.limit)
            rows = rows_by_processes(items, statement, args.seed, wordings, args.num_proc)
            facts[split] = write_claims(partial, split, rows)
            del items, rows
        pairs = write_pairs(partial, facts)
        name = f"{args.org}/{folder.name}"
        card = render_claims_card(name, task, source, source_rows, facts, args.seed, command, pairs, mend is not None)
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        dropped = source_rows.dropped[split].total()
        print(f"{split}: {fact.rows} rows from {fact.clusters} source rows, {dropped} dropped")
    print(f"wrote {folder}")
    return folder


def card_command(args: argparse.Namespace) -> str:
    """The command as the card shows it: without what changes no byte of the dataset."""
    usual = ["introduction"] if args.introduction == "name_first" else []
    return dataset_command("dataset_builders/syco_claims.py", args, usual)


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    folder = build(args, card_command(args))
    if args.push_to_hub:
        publish_dataset(folder, args.org)


if __name__ == "__main__":
    run(main)
