# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.experiments.cells import prepare_output, read_record, states
from sycophancy.experiments.plan import Cell, cell_keys
from sycophancy.experiments.run import Processes, budget, run_cells


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Three cells of which the second fails and the third needs it: folder, cells, keys, failures, what was said."""
    folder = tmp_path_factory.mktemp("experiment")
    prepare_output(folder, "title: x")

    def cell(name, source, needs=()):
        target = folder / "cells" / name
        words = ("--source", source, "--output_dir", str(target), "--org", "my-org", "--limit", "3")
        return Cell(name, "syco_claims", words, target, needs)

    cells = {
        "data.good": cell("data.good", "reviews"),
        "data.bad": cell("data.bad", "nowhere"),
        "data.blocked": cell("data.blocked", "reviews", ("data.bad",)),
    }
    keys, said = cell_keys(cells), []
    # Without forking off the tests' own process, which computes.
    failures = run_cells(folder, cells, keys, processes=Processes(), fork=False, say=said.append)
    return folder, cells, keys, failures, said


def test_a_cell_that_fails_stops_those_that_need_it_and_nothing_else(ran):
    folder, cells, keys, failures, said = ran
    assert failures["data.bad"].startswith("syco_claims.py: error: argument --source: invalid choice: 'nowhere'")
    assert failures["data.blocked"] == "needs data.bad"
    assert list(failures) == ["data.bad", "data.blocked"]
    assert states(folder, cells, keys) == {"data.good": "done", "data.bad": "failed", "data.blocked": "open"}
    record = read_record(folder, "data.bad")
    assert (record["status"], record["reason"]) == ("failed", failures["data.bad"])
    assert (folder / "cells" / "data.good" / "my-org" / "syco-reviews" / "README.md").is_file()
    assert said[0] == "[1/3] data.good ..."
    assert said[1].startswith("[1/3] data.good: done, ")
    assert said[3].startswith("[2/3] data.bad: FAILED: syco_claims.py: error")


def test_the_budget(ran):
    folder, cells, keys, *_ = ran
    state = states(folder, cells, keys)
    seconds = read_record(folder, "data.good")["seconds"]
    assert budget(folder, cells, state) == f"3 cells: 1 done, 1 failed, 1 open; 2 to run, about {2 * seconds:.0f} s"
    assert budget(folder, cells, dict.fromkeys(cells, "done")) == "3 cells: all done"
    assert budget(folder / "other", cells, dict.fromkeys(cells, "open")) == (
        "3 cells: 3 open; 3 to run, no times known yet"
    )


def test_a_folder_that_was_taken_away_is_not_done(ran):
    folder, cells, keys, *_ = ran
    moved = folder / "cells" / "data.good"
    moved.rename(folder / "elsewhere")
    assert states(folder, cells, keys)["data.good"] == "changed"
    (folder / "elsewhere").rename(moved)


def test_two_jobs_run_two_cells_at_once_and_what_needs_them_afterwards(tmp_path):
    prepare_output(tmp_path, "title: x")
    cells = {}
    for name, source, needs in (("bad", "nowhere", ()), ("good", "reviews", ()), ("after", "reviews", ("data.good",)),
                                ("blocked", "reviews", ("data.bad",))):  # fmt: skip
        target = tmp_path / "cells" / f"data.{name}"
        words = ("--source", source, "--output_dir", str(target), "--org", "my-org", "--limit", "3")
        cells[f"data.{name}"] = Cell(f"data.{name}", "syco_claims", words, target, needs)
    said = []
    failures = run_cells(tmp_path, cells, cell_keys(cells), processes=Processes(), jobs=2, fork=False, say=said.append)
    assert set(failures) == {"data.bad", "data.blocked"}
    assert states(tmp_path, cells, cell_keys(cells)) == {
        "data.bad": "failed", "data.good": "done", "data.after": "done", "data.blocked": "open"
    }  # fmt: skip
    assert said[:2] == ["[1/4] data.bad ...", "[2/4] data.good ..."]
    assert said.index("[3/4] data.after ...") > next(
        i for i, line in enumerate(said) if line.startswith("[2/4] data.good: done")
    )
