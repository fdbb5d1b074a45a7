"""The classes of deviations from a contract, and `--fail-on`, which says which of them fail a run.

Drift (captured traffic beside a contract) and differences (a profile beside another) have the same classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from msgspec import Struct

from vendorsim.core.errors import InputError, unknown


class DeviationClass(StrEnum):
    """What deviates. The values are the names in `--fail-on` and in reports."""

    EVENTS = "events"
    MISSING = "missing"
    TYPES = "types"
    VALUES = "values"
    UNKNOWN = "unknown"
    ORDER = "order"
    DELIVERY = "delivery"


MEANINGS = {
    DeviationClass.EVENTS: "an event that the contract does not know",
    DeviationClass.MISSING: "a field that should always be there and is not",
    DeviationClass.TYPES: "a value of another type, or null",
    DeviationClass.VALUES: "a value outside the list, pattern, format or limits",
    DeviationClass.UNKNOWN: "a field that the contract does not describe",
    DeviationClass.ORDER: "events of a conversation in another order",
    DeviationClass.DELIVERY: "retries, timeouts, headers, kinds of targets",
}

BREAKING, ANY, NONE = "breaking", "any", "none"
_GROUPS = (BREAKING, ANY, NONE)
NAMES = (*_GROUPS, *(each.value for each in DeviationClass))
"""All that `--fail-on` takes."""


class FailOn(Struct, frozen=True):
    """The deviations that fail a run: those of `classes`, and with `breaking` those that break the contract."""

    classes: frozenset[DeviationClass] = frozenset()
    breaking: bool = False

    def fails(self, of: DeviationClass, *, breaking: bool) -> bool:
        """Whether such a deviation fails the run."""
        return of in self.classes or (breaking and self.breaking)

    def names(self) -> list[str]:
        """What was asked for, in the words of `--fail-on`."""
        if self.classes == frozenset(DeviationClass):
            return [ANY]
        named = [BREAKING] if self.breaking else []
        return [*named, *(each.value for each in DeviationClass if each in self.classes)] or [NONE]


def read_fail_on(names: Collection[str]) -> FailOn:
    """Reads the names of `--fail-on`. Raises InputError for an unknown name, and for `none` with others."""
    for name in names:
        if name not in NAMES:
            raise InputError(f"--fail-on: {unknown('class', name, NAMES)}; the classes are {', '.join(NAMES)}")
    if NONE in names and len(set(names)) > 1:
        raise InputError("--fail-on: 'none' can't be combined with other classes; write it alone")
    return FailOn(frozenset(_classes(names)), BREAKING in names or ANY in names)


def _classes(names: Iterable[str]) -> Iterable[DeviationClass]:
    for name in names:
        if name == ANY:
            yield from DeviationClass
        elif name not in _GROUPS:
            yield DeviationClass(name)
