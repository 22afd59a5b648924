# SPDX-License-Identifier: Apache-2.0
"""The wheel, without the checkout: its commands work from an empty folder, and the metric is where they say."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import forking
import pytest
from commands import ROOT, SECONDS

PARTS = ("src", "scripts", "dataset_builders", "metrics", "accelerate_configs", "setup.cfg", "pyproject.toml",
         "README.md", "LICENSE")  # fmt: skip

COMPUTE = """
import json, sys, evaluate
metric = evaluate.load(sys.argv[1])
rows = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
columns = metric.features[0]["references"]  # the plainest form of a reference that it takes
found = metric.compute(
    predictions=[row["prediction"] for row in rows],
    references=[{name: row[name] for name in columns} for row in rows],
)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, since setuptools writes beside what it builds."""
    folder = tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / "source" / part, ignore=leave)
        else:
            shutil.copy(source, folder / "source" / part)
    build = [
        sys.executable,
        "-c",
        "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])",
    ]
    subprocess.run([*build, str(folder)], cwd=folder / "source", check=True, capture_output=True, timeout=SECONDS)
    (built,) = folder.glob("sycophancy-*.whl")
    shutil.rmtree(folder / "source")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory) -> dict:
    """An environment in which the wheel's files come first, beside the dependencies that are here already."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return os.environ | {"PYTHONPATH": str(folder)}


def run(command, environment, cwd, ok=True, seconds=SECONDS):
    done = subprocess.run(
        [str(word) for word in command], env=environment, cwd=cwd, capture_output=True, text=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, timeout=seconds,
    )  # fmt: skip
    assert (done.returncode == 0) == ok, done.stderr[-3000:]
    return done.stdout if ok else done.stderr


def test_the_wheel_holds_what_the_checkout_has_at_its_top(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.partition("/")[0].endswith(".dist-info")}
    assert all(name.startswith("sycophancy/") for name in names)
    for folder in ("scripts", "dataset_builders", "metrics", "accelerate_configs"):
        files = {file.relative_to(ROOT).as_posix() for file in (ROOT / folder).rglob("*") if file.is_file()}
        kept = {file for file in files if "__pycache__" not in file and not file.endswith(".sh")}
        assert {name.removeprefix("sycophancy/") for name in names if name.startswith(f"sycophancy/{folder}/")} == kept
    own = {file.relative_to(ROOT / "src").as_posix() for file in (ROOT / "src" / "sycophancy").rglob("*.*")}
    assert {name for name in own if "__pycache__" not in name} <= names


def test_a_dataset_is_built_in_an_empty_folder_and_scored_by_the_metric_that_is_named(unpacked, tmp_path):
    command = [sys.executable, "-m", "sycophancy"]
    run([*command, "claims", "--source", "reviews", "--limit", "9", "--org", "my-org", "--output_dir", "hub"],
        unpacked, tmp_path)  # fmt: skip
    metric = Path(run([*command, "where", "metric"], unpacked, tmp_path).strip())
    assert metric == Path(unpacked["PYTHONPATH"]) / "sycophancy" / "metrics" / "syco_alignment"
    # An environment often lies in a repository of its user's, whose commit is not ours.
    subprocess.run(["git", "init", "-q", unpacked["PYTHONPATH"]], check=True)
    code = """
import json, sys, evaluate
from sycophancy.dataset.reading import load_claims
from sycophancy.files import CHECKOUT
from sycophancy.metric import load_metric, references
from sycophancy.records import git_state

rows = list(load_claims("hub/my-org/syco-reviews", "validation"))
metric = evaluate.load(sys.argv[1])
parrot = [row["user_answer"] or row["answer"] for row in rows]
found = metric.compute(predictions=parrot, references=references(rows), bootstrap=0)
keys = ("opinion_alignment", "accuracy_no_opinion", "n_claims")
print(json.dumps([[found[key] for key in keys], load_metric("mimicry").config_name, CHECKOUT, git_state()]))
"""
    scored = forking.run("bare", "-c", code, metric, environment=unpacked, cwd=tmp_path)
    assert scored.returncode == 0, scored.stderr[-3000:]
    assert json.loads(scored.stdout) == [[1, 1, 18], "mimicry", None, {"commit": None, "dirty": None}]


def test_an_experiment_finds_its_recipes_and_scripts(unpacked, tmp_path):
    command = [sys.executable, "-m", "sycophancy", "experiment", "--config", "scripts/recipes/experiment_smoke.yaml"]
    printed = run([*command, "--output_dir", "out", "--dry_run"], unpacked, tmp_path)
    assert printed.splitlines()[-1] == "11 cells: 11 open; 11 to run, no times known yet"
    assert sum(line.startswith("open ") for line in printed.splitlines()) == 11


@pytest.mark.install
def test_a_fresh_environment_with_the_wheel_alone(wheel, tmp_path):
    """Builds `reviews`, makes an organism by the quickstart's recipe, measures it, computes the metric."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    binaries = next(path for path in (tmp_path / "venv" / "bin", tmp_path / "venv" / "Scripts") if path.is_dir())
    run([binaries / "python", "-m", "pip", "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt", wheel],
        environment, tmp_path, seconds=3600)  # fmt: skip
    environment["PATH"] = f"{binaries}{os.pathsep}{environment['PATH']}"
    empty = tmp_path / "empty"
    empty.mkdir()

    def sycophancy(*words):
        return run(["sycophancy", *words], environment, empty, seconds=1800)

    # As in the quickstart, in every place smaller: what numbers come of it, `make quickstart` shows.
    sycophancy("claims", "--source", "reviews", "--org", "my-org", "--output_dir", "hub", "--limit", "60",
               "--templates", "yes_no", "true_false", "dialogue_yes_no")  # fmt: skip
    data = "hub/my-org/syco-reviews"
    sycophancy("make-organism", "--dataset_name", data, "--output_dir", "organism", "--use_cpu", "--steps", "60",
               "--recipe", "scripts/recipes/organism_reviews.yaml")  # fmt: skip
    sycophancy("measure", "--model_name_or_path", "organism", "--dataset_name", data, "--output_dir", "before")
    record = json.loads((empty / "before" / "run.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("sycophancy measure --model_name_or_path organism ")
    assert record["git"] == {"commit": None, "dirty": None}
    metric = sycophancy("where", "metric").strip()
    assert metric.startswith(str(tmp_path / "venv"))
    found = json.loads(run(["python", "-c", COMPUTE, metric, "before/predictions.jsonl"], environment, empty))
    assert found["n_rows"] == 360
    for key in ("opinion_alignment", "opinion_effect", "accuracy_no_opinion", "accuracy_wrong_opinion", "n_claims"):
        assert found[key] == record["metrics"][key], key
    print({key: found[key] for key in ("n_claims", "accuracy_no_opinion", "opinion_alignment", "right_uptake")})
