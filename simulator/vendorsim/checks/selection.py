"""The selection of checks, events and cases by `--only` and `--skip`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from vendorsim.checks.model import FAMILIES, Check
from vendorsim.core.errors import InputError, unknown

_NO_NAME = re.compile(r"[^\w/.~=+-]+")


def case_name(text: str) -> str:
    """Returns the name of a case: the text without what a shell or a list of patterns gives a meaning to."""
    return _NO_NAME.sub("-", text).strip("-")


class _Pattern(Struct, frozen=True):
    """A pattern for checks or families, one for events, and one for cases. `*` matches any text."""

    check: str
    event: str = "*"
    case: str = "*"

    def takes(self, check: Check, event: str | None = None, case: str | None = None) -> bool:
        """Whether the pattern selects this case of this event; None stands for any."""
        return (
            (fnmatchcase(check.id, self.check) or fnmatchcase(check.family, self.check))
            and (event is None or fnmatchcase(event, self.event))
            and (case is None or fnmatchcase(case, self.case))
        )


class Selection:
    """The checks, events and cases of a run.

    Each pattern of `only` and `skip` names a check or family, an event, both as `check:event`, or one case as
    `check:event:case`. Without `only`, all are selected. `skip` wins over `only`.
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
        return any(pattern.takes(check) for pattern in self._only)

    def skips_check(self, check: Check) -> bool:
        """Whether `skip` leaves nothing of the check: all of it, or all of its selected events."""
        if any(pattern.event == pattern.case == "*" and pattern.takes(check) for pattern in self._skip):
            return True
        chosen = [event for event in self._events if any(pattern.takes(check, event) for pattern in self._only)]
        return bool(chosen) and not any(self.takes_event(check, event) for event in chosen)

    def takes_event(self, check: Check, event: str) -> bool:
        """Whether the check judges the event."""
        return any(pattern.takes(check, event) for pattern in self._only) and not any(
            pattern.case == "*" and pattern.takes(check, event) for pattern in self._skip
        )

    def takes_case(self, check: Check, event: str | None, case: str) -> bool:
        """Whether the check tries the case of the event (None: of any event). `case` is a `case_name`."""
        return any(pattern.takes(check, event, case) for pattern in self._only) and not any(
            pattern.takes(check, event, case) for pattern in self._skip
        )

    def names_cases(self, check: Check) -> bool:
        """Whether only single cases of the check are selected."""
        return all(pattern.case != "*" for pattern in self._only if pattern.takes(check))

    def cases(self, check: Check, event: str) -> list[str]:
        """Returns the names of the single cases of the check and event that are selected; patterns are none."""
        named = [p.case for p in self._only if p.takes(check, event) and not set("*?[") & set(p.case)]
        return [case for case in dict.fromkeys(named) if self.takes_case(check, event, case)]

    def takes_story(self, story: str) -> bool:
        """Whether a case of the story may be tried. The name of such a case is the story's, or begins with it and `/`.

        `story` is a `case_name`.
        """
        return any(fnmatchcase(story, pattern.case) or pattern.case.startswith(f"{story}/") for pattern in self._only)


def _read(option: str, text: str, checks: Sequence[Check], events: Sequence[str]) -> _Pattern:
    """Reads one pattern. Raises InputError if it matches nothing."""
    names = [*FAMILIES, *(check.id for check in checks)]

    def is_event(pattern: str) -> bool:
        return pattern == "*" or any(fnmatchcase(event, pattern) for event in events)

    def is_check(pattern: str) -> bool:
        return any(fnmatchcase(name, pattern) for name in names)

    first, colon, second = text.partition(":")
    second, colons, case = second.partition(":")
    if colons and not case:
        raise InputError(f"{option} {text}: the case has no name; leave out the last colon for all cases")
    if not colon:
        if is_check(first):
            return _Pattern(first)
        if is_event(first):
            return _Pattern("*", first)
        raise InputError(f"{option} {text}: {unknown('check or event', first, [*names, *events])}")
    if not is_check(first):
        raise InputError(f"{option} {text}: {unknown('check', first, names)}")
    if not is_event(second):
        raise InputError(f"{option} {text}: {unknown('event', second, events)}")
    return _Pattern(first, second, case or "*")
