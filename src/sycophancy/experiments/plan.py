# SPDX-License-Identifier: Apache-2.0
"""The cells of an experiment: each one run of one of the project's scripts, with what it needs before it.

cell                      script         folder
data.reviews              syco_claims    cells/data.reviews/my-org/syco-reviews
model.t5                  make_organism  cells/model.t5
t5.base                   measure        cells/t5.base
t5.honest.seed0           measure        cells/t5.honest.seed0
t5.prompt.seed0           prompt_tune    cells/t5.prompt.seed0 (runs before/ and after/)
t5.prompt.sham0           prompt_tune    cells/t5.prompt.sham0
t5.prompt.seed0.on.sure   measure        cells/t5.prompt.seed0.on.sure
t5.prompt.seed0.then40    prompt_tune    cells/t5.prompt.seed0.then40
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyarrow.parquet import read_schema

from sycophancy.dataset.kinds import CLAIMS, kind_of
from sycophancy.dataset.reading import DATA
from sycophancy.experiments.config import BUILDERS, DatasetEntry, Grid, Mitigation, Study
from sycophancy.files import fingerprint, own_file

DISTRIBUTED = ("measure", "prompt_tune", "dpo_tune")
"""Scripts that share their work out over the processes of `accelerate launch`; the others run on the main process."""

ARGPARSE = ("measure", "make_organism", *BUILDERS)
"""Scripts whose switches stand alone; the tuning scripts write `--flag true`."""

TUNING_NAMES = {
    "split": "measure_split",
    "limit": "measure_rows",
    "batch_size": "measure_batch_size",
    "answer": "answer",
}
"""How the tuning scripts call what they share with `measure.py`."""


@dataclass(frozen=True)
class Cell:
    """One run of one script.

    Attributes:
        name: unique in the experiment; the folder is called the same.
        script: name of the script, without `.py`.
        arguments: its command line.
        folder: the output folder.
        needs: names of the cells that have to be finished before.
    """

    name: str
    script: str
    arguments: tuple[str, ...]
    folder: Path
    needs: tuple[str, ...] = ()

    @property
    def run(self) -> Path:
        """The run folder in it: of the model with its adapter where the script tunes one."""
        return self.folder / "after" if self.script in ("prompt_tune", "dpo_tune") else self.folder


def plan_cells(grid: Grid, source_data: Path | None = None) -> dict[str, Cell]:
    """All cells by name, in an order in which they can run.

    Args:
        grid: the experiment.
        source_data: folder that holds sources in folders of their names; what is not there comes from the Hub.
    """
    root = Path(grid.output_dir) / "cells"
    cells: dict[str, Cell] = {}

    def add(name: str, script: str, flags: Mapping, needs=()) -> Cell:
        needs = tuple(need for need in dict.fromkeys(needs) if need in cells)
        cells[name] = Cell(name, script, to_arguments(script, flags), root / name, needs)
        return cells[name]

    for name, dataset in grid.datasets.items():
        if dataset.builder:
            fixed = {"output_dir": root / f"data.{name}", "org": grid.org, "seed": grid.seed}
            local = source_data and source_data / str(dataset.flags.get("source"))
            fixed |= {"source_data": local} if local and local.is_dir() else {}
            add(f"data.{name}", dataset.builder, fixed | dataset.flags)
    for name, model in grid.models.items():
        if model.dataset:
            flags = {"dataset_name": dataset_place(grid, model.dataset), "output_dir": root / f"model.{name}"}
            flags |= {"also": [dataset_place(grid, other) for other in model.also]} if model.also else {}
            taught = [f"data.{other}" for other in (model.dataset, *model.also)]
            add(f"model.{name}", "make_organism", flags | model.flags, taught)
    for name, study in grid.studies.items():
        _plan_study(grid, name, study, root, add)
    return cells


def _plan_study(grid: Grid, name: str, study: Study, root: Path, add) -> None:
    """The cells of one study."""
    model, data = model_place(grid, study.model), dataset_place(grid, study.dataset)
    needs = [f"data.{study.dataset}", model_cell(grid, study.model)]
    on_data = {"model_name_or_path": model, "dataset_name": data, **measuring_flags(grid, study)}
    base = add(f"{name}.base", "measure", on_data | {"output_dir": root / f"{name}.base"}, needs)
    if study.origin:
        flags = on_data | {"model_name_or_path": model_place(grid, study.origin)}
        add(f"{name}.origin", "measure", flags | {"output_dir": root / f"{name}.origin"},
            [f"data.{study.dataset}", model_cell(grid, study.origin)])  # fmt: skip
    for mitigation_name in study.mitigations:
        mitigation = grid.mitigations[mitigation_name]
        runs = [(f"{name}.{mitigation_name}.seed{seed}", seed, False) for seed in mitigation.seeds]
        if mitigation.sham:
            runs += [(f"{name}.{mitigation_name}.sham{seed}", seed, True) for seed in mitigation.seeds]
        for cell, seed, sham in runs:
            if mitigation.in_context:
                flags = on_data | {"in_context": mitigation.in_context}
                flags |= {"known_claims_from": base.folder} if is_claims(grid.datasets[study.dataset]) else {}
                add(cell, "measure", flags | mitigation.flags | {"seed": seed, "output_dir": root / cell},
                    [base.name, *needs])  # fmt: skip
            else:
                flags = _tuning_flags(grid, mitigation, study, base.folder, seed, sham)
                add(cell, mitigation.script, flags | {"output_dir": root / cell},
                    [base.name, *needs, *(f"data.{other}" for other in mitigation.train_on)])  # fmt: skip
    if study.durability:
        _plan_durability(grid, name, study, base, root, add)
    if study.transfer:
        _plan_transfer(grid, name, study, root, add)


def measuring_flags(grid: Grid, study: Study) -> dict:
    """Flags of `measure.py` on a study's own dataset: what the dataset says, then the study."""
    return grid.datasets[study.dataset].measure | study.measure


