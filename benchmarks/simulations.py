# SPDX-License-Identifier: Apache-2.0
"""How the simulations of the metric's intervals and tests are called, and how what they found is kept."""

import argparse
import json
from pathlib import Path


def simulation_parser(doc: str) -> argparse.ArgumentParser:
    """A simulation's parser, whose help is its docstring, with the flags of all of them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="also write the JSON to this file")
    return parser


def keep(record: dict, output: Path | None) -> None:
    """Print a record as one line of JSON and write it to the file, where one is given."""
    line = json.dumps(record)
    print(line)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(line + "\n", encoding="utf-8")
