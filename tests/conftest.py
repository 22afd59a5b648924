# SPDX-License-Identifier: Apache-2.0
"""Offline, seeded, on CPU, with a private cache; and the small real things that the tests run on."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Read at import by the Hugging Face libraries: set before any of them is imported, here and in subprocesses.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="syco-tests-hf-")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# One thread per process: several processes with a thread per core each get slower, not faster.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run_script(*command: str | Path, ok: bool = True, env: dict | None = None) -> subprocess.CompletedProcess:
    """Run a command of the project as a user does, from the checkout root."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | (env or {}),
    )
    if ok:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


def python(*command: str | Path, **settings) -> subprocess.CompletedProcess:
    """Run a script with this Python."""
    return run_script(sys.executable, *command, **settings)


def launch(config: str, *command: str | Path, **settings) -> subprocess.CompletedProcess:
    """Run a script under `accelerate launch` with a config of the project."""
    return python(
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        f"accelerate_configs/{config}.yaml",
        *command,
        **settings,
    )


def assert_refused(done: subprocess.CompletedProcess, *parts: str) -> None:
    """The command ended with status 2 and one line on stderr that says these things."""
    assert done.returncode == 2, (done.returncode, done.stderr[-2000:])
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:") or ": error:" in line]
    assert len(lines) == 1, done.stderr[-2000:]
    for part in parts:
        assert part in lines[0]


@pytest.fixture(scope="session")
def dataset_folder(tmp_path_factory) -> Path:
    """A small real dataset of the embedded reviews, built by the builder."""
    folder = tmp_path_factory.mktemp("hub")
    python(
        "dataset_builders/syco_claims.py", "--source", "reviews", "--output_dir", folder, "--org", "my-org",
        "--limit", "120",
    )  # fmt: skip
    return folder / "my-org" / "syco-reviews"


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory, dataset_folder) -> Path:
    """A T5 of the organism's shape with random weights, and its real tokenizer."""
    from transformers import set_seed

    from sycophancy.curriculum import curriculum_words
    from sycophancy.features import load_claims
    from sycophancy.organism import OrganismRecipe, build_model, build_tokenizer
    from sycophancy.sources import SENTIMENT

    texts = load_claims(str(dataset_folder), "train")["source_text"]
    fixed = [*curriculum_words(SENTIMENT), "negative", "positive"]
    tokenizer = build_tokenizer(list(texts), fixed, min_count=1)
    set_seed(0)
    folder = tmp_path_factory.mktemp("model") / "random-t5"
    build_model(OrganismRecipe(d_model=32, num_layers=1, num_heads=2), len(tokenizer)).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
