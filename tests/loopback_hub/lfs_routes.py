# SPDX-License-Identifier: Apache-2.0
"""Large files over plain HTTP: the LFS batch, signed uploads to the storage host, the check afterwards."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loopback_hub.repo_routes import find_repo, need_write
from loopback_hub.wire import Answer, Refusal, Request

if TYPE_CHECKING:
    from loopback_hub.server import LoopbackHub


@dataclass
class Storage:
    """What the storage host holds and which signed addresses it honours."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, tuple[str, int]] = field(default_factory=dict)
    """signature -> (sha256, size) of an upload that the Hub has allowed"""
    downloads: dict[str, str] = field(default_factory=dict)
    """signature -> sha256 of a download that the Hub has allowed"""


def batch(hub: "LoopbackHub", request: Request) -> Answer:
    repo = find_repo(hub, request)
    need_write(request.user, repo.namespace)
    body = request.json()
    if body.get("operation") != "upload" or body.get("hash_algo") != "sha256":
        raise Refusal(422, "expected operation upload with hash_algo sha256")
    objects = []
    for wanted in body["objects"]:
        oid, size = wanted["oid"], wanted["size"]
        if not re.fullmatch(r"[0-9a-f]{64}", oid):
            raise Refusal(422, f"not a sha256: {oid}")
        entry: dict[str, object] = {"oid": oid, "size": size}
        if oid not in hub.lfs.objects:
            signature = secrets.token_hex(16)
            hub.lfs.uploads[signature] = (oid, size)
            entry["authenticated"] = True
            entry["actions"] = {
                "upload": {"href": f"{hub.storage}/upload/{oid}?X-Signature={signature}"},
                "verify": {"href": f"{hub.endpoint}/lfs-verify/{signature}"},
            }
        objects.append(entry)
    answer = {"transfer": "basic", "objects": objects}
    return Answer.of_json(answer, headers={"Content-Type": "application/vnd.git-lfs+json"})


def put(hub: "LoopbackHub", request: Request) -> Answer:
    oid, size = hub.lfs.uploads.get(request.parameter("X-Signature") or "", ("", -1))
    if oid != request.match["oid"]:
        raise Refusal(403, "SignatureDoesNotMatch")
    if len(request.body) != size or hashlib.sha256(request.body).hexdigest() != oid:
        raise Refusal(400, "BadDigest: the bytes are not those that were announced")
    hub.lfs.objects[oid] = request.body
    return Answer(200, {"ETag": f'"{oid[:32]}"'})


def verify(hub: "LoopbackHub", request: Request) -> Answer:
    announced = hub.lfs.uploads.get(request.match["signature"])
    body = request.json()
    if request.user is None or announced != (body["oid"], body["size"]) or body["oid"] not in hub.lfs.objects:
        raise Refusal(404, "Object not found")
    return Answer.of_json({})


def download_link(hub: "LoopbackHub", oid: str) -> str:
    signature = secrets.token_hex(16)
    hub.lfs.downloads[signature] = oid
    return f"{hub.storage}/file/{oid}?X-Signature={signature}"


def stored(hub: "LoopbackHub", request: Request) -> Answer:
    if hub.lfs.downloads.get(request.parameter("X-Signature") or "") != request.match["oid"]:
        raise Refusal(403, "SignatureDoesNotMatch")
    return ranged(hub.lfs.objects[request.match["oid"]], request.headers.get("Range"))


def ranged(data: bytes, wanted: str | None) -> Answer:
    """All of `data`, or the part that a `Range: bytes=a-b` header asks for."""
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    if not match or match.groups() == ("", ""):
        return Answer(200, headers, data)
    first, last = match.groups()
    start = int(first) if first else max(len(data) - int(last), 0)
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end:
        return Answer(416, {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Answer(206, headers, data[start : end + 1])
