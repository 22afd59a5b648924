# SPDX-License-Identifier: Apache-2.0
import os
import signal

import pytest
from loky.process_executor import TerminatedWorkerError

from sycophancy.claims import addition
from sycophancy.claims.building import CHUNK, checked_rows, rows_by_processes
from sycophancy.claims.tasks import SOURCES
from sycophancy.claims.wordings import WORDINGS

STATEMENT = SOURCES["addition"].statement


def test_rows_of_a_part_are_those_of_the_whole():
    items = list(addition.items("addition", "test"))[:100]
    whole = list(checked_rows(items, STATEMENT, 0, WORDINGS))
    assert len(whole) == 600
    assert list(checked_rows(items[40:70], STATEMENT, 0, WORDINGS, first=40)) == whole[240:420]


def test_the_number_of_processes_changes_nothing():
    items = list(addition.items("addition", "train"))[: 2 * CHUNK + 500]
    alone = list(checked_rows(items, STATEMENT, 0, WORDINGS))
    assert len(alone) == 2 * CHUNK + 500
    assert list(rows_by_processes(items, STATEMENT, 0, WORDINGS, num_proc=2)) == alone


class Deadly(list):
    """Items that kill a process other than the one that made them, as a machine out of memory does."""

    def __init__(self, items=()):
        super().__init__(items)
        self.maker = os.getpid()

    def __getitem__(self, which):
        if os.getpid() != self.maker:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(which)


def test_a_process_that_dies_is_not_waited_for():
    items = Deadly(list(addition.items("addition", "train"))[: 3 * CHUNK])
    with pytest.raises(TerminatedWorkerError):
        list(rows_by_processes(items, STATEMENT, 0, WORDINGS, num_proc=2))


def test_kept_rows_go_to_processes_too(tmp_path):
    """Rows of a source that stand in a file, as a whole build: the same bytes."""
    import json

    from dataset_builders.syco_claims import build, parse_args

    source = tmp_path / "source"
    source.mkdir()
    rows = [{"sentence": f"text {index}", "label": index % 2} for index in range(2 * CHUNK + 1)]
    (source / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ["--source", "sst2", "--source_data", str(source), "--org", "o"]
    one, two = (
        build(parse_args([*flags, "--output_dir", str(tmp_path / count), "--num_proc", count]), "") for count in "12"
    )
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 3
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
