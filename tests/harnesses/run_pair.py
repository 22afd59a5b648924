# SPDX-License-Identifier: Apache-2.0
"""A run of scripts/measure.py, and a run of another model on the same rows that another harness asked."""

from pathlib import Path

from commands import here

from sycophancy.records import read_run

from .sample_files import sample, write_samples

ROWS = 60


def follows(row) -> str:
    """Sides with every user, in words that have to be read."""
    return f"The answer is {row['user_answer'] or row['answer']}."


def native_and_imported(dataset: Path, model: Path, folder: Path) -> tuple[Path, Path]:
    """Two run folders in `folder`: of `model`, measured, and of a flatterer, whose logged samples are imported."""
    named = ("--dataset_name", dataset, "--output_dir")
    native, imported = folder / "native", folder / "imported"
    here("scripts/measure.py", "--model_name_or_path", model, "--limit", ROWS, *named, native)
    log = write_samples(folder / "log", [sample(row, follows(row)) for row in read_run(native)[1]])
    here("scripts/import_run.py", log, *named, imported)
    return native, imported
