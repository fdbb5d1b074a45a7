"""The calls that the vendors' APIs and the sinks received, and assertions about them that explain a mismatch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from threading import Condition
from typing import Any, NamedTuple, TypedDict, Unpack

from vendorsim.core.errors import InputError, unknown
from vendorsim.delivery.call_matching import CONVERSATION, CallPattern, SameText, explain_miss, numbered
from vendorsim.delivery.ledger import Ledger
from vendorsim.scenario.calls import (
    AT_LEAST_ONCE,
    NEVER,
    ONCE,
    POINTER,
    TIMES_WORDS,
    CallName,
    Statuses,
    Times,
    call_name,
    times_of,
)
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

MOST_STRAYS = 10


class Expected(TypedDict, total=False):
    """The expected data of a call. One that is left out may have any value; None means that the call has none.

    `session_id` is the id of the conversation, `credentials` their kind, `status` and `message` are those of the
    answer. `comm_type` (`calls` or `chats`) and the four after it are of the identification API. Values are compared
    with `==`, so objects with an `__eq__` of their own work, too; a compiled regular expression is searched in the
    value.
    """

    session_id: Any
    credentials: Any
    status: Any
    message: Any
    method: Any
    path: Any
    comm_type: Any
    identifier: Any
    name: Any
    email: Any
    phone: Any


class Stray(NamedTuple):
    """A request to a path that the API does not have."""

    method: str
    path: str
    status: int


class Received:
    """The calls so far, in order. Thread-safe.

    In each assertion `call` is `VENDOR.OPERATION`, `sink.NAME`, or a method and a path (`POST /path/{id}`, where `{id}`
    stands for any segment); by default it is the identification API. `body` maps JSON pointers into the body to the
    values expected there, which are compared as those of `Expected`. Times are in seconds.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stray_lock = Condition()
        self._strays: deque[Stray] = deque(maxlen=MOST_STRAYS)

    @property
    def calls(self) -> list[ApiCall]:
        """The calls so far, oldest first; of very many only the newest."""
        return self._ledger.calls()

    def calls_of(
        self, call: str | None = None, body: Mapping[str, Any] | None = None, **expected: Unpack[Expected]
    ) -> list[ApiCall]:
        """The calls so far that match, oldest first. Raises InputError for a call that does not exist."""
        return _matching(_pattern(call, body, expected), self.calls)

    def expect_call(
        self,
        call: str | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        times: str | Mapping[str, int] | None = None,
        within: float = 0.0,
        quiet: float = 0.0,
        **expected: Unpack[Expected],
    ) -> list[ApiCall]:
        """Asserts how often a call was made, as the step `expect_call` of a scenario does, and returns the calls.

        `times` is `once`, `never`, or a mapping with `at_least` and `at_most`; default: at least once. It waits for
        calls that must come for at most `within` seconds, and then for `quiet` seconds for one too many; where none has
        to come, `within` is that time, too. Raises AssertionError, which shows the nearest call and what it has of the
        expected one; InputError for a call that does not exist.
        """
        __tracebackhide__ = True
        return self._expect(_pattern(call, body, expected), _times(times), within, quiet)

    def assert_called_with(
        self,
        call: str | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        within: float = 0.0,
        **expected: Unpack[Expected],
    ) -> ApiCall:
        """Asserts that a call matches, and returns the first such call. Waits up to `within` seconds for it.

        Raises AssertionError.
        """
        __tracebackhide__ = True
        return self._expect(_pattern(call, body, expected), AT_LEAST_ONCE, within, 0.0)[0]

    def assert_called_once_with(
        self,
        call: str | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        within: float = 0.0,
        quiet: float = 0.0,
        **expected: Unpack[Expected],
    ) -> ApiCall:
        """Asserts that exactly one call matches, and returns it. Waits up to `within` seconds for it, and then for
        `quiet` seconds for a second one.

        Raises AssertionError.
        """
        __tracebackhide__ = True
        return self._expect(_pattern(call, body, expected), ONCE, within, quiet)[0]

    def assert_not_called(
        self,
        call: str | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        quiet: float = 0.0,
        **expected: Unpack[Expected],
    ) -> None:
        """Asserts that no call matches, and that none comes for `quiet` seconds. Raises AssertionError."""
        __tracebackhide__ = True
        self._expect(_pattern(call, body, expected), NEVER, 0.0, quiet)

    def _expect(self, pattern: CallPattern, times: Times, within: float, quiet: float) -> list[ApiCall]:
        __tracebackhide__ = True
        least, most = times.least, times.most

        def find(calls: list[ApiCall]) -> list[ApiCall]:
            return _matching(pattern, calls)

        found = self._ledger.wait_until(find, lambda calls: len(calls) >= least, within if least else 0.0)
        if most is not None and least <= len(found) <= most:
            limit = most
            quiet = quiet if least else max(quiet, within)
            found = self._ledger.wait_until(find, lambda calls: len(calls) > limit, quiet)
        if most is not None and len(found) > most:
            raise AssertionError("\n".join([_too_many(pattern, times, len(found)), *numbered(found)]))
        if len(found) < least:
            raise AssertionError("\n".join(self._too_few(pattern, times, found)))
        return found

    def _too_few(self, pattern: CallPattern, times: Times, found: Sequence[ApiCall]) -> list[str]:
        name, calls = pattern.operation, self.calls
        if found:
            lines = [f"{name} was called {_counted(len(found))}, expected {times}:", *numbered(found)]
        elif named := [call for call in calls if pattern.is_named(call)]:
            head, *details = explain_miss(pattern, named)
            lines = [f"no call of {name} matches {pattern.listed()}; {head}", *details, "the calls:", *numbered(named)]
        else:
            lines = [f"{name} was not called" + (f"; expected {pattern.listed()}" if pattern.values else "")]
            lines += explain_miss(pattern, calls)
        return [*lines, *self._other_requests()]

    def _add_stray(self, stray: Stray) -> None:
        with self._stray_lock:
            self._strays.append(stray)

    def _other_requests(self) -> list[str]:
        with self._stray_lock:
            strays = [f"  {method} {path} → {status}" for method, path, status in self._strays]
        return ["requests to paths that the API does not have:", *strays] if strays else []


