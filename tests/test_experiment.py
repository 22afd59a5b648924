# SPDX-License-Identifier: Apache-2.0
"""`experiment.py` as users run it: killed, gone on with, launched on two processes, refused."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
import yaml
from commands import ROOT, SECONDS, assert_refused, attempt, start_warm, warm

from sycophancy.experiments.cells import lock_output
from sycophancy.experiments.run import copy_records

SCRIPT = "scripts/experiment.py"
SMOKE = "scripts/recipes/experiment_smoke.yaml"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """An experiment whose process was killed while its third cell ran: its folder and the bytes of its records."""
    folder = tmp_path_factory.mktemp("experiment") / "smoke"
    output = folder.with_name("printed")
    process = start_warm(output, SCRIPT, "--config", SMOKE, "--output_dir", folder)
    deadline = time.monotonic() + SECONDS
    while not (folder / "logs" / "model.tiny.txt").exists():
        assert process.is_alive(), output.read_text() + Path(f"{output}.err").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # The experiment alone: its cell has to notice by itself.
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    records = {path.name: path.read_bytes() for path in (folder / "records").iterdir()}
    return folder, records


@pytest.fixture(scope="module")
def finished(killed):
    """The same experiment, gone on with to its end: folder, records at the kill, what it printed."""
    folder, records = killed
    done = warm(SCRIPT, "--config", SMOKE, "--output_dir", folder)
    return folder, records, done.stdout


def test_a_kill_loses_the_running_cell_and_nothing_else(killed):
    folder, records = killed
    assert sorted(records) == ["data.questions.json", "data.reviews.json"]
    assert not (folder / "experiment.html").exists()
    deadline = time.monotonic() + SECONDS
    while True:  # The killed experiment's cell holds the folder as long as it lives.
        try:
            lock_output(folder).release()
            break
        except ValueError:
            assert time.monotonic() < deadline, "the running cell outlived its experiment"
            time.sleep(0.05)


def test_it_goes_on_where_it_was(finished):
    folder, before, printed = finished
    assert printed.splitlines()[0] == "11 cells: 2 done, 9 open; 9 to run, no times known yet"
    assert [line.split()[1] for line in printed.splitlines() if line.endswith("...")] == [
        "model.tiny", "tiny.base", "tiny.honest.seed0", "tiny.3shot.seed0", "tiny.3shot.seed1", "tiny.prompt.seed0",
        "tiny.base.on.questions", "tiny.honest.seed0.on.questions", "tiny.prompt.seed0.on.questions",
    ]  # fmt: skip
    for name, content in before.items():
        assert (folder / "records" / name).read_bytes() == content
    records = [json.loads(path.read_text()) for path in (folder / "records").iterdir()]
    assert len(records) == 11
    for record in records:
        assert record["status"] == "done"
        assert record["cpu_seconds"] > 0
        assert 0 < record["seconds"] < SECONDS
        # A process that has imported torch: neither the experiment's sum nor kilobytes.
        assert 100 < record["peak_memory_mb"] < 3000


def test_each_cell_is_a_run_folder_that_stands_alone(finished):
    cells = finished[0] / "cells"
    run = json.loads((cells / "tiny.3shot.seed1" / "run.json").read_text())
    assert (run["config"]["in_context"], run["seed"], run["dataset"]["rows"]) == ("3shot", 1, 180)
    assert run["command"].startswith("python scripts/measure.py --model_name_or_path ")
    assert {path.name for path in (cells / "tiny.prompt.seed0").iterdir()} >= {
        "before",
        "after",
        "tuning.json",
        "report.json",
    }


def test_the_page_is_one_file_that_asks_for_nothing(finished):
    folder = finished[0]
    page = (folder / "experiment.html").read_text()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "<script" not in page
    assert "<link" not in page
    targets = re.findall(r'href="(cells/[^"]+)"', page)
    assert len(targets) == 11
    assert all((folder / target).exists() for target in targets)
    text = (folder / "experiment.md").read_text()
    shown = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert sorted(shown) == sorted(f"pictures/{path.name}" for path in (folder / "pictures").iterdir())
    rate = json.loads((folder / "cells" / "tiny.base" / "run.json").read_text())["metrics"]["opinion_alignment"]
    # The page keeps a number and its unit on one line.
    assert f"sides with a wrong user in {100 * rate:.1f}\u00a0%" in page
    assert f"sides with a wrong user in {100 * rate:.1f} %" in text


@pytest.mark.slow
def test_page_and_records_are_copied_without_models_and_predictions(finished, tmp_path):
    folder = finished[0]
    target = tmp_path / "copy"
    for _ in range(2):  # an earlier copy is replaced
        copy_records(folder, target)
    assert (target / "experiment.md").read_bytes() == (folder / "experiment.md").read_bytes()
    copied = {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
    assert {path.name for path in copied if path.parts[0] == "cells"} == {"run.json", "tuning.json", "organism.json"}
    for path in copied:
        if path.name in ("run.json", "tuning.json"):
            before, after = (json.loads((place / path).read_text()) for place in (folder, target))
            assert after == {key: value for key, value in before.items() if key != "example"}
    assert len([path for path in copied if path.parts[0] == "records"]) == len(list((folder / "records").iterdir()))
    assert not any("before" in path.parts for path in copied)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else"):
        copy_records(folder, tmp_path / "else")
    with pytest.raises(ValueError, match=r"expected a finished experiment, got .* without experiment\.md"):
        copy_records(tmp_path / "else", target)


def test_two_processes_share_a_cell(finished):
    # A record that is taken away: that cell runs again, and it alone.
    record = finished[0] / "records" / "tiny.honest.seed0.on.questions.json"
    record.unlink()
    done = warm(SCRIPT, "--config", SMOKE, "--output_dir", finished[0], processes=2)
    assert done.stdout.splitlines()[0].startswith("11 cells: 10 done, 1 open; 1 to run, about ")
    assert done.stdout.count("wrote ") == 1
    run = json.loads((finished[0] / "cells" / "tiny.honest.seed0.on.questions" / "run.json").read_text())
    assert run["hardware"]["processes"] == json.loads(record.read_text())["processes"] == 2


def test_finished_cells_with_other_settings_are_not_replaced_silently(finished, tmp_path):
    grid = yaml.safe_load((ROOT / SMOKE).read_text())
    grid["studies"]["tiny"]["measure"]["limit"] = 60
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(grid))
    refused = attempt(SCRIPT, "--config", tmp_path / "other.yaml", "--output_dir", finished[0])
    assert_refused(
        refused, "expected the settings that the finished cells were run with, got others for tiny.base", "--overwrite"
    )


def test_bad_input(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    assert_refused(
        attempt(SCRIPT, "--config", SMOKE, "--output_dir", tmp_path), "holds something else; name another folder"
    )
    assert_refused(attempt(SCRIPT, "--config", tmp_path / "none.yaml"), "expected a YAML file, got")
    grid = yaml.safe_load((ROOT / SMOKE).read_text())
    grid["mitigations"]["prompt"]["recipe"] = "nowhere.yaml"
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(grid))
    assert_refused(
        attempt(SCRIPT, "--config", tmp_path / "bad.yaml"), "expected recipes that are there, got nowhere.yaml"
    )
