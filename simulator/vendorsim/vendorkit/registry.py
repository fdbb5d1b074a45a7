"""Finds the vendors: the entry-point group `vendorsim.vendors`, ours and anyone else's.

An entry point names an object of type `vendorsim.vendorkit.vendor.Vendor`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import orjson

from vendorsim.core import resources
from vendorsim.core.errors import InputError, UnknownNameError
from vendorsim.scenario.vocabulary import Vocabulary
from vendorsim.vendorkit.identification import Identification
from vendorsim.vendorkit.vendor import Vendor

GROUP = "vendorsim.vendors"


@cache
def _found() -> Mapping[str, EntryPoint]:
    """Our vendors in the order of `contracts/index.json`, then those of other packages by name."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    index = orjson.loads((resources.contracts() / "index.json").read_bytes())
    ordered = [name for name in index["vendors"] if name in points]
    return {name: points[name] for name in (*ordered, *sorted(points.keys() - set(ordered)))}


def names() -> tuple[str, ...]:
    """The names of all vendors. Nothing is imported."""
    return tuple(_found())


@cache
def get(name: str) -> Vendor:
    """The vendor of that name. Raises UnknownNameError."""
    point = _found().get(name)
    if point is None:
        raise UnknownNameError("vendor", name, names())
    vendor: Vendor = point.load()
    return vendor


@cache
def identification() -> Identification:
    """The identification API of the first vendor that has one. Raises InputError where none has."""
    for name in names():
        found = get(name).identification
        if found is not None:
            return found
    raise InputError("no installed vendor has an API that identifies visitors")


@cache
def headers_with_underscores() -> frozenset[bytes]:
    """The headers with underscores in their names that the vendors' APIs read."""
    return frozenset(header.encode() for name in names() for header in get(name).headers_with_underscores)


def _answers() -> Sequence[str]:
    known = (get(name).identification for name in names())
    return tuple(answer for each in known if each is not None for answer in each.answers)


def vocabulary() -> Vocabulary:
    """What the installed vendors bring to the scenario language."""
    return Vocabulary(names, _answers)
