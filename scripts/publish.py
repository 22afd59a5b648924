# SPDX-License-Identifier: Apache-2.0
"""Publish a finished folder on the Hugging Face Hub: one commit with exactly its files, or a reason why not.

python scripts/publish.py out/hub/my-org/syco-sst2 --repo_id my-org/syco-sst2 --repo_type dataset --tag v1.0.0
"""

import argparse

from sycophancy.cli import run, script_parser


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = script_parser(__doc__)
    parser.add_argument("tree", metavar="TREE", help="the folder, exactly as it is to be on the Hub")
    parser.add_argument("--repo_id", required=True, help="organisation/name; made if it does not exist")
    parser.add_argument("--repo_type", required=True, choices=("dataset", "model", "space"))
    parser.add_argument("--tag", help="name for the commit, for example v1.0.0; made last")
    parser.add_argument("--private", action="store_true", help="make the repository private")
    parser.add_argument("--mirror", action="store_true", help="delete files on the Hub that the folder lacks")
    parser.add_argument("--dry_run", action="store_true", help="check and compare, send nothing")
    parser.add_argument("--diff", action="store_true", help="show changed rows, columns and card, send nothing")
    parser.add_argument("--offline", action="store_true", help="with --dry_run: check the folder without a Hub")
    parser.add_argument("--commit_message", help="first line of the commit")
    return parser.parse_args()


def main() -> None:
    """Publish as the command line says, and print what changed and the line that loads it."""
    arguments = vars(parse_arguments())
    from sycophancy.publishing import publish  # after the arguments, so that --help and mistakes answer at once

    print(publish(**arguments).report())


if __name__ == "__main__":
    run(main)
