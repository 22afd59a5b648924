# SPDX-License-Identifier: Apache-2.0
"""Large files through xet: the clients' real chunking code, against storages in local folders.

The published `hf_xet` accepts a storage address `local://FOLDER` (its own tests use it), so a client whose
token names one runs everything but the network part. Such a folder is locked by the process that opened it.
Each token therefore gets a folder of its own, and the server reads a client's folder in a copy.
"""

import hashlib
import shutil
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from loopback_hub.repo_routes import find_repo, need_write, revision
from loopback_hub.wire import Answer, Request

if TYPE_CHECKING:
    from loopback_hub.server import LoopbackHub

TOKEN_SECONDS = 900
RECORD_BYTES = 48
"""Size of every record in a metadata shard."""


class XetStorage:
    """The storages of one server, under one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.write_folders: list[Path] = []
        self.hashes: dict[str, str] = {}
        """sha256 -> xet hash of everything that the server has chunked itself"""
        self.made = 0
        self.session = None

    def new_folder(self, purpose: str) -> Path:
        self.made += 1
        folder = self.folder / f"{self.made:04d}-{purpose}"
        folder.mkdir(parents=True)
        return folder

    def connection(self, folder: Path) -> dict[str, object]:
        if self.session is None:
            import hf_xet

            self.session = hf_xet.XetSession()
        return {
            "endpoint": f"local://{folder}",
            "token": "local",
            "token_expiry_unix_secs": int(time.time()) + 3600,
        }

    def upload(self, folder: Path, contents: list[bytes]) -> list[str]:
        """Chunk `contents` into `folder`; their xet hashes."""
        connection = self.connection(folder)
        with self.session.new_upload_commit(**connection) as upload:
            handles = [upload.start_upload_bytes(data, sha256=hashlib.sha256(data).hexdigest()) for data in contents]
        return [handle.result().xet_info.hash for handle in handles]

    def hash_of(self, data: bytes) -> str:
        """The xet hash of `data`, a function of its bytes."""
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in self.hashes:
            self.hashes[sha256] = self.upload(self.new_folder("hash"), [data])[0]
        return self.hashes[sha256]

    def fetch(self, sha256: str) -> bytes | None:
        """The bytes that some client uploaded under `sha256`; None if there are none with that hash."""
        for folder in self.write_folders:
            for shard in folder.glob("xet/xorbs/shards/*.mdb"):
                xet_hash = files_of_shard(shard.read_bytes()).get(sha256)
                if xet_hash is None:
                    continue
                data = self.download(folder, xet_hash)
                if hashlib.sha256(data).hexdigest() == sha256:
                    return data
        return None

    def download(self, folder: Path, xet_hash: str) -> bytes:
        import hf_xet

        copy = self.new_folder("copy")
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        target = copy / "bytes"
        connection = self.connection(copy)
        with self.session.new_file_download_group(**connection) as group:
            group.start_download_file(hf_xet.XetFileInfo(xet_hash, None), str(target))
        return target.read_bytes()

    def reading_folder(self, contents: list[bytes]) -> Path:
        """A new storage that holds `contents`, in a folder that no process has locked."""
        filled, folder = self.new_folder("filled"), self.new_folder("read")
        if contents:
            self.upload(filled, contents)
        shutil.copytree(filled, folder, dirs_exist_ok=True)
        return folder


def files_of_shard(shard: bytes) -> dict[str, str]:
    """sha256 -> xet hash of the files that a metadata shard describes.

    After a header of 48 bytes come, per file: its hash, flags and number of segments in one record, the
    segments, with flag 31 as many verification records, with flag 30 one record with the sha256. A record of
    0xFF ends it.
    """
    files, position = {}, RECORD_BYTES
    while shard[position : position + 32] != b"\xff" * 32:
        xet_hash = hash_text(shard[position : position + 32])
        flags, segments = struct.unpack_from("<II", shard, position + 32)
        position += RECORD_BYTES * (1 + segments * (1 + (flags >> 31 & 1)))
        if flags >> 30 & 1:
            files[hash_text(shard[position : position + 32])] = xet_hash
            position += RECORD_BYTES
    return files


def hash_text(raw: bytes) -> str:
    """Xet writes a hash as four little-endian 64-bit words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


def token_answer(folder: Path) -> Answer:
    expires, url, token = int(time.time()) + TOKEN_SECONDS, f"local://{folder}", f"xet-{folder.name}"
    headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expires)}
    return Answer.of_json({"casUrl": url, "accessToken": token, "exp": expires}, headers=headers)


def write_token(hub: "LoopbackHub", request: Request) -> Answer:
    need_write(request.user, find_repo(hub, request).namespace)
    folder = hub.xet.new_folder("write")
    hub.xet.write_folders.append(folder)
    return token_answer(folder)


def read_token(hub: "LoopbackHub", request: Request) -> Answer:
    tree = find_repo(hub, request).resolve(revision(request)).tree
    return token_answer(hub.xet.reading_folder([blob.data for blob in tree.values() if blob.large]))
