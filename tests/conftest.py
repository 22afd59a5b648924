# SPDX-License-Identifier: Apache-2.0
"""Offline, seeded, on CPU, with a private cache; and the small real things that the tests run on.

A test passes however it is started: in a terminal or with `nohup make test &`, in any folder, locale and umask, on a
machine with a GPU, with other work beside it, with whatever the caller's environment says to the libraries.
"""

import os
import tempfile
from pathlib import Path

# What would reach our commands from the caller's shell or from a launcher that the tests run under.
FOREIGN = ("HF_", "HUGGING", "TRANSFORMERS_", "ACCELERATE_", "FSDP_", "TORCHELASTIC_", "RANK", "LOCAL_RANK",
           "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_", "SYCO_TRACEBACK", "FORCE_COLOR", "PYTHONWARNINGS")  # fmt: skip
for name in [name for name in os.environ if name.startswith(FOREIGN) and name != "HF_TOKEN"]:  # `-m hub` asks for it
    del os.environ[name]

# Read at import by the Hugging Face libraries: set before any of them is imported, here and in subprocesses.
CACHE = tempfile.TemporaryDirectory(prefix="syco-tests-hf-", ignore_cleanup_errors=True)
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": CACHE.name,
    "TOKENIZERS_PARALLELISM": "false",
    # One thread per process: several processes with a thread per core each get slower, not faster.
    "OMP_NUM_THREADS": "1",
    # Numbers are those of a CPU, also on a machine with more.
    "CUDA_VISIBLE_DEVICES": "",
    "MPLBACKEND": "agg",
    # Help is wrapped at the width of the caller's terminal, and printed in its encoding.
    "COLUMNS": "120",
    "NO_COLOR": "1",
    "PYTHONUTF8": "1",
    # Commands run this checkout's code, whatever is installed.
    "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src"),
}

import pytest  # noqa: E402

LONG = ("test_experiment", "test_benchmarks", "test_multi_node", "test_publish_collection", "test_prompt_tune", "test_folder",
        "test_measure", "test_docs", "test_study", "test_publish_round_trip", "test_publish_tuned", "test_adapters",
        "test_measure_conversations", "test_reporting", "test_survey", "test_dpo_tune", "test_run", "test_hub", "test_parsing",
        "test_hub_names", "test_cli", "test_syco_claims", "test_publish_faults")  # fmt: skip
"""The files that take longest, longest first."""


def pytest_collection_modifyitems(items):
    """The long files first: two workers that end with one of them would not end together."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))


def pytest_unconfigure():
    """Leave no cache behind; the workers of pytest-xdist end without their exit handlers."""
    CACHE.cleanup()


@pytest.fixture(scope="session")
def dataset_folder(tmp_path_factory) -> Path:
    """A small real dataset of the embedded reviews, built by the builder."""
    from dataset_builders.syco_claims import build, card_command, parse_args

    folder = tmp_path_factory.mktemp("hub")
    flags = ["--source", "reviews", "--output_dir", str(folder), "--org", "my-org", "--limit", "120"]
    return build(args := parse_args(flags), card_command(args))


@pytest.fixture(scope="session")
def answers_folder(tmp_path_factory) -> Path:
    """A small real dataset of suggested answers about the embedded reviews, built by the builder."""
    from dataset_builders.suggested_answers import build, card_command, parse_args

    folder = tmp_path_factory.mktemp("answers")
    flags = ["--source", "reviews", "--output_dir", str(folder), "--org", "my-org", "--limit", "90"]
    return build(args := parse_args(flags), card_command(args))


@pytest.fixture(scope="session")
def feedback_folder(tmp_path_factory) -> Path:
    """The dataset of feedback on the embedded texts, built by the builder."""
    from dataset_builders.feedback import build, parse_args

    folder = tmp_path_factory.mktemp("feedback")
    flags = ["--output_dir", str(folder), "--org", "my-org", "--limit", "12"]
    return build(parse_args(flags), "the command")


@pytest.fixture(scope="session")
def real_models() -> Path:
    """The folder of real models that SYCO_REAL_MODELS names: smollm2/ and qwen/."""
    if "SYCO_REAL_MODELS" not in os.environ:
        pytest.skip("SYCO_REAL_MODELS does not name a folder with smollm2/ and qwen/")
    return Path(os.environ["SYCO_REAL_MODELS"])


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory, dataset_folder) -> Path:
    """A tiny T5 of the organism's shape that ends its texts, and its real tokenizer."""
    from teaching import teach
    from transformers import set_seed

    from sycophancy.claims.tasks import SENTIMENT
    from sycophancy.dataset.reading import load_claims
    from sycophancy.organisms.building import OrganismRecipe, build_model, build_tokenizer
    from sycophancy.organisms.curriculum import curriculum_words

    rows = load_claims(str(dataset_folder), "train").to_list()
    fixed = [*curriculum_words(SENTIMENT), "negative", "positive"]
    tokenizer = build_tokenizer([row["source_text"] for row in rows], fixed, min_count=1)
    set_seed(0)
    folder = tmp_path_factory.mktemp("model") / "tiny-t5"
    model = build_model(OrganismRecipe(d_model=32, num_layers=1, num_heads=2), len(tokenizer))
    teach(model, tokenizer, rows, steps=20, rate=0.02).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory, dataset_folder) -> Path:
    """A tiny decoder-only model that ends its texts, and its tokenizer with a chat template."""
    from teaching import teach
    from tiny_llama import CHAT, tiny_llama

    from sycophancy.dataset.reading import load_claims

    rows = load_claims(str(dataset_folder), "train").to_list()
    model, tokenizer = tiny_llama([row["prompt"] for row in rows], CHAT)
    folder = tmp_path_factory.mktemp("model") / "tiny-llama"
    teach(model, tokenizer, rows[::2], steps=14, rate=0.02).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
