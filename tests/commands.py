# SPDX-License-Identifier: Apache-2.0
"""Run the project's commands as a user does."""

import contextlib
import io
import multiprocessing
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

ROOT = Path(__file__).resolve().parents[1]

SECONDS = 600
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


# What any command imports takes seconds; a server that has imported it forks off the processes that run them.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(
    ["evaluate", "peft", "scipy.stats", "torch.distributed", "transformers.trainer_seq2seq",
     "transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama",
     "transformers.models.t5.modeling_t5", "sycophancy.answering.measuring", "sycophancy.tuning.folder",
     "sycophancy.tuning.supervised"]
)  # fmt: skip


def start_warm(output: Path, script: str, *arguments: str | Path, env: dict | None = None):
    """Start a script in a process of its own, with nothing in it but what is imported already.

    Args:
        output: file that gets what it prints on stdout and, with `.err` behind its name, on stderr.
        script: by its place in the checkout; or `-m`, and a module's name as first argument.
        arguments: its command line.
        env: set in its environment.
    """
    words = [str(word) for word in (script, *arguments)]
    process = WARM.Process(target=_run_warm, args=(str(output), words, os.environ | (env or {})))
    process.start()
    return process


def _run_warm(output: str, words: list[str], environment: dict[str, str]) -> None:
    """What a fresh Python does for a script; run in the forked process."""
    os.setsid()
    answer_signals()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, stream in ((os.devnull, 0), (output, 1), (f"{output}.err", 2)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND), stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    tests = str(ROOT / "tests")
    sys.path[:] = [str(ROOT / Path(words[0]).parent), environment["PYTHONPATH"]] + [
        place for place in sys.path if place not in ("", ".", str(ROOT)) and not place.startswith(tests)
    ]
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


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
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
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
