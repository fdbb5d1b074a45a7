"""The folder of a pack: a Python project with one entry point in the group `vendorsim.vendors`, installed or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import PackError
from vendorsim.vendorkit.entry_points import EntryPoint

GROUP = "vendorsim.vendors"
PROJECT_FILE = "pyproject.toml"


class PackFolder(Struct, frozen=True):
    """A pack as its `pyproject.toml` describes it. `source` is the folder from which its package is imported."""

    path: Path
    project: str
    point: EntryPoint
    source: Path

    @property
    def package(self) -> Path:
        """The folder of the package that the entry point names, or of the one above it."""
        return self.source / self.point.module.partition(".")[0]

    def make_importable(self) -> None:
        """Puts the source folder first on `sys.path`."""
        source = str(self.source)
        if source not in sys.path:
            sys.path.insert(0, source)


def read(path: Path) -> PackFolder:
    """Reads the `pyproject.toml` of a pack's folder. Nothing is imported. Raises PackError."""
    import tomllib  # here, since most runs read no such folder

    file = path / PROJECT_FILE
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        what = f"has no {PROJECT_FILE}" if path.is_dir() else "is not there"
        raise PackError(
            f"{path}: the folder {what}; name the folder of a pack ('vendorsim pack new' makes one)"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackError(f"{file}: can't be read: {error}") from None
    project = _table(document, "project")
    points = _table(_table(project, "entry-points"), GROUP)
    wanted = f'write [project.entry-points."{GROUP}"] with a line such as acme = "vendorsim_acme:VENDOR"'
    if not points:
        raise PackError(f"{file}: no entry point in the group {GROUP}; {wanted}")
    if len(points) > 1:
        raise PackError(f"{file}: several entry points in the group {GROUP}: {', '.join(points)}; a pack has one")
    name, value = next(iter(points.items()))
    if not isinstance(value, str) or not value.partition(":")[0].strip() or not value.partition(":")[2].strip():
        raise PackError(f"{file}: the entry point {name} names no object of a module; {wanted}")
    point = EntryPoint(name, value)
    return PackFolder(path.resolve(), str(project.get("name", path.resolve().name)), point, _source(path, point, file))


def _table(document: Any, key: str) -> dict[str, Any]:
    found = document.get(key, {})
    return found if isinstance(found, dict) else {}


def _source(path: Path, point: EntryPoint, file: Path) -> Path:
    """The folder that holds the module: `src`, or the pack's own."""
    top = point.module.partition(".")[0]
    for folder in (path / "src", path):
        if (folder / top).is_dir() or (folder / f"{top}.py").is_file():
            return folder.resolve()
    raise PackError(
        f"{file}: the entry point {point.name} = {point.value} names the module '{top}', which is neither in "
        f"{path / 'src'} nor in {path}"
    )
