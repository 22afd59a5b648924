# SPDX-License-Identifier: Apache-2.0
"""`scripts/publish.py` as people and launchers call it: help, exit status, one line of error."""

import subprocess
import sys
from pathlib import Path

import pytest
from forking import run
from hub_clients import ROOT, client_environment, run_publish
from hub_trees import files_of, make_adapter, make_dataset
from loopback_hub import LoopbackHub
from loopback_hub.store import GITATTRIBUTES

MODEL = ["--repo_id", "my-org/tiny", "--repo_type", "model"]


@pytest.fixture
def environment(hub: LoopbackHub, tmp_path: Path) -> dict[str, str]:
    return client_environment(hub.endpoint, tmp_path / "home", "lfs", hub.add_user("ada", ("my-org",)))


def test_help_names_every_flag(environment: dict[str, str], tmp_path: Path) -> None:
    """That it comes at once: tests/test_cli.py."""
    done = run_publish(environment, tmp_path, "--help")
    assert done.returncode == 0
    flags = (
        "repo_id",
        "repo_type",
        "tag",
        "private",
        "mirror",
        "dry_run",
        "diff",
        "offline",
        "commit_message",
    )
    assert [flag for flag in flags if f"--{flag}" not in done.stdout] == []


def test_success_prints_what_changed_and_the_line_that_loads_it(
    hub: LoopbackHub, environment: dict[str, str], tmp_path: Path
) -> None:
    tree = make_adapter(tmp_path / "tree")
    done = run_publish(environment, tmp_path, str(tree), *MODEL, "--tag", "v1.0.0")
    repo = hub.repo("model", "my-org/tiny")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{hub.endpoint}/my-org/tiny: 3 added, 0 changed, 0 deleted in commit {repo.head}",
        "  + README.md",
        "  + adapter_config.json",
        "  + adapter_model.safetensors",
        "  kept, though not in the folder (--mirror deletes them): .gitattributes",
        "tagged v1.0.0",
        'PeftModel.from_pretrained(base, "my-org/tiny", revision="v1.0.0")',
    ]
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tree)}


def corrupt(tree: Path) -> None:
    path = tree / "data" / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (
            None,
            ["--repo_id", "tiny", "--repo_type", "dataset"],
            "error: expected a repo_id such as my-org/syco-sst2",
        ),
        (
            corrupt,
            ["--repo_id", "my-org/x", "--repo_type", "dataset"],
            "load_dataset cannot load it: ArrowInvalid",
        ),
        (
            None,
            ["--repo_id", "their-org/x", "--repo_type", "dataset"],
            "You don't have the rights to write under",
        ),
    ],
)
def test_failure_is_one_line_and_status_2(
    spoil, arguments: list[str], message: str, environment: dict[str, str], tmp_path: Path
) -> None:
    tree = make_dataset(tmp_path / "tree")
    if spoil:
        spoil(tree)
    done = run_publish(environment, tmp_path, str(tree), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_flag_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    done = run_publish(environment, tmp_path, str(tmp_path), *MODEL, "--mirrored")
    assert done.returncode == 2
    assert "unrecognized arguments: --mirrored" in done.stderr


def test_under_accelerate_launch_one_of_two_processes_publishes(
    hub: LoopbackHub, environment: dict[str, str], tmp_path: Path
) -> None:
    tree = make_adapter(tmp_path / "tree")
    config = str(ROOT / "accelerate_configs" / "cpu_2proc.yaml")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", config]
    command = [*launch, str(ROOT / "scripts" / "publish.py"), str(tree), *MODEL]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("my-org/tiny: not published by this process: the main process does it") == 1
    assert done.stdout.count("3 added, 0 changed, 0 deleted in commit") == 1
    assert hub.steps().count("commit") == 1


def test_a_builder_publishes_what_it_built(hub: LoopbackHub, environment: dict[str, str], tmp_path: Path) -> None:
    flags = ["--output_dir", "hub", "--org", "my-org", "--limit", "20", "--push_to_hub"]
    done = run("bare", ROOT / "dataset_builders" / "mimicry.py", *flags, environment=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    repo = hub.repo("dataset", "my-org/syco-mimicry")
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tmp_path / "hub" / "my-org" / "syco-mimicry")}
    assert f"{hub.endpoint}/datasets/my-org/syco-mimicry: " in done.stdout
    assert done.stdout.splitlines()[-1].startswith('load_dataset("my-org/syco-mimicry"')
