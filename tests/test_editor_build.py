"""The editor component of the workbench: small, with its licences, and built from what its lock file names."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / ".ci" / "editor"
PAGE = ROOT / "simulator" / "vendorsim" / "server" / "workbench"
BUILT = PAGE / "codemirror"
# What the page loads, as it is stored and sent; the component is stored compressed.
LOADED = {".html", ".css", ".js", ".svg", ".gz"}
LARGEST_PAGE = 400_000
LARGEST_EDITOR = 130_000


def test_the_files_of_the_page_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in PAGE.rglob("*") if path.suffix in LOADED}
    assert sizes[BUILT / "codemirror.js.gz"] <= LARGEST_EDITOR
    assert sum(size for path, size in sizes.items() if path.parent != BUILT) <= LARGEST_PAGE


def test_each_package_in_it_has_its_version_and_its_licence() -> None:
    locked = json.loads((RECIPE / "package-lock.json").read_text())["packages"]
    licences = (BUILT / "LICENSE.txt").read_text()
    packages = json.loads((BUILT / "packages.json").read_text())
    assert packages
    for package in packages:
        assert locked[f"node_modules/{package['name']}"]["version"] == package["version"]
        assert f"{package['name']} {package['version']}\n" in licences
        assert package["license"] == "MIT"


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (RECIPE / "package-lock.json").read_text()


@pytest.mark.slow
def test_building_it_again_gives_the_same_bytes(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("needs Node.js and npm, which build the editor component")
    recipe = tmp_path / "recipe"
    shutil.copytree(RECIPE, recipe, ignore=shutil.ignore_patterns("node_modules"))
    install = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(recipe))
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"needs a registry of npm packages: {installed.stderr[-300:]}")
    subprocess.run((node, str(recipe / "build.mjs"), str(tmp_path / "built")), check=True)
    for name in ("codemirror.js.gz", "LICENSE.txt", "packages.json"):
        assert (tmp_path / "built" / name).read_bytes() == (BUILT / name).read_bytes(), f"{name}: run make editor"


def test_it_is_a_module_that_asks_no_other_host() -> None:
    script = gzip.decompress((BUILT / "codemirror.js.gz").read_bytes()).decode()
    for forbidden in ("fetch(", "XMLHttpRequest", "WebSocket", "eval(", "new Function", "importScripts"):
        assert forbidden not in script, forbidden
