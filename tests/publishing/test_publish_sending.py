# SPDX-License-Identifier: Apache-2.0
"""What one call of `publish` does to a repository: commits, deletions, tags, and what it refuses to do."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
from hub_clients import Publisher, client_environment
from hub_trees import dataset_rows, files_of, make_adapter, make_dataset, make_metric
from loopback_hub import LoopbackHub
from loopback_hub.store import GITATTRIBUTES, Repo

DATASET = "my-org/syco-tiny"
TRAIN, VALIDATION = "data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LoopbackHub, Publisher]]:
    """One Hub and one publisher process for all these tests: starting them takes longer than publishing."""
    folder = tmp_path_factory.mktemp("bench")
    with LoopbackHub(folder / "hub") as hub:
        environment = client_environment(hub.endpoint, folder / "home", "lfs", hub.add_user("ada", ("my-org",)))
        with Publisher(environment) as publisher:
            yield hub, publisher
        assert (hub.unknown, hub.crashes, hub.leaks) == ([], [], [])


@pytest.fixture
def hub(bench: tuple[LoopbackHub, Publisher]) -> LoopbackHub:
    bench[0].reset()
    return bench[0]


@pytest.fixture
def publisher(bench: tuple[LoopbackHub, Publisher]) -> Publisher:
    return bench[1]


def our_commits(repo: Repo) -> list[str]:
    """Titles of the commits after the Hub's own first one, oldest first."""
    return [commit.title for commit in repo.log()][-2::-1]


def test_publish_publish_again_change_and_publish(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_dataset(tmp_path / "tree")
    first = publisher.publish(tree, DATASET, "dataset", tag="v1.0.0")
    repo = hub.repo("dataset", DATASET)
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tree)}
    assert our_commits(repo) == ["Publish syco-tiny v1.0.0"]
    assert repo.tags == {"v1.0.0": repo.head}
    assert first["report"].splitlines() == [
        f"{hub.endpoint}/datasets/{DATASET}: 3 added, 0 changed, 0 deleted in commit {repo.head}",
        "  + README.md",
        f"  + {TRAIN}",
        f"  + {VALIDATION}",
        "  kept, though not in the folder (--mirror deletes them): .gitattributes",
        "tagged v1.0.0",
        f'load_dataset("{DATASET}", revision="v1.0.0")',
    ]

    again = publisher.publish(tree, DATASET, "dataset", tag="v1.0.0")
    assert (again["sent"], again["tagged"], again["commit"]) == (False, False, repo.head)
    assert len(our_commits(repo)) == 1

    make_dataset(tree, about="A better description.")
    changed = publisher.publish(tree, DATASET, "dataset", commit_message="A better card")
    assert changed["plan"]["changed"] == ["README.md"]
    assert our_commits(repo) == ["Publish syco-tiny v1.0.0", "A better card"]
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tree)}
    assert repo.resolve("v1.0.0").oid == first["commit"]


def test_only_mirror_deletes(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_adapter(tmp_path / "tree")
    (tree / "runs").mkdir()
    (tree / "runs" / "run.json").write_text("{}")
    publisher.publish(tree, "my-org/tiny", "model")
    everything = files_of(tree)
    (tree / "runs" / "run.json").unlink()
    (tree / "adapter_config.json").write_text('{"base_model_name_or_path": "my-org/other"}')
    kept = publisher.publish(tree, "my-org/tiny", "model")
    assert kept["plan"]["kept"] == [".gitattributes", "runs/run.json"]
    repo = hub.repo("model", "my-org/tiny")
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **everything, **files_of(tree)}
    mirrored = publisher.publish(tree, "my-org/tiny", "model", mirror=True)
    assert mirrored["plan"]["deleted"] == ["runs/run.json"]
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tree)}
    assert len(our_commits(repo)) == 3


