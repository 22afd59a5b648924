# SPDX-License-Identifier: Apache-2.0
"""What is installed is what is imported, on every system: packages, data files, dependencies, the order of imports."""

import ast
import configparser
import fnmatch
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from commands import ROOT, python

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")

SHIPPED = ("src", "scripts", "dataset_builders", "metrics")
"""Folders whose Python is in a wheel."""

EXTRAS = {
    "jax": "approval",
    "numpyro": "approval",
    "arviz_stats": "approval",
    "gradio": "space",
    "page": "space",
    "inspect_ai": "harness",
}
"""Imported where an extra was asked for: `page` is the folder beside the Space's app."""

POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_ATTRIBUTES = {"fork", "killpg", "setsid", "wait4", "getuid", "geteuid", "SIGKILL", "SIGHUP", "SIGALRM", "umask"}


def lines(section, option):
    return [line for line in SETUP[section][option].splitlines() if line and not line.startswith("#")]


def python_files(*folders):
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def package_folders():
    """Package -> its folder in the checkout, from setup.cfg."""
    mapped = dict(line.split(" = ") for line in lines("options", "package_dir") if not line.startswith("="))
    return {name: ROOT / mapped.get(name, "src/" + name.replace(".", "/")) for name in lines("options", "packages")}


def test_every_folder_with_python_is_a_package_of_the_wheel():
    needed = {file.parent for file in python_files(*SHIPPED)}
    listed = set(package_folders().values())
    assert needed <= listed
    assert {folder for folder in listed - needed if not list(folder.glob("*.yaml"))} == set()


def test_every_other_file_of_a_package_is_in_the_wheel():
    patterns = SETUP["options.package_data"]["*"].split(", ")
    for folder in package_folders().values():
        for file in folder.iterdir():
            if file.is_file() and file.suffix not in (".py", ".pyc", ".sh"):
                assert any(fnmatch.fnmatch(file.name, pattern) for pattern in patterns), file


def test_every_script_is_a_command():
    from sycophancy.cli import scripts

    files = [*(ROOT / "scripts").glob("*.py"), *(ROOT / "dataset_builders").glob("*.py")]
    assert set(scripts().values()) == {file for file in files if file.name != "__init__.py"}
    assert lines("options.entry_points", "console_scripts") == ["sycophancy = sycophancy.cli:main"]


def imports(file, at_import=False):
    """Modules that a file imports, without relative ones; only those that its import needs."""
    for node in walk_at_import(ast.parse(file.read_text(encoding="utf-8"))) if at_import else walk_all(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


def walk_all(file):
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def walk_at_import(node):
    """What runs when a module is imported: not the bodies of functions, nor what only type checkers read."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'"):
        return
    for child in ast.iter_child_nodes(node):
        yield from walk_at_import(child)


def distributions(*options):
    """Normalised names of requirements."""
    return {re.split(r"[<>=\[;, ]", line)[0].lower().replace("_", "-") for option in options for line in lines(*option)}


def foreign(folders):
    """Module outside the standard library and the project -> the files that import it."""
    found = {}
    for file in python_files(*folders):
        for module in imports(file):
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and not (ROOT / top).is_dir() and top != "sycophancy":
                found.setdefault(top, []).append(file)
    return found


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    declared = distributions(("options", "install_requires"))
    packages = packages_distributions()
    imported = {name: files for name, files in foreign(SHIPPED).items() if name not in EXTRAS}
    wanted = {name: {found.lower().replace("_", "-") for found in packages[name]} for name in imported}
    assert {name: imported[name] for name in wanted if not wanted[name] & declared} == {}
    assert declared - set().union(*wanted.values()) <= {
        "jinja2",
        "safetensors",
    }  # templates of cards, weights as they lie


def test_what_tests_and_benchmarks_import_is_declared():
    declared = distributions(
        ("options", "install_requires"), ("options.extras_require", "dev"), ("options.extras_require", "space"),
        ("options.extras_require", "harness"), ("options.extras_require", "benchmark"),
    )  # fmt: skip
    packages = packages_distributions()
    beside = {file.stem for file in python_files("tests", "benchmarks")}
    beside |= {file.parent.name for file in python_files("tests", "metrics")}
    for name, files in foreign(("tests", "benchmarks")).items():
        if name in beside or name not in packages:  # not installed: what an extra brings
            continue
        assert {found.lower().replace("_", "-") for found in packages[name]} & declared, (name, files)


@pytest.mark.parametrize("file", python_files(*SHIPPED), ids=lambda file: str(file.relative_to(ROOT)))
def test_an_import_works_on_every_system(file):
    assert not {name for name in imports(file, at_import=True) if name.partition(".")[0] in POSIX_ONLY}
    used = {
        node.attr
        for node in walk_at_import(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert not used & POSIX_ATTRIBUTES


@pytest.mark.parametrize("file", python_files(*SHIPPED), ids=lambda file: str(file.relative_to(ROOT)))
def test_text_is_read_and_written_as_utf_8_on_every_system(file):
    for node in walk_all(file):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {keyword.arg for keyword in node.keywords}
        where = f"line {node.lineno}: {ast.unparse(node)}"
        if (name == "read_text" and not node.args and ast.unparse(node.func.value) != 'distribution("sycophancy")') or (
            name == "write_text" and len(node.args) < 2 and isinstance(node.func, ast.Attribute)
        ):
            assert "encoding" in given, where
        elif name == "open" and isinstance(node.func, ast.Name):
            mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), None)
            mode = node.args[1] if len(node.args) > 1 else mode
            assert "encoding" in given or (mode is not None and "b" in ast.literal_eval(mode)), where


def test_imports_go_downward_and_without_circles():
    """The same as in `make style`."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command as lint; lint()", "setup.cfg"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "2 kept, 0 broken" in done.stdout


def test_the_structure_is_shown_by_a_command():
    shown = python("benchmarks/structure.py").stdout
    files = len(python_files("src/sycophancy"))
    assert shown.startswith(f"{files} Python files, ")
    assert shown.endswith("circles of modules: 0\ncircles of packages: 0\n")


def test_a_kind_of_dataset_has_its_name_for_itself():
    kinds = ("ANSWERS", "CLAIMS", "FEEDBACK", "MIMICRY", "TURNS", "Kind", "Question")
    text = "\n".join(file.read_text(encoding="utf-8") for file in python_files("src"))
    assert {name: len(re.findall(rf"^(?:class )?{name}\b", text, re.MULTILINE)) for name in kinds} == dict.fromkeys(
        kinds, 1
    )


def test_circles_are_found():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from structure import circles

    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"f"}, "f": {"e"}, "g": {"a"}}
    assert list(circles(arrows)) == [["a", "b", "c"], ["e", "f"]]


def test_every_requirement_has_a_version_that_tests_ran_with():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert distributions(("options", "install_requires"), ("options.extras_require", "dev")) <= pinned
