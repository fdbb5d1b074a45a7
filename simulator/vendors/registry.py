"""Finds the vendors: the entry-point group `vendorsim.vendors`, ours and anyone else's.

An entry point names an object of type `simulator.vendors.base.Vendor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from simulator.errors import UnknownNameError

if TYPE_CHECKING:
    from simulator.vendors.base import Vendor

GROUP = "vendorsim.vendors"
# The order in which people meet them; vendors of other packages follow by name.
_FIRST = ("userlike", "smartsupp", "messagehub", "chatvisor", "ccai")


@cache
def _found() -> Mapping[str, EntryPoint]:
    points = {point.name: point for point in entry_points(group=GROUP)}
    ordered = [name for name in _FIRST if name in points]
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
