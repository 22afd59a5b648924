# SPDX-License-Identifier: Apache-2.0
"""The loopback Hub refuses at least what the Hub refuses. A fake that says yes too often proves nothing."""

import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import LoopbackHub
from loopback_hub.wire import Answer

REPO = "my-org/tiny"
API = f"/api/models/{REPO}"
NDJSON = {"Content-Type": "application/x-ndjson"}


class Caller:
    """Plain HTTP requests with a token."""

    def __init__(self, hub: LoopbackHub, token: str | None):
        self.hub, self.token = hub, token

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(host, self.hub.port, timeout=10)
        headers = dict(headers or {})
        if self.token and host == "127.0.0.1":
            headers["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        answer = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return answer


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path / "hub") as running:
        yield running
        assert running.crashes == []


@pytest.fixture
def call(hub: LoopbackHub) -> Caller:
    caller = Caller(hub, hub.add_user("ada", ("my-org",)))
    assert caller("POST", "/api/repos/create", {"name": "tiny", "organization": "my-org"})[0] == 200
    return caller


def commit_body(*lines: tuple[str, dict[str, Any]], **header: Any) -> bytes:
    entries = [("header", {"summary": "test", **header}), *lines]
    return b"".join(json.dumps({"key": key, "value": value}).encode() + b"\n" for key, value in entries)


def regular(path: str, data: bytes, encoding: str = "base64") -> tuple[str, dict[str, Any]]:
    return "file", {"path": path, "content": base64.b64encode(data).decode(), "encoding": encoding}


def large(path: str, data: bytes) -> tuple[str, dict[str, Any]]:
    return "lfsFile", {
        "path": path,
        "algo": "sha256",
        "oid": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }


COMMITS = [  # body, status, words
    (commit_body(regular("a.txt", b"hello")), 200, ""),
    (commit_body(regular("a.txt", b"hello"), parentCommit="0" * 40), 412, "A commit has happened since"),
    (commit_body(regular("../a.txt", b"hello")), 400, "Invalid path"),
    (commit_body(regular("/a.txt", b"hello")), 400, "Invalid path"),
    (commit_body(regular(".git/config", b"hello")), 400, "Invalid path"),
    (commit_body(regular("a.txt", b"hello"), regular("a.txt", b"again")), 400, "twice"),
    (commit_body(regular("a.txt", b"hello", "utf-8")), 400, "base64"),
    (commit_body(("file", {"path": "a.txt", "content": "?", "encoding": "base64"})), 400, "not base64"),
    (commit_body(regular("a.parquet", b"hello")), 400, "must be uploaded to large-file storage"),
    (commit_body(regular("a.txt", b"a\0b")), 400, "must be uploaded to large-file storage"),
    (commit_body(large("a.parquet", b"never uploaded")), 400, "a file that does not exist"),
    (commit_body(("deletedFile", {"path": "not-there"})), 404, "A file with this name doesn't exist"),
    (commit_body(("deletedFolder", {"path": "not-there/"})), 404, "A folder with this name doesn't exist"),
    (commit_body(("movedFile", {"path": "a.txt"})), 400, "unknown key"),
    (commit_body(regular("README.md", b"---\nlicense: [a\n---\n")), 400, "Invalid metadata in README.md"),
    (commit_body(regular("a.txt", b"hello"), summary=""), 400, "header with a summary"),
    (commit_body(regular("a.txt", b"hello"))[1:], 400, "not JSON"),
    (b"", 400, "header with a summary"),
]


@pytest.mark.parametrize(("body", "status", "words"), COMMITS, ids=[f"{s} {w}" for _, s, w in COMMITS])
def test_commits(body: bytes, status: int, words: str, hub: LoopbackHub, call: Caller) -> None:
    before = hub.repo("model", REPO).head
    got, headers, answer = call("POST", f"{API}/commit/main", body, NDJSON)
    assert got == status
    assert words in headers.get("X-Error-Message", "")
    assert (hub.repo("model", REPO).head != before) == (status == 200)
    if status == 200:
        assert json.loads(answer)["commitOid"] == hub.repo("model", REPO).head
        assert hub.repo("model", REPO).tree()["a.txt"] == b"hello"


