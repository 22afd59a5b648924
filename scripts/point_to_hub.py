# SPDX-License-Identifier: Apache-2.0
"""Name what a tuned folder was made from by its Hub ids, and render its card again from its records.

    python scripts/point_to_hub.py out/quickstart/hub/my-org/syco-prompt-reviews \\
        --hub_model_id my-org/syco-prompt-reviews --base_model_id my-org/organism --dataset_id my-org/syco-reviews

A soft prompt that was tuned on local folders can be published after its base model and its dataset. This checks that
those on the Hub have the very weights and rows that the run read. Then it names them, with their commits, in the card
and in adapter_config.json. Without any id it only renders the card again.
"""

import argparse
from pathlib import Path

from sycophancy.cli import run, script_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="that scripts/prompt_tune.py wrote")
    parser.add_argument("--hub_model_id", help="what the folder is to be published as")
    parser.add_argument("--base_model_id", help="its base model on the Hub")
    parser.add_argument("--base_model_revision", help="Hub revision of the base model [main]")
    parser.add_argument("--dataset_id", help="its dataset on the Hub")
    parser.add_argument("--dataset_revision", help="Hub revision of the dataset [main]")
    return parser.parse_args(argv)


def main() -> None:
    """Check, name, render."""
    arguments = vars(parse_args())
    from sycophancy.tuning.hub_names import point_to_hub

    hub = point_to_hub(**arguments)
    for part in ("model", "dataset"):
        print(f"{part}: {hub[part]['name']} at {hub[part]['revision']}" if hub[part] else f"{part}: a local folder")
    print(f"wrote {arguments['folder'] / 'README.md'}, which loads {hub['adapter'] or 'the local folder'}")


if __name__ == "__main__":
    run(main)
