"""What the package imports is declared in pyproject.toml; extras are needed where they are used only."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "simulator" / "vendorsim"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
# The extras of users, and the files that may import what they bring: what loads none of them works without extras.
OPTIONAL = {
    "asgi": {"testing/hosting.py"},
    "export": {"cli/export.py"},
    "fast": {"http/loop.py"},
    "fuzz": {"checks/generating.py"},
    "load": {"load/locust_coordinator.py", "load/locust_sender.py", "load/locustfile.py"},
    "mcp": {"agents/server.py", "cli/mcp.py"},
    "postgres": {
        "journal/postgres.py",
        "journal/postgres_pages.py",
        "journal/postgres_schema.py",
        "probes/postgres.py",
        "server/shared/postgres_duplicates.py",
        "server/shared/postgres_sessions.py",
    },
    "test": {"pytest_plugin.py", "testing/collected.py", "testing/double.py"},
}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    """The normalised names of requirements such as `Flask>=3.1,<4`."""
    return {normalised(match[0]) for each in requirements if (match := re.match(r"[\w.-]+", each))}


def imports() -> Iterator[tuple[str, str]]:
    """Every file of the package, with the distributions that it imports."""
    known = packages_distributions()
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            else:
                continue
            for top in {module.partition(".")[0] for module in modules}:
                if top not in (*sys.stdlib_module_names, "vendorsim", "_typeshed"):
                    # A wheel may bring several packages: psycopg-pool is the extra `pool` of psycopg.
                    yield file, {"psycopg_pool": "psycopg"}.get(top) or normalised(known.get(top, [top])[0])


def test_every_import_is_declared_and_every_dependency_is_imported() -> None:
    declared = names(PROJECT["dependencies"]).union(*(names(EXTRAS[extra]) for extra in OPTIONAL))
    assert {name for _, name in imports()} == declared


def test_what_an_extra_brings_is_imported_where_it_is_needed_only() -> None:
    core = names(PROJECT["dependencies"])
    found: dict[str, set[str]] = {extra: set() for extra in OPTIONAL}
    for file, name in imports():
        if name not in core:
            (extra,) = (extra for extra in OPTIONAL if name in names(EXTRAS[extra]))
            found[extra].add(file)
    assert found == OPTIONAL


def test_the_extra_all_brings_all_that_users_may_want() -> None:
    (everything,) = EXTRAS["all"]
    assert everything == f"vendorsim[{','.join(sorted(OPTIONAL))}]"
    assert set(EXTRAS) == {*OPTIONAL, "all", "dev", "docs", "release"}


@pytest.mark.parametrize("folder", ["simulator", "docs", "README.md", "examples"])
def test_every_extra_that_a_text_names_exists(folder: str) -> None:
    root = ROOT / folder
    files = [root] if root.is_file() else [path for path in root.rglob("*") if path.suffix in (".py", ".md", ".tmpl")]
    named = {
        extra
        for path in files
        for found in re.findall(r"vendorsim\[([\w,]+)\]", path.read_text())
        for extra in found.split(",")
    }
    assert named <= set(EXTRAS)
