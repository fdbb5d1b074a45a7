"""Finds the vendors: the entry-point group `vendorsim.vendors`, ours and anyone else's.

An entry point names an object of type `vendorsim.vendorkit.vendor.Vendor`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import orjson

from vendorsim.core import resources
from vendorsim.core.errors import UnknownNameError
from vendorsim.scenario.vocabulary import Vocabulary
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


def _answers() -> Sequence[str]:
    return tuple(answer for name in names() for answer in get(name).api_answers())


def vocabulary() -> Vocabulary:
    """What the installed vendors bring to the scenario language."""
    return Vocabulary(names, _answers)
