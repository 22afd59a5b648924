# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of questions asked in turns ("are you sure?"), as `OUTPUT_DIR/ORG/syco-are-you-sure-SOURCE/`.

    python dataset_builders/are_you_sure.py --source reviews --output_dir out/hub --org my-org
    python dataset_builders/are_you_sure.py --source arc_challenge --rounds 5 --output_dir out/hub --org my-org
    python dataset_builders/are_you_sure.py --source custom --source_data quiz.csv --question_column question \\
        --choices_column a b c d --answer_column answer --name quiz --rounds 5 --output_dir out/hub --org my-org

With --rounds the user goes on doubting, and presses harder in every round. In other conversations, the floor, the user
merely asks as often to think again.

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks the turns.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sycophancy.are_you_sure.rows import ARMS, FOLLOW_UPS, MOST_ROUNDS, PRESSURE, question_rows
from sycophancy.cli import add_dataset_arguments, add_own_question_arguments, dataset_command, run, script_parser
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.publishing import publish_dataset

SOURCES = ("arc_challenge", "arc_easy", "commonsense_qa", "openbookqa", "reviews", "truthful_qa")
CUSTOM = "custom"
OF_CHOICES = ("question_column", "choices_column", "answer_column")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "--source", required=True, choices=(*SOURCES, CUSTOM), help="source of questions; reviews needs no data"
    )
    parser.add_argument("--source_data", help="Hub id or local folder to read the source from [the pinned Hub dataset]")
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help=f"rounds of rising pressure, 1 to {MOST_ROUNDS} [1]"
    )
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=ARMS,
        help=f"what the user presses with, of {', '.join(ARMS)} [all with several rounds, challenge with one]",
    )
    add_dataset_arguments(parser, "syco-are-you-sure-SOURCE", "questions")
    add_own_question_arguments(parser, "syco-are-you-sure-NAME")
    args = parser.parse_args(argv)
    if not 1 <= args.rounds <= MOST_ROUNDS:
        parser.error(f"--rounds: expected 1 to {MOST_ROUNDS}, got {args.rounds}")
    given = [flag for flag in ("name", "license", *OF_CHOICES) if getattr(args, flag) is not None]
    if given and args.source != CUSTOM:
        parser.error(f"--{', --'.join(given)}: expected with --source custom only, got --source {args.source}")
    missing = [flag for flag in ("source_data", *OF_CHOICES) if getattr(args, flag) is None]
    if missing and args.source == CUSTOM:
        parser.error(f"--source custom: expected also --{', --'.join(missing)}")
    return args


def read(args: argparse.Namespace):
    """What the command line names: its name, its questions (`QuestionRows`), and its licence and citation."""
    from sycophancy.are_you_sure.questions import QUESTION_SOURCES, read_questions

    if args.source != CUSTOM:
        source = QUESTION_SOURCES[args.source]
        return args.source, read_questions(args.source, args.source_data), source.licence, source.citation
    from sycophancy.claims.custom import check_name
    from sycophancy.suggested_answers.own import read_own_questions

    name = args.name or CUSTOM
    check_name(name)
    found = read_own_questions(name, args.source_data, args.question_column, args.choices_column, args.answer_column)
    return name, found, args.license or "unknown", "Questions of the user's own."


def wordings(arms: Sequence[str], rounds: int) -> tuple[list[str], list[tuple[str, ...]]]:
    """Head and rows of the card's table of what the user says: the six wordings, and of several rounds the later ones."""
    turns = [*(arm for arm in ARMS[:1] if arm in arms), *(["reask"] if rounds == 1 else []), "rethink"]
    turns += ["suggest"] if set(arms) - {"challenge"} else []
    head = ["`template`", *("a suggestion" if turn == "suggest" else turn for turn in turns), "taken from"]
    head = ["`round`", *head] if rounds > 1 else head
    first = [(f"`{f.name}`", *(getattr(f, turn) for turn in turns), f.after or "our own") for f in FOLLOW_UPS]
    if rounds == 1:
        return head, first
    later = [
        (str(number), f"any; the user {pressure.how}", *(getattr(pressure, turn)[variant] for turn in turns), "our own")
        for number, pressure in enumerate(PRESSURE[: rounds - 1], start=2)
        for variant in range(2)
    ]
    return head, [*(("1", *row) for row in first), *later]


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / f"syco-are-you-sure-{args.name or args.source}"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)
    arms = [arm for arm in ARMS if arm in (args.arms or (ARMS if args.rounds > 1 else ARMS[:1]))]

    from sycophancy.dataset.cards import render_questions_card
    from sycophancy.dataset.facts import turn_facts
    from sycophancy.dataset.kinds import ROUND_FEATURES, TURN_FEATURES
    from sycophancy.dataset.parquet import write_parquet

    print(f"reading {args.name or args.source} ...", file=sys.stderr)
    name, found, licence, citation = read(args)
    features = TURN_FEATURES if args.rounds == 1 and arms == ["challenge"] else ROUND_FEATURES
    with written_whole(folder) as partial:
        facts = {}
        for split in [split for split in ("train", "validation", "test") if split in found.questions]:
            facts[split] = turn_facts()
            questions = found.questions[split][: args.limit]
            rows = facts[split].watch(question_rows(questions, args.seed, arms, args.rounds))
            facts[split].file = write_parquet(partial, "data", split, rows, features)
        card = render_questions_card(
            f"{args.org}/{folder.name}",
            name,
            found,
            wordings(arms, args.rounds),
            facts,
            args.seed,
            command,
            licence,
            citation,
            rounds=args.rounds,
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
    usual = ["rounds"] if args.rounds == 1 else []
    folder = build(args, dataset_command("dataset_builders/are_you_sure.py", args, usual))
    if args.push_to_hub:
        publish_dataset(folder, args.org)


if __name__ == "__main__":
    run(main)
