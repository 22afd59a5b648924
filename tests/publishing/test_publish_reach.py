# SPDX-License-Identifier: Apache-2.0
"""Who publishes, with which arguments, and what is said without a token, a Hub or a network."""

import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from hub_clients import Publisher, client_environment, run_publish
from hub_trees import make_adapter
from loopback_hub import LoopbackHub

from sycophancy.publishing import publish

DATASET = "my-org/syco-tiny"


@pytest.mark.parametrize("variable", ["RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"])
def test_only_the_main_process_publishes(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    result = publish(tmp_path / "not even there", DATASET, "dataset")
    assert result.report() == f"{DATASET}: not published by this process: the main process does it"
    monkeypatch.setenv(variable, "0")
    with pytest.raises(ValueError, match="expected a folder to publish"):
        publish(tmp_path / "not even there", DATASET, "dataset")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tag": "v 1"}, "expected a tag such as v1.0.0, got 'v 1'"),
        ({"repo_type": "kernel"}, "expected a repo_type of dataset, model, space, got 'kernel'"),
    ],
)
def test_wrong_arguments(options: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        publish(tmp_path, DATASET, **{"repo_type": "dataset", **options})


def test_a_tag_from_which_evaluate_would_load_for_ever_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="always loads a Space that has a tag v"):
        publish(tmp_path, "my-org/syco_alignment", "space", tag=f"v{version('evaluate')}")


def test_without_a_token_nothing_is_asked(hub: LoopbackHub, tmp_path: Path) -> None:
    with Publisher(client_environment(hub.endpoint, tmp_path / "home", "lfs")) as anonymous:
        answer = anonymous.publish(make_adapter(tmp_path / "tree"), "my-org/tiny", "model")
    assert answer["text"] == "expected an access token that may write: run `hf auth login` or set HF_TOKEN"
    assert hub.records == []


def test_a_hub_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Without a second attempt, which the message would count."""
    tree = make_adapter(tmp_path / "tree")
    environment = client_environment("http://127.0.0.1:9", tmp_path / "home", "xet", "hf_" + "x" * 34)
    done = run_publish(environment, tmp_path, str(tree), "--repo_id", "my-org/tiny", "--repo_type", "model")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "error: http://127.0.0.1:9 cannot be reached (ConnectError: [Errno 111] Connection refused): "
        "check the network and HF_ENDPOINT; --dry_run --offline checks the folder without a Hub"
    )


@pytest.mark.slow
def test_a_hub_that_accepts_and_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Publisher(client_environment(endpoint, tmp_path / "home", "lfs", "hf_" + "x" * 34)) as publisher:
            answer = publisher.publish(make_adapter(tmp_path / "tree"), "my-org/tiny", "model")
    assert "cannot be reached (ReadTimeout" in answer["text"]
    assert answer["seconds"] < 30


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_offline_checks_the_folder_and_asks_nobody(how: str, hub: LoopbackHub, tmp_path: Path) -> None:
    environment = client_environment(hub.endpoint, tmp_path / "home", "lfs", hub.add_user("ada"))
    offline = ["--offline"] if how == "flag" else []
    if how == "variable":
        environment["HF_HUB_OFFLINE"] = "1"
    tree = make_adapter(tmp_path / "tree")
    arguments = [str(tree), "--repo_id", "my-org/tiny", "--repo_type", "model", *offline]
    checked = run_publish(environment, tmp_path, *arguments, "--dry_run")
    assert checked.returncode == 0
    assert checked.stdout.startswith("the folder is whole (3 files); it was not compared with")
    sent = run_publish(environment, tmp_path, *arguments)
    assert sent.returncode == 2
    assert sent.stderr.splitlines() == [
        f"error: expected a Hub, but this run is offline ({tree} itself is whole): leave out --offline and "
        "HF_HUB_OFFLINE, or add --dry_run to check the folder only"
    ]
    assert hub.records == []