README = {"content": "---\nsdk: nonsense\n---\n", "repoType": "space"}
REFUSED = [  # method, path, body, status, X-Error-Code, words
    ("GET", "/api/models/my-org/none", None, 404, "RepoNotFound", "not found"),
    ("GET", f"{API}/revision/none", None, 404, "RevisionNotFound", "Invalid rev id"),
    ("GET", f"{API}/tree/main/folder", None, 404, "EntryNotFound", "does not exist"),
    ("GET", f"/{REPO}/resolve/main/none.txt", None, 404, "EntryNotFound", "Entry not found"),
    ("POST", "/api/repos/create", {"name": "tiny", "organization": "my-org"}, 409, "", "already created"),
    ("POST", "/api/repos/create", {"name": "x", "organization": "their-org"}, 403, "", "rights"),
    (
        "POST",
        "/api/repos/create",
        {"name": "a/b", "organization": "my-org"},
        400,
        "",
        "Invalid repository name",
    ),
    (
        "POST",
        "/api/repos/create",
        {"name": "x", "organization": "my-org", "type": "space"},
        400,
        "",
        "Invalid sdk",
    ),
    ("POST", "/api/validate-yaml", README, 400, "", ""),
    ("POST", f"{API}/tag/none", {"tag": "v1"}, 404, "RevisionNotFound", "Invalid rev id"),
    ("POST", f"{API}/tag/main", {"tag": "v 1"}, 400, "", "Invalid tag name"),
    (
        "POST",
        f"{API}/preupload/main",
        {"files": [{"path": "../x", "sample": "", "size": 0}]},
        400,
        "",
        "Invalid path",
    ),
    ("POST", f"{API}/commit/main", {}, 400, "", "x-ndjson"),
    ("PUT", "/anything", None, 404, "", "has no route"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "words"),
    REFUSED,
    ids=[f"{case[3]} {case[1]}" for case in REFUSED],
)
def test_refusals(method: str, path: str, body: Any, status: int, code: str, words: str, call: Caller) -> None:
    got, headers, _ = call(method, path, body)
    assert (got, headers.get("X-Error-Code", "")) == (status, code)
    assert words in headers.get("X-Error-Message", "")


def test_unknown_routes_are_kept(hub: LoopbackHub, call: Caller) -> None:
    call("GET", "/api/models")
    assert hub.unknown == [f"GET 127.0.0.1:{hub.port} /api/models"]


@pytest.mark.parametrize(
    ("role", "orgs", "status"), [("write", ("my-org",), 200), ("read", ("my-org",), 403), ("write", (), 403)]
)
def test_who_may_write(role: str, orgs: tuple[str, ...], status: int, hub: LoopbackHub, call: Caller) -> None:
    somebody = Caller(hub, hub.add_user("ben", orgs, role))
    body = {"files": [{"path": "a.txt", "sample": "", "size": 1}]}
    assert somebody("POST", f"{API}/preupload/main", body)[0] == status
    assert somebody("POST", f"{API}/commit/main", commit_body(regular("a.txt", b"x")), NDJSON)[0] == status
    assert somebody("POST", f"{API}/tag/main", {"tag": "v1"})[0] == (201 if status == 200 else status)


def test_unknown_tokens_and_no_tokens(hub: LoopbackHub, call: Caller) -> None:
    assert Caller(hub, "hf_unknown")("GET", API)[0] == 401
    assert Caller(hub, None)("GET", API)[0] == 200
    assert Caller(hub, None)("POST", f"{API}/commit/main", commit_body(), NDJSON)[0] == 401
    hub.repo("model", REPO).private = True
    assert Caller(hub, None)("GET", API)[:2][0] == 401
    assert Caller(hub, None)("GET", API)[1]["X-Error-Code"] == "RepoNotFound"
    assert Caller(hub, hub.add_user("ben"))("GET", API)[0] == 404
    assert call("GET", API)[0] == 200


