# SPDX-License-Identifier: Apache-2.0
"""The command line: one command with the scripts as its subcommands, and what all of them have in common.

Every command ends with status 0 only on success, and with one clear line and status 2 on bad input.
"""

import argparse
import ast
import difflib
import json
import os
import runpy
import shlex
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from sycophancy.files import HOME, own_file

FOLDERS = {
    "metric": HOME / "metrics" / "syco_alignment",
    "recipes": HOME / "scripts" / "recipes",
    "accelerate-configs": HOME / "accelerate_configs",
    "harnesses": Path(__file__).resolve().with_name("harnesses"),
}
"""What `sycophancy where` knows beside the scripts."""

_typed: dict[str, str] = {}
"""By a script's path: how it was called as a subcommand."""


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; turn an error about the user's input into one line on stderr and exit status 2.

    The library raises `ValueError` (and the Hugging Face libraries `FileNotFoundError`) for input that cannot be
    used, with what was expected, what came and what to do. Anything else is a bug of ours and keeps its
    traceback. Set `SYCO_TRACEBACK=1` to see the traceback of input errors too.
    """
    try:
        main()
    except (ValueError, OSError) as error:
        if os.environ.get("SYCO_TRACEBACK"):
            raise
        # One line: an error text from a library may span several.
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def script_parser(doc: str) -> argparse.ArgumentParser:
    """A script's parser, whose help is the script's docstring.

    A flag is written out: `--limi` is an error instead of `--limit`, so that a flag that is added later changes no
    command.
    """
    return argparse.ArgumentParser(**naming(doc))


def naming(doc: str) -> dict:
    """The keywords that any kind of `ArgumentParser` takes to say how a script is called."""
    typed = _typed.get(sys.argv[0])
    if typed:
        script = Path(sys.argv[0]).relative_to(HOME).as_posix()
        doc = doc.replace(f"python {script}", typed)
    return {
        "prog": typed or Path(sys.argv[0]).name,
        "description": doc,
        "allow_abbrev": False,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def positive_int(text: str) -> int:
    """An argument's value from 1 on."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return value


def with_own_recipe(argv: list[str]) -> list[str]:
    """A command line whose `--config` may name a recipe of the project from any folder."""
    return [
        str(own_file(word)) if before == "--config" else word for before, word in zip(["", *argv], argv, strict=False)
    ]


def without_place(data: str) -> str:
    """A local folder's last name, also in `TASK=FOLDER`; a Hub id as it is."""
    task, equals, place = data.rpartition("=")
    return f"{task}{equals}{Path(place).resolve().name}" if Path(place).is_dir() else data


def add_source_arguments(parser: argparse.ArgumentParser, dataset: str) -> None:
    """Add the flags of a builder that reads a source: where it is, what is left out, where the dataset goes.

    Args:
        parser: the builder's.
        dataset: what the dataset is called, such as `syco-SOURCE`.
    """
    parser.add_argument(
        "--source_data", help="Hub id, local folder or file to read the source from [the pinned Hub dataset]"
    )
    parser.add_argument("--source_config", metavar="NAME", help="configuration of the dataset --source_data")
    parser.add_argument("--encoding", metavar="NAME", help="of local files with text, such as latin-1 [UTF-8]")
    parser.add_argument(
        "--exclude",
        nargs="+",
        default=[],
        metavar="DATASET",
        help="keep texts out of train that are measured there: dataset folders, source tasks, TASK=FOLDER or Hub ids",
    )
    add_dataset_arguments(parser, dataset, "source rows")
    parser.add_argument(
        "--num_proc", type=positive_int, default=1, help="processes that make rows; changes no byte [1]"
    )


def add_dataset_arguments(parser: argparse.ArgumentParser, dataset: str, counted: str) -> None:
    """Add the flags of every builder: where the dataset goes, the seed, how much of it, and whether it is published.

    Args:
        parser: the builder's.
        dataset: what the dataset is called, such as `syco-mimicry`.
        counted: what `--limit` counts, such as `works`.
    """
    parser.add_argument("--output_dir", required=True, type=Path, help=f"where ORG/{dataset}/ goes")
    parser.add_argument("--org", required=True, help="Hub user or organisation")
    parser.add_argument("--seed", type=int, default=0, help="of all draws [0]")
    parser.add_argument("--limit", type=positive_int, help=f"at most this many {counted} per split")
    parser.add_argument("--overwrite", action="store_true", help="replace a dataset built earlier")
    parser.add_argument("--push_to_hub", action="store_true", help=f"publish the folder as ORG/{dataset}")


