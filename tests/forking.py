# SPDX-License-Identifier: Apache-2.0
"""Processes that are forked off one that has imported already what takes seconds; the workers of a test run share it.

Two servers fork them off. `bare` has imported torch, SciPy and the like, and nothing that knows a Hub: what it forks off
imports the Hugging Face libraries itself, with the environment that it is given, as a fresh Python does. `warm` is forked
off it and has imported what any command of the project does.

A server ends by itself when the test run has ended.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[1]

SECONDS = 600
"""What a command may take: far more than any takes, and less than the limit of a test (`setup.cfg`)."""

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:12]
"""The same in all workers of a test run, and in no other run."""

BARE = ("torch", "torch._dynamo", "torch.distributed.tensor", "torch.utils.data", "torch.export", "scipy.stats", "scipy.optimize",
        "pandas", "pyarrow.parquet", "pyarrow.dataset", "PIL.Image", "requests", "httpx2", "fsspec", "filelock", "yaml",
        "jinja2")  # fmt: skip
WARM = ("evaluate", "peft", "torch.distributed", "transformers.trainer_seq2seq", "transformers.models.auto.modeling_auto",
        "transformers.models.llama.modeling_llama", "transformers.models.t5.modeling_t5", "sycophancy.answering.measuring",
        "sycophancy.tuning.folder", "sycophancy.tuning.supervised")  # fmt: skip


class Forked:
    """A forked process: `pid`, and `exitcode` once it has ended, negative for a signal."""

    def __init__(self, server: str, request: dict):
        self.connection, self.said, self.exitcode = socket.socket(socket.AF_UNIX), b"", None
        self.connection.connect(server)
        self.connection.sendall(json.dumps(request).encode() + b"\n")
        self.pid = self._hear()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, at most so many seconds."""
        if self.exitcode is not None:
            return
        self.connection.settimeout(timeout)
        with contextlib.suppress(TimeoutError, BlockingIOError):
            self.exitcode = self._hear()
            self.connection.close()

    def _hear(self) -> int:
        """The next number that the server says."""
        while b"\n" not in self.said:
            found = self.connection.recv(64)
            assert found, "the server that forks ended"
            self.said += found
        number, _, self.said = self.said.partition(b"\n")
        return int(number)

    def kill(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.killpg(self.pid, signal.SIGKILL)
        self.join()

    def is_alive(self) -> bool:
        self.join(0)
        return self.exitcode is None


def run(server: str, *words: str | Path, **settings) -> subprocess.CompletedProcess[str]:
    """Run a program to its end in a process of its own; see `fork`."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "stdout"
        process = fork(server, output, *words, **settings)
        process.join(SECONDS)
        if late := process.is_alive():
            process.kill()
        stdout, stderr = (Path(f"{output}{end}").read_text(encoding="utf-8") for end in ("", ".err"))
    assert not late, f"no end after {SECONDS} s: {words}\n{stderr[-3000:]}"
    return subprocess.CompletedProcess(words, process.exitcode, stdout, stderr)


def fork(
    server: str, output: Path, *words: str | Path, environment: dict[str, str] = os.environ, cwd: Path = ROOT
) -> Forked:
    """Start a program in a process of its own.

    Args:
        server: `bare` or `warm`, see above.
        output: file that gets what it prints on stdout and, with `.err` behind its name, on stderr.
        words: what stands behind `python` on its command line: a script, or `-m` and a module, or `-c` and code.
        environment: the whole of it.
        cwd: where it runs.
    """
    request = {"words": [str(word) for word in words], "environment": dict(environment), "cwd": str(cwd)}
    return Forked(_server(server), {**request, "output": str(output)})


def answer_signals() -> None:
    """Undo what `nohup` and a shell's `&` do: whatever they let a process ignore, its children ignore too."""
    for answered in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(answered, signal.SIG_DFL)


def _server(name: str) -> str:
    """Where a server listens; the first who asks for it starts it."""
    from filelock import FileLock

    folder = Path(tempfile.gettempdir()) / f"syco-tests-{RUN}"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "bare").exists():
            # A worker may end before the others: the server outlives it, and not the run.
            parent = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
            command = [sys.executable, "-P", __file__, str(folder), str(parent)]
            without_path = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            with open(folder / "bare.err", "w") as errors:
                subprocess.Popen(
                    command, env=without_path, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True
                )  # fmt: skip
            _wait_for(folder / "bare")
        if not (folder / name).exists():
            Forked(str(folder / "bare"), {"serve": str(folder / name), "environment": dict(os.environ)})
            _wait_for(folder / name)
    return str(folder / name)


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, (path.parent / "bare.err").read_text()
        time.sleep(0.01)


def _serve(path: Path, modules: tuple[str, ...], parent: int) -> None:
    """Import the modules, and fork a process off for each request, until the parent has ended."""
    for module in modules:
        importlib.import_module(module)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{path}.new")
        listening.listen()
        listening.settimeout(1)
        os.rename(f"{path}.new", path)
        while _lives(parent):
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            with contextlib.suppress(TimeoutError):
                connection, _ = listening.accept()
                if os.fork() == 0:
                    listening.close()
                    _answer(connection, path.parent, parent)
                connection.close()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _answer(connection: socket.socket, folder: Path, parent: int) -> None:
    """Start what is asked for; say its process id, and how it ended."""
    connection.setblocking(True)
    request = json.loads(connection.makefile().readline())
    pid = os.fork()
    # On both sides, so that neither who is told of it nor what it starts comes before: a group that `kill` ends.
    os.setpgid(pid, pid)
    if pid == 0:
        connection.close()
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.path[:0] = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
        if "serve" in request:
            os.environ["HF_HOME"] = str(folder / "cache")
            _serve(Path(request["serve"]), WARM, parent)
            os._exit(0)
        _run(request["words"], request["cwd"], request["output"])
    with contextlib.suppress(OSError):  # nobody waits for it any more
        connection.sendall(f"{pid}\n".encode())
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(f"{ended}\n".encode())
    os._exit(0)


def _run(words: list[str], cwd: str, output: str) -> None:
    """What a fresh Python does."""
    answer_signals()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, stream in ((os.devnull, 0), (output, 1), (f"{output}.err", 2)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND), stream)
    os.chdir(cwd)
    status = 0
    try:
        if words[0] == "-c":
            sys.path[:0], sys.argv = [""], ["-c", *words[2:]]
            main = sys.modules["__main__"] = types.ModuleType("__main__")
            exec(compile(words[1], "<string>", "exec"), main.__dict__)
        elif words[0] == "-m":
            sys.path[:0], sys.argv = [cwd], words[1:]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.path[:0], sys.argv = [str(Path(words[0]).parent.resolve())], words
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    # Nobody's terminal interrupts it, and it goes when the run has gone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(place / "bare", BARE, int(sys.argv[2]))
    shutil.rmtree(place, ignore_errors=True)
