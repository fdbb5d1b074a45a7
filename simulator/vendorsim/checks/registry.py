"""All checks, by id. A module of checks registers its own; adding one touches no other file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from typing import TypeVar

from vendorsim import checks
from vendorsim.checks.model import ERROR, FAMILIES, Check, Judge
from vendorsim.core.errors import InputError, unknown
from vendorsim.core.provenance import Stated

J = TypeVar("J", bound=Judge)
_registered: dict[str, Check] = {}


def check(id: str, statement: Stated[str], remedy: str, severity: str = ERROR) -> Callable[[J], J]:
    """Registers an async function of a `Context` as the check of that id (`family` or `family.case`)."""

    def register(run: J) -> J:
        made = Check(id, statement, remedy, run, severity)
        if made.family not in FAMILIES or id in _registered:
            raise ValueError(f"check {id}: no such family, or registered twice")
        _registered[id] = made
        return run

    return register


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, family by family, in the order of their registration."""
    for module in pkgutil.iter_modules(checks.__path__, checks.__name__ + "."):
        importlib.import_module(module.name)
    return tuple(sorted(_registered.values(), key=lambda check: FAMILIES.index(check.family)))


class Selection:
    """What `--only` selects: a pattern with `*` for the id of a check or family, the name of an event, or both as
    `check:event`."""

    def __init__(self, pattern: str | None, events: tuple[str, ...]) -> None:
        """Raises InputError for a pattern that selects nothing."""
        self._check, self._event = "*", "*"
        if pattern is None:
            return
        first, colon, second = pattern.partition(":")
        ids = [check.id for check in all_checks()]
        known = [*FAMILIES, *ids, *events]
        if colon:
            self._check, self._event = first, second
        elif any(fnmatchcase(event, first) for event in events) and not self._any_check(first):
            self._event = first
        else:
            self._check = first
        names_event = self._event == "*" or any(fnmatchcase(event, self._event) for event in events)
        if not self._any_check(self._check) or not names_event:
            raise InputError(f"--only {pattern}: {unknown('check or event', first, known)}")

    def _any_check(self, pattern: str) -> bool:
        return any(_matches(check, pattern) for check in all_checks())

    def takes_check(self, check: Check) -> bool:
        return _matches(check, self._check)

    def takes_event(self, event: str) -> bool:
        return fnmatchcase(event, self._event)


def _matches(check: Check, pattern: str) -> bool:
    return fnmatchcase(check.id, pattern) or fnmatchcase(check.family, pattern)
