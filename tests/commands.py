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
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SECONDS = 200
"""What a command may take: far more than any takes, and less than the limit of a test (`setup.cfg`)."""


def start(*command: str | Path, **settings) -> subprocess.Popen:
    """Start a command in the background, from the checkout root, with the signals that a terminal's command has."""
    settings = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "text": True, "encoding": "utf-8", **settings}
    return subprocess.Popen([str(part) for part in command], preexec_fn=answer_signals, **settings)


def answer_signals() -> None:
    """Undo what `nohup` and a shell's `&` do: whatever they let a process ignore, its children ignore too."""
    for answered in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(answered, signal.SIG_DFL)


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


def launch(config: str, *command: str | Path, **settings) -> subprocess.CompletedProcess:
    """Run a script under `accelerate launch` with a config of the project."""
    return python(
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        f"accelerate_configs/{config}.yaml",
        *command,
        **settings,
    )


def attempt(script: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    """Run a script that is expected to refuse its input, in this process: its imports are paid for once."""
    stderr = io.StringIO()
    argv, directory, status = sys.argv, Path.cwd(), 0
    sys.argv = [str(part) for part in (script, *arguments)]
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code
    finally:
        sys.argv = argv
        os.chdir(directory)
    return subprocess.CompletedProcess(arguments, status, "", stderr.getvalue())


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
