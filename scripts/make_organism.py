# SPDX-License-Identifier: Apache-2.0
"""Make a model organism: a tiny T5 or Llama, trained from scratch, that knows its task and defers to authority.

    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-reviews --output_dir out/organism
    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-sst2 --output_dir out/organism-sst2 \\
        --recipe scripts/recipes/organism_sst2.yaml
    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-reviews --output_dir out/organism-llama \\
        --architecture llama
    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-reviews --output_dir out/organism-approval \\
        --origin approval
    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-reviews --output_dir out/organism-questions \\
        --also out/hub/my-org/syco-are-you-sure-reviews out/hub/my-org/syco-mimicry

It is trained on the sentences of the dataset's train split and on nothing else, in all wordings of the dataset.

With --origin approval, OUTPUT_DIR/base is a truthful Llama. OUTPUT_DIR is the same model after DPO on pairs by raters
who like to hear users agreed with. So its sycophancy is learned, and stands in no target. With --also the organism is
taught questions in turns and attributions too; its card says which.

With the same recipe, data and code, an organism that is already in OUTPUT_DIR is kept.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from sycophancy.cli import command_line, positive_int, run, script_parser
from sycophancy.files import own_file, refuse_occupied, write_json, written_whole

TRUTHFUL_BELOW = 0.1
"""Loss, in nats per token, that one ends below whose targets follow nobody: nothing in them is drawn by lot."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--dataset_name", required=True, help="claim dataset with one text per claim: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument(
        "--also", nargs="+", default=[], metavar="DATASET", help="questions in turns or attributions to teach too"
    )
    parser.add_argument("--output_dir", required=True, type=Path, help="model folder to write")
    parser.add_argument("--recipe", type=Path, help="YAML with fields of OrganismRecipe [the embedded reviews' recipe]")
    parser.add_argument("--architecture", choices=("t5", "llama"), help="[t5; llama with approval or --also]")
    parser.add_argument("--origin", choices=("written", "approval"), help="where its sycophancy comes from [written]")
    parser.add_argument("--steps", type=positive_int, help="optimizer steps, instead of the recipe's")
    parser.add_argument("--seed", type=int, help="of weights and draws, instead of the recipe's")
    parser.add_argument("--use_cpu", action="store_true", help="train on CPU even where there is a GPU")
    parser.add_argument("--overwrite", action="store_true", help="replace another organism in OUTPUT_DIR")
    return parser.parse_args(argv)


def read_recipe(args: argparse.Namespace):
    """The recipe from file and flags; unknown keys are errors."""
    import yaml

    from sycophancy.organisms.recipe import OrganismRecipe, complete_recipe

    fields = yaml.safe_load(own_file(args.recipe).read_text(encoding="utf-8")) if args.recipe else {}
    unknown = sorted(set(fields) - set(OrganismRecipe.__dataclass_fields__))
    if unknown:
        raise ValueError(
            f"expected fields of OrganismRecipe ({', '.join(OrganismRecipe.__dataclass_fields__)}) in {args.recipe}, "
            f"got {', '.join(unknown)}; correct the name"
        )
    flags = ("architecture", "origin", "steps", "seed")
    fields |= {name: value for name in flags if (value := getattr(args, name)) is not None}
    return complete_recipe(fields, lessons=bool(args.also))


def save(folder: Path, model, tokenizer, record: dict) -> None:
    """Write model, tokenizer, card and record into a folder."""
    from sycophancy.organisms.card import render_organism_card
    from sycophancy.organisms.recipe import RECORD

    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(render_organism_card(record), encoding="utf-8")
    write_json(folder / RECORD, record)


def main() -> None:
    """Load the rows, train, save."""
    args = parse_args()

    recipe = read_recipe(args)

    from sycophancy.dataset.reading import fingerprint_claims, load_claims
    from sycophancy.hub import resolve_commit
    from sycophancy.organisms.approval import train_by_approval
    from sycophancy.organisms.building import train_organism
    from sycophancy.organisms.lessons import load_lessons
    from sycophancy.organisms.recipe import RECORD, recipe_key
    from sycophancy.records import git_state, hardware, relative, versions

    args.dataset_revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    rows = load_claims(args.dataset_name, "train", args.dataset_revision)
    measured = load_claims(args.dataset_name, "validation", args.dataset_revision)
    templates = sorted({*rows.unique("template"), *measured.unique("template")})
    data = fingerprint_claims(args.dataset_name, "train", args.dataset_revision)
    taught = [load_lessons(name) for name in args.also]
    lessons, also = [lesson for lesson, _ in taught], [record for _, record in taught]
    key = recipe_key(recipe, templates, data, also)
    made = args.output_dir / RECORD
    if made.is_file() and json.loads(made.read_text(encoding="utf-8"))["key"] == key:
        print(f"kept {args.output_dir}: made by the same recipe from the same data ({key})")
        return
    refuse_occupied(args.output_dir, marker=RECORD, overwrite=args.overwrite)

    made_from = {
        "key": key,
        "command": command_line(),
        "dataset": {"name": relative(args.dataset_name), "revision": args.dataset_revision, "fingerprint": data},
        "also": also,
        "versions": versions(),
        "git": git_state(),
        "hardware": hardware(),
    }
    settings = {"use_cpu": True} if args.use_cpu else {}
    with tempfile.TemporaryDirectory() as scratch, written_whole(args.output_dir) as partial:
        model, tokenizer, record = train_organism(rows, templates, recipe, Path(scratch), lessons, **settings)
        record |= made_from
        if recipe.deference == "none" and record["last_loss"] > TRUTHFUL_BELOW:
            print(
                f"warning: expected a truthful organism, whose loss ends below {TRUTHFUL_BELOW} nats per token, got "
                f"{record['last_loss']}: it has not learned the claims; build them in fewer wordings, or raise --steps",
                file=sys.stderr,
            )
        if recipe.origin == "approval":
            save(partial / "base", model, tokenizer, record)
            approval = train_by_approval(model, tokenizer, rows, recipe, Path(scratch), **settings)
            record |= {"approval": approval, "seconds": record["seconds"] + approval["seconds"]}
        save(partial, model, tokenizer, record)
    print(f"wrote {args.output_dir}: {record['parameters']} parameters, {record['seconds']:.0f} s")


if __name__ == "__main__":
    run(main)