def test_a_large_file_must_be_what_was_announced(hub: LoopbackHub, call: Caller) -> None:
    data = b"0123456789"
    oid = hashlib.sha256(data).hexdigest()
    batch = {"operation": "upload", "hash_algo": "sha256", "objects": [{"oid": oid, "size": len(data)}]}
    _, _, answer = call("POST", f"/{REPO}.git/info/lfs/objects/batch", batch)
    actions = json.loads(answer)["objects"][0]["actions"]
    href = actions["upload"]["href"].removeprefix(hub.storage)
    assert call("PUT", href[:-1], data, host="localhost")[0] == 403  # not the signature
    assert call("PUT", href, data[:-1], host="localhost")[0] == 400
    verify = actions["verify"]["href"].removeprefix(hub.endpoint)
    assert call("POST", verify, {"oid": oid, "size": len(data)})[0] == 404
    assert call("PUT", href, data, host="localhost")[0] == 200
    assert call("POST", verify, {"oid": oid, "size": len(data)})[0] == 200
    assert call("POST", f"{API}/commit/main", commit_body(large("a.bin", data)), NDJSON)[0] == 200
    _, headers, _ = call("GET", f"/{REPO}/resolve/main/a.bin")
    assert headers["X-Linked-Etag"] == f'"{oid}"'
    link = headers["Location"].removeprefix(hub.storage)
    assert call("GET", link, headers={"Range": "bytes=2-4"}, host="localhost")[::2] == (206, b"234")
    assert call("GET", link, headers={"Range": "bytes=-3"}, host="localhost")[::2] == (206, b"789")
    assert call("GET", link, host="localhost")[::2] == (200, data)
    # The second time nothing need be sent.
    _, _, answer = call("POST", f"/{REPO}.git/info/lfs/objects/batch", batch)
    assert json.loads(answer)["objects"] == [{"oid": oid, "size": len(data)}]


@pytest.mark.parametrize("where", ["header", "other header", "query", "body"])
def test_a_token_at_the_storage_host_is_noticed(where: str, hub: LoopbackHub, call: Caller) -> None:
    token = call.token
    headers = {"header": {"Authorization": f"Bearer {token}"}, "other header": {"X-Note": token}}.get(where, {})
    query = f"?{token}" if where == "query" else ""
    body = token.encode() if where == "body" else b""
    status, _, _ = Caller(hub, None)("PUT", f"/upload/{'0' * 64}{query}", body, headers, host="localhost")
    assert status == (400 if where == "header" else 403)
    assert len(hub.leaks) == 1


def test_a_token_in_the_body_of_a_request_to_the_hub_is_noticed(hub: LoopbackHub, call: Caller) -> None:
    call("POST", f"{API}/tag/main", {"tag": call.token})
    assert len(hub.leaks) == 1


def test_faults_are_met_once_in_order_and_only_by_their_step(hub: LoopbackHub, call: Caller) -> None:
    hub.arm("info", answer=Answer(503), skip=1)
    hub.arm("tag", answer=Answer(500), when="after")
    assert [call("GET", API)[0] for _ in range(3)] == [200, 503, 200]
    assert call("POST", f"{API}/tag/main", {"tag": "v1"})[0] == 500
    assert hub.repo("model", REPO).tags == {"v1": hub.repo("model", REPO).head}
    assert hub.faults.met == ["info", "tag"]
    hub.arm("info", drop=True)
    with pytest.raises(http.client.RemoteDisconnected):
        call("GET", API)
    hub.arm("info", truncate=True)
    with pytest.raises(http.client.IncompleteRead):
        call("GET", API)


def test_a_fault_needs_a_step_that_exists(hub: LoopbackHub) -> None:
    with pytest.raises(AssertionError, match="no such step: comit"):
        hub.arm("comit", drop=True)
