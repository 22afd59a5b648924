# SPDX-License-Identifier: Apache-2.0
"""No token in a log, an answer, a pushed file or a request to another origin, even with every log on."""

import json
from pathlib import Path

import pytest
from hub_clients import Publisher, client_environment, run_publish
from hub_trees import make_adapter, make_dataset
from loopback_hub import LoopbackHub
from loopback_hub.wire import Refusal

from sycophancy.publishing import publish


def test_no_byte_of_the_token_goes_astray(hub: LoopbackHub, mode: str, tmp_path: Path) -> None:
    token = hub.add_user("ada", ("my-org",))
    loud = {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug", "DATASETS_VERBOSITY": "debug", "RUST_LOG": "debug"}
    environment = client_environment(hub.endpoint, tmp_path / "home", mode, token) | loud
    tree = make_dataset(tmp_path / "tree")
    with Publisher(environment) as publisher:
        answers = [publisher.publish(tree, "my-org/syco-tiny", "dataset", tag="v1.0.0")]
        make_dataset(tree, about="Another card.")
        answers.append(publisher.publish(tree, "my-org/syco-tiny", "dataset", diff=True))
        # A Hub whose error repeats the token: first one that passes (logged), then one that does not
        # (raised).
        hub.arm("commit", answer=Refusal(500, f"cannot use {token} now").answer)
        answers.append(publisher.publish(tree, "my-org/syco-tiny", "dataset"))
        hub.arm("info", answer=Refusal(403, f"{token} may not do this").answer)
        answers.append(publisher.publish(tree, "my-org/syco-tiny", "dataset", tag="v2.0.0"))
        log = publisher.log
    assert "cannot use <token> now" in log
    assert "<token> may not do this" in answers[-1]["text"]

    assert token not in log
    assert token not in json.dumps(answers)
    pushed = [data for commit in hub.repo("dataset", "my-org/syco-tiny").log() for data in commit.tree.values()]
    assert len(pushed) >= 9
    assert not any(token.encode() in blob.data for blob in pushed)
    # The log is loud, requests to the other origin did happen, and requests to the Hub did carry the token.
    assert "authenticated: True" in log
    elsewhere = [record for record in hub.records if record.host.startswith("localhost")]
    assert bool(elsewhere) == (mode == "lfs")
    assert not any(record.authenticated or token.encode() in record.head for record in elsewhere)
    assert all(record.authenticated for record in hub.records if record.step in ("preupload", "commit", "tag"))
    # What is left on disk: the client's own store of tokens aside, nothing holds it.
    left = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not [path for path in left if token.encode() in path.read_bytes()]


def test_a_token_in_a_header_that_cannot_be_sent_is_not_shown(hub: LoopbackHub, tmp_path: Path) -> None:
    token = hub.add_user("ada", ("my-org",))
    environment = client_environment(hub.endpoint, tmp_path / "home", "lfs")
    arguments = [str(make_adapter(tmp_path / "tree")), "--repo_id", "my-org/tiny", "--repo_type", "model"]
    done = run_publish({**environment, "HF_TOKEN": f"{token}é"}, tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: the access token has characters that none has")
    assert token not in done.stdout + done.stderr


def test_the_error_hides_its_cause(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback of the error of the client would show what `publish` has taken out of its text."""
    from huggingface_hub import constants

    from sycophancy.publishing import PublishError

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PublishError) as caught:
        publish(make_adapter(tmp_path), "my-org/tiny", "model", token="hf_secret", attempts=1)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
