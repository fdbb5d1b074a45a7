"""The public names of the package are described in docs/python-api.md; tests/surface.txt lists them."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_args
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder
from vendorsim import __version__
from vendorsim.conversation.changes import Change

ROOT = Path(__file__).parents[1]
PACKAGES = ["vendorsim", "vendorsim.testing", "vendorsim.vendorkit"]


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        import_module(package).no_such_name  # noqa: B018


def test_every_public_name_is_described() -> None:
    text = (ROOT / "docs" / "python-api.md").read_text()
    public = {name for package in PACKAGES for name in import_module(package).__all__}
    assert not [name for name in sorted(public) if f"`{name}`" not in text]


@pytest.mark.parametrize("name", ["Visitor", "Agent", "Message", *(change.__name__ for change in get_args(Change))])
def test_every_field_of_a_change_and_of_what_it_concerns_is_described(name: str) -> None:
    text = (ROOT / "docs" / "python-api.md").read_text()
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    shown = set(re.findall(r"`(\w+)`", row))
    fields = set(getattr(import_module("vendorsim.vendorkit"), name).__struct_fields__)
    assert fields <= shown


HEAVY = {"asyncio", "faker", "flask", "httptools", "hypothesis", "jsonschema_rs", "requests", "schemathesis", "yaml"}


# pytest imports the plugin at every start, with or without a use for it.
@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("vendorsim, vendorsim.testing, vendorsim.vendorkit", HEAVY | {"pytest"}),
        ("vendorsim.pytest_plugin", HEAVY | {"vendorsim.testing", "vendorsim.server", "vendorsim.core.yaml_nodes"}),
    ],
)
def test_a_package_imports_nothing_heavy(modules: str, heavy: set[str]) -> None:
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)


def test_the_wheel_installs_the_package_vendorsim_and_nothing_else(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"vendorsim", f"vendorsim-{__version__}.dist-info", f"vendorsim-{__version__}.data"}
    data = {name.partition("/data/")[2] for name in names if ".data/" in name}
    assert data == {
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs" / "share").rglob("*") if path.is_file()
    }
    assert {"vendorsim/py.typed", "vendorsim/_data/contracts/index.json"} <= set(names)
    # What pages are made of, of the workbench and of vendors, and the licences of what others wrote of it.
    kinds = (".html", ".css", ".js", ".svg", ".gz", ".txt")
    pages = {path for path in (ROOT / "simulator").rglob("*") if path.suffix in kinds}
    assert pages
    assert {path.relative_to(ROOT / "simulator").as_posix() for path in pages} <= set(names)
