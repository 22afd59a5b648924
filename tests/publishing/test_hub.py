# SPDX-License-Identifier: Apache-2.0
"""Which commit a name stands for: from the Hub, from the cache, and what is said where neither knows it."""

import json
import socket
from pathlib import Path

import pytest
from hub_clients import Publisher, client_environment, run_python
from hub_trees import make_adapter, make_dataset
from loopback_hub import LoopbackHub
from loopback_hub.wire import Answer

DATASET, ADAPTER = "my-org/syco-tiny", "my-org/tiny-adapter"

RESOLVE = """
# arguments: JSON with [name, repo_type, revision] triples; seconds to wait for the Hub, or 0
import json, sys, time
from sycophancy import hub as hub_commit

hub_commit.REACH_SECONDS = float(sys.argv[2]) or hub_commit.REACH_SECONDS
started = time.monotonic()
found = []
for name, repo_type, revision in json.loads(sys.argv[1]):
    try:
        found.append(hub_commit.resolve_commit(name, repo_type, revision))
    except ValueError as error:
        found.append(f"refused: {error}")
print(json.dumps({"found": found, "seconds": time.monotonic() - started}))
"""

LOAD_SPLIT = """
# arguments: dataset, revision
import json, sys
from sycophancy.dataset.reading import fingerprint_claims, load_split

name, revision = sys.argv[1], sys.argv[2] or None
try:
    rows = load_split(name, "train", revision)
    commit = fingerprint_claims(name, "train", revision)
    print(json.dumps({"prompt": rows[0]["prompt"], "revision": commit}))
except ValueError as error:
    print(json.dumps({"refused": str(error)}))
"""


def resolve(environment: dict[str, str], cwd: Path, *asked: tuple, seconds: float = 0) -> list[str | None]:
    return run_python(RESOLVE, environment, cwd, json.dumps(asked), str(seconds))["found"]


def test_names_and_revisions_on_the_hub(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_dataset(tmp_path / "tree")
    first = publisher.publish(tree, DATASET, "dataset", tag="v1.0.0")["commit"]
    make_dataset(tree, about="Another card.")
    second = publisher.publish(tree, DATASET, "dataset")["commit"]
    environment = client_environment(hub.endpoint, tmp_path / "fresh", "lfs")
    assert resolve(
        environment, tmp_path, (DATASET, "dataset", None), (DATASET, "dataset", "v1.0.0"), (DATASET, "dataset", first),
        (str(tree), "dataset", None), (DATASET, "dataset", "v9"), ("my-org/absent", "model", None),
        ("./absent", "model", None), ("/nowhere/else/at/all", "dataset", None),
    ) == [
        second, first, first, None,
        "refused: expected a revision of the dataset my-org/syco-tiny, got v9: there is none",
        "refused: expected a model, got my-org/absent: there is no such folder here, and on "
        f"{hub.endpoint} none that you may read; check the name, or run `hf auth login`",
        "refused: expected a local folder or a Hub id as model, got ./absent, which is neither",
        "refused: expected a local folder or a Hub id as dataset, got /nowhere/else/at/all, which is neither",
    ]  # fmt: skip


def test_one_process_reads_one_commit(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(make_dataset(tmp_path / "tree"), DATASET, "dataset")
    environment = client_environment(hub.endpoint, tmp_path / "fresh", "lfs")
    before = hub.steps().count("info")
    resolve(environment, tmp_path, (DATASET, "dataset", None), (DATASET, "dataset", None))
    assert hub.steps().count("info") == before + 1


def test_a_hub_that_is_ill(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.arm("info", answer=Answer(503, body=b"down for maintenance"))
    environment = client_environment(hub.endpoint, tmp_path / "fresh", "lfs")
    (found,) = resolve(environment, tmp_path, (DATASET, "dataset", None))
    assert found.startswith(f"refused: {hub.endpoint} does not give the dataset {DATASET}: ")
    assert "503" in found


@pytest.mark.parametrize("how", ["closed", "silent"])
def test_a_hub_that_is_not_there_is_said_within_seconds(how: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1] if how == "silent" else 9
        environment = client_environment(f"http://127.0.0.1:{port}", tmp_path / "fresh", "lfs")
        asked = run_python(RESOLVE, environment, tmp_path, json.dumps([[ADAPTER, "model", None]]), "1.0")
    (found,) = asked["found"]
    # Of waiting alone, without the start of a Python: the libraries' own patience is 23 s and more.
    assert asked["seconds"] < 15
    reason = {"closed": "ConnectError", "silent": "ReadTimeout"}[how]
    assert found.startswith(
        f"refused: http://127.0.0.1:{port} cannot be reached for the model my-org/tiny-adapter ({reason}: "
    )
    assert found.endswith("set HF_HUB_OFFLINE=1 to use what is in the cache, or name a local folder")


def test_models_offline_are_those_in_the_cache(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_adapter(tmp_path / "tree")
    first = publisher.publish(tree, ADAPTER, "model")["commit"]
    environment = client_environment(hub.endpoint, tmp_path / "fresh", "lfs")
    offline = environment | {"HF_HUB_OFFLINE": "1"}
    absent = (
        "refused: expected the model my-org/tiny-adapter in the cache, since HF_HUB_OFFLINE is set, got none; load it "
        "once with a network, leave out HF_HUB_OFFLINE, or name a local folder"
    )
    assert resolve(offline, tmp_path, (ADAPTER, "model", None)) == [absent]
    fetch = """
import sys
from huggingface_hub import hf_hub_download
hf_hub_download(sys.argv[1], "adapter_config.json", revision=sys.argv[2])
print("{}")
"""
    run_python(fetch, environment, tmp_path, ADAPTER, first)
    asked = (ADAPTER, "model", None), (ADAPTER, "model", first), (ADAPTER, "model", "0" * 40)
    assert resolve(offline, tmp_path, *asked) == [first, first, absent.replace(" in the", f" at {'0' * 40} in the")]
    (tree / "README.md").write_text((tree / "README.md").read_text() + "\nMore.\n")
    second = publisher.publish(tree, ADAPTER, "model")["commit"]
    run_python(fetch, environment, tmp_path, ADAPTER, second)
    (found,) = resolve(offline, tmp_path, (ADAPTER, "model", None))
    assert f"got {', '.join(sorted((first, second)))} in the cache; give one of them as revision" in found


def test_rows_offline_are_those_of_the_commit_or_none(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_dataset(tmp_path / "tree", words="first")
    environment = client_environment(hub.endpoint, tmp_path / "fresh", "lfs")
    offline = environment | {"HF_HUB_OFFLINE": "1"}
    first = publisher.publish(tree, DATASET, "dataset")["commit"]
    seen = {"prompt": "first: is sentence 0 positive? (no_opinion)", "revision": first}
    assert run_python(LOAD_SPLIT, environment, tmp_path, DATASET, "") == seen
    assert run_python(LOAD_SPLIT, offline, tmp_path, DATASET, "") == seen
    make_dataset(tree, words="second")
    second = publisher.publish(tree, DATASET, "dataset")["commit"]
    assert run_python(LOAD_SPLIT, environment, tmp_path, DATASET, "")["revision"] == second
    # `datasets` would give the second's rows here, whatever revision is asked for.
    refused = run_python(LOAD_SPLIT, offline, tmp_path, DATASET, first)["refused"]
    assert refused.startswith(f"expected the rows of {DATASET} at {first}, got those at {second}, the newest")
