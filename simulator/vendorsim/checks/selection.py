"""The selection of checks and events by `--only` and `--skip`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vendorsim.checks.model import FAMILIES, Check
from vendorsim.core.errors import InputError, unknown


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern for checks or families, and one for events. `*` matches any text."""

    check: str
    event: str

    def takes(self, check: Check, event: str) -> bool:
        return self.takes_check(check) and fnmatchcase(event, self.event)

    def takes_check(self, check: Check) -> bool:
        return fnmatchcase(check.id, self.check) or fnmatchcase(check.family, self.check)


class Selection:
    """The checks and events of a run.

    Each pattern of `only` and `skip` names a check or family, an event, or both as `check:event`. Without `only`,
    all are selected. `skip` wins over `only`.
    """

    def __init__(
        self, only: Sequence[str], skip: Sequence[str], checks: Sequence[Check], events: Sequence[str]
    ) -> None:
        """`checks` and `events` are all existing ones. Raises InputError for a pattern that matches none of them."""
        self._events = tuple(events)
        self._only = [_read("--only", text, checks, events) for text in only] or [_Pattern("*", "*")]
        self._skip = [_read("--skip", text, checks, events) for text in skip]

    def takes_check(self, check: Check) -> bool:
        """Whether the check is selected. A skipped check is selected too, so that reports show it."""
        return any(pattern.takes_check(check) for pattern in self._only)

    def skips_check(self, check: Check) -> bool:
        """Whether `skip` leaves nothing of the check: all of it, or all of its selected events."""
        if any(pattern.event == "*" and pattern.takes_check(check) for pattern in self._skip):
            return True
        chosen = [event for event in self._events if _any_takes(self._only, check, event)]
        return bool(chosen) and all(_any_takes(self._skip, check, event) for event in chosen)

    def takes_event(self, check: Check, event: str) -> bool:
        """Whether the check judges the event."""
        return _any_takes(self._only, check, event) and not _any_takes(self._skip, check, event)


def _any_takes(patterns: Iterable[_Pattern], check: Check, event: str) -> bool:
    return any(pattern.takes(check, event) for pattern in patterns)


def _read(option: str, text: str, checks: Sequence[Check], events: Sequence[str]) -> _Pattern:
    """Reads one pattern. Raises InputError if it matches nothing."""
    names = [*FAMILIES, *(check.id for check in checks)]

    def is_event(pattern: str) -> bool:
        return pattern == "*" or any(fnmatchcase(event, pattern) for event in events)

    def is_check(pattern: str) -> bool:
        return any(fnmatchcase(name, pattern) for name in names)

    first, colon, second = text.partition(":")
    if not colon:
        if is_check(first):
            return _Pattern(first, "*")
        if is_event(first):
            return _Pattern("*", first)
        raise InputError(f"{option} {text}: {unknown('check or event', first, [*names, *events])}")
    if not is_check(first):
        raise InputError(f"{option} {text}: {unknown('check', first, names)}")
    if not is_event(second):
        raise InputError(f"{option} {text}: {unknown('event', second, events)}")
    return _Pattern(first, second)
