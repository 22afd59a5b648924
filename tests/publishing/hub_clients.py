# SPDX-License-Identifier: Apache-2.0
"""Client processes: fresh, unmodified, each with its own `HF_HOME` and only variables that a user sets."""

import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from forking import ROOT, run
from loopback_hub import LoopbackHub

WORKER = Path(__file__).with_name("publish_worker.py")
MODES = ("lfs", "xet")
"""How large files travel: plain HTTP (`HF_HUB_DISABLE_XET=1`), or xet, which is what users run by default."""

ANSWER_SECONDS = 90
"""A publisher that has not answered by then sleeps through something that it should report."""


def client_environment(endpoint: str, home: Path, mode: str, token: str | None = None) -> dict[str, str]:
    """The environment of a client process. Nothing of the caller's Hugging Face settings gets through."""
    ours = ("HF_", "HUGGING", "SYCO_", "RANK", "LOCAL_RANK", "WORLD_SIZE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        # datasets and evaluate count downloads at s3.amazonaws.com, a host that no test should reach.
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "NO_PROXY": "127.0.0.1,localhost",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT / "src"),
        "TOKENIZERS_PARALLELISM": "false",
    }
    if mode == "lfs":
        environment["HF_HUB_DISABLE_XET"] = "1"
    if token is not None:
        environment["HF_TOKEN"] = token
    return environment


def run_python(code: str, environment: dict[str, str], cwd: Path, *arguments: str) -> dict[str, object]:
    """Run `code` in a process that imports what knows a Hub anew; the JSON object that it prints last. Fails with its stderr."""
    done = run("bare", "-c", code, *arguments, environment=environment, cwd=cwd)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_publish(environment: dict[str, str], cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `scripts/publish.py` as a user does."""
    command = [sys.executable, str(ROOT / "scripts" / "publish.py"), *arguments]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=300)


class Publisher:
    """A process that calls `sycophancy.publishing.publish` on request, so that imports are paid for once.

    What it writes to stderr (logs, progress, tracebacks) is kept in `log`.
    """

    def __init__(self, environment: dict[str, str]):
        self.log_file = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed in __exit__
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log_file,
            text=True,
        )

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        self.log_file.close()

    @property
    def log(self) -> str:
        self.log_file.seek(0)
        return self.log_file.read()

    def start(self, tree: Path, repo_id: str, repo_type: str, **options: object) -> None:
        """Ask for one call of `publish`."""
        options = {"first_wait": 0.05, **options}
        request = {"tree": str(tree), "repo_id": repo_id, "repo_type": repo_type, **options}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def finish(self) -> dict[str, object]:
        """The answer to the oldest request: `PublishResult` as a dict, or {"error": class, "text": ...}."""
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
            self.process.kill()
            raise AssertionError(f"no answer in {ANSWER_SECONDS} s, does it sleep? {self.log[-4000:]}")
        line = self.process.stdout.readline()
        assert line, f"the publisher died: {self.log[-4000:]}"
        return json.loads(line)

    def publish(self, tree: Path, repo_id: str, repo_type: str, **options: object) -> dict[str, object]:
        self.start(tree, repo_id, repo_type, **options)
        return self.finish()


@dataclass(frozen=True)
class Place:
    """Somewhere to publish: a loopback Hub, or the real one."""

    endpoint: str
    token: str
    namespace: str
    mode: str
    suffix: str
    """Keeps apart the repositories of two runs against the real Hub."""
    hub: LoopbackHub | None = None

    def repo_id(self, name: str) -> str:
        return f"{self.namespace}/{name}{self.suffix}"

    def writer(self, home: Path) -> dict[str, str]:
        return client_environment(self.endpoint, home, self.mode, self.token)

    def reader(self, home: Path) -> dict[str, str]:
        """The environment of somebody without a token."""
        return client_environment(self.endpoint, home, self.mode)
