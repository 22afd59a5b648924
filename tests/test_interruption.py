# SPDX-License-Identifier: Apache-2.0
"""A build that is stopped midway leaves what was there, looks like nothing, and can be run again."""

import signal
import subprocess
import sys
import time

import pytest
from commands import SECONDS, start

from dataset_builders.syco_claims import build, parse_args
from sycophancy.dataset.reading import load_claims
from sycophancy.publishing import check_tree


def flags(output, *more):
    return ["--source", "reviews", "--output_dir", str(output), "--org", "my-org", *more]


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stop_midway(output, stop, *more):
    """Run the builder and send it a signal as soon as it writes rows."""
    running = start(
        sys.executable, "dataset_builders/syco_claims.py", *flags(output, *more),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + SECONDS
    while not list(output.glob("my-org/syco-reviews.partial/data/*.incomplete")):
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    running.send_signal(stop)
    _, errors = running.communicate(timeout=SECONDS)
    return running.returncode, errors


def test_killed(tmp_path):
    code, _ = stop_midway(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    (left,) = (tmp_path / "my-org").iterdir()
    assert left.name == "syco-reviews.partial"
    # What is left is not taken for a dataset.
    assert not (left / "README.md").exists()
    with pytest.raises(ValueError, match="got no Parquet file at all"):
        load_claims(str(left), "train")
    with pytest.raises(ValueError, match=r"there is no README.md.*no Parquet file"):
        check_tree(left, "my-org/syco-reviews", "dataset")

    folder = build(parse_args(flags(tmp_path, "--limit", "9")), "command")
    assert [path.name for path in (tmp_path / "my-org").iterdir()] == ["syco-reviews"]
    assert len(load_claims(str(folder), "train")) == 9


def test_interrupted_while_replacing(tmp_path):
    folder = build(parse_args(flags(tmp_path, "--limit", "9")), "command")
    before = content(folder)
    code, errors = stop_midway(tmp_path, signal.SIGINT, "--overwrite")
    assert code == 130
    assert "Traceback" not in errors
    assert [path.name for path in (tmp_path / "my-org").iterdir()] == ["syco-reviews"]
    assert content(folder) == before
