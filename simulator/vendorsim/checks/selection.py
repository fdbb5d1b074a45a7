"""The selection of checks and events by `--only`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from vendorsim.checks.model import FAMILIES, Check
from vendorsim.core.errors import InputError, unknown


class Selection:
    """The checks and events that `--only` selects: a pattern (with `*`) for a check or family, an event, or both as
    `check:event`."""

    def __init__(self, pattern: str | None, checks: Sequence[Check], events: Sequence[str]) -> None:
        """`checks` and `events` are all existing ones. Raises InputError for a pattern that matches none of them."""
        self._check, self._event = "*", "*"
        if pattern is None:
            return

        def any_check(text: str) -> bool:
            return any(_matches(check, text) for check in checks)

        first, colon, second = pattern.partition(":")
        if colon:
            self._check, self._event = first, second
        elif any(fnmatchcase(event, first) for event in events) and not any_check(first):
            self._event = first
        else:
            self._check = first
        names_event = self._event == "*" or any(fnmatchcase(event, self._event) for event in events)
        if not any_check(self._check) or not names_event:
            known = [*FAMILIES, *(check.id for check in checks), *events]
            raise InputError(f"--only {pattern}: {unknown('check or event', first, known)}")

    def takes_check(self, check: Check) -> bool:
        """Whether the check is selected."""
        return _matches(check, self._check)

    def takes_event(self, event: str) -> bool:
        """Whether the event is selected."""
        return fnmatchcase(event, self._event)


def _matches(check: Check, pattern: str) -> bool:
    return fnmatchcase(check.id, pattern) or fnmatchcase(check.family, pattern)
