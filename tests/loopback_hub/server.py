# SPDX-License-Identifier: Apache-2.0
"""The HTTP server of the loopback Hub: two origins on one socket, tokens, routes, faults, a log of requests.

`http://127.0.0.1:PORT` is the Hub. `http://localhost:PORT` is the storage host to which it redirects: another
origin for every client, where a token has no business; a request that brings one there is refused and kept in
`leaks`.
"""

import re
import secrets
import socket
import threading
import traceback
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from loopback_hub import collection_routes, commit_routes, lfs_routes, repo_routes, resolve_routes, xet
from loopback_hub.faults import Fault, Faults
from loopback_hub.store import Blob, Repo
from loopback_hub.wire import Answer, Refusal, Request, User

API = r"/api/(?P<kind>models|datasets|spaces)/(?P<namespace>[^/]+)/(?P<name>[^/]+)"
GIT = r"/(?:(?P<kind>datasets|spaces)/)?(?P<namespace>[^/]+)/(?P<name>[^/]+?)"
REVISION = r"(?P<revision>[^/]+)"
COLLECTION = r"/api/collections/(?P<owner>[^/]+)/(?P<slug>[^/]+)"

# step (what a fault is armed for), method, path on the Hub, function
ROUTES = [
    ("whoami", "GET", r"/api/whoami-v2", repo_routes.whoami),
    ("create", "POST", r"/api/repos/create", repo_routes.create),
    ("delete", "DELETE", r"/api/repos/delete", repo_routes.delete),
    ("validate-yaml", "POST", r"/api/validate-yaml", repo_routes.validate_yaml),
    ("info", "GET", rf"{API}(?:/revision/{REVISION})?", repo_routes.info),
    ("tree", "GET", rf"{API}/tree/{REVISION}(?P<folder>/.*)?", repo_routes.tree),
    ("paths-info", "POST", rf"{API}/paths-info/{REVISION}", repo_routes.paths_info),
    ("refs", "GET", rf"{API}/refs", repo_routes.refs),
    ("commits", "GET", rf"{API}/commits/{REVISION}", repo_routes.commits),
    ("tag", "POST", rf"{API}/tag/{REVISION}", repo_routes.tag),
    ("branch", "POST", rf"{API}/branch/{REVISION}", repo_routes.branch),
    ("collections", "GET", r"/api/collections", collection_routes.listed),
    ("collection-create", "POST", r"/api/collections", collection_routes.create),
    ("collection", "GET", COLLECTION, collection_routes.whole),
    ("collection-add", "POST", rf"{COLLECTION}/items", collection_routes.add),
    ("preupload", "POST", rf"{API}/preupload/{REVISION}", commit_routes.preupload),
    ("commit", "POST", rf"{API}/commit/{REVISION}", commit_routes.commit),
    ("xet-read-token", "GET", rf"{API}/xet-read-token/{REVISION}", xet.read_token),
    ("xet-write-token", "GET", rf"{API}/xet-write-token/{REVISION}", xet.write_token),
    ("lfs-batch", "POST", rf"{GIT}\.git/info/lfs/objects/batch", lfs_routes.batch),
    ("lfs-verify", "POST", r"/lfs-verify/(?P<signature>\w+)", lfs_routes.verify),
    ("resolve-head", "HEAD", rf"{GIT}/resolve/{REVISION}/(?P<file>.+)", resolve_routes.resolve),
    ("resolve", "GET", rf"{GIT}/resolve/{REVISION}/(?P<file>.+)", resolve_routes.resolve),
    ("telemetry", "GET", r"/api/agent-harnesses", repo_routes.no_telemetry),
]
STORAGE_ROUTES = [
    ("lfs-put", "PUT", r"/upload/(?P<oid>[0-9a-f]{64})", lfs_routes.put),
    ("storage-head", "HEAD", r"/file/(?P<oid>[0-9a-f]{64})", lfs_routes.stored),
    ("storage", "GET", r"/file/(?P<oid>[0-9a-f]{64})", lfs_routes.stored),
]


@dataclass(frozen=True)
class Record:
    """One request as it came in and the status it got (0: the connection was dropped)."""

    step: str
    method: str
    target: str
    host: str
    head: bytes
    authenticated: bool
    status: int