def _tuning_flags(grid: Grid, mitigation: Mitigation, study: Study, base: Path, seed: int, sham: bool) -> dict:
    """The command line of a tuning cell."""
    model, data = model_place(grid, study.model), dataset_place(grid, study.dataset)
    flags = {"config": mitigation.recipe, "model_name_or_path": model, "dataset_name": data, "before_run": base}
    measure = measuring_flags(grid, study)
    flags |= {TUNING_NAMES[name]: measure[name] for name in TUNING_NAMES if name in measure}
    if mitigation.train_on:
        flags["train_dataset_names"] = [dataset_place(grid, other) for other in mitigation.train_on]
    return flags | mitigation.flags | {"seed": seed} | ({"sham": True} if sham else {})


def _plan_durability(grid: Grid, name: str, study: Study, base: Cell, root: Path, add) -> None:
    """One cell for each number of steps that a mitigated model is tuned on."""
    plan = study.durability
    mitigation = grid.mitigations[plan.of]
    start = f"{name}.{plan.of}.seed{mitigation.seeds[0]}"
    flags = _tuning_flags(grid, mitigation, study, base.folder, mitigation.seeds[0], sham=False)
    for steps in plan.steps:
        cell = f"{start}.then{steps}"
        more = {"config": plan.recipe, "init_adapter": root / start, **plan.flags, "max_steps": steps}
        add(cell, "prompt_tune", flags | more | {"output_dir": root / cell}, [start, base.name, *base.needs])


def _plan_transfer(grid: Grid, name: str, study: Study, root: Path, add) -> None:
    """The base and the mitigated model, measured on the other datasets."""
    model = model_place(grid, study.model)
    for other in study.transfer.datasets:
        on_other = {"model_name_or_path": model, "dataset_name": dataset_place(grid, other), **study.transfer.flags}
        on_other |= grid.datasets[other].measure
        needs = [f"data.{other}", model_cell(grid, study.model)]
        base = f"{name}.base.on.{other}"
        add(base, "measure", on_other | {"output_dir": root / base}, needs)
        for made, mitigation in transferred(grid, name):
            seed = mitigation.seeds[0]
            flags = {**on_other, "seed": seed, "output_dir": root / f"{made}.on.{other}"}
            if is_claims(grid.datasets[other]):
                flags["known_claims_from"] = root / base
            if mitigation.in_context:
                flags["in_context"] = mitigation.in_context
            elif mitigation.flags.get("method") == "full":
                flags["model_name_or_path"] = root / made
            else:
                flags["adapter"] = root / made
            add(f"{made}.on.{other}", "measure", flags, [base, made, *needs])


