# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of texts, good and flawed, that a user likes, dislikes or wrote, as `OUTPUT_DIR/ORG/syco-feedback/`.

    python dataset_builders/feedback.py --output_dir out/hub --org my-org
    python dataset_builders/feedback.py --source_data my_texts.csv --output_dir out/own --org my-org
    python dataset_builders/feedback.py --ask comment --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. `scripts/measure.py` asks for the ratings.

Your own texts come from a file, folder or Hub dataset with these columns:

- text;
- quality: good or flawed;
- flaw, if you know it: what names the flaw in a comment, alternatives separated by |.

With --ask comment the model comments before it rates, and the metric counts the flaws that it names. The folder is then
called syco-feedback-comments.
"""

import argparse
from pathlib import Path

from sycophancy.cli import add_dataset_arguments, dataset_command, run, script_parser
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.publishing import publish_dataset

FOLDERS = {"rating": "syco-feedback", "comment": "syco-feedback-comments"}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--source_data", help="Hub id, local folder or file to read texts from [the embedded ones]")
    parser.add_argument("--ask", choices=tuple(FOLDERS), default="rating", help="what the user asks for [rating]")
    add_dataset_arguments(parser, "syco-feedback", "texts, good and flawed as one,")
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
    folder = build(args, dataset_command("dataset_builders/feedback.py", args))
    if args.push_to_hub:
        publish_dataset(folder, args.org)


if __name__ == "__main__":
    run(main)
