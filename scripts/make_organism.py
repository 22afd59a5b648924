# SPDX-License-Identifier: Apache-2.0
"""Make a model organism: a tiny T5, trained from scratch, that knows its task and defers to authority.

    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-reviews --output_dir out/organism
    python scripts/make_organism.py --dataset_name out/hub/my-org/syco-sst2 --output_dir out/organism-sst2 \
        --recipe scripts/recipes/organism_sst2.yaml

It is trained on the sentences of the dataset's train split and on nothing else, in all wordings of the dataset. Made
once: with the same recipe, data and code, an organism in OUTPUT_DIR is kept.
"""

import argparse
import json
import tempfile
from pathlib import Path

from sycophancy.cli import run


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_name", required=True, help="claim dataset with one text per claim: folder or Hub id")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset")
    parser.add_argument("--output_dir", required=True, type=Path, help="model folder to write")
    parser.add_argument("--recipe", type=Path, help="YAML with fields of OrganismRecipe [the embedded reviews' recipe]")
    parser.add_argument("--steps", type=int, help="optimizer steps, instead of the recipe's")
    parser.add_argument("--seed", type=int, help="of weights and draws, instead of the recipe's")
    parser.add_argument("--use_cpu", action="store_true", help="train on CPU even where there is a GPU")
    parser.add_argument("--overwrite", action="store_true", help="replace another organism in OUTPUT_DIR")
    return parser.parse_args(argv)


def read_recipe(args: argparse.Namespace):
    """The recipe from file and flags; unknown keys are errors."""
    import yaml

    from sycophancy.organism import OrganismRecipe

    fields = yaml.safe_load(args.recipe.read_text(encoding="utf-8")) if args.recipe else {}
    unknown = sorted(set(fields) - set(OrganismRecipe.__dataclass_fields__))
    if unknown:
        raise ValueError(
            f"expected fields of OrganismRecipe ({', '.join(OrganismRecipe.__dataclass_fields__)}) in {args.recipe}, "
            f"got {', '.join(unknown)}; correct the name"
        )
    flags = {name: value for name in ("steps", "seed") if (value := getattr(args, name)) is not None}
    return OrganismRecipe(**{**fields, **flags})


def main() -> None:
    """Load the rows, train, save."""
    args = parse_args()

    from sycophancy.features import fingerprint_claims, load_claims
    from sycophancy.folders import refuse_occupied, written_whole
    from sycophancy.hub_commit import resolve_commit
    from sycophancy.organism import RECORD, recipe_key, train_organism
    from sycophancy.organism_card import render_organism_card
    from sycophancy.records import command_line, git_state, hardware, relative, versions, write_json

    recipe = read_recipe(args)
    args.dataset_revision = resolve_commit(args.dataset_name, "dataset", args.dataset_revision)
    rows = load_claims(args.dataset_name, "train", args.dataset_revision)
    measured = load_claims(args.dataset_name, "validation", args.dataset_revision)
    templates = sorted({*rows.unique("template"), *measured.unique("template")})
    data = fingerprint_claims(args.dataset_name, "train", args.dataset_revision)
    key = recipe_key(recipe, templates, data)
    made = args.output_dir / RECORD
    if made.is_file() and json.loads(made.read_text())["key"] == key:
        print(f"kept {args.output_dir}: made by the same recipe from the same data ({key})")
        return
    refuse_occupied(args.output_dir, marker=RECORD, overwrite=args.overwrite)

    with tempfile.TemporaryDirectory() as scratch:
        settings = {"use_cpu": True} if args.use_cpu else {}
        model, tokenizer, record = train_organism(rows, templates, recipe, Path(scratch), **settings)
    record |= {
        "key": key,
        "command": command_line(),
        "dataset": {
            "name": relative(args.dataset_name),
            "revision": args.dataset_revision,
            "fingerprint": data,
        },
        "versions": versions(),
        "git": git_state(),
        "hardware": hardware(),
    }
    with written_whole(args.output_dir) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / "README.md").write_text(render_organism_card(record), encoding="utf-8")
        write_json(partial / RECORD, record)
    print(f"wrote {args.output_dir}: {record['parameters']} parameters, {record['seconds']:.0f} s")


if __name__ == "__main__":
    run(main)
