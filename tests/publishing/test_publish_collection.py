# SPDX-License-Identifier: Apache-2.0
"""`scripts/publish_collection.py` against a loopback Hub: everything once, again, interrupted, refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import forking
import pytest
from hub_clients import ROOT, client_environment, run_python
from hub_trees import files_of, make_adapter
from loopback_hub import LoopbackHub
from loopback_hub.collection_routes import Collection
from loopback_hub.wire import Answer

BUILT = ["syco-mimicry", "syco-feedback"]
FEW = ["--org", "my-org", "--families", "mimicry", "feedback", "--limit", "20"]
ITEMS = [
    *(("dataset", f"my-org/{name}") for name in BUILT),
    ("space", "my-org/syco_alignment"),
    ("model", "my-org/tiny"),
]


def run(environment: dict[str, str], cwd: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return forking.run("bare", ROOT / "scripts" / "publish_collection.py", *words, environment=environment, cwd=cwd)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr[-2000:]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return line


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with datasets by a dry run without a Hub, and what it printed."""
    folder = tmp_path_factory.mktemp("collection")
    environment = client_environment("http://127.0.0.1:9", folder / "home", "lfs")
    make_adapter(folder / "tiny")
    done = run(environment, folder, *FEW, "--output_dir", "hub", "--models", "tiny", "--dry_run", "--offline")
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, done.stdout


