"""Finds the entry points of a group among the installed packages.

It finds what `importlib.metadata` finds in folders. That is not used, since to import it and to search with it takes
20 ms, a tenth of a short command.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct

_METADATA = (".dist-info", ".egg-info")


class EntryPoint(Struct, frozen=True):
    """One entry point. `metadata` is the folder with the metadata of its package, if that is installed."""

    name: str
    value: str
    metadata: Path | None = None

    @property
    def module(self) -> str:
        """The module that it names."""
        return self._reference().partition(":")[0].strip()

    def load(self) -> Any:
        """Imports the module, and returns the object in it that the entry point names."""
        found: Any = import_module(self.module)
        for attribute in filter(None, self._reference().partition(":")[2].strip().split(".")):
            found = getattr(found, attribute)
        return found

    def package(self) -> str | None:
        """Name and version of the package; None if it is not installed."""
        if self.metadata is None:
            return None
        from importlib.metadata import Distribution

        found = Distribution.at(self.metadata)
        return f"{found.name} {found.version}"

    def _reference(self) -> str:
        """The value without the extras that it may need."""
        return self.value.partition("[")[0]


def entry_points(group: str) -> Iterator[EntryPoint]:
    """Yields the entry points of the group. Of a package that is installed twice, the one that is imported counts."""
    packages: set[str] = set()
    for place in sys.path:
        for folder in _metadata_folders(place or "."):
            package = re.sub("[-_.]+", "-", folder.name.partition("-")[0].removesuffix(".egg")).lower()
            if package not in packages:
                packages.add(package)
                for name, value in _section(folder / "entry_points.txt", group):
                    yield EntryPoint(name, value, folder)


def _metadata_folders(place: str) -> list[Path]:
    try:
        return [Path(place, name) for name in sorted(os.listdir(place)) if name.endswith(_METADATA)]
    except OSError:  # It does not exist, or is an archive.
        return []


def _section(file: Path, group: str) -> Iterator[tuple[str, str]]:
    """Yields the names and values of a section of an `entry_points.txt`."""
    try:
        text = file.read_text("utf-8")
    except OSError:
        return
    current = ""
    for line in map(str.strip, text.splitlines() if group in text else ()):
        if line.startswith("["):
            current = line.strip("[]").strip()
        elif current == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()
