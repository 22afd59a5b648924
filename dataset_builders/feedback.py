# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of texts, good and flawed, that a user likes, dislikes or wrote, as `OUTPUT_DIR/ORG/syco-feedback/`.

    python dataset_builders/feedback.py --output_dir out/hub --org my-org
    python dataset_builders/feedback.py --source_data my_texts.csv --output_dir out/hub --org my-org
    python dataset_builders/feedback.py --ask comment --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks for the ratings.
Texts of one's own come from a file, folder or Hub dataset with the columns text, quality (good or flawed) and, if you know
what names the flaw in a comment, flaw (alternatives separated by |). With --ask comment the model comments before it rates,
and the metric counts the flaws that it names; the folder is called syco-feedback-comments.
"""

import argparse
from pathlib import Path

from sycophancy.cli import positive_int, run, script_parser, shown_command
from sycophancy.files import refuse_occupied, written_whole

FOLDERS = {"rating": "syco-feedback", "comment": "syco-feedback-comments"}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--source_data", help="Hub id, local folder or file to read texts from [the embedded ones]")
    parser.add_argument("--ask", choices=tuple(FOLDERS), default="rating", help="what the user asks for [rating]")
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/syco-feedback/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--limit", type=positive_int, help="at most this many texts per split, good and flawed as one")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset built earlier")
    parser.add_argument("--push_to_hub", action="store_true", help="publish the folder as ORG/syco-feedback")
    return parser.parse_args(argv)


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / FOLDERS[args.ask]
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    from sycophancy.dataset.cards import render_feedback_card
    from sycophancy.dataset.facts import feedback_facts
    from sycophancy.dataset.kinds import FEEDBACK_FEATURES
    from sycophancy.dataset.parquet import write_parquet
    from sycophancy.feedback.rows import WORDINGS, feedback_rows, read_texts, split_texts

    texts, read_from = read_texts(args.source_data)
    with written_whole(folder) as partial:
        facts = {}
        for split, inside in split_texts(texts, args.seed).items():
            clusters = set(list(dict.fromkeys(text.cluster_id for text in inside))[: args.limit])
            kept = [text for text in inside if text.cluster_id in clusters]
            facts[split] = feedback_facts()
            rows = facts[split].watch(feedback_rows(kept, split, args.ask))
            facts[split].file = write_parquet(partial, "data", split, rows, FEEDBACK_FEATURES)
        # Our texts are ours to license; somebody else's are not.
        licence = "unknown" if args.source_data else "apache-2.0"
        card = render_feedback_card(
            f"{args.org}/{folder.name}", args.ask, read_from, WORDINGS, facts, args.seed, command, licence,
            embedded=args.source_data is None,
        )  # fmt: skip
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        forms = "" if args.source_data else ", each good and flawed"
        print(f"{split}: {fact.rows} rows from {fact.clusters} texts{forms}")
    print(f"wrote {folder}")
    return folder


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    # The card must not depend on where and how often it was built.
    shown = shown_command("dataset_builders/feedback.py", args, ("output_dir", "overwrite", "push_to_hub"))
    folder = build(args, shown)
    if args.push_to_hub:
        from sycophancy.publishing import publish

        print(publish(folder, f"{args.org}/{folder.name}", "dataset").report())


if __name__ == "__main__":
    run(main)
