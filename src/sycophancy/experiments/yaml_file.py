# SPDX-License-Identifier: Apache-2.0
"""Reading an experiment from its YAML file: unknown keys and names that stand for nothing are errors."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

from sycophancy.experiments.config import (
    Ablation,
    DatasetEntry,
    Durability,
    Grid,
    Margins,
    Mitigation,
    ModelEntry,
    Published,
    Study,
    Transfer,
)


def read_grid(path: Path) -> Grid:
    """Read and check an experiment.

    Raises:
        ValueError: no YAML mapping, an unknown or missing key, or a name that stands for nothing.
    """
    import yaml

    if not path.is_file():
        raise ValueError(
            f"--config: expected a YAML file, got {path}, which is none; see scripts/recipes/experiment_*.yaml"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: expected YAML, got {error}") from None
    whole = _make(Grid, content, str(path))
    parts = {
        "datasets": _entries(DatasetEntry, whole.datasets, "datasets"),
        "models": _entries(ModelEntry, whole.models, "models"),
        "mitigations": _entries(Mitigation, whole.mitigations, "mitigations"),
        "studies": _entries(Study, whole.studies, "studies"),
        "ablations": [_make(Ablation, entry, "ablations") for entry in whole.ablations],
        "published": [_make(Published, entry, "published") for entry in whole.published],
        "margins": _nested(Margins, whole.margins, "margins"),
    }
    grid = Grid(**{part.name: getattr(whole, part.name) for part in fields(Grid)} | parts)
    _check_names(grid)
    return grid


def _make(kind: type, content, where: str):
    """One dataclass from a mapping; unknown and missing keys are errors."""
    names = [part.name for part in fields(kind)]
    if not isinstance(content, dict):
        raise ValueError(f"{where}: expected keys among {', '.join(names)}, got {content!r}")
    if unknown := sorted(set(content) - set(names)):
        raise ValueError(f"{where}: expected keys among {', '.join(names)}, got {', '.join(map(str, unknown))}")
    needed = [part.name for part in fields(kind) if part.default is MISSING and part.default_factory is MISSING]
    if missing := [name for name in needed if name not in content]:
        raise ValueError(f"{where}: expected also {', '.join(missing)}, got none")
    return kind(**content)


def _nested(kind: type, content, where: str):
    """As `_make`; what is left out stays as it is."""
    return content if content is None or isinstance(content, kind) else _make(kind, content, where)


def _entries(kind: type, content, where: str) -> dict:
    """A mapping of names to dataclasses. Names become parts of folder names."""
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{where}: expected names with their settings, got {content!r}")
    made = {}
    for name, entry in content.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", str(name)):
            raise ValueError(f"{where}: expected names of letters, digits, _ and -, got {name!r}")
        made[name] = _make(kind, entry, f"{where}.{name}")
        if kind is Study:
            parts = {"transfer": Transfer, "durability": Durability}
            nested = {
                key: _nested(type_, getattr(made[name], key), f"{where}.{name}.{key}") for key, type_ in parts.items()
            }
            made[name] = Study(**{part.name: getattr(made[name], part.name) for part in fields(Study)} | nested)
        else:
            made[name].check(name)
    return made


def _check_names(grid: Grid) -> None:
    """Raise `ValueError` for a name that is in none of the lists."""

    def expect(name: str | None, where: str, known) -> None:
        if name is not None and name not in known:
            raise ValueError(f"{where}: expected one of {', '.join(map(str, known))}, got {name!r}")

    for name, model in grid.models.items():
        expect(model.dataset, f"models.{name}.dataset", grid.datasets)
        expect(model.base_of, f"models.{name}.base_of", grid.models)
        for dataset in model.also:
            expect(dataset, f"models.{name}.also", grid.datasets)
    for name, study in grid.studies.items():
        where = f"studies.{name}"
        expect(study.model, f"{where}.model", grid.models)
        expect(study.origin, f"{where}.origin", grid.models)
        expect(study.dataset, f"{where}.dataset", grid.datasets)
        for mitigation in study.mitigations:
            expect(mitigation, f"{where}.mitigations", grid.mitigations)
        for mitigation in study.transfer.mitigations if study.transfer else ():
            expect(mitigation, f"{where}.transfer.mitigations", study.mitigations)
        for dataset in study.transfer.datasets if study.transfer else ():
            expect(dataset, f"{where}.transfer.datasets", grid.datasets)
        expect(study.durability and study.durability.of, f"{where}.durability.of", study.mitigations)
    for entry in grid.ablations:
        expect(entry.study, "ablations.study", grid.studies)
        for mitigation in entry.mitigations:
            expect(mitigation, "ablations.mitigations", grid.studies[entry.study].mitigations)
    for entry in grid.published:
        expect(entry.study, "published.study", grid.studies)
        expect(entry.mitigation, "published.mitigation", grid.studies[entry.study].mitigations)
