# SPDX-License-Identifier: Apache-2.0
"""Several publishers at once on one repository: each succeeds on top of the others, and nothing is lost."""

import threading
from pathlib import Path

from hub_clients import Publisher, client_environment
from hub_trees import files_of, make_adapter
from loopback_hub import LoopbackHub
from loopback_hub.store import GITATTRIBUTES

NAMES = ("ada", "ben", "cyn")
REPO = "my-org/tiny"


def publish_at_once(hub: LoopbackHub, folder: Path, mode: str, trees: dict[str, Path], **options: object) -> dict:
    """Start all publishers, let them import, then ask all of them at once; name -> answer."""
    publishers = {}
    for name in trees:
        environment = client_environment(hub.endpoint, folder / f"home-{name}", mode, hub.add_user(name, ("my-org",)))
        publishers[name] = Publisher(environment)
    for name, publisher in publishers.items():
        publisher.publish(trees[name], REPO, "model", dry_run=True)
    # Nobody's first commit is taken before everybody's has come, so that all but one meet a newer head.
    barrier = threading.Barrier(len(trees), timeout=60)
    hub.arm("commit", call=barrier.wait, times=len(trees))
    for name, publisher in publishers.items():
        publisher.start(trees[name], REPO, "model", **options)
    answers = {name: publisher.finish() for name, publisher in publishers.items()}
    for publisher in publishers.values():
        publisher.__exit__()
    return answers


def test_three_folders_one_repository(hub: LoopbackHub, mode: str, tmp_path: Path) -> None:
    trees = {}
    for name in NAMES:
        trees[name] = make_adapter(tmp_path / name)
        (trees[name] / f"{name}.json").write_text(f'"{name}"')
        (trees[name] / "who.json").write_text(f'"{name}"')
    answers = publish_at_once(hub, tmp_path, mode, trees)
    repo = hub.repo("model", REPO)
    ours = repo.log()[:-1]
    assert sorted(commit.author for commit in ours) == sorted(NAMES)
    for name, answer in answers.items():
        # What was published is there, exactly, at the commit that the publisher named ...
        there = repo.tree(answer["commit"])
        assert {path: there[path] for path in files_of(trees[name])} == files_of(trees[name])
    # ... and at the end everybody's own file is.
    assert [repo.tree()[f"{name}.json"] for name in NAMES] == [b'"ada"', b'"ben"', b'"cyn"']
    assert repo.tree()["who.json"] == f'"{ours[0].author}"'.encode()
    assert [record.status for record in hub.records if record.step == "commit"].count(412) >= 2


def test_three_times_the_same_folder_is_one_commit(hub: LoopbackHub, tmp_path: Path) -> None:
    tree = make_adapter(tmp_path / "tree")
    answers = publish_at_once(hub, tmp_path, "xet", dict.fromkeys(NAMES, tree), tag="v1.0.0")
    repo = hub.repo("model", REPO)
    assert len(repo.log()) == 2
    assert repo.tree() == {".gitattributes": GITATTRIBUTES, **files_of(tree)}
    assert {answer["commit"] for answer in answers.values()} == {repo.head}
    assert repo.tags == {"v1.0.0": repo.head}


def test_the_same_tag_for_two_folders_is_refused_to_the_second(hub: LoopbackHub, tmp_path: Path) -> None:
    trees = {}
    for name in NAMES[:2]:
        trees[name] = make_adapter(tmp_path / name)
        (trees[name] / "who.json").write_text(f'"{name}"')
    answers = publish_at_once(hub, tmp_path, "lfs", trees, tag="v1.0.0")
    repo = hub.repo("model", REPO)
    (refused,) = [answer for answer in answers.values() if "error" in answer]
    (tagged,) = [name for name, answer in answers.items() if "error" not in answer]
    assert "tag v1.0.0 of my-org/tiny names commit" in refused["text"]
    assert repo.tree("v1.0.0")["who.json"] == f'"{tagged}"'.encode()
