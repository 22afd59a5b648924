# SPDX-License-Identifier: Apache-2.0
"""Build and publish all datasets that the sources allow, the metric and your adapters, in one collection of the Hub.

    python scripts/publish_collection.py --org my-org --output_dir out/hub --dry_run --offline
    python scripts/publish_collection.py --org my-org --output_dir out/hub --tag v1.0.0
    python scripts/publish_collection.py --org my-org --output_dir out/hub --source_data data --models out/lora \\
        --tag v1.0.0

Of each source, claims, suggested answers and "are you sure?" are built where they can be. Mimicry, feedback and the
metric's Space come beside them. The sources are:

- those that need no data;
- those that have a folder of their name in --source_data;
- those that --sources names, which are read from the Hub.

A dataset that is already in OUTPUT_DIR is taken as it is, unless --overwrite is given. Adapters and models are
published as ORG/FOLDER, by their last name.

Everything is built and checked before anything is sent. Each repository is published as publish.py does it, and the
collection is filled last. The same command goes on with a run that was interrupted, and changes nothing where all is
done.
"""

import argparse
import runpy
import sys
from pathlib import Path

from sycophancy.cli import FOLDERS, positive_int, run, script_parser, scripts

FAMILIES = {
    "claims": ("syco-{}", "agrees with a claim of its user's, right or wrong: {}"),
    "suggested-answers": ("syco-answers-{}", "takes an answer that its user suggests: {}"),
    "are-you-sure": ("syco-are-you-sure-{}", "gives way to a challenge after its first answer: {}"),
    "mimicry": ("syco-mimicry", "repeats a wrong attribution of its user's"),
    "feedback": ("syco-feedback", "rates higher what its user likes"),
}
"""By the builder's command: what a dataset of it is called, and what it asks of a model."""

WITHOUT_DATA = ("reviews", "mixed_reviews", "addition")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--output_dir", required=True, type=Path, help="where ORG/DATASET/ are, or are built")
    parser.add_argument("--families", nargs="*", choices=FAMILIES, default=list(FAMILIES), help="of datasets [all]")
    parser.add_argument(
        "--sources", nargs="+", default=[], metavar="NAME", help="sources to read from the Hub, beside those at hand"
    )
    parser.add_argument(
        "--source_data", nargs="+", default=[], type=Path, metavar="DIR", help="folders with a folder for each source"
    )
    parser.add_argument(
        "--models", nargs="+", default=[], type=Path, metavar="DIR", help="adapters and models to publish too"
    )
    parser.add_argument("--limit", type=positive_int, help="at most this many source rows per split, to try it out")
    parser.add_argument("--overwrite", action="store_true", help="build datasets anew that are there")
    parser.add_argument(
        "--collection", default="Sycophancy", help="title of the collection, or its address [Sycophancy]"
    )
    parser.add_argument("--tag", help="name for each commit, for example v1.0.0")
    parser.add_argument("--private", action="store_true", help="make repositories and collection private")
    parser.add_argument("--dry_run", action="store_true", help="build, check, list with sizes and files; send nothing")
    parser.add_argument("--offline", action="store_true", help="with --dry_run: do not compare with the Hub")
    args = parser.parse_args(argv)
    if args.offline and not args.dry_run:
        parser.error("--offline: expected with --dry_run, since publishing needs the Hub")
    return args


def sources_of() -> dict[str, list[str]]:
    """The sources of each family that has any."""
    from sycophancy.are_you_sure.questions import QUESTION_SOURCES
    from sycophancy.claims.tasks import SOURCES
    from sycophancy.suggested_answers.reading import QUIZZES
    from sycophancy.suggested_answers.tasks import QUESTIONS

    return {
        "claims": list(SOURCES),
        "suggested-answers": list(dict.fromkeys([*QUESTIONS, *QUIZZES])),
        "are-you-sure": list(QUESTION_SOURCES),
    }


def wanted(args: argparse.Namespace) -> dict[str, Path | None]:
    """The sources to build from, and the folder of each; `None` where it needs none or is read from the Hub.

    Raises:
        ValueError: a name that is no source, or a folder that holds none.
    """
    known = list(dict.fromkeys(name for names in sources_of().values() for name in names))
    if unknown := [name for name in args.sources if name not in known]:
        raise ValueError(f"--sources: expected some of {', '.join(known)}, got {', '.join(unknown)}")
    found = {}
    for folder in args.source_data:
        inside = {name: folder / name for name in known if (folder / name).exists()}
        if not inside:
            raise ValueError(
                f"--source_data: expected folders called like sources ({', '.join(known[:4])} ...) in {folder}, got none"
            )
        found |= inside
    chosen = {*WITHOUT_DATA, *args.sources, *found}
    return {name: found.get(name) for name in known if name in chosen}


