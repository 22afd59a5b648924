# SPDX-License-Identifier: Apache-2.0
"""Run the project's commands as a user does."""

import contextlib
import io
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from forking import ROOT, SECONDS, Forked, answer_signals, fork


def start(*command: str | Path, **settings) -> subprocess.Popen:
    """Start a command in the background, from the checkout root, with the signals that a terminal's command has."""
    settings = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "text": True, "encoding": "utf-8", **settings}
    return subprocess.Popen([str(part) for part in command], preexec_fn=answer_signals, **settings)


def run_script(*command: str | Path, ok: bool = True, env: dict | None = None) -> subprocess.CompletedProcess:
    """Run a command of the project as a user does, from the checkout root."""
    running = start(
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | (env or {}),
        start_new_session=True,
    )
    try:
        stdout, stderr = running.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        # The whole session: a launcher's processes hold its pipes open and would be waited for without end.
        os.killpg(running.pid, signal.SIGKILL)
        _, stderr = running.communicate()
        raise AssertionError(f"no end after {SECONDS} s: {running.args}\n{stderr[-3000:]}") from None
    if ok:
        assert running.returncode == 0, stderr[-3000:]
    return subprocess.CompletedProcess(running.args, running.returncode, stdout, stderr)


def python(*command: str | Path, **settings) -> subprocess.CompletedProcess:
    """Run a script with this Python."""
    return run_script(sys.executable, *command, **settings)


def start_warm(output: Path, *words: str | Path, env: dict | None = None) -> Forked:
    """Start a command in a process of its own, with nothing in it but what is imported already.

    Args:
        output: file that gets what it prints on stdout and, with `.err` behind its name, on stderr.
        words: a script by its place in the checkout, or `-m` and a module, and its command line.
        env: set in its environment.
    """
    return fork("warm", output, *words, environment=os.environ | (env or {}))


def warm(script: str, *arguments: str | Path, processes: int = 1) -> subprocess.CompletedProcess:
    """Run a script in processes of their own that need not import what all commands do.

    Args:
        script: by its place in the checkout.
        arguments: its command line.
        processes: as many as are launched; they meet as those of `accelerate launch` do, by these variables.
    """
    size = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes), "ACCELERATE_USE_CPU": "true"}
    meeting = size | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "stdout"
        running = [
            start_warm(output, script, *arguments, env=meeting | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
            for rank in range(processes)
        ] if processes > 1 else [start_warm(output, script, *arguments)]  # fmt: skip
        deadline = time.monotonic() + SECONDS
        for process in running:
            process.join(max(0, deadline - time.monotonic()))
        late = [process for process in running if process.is_alive()]
        for process in late:
            process.kill()
        stdout, stderr = (Path(f"{output}{end}").read_text(encoding="utf-8") for end in ("", ".err"))
    assert not late, f"no end after {SECONDS} s: {script} {arguments}\n{stderr[-3000:]}"
    status = max((process.exitcode for process in running), key=abs)
    assert status == 0, stderr[-3000:]
    return subprocess.CompletedProcess([script, *arguments], status, stdout, stderr)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def here(script: str, *arguments: str | Path, ok: bool | None = True) -> subprocess.CompletedProcess:
    """Run a script in this process: its imports are paid for once. For what leaves nothing behind, such as a builder."""
    printed = io.StringIO(), io.StringIO()
    argv, directory, status = sys.argv, Path.cwd(), 0
    sys.argv = [str(part) for part in (script, *arguments)]
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(printed[0]), contextlib.redirect_stderr(printed[1]):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code
    finally:
        sys.argv = argv
        os.chdir(directory)
    stdout, stderr = (text.getvalue() for text in printed)
    if ok:
        assert status == 0, stderr[-3000:]
    return subprocess.CompletedProcess(arguments, status, stdout, stderr)


def attempt(script: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    """Run a script that is expected to refuse its input, in this process."""
    return here(script, *arguments, ok=None)


def assert_refused(done: subprocess.CompletedProcess, *parts: str) -> None:
    """The command ended with status 2 and one line on stderr that says these things."""
    assert done.returncode == 2, (done.returncode, done.stderr[-2000:])
    lines = [line for line in done.stderr.splitlines() if line.startswith("error:") or ": error:" in line]
    assert len(lines) == 1, done.stderr[-2000:]
    for part in parts:
        assert part in lines[0]


@contextlib.contextmanager
def hung_up():
    """A port on which whoever calls is hung up on: its number, and the callers so far."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            with contextlib.suppress(OSError):  # closed below
                while True:
                    connection, caller = listening.accept()
                    calls.append(caller)
                    connection.close()

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1], calls
        listening.shutdown(socket.SHUT_RDWR)