@pytest.fixture
def work(built: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of it to publish from."""
    return Path(shutil.copytree(built[0], tmp_path / "work"))


@pytest.fixture
def environment(hub: LoopbackHub, tmp_path: Path) -> dict[str, str]:
    return client_environment(hub.endpoint, tmp_path / "home", "lfs", hub.add_user("ada", ("my-org",)))


def words(*more: str) -> list[str]:
    return [*FEW, "--output_dir", "hub", "--models", "tiny", *more]


def held(hub: LoopbackHub) -> list[tuple[str, str]]:
    """What the one collection holds, in order."""
    (collection,) = hub.collections.values()
    return [(item["type"], item["id"]) for item in collection.items]


def commits(hub: LoopbackHub) -> dict[str, int]:
    """Commits of each repository beside the Hub's own first one."""
    return {repo_id: len(repo.commits) - 1 for (_, repo_id), repo in hub.repos.items()}


def test_a_dry_run_builds_and_lists_with_sizes_and_files(built: tuple[Path, str]) -> None:
    folder, printed = built
    listed = [line.strip("| ").split(" | ") for line in printed.splitlines() if line.startswith("| ")]
    assert [(kind, repo) for repo, kind, *_ in listed[1:-1]] == ITEMS
    parts = [folder / "hub" / "my-org" / name for name in BUILT]
    for part, (_, _, licence, files, size) in zip(parts, listed[1:], strict=False):
        found = files_of(part)
        assert (licence, int(files), float(size)) == (
            "apache-2.0",
            len(found),
            pytest.approx(sum(map(len, found.values())) / 1e6, abs=0.006),
        )
    assert int(listed[-1][3]) == sum(int(line[3]) for line in listed[1:-1])
    assert printed.splitlines()[-2] == "all folders are whole; they were not compared with a Hub"
    assert printed.splitlines()[-1] == "collection my-org/Sycophancy: 4 items; nothing was sent"


def test_a_dry_run_compares_with_the_hub_and_sends_nothing(
    hub: LoopbackHub, environment: dict[str, str], work: Path
) -> None:
    done = run(environment, work, *words("--dry_run"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count(": nothing was sent; publishing would mean ") == len(ITEMS)
    assert done.stdout.splitlines()[-1] == "collection my-org/Sycophancy: 4 items; nothing was sent"
    assert set(hub.steps()) <= {"info", "telemetry"}


def test_everything_is_published_once_and_collected_in_order(
    hub: LoopbackHub, environment: dict[str, str], work: Path
) -> None:
    done = run(environment, work, *words("--tag", "v1.0.0"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert held(hub) == ITEMS
    assert commits(hub) == {repo_id: 1 for _, repo_id in ITEMS}
    assert {tuple(repo.tags) for repo in hub.repos.values()} == {("v1.0.0",)}
    (collection,) = hub.collections.values()
    assert (collection.owner, collection.title, collection.private) == ("my-org", "Sycophancy", False)
    assert collection.items[0]["note"]["text"] == "repeats a wrong attribution of its user's"
    assert (
        done.stdout.splitlines()[-1] == f"{hub.endpoint}/collections/{collection.slug}: made; 4 added, 0 there already"
    )
    # It was built before: the very files of the dry run.
    published = hub.repo("dataset", "my-org/syco-mimicry").tree()
    published.pop(".gitattributes")
    assert published == files_of(work / "hub" / "my-org" / "syco-mimicry")

    before = len(hub.records)
    again = run(environment, work, *words("--tag", "v1.0.0"))
    assert again.stdout.count("nothing to change, commit ") == 4
    assert again.stdout.splitlines()[-1] == f"{hub.endpoint}/collections/{collection.slug}: 0 added, 4 there already"
    assert {"commit", "tag", "create", "collection-create", "collection-add"} & set(hub.steps(before)) == set()


def test_what_was_interrupted_goes_on(hub: LoopbackHub, environment: dict[str, str], work: Path) -> None:
    hub.arm("commit", skip=1, answer=Answer.of_json({"error": "Forbidden: over quota"}, 403))
    assert "the Hub did not take dataset my-org/syco-feedback: " in refused(run(environment, work, *words()))
    assert commits(hub) == {"my-org/syco-mimicry": 1, "my-org/syco-feedback": 0}
    assert hub.collections == {}
    hub.arm("collection-add", skip=1, answer=Answer.of_json({"error": "Forbidden: too many items"}, 403))
    assert "the Hub did not take collection my-org/Sycophancy: " in refused(run(environment, work, *words()))
    assert held(hub) == ITEMS[:1]
    done = run(environment, work, *words())
    assert done.stdout.splitlines()[-1].endswith(": 3 added, 1 there already")
    assert held(hub) == ITEMS
    assert commits(hub) == {repo_id: 1 for _, repo_id in ITEMS}


COLLECT = """
# arguments: title, JSON with [repo_id, repo_type] pairs, JSON with options; makes the repositories that are not there
import dataclasses, json, sys
from huggingface_hub import HfApi
from sycophancy.publishing.collection import Item, collect

title, pairs, options = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
for repo_id, repo_type in pairs:
    if "absent" not in repo_id:
        HfApi().create_repo(repo_id, repo_type=repo_type, exist_ok=True)
try:
    found = collect(title, "my-org", [Item(*pair, note="n") for pair in pairs], first_wait=0.05, **options)
    print(json.dumps(dataclasses.asdict(found)))
except ValueError as error:
    print(json.dumps({"error": str(error)}))
"""
PAIRS = [["my-org/one", "dataset"], ["my-org/two", "model"], ["my-org/three", "dataset"], ["my-org/four", "dataset"],
         ["my-org/five", "dataset"]]  # fmt: skip


def collected(
    environment: dict[str, str], cwd: Path, title: str = "Mine", pairs: list = PAIRS, **options: object
) -> dict:
    return run_python(COLLECT, environment, cwd, title, json.dumps(pairs), json.dumps(options))


@pytest.mark.parametrize("unique_titles", [True, False])
@pytest.mark.parametrize(
    ("step", "how"),
    [
        ("collections", {"answer": Answer(503, body=b"down")}),
        ("collection-create", {"when": "after", "drop": True}),
        ("collection-create", {"when": "after", "answer": Answer(504)}),
        ("collection-add", {"when": "after", "drop": True, "skip": 1}),
        ("collection-add", {"when": "before", "drop": True, "skip": 4}),
        ("collection-add", {"answer": Answer(429, {"Retry-After": "0"}), "times": 2}),
        ("collection", {"answer": Answer.of_html(200, "a gateway's page")}),
    ],
)
def test_a_hub_that_stumbles_ends_with_each_item_once(
    step: str, how: dict, unique_titles: bool, hub: LoopbackHub, environment: dict[str, str], tmp_path: Path
) -> None:
    hub.unique_titles = unique_titles
    hub.arm(step, **how)
    found = collected(environment, tmp_path)
    assert "error" not in found, found
    assert hub.faults.met
    assert held(hub) == [(kind, repo_id) for repo_id, kind in PAIRS]
    assert sorted([*found["added"], *found["there"]]) == sorted(repo_id for repo_id, _ in PAIRS)


def test_what_others_put_into_the_collection_stays(
    hub: LoopbackHub, environment: dict[str, str], tmp_path: Path
) -> None:
    first = collected(environment, tmp_path, pairs=PAIRS[:2])
    assert (first["made"], first["added"], first["there"]) == (True, ["my-org/one", "my-org/two"], [])
    # By its address, and in another order: items that are there are not moved, and none is taken out.
    again = collected(environment, tmp_path, title=first["slug"], pairs=PAIRS[:0:-1])
    assert (again["made"], again["added"]) == (False, ["my-org/five", "my-org/four", "my-org/three"])
    assert [repo_id for _, repo_id in held(hub)] == [
        "my-org/one",
        "my-org/two",
        "my-org/five",
        "my-org/four",
        "my-org/three",
    ]


def test_what_cannot_be_collected_is_said(hub: LoopbackHub, environment: dict[str, str], tmp_path: Path) -> None:
    assert collected(environment, tmp_path, pairs=[["my-org/absent", "model"]])["error"].startswith(
        "the Hub did not take collection my-org/Mine: "
    )
    long = collected(environment, tmp_path, description="x" * 151)["error"]
    assert re.match(r"expected a description of at most 150 characters, got 151: x+ \.\.\.; shorten it$", long)
    public = collected(environment, tmp_path, private=True)["error"]
    assert re.match(rf"{hub.endpoint}/collections/my-org/mine-\w+ is public: make it private", public)
    (slug,) = hub.collections
    hub.collections["my-org/mine-2"] = Collection("my-org", "Mine", "my-org/mine-2")
    assert collected(environment, tmp_path)["error"] == (
        f"expected one collection of my-org with the title 'Mine', got {slug}, my-org/mine-2: name one of these"
    )
    reader = client_environment(hub.endpoint, tmp_path / "reader", "lfs")
    assert "access token that may write" in collected(reader, tmp_path, pairs=[])["error"]


def test_nothing_is_sent_where_one_folder_is_not_ready(
    hub: LoopbackHub, environment: dict[str, str], work: Path
) -> None:
    (work / "tiny" / "README.md").write_text("no card")
    line = refused(run(environment, work, *words()))
    assert line.startswith("error: 1 of 4 folders are not ready, and nothing was sent: ")
    assert "my-org/tiny: README.md does not begin with YAML" in line
    assert hub.steps() == []


def test_what_the_flags_do_not_allow_is_refused_before_anything_is_built(
    hub: LoopbackHub, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    few = ["--org", "my-org", "--output_dir", "hub"]
    line = refused(run(environment, tmp_path, *few, "--sources", "sst3"))
    assert line.startswith("error: --sources: expected some of reviews, ")
    assert line.endswith("got sst3")
    assert "--source_data: expected folders called like sources" in refused(
        run(environment, tmp_path, *few, "--source_data", "data")
    )
    assert "--offline: expected with --dry_run" in run(environment, tmp_path, *few, "--offline").stderr
    assert not (tmp_path / "hub").exists()


def test_sources_of_ones_own_folder_are_built_in_each_family_that_knows_them(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "cb"
    folder.mkdir(parents=True)
    for split, rows in (("train", 12), ("validation", 9)):
        lines = [
            {"idx": i, "premise": f"The {split} has {i} cars.", "hypothesis": f"There are {i} cars.", "label": i % 3}
            for i in range(rows)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    environment = client_environment("http://127.0.0.1:9", tmp_path / "home", "lfs")
    flags = [
        "--org",
        "my-org",
        "--output_dir",
        "hub",
        "--limit",
        "6",
        "--source_data",
        "data",
        "--dry_run",
        "--offline",
    ]
    done = run(environment, tmp_path, *flags, "--families", "claims", "suggested-answers", "are-you-sure")
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(path.name for path in (tmp_path / "hub" / "my-org").iterdir()) == [
        "syco-addition", "syco-answers-addition", "syco-answers-cb", "syco-answers-mixed_reviews", "syco-answers-reviews",
        "syco-are-you-sure-reviews", "syco-cb", "syco-mixed_reviews", "syco-reviews",
    ]  # fmt: skip