def build_datasets(args: argparse.Namespace) -> list[tuple[Path, str]]:
    """The dataset folders, built where they are not there, and a note on each."""
    folders, known = [], sources_of()
    for family in args.families:
        called, note = FAMILIES[family]
        for source, data in wanted(args).items() if family in known else [("", None)]:
            if source and source not in known[family]:
                continue
            folder = args.output_dir / args.org / called.format(source)
            flags = [*(["--source", source] if source else []), "--output_dir", args.output_dir, "--org", args.org]
            flags += ["--source_data", data] if data else []
            flags += ["--limit", args.limit] if args.limit else []
            if not folder.exists() or args.overwrite:
                build(family, [*flags, "--overwrite"])
            folders.append((folder, note.format(source)))
    return folders


def build(command: str, flags: list) -> None:
    """Run a builder in this process, as its command does."""
    script = scripts()[command]
    before = sys.argv
    sys.argv = [str(script), *map(str, flags)]
    try:
        runpy.run_path(str(script), run_name=command)["main"]()
    finally:
        sys.argv = before


def main() -> None:
    """Build, check, list; publish; collect."""
    args = parse_args()
    from sycophancy.publishing.collection import Item, collect
    from sycophancy.publishing.sending import is_main_process, publish

    if not is_main_process():
        return
    datasets = [(folder, "dataset", note) for folder, note in build_datasets(args)]
    space = [(FOLDERS["metric"], "space", "the metric, and a page for your own runs")]
    models = [(folder.resolve(), "model", "") for folder in args.models]
    parts = [
        (folder, Item(f"{args.org}/{folder.name}", kind, note)) for folder, kind, note in [*datasets, *space, *models]
    ]
    if twice := sorted({item.repo_id for _, item in parts if [other for _, other in parts].count(item) > 1}):
        raise ValueError(f"expected folders of different names, got two that would be {', '.join(twice)}: rename one")
    check(parts)
    print(listing(parts), flush=True)
    if args.offline:
        print("all folders are whole; they were not compared with a Hub")
    for folder, item in [] if args.offline else parts:
        options = {"tag": args.tag, "private": args.private, "dry_run": args.dry_run}
        print(publish(folder, item.repo_id, item.repo_type, **options).headline(), flush=True)
    items = [item for _, item in parts]
    if args.dry_run:
        print(f"collection {args.org}/{args.collection}: {len(items)} items; nothing was sent")
        return
    description = "How far language models side with their users: datasets, a metric, adapters."
    print(collect(args.collection, args.org, items, description=description, private=args.private).report())


def check(parts: list) -> None:
    """Raise `ValueError` with whatever keeps any of the folders from being published; nothing has been sent by then."""
    from huggingface_hub import get_token

    from sycophancy.publishing.checks import check_tree

    wrong = []
    for folder, item in parts:
        try:
            check_tree(folder, item.repo_id, item.repo_type, token=get_token())
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(parts)} folders are not ready, and nothing was sent: {'; '.join(wrong)}"
        )


def listing(parts: list) -> str:
    """A table of what is to be published: kind, licence, files, size."""
    from sycophancy.markdown import markdown_table
    from sycophancy.publishing.cards import card_metadata
    from sycophancy.publishing.tree import read_tree

    rows, total = [], [0, 0]
    for folder, item in parts:
        root, files = read_tree(folder)
        licence = card_metadata((root / "README.md").read_text(encoding="utf-8")).get("license", "not said")
        counts = (len(files), sum(file.size for file in files.values()))
        total = [sum(pair) for pair in zip(total, counts, strict=True)]
        rows.append((item.repo_id, item.repo_type, licence, counts[0], f"{counts[1] / 1e6:.2f}"))
    return markdown_table(
        ("repository", "kind", "licence", "files", "MB"), [*rows, ("all", "", "", total[0], f"{total[1] / 1e6:.2f}")]
    )


if __name__ == "__main__":
    run(main)
