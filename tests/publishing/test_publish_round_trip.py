# SPDX-License-Identifier: Apache-2.0
"""The lines that users type, in a fresh process without a token, give what was published."""

import json
from pathlib import Path

import pyarrow.parquet
import pytest
from client_code import LOAD_ALL, MAKE_MODELS_AND_LOAD_LOCAL
from hub_clients import Place, client_environment, run_publish, run_python
from hub_trees import (
    ADAPTER_CARD,
    SPLITS,
    dataset_rows,
    files_of,
    make_dataset,
    make_metric,
)
from loopback_hub.store import GITATTRIBUTES

BASE_CARD = ADAPTER_CARD.replace("base_model: my-org/tiny-t5\n", "").replace("library_name: peft\n", "")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder `my-org` with a dataset, a metric, a base and an adapter; what loading them locally gave."""
    folder = tmp_path_factory.mktemp("local")
    org = folder / "out" / "my-org"
    make_dataset(org / "syco-tiny")
    make_metric(org / "syco_alignment")
    (folder / "elsewhere").mkdir()
    # No Hub anywhere: port 9 discards, and the clients are told to stay offline.
    environment = client_environment("http://127.0.0.1:9", folder / "home", "xet") | {"HF_HUB_OFFLINE": "1"}
    arguments = str(folder / "out"), str(folder / "elsewhere")
    seen = run_python(MAKE_MODELS_AND_LOAD_LOCAL, environment, folder, *arguments)
    (org / "tiny-t5" / "README.md").write_text(BASE_CARD, encoding="utf-8")
    (org / "tiny-adapter" / "README.md").write_text(ADAPTER_CARD, encoding="utf-8")
    return org, seen


def expected_rows() -> dict[str, list[dict[str, object]]]:
    return {split: dataset_rows(split, claims) for split, claims in SPLITS.items()}


def test_what_users_type_gives_what_was_published(
    place: Place, local: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    org, answers = local
    metric_name = place.repo_id("syco_alignment").split("/")[1]
    trees = {
        "syco-tiny": ("dataset", org / "syco-tiny"),
        "tiny-t5": ("model", org / "tiny-t5"),
        "tiny-adapter": ("model", org / "tiny-adapter"),
        "syco_alignment": ("space", make_metric(tmp_path / "syco_alignment", metric_name)),
    }
    for name, (repo_type, tree) in trees.items():
        repo = "--repo_id", place.repo_id(name), "--repo_type", repo_type
        tag = () if repo_type == "space" else ("--tag", "v1.0.0")
        done = run_publish(place.writer(tmp_path / "home"), tmp_path, str(tree), *repo, *tag)
        assert done.returncode == 0, done.stderr
        assert place.repo_id(name) in done.stdout.splitlines()[-1]  # the line that loads it
        if place.hub is not None:
            published = place.hub.repo(repo_type, place.repo_id(name))
            assert published.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tree)}
            assert [commit.author for commit in published.log()] == ["ada", "ada"]  # the Hub's own and ours

    names = {
        "dataset": place.repo_id("syco-tiny"),
        "revision": "v1.0.0",
        "metric": place.repo_id("syco_alignment"),
        "base": place.repo_id("tiny-t5"),
        "adapter": place.repo_id("tiny-adapter"),
    }
    reader = place.reader(tmp_path / "fresh-home")
    seen = run_python(LOAD_ALL, reader, tmp_path_without_trees(tmp_path), json.dumps(names))
    assert seen["rows"] == expected_rows()
    assert seen["pinned_rows"] == expected_rows()
    schema = pyarrow.parquet.read_schema(org / "syco-tiny" / "data" / "train-00000-of-00001.parquet")
    assert list(seen["columns"]) == schema.names
    assert seen["metric"] == {"accuracy": 0.75}
    assert seen["logits"] == answers["made"]
    if place.hub is not None:
        # Large files came through the transfer that this mode stands for, and nobody sent a token to read.
        steps = place.hub.steps()
        uploads, downloads = ("lfs-put", "storage") if place.mode == "lfs" else ("xet-write-token", "xet-read-token")
        others = ("xet-write-token", "xet-read-token") if place.mode == "lfs" else ("lfs-put",)
        assert {uploads, downloads} <= set(steps)
        assert not set(others) & set(steps)


def tmp_path_without_trees(tmp_path: Path) -> Path:
    """An empty working directory: a folder with the name of a repository would be loaded in its place."""
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    return empty


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_the_same_lines_load_the_local_tree(local: tuple[Path, dict[str, object]], where: str) -> None:
    seen = local[1][where]
    assert seen["rows"] == expected_rows()
    assert seen["metric"] == {"accuracy": 0.75}
    assert seen["logits"] == local[1]["made"]
