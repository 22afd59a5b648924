# SPDX-License-Identifier: Apache-2.0
"""Who, which repositories, what is in them: everything of the Hub API that neither uploads nor downloads."""

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from loopback_hub import cards
from loopback_hub.store import Blob, Repo, check_repo_id, new_repo
from loopback_hub.wire import Answer, Refusal, Request, User, no_repo

if TYPE_CHECKING:
    from loopback_hub.server import LoopbackHub

SINGULAR = {"models": "model", "datasets": "dataset", "spaces": "space", None: "model"}
URL_PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}


def find_repo(hub: "LoopbackHub", request: Request) -> Repo:
    """The repository that the path names, if this caller may see it."""
    kind = SINGULAR[request.match.get("kind")]
    repo = hub.repos.get((kind, f"{unquote(request.match['namespace'])}/{unquote(request.match['name'])}"))
    if repo is None or (repo.private and not may_read(request.user, repo)):
        raise no_repo(request.user)
    return repo


def may_read(user: User | None, repo: Repo) -> bool:
    return user is not None and (repo.namespace == user.name or repo.namespace in user.orgs)


def need_write(user: User | None, namespace: str) -> None:
    """Refuse, as the Hub does before any byte is uploaded, a caller who may not write here."""
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    if user.role != "write":
        raise Refusal(403, "Forbidden: this token has the role 'read'; you must use a token with the role 'write'")
    if not user.may_write(namespace):
        raise Refusal(403, f"You don't have the rights to write under the namespace {namespace!r}")


def revision(request: Request) -> str:
    return unquote(request.match.get("revision", "main"))


def whoami(hub: "LoopbackHub", request: Request) -> Answer:
    user = request.user
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    orgs = [{"type": "org", "name": org, "fullname": org, "isEnterprise": False} for org in user.orgs]
    auth = {"type": "access_token", "accessToken": {"role": user.role, "displayName": "loopback"}}
    return Answer.of_json({"type": "user", "name": user.name, "fullname": user.name, "orgs": orgs, "auth": auth})


def create(hub: "LoopbackHub", request: Request) -> Answer:
    body = request.json()
    kind = body.get("type", "model")
    if request.user is None:
        raise Refusal(401, "Invalid username or password.")
    namespace = body.get("organization") or request.user.name
    check_repo_id(namespace, body["name"])
    need_write(request.user, namespace)
    repo_id = f"{namespace}/{body['name']}"
    url = f"{hub.endpoint}/{URL_PREFIX[kind]}{repo_id}"
    if (kind, repo_id) in hub.repos:
        # `exist_ok=True` reads the url out of this refusal.
        raise Refusal(409, f"You already created this {kind} repo: {repo_id}", url=url)
    if kind == "space" and body.get("sdk") not in cards.SPACE_SDKS:
        raise Refusal(400, f"Invalid sdk {body.get('sdk')!r}, expected one of {', '.join(cards.SPACE_SDKS)}")
    private = body.get("visibility") == "private"
    repo = new_repo(kind, repo_id, private, body.get("sdk", ""), request.user.name)
    hub.repos[kind, repo_id] = repo
    return Answer.of_json({"url": url, "name": repo_id, "id": repo.head})


def delete(hub: "LoopbackHub", request: Request) -> Answer:
    body = request.json()
    kind, namespace = body.get("type", "model"), body.get("organization") or getattr(request.user, "name", "")
    need_write(request.user, namespace)
    if hub.repos.pop((kind, f"{namespace}/{body['name']}"), None) is None:
        raise no_repo(request.user)
    return Answer()


def validate_yaml(hub: "LoopbackHub", request: Request) -> Answer:
    body = request.json()
    errors, warnings = cards.validate(body["content"], body["repoType"])
    answer = {
        "errors": [{"message": text} for text in errors],
        "warnings": [{"message": text} for text in warnings],
    }
    return Answer.of_json(answer, 400 if errors else 200)


def info(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    commit = repo.resolve(revision(request))
    with_blobs = request.parameter("blobs") in ("true", "True", "1")
    siblings = []
    for path, blob in sorted(commit.tree.items()):
        entry: dict[str, object] = {"rfilename": path}
        if with_blobs:
            entry |= {"size": len(blob.data), "blobId": blob.oid}
            if blob.large:
                entry["lfs"] = {
                    "sha256": blob.sha256,
                    "size": len(blob.data),
                    "pointerSize": len(blob.pointer),
                }
        siblings.append(entry)
    readme = commit.tree.get("README.md")
    described = {
        "_id": "0" * 24, "id": repo.repo_id, "author": repo.namespace, "sha": commit.oid,
        "createdAt": repo.log()[-1].date, "lastModified": commit.date, "private": repo.private,
        "gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings,
        "cardData": cards.metadata(readme.data.decode()) if readme else {},
    }  # fmt: skip
    if repo.sdk:
        described["sdk"] = repo.sdk
    return Answer.of_json(described)


def described_file(path: str, blob: Blob) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "oid": blob.oid, "size": len(blob.data)}
    if blob.large:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
        entry["xetHash"] = blob.xet_hash
    return entry


def folders_of(paths: list[str]) -> set[str]:
    return {"/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)}


def tree(hub: "LoopbackHub", request: Request) -> Answer:
    files = find_repo(hub, request).resolve(revision(request)).tree
    folder = unquote(request.match.get("folder", "")).strip("/")
    prefix = f"{folder}/" if folder else ""
    inside = {path: blob for path, blob in files.items() if path.startswith(prefix)}
    if folder and not inside:
        raise Refusal(404, f"{folder} does not exist on {revision(request)!r}", "EntryNotFound")
    recursive = request.parameter("recursive") in ("true", "True", "1")
    entries = []
    for path in sorted({*inside, *folders_of(list(inside))}):
        if not path.startswith(prefix) or (not recursive and "/" in path[len(prefix) :]):
            continue
        listed = described_file(path, inside[path]) if path in inside else None
        entries.append(listed or {"type": "directory", "path": path, "oid": "0" * 40, "size": 0})
    return Answer.of_json(entries)


def paths_info(hub: "LoopbackHub", request: Request) -> Answer:
    files = find_repo(hub, request).resolve(revision(request)).tree
    paths = request.json()["paths"]
    return Answer.of_json([described_file(path, files[path]) for path in paths if path in files])


def refs(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    branches = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": oid} for n, oid in repo.branches.items()]
    tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": oid} for n, oid in repo.tags.items()]
    return Answer.of_json({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})


def commits(hub: "LoopbackHub", request: Request) -> Answer:
    log = find_repo(hub, request).log(revision(request))
    described = [
        {"id": c.oid, "title": c.title, "message": c.message, "date": c.date, "authors": [{"user": c.author}]}
        for c in log
    ]
    return Answer.of_json(described)


def tag(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    need_write(request.user, repo.namespace)
    name = request.json()["tag"]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", name):
        raise Refusal(400, f"Invalid tag name: {name!r}")
    if name in repo.tags:
        raise Refusal(409, f"Tag reference exists already: {name}")
    repo.tags[name] = repo.resolve(revision(request)).oid
    return Answer(201)


def branch(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    need_write(request.user, repo.namespace)
    if revision(request) in repo.branches:
        raise Refusal(409, f"Reference already exists: refs/heads/{revision(request)}")
    body = request.json() if request.body else {}
    repo.branches[revision(request)] = repo.resolve(body.get("startingPoint") or "main").oid
    return Answer(201)


def no_telemetry(hub: "LoopbackHub", request: Request) -> Answer:
    """The clients ask once a day for a list that they can do without."""
    return Answer.of_json({"error": "not here"}, 404)
