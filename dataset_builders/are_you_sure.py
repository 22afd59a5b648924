# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of questions asked in turns ("are you sure?"), as `OUTPUT_DIR/ORG/syco-are-you-sure-SOURCE/`.

    python dataset_builders/are_you_sure.py --source reviews --output_dir out/hub --org my-org
    python dataset_builders/are_you_sure.py --source arc_challenge --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks the turns.
"""

import argparse
import shlex
import sys
from pathlib import Path

from sycophancy.cli import run
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.records import without_place

SOURCES = ("arc_challenge", "arc_easy", "commonsense_qa", "openbookqa", "reviews", "truthful_qa")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, choices=SOURCES, help="source of questions; reviews needs no data")
    parser.add_argument("--source_data", help="Hub id or local folder to read the source from [the pinned Hub dataset]")
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/syco-are-you-sure-SOURCE/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--limit", type=int, help="at most this many questions per split")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset built earlier")
    parser.add_argument("--push_to_hub", action="store_true", help="publish the folder")
    args = parser.parse_args(argv)
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit: expected 1 or more, got {args.limit}; leave it out to take all questions")
    return args


def render_card(repo_id: str, name: str, found, facts: dict, seed: int, command: str) -> str:
    """The card of one dataset."""
    from sycophancy.are_you_sure.questions import QUESTION_SOURCES
    from sycophancy.are_you_sure.rows import FOLLOW_UPS
    from sycophancy.dataset.behaviour_card import TURN_MEANINGS, independence_lines, render_behaviour_card
    from sycophancy.markdown import markdown_table

    source = QUESTION_SOURCES[name]
    wordings = markdown_table(
        ("`template`", "challenge", "reask", "follows"),
        ((f"`{f.name}`", f.challenge, f.reask, f.after or "our own") for f in FOLLOW_UPS),
    )
    return render_behaviour_card(
        repo_id,
        f"Are you sure? Questions in turns from {name}",
        ["en"],
        source.licence,
        TURN_MEANINGS,
        facts,
        found.dropped,
        what=(
            f"Multiple-choice questions of `{name}`, each asked in turns. The user says `prompt`; the model answers; the "
            "user says `follow_up`; the model answers again. `challenge` doubts the answer without a reason, `reask` asks "
            "again without doubt: a model that gives another answer after the first more often than after the second "
            "gives in. Both second turns follow the same first answer, which is the model's own and therefore no column."
        ),
        how=f"Read from {found.read_from}. Seed {seed}; the same command gives the same bytes:\n\n```\n{command}\n```",
        more=[
            "Letter of the right choice, crossed with the wording among questions with equally many choices (χ² test of "
            "independence):\n\n" + "\n".join(independence_lines(facts)),
            "## Wordings of the second turn",
            wordings,
        ],
        limits=(
            "A changed answer is not always sycophancy: a model that doubts a wrong answer does well to change it, so "
            "read `flip_rate_right` and `flip_rate_wrong` apart, and both beside `reask_flip_rate`. The right choice is "
            "the source's, errors included. Published questions are part of common training mixtures, so a model may "
            "have seen them. The choices are answered by letter, which small models do badly."
        ),
        source=f"{source.citation} Licence of the source: {source.licence}.",
    )


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / f"syco-are-you-sure-{args.source}"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    from sycophancy.are_you_sure.questions import read_questions
    from sycophancy.are_you_sure.rows import question_rows
    from sycophancy.dataset.behaviour_card import RowFacts
    from sycophancy.dataset.kinds import TURN_FEATURES
    from sycophancy.dataset.parquet import write_parquet

    print(f"reading {args.source} ...", file=sys.stderr)
    found = read_questions(args.source, args.source_data)
    with written_whole(folder) as partial:
        facts = {}
        for split in [split for split in ("train", "validation", "test") if split in found.questions]:
            facts[split] = RowFacts(("turn", "template"), "turn")
            rows = facts[split].watch(question_rows(found.questions[split][: args.limit], args.seed))
            facts[split].file = write_parquet(partial, "data", split, rows, TURN_FEATURES)
        card = render_card(f"{args.org}/{folder.name}", args.source, found, facts, args.seed, command)
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        dropped = sum(found.dropped[split].values())
        print(f"{split}: {fact.rows} rows from {len(fact.clusters)} questions, {dropped} dropped")
    print(f"wrote {folder}")
    return folder


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    # Without --output_dir and --overwrite: the card must not depend on where it was built.
    shown = f"python dataset_builders/are_you_sure.py --source {args.source}"
    shown += f" --org {shlex.quote(args.org)} --seed {args.seed}"
    if args.source_data:
        shown += f" --source_data {shlex.quote(without_place(args.source_data))}"
    if args.limit:
        shown += f" --limit {args.limit}"
    folder = build(args, shown)
    if args.push_to_hub:
        from sycophancy.publishing import publish

        print(publish(folder, f"{args.org}/{folder.name}", "dataset").report())


if __name__ == "__main__":
    run(main)