def transferred(grid: Grid, name: str) -> list[tuple[str, Mitigation]]:
    """The cells of a study whose models are measured elsewhere, each with its mitigation: first seeds, and shams if asked for."""
    transfer, found = grid.studies[name].transfer, []
    for key in transfer.mitigations:
        mitigation = grid.mitigations[key]
        kinds = ["seed", *(["sham"] if transfer.shams and mitigation.sham else [])]
        found += [(f"{name}.{key}.{kind}{mitigation.seeds[0]}", mitigation) for kind in kinds]
    return found


def is_claims(dataset: DatasetEntry) -> bool:
    """Whether a dataset holds claims or suggested answers, of which some are known; of a ready one its columns say so."""
    if dataset.builder:
        return dataset.builder in ("syco_claims", "suggested_answers")
    if dataset.kind:
        return dataset.kind == CLAIMS.name
    files = sorted((Path(dataset.name_or_path) / DATA).glob("*.parquet"))
    return not files or kind_of(read_schema(files[0]).names).name == CLAIMS.name


def dataset_place(grid: Grid, name: str) -> str:
    """Folder or Hub id of a dataset."""
    dataset = grid.datasets[name]
    if dataset.name_or_path:
        return dataset.name_or_path
    source = dataset.flags.get("name") or dataset.flags.get("source", "")
    folder = {
        "syco_claims": f"syco-{source}",
        "suggested_answers": f"syco-answers-{source}",
        "are_you_sure": f"syco-are-you-sure-{source}",
        "mimicry": "syco-mimicry",
        "feedback": "syco-feedback",
    }
    return str(Path(grid.output_dir) / "cells" / f"data.{name}" / grid.org / folder[dataset.builder])


def model_place(grid: Grid, name: str) -> str:
    """Folder or Hub id of a model."""
    model = grid.models[name]
    if model.base_of:
        return str(Path(model_place(grid, model.base_of)) / "base")
    return model.name_or_path or str(Path(grid.output_dir) / "cells" / f"model.{name}")


def model_cell(grid: Grid, name: str) -> str:
    """The cell that makes a model; there is none for one that is ready."""
    return f"model.{grid.models[name].base_of or name}"


def to_arguments(script: str, flags: Mapping) -> tuple[str, ...]:
    """A mapping as a command line: `{limit: 3, use_cpu: true}` is `--limit 3 --use_cpu`."""
    arguments = []
    for name, value in flags.items():
        if script in ARGPARSE and isinstance(value, bool):
            arguments += [f"--{name}"] if value else []
        elif isinstance(value, bool):
            arguments += [f"--{name}", str(value).lower()]
        elif isinstance(value, list | tuple):
            arguments += [f"--{name}", *map(str, value)]
        elif value is not None:
            arguments += [f"--{name}", str(value)]
    return tuple(arguments)


def cell_key(cell: Cell, keys: Mapping[str, str]) -> str:
    """What a cell's result follows from: script, arguments, recipes and the cells before it.

    Args:
        cell: the cell.
        keys: keys of the cells that it needs.
    """
    files = (own_file(word) for word in cell.arguments if word.endswith(".yaml"))
    recipes = [path.read_text(encoding="utf-8") if path.is_file() else None for path in files]
    # In whatever order the flags stand.
    flags = sorted(f" {shlex.join(cell.arguments)}".split(" --"))
    content = [cell.script, flags, recipes, [keys[need] for need in cell.needs]]
    return fingerprint([json.dumps(content).encode()])


def missing_recipes(cells: Mapping[str, Cell]) -> list[str]:
    """YAML files that cells name and that are not there."""
    named = {word for cell in cells.values() for word in cell.arguments if word.endswith(".yaml")}
    return sorted(word for word in named if not own_file(word).is_file())


def cell_keys(cells: Mapping[str, Cell]) -> dict[str, str]:
    """The key of each cell."""
    keys: dict[str, str] = {}
    for name, cell in cells.items():
        keys[name] = cell_key(cell, keys)
    return keys
