"""The registry of checks, by id. Each module registers its own checks, so a new check changes no other file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from functools import cache

from vendorsim import checks
from vendorsim.checks.context import Context
from vendorsim.checks.model import ERROR, FAMILIES, Check
from vendorsim.core.provenance import Stated

CheckFunction = Callable[[Context], Awaitable[None]]
"""Runs one check with its context. Raises NotJudged, NotSelected or TargetGone."""

_registered: dict[str, tuple[Check, CheckFunction]] = {}


def check(
    id: str, statement: Stated[str], remedy: str, severity: str = ERROR, *, most_alike: int = 10
) -> Callable[[CheckFunction], CheckFunction]:
    """Decorates a function to register it as the check of that id (`family` or `family.case`).

    Raises ValueError for an unknown family and for an id that is already registered.
    """

    def register(function: CheckFunction) -> CheckFunction:
        registered = Check(id, statement, remedy, severity, most_alike)
        if registered.family not in FAMILIES or id in _registered:
            raise ValueError(f"check {id}: no such family, or registered twice")
        _registered[id] = registered, function
        return function

    return register


@cache
def all_checks() -> tuple[Check, ...]:
    """Returns all checks in the order of the families, and of their registration."""
    for module in pkgutil.iter_modules(checks.__path__, checks.__name__ + "."):
        importlib.import_module(module.name)
    known = [check for check, _ in _registered.values()]
    return tuple(sorted(known, key=lambda check: FAMILIES.index(check.family)))


def function_of(check: Check) -> CheckFunction:
    """Returns the function of a check."""
    return _registered[check.id][1]
