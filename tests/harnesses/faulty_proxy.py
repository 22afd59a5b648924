# SPDX-License-Identifier: Apache-2.0
"""A proxy before a real server that does to some requests what servers do on bad days. What it passes on, it passes on as it is."""

import contextlib
import json
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUSY = {"error": {"message": "Too many requests", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
BROKEN = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}


class Proxy:
    """See `proxied`.

    Attributes:
        faults: number of the request, from 0 -> what happens to it, a function of `Request`.
        always: what happens to every request that has no fault of its own; `None` for nothing.
        asked: what the user said last in each request, in order.
        at: when it came, in seconds of `time.monotonic`.
        closing: set when the proxy ends.
    """

    def __init__(self, upstream: str):
        self.upstream = upstream
        self.faults, self.always = {}, None
        self.asked: list[str] = []
        self.at: list[float] = []
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.address = ""

    @property
    def times(self) -> Counter:
        """How often each prompt was asked."""
        return Counter(self.asked)


class Request(BaseHTTPRequestHandler):
    """One request; the methods below `do_POST` are what can happen to it."""

    def do_POST(self):
        proxy = self.server.proxy
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.said = json.loads(self.body)["messages"][-1]["content"]
        with proxy.lock:
            happens = proxy.faults.get(len(proxy.asked), proxy.always) or Request.answered
            proxy.asked.append(self.said)
            proxy.at.append(time.monotonic())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a client that no longer waits
            happens(self)

    def passed_on(self) -> bytes:
        """What the server answers."""
        to = urllib.request.Request(
            f"{self.server.proxy.upstream.removesuffix('/v1')}{self.path}",
            self.body,
            {"Content-Type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(to, timeout=600) as response:
            return response.read()

    def reply(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def answered(self):
        self.reply(200, self.passed_on())

    def busy(self):
        self.reply(429, json.dumps(BUSY).encode())

    def busy_for_two_seconds(self):
        self.reply(429, json.dumps(BUSY).encode(), **{"Retry-After": "2"})

    def broken(self):
        self.reply(500, json.dumps(BROKEN).encode())

    def dropped(self):
        self.close_connection = True

    def dropped_in_its_answer(self):
        whole = self.passed_on()
        self.reply(200, whole[: len(whole) // 2], length=len(whole))

    def late(self):
        """Answered only after the client has given up and asked again."""
        proxy = self.server.proxy
        while not proxy.closing.wait(0.1):
            if proxy.times[self.said] > 1:
                break
        self.answered()

    def never(self):
        self.server.proxy.closing.wait()

    def truncated(self):
        found = json.loads(self.passed_on())
        found["choices"][0]["finish_reason"] = "length"
        self.reply(200, json.dumps(found).encode())

    def log_message(self, *_):
        """Say nothing."""


@contextlib.contextmanager
def proxied(upstream: str):
    """A `Proxy` before an OpenAI-compatible server.

    Args:
        upstream: the server's address, `http://127.0.0.1:8000/v1`.
    """
    proxy = Proxy(upstream)
    with ThreadingHTTPServer(("127.0.0.1", 0), Request) as server:
        server.proxy, server.daemon_threads = proxy, True
        proxy.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.closing.set()
            server.shutdown()
