"""Finds the vendors, those of vendorsim and those of other packages, by the entry-point group `vendorsim.vendors`.

An entry point names an object of type `vendorsim.vendorkit.vendor.Vendor`. The package of a vendor is a *pack*. A pack
that is not installed is given by its folder: `--vendor FOLDER`, or the environment variable `VENDORSIM_PACKS`.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import orjson
from msgspec import Struct

from vendorsim.core import resources
from vendorsim.core.errors import InputError, PackError, UnknownNameError
from vendorsim.scenario.calls import SINK
from vendorsim.scenario.vocabulary import Vocabulary
from vendorsim.vendorkit import pack_folder
from vendorsim.vendorkit.entry_points import EntryPoint, entry_points
from vendorsim.vendorkit.identification import Identification
from vendorsim.vendorkit.pack_folder import GROUP, PackFolder
from vendorsim.vendorkit.vendor import Vendor

# The environment variable with the folders of packs that are not installed, separated as in PATH.
PACKS = "VENDORSIM_PACKS"


class Origin(Struct, frozen=True):
    """The package of a vendor. `folder` is set for a pack that is not installed, `folder_name` is what the user called
    it. `built_in` is true for the vendors of vendorsim."""

    point: EntryPoint
    folder: PackFolder | None = None
    folder_name: str = ""
    built_in: bool = False

    @property
    def package(self) -> str:
        """The package's name in messages. Not known before it is needed: reading the metadata of packages is slow."""
        if self.folder is not None:
            return f"{self.folder.project} ({self.folder_name})"
        return self.point.package() or "an unnamed package"

    def described(self) -> str:
        """The package and its entry point, for messages."""
        return f"{self.package}: the entry point {self.point.name} = {self.point.value}"

    def remedy(self) -> str:
        """What to do if the package is broken, for messages."""
        return "mend the pack" if self.folder is not None else "mend the package or uninstall it"


_folders: dict[str, Origin] = {}


@cache
def _found() -> Mapping[str, Origin]:
    """The vendors of vendorsim in the order of `contracts/index.json`, then those of other packages by name."""
    index: list[str] = orjson.loads((resources.contracts() / "index.json").read_bytes())["vendors"]
    points: dict[str, Origin] = {}
    for point in entry_points(GROUP):
        origin = Origin(point, built_in=point.name in index)
        other = points.setdefault(point.name, origin)
        if other is not origin and other.package != origin.package:
            raise PackError(
                f"the packages {other.package} and {origin.package} both bring a vendor '{point.name}'; uninstall one"
            )
    for path in filter(None, os.environ.get(PACKS, "").split(os.pathsep)):
        points |= _read_folder(Path(path))
    points |= _folders
    ordered = [name for name in index if name in points]
    return {name: points[name] for name in (*ordered, *sorted(points.keys() - set(ordered)))}


def _read_folder(path: Path) -> dict[str, Origin]:
    folder = pack_folder.read(path)
    folder.make_importable()
    return {folder.point.name: Origin(folder.point, folder, str(path))}


def add_folder(path: Path) -> str:
    """Registers the vendor of a pack's folder, and returns its name. It replaces an installed vendor of that name.

    Raises PackError.
    """
    _folders.update(found := _read_folder(path))
    _clear_caches()
    return next(iter(found))


def forget_folders() -> None:
    """Removes the vendors that `add_folder` registered. Their modules stay imported."""
    _folders.clear()
    _clear_caches()


def _clear_caches() -> None:
    for cached in (_found, get, identification, headers_with_underscores, _operations, _paths):
        cached.cache_clear()


def folders() -> Sequence[Path]:
    """The folders of the packs that are not installed."""
    return [origin.folder.path for origin in _found().values() if origin.folder is not None]


def names() -> tuple[str, ...]:
    """The names of all vendors. Nothing is imported."""
    return tuple(_found())


def packages() -> tuple[tuple[str, str], ...]:
    """The names of all vendors, and where each is from. Nothing is imported."""
    found = _found().items()
    return tuple(
        (name, origin.point.value if origin.folder is None else str(origin.folder.path)) for name, origin in found
    )


def origin(name: str) -> Origin:
    """The package of the vendor with that name. Raises UnknownNameError."""
    found = _found().get(name)
    if found is None:
        raise UnknownNameError("vendor", name, names())
    return found


