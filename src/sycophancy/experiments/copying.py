# SPDX-License-Identifier: Apache-2.0
"""A finished experiment without its models and predictions: the page and the records behind it, small enough to commit."""

import shutil
from pathlib import Path

from sycophancy.files import refuse_occupied, written_whole

PAGE = ("experiment.md", "experiment.html", "pictures", "records")
RECORDS = ("run.json", "tuning.json", "organism.json")


def copy_records(output_dir: Path, target: Path) -> None:
    """Copy page, pictures and records of an experiment, in its own layout.

    The runs of the base model that each tuned cell holds are left out: they are copies of the study's base.

    Args:
        output_dir: of an experiment whose page was written.
        target: a folder that does not exist, is empty, or is an earlier copy, which is replaced.

    Raises:
        ValueError: there is no page, or the target holds something else.
    """
    marker = PAGE[0]
    if not (output_dir / marker).exists():
        raise ValueError(f"expected a finished experiment, got {output_dir} without {marker}; run it first")
    refuse_occupied(target, marker=marker, overwrite=True)
    with written_whole(target) as partial:
        for name in PAGE:
            source = output_dir / name
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, partial / name)
        for source in sorted((output_dir / "cells").rglob("*.json")):
            place = source.relative_to(output_dir)
            if source.name in RECORDS and "before" not in place.parts:
                (partial / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, partial / place)
