# SPDX-License-Identifier: Apache-2.0
"""What is forked off a server runs and ends as what a fresh Python runs."""

import json
import os
import subprocess
import sys

import pytest
from forking import fork, run

SEEN = """
import json, os, sys
print(json.dumps([__name__, sys.argv, sys.path, os.getcwd(), dict(os.environ)]))
print("on stderr", file=sys.stderr)
"""
KNOW_A_HUB = ("accelerate", "datasets", "evaluate", "huggingface_hub", "peft", "sycophancy", "transformers", "trl")


@pytest.mark.parametrize("how", ["code", "script", "module"])
def test_a_program_sees_what_a_fresh_python_shows_it(how, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "seen.py").write_text(SEEN)
    (tmp_path / "own" / "__init__.py").write_text("")
    words = {"code": ["-c", SEEN], "script": [str(tmp_path / "own" / "seen.py")], "module": ["-m", "own.seen"]}[how]
    environment = os.environ | {"SYCO_SEEN": "é"}
    fresh = subprocess.run(
        [sys.executable, *words, "a", "b c"], env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    forked = run("bare", *words, "a", "b c", environment=environment, cwd=tmp_path)
    assert json.loads(forked.stdout) == json.loads(fresh.stdout)
    assert (forked.returncode, forked.stderr) == (fresh.returncode, fresh.stderr) == (0, "on stderr\n")


@pytest.mark.parametrize(
    "code",
    ["import sys; sys.exit()", "import sys; sys.exit(3)", "import sys; sys.exit('said')", "raise KeyError('absent')",
     "import os; os.kill(os.getpid(), 9)", "import atexit; atexit.register(print, 'late'); print('early')"],
)  # fmt: skip
def test_a_program_ends_as_under_a_fresh_python(code, tmp_path):
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    forked = run("bare", "-c", code, cwd=tmp_path)
    assert (forked.returncode, forked.stdout) == (fresh.returncode, fresh.stdout)
    assert forked.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def test_nothing_that_knows_a_hub_is_imported_before(tmp_path):
    code = f"import sys; print([name for name in {KNOW_A_HUB} if name in sys.modules])"
    assert run("bare", "-c", code, cwd=tmp_path).stdout == "[]\n"


def test_a_program_can_be_ended_and_waited_for(tmp_path):
    process = fork("bare", tmp_path / "printed", "-c", "import time; print('runs', flush=True); time.sleep(600)")
    process.join(0.01)
    assert process.is_alive()
    process.kill()
    assert (process.is_alive(), process.exitcode) == (False, -9)
