# SPDX-License-Identifier: Apache-2.0
"""How the library hangs together: files, importers of each module, circles of imports.

    python benchmarks/structure.py
    git worktree add ../then 419e291 && python benchmarks/structure.py --src ../then/src

Imports inside functions count. `make style` holds the order itself (`[importlinter]` in setup.cfg).
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "sycophancy"


def structure(src: Path) -> dict:
    """Numbers and names of the package below a `src/` folder.

    Returns:
        `files` and `lines` (Python, with `__init__.py`), `packages`, `imports`, `importers` of each module, its own
        `__init__` aside, and `circles`: groups of modules, or of root modules and packages, that reach each other.
    """
    # grimp finds a package as an import would; nothing here may import the one that is installed.
    sys.path.insert(0, str(src))
    try:
        graph = grimp.build_graph(PACKAGE, cache_dir=None)
    finally:
        sys.path.remove(str(src))
    files = sorted((src / PACKAGE).rglob("*.py"))
    packages = {".".join(file.relative_to(src).parent.parts) for file in files if file.name == "__init__.py"}
    importers = {
        module.removeprefix(f"{PACKAGE}."): len(graph.find_modules_that_directly_import(module))
        for module in sorted(graph.modules - packages)
    }
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    rooms = {room(module): set() for module in arrows}
    for module, imported in arrows.items():
        rooms[room(module)] |= {room(other) for other in imported} - {room(module), PACKAGE}
    return {
        "files": len(files),
        "lines": sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files),
        "packages": len(packages),
        "imports": graph.count_imports(),
        "importers": importers,
        "circles": {"modules": list(circles(arrows)), "packages": list(circles(rooms))},
    }


def room(module: str) -> str:
    """The root module or package that a module is or stands in."""
    return ".".join(module.split(".")[:2])


def circles(arrows: dict[str, set[str]]) -> Iterator[list[str]]:
    """Groups of more than one node that reach each other."""
    reached = {start: reach(arrows, start) for start in arrows}
    left = set(arrows)
    for start in sorted(arrows):
        group = {other for other in reached[start] & left if start in reached[other]}
        left -= group
        if len(group) > 1:
            yield sorted(group)


def reach(arrows: dict[str, set[str]], start: str) -> set[str]:
    """What can be reached from a node over at least one arrow."""
    found, todo = set(), [start]
    while todo:
        new = arrows.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def shown(found: dict) -> str:
    """The numbers as a few lines."""
    counts = list(found["importers"].values())
    lines = [
        f"{found['files']} Python files, {found['lines']} lines, {found['packages']} packages, {found['imports']} imports",
        f"importers per module: median {statistics.median(counts):g}, most {max(counts)}; "
        f"{sum(count == 1 for count in counts)} of {len(counts)} modules have one, {sum(count == 0 for count in counts)} none",
        "most imported: " + ", ".join(f"{name} {count}" for name, count in most(found["importers"])),
    ]
    for kind, groups in found["circles"].items():
        lines.append(f"circles of {kind}: {len(groups)}" + "".join(f"\n  {' <-> '.join(group)}" for group in groups))
    return "\n".join(lines)


def most(importers: dict[str, int], n: int = 8) -> list[tuple[str, int]]:
    """The most imported modules."""
    return sorted(importers.items(), key=lambda item: (-item[1], item[0]))[:n]


def main() -> None:
    """Read the imports, print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--src", type=Path, default=ROOT / "src", help="folder that holds the package [this checkout's]"
    )
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    args = parser.parse_args()
    if not (args.src / PACKAGE).is_dir():
        parser.error(f"--src: expected a folder that holds {PACKAGE}/, got {args.src}")
    found = structure(args.src)
    print(json.dumps(found, indent=2) if args.json else shown(found))


if __name__ == "__main__":
    main()
