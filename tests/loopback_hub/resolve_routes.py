# SPDX-License-Identifier: Apache-2.0
"""Reading: regular files from the Hub itself, large ones by a redirect to the storage host or through xet."""

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from loopback_hub.lfs_routes import download_link, ranged
from loopback_hub.repo_routes import URL_PREFIX, find_repo, revision
from loopback_hub.wire import Answer, Refusal, Request

if TYPE_CHECKING:
    from loopback_hub.server import LoopbackHub


def resolve(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    commit = repo.resolve(revision(request))
    path = unquote(request.match["file"])
    if path not in commit.tree:
        refusal = Refusal(404, f"Entry not found: {path}", "EntryNotFound")
        refusal.answer.headers["X-Repo-Commit"] = commit.oid
        raise refusal
    blob = commit.tree[path]
    headers = {"X-Repo-Commit": commit.oid}
    if not blob.large:
        answer = ranged(blob.data, request.headers.get("Range"))
        answer.headers |= headers | {"ETag": f'"{blob.oid}"'}
        return answer
    kind = {"model": "models", "dataset": "datasets", "space": "spaces"}[repo.repo_type]
    token_url = f"{hub.endpoint}/api/{kind}/{repo.repo_id}/xet-read-token/{commit.oid}"
    reconstruction = f"{hub.endpoint}/{URL_PREFIX[repo.repo_type]}{repo.repo_id}/xet/{quote(blob.xet_hash)}"
    headers |= {
        "Location": download_link(hub, blob.sha256),
        "X-Linked-Etag": f'"{blob.sha256}"',
        "X-Linked-Size": str(len(blob.data)),
        "X-Xet-Hash": blob.xet_hash,
        "Link": f'<{token_url}>; rel="xet-auth", <{reconstruction}>; rel="xet-reconstruction-info"',
    }
    return Answer(302, headers)
