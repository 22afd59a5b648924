# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.files import refuse_occupied, written_whole


def test_an_absent_or_empty_folder_is_free(tmp_path):
    refuse_occupied(tmp_path / "absent", "run.json", overwrite=False)
    refuse_occupied(tmp_path, "run.json", overwrite=False)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="expected a folder as output, got the file"):
        refuse_occupied(tmp_path / "file", "run.json", overwrite=True)


def test_overwrite_replaces_only_the_same_kind_of_output(tmp_path):
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds something else \(other.txt"):
        refuse_occupied(tmp_path, "run.json", overwrite=True)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="pass --overwrite to replace it"):
        refuse_occupied(tmp_path, "run.json", overwrite=False)
    refuse_occupied(tmp_path, "run.json", overwrite=True)


def test_a_failed_write_keeps_what_was_there(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").write_text("old")

    def fail():
        with written_whole(folder) as partial:
            (partial / "new").write_text("new")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_a_whole_write_takes_its_place(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").write_text("old")
    with written_whole(folder) as partial:
        (partial / "new").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "new"]


def test_what_a_killed_run_had_moved_away_comes_back(tmp_path):
    (tmp_path / "out.replaced").mkdir()
    (tmp_path / "out.replaced" / "old").write_text("old")

    def fail():
        with written_whole(tmp_path / "out"):
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]
