# SPDX-License-Identifier: Apache-2.0
"""`sycophancy` and what all its subcommands have in common."""

import argparse
import shlex
import subprocess
import sys

import pytest
from commands import ROOT, python

from sycophancy import cli

COMMANDS = [
    "are-you-sure", "claims", "compare", "dpo-tune", "experiment", "feedback", "filter-known", "import-run", "make-organism", "measure",
    "mimicry", "point-to-hub", "preference-features", "prompt-tune", "publish", "table",
]  # fmt: skip

HEAVY = ("torch", "transformers.trainer", "evaluate", "peft", "matplotlib", "datasets")
"""What takes a second or more to import."""


def sycophancy(*words, **settings):
    return python("-m", "sycophancy", *words, **settings)


def test_every_script_is_a_command():
    assert set(COMMANDS) <= set(cli.scripts())
    assert all(file.parent.name in ("scripts", "dataset_builders") for file in cli.scripts().values())
    assert cli.places()["metric"] == ROOT / "metrics" / "syco_alignment"
    assert (cli.places()["harnesses"] / "syco_claims.yaml").is_file()
    assert all(place.exists() for place in cli.places().values())


def test_help_names_every_command_and_version_the_version():
    shown = sycophancy("--help").stdout
    assert sycophancy().stdout == shown
    for name in [*cli.scripts(), "where"]:
        assert f"\n  {name} " in shown
    assert sycophancy("--version").stdout == "sycophancy 0.1.0\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_comes_at_once_and_shows_it_as_it_is_called(name):
    """What is imported is looked at, not the clock."""
    done = python("-X", "importtime", "-m", "sycophancy", name, "--help")
    assert done.stdout.startswith(f"usage: sycophancy {name} ")
    assert f"python scripts/{name.replace('-', '_')}.py" not in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & set(HEAVY)


def test_a_command_is_the_script(tmp_path):
    flags = ["--source", "reviews", "--limit", "9", "--org", "my-org"]
    sycophancy("claims", *flags, "--output_dir", tmp_path / "command")
    python("dataset_builders/syco_claims.py", *flags, "--output_dir", tmp_path / "script")
    command, script = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "command", tmp_path / "script")
    )
    assert command == script
    assert len(command) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mesure",), "got mesure; did you mean measure?"),
        (("prompt_tune",), "got prompt_tune; did you mean prompt-tune?"),
        (("where", "metrics"), "got metrics; did you mean metric?"),
        (("where",), "expected one of metric, recipes, "),
        (("measure", "--model_name", "m"), "sycophancy measure: error: the following arguments are required"),
        (("claims", "--source", "reviews", "--org", "o", "--output_dir", "x", "--limit", "0"),
         "sycophancy claims: error: argument --limit: expected 1 or more, got 0"),
        (("claims", "--source", "reviews", "--org", "o", "--output_dir", "x", "--over"), "unrecognized arguments: --over"),
    ],
)  # fmt: skip
def test_a_slip_is_named(words, message):
    done = sycophancy(*words, ok=False)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]


def test_where_says_what_accelerate_and_evaluate_are_given():
    assert sycophancy("where", "prompt-tune").stdout == f"{ROOT / 'scripts' / 'prompt_tune.py'}\n"
    assert sycophancy("where", "metric").stdout == f"{ROOT / 'metrics' / 'syco_alignment'}\n"


def test_what_a_card_shows_names_no_place(tmp_path):
    (tmp_path / "my data").mkdir()
    args = argparse.Namespace(
        source_data=str(tmp_path / "my data"), exclude=[f"sst2={tmp_path / 'my data'}", "my-org/syco-rte"], limit=None,
        seed=0, generate=True, overwrite=False, templates=[], output_dir=tmp_path,
    )  # fmt: skip
    shown = cli.shown_command("scripts/x.py", args, {"output_dir"})
    assert shlex.split(shown) == [
        "python", "scripts/x.py", "--source_data", "my data", "--exclude", "sst2=my data", "my-org/syco-rte", "--seed",
        "0", "--generate",
    ]  # fmt: skip


def test_what_was_typed_is_recorded_without_places(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(ROOT / "scripts" / "measure.py"), "--output_dir", str(tmp_path / "out")])
    assert cli.command_line() == "python scripts/measure.py --output_dir out"
    monkeypatch.setitem(cli._typed, sys.argv[0], "sycophancy measure")
    assert cli.command_line() == "sycophancy measure --output_dir out"


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "many", ""])
def test_positive_int_refuses(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected 1 or more, got"):
        cli.positive_int(text)
    assert cli.positive_int("12") == 12


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (ValueError("expected this,\n got that"), 2, "error: expected this, got that\n"),
        (FileNotFoundError("no file"), 2, "error: no file\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_command_ends_with_one_line(raised, status, said, capsys, monkeypatch):
    monkeypatch.delenv("SYCO_TRACEBACK", raising=False)

    def main():
        raise raised

    with pytest.raises(SystemExit) as end:
        cli.run(main)
    assert end.value.code == status
    assert capsys.readouterr().err == said
    monkeypatch.setenv("SYCO_TRACEBACK", "1")
    with pytest.raises((type(raised), SystemExit)):
        cli.run(main)


def test_a_bug_keeps_its_traceback():
    with pytest.raises(KeyError):
        cli.run(lambda: {}["absent"])


def test_a_recipe_of_the_project_is_found_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    named = ["--config", "scripts/recipes/quickstart.yaml", "--seed", "1"]
    assert cli.with_own_recipe(named) == ["--config", str(ROOT / "scripts/recipes/quickstart.yaml"), "--seed", "1"]
    (tmp_path / "scripts" / "recipes").mkdir(parents=True)
    (tmp_path / "scripts" / "recipes" / "quickstart.yaml").write_text("")
    assert cli.with_own_recipe(named) == named  # one's own comes first
    assert cli.with_own_recipe(["--config", "absent.yaml"]) == ["--config", "absent.yaml"]


def test_commands_stop_at_ctrl_c():
    """The status that shells know for it, and no traceback."""
    code = "import signal, os; from sycophancy.cli import run; run(lambda: os.kill(os.getpid(), signal.SIGINT))"
    from commands import start

    running = start(sys.executable, "-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.communicate() == ("", "")
    assert running.returncode == 130
