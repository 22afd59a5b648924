# SPDX-License-Identifier: Apache-2.0
"""Which files a folder consists of, under which hashes, and which folders are refused."""

from pathlib import Path

import pytest

from sycophancy.publishing.tree import LocalFile, read_tree

# `printf 'hello\n' | git hash-object --stdin` and `sha256sum`
HELLO_GIT = "ce013625030ba8dba906f756967f9e9ca394464a"
HELLO_SHA256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def test_files_are_listed_with_the_hashes_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b.txt").write_bytes(b"hello\n")
    (tmp_path / "a.txt").write_bytes(b"hello\n")
    root, files = read_tree(tmp_path)
    assert root == tmp_path
    assert files == {
        "a.txt": LocalFile(tmp_path / "a.txt", 6, HELLO_SHA256, HELLO_GIT),
        "data/b.txt": LocalFile(tmp_path / "data" / "b.txt", 6, HELLO_SHA256, HELLO_GIT),
    }


def test_what_tools_leave_behind_is_left_out(tmp_path: Path) -> None:
    for folder in ("__pycache__", ".git", ".cache", "data/.ipynb_checkpoints"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "left.txt").write_bytes(b"x")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "a.txt").write_bytes(b"hello\n")
    assert list(read_tree(tmp_path)[1]) == ["a.txt"]


def test_links_inside_count_as_the_file_and_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "a.txt").write_bytes(b"hello\n")
    (real / "b.txt").symlink_to("a.txt")
    (tmp_path / "link").symlink_to(real)
    root, files = read_tree(tmp_path / "link")
    assert root == real
    assert files["b.txt"] == LocalFile(real / "a.txt", 6, HELLO_SHA256, HELLO_GIT)


def link_outside(folder: Path) -> None:
    (folder.parent / "outside.txt").write_bytes(b"secret")
    (folder / "a.txt").symlink_to("../outside.txt")


def link_to_folder(folder: Path) -> None:
    (folder / "data").symlink_to(folder.parent)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (link_outside, "a link that leads out"),
        (link_to_folder, "is a link to a folder"),
        (lambda folder: (folder / "a.txt").symlink_to("nowhere"), "broken link"),
        (lambda folder: None, "found none"),
        (lambda folder: folder.rmdir(), "expected a folder to publish"),
        (lambda folder: (folder / "a\\b.txt").touch(), "backslash or control character"),
        (lambda folder: (folder / "a\nb.txt").touch(), "backslash or control character"),
    ],
)
def test_refused_folders(tmp_path: Path, spoil, message: str) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    spoil(folder)
    with pytest.raises(ValueError, match=message):
        read_tree(folder)
