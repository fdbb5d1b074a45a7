"""Rules of the code that no linter knows; `make lint` runs them too. docs/architecture.md explains them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vendorsim.vendorkit import registry

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "simulator" / "vendorsim"
CONTRACTS = ROOT / "contracts"
VENDORS = sorted(folder.name for folder in (PACKAGE / "vendors").iterdir() if (folder / "__init__.py").exists())
TEXTS = (".py", ".js", ".html", ".css")


def files() -> Iterator[Path]:
    """The sources outside the vendors' folders."""
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in TEXTS and "vendors" not in path.relative_to(PACKAGE).parts[:1]:
            yield path


def event_keys() -> set[str]:
    """The names of all events of the built-in vendors."""
    profiles = [profile for name in VENDORS for profile in registry.get(name).profiles.values()]
    return {kind.name for profile in profiles for kind in profile.events}


def api_prefixes() -> set[str]:
    """How the paths of the vendors' APIs begin: the segments before the first parameter, three at most."""
    found = set()
    for vendor in VENDORS:
        for path in (CONTRACTS / vendor).glob("**/*openapi.json"):
            for name in json.loads(path.read_text()).get("paths", {}):
                segments = name.partition("{")[0].strip("/").split("/")
                if len(segments) > 1:
                    found.add("/" + "/".join(segments[:3]))
    return found


def help_lines(path: Path) -> set[int]:
    """The lines of the docstrings of a command: they are its `--help`, where examples name vendors."""
    if path.suffix != ".py" or path.relative_to(PACKAGE).parts[0] != "cli":
        return set()
    lines: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            lines |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def hits(pattern: re.Pattern[str]) -> list[str]:
    """`file:line: text` of every line that matches, but for the help of commands."""
    found = []
    for path in files():
        allowed = help_lines(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if number not in allowed and pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def test_no_room_names_a_vendor() -> None:
    # As an identifier or a name; the title of a vendor's document ("CCAI Platform, Apps API") may be a source.
    found = hits(re.compile(rf"\b(?:{'|'.join([*VENDORS, *map(str.title, VENDORS)])})\b"))
    assert not found, "\n".join(["Put what is about one vendor on its Vendor object, in vendors/<name>/:", *found])


def test_no_room_names_an_event_of_a_vendor() -> None:
    keys = "|".join(map(re.escape, sorted(event_keys())))
    found = hits(re.compile(rf"""(["'])(?:{keys})\1"""))
    assert not found, "\n".join(["Take event keys from the vendor's profile (EventKind), not from a text:", *found])


def test_no_room_names_a_path_of_a_vendors_api() -> None:
    found = hits(re.compile("|".join(rf"{re.escape(prefix)}\b" for prefix in sorted(api_prefixes()))))
    assert not found, "\n".join(["Take paths from the vendor's operations (Vendor.operations):", *found])


def test_every_module_lies_in_a_room() -> None:
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__", "pytest_plugin"}
    assert not loose, f"Move {sorted(loose)} into the room that docs/architecture.md names for it"


def test_a_class_name_stands_for_one_thing() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(PACKAGE)))
    # Every vendor has its own memory: what a vendor's folder calls its own is not seen outside.
    for name, paths in places.items():
        of_vendors = [path for path in paths if path.startswith("vendors/")]
        places[name] = [path for path in paths if path not in of_vendors] + of_vendors[:1]
    clashes = {name: paths for name, paths in sorted(places.items()) if len(paths) > 1}
    told = [f"{name}: {', '.join(paths)}" for name, paths in clashes.items()]
    assert not clashes, "\n".join(["Rename all but one of the classes of each name:", *told])


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    drawn = subprocess.run(
        [sys.executable, ROOT / "docs" / "images" / "rooms.py", "--check"], capture_output=True, text=True
    )
    assert drawn.returncode == 0, drawn.stdout + drawn.stderr
