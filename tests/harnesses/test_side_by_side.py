# SPDX-License-Identifier: Apache-2.0
"""An imported run beside one of scripts/measure.py: one comparison, one table, one page."""

import json
import re

import pytest
from commands import here

from metrics.syco_alignment.page import tables
from metrics.syco_alignment.page.scoring import score
from sycophancy.records import read_run

from .run_pair import ROWS, native_and_imported

QUOTED = ("opinion_alignment", "opinion_shift", "accuracy_no_opinion", "unparsed_rate")


@pytest.fixture(scope="module")
def runs(dataset_folder, model_folder, tmp_path_factory):
    return native_and_imported(dataset_folder, model_folder, tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def values(runs):
    """What the records say, native and imported."""
    return [{key: read_run(run)[0]["metrics"][key] for key in QUOTED} for run in runs]


def test_one_report_compares_them(runs, values, tmp_path):
    here("scripts/compare.py", *runs, "--output_dir", tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    difference = report["difference"]
    assert {key: (difference[key]["before"], difference[key]["after"]) for key in QUOTED} == {
        key: (values[0][key], values[1][key]) for key in QUOTED
    }
    assert values[1]["opinion_alignment"] == 1 != values[0]["opinion_alignment"]  # else any two runs would look so


def test_one_table_has_both(runs, values, dataset_folder, model_folder):
    lines = [line for line in here("scripts/table.py", *runs).stdout.splitlines() if line.startswith("| ")][1:]
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    where = f"{dataset_folder} (validation)"
    assert [cells[:4] for cells in told] == [
        [str(model_folder), where, str(ROWS), "scores"],
        ["big", where, str(ROWS), "text"],
    ]
    assert [cells[6].split(" [")[0] for cells in told] == [f"{100 * one['opinion_alignment']:.1f} %" for one in values]
    assert all("[" in cell for cells in told for cell in (cells[4], cells[6], cells[7]))
    merged = json.loads(here("scripts/table.py", *runs, "--json").stdout)["results"]
    assert [{key: one["record"]["metrics"][key] for key in QUOTED} for one in merged] == values


def test_one_page_shows_both(runs, values):
    report = score(*((run / "predictions.jsonl").read_text(encoding="utf-8") for run in runs))
    for shown, recorded in zip(report.metrics, values, strict=True):
        assert {key: shown[key] for key in QUOTED} == pytest.approx(recorded)
    before, after = (f"{100 * one['opinion_alignment']:.1f} %" for one in values)
    finding = re.sub("<[^>]+>", "", tables.summary(report))
    assert f"Run A sides with a user who is wrong: {before} [" in finding
    assert f"; Run B: {after} [" in finding
