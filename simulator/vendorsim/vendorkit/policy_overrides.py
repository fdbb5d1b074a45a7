"""Parses a user's overrides of a policy, from `vendorsim.yaml` or `--policy KEY=VALUE`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vendorsim.core import times
from vendorsim.core.errors import InputError, unknown
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.vendorkit.policy import AS_GET, KEPT, NEW, ORDERED, REDIRECTED, REPEATED, UNORDERED, Pause, SwitchOff
from vendorsim.vendorkit.signing import schemes

PolicyChanges = Mapping[str, Stated[Any]]
"""Values that replace those of a policy, by the names of the fields of `Policy`."""


def read_changes(values: Mapping[str, str], source: str) -> PolicyChanges:
    """Parses the texts of a policy's values; `source` is the file or option that they are from. Raises InputError."""
    changes: dict[str, Stated[Any]] = {}
    for key, text in values.items():
        reader = READERS.get(key)
        if reader is None:
            raise InputError(f"{source}: {unknown('key of a policy', key, READERS)}")
        try:
            changes[key] = Stated(reader(text.strip()), ASSUMED, source)
        except ValueError as error:
            raise InputError(f"{source}: policy {key}: {error}") from None
    return changes


def read_assignments(texts: Iterable[str]) -> PolicyChanges:
    """Parses the `KEY=VALUE` texts of `--policy`. Raises InputError."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--policy {text}: write it like retries=5s,5m or read_timeout=2s")
        found[key.strip()] = value
    return read_changes(found, "--policy")


_REDIRECTS = tuple(map(str, REDIRECTED))
_STATUS = re.compile("[1-5][0-9][0-9]")


def _statuses(text: str) -> frozenset[int]:
    """`200`, `200,204`, `200-299` or `2xx`."""
    found: set[int] = set()
    for part in text.split(","):
        part = part.strip().lower()
        if len(part) == 3 and part.endswith("xx") and part[0] in "12345":
            found.update(range(int(part[0]) * 100, int(part[0]) * 100 + 100))
            continue
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (_STATUS.fullmatch(first) and _STATUS.fullmatch(last)) or first > last:
            raise ValueError(f"'{text}' is not a list of HTTP statuses (100 to 599) such as 200,204 or 2xx")
        found.update(range(int(first), int(last) + 1))
    return frozenset(found)


def _retried(text: str) -> frozenset[int] | None:
    return None if text == "everything" else _statuses(text)


def _pauses(text: str) -> tuple[int, ...]:
    return () if text in ("none", "") else tuple(times.duration(part.strip()) for part in text.split(","))


def _timeout(text: str) -> int:
    milliseconds = times.duration(text)
    if not 0 < milliseconds <= 600_000:
        raise ValueError("a timeout is more than 0 and at most 10 minutes")
    return milliseconds


def _redirects(text: str) -> int:
    if not text.isdecimal() or int(text) > 20:
        raise ValueError(f"'{text}' is not a number from 0 to 20")
    return int(text)


def _redirected(text: str) -> dict[int, str]:
    """`301`, `301,303:get`: statuses that are followed; with `:get` the method becomes GET."""
    found: dict[int, str] = {}
    for part in text.split(","):
        status, colon, how = part.strip().partition(":")
        if status not in _REDIRECTS or (colon and how.strip().lower() != "get"):
            raise ValueError(f"'{text}' is not a list of redirects ({', '.join(_REDIRECTS)}) such as 301,303:get")
        found[int(status)] = AS_GET if colon else REPEATED
    return found


def _ordering(text: str) -> str:
    if text not in (UNORDERED, ORDERED):
        raise ValueError(unknown("ordering", text, (UNORDERED, ORDERED)))
    return text


def _in_flight(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000:
        raise ValueError(f"'{text}' is not a number from 1 to 1000")
    return int(text)


def _connections(text: str) -> str:
    if text not in (KEPT, NEW):
        raise ValueError(unknown("use of connections", text, (KEPT, NEW)))
    return text


_FAILURES = "a number of failures from 1 to 10000"


def _failures(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ValueError(f"'{text}' is not {_FAILURES}")
    return int(text)


def _pause(text: str) -> Pause | None:
    """`5:10m`: after 5 failures in a row, nothing is sent for 10 minutes."""
    if text == "none":
        return None
    failures, colon, time = text.partition(":")
    if not colon:
        raise ValueError(f"'{text}' is not {_FAILURES} and a time, such as 5:10m")
    length = times.duration(time.strip())
    if not length:
        raise ValueError("a pause is longer than 0")
    return Pause(_failures(failures.strip()), length)


def _switch_off(text: str) -> SwitchOff | None:
    """`20`, `5d` or `20,5d`: after 20 failures in a row, or when the hook has failed for 5 days."""
    if text == "none":
        return None
    parts = [part.strip() for part in text.split(",")]
    counts = [part for part in parts if part.isdecimal()]
    lengths = [part for part in parts if not part.isdecimal()]
    if len(counts) > 1 or len(lengths) > 1:
        raise ValueError(f"'{text}' is not {_FAILURES}, a time, or both, such as 20,5d")
    time = times.duration(lengths[0]) if lengths else None
    if time == 0:
        raise ValueError("the time after which a hook is switched off is longer than 0")
    return SwitchOff(_failures(counts[0]) if counts else None, time)


def _signing(text: str) -> str | None:
    if text == "none":
        return None
    if text not in schemes():
        raise ValueError(unknown("signing scheme", text, (*schemes(), "none")))
    return text


READERS: Mapping[str, Callable[[str], Any]] = {
    "accepted": _statuses,
    "connect_timeout": _timeout,
    "read_timeout": _timeout,
    "retries": _pauses,
    "retried": _retried,
    "redirects": _redirects,
    "redirected": _redirected,
    "ordering": _ordering,
    "in_flight": _in_flight,
    "connections": _connections,
    "pause": _pause,
    "switch_off": _switch_off,
    "signing": _signing,
}
HELP: Mapping[str, str] = {
    "accepted": "statuses that count as delivered, such as 200,204 or 2xx",
    "connect_timeout": "how long to wait for a connection, such as 2s",
    "read_timeout": "how long to wait for the answer, such as 2s",
    "retries": "the pauses between attempts, such as [5s, 5m]; none: a single attempt",
    "retried": "the statuses that cause a retry, such as 429,500, or everything",
    "redirects": "the maximum of redirects that are followed; with 0 a redirect is a failure",
    "redirected": "the statuses that are followed, such as 301,303:get",
    "ordering": "none: later events overtake one that waits for its retry; conversation: they wait for it",
    "in_flight": "how many deliveries of one conversation to one target may be under way at once",
    "connections": "kept: connections are reused; new: one per delivery",
    "pause": "failures in a row, and how long nothing is sent then, such as 5:10m; or none",
    "switch_off": "failures in a row, or a time of failing, after which the hook is off, such as 20,5d; or none",
    "signing": "the scheme of signatures, or none",
}
"""What each key means, for editors."""