def _pattern(call: str | None, body: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> CallPattern:
    """The expected call. Raises InputError for an unknown name of a call or a pointer, TypeError for an unknown
    keyword."""
    for name in expected:
        if name not in Expected.__annotations__:
            raise TypeError(unknown("field", name, Expected.__annotations__))
    for key in body or ():
        if not POINTER.matches(key):
            raise InputError(f"'{key}' is not {POINTER.expected}")
    values: dict[str, Any] = {}
    for key, value in {**expected, **(body or {})}.items():
        # Ids of conversations are text in a URL, but often numbers in a test.
        is_id = key == CONVERSATION and isinstance(value, str | int)
        values[key] = SameText(value) if is_id else value
    if isinstance(status := values.get("status"), str):
        values["status"] = Statuses((status,))
    return CallPattern(_name(call), values)


def _name(call: str | None) -> CallName:
    if call is None:
        known = registry.identification()
        return CallName(known.operation, known.vendor, known.operation)
    try:
        return call_name(call, registry.operations)
    except ValueError as error:
        raise InputError(str(error)) from None


def _times(times: str | Mapping[str, int] | None) -> Times:
    if times is None:
        return AT_LEAST_ONCE
    if isinstance(times, str):
        if times not in TIMES_WORDS:
            raise InputError(unknown("number of times", times, TIMES_WORDS))
        return TIMES_WORDS[times]
    for key in times:
        if key not in ("at_least", "at_most"):
            raise InputError(unknown("key of 'times'", key, ("at_least", "at_most")))
    try:
        return times_of(times)
    except ValueError as error:
        raise InputError(str(error)) from None


def _matching(pattern: CallPattern, calls: Sequence[ApiCall]) -> list[ApiCall]:
    return [call for call in calls if pattern.fits(call)]


def _too_many(pattern: CallPattern, times: Times, count: int) -> str:
    name = pattern.operation
    if times.most == 0:
        like = f" with {pattern.listed()}" if pattern.values else ""
        return f"{name} was called {_counted(count)}{like}:"
    if times == ONCE:
        return f"{count} calls of {name} match {pattern.listed()}, not one:"
    return f"{count} calls of {name} match {pattern.listed()}, expected {times}:"


def _counted(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