def test_a_tag_stays_what_it_is(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_adapter(tmp_path / "tree")
    publisher.publish(tree, "my-org/tiny", "model", tag="v1.0.0")
    repo = hub.repo("model", "my-org/tiny")
    tagged = repo.head
    (tree / "adapter_config.json").write_text('{"base_model_name_or_path": "my-org/other"}')
    refused = publisher.publish(tree, "my-org/tiny", "model", tag="v1.0.0")
    assert refused["text"] == (
        f"tag v1.0.0 of my-org/tiny names commit {tagged}, which differs in adapter_config.json: "
        "choose a new tag, readers rely on the old one"
    )
    assert (repo.head, repo.tags) == (tagged, {"v1.0.0": tagged})
    assert publisher.publish(tree, "my-org/tiny", "model", tag="v1.1.0")["tagged"]
    assert repo.tags == {"v1.0.0": tagged, "v1.1.0": repo.head}


def test_a_tag_that_was_not_made_is_made_by_running_again(
    hub: LoopbackHub, publisher: Publisher, tmp_path: Path
) -> None:
    tree = make_adapter(tmp_path / "tree")
    published = publisher.publish(tree, "my-org/tiny", "model")
    again = publisher.publish(tree, "my-org/tiny", "model", tag="v1.0.0")
    assert (again["sent"], again["tagged"]) == (False, True)
    assert hub.repo("model", "my-org/tiny").tags == {"v1.0.0": published["commit"]}


def test_other_rows_than_the_tag_need_a_new_tag(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_dataset(tmp_path / "tree")
    publisher.publish(tree, DATASET, "dataset", tag="v1.0.0")
    repo = hub.repo("dataset", DATASET)

    # The same rows, written differently, and another card: readers get the same.
    table = pyarrow.parquet.read_table(tree / TRAIN)
    pyarrow.parquet.write_table(table, tree / TRAIN, compression="zstd")
    make_card = make_dataset(tmp_path / "card", about="Another card.") / "README.md"
    (tree / "README.md").write_bytes(make_card.read_bytes())
    assert publisher.publish(tree, DATASET, "dataset")["plan"]["changed"] == ["README.md", TRAIN]

    head = repo.head
    make_dataset(tree, words="changed")
    refused = publisher.publish(tree, DATASET, "dataset")
    assert refused["text"].startswith(f"{DATASET} would get other rows than its tag v1.0.0 (default/train: 8 rows ")
    assert refused["text"].endswith("give them a new tag with --tag")
    assert repo.head == head
    assert publisher.publish(tree, DATASET, "dataset", tag="v2.0.0")["tagged"]
    assert repo.tags["v2.0.0"] == repo.head


def test_dry_run_and_diff_say_what_would_change_and_send_nothing(
    hub: LoopbackHub, publisher: Publisher, tmp_path: Path
) -> None:
    tree = make_dataset(tmp_path / "tree")
    new = publisher.publish(tree, DATASET, "dataset", dry_run=True)
    assert new["report"].splitlines()[0] == (
        f"{hub.endpoint}/datasets/{DATASET}: nothing was sent; publishing would mean 3 added, 0 changed, 0 deleted"
    )
    assert hub.repos == {}
    publisher.publish(tree, DATASET, "dataset", tag="v1.0.0")
    repo = hub.repo("dataset", DATASET)
    head, requests = repo.head, len(hub.records)

    rows = dataset_rows("train", 8)
    table = pyarrow.Table.from_pylist([{**row, "prompt": "?"} if i == 3 else row for i, row in enumerate(rows[1:])])
    pyarrow.parquet.write_table(table, tree / TRAIN)
    card = (tree / "README.md").read_text().replace("Rows of a test.", "Rows of another test.")
    (tree / "README.md").write_text(card)
    expected = [
        "default/train: 1 rows removed (tiny/train/0/false/no_opinion)",
        "default/train: 1 rows changed (tiny/train/1/false/wrong_opinion)",
        "--- README.md (published)",
        "+++ README.md (here)",
        "@@ -13,2 +13,2 @@",
        " ",
        "-Rows of a test.",
        "+Rows of another test.",
    ]
    assert publisher.publish(tree, DATASET, "dataset", tag="v2.0.0", diff=True)["differences"] == expected
    *shown, refusal = publisher.publish(tree, DATASET, "dataset", diff=True)["differences"]
    assert shown == expected
    assert refusal.startswith(
        f"it would be refused: {DATASET} would get other rows than its tag v1.0.0 (default/train: "
    )
    assert refusal.endswith("give them a new tag with --tag")
    refused = publisher.publish(tree, DATASET, "dataset", dry_run=True)
    assert refusal == f"it would be refused: {refused['text']}"
    assert repo.head == head
    assert {record.method for record in hub.records[requests:]} <= {"GET", "HEAD"}


def test_a_private_repository_stays_private_and_a_public_one_is_refused(
    hub: LoopbackHub, publisher: Publisher, tmp_path: Path
) -> None:
    tree = make_adapter(tmp_path / "tree")
    publisher.publish(tree, "my-org/hidden", "model", private=True)
    assert hub.repo("model", "my-org/hidden").private
    publisher.publish(tree, "my-org/open", "model")
    refused = publisher.publish(tree, "my-org/open", "model", private=True)
    assert "is public: make it private in its settings" in refused["text"]


def test_a_space_is_made_with_the_sdk_of_its_card(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    answer = publisher.publish(make_metric(tmp_path / "tree"), "my-org/syco_alignment", "space")
    repo = hub.repo("space", "my-org/syco_alignment")
    assert repo.sdk == "gradio"
    assert answer["load_line"] == f'evaluate.load("my-org/syco_alignment", revision="{repo.head}")'


def test_a_folder_that_is_not_whole_is_not_sent(hub: LoopbackHub, publisher: Publisher, tmp_path: Path) -> None:
    tree = make_adapter(tmp_path / "tree")
    (tree / "training_args.bin").write_bytes(b"pickle")
    refused = publisher.publish(tree, "my-org/tiny", "model")
    assert "training_args.bin must not be published" in refused["text"]
    assert hub.records == []


def test_files_that_the_repository_ignores_are_reported_missing(
    hub: LoopbackHub, publisher: Publisher, tmp_path: Path
) -> None:
    tree = make_adapter(tmp_path / "tree")
    publisher.publish(tree, "my-org/tiny", "model")
    hub.commit_files("model", "my-org/tiny", {".gitignore": b"notes.md\n"})
    (tree / "notes.md").write_text("notes")
    (tree / "more.md").write_text("more")
    refused = publisher.publish(tree, "my-org/tiny", "model", tag="v1.0.0")
    assert "is not the folder: notes.md is missing. A .gitignore in the repository" in refused["text"]
    assert hub.repo("model", "my-org/tiny").tags == {}
