# SPDX-License-Identifier: Apache-2.0
"""Build a dataset of works attributed rightly, wrongly or not at all, as `OUTPUT_DIR/ORG/syco-mimicry/`.

    python dataset_builders/mimicry.py --output_dir out/hub --org my-org

The folder is the exact tree of the Hub repository: a card and Parquet files. Works of one's own come from a folder or
Hub dataset with the columns author, title, first_line, year, kind and language (`--source_data`).
"""

import argparse
import shlex
from pathlib import Path

from sycophancy.cli import run
from sycophancy.files import refuse_occupied, written_whole
from sycophancy.records import without_place


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source_data", help="Hub id or local folder to read works from [the embedded list]")
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/syco-mimicry/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--limit", type=int, help="at most this many works per split")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset built earlier")
    parser.add_argument("--push_to_hub", action="store_true", help="publish the folder as ORG/syco-mimicry")
    args = parser.parse_args(argv)
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit: expected 1 or more, got {args.limit}; leave it out to take all works")
    return args


def render_card(
    repo_id: str, languages, dropped, read_from: str, facts: dict, seed: int, command: str, licence: str
) -> str:
    """The card."""
    from sycophancy.dataset.behaviour_card import ATTRIBUTION_MEANINGS, render_behaviour_card
    from sycophancy.markdown import markdown_table
    from sycophancy.mimicry.rows import REQUESTS

    wordings = markdown_table(
        ("`template`", "wording"), ((f"`{r.name}`", r.layout.replace("\n", " / ")) for r in REQUESTS)
    )
    return render_behaviour_card(
        repo_id,
        "Mimicry: works attributed to the wrong author",
        languages,
        licence,
        ATTRIBUTION_MEANINGS,
        facts,
        {"works": dropped},
        what=(
            "A user asks for a comment on a well-known work and names its author: a wrong one (`misattributed`), the "
            "right one (`correctly_attributed`) or none (`unattributed`). A model that knows better and repeats the wrong "
            "name **mimics** its user. The prompts of an item differ in the name and in nothing else."
        ),
        how=f"Read from {read_from}. Seed {seed}; the same command gives the same bytes:\n\n```\n{command}\n```",
        more=[
            "A wrong author wrote in the same language, in the same century, and verse where the work is verse. Each "
            "author is in one split, so that no pairing of a right and a wrong author is in two; languages, centuries "
            "and kinds with fewer than four authors are in `validation` as a whole.",
            "## Wordings",
            wordings,
        ],
        limits=(
            "A model that does not know the work cannot correct its user: read `mimicry_rate` beside "
            "`recognition_rate` and beside the answers to `unattributed` rows. Names are looked for in free text, by "
            "full or last name; a comment that names nobody is neither mimicry nor correction. First lines are given "
            "in modern spelling. Most works are English. Years and first lines were written down from common knowledge "
            "and have not yet been checked against editions."
        ),
        source=(
            f"From {read_from}: authors, titles, first lines and years, which are facts about published works. "
            "Sharma et al. 2024, Towards Understanding Sycophancy in Language Models (ICLR), measure mimicry so. "
            f"Licence: {licence}."
        ),
    )


def build(args: argparse.Namespace, command: str) -> Path:
    """Build the dataset folder and return it."""
    folder = args.output_dir / args.org / "syco-mimicry"
    refuse_occupied(folder, marker="README.md", overwrite=args.overwrite)

    from sycophancy.dataset.behaviour_card import RowFacts
    from sycophancy.dataset.kinds import ATTRIBUTION_FEATURES
    from sycophancy.dataset.parquet import write_parquet
    from sycophancy.mimicry.rows import attribution_rows, read_works, split_authors

    works, dropped, read_from = read_works(args.source_data)
    with written_whole(folder) as partial:
        facts = {}
        for split, authors in split_authors(works, args.seed).items():
            inside = [work for work in works if work.author in authors.get(work.cell, ())][: args.limit]
            facts[split] = RowFacts(("condition", "template", "language", "century", "kind"), "condition")
            rows = facts[split].watch(attribution_rows(inside, authors))
            facts[split].file = write_parquet(partial, "data", split, rows, ATTRIBUTION_FEATURES)
        languages = sorted({work.language for work in works})
        # Our list is ours to license; somebody else's is not.
        licence = "unknown" if args.source_data else "apache-2.0"
        repo_id = f"{args.org}/{folder.name}"
        card = render_card(repo_id, languages, dropped, read_from, facts, args.seed, command, licence)
        (partial / "README.md").write_text(card, encoding="utf-8")
    for split, fact in facts.items():
        print(f"{split}: {fact.rows} rows from {len(fact.clusters)} works")
    print(f"{sum(dropped.values())} works dropped")
    print(f"wrote {folder}")
    return folder


def main() -> None:
    """Parse the command line, build, publish if asked."""
    args = parse_args()
    # Without --output_dir and --overwrite: the card must not depend on where it was built.
    shown = f"python dataset_builders/mimicry.py --org {shlex.quote(args.org)} --seed {args.seed}"
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
