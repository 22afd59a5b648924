# SPDX-License-Identifier: Apache-2.0
"""A soft prompt from base and dataset on the Hub, tuned, published and loaded again: our own commands, end to end."""

import json
import shutil
import subprocess
from pathlib import Path

import forking
import pytest
import yaml
from client_code import USE_CARD
from hub_clients import ROOT, Publisher, client_environment, run_python
from hub_trees import ADAPTER_CARD, files_of
from loopback_hub import LoopbackHub

ADAPTER = "my-org/syco-prompt-tiny"
BASE_CARD = ADAPTER_CARD.replace("base_model: my-org/tiny-t5\n", "").replace("library_name: peft\n", "")
ROWS = 60
FLAGS = [
    "--num_virtual_tokens", "4", "--selection_fraction", "0.2", "--measure_rows", str(ROWS), "--use_cpu", "true",
    "--max_steps", "2", "--learning_rate", "0.05", "--report_to", "none", "--eval_strategy", "no",
    "--save_strategy", "no", "--disable_tqdm", "true",
]  # fmt: skip


def run(environment: dict[str, str], cwd: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the project from another folder, as somebody with an installed package does."""
    return forking.run("bare", ROOT / "scripts" / script, *arguments, environment=environment, cwd=cwd)


def publish_inputs(publisher: Publisher, folder: Path, model_folder: Path, dataset_folder: Path) -> dict[str, str]:
    """Publish the tiny T5 and the dataset; part -> commit."""
    base = shutil.copytree(model_folder, folder / "tiny-t5")
    (base / "README.md").write_text(BASE_CARD, encoding="utf-8")
    sent = {
        "model": publisher.publish(base, "my-org/tiny-t5", "model"),
        "dataset": publisher.publish(dataset_folder, "my-org/syco-reviews", "dataset"),
    }
    assert {part: answer.get("error") for part, answer in sent.items()} == {"model": None, "dataset": None}
    return {part: answer["commit"] for part, answer in sent.items()}


@pytest.mark.parametrize("mode", ["xet", pytest.param("lfs", marks=pytest.mark.slow)])
def test_a_soft_prompt_from_the_hub_to_the_hub_and_back(
    hub: LoopbackHub, mode: str, tmp_path: Path, model_folder: Path, dataset_folder: Path
) -> None:
    writer = client_environment(hub.endpoint, tmp_path / "home", mode, hub.add_user("ada", ("my-org",)))
    with Publisher(writer) as publisher:
        commits = publish_inputs(publisher, tmp_path, model_folder, dataset_folder)
    work = tmp_path / "work"
    work.mkdir()
    done = run(
        writer, work, "prompt_tune.py", "--model_name_or_path", "my-org/tiny-t5", "--dataset_name",
        "my-org/syco-reviews", "--output_dir", "out/any-name", *FLAGS, "--push_to_hub", "true", "--hub_model_id", ADAPTER,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    head = hub.repo("model", ADAPTER).head
    assert done.stdout.splitlines()[-1] == f'PeftModel.from_pretrained(base, "{ADAPTER}", revision="{head}")'
    folder = work / "out" / "any-name"
    published = hub.repo("model", ADAPTER).tree()
    assert {path: data for path, data in published.items() if path != ".gitattributes"} == files_of(folder)
    assert sorted(path for path in published if "/" not in path) == [
        ".gitattributes", "README.md", "adapter_config.json", "adapter_model.safetensors", "base_model_fingerprint.json",
        "report.json", "report.md", "report.png", "tuning.json",
    ]  # fmt: skip

    assert not [path for path in published if "checkpoint" in path]
    assert not [path for path, data in published.items() if writer["HF_TOKEN"].encode() in data]

    # Commits of base and dataset everywhere, no place of this machine anywhere.
    tuning = json.loads(published["tuning.json"])
    named = {part: {"name": name, "revision": commits[part]} for part, name in
             (("model", "my-org/tiny-t5"), ("dataset", "my-org/syco-reviews"))}  # fmt: skip
    assert tuning["hub"] == {"adapter": ADAPTER, **named}
    for record in (tuning, *(json.loads(published[f"{side}/run.json"]) for side in ("before", "after"))):
        assert {part: {key: record[part][key] for key in ("name", "revision")} for part in named} == named
    config = json.loads(published["adapter_config.json"])
    assert (config["base_model_name_or_path"], config["revision"]) == ("my-org/tiny-t5", commits["model"])
    for name in ("README.md", "adapter_config.json", ".eval_results/syco_alignment.yaml"):
        assert str(tmp_path) not in published[name].decode()
    metrics = json.loads(published["after/run.json"])["metrics"]
    results = yaml.safe_load(published[".eval_results/syco_alignment.yaml"])
    assert {entry["dataset"]["task_id"]: entry["value"] for entry in results} == {
        key: round(metrics[key], 4) for key in ("opinion_alignment", "opinion_effect", "accuracy_no_opinion",
                                                "accuracy_wrong_opinion", "accuracy_right_opinion", "right_uptake")
    }  # fmt: skip
    assert {(entry["dataset"]["id"], entry["dataset"]["revision"]) for entry in results} == {
        ("my-org/syco-reviews", commits["dataset"])
    }

    # Somebody without a token types the card's lines.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    reader = client_environment(hub.endpoint, tmp_path / "fresh-home", mode)
    seen = run_python(USE_CARD, reader, elsewhere, ADAPTER, str(ROWS))
    assert f'PeftModel.from_pretrained(base, "{ADAPTER}")' in seen["code"]
    assert [line.split(": ")[0] for line in seen["printed"].splitlines() if ": " in line][:1] == ["before"]
    # The published folder knows its weights, also when our own commands load it from the Hub.
    assert seen["refused"].startswith(
        f"expected the base model that the adapter {ADAPTER} was trained on (my-org/tiny-t5, float32 weights sha256:"
    )
    assert seen["ids"] == seen["recorded_ids"]
    assert len(seen["scores"]) == ROWS
    for score, recorded in zip(seen["scores"], seen["recorded"], strict=True):
        assert score == pytest.approx(recorded, abs=1e-4)
