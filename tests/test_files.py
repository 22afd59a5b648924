# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from commands import ROOT, python

from sycophancy.files import (
    CHECKOUT,
    HOME,
    fingerprint,
    lock,
    own_file,
    refuse_occupied,
    write_json,
    write_text,
    written_whole,
)


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


def test_text_is_written_whole_or_not_at_all(tmp_path):
    file = tmp_path / "card.md"
    write_text(file, "„Größe“ 1\n")
    assert file.read_bytes() == "„Größe“ 1\n".encode()
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "\ud800")
    assert file.read_bytes() == "„Größe“ 1\n".encode()
    write_json(tmp_path / "run.json", {"rate": float("nan"), "of": [1, (float("inf"), "ö")]})
    assert (tmp_path / "run.json").read_text(encoding="utf-8") == (
        '{\n  "rate": null,\n  "of": [\n    1,\n    [\n      null,\n      "ö"\n    ]\n  ]\n}\n'
    )


def test_a_lock_is_kept_from_others_until_its_release(tmp_path):
    held = lock(tmp_path / "lock", "expected no other run")
    code = "import sys; from pathlib import Path; from sycophancy.files import lock; lock(Path(sys.argv[1]), 'taken')"
    other = python("-c", code, tmp_path / "lock", ok=False)
    assert other.stderr.splitlines()[-1] == "ValueError: taken"
    with pytest.raises(ValueError, match="expected no other run"):
        lock(tmp_path / "lock", "expected no other run")
    held.release()
    python("-c", code, tmp_path / "lock")  # and let go of when a process ends
    lock(tmp_path / "lock", "expected no other run").release()


def test_a_fingerprint_is_of_the_bytes_and_not_of_the_chunks():
    assert fingerprint([b"ab", b"", b"c"]) == fingerprint(iter([b"abc"])) == "sha256:ba7816bf8f01cfea"


def test_own_files_are_found_unless_there_is_one_in_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CHECKOUT == HOME == ROOT
    assert own_file("scripts/measure.py") == ROOT / "scripts" / "measure.py"
    assert own_file("scripts/absent.py") == Path("scripts/absent.py")
    assert own_file(tmp_path / "scripts") == tmp_path / "scripts"
    (tmp_path / "scripts").mkdir()
    assert own_file("scripts") == Path("scripts")
