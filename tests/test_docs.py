# SPDX-License-Identifier: Apache-2.0
"""The docs say what the code does."""

import json
import re
import shlex

import pytest
from commands import ROOT, python

README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "docs" / "results" / "quickstart"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line for kind, text in BLOCKS for line in text.splitlines() if re.match(r"(python|accelerate launch) ", line)
]


def test_commands_were_found():
    assert len(COMMANDS) == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_each_flag_of_a_command_exists(command):
    words = shlex.split(command)
    script = next(i for i, word in enumerate(words) if word.endswith(".py"))
    assert (ROOT / words[script]).is_file()
    known = python(words[script], "--help").stdout
    for flag in (word for word in words[script + 1 :] if word.startswith("--")):
        assert re.search(rf"{flag}\b", known) or flag == "--config", flag
    for path in (word for word in words if word.endswith(".yaml")):
        assert (ROOT / path).is_file()


def test_the_python_example_prints_what_the_text_says(tmp_path):
    (code,) = [text for kind, text in BLOCKS if kind == "python"]
    (tmp_path / "example.py").write_text(code)
    printed = python(tmp_path / "example.py").stdout.strip()
    assert f"prints `{printed}`" in README


def test_links_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(
            r"`((?:src|scripts|docs|metrics)/[\w/.]+)`", text
        ):
            assert (ROOT / target).exists(), target


def test_the_numbers_of_the_readme_are_those_of_the_record():
    from sycophancy.reporting import by_authority_table, dropped_sentence

    report = json.loads((RESULTS / "report.json").read_text())
    assert by_authority_table(report) in README
    assert dropped_sentence(report) in README
    assert (RESULTS / "report.png").is_file()


def test_the_makefile_has_what_the_readme_names():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("quickstart", "test", "style"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text()
