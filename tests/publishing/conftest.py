# SPDX-License-Identifier: Apache-2.0
"""Fixtures for publishing: a loopback Hub per test that ends without a leak, modes, places to publish to."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from hub_clients import MODES, Place, Publisher, client_environment, run_python  # noqa: E402
from loopback_hub import LoopbackHub  # noqa: E402

REAL_HUB = "https://huggingface.co"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LoopbackHub]:
    """A loopback Hub; the test fails if a client used an unknown route or sent a token where none belongs."""
    with LoopbackHub(tmp_path / "hub") as running:
        yield running
        assert running.unknown == []
        assert running.crashes == []
        assert running.leaks == []


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def publisher(hub: LoopbackHub, tmp_path: Path) -> Iterator[Publisher]:
    """A publisher process that may write to `my-org`, with plain LFS."""
    environment = client_environment(hub.endpoint, tmp_path / "home", "lfs", hub.add_user("ada", ("my-org",)))
    with Publisher(environment) as process:
        yield process


@pytest.fixture(params=[*MODES, pytest.param("real", marks=pytest.mark.hub)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The loopback Hub in each mode; with `-m hub` the real Hub, where everything made is deleted again."""
    if request.param != "real":
        loopback = request.getfixturevalue("hub")
        token = loopback.add_user("ada", ("my-org",))
        yield Place(loopback.endpoint, token, "my-org", request.param, "", loopback)
        return
    token, namespace = os.environ.get("HF_TOKEN"), os.environ.get("SYCO_HUB_NAMESPACE")
    # Never by accident: a token in the environment alone does not mean that tests may publish with it.
    if "hub" not in request.config.option.markexpr or not token or not namespace:
        pytest.skip("the real Hub: run `pytest -m hub` with HF_TOKEN and SYCO_HUB_NAMESPACE")
    real = Place(REAL_HUB, token, namespace, "xet", f"_{uuid4().hex[:8]}")
    yield real
    delete = """
import json, sys
from huggingface_hub import HfApi
for repo_type, repo_id in json.loads(sys.argv[1]):
    HfApi().delete_repo(repo_id, repo_type=repo_type, missing_ok=True)
print("{}")
"""
    made = [
        ["dataset", "syco-tiny"],
        ["model", "tiny-t5"],
        ["model", "tiny-adapter"],
        ["space", "syco_alignment"],
    ]
    repos = json.dumps([[kind, real.repo_id(name)] for kind, name in made])
    run_python(delete, real.writer(tmp_path / "delete"), tmp_path, repos)
