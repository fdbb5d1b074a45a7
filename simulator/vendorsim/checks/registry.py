"""All checks, by id. A module of checks registers its own; adding one touches no other file."""

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
"""Judges one check through its context. It raises NotJudged where it can't."""

_registered: dict[str, tuple[Check, CheckFunction]] = {}


def check(
    id: str, statement: Stated[str], remedy: str, severity: str = ERROR
) -> Callable[[CheckFunction], CheckFunction]:
    """Registers a plain function as the check of that id (`family` or `family.case`)."""

    def register(function: CheckFunction) -> CheckFunction:
        made = Check(id, statement, remedy, severity)
        if made.family not in FAMILIES or id in _registered:
            raise ValueError(f"check {id}: no such family, or registered twice")
        _registered[id] = made, function
        return function

    return register


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, family by family, in the order of their registration."""
    for module in pkgutil.iter_modules(checks.__path__, checks.__name__ + "."):
        importlib.import_module(module.name)
    known = [check for check, _ in _registered.values()]
    return tuple(sorted(known, key=lambda check: FAMILIES.index(check.family)))


def function_of(check: Check) -> CheckFunction:
    """What judges a check."""
    return _registered[check.id][1]
