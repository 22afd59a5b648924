# SPDX-License-Identifier: Apache-2.0
"""Preupload and commit: what the Hub says before a byte is sent, and the one request that makes a commit."""

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from loopback_hub import cards
from loopback_hub.repo_routes import URL_PREFIX, find_repo, need_write, revision
from loopback_hub.store import LFS_SIZE, Blob, check_path, is_large
from loopback_hub.wire import Answer, Refusal, Request

if TYPE_CHECKING:
    from loopback_hub.server import LoopbackHub

MAX_PREUPLOAD_FILES = 256


def preupload(hub: "LoopbackHub", request: Request) -> Answer:
    """For each file: large or regular, ignored or not, and what is there now (which makes a re-run free)."""
    repo = find_repo(hub, request)
    need_write(request.user, repo.namespace)
    there = repo.resolve(revision(request)).tree
    body = request.json()
    if len(body["files"]) > MAX_PREUPLOAD_FILES:
        raise Refusal(413, f"at most {MAX_PREUPLOAD_FILES} files per preupload request")
    ignored = ignored_by(body.get("gitIgnore") or (there[".gitignore"].data.decode() if ".gitignore" in there else ""))
    files = []
    for file in body["files"]:
        check_path(file["path"])
        large = is_large(file["path"], file["size"], base64.b64decode(file["sample"], validate=True))
        entry = {"path": file["path"], "uploadMode": "lfs" if large else "regular"}
        entry["shouldIgnore"] = file["path"].split("/")[-1] in ignored
        if file["path"] in there:
            blob = there[file["path"]]
            entry["oid"] = blob.sha256 if blob.large else blob.oid
        files.append(entry)
    return Answer.of_json({"files": files})


def ignored_by(gitignore: str) -> set[str]:
    """File names of a `.gitignore`; patterns are beyond what these tests need."""
    return {line.strip() for line in gitignore.splitlines() if line.strip() and not line.startswith("#")}


def commit(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    need_write(request.user, repo.namespace)
    if request.headers.get("Content-Type") != "application/x-ndjson":
        raise Refusal(400, "expected Content-Type: application/x-ndjson")
    try:
        lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
    except ValueError:
        raise Refusal(400, "a line of the commit is not JSON") from None
    if not lines or lines[0].get("key") != "header" or not lines[0]["value"].get("summary"):
        raise Refusal(400, "the first line must be a header with a summary")
    header = lines[0]["value"]
    branch = revision(request)
    if branch not in repo.branches:
        raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    if header.get("parentCommit") and header["parentCommit"] != repo.branches[branch]:
        raise Refusal(412, "A commit has happened since. Please refresh and try again.")
    tree = dict(repo.resolve(branch).tree)
    touched: set[str] = set()
    for line in lines[1:]:
        path = line["value"]["path"]
        check_path(path.rstrip("/"))
        if path in touched:
            raise Refusal(400, f"{path} appears twice in one commit")
        touched.add(path)
        apply(hub, tree, line["key"], line["value"])
    if "README.md" in touched and "README.md" in tree:
        errors, _ = cards.validate(tree["README.md"].data.decode(), repo.repo_type)
        if errors:
            raise Refusal(400, f"Invalid metadata in README.md: {'; '.join(errors)}")
    made = repo.commit(tree, header["summary"], header.get("description", ""), request.user.name, branch)
    url = f"{hub.endpoint}/{URL_PREFIX[repo.repo_type]}{repo.repo_id}/commit/{made.oid}"
    return Answer.of_json({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


def apply(hub: "LoopbackHub", tree: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
    """Apply one line of a commit to `tree`."""
    path = value["path"]
    if key == "file":
        tree[path] = regular_blob(path, value)
    elif key == "lfsFile":
        tree[path] = large_blob(hub, path, value)
    elif key == "deletedFile":
        if path not in tree:
            raise Refusal(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        del tree[path]
    elif key == "deletedFolder":
        inside = [name for name in tree if name.startswith(path.rstrip("/") + "/")]
        if not inside:
            raise Refusal(404, f"A folder with this name doesn't exist: {path}", "EntryNotFound")
        for name in inside:
            del tree[name]
    else:
        raise Refusal(400, f"unknown key in commit: {key!r}")


def regular_blob(path: str, value: dict[str, Any]) -> Blob:
    if value.get("encoding") != "base64":
        raise Refusal(400, f"{path}: expected base64 content")
    try:
        data = base64.b64decode(value["content"], validate=True)
    except binascii.Error:
        raise Refusal(400, f"{path}: the content is not base64") from None
    if len(data) > LFS_SIZE or is_large(path, len(data), data[:512]):
        raise Refusal(400, f"{path}: this file must be uploaded to large-file storage")
    return Blob(data, large=False)


def large_blob(hub: "LoopbackHub", path: str, value: dict[str, Any]) -> Blob:
    """The blob of bytes that reached storage before: through a PUT, or as chunks in a xet storage."""
    if value.get("algo") != "sha256":
        raise Refusal(400, f"{path}: expected algo sha256")
    data = hub.lfs.objects.get(value["oid"])
    if data is None:
        data = hub.xet.fetch(value["oid"])
    if data is None or len(data) != value["size"]:
        raise Refusal(400, f"{path}: LFS pointer points to a file that does not exist: {value['oid']}")
    hub.lfs.objects[value["oid"]] = data
    return Blob(data, large=True, xet_hash=hub.xet.hash_of(data))