class LoopbackHub:
    """The server and its state. A context manager; `folder` holds the xet storage."""

    def __init__(self, folder: Path):
        self.repos: dict[tuple[str, str], Repo] = {}
        self.collections: dict[str, collection_routes.Collection] = {}
        # The client is made for a Hub that refuses a title twice (`exists_ok`); whether it always does, nothing says.
        self.unique_titles = True
        self.users: dict[str, User] = {}
        self.faults = Faults()
        self.lfs = lfs_routes.Storage()
        self.xet = xet.XetStorage(Path(folder))
        self.records: list[Record] = []
        self.leaks: list[str] = []
        self.unknown: list[str] = []
        self.crashes: list[str] = []
        self.lock = threading.RLock()
        self.httpd = _Server(("127.0.0.1", 0), _Handler)
        self.httpd.hub = self
        self.port = self.httpd.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.storage = f"http://localhost:{self.port}"

    def __enter__(self) -> "LoopbackHub":
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()

    def reset(self) -> None:
        """Forget repositories, stored files, requests and faults; keep the users and their tokens."""
        with self.lock:
            self.repos.clear()
            self.collections.clear()
            self.records.clear()
            self.faults.clear()
            self.lfs = lfs_routes.Storage()
            self.xet.write_folders.clear()

    def add_user(self, name: str, orgs: tuple[str, ...] = (), role: str = "write") -> str:
        """A new token for `name`, shaped like the Hub's."""
        token = "hf_" + "".join(secrets.choice("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(34))
        self.users[token] = User(name, tuple(orgs), role)
        return token

    def arm(self, step: str, **how: object) -> Fault:
        """Arm a fault for the next request(s) of `step`, see `faults.Fault`."""
        assert step in {route[0] for route in ROUTES + STORAGE_ROUTES}, f"no such step: {step}"
        fault = Fault(step, **how)
        self.faults.add(fault)
        return fault

    def repo(self, repo_type: str, repo_id: str) -> Repo:
        return self.repos[repo_type, repo_id]

    def commit_files(self, repo_type: str, repo_id: str, files: dict[str, bytes], title: str = "another writer"):
        """Commit `files` on top of main from the server's side, as another writer would."""
        with self.lock:
            repo = self.repo(repo_type, repo_id)
            added = {path: Blob(data, large=False) for path, data in files.items()}
            return repo.commit({**repo.resolve("main").tree, **added}, title, author="somebody-else")

    def steps(self, since: int = 0) -> list[str]:
        """The steps of the requests from number `since` on."""
        return [record.step for record in self.records[since:]]

    def answer(self, request: Request) -> tuple[str, Answer, Fault | None]:
        """Route one request: the step it is, the answer, and the fault it met."""
        on_storage = request.host.split(":")[0] == "localhost"
        step, fault = "unknown", None
        try:
            for name, method, pattern, function in STORAGE_ROUTES if on_storage else ROUTES:
                match = re.fullmatch(pattern, request.path)
                if match is None or method != request.method:
                    continue
                step = name
                request.match = {key: value for key, value in match.groupdict().items() if value is not None}
                fault = self.faults.take(step)
                if fault and fault.call:
                    fault.call()
                if fault and fault.when == "before" and (fault.drop or fault.answer):
                    return step, fault.answer or Answer(), fault
                if on_storage:
                    self.refuse_token(request)
                else:
                    request.user = self.authenticate(request)
                with self.lock:
                    answer = function(self, request)
                return step, (fault.answer if fault and fault.answer else answer), fault
            self.unknown.append(f"{request.method} {request.host} {request.path}")
            raise Refusal(404, f"the loopback Hub has no route {request.method} {request.path}")
        except Refusal as refusal:
            return step, refusal.answer, fault
        except Exception:
            self.crashes.append(traceback.format_exc())
            return step, Answer.of_json({"error": "the loopback Hub crashed"}, 500), fault

    def authenticate(self, request: Request) -> User | None:
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in self.users:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return self.users[token]

    def refuse_token(self, request: Request) -> None:
        if request.headers.get("Authorization") is not None:
            raise Refusal(400, "a token was sent to the storage host")

    def watch(self, step: str, request: Request, head: bytes, status: int) -> None:
        """Log the request; note a token anywhere but in the Authorization header of a request to the Hub."""
        on_storage = request.host.split(":")[0] == "localhost"
        rest = head if on_storage else re.sub(rb"(?im)^authorization:[^\r\n]*", b"", head)
        for token in self.users:
            if token.encode() in rest or token.encode() in request.body:
                self.leaks.append(f"{step} {request.method} {request.host} {request.path}")
        target = request.path + (f"?{request.query}" if request.query else "")
        authenticated = request.headers.get("Authorization") is not None
        self.records.append(Record(step, request.method, target, request.host, head, authenticated, status))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A dropped connection is one of our faults, not news.
    request_queue_size = 64
    hub: LoopbackHub

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it each keep-alive answer waits 40 ms for the other side's acknowledgement.
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        hub: LoopbackHub = self.server.hub
        url = urlsplit(self.path)
        head = f"{self.requestline}\r\n{self.headers}".encode()
        request = Request(self.command, url.path, url.query, self.headers, self.read_body(), self.headers["Host"])
        step, answer, fault = hub.answer(request)
        hub.watch(step, request, head, 0 if fault and fault.drop else answer.status)
        if fault and fault.drop:
            self.hang_up()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if fault and fault.truncate:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.hang_up()
        elif self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def hang_up(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
