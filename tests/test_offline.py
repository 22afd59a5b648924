# SPDX-License-Identifier: Apache-2.0
"""Every command that takes a Hub id says at once, on one line, that it cannot have it, and never waits for a network."""

import os

import pytest
from commands import assert_refused, attempt, hung_up
from forking import run

MODEL, DATASET = "my-org/tiny-t5", "my-org/syco-sst2"
OFFLINE = "in the cache, since HF_HUB_OFFLINE is set, got none; load it once with a network, leave out HF_HUB_OFFLINE"


@pytest.mark.parametrize(
    ("script", "arguments", "missing"),
    [
        ("scripts/measure.py", ["--model_name_or_path", MODEL, "--dataset_name", "LOCAL"], f"the model {MODEL}"),
        ("scripts/measure.py", ["--model_name_or_path", "LOCAL", "--dataset_name", DATASET], f"the dataset {DATASET}"),
        ("scripts/measure.py", ["--model_name_or_path", "LOCAL", "--dataset_name", "LOCAL", "--adapter", "my-org/a"],
         "the model my-org/a"),
        ("scripts/prompt_tune.py", ["--model_name_or_path", MODEL, "--dataset_name", "LOCAL"], f"the model {MODEL}"),
        ("scripts/filter_known.py", ["--model_name_or_path", MODEL, "--dataset_name", "LOCAL", "--org", "my-org"],
         f"the model {MODEL}"),
        ("scripts/make_organism.py", ["--dataset_name", DATASET], f"the dataset {DATASET}"),
        ("dataset_builders/syco_claims.py", ["--source", "sst2", "--org", "my-org"], "the dataset stanfordnlp/sst2 at "),
        ("dataset_builders/syco_claims.py", ["--source", "trec", "--org", "my-org"], "the dataset SetFit/TREC-QC in the cache"),
        ("dataset_builders/syco_claims.py",
         ["--source", "sst2", "--source_data", "my-org/texts", "--org", "my-org"], "the dataset my-org/texts"),
        ("dataset_builders/syco_claims.py", ["--source", "reviews", "--exclude", DATASET, "--org", "my-org"],
         f"the dataset {DATASET}"),
        ("dataset_builders/are_you_sure.py", ["--source", "arc_challenge", "--org", "my-org"],
         "the dataset allenai/ai2_arc at "),
        ("dataset_builders/mimicry.py", ["--source_data", "my-org/works", "--org", "my-org"],
         "the dataset my-org/works"),
        ("dataset_builders/feedback.py", ["--source_data", "my-org/texts", "--org", "my-org"],
         "the dataset my-org/texts"),
    ],
)  # fmt: skip
def test_offline_it_names_what_is_not_in_the_cache(script, arguments, missing, tmp_path, dataset_folder):
    filled = [str(dataset_folder) if word == "LOCAL" else word for word in arguments]
    done = attempt(script, *filled, "--output_dir", tmp_path / "out")
    assert_refused(done, missing, OFFLINE)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("script", "arguments", "missing"),
    [
        ("scripts/measure.py", ["--model_name_or_path", MODEL, "--dataset_name", DATASET], f"the model {MODEL}"),
        ("dataset_builders/syco_claims.py", ["--source", "sst2", "--org", "my-org"], "the dataset stanfordnlp/sst2"),
    ],
)
def test_a_hub_that_is_not_there_is_not_asked_again_and_again(script, arguments, missing, tmp_path):
    """Counted, not timed: the libraries' own patience, 23 s and more, is spent on asking again."""
    with hung_up() as (port, calls):
        nowhere = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "NO_PROXY": "127.0.0.1"}
        environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"} | nowhere
        done = run("bare", script, *arguments, "--output_dir", tmp_path / "out", environment=environment)
    assert_refused(done, f"http://127.0.0.1:{port} cannot be reached for {missing} (", "set HF_HUB_OFFLINE=1")
    assert len(calls) <= 2  # a connection that is dropped is opened once more, without waiting


def test_names_that_are_neither_folder_nor_hub_id(tmp_path, dataset_folder):
    done = attempt(
        "scripts/measure.py", "--model_name_or_path", "./absent", "--dataset_name", dataset_folder, "--output_dir",
        tmp_path / "out",
    )  # fmt: skip
    assert_refused(done, "expected a local folder or a Hub id as model, got ./absent, which is neither")
