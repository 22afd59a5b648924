# SPDX-License-Identifier: Apache-2.0
"""A model behind an OpenAI-compatible server on this machine: that of transformers."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTS = 600
"""Seconds after which a server that does not answer yet is given up."""


@contextmanager
def served(model_name_or_path: str | Path, dtype: str = "float32", device: str = "cpu") -> Iterator[str]:
    """Serve a model by `transformers serve` on a free port of loopback, and give the address that clients ask (`.../v1`).

    Requests name the model as it is named here, and are answered one after the other; with temperature 0 greedily.

    Args:
        model_name_or_path: a chat model: Hub id or folder.
        dtype, device: as the server loads it.

    Raises:
        RuntimeError: the server ends, or does not answer within `STARTS` seconds; with the last lines that it wrote.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    place = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model_name_or_path), "--dtype", dtype,
               "--device", device, "--host", "127.0.0.1", "--port", str(port)]  # fmt: skip
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ)
        try:
            deadline = time.monotonic() + STARTS
            while not _answers(f"{place}/health"):
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(
                        f"expected a server of {model_name_or_path} at {place}, got none (exit status {server.poll()}); "
                        f"pip install transformers[serving], and see what it wrote:\n{said}"
                    )
                time.sleep(0.2)
            yield f"{place}/v1"
        finally:
            server.kill()
            server.wait()


def _answers(address: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