def add_own_question_arguments(parser: argparse.ArgumentParser, dataset: str) -> argparse._ArgumentGroup:
    """Add the flags of a builder that takes a user's own questions, in a group of their own, which is returned.

    Args:
        parser: the builder's.
        dataset: what the dataset is called, such as `syco-answers-NAME`.
    """
    own = parser.add_argument_group("questions of your own, --source custom")
    own.add_argument("--name", help=f"the folder is called {dataset} [custom]")
    own.add_argument("--license", metavar="ID", help="of the data, as the Hub calls it [unknown]")
    own.add_argument("--question_column", metavar="NAME", help="column with the question's text")
    own.add_argument(
        "--choices_column",
        nargs="+",
        metavar="NAME",
        help="column with the list of choices, or one column for each choice",
    )
    own.add_argument(
        "--answer_column",
        metavar="NAME",
        help="column with the right choice, in all rows alike: its letter (B), its index from 0 (1 for B), or its text",
    )
    return own


def shown_command(script: str, args: argparse.Namespace, leave_out: Collection[str] = ()) -> str:
    """The command as a card shows it: the same wherever and however often it was run.

    Args:
        script: by its place in the checkout.
        args: what it was called with; folders of this machine are shown by their last name.
        leave_out: arguments that the card must not depend on, such as `output_dir`.
    """
    words = []
    for name, value in vars(args).items():
        if name in leave_out or value is None or value is False or value in ([], {}):
            continue
        given = value if isinstance(value, list) else [] if value is True else [value]
        words += [
            f"--{name}",
            *(without_place(json.dumps(one) if isinstance(one, dict) else str(one)) for one in given),
        ]
    return f"python {script} {shlex.join(words)}"


def dataset_command(script: str, args: argparse.Namespace, leave_out: Collection[str] = ()) -> str:
    """The command that a dataset's card shows: `shown_command` without what changes no byte of the dataset."""
    changes_nothing = {"output_dir", "overwrite", "push_to_hub", "num_proc"}
    return shown_command(script, args, changes_nothing.union(leave_out))


def command_line() -> str:
    """What was typed, with paths below the working directory and of the project's own files made relative."""
    script, *arguments = sys.argv
    here, home = f"{Path.cwd()}{os.sep}", f"{HOME}{os.sep}"
    called = _typed.get(script) or f"python {script.removeprefix(here).removeprefix(home)}"
    return " ".join([called, *(argument.removeprefix(here) for argument in arguments)])


def scripts() -> dict[str, Path]:
    """The subcommands' files by name: `syco_claims.py` is `claims`, `prompt_tune.py` is `prompt-tune`."""
    files = [*HOME.glob("dataset_builders/*.py"), *HOME.glob("scripts/*.py")]
    return {file.stem.removeprefix("syco_").replace("_", "-"): file for file in files if file.stem != "__init__"}


def places() -> dict[str, Path]:
    """What `sycophancy where` answers."""
    return FOLDERS | scripts()


def main(argv: list[str] | None = None) -> None:
    """The command `sycophancy`: run a script by its name, or say where something lies."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    found = scripts()
    if name in ("-h", "--help"):
        print(_help(found))
    elif name == "--version":
        from sycophancy import __version__

        print(f"sycophancy {__version__}")
    elif name == "where":
        run(lambda: print(_where(rest)))
    elif name in found:
        script = str(found[name])
        sys.argv = [script, *rest]
        _typed[script] = f"sycophancy {name}"
        runpy.run_path(script, run_name="__main__")
    else:
        print(f"error: expected a command ({', '.join(sorted(found))}, where), got {name}{_meant(name, found)}",
              file=sys.stderr)  # fmt: skip
        sys.exit(2)


def _where(names: list[str]) -> Path:
    known = places()
    if len(names) != 1 or names[0] not in known:
        raise ValueError(
            f"expected one of {', '.join(known)}, got {' '.join(names) or 'nothing'}"
            f"{_meant(names[0], known) if names else ''}"
        )
    return known[names[0]]


def _meant(name: str, known: Collection[str]) -> str:
    (*_, close) = [None, *difflib.get_close_matches(name.replace("_", "-"), known, n=1)]
    return f"; did you mean {close}?" if close else "; see sycophancy --help"


def _help(found: dict[str, Path]) -> str:
    width = max(map(len, found)) + 2
    lines = [f"  {name:{width}}{_first_line(file)}" for name, file in sorted(found.items())]
    return "\n".join(
        [
            "usage: sycophancy COMMAND [--FLAG VALUE ...]",
            "",
            "Measure and reduce sycophancy in language models. `sycophancy COMMAND --help` says what each takes.",
            "",
            *lines,
            f"  {'where':{width}}Print where a script, or one of {', '.join(FOLDERS)}, lies.",
            "",
            "On several devices a script runs under accelerate:",
            '  accelerate launch --config_file "$(sycophancy where accelerate-configs)/multi_gpu.yaml" \\',
            '      "$(sycophancy where measure)" --model_name_or_path ...',
            "From Python the metric is",
            '  evaluate.load("PATH THAT sycophancy where metric PRINTS")',
        ]
    )


def _first_line(script: Path) -> str:
    """The first line of a script's docstring, which is not run for it."""
    return (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").partition("\n")[0]