@cache
def get(name: str) -> Vendor:
    """The vendor with that name. Raises UnknownNameError, or PackError if its package is broken."""
    found = origin(name)
    try:
        vendor = found.point.load()
    except Exception as error:
        raise PackError(f"{found.described()} can't be loaded: {described(error)}; {found.remedy()}") from error
    if (problem := _problem(vendor, name)) is not None:
        raise PackError(f"{found.described()}{problem}")
    assert isinstance(vendor, Vendor)
    return vendor


def _problem(vendor: object, name: str) -> str | None:
    """What is wrong with the object of an entry point, for the end of a message; None if nothing is."""
    if not isinstance(vendor, Vendor):
        return f" names an object of type {type(vendor).__name__}; let it name a vendorsim.vendorkit.Vendor"
    if vendor.name != name:
        return f" names the vendor '{vendor.name}'; call both the same"
    if name == SINK:
        return f": '{SINK}' is the word for sinks in the names of calls; give the vendor another name"
    if not vendor.profiles:
        return " names a vendor without a profile; give it one in Vendor.profiles"
    return None


@cache
def identification() -> Identification:
    """The identification API of the first vendor that has one. Raises InputError if no vendor has one."""
    for name in names():
        found = get(name).identification
        if found is not None:
            return found
    raise InputError("no installed vendor has an API that identifies visitors")


@cache
def headers_with_underscores() -> frozenset[bytes]:
    """The headers with underscores in their names that the vendors' APIs read."""
    return frozenset(header.encode() for name in names() for header in get(name).headers_with_underscores)


def outside() -> Iterator[tuple[Origin, Vendor]]:
    """The vendors of other packages, each with its package."""
    return ((origin, get(name)) for name, origin in _found().items() if not origin.built_in)


def described(error: Exception) -> str:
    """The text for an error in the code of a package: its type, its message, and its file and line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = "" if last.filename.startswith("<") else f" ({last.filename}:{last.lineno})"
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({error.filename}:{error.lineno})"
    return f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}{place}"


def _answers() -> Sequence[str]:
    identifications = (get(name).identification for name in names())
    return tuple(answer for found in identifications if found is not None for answer in found.answers)


def vocabulary() -> Vocabulary:
    """The names that the installed vendors add to the scenario language."""
    return Vocabulary(names, _answers, operations)


def operations() -> Sequence[str]:
    """The operations of the vendors' APIs, as `VENDOR.OPERATION`, in the order of the vendors."""
    return tuple(dict.fromkeys(f"{name}.{operation.name}" for name in names() for operation in get(name).operations))


def operation_at(method: str, path: str) -> tuple[str, str] | None:
    """The vendor and the name of the operation with that method and path, of any vendor's API; None if there is none.
    Several slashes count as one."""
    path = re.sub("/{2,}", "/", path)
    for verb, pattern, vendor, operation in _paths():
        if verb == method and pattern.fullmatch(path):
            return vendor, operation
    return None


def operation_of(vendor: str, method: str, path: str) -> tuple[str, str | None] | None:
    """The name of the operation of a vendor's API with that method and path, and the id of the conversation in the
    path, if it names one; None if there is no such operation. The path may begin with that of a base URL."""
    path = re.sub("/{2,}", "/", path)
    known = get(vendor)
    for verb, pattern, operation in _operations(vendor):
        found = pattern.fullmatch(path) if verb == method else None
        if found is not None:
            names = (name for name in known.conversation_parameters if name in found.groupdict())
            return operation, next((found[name] for name in names), None)
    return None


@cache
def _operations(vendor: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Method, pattern of the path and name of each operation, as `_paths`; the patterns have groups."""
    known = sorted(get(vendor).operations, key=lambda operation: operation.path.count(":"))
    patterns = (re.sub("/{2,}", "/", each.path) for each in known)
    named = (re.sub(r":(\w+)", r"(?P<\1>[^/]+)", re.escape(pattern)) for pattern in patterns)
    return tuple(
        (each.method, re.compile(f"(?:/.*)?{pattern}"), each.name) for each, pattern in zip(known, named, strict=True)
    )


@cache
def _paths() -> tuple[tuple[str, re.Pattern[str], str, str], ...]:
    """Method, pattern of the path, vendor and name of each operation. Those with fewer parameters in the path come
    first."""
    known = [(name, operation) for name in names() for operation in get(name).operations]
    known.sort(key=lambda item: item[1].path.count(":"))
    return tuple((each.method, re.compile(_pattern(each.path)), name, each.name) for name, each in known)


def _pattern(path: str) -> str:
    parts = re.split(r"(:\w+)", re.sub("/{2,}", "/", path))
    return "".join("[^/]+" if part.startswith(":") else re.escape(part) for part in parts)
