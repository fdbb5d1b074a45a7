"""The calls that the vendors' APIs received, and assertions about them that explain a mismatch."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Condition
from typing import Any, NamedTuple, TypedDict, Unpack

from vendorsim.core.clock import monotonic
from vendorsim.core.errors import unknown
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

MOST_SHOWN = 10
_FIELDS = ("identifier", "name", "email", "phone")
_NOT_READ = object()


class Expected(TypedDict, total=False):
    """The expected fields of a call. A field that is left out may have any value; None means that the body lacks it.

    `comm_type` is `calls` or `chats`; `status` and `message` are those of the answer. Values are compared with `==`, so
    objects with an `__eq__` of their own work, too.
    """

    session_id: Any
    comm_type: Any
    identifier: Any
    name: Any
    email: Any
    phone: Any
    status: Any
    message: Any


class Difference(NamedTuple):
    """A field of a call: its expected and its actual value."""

    field: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        if self.found is _NOT_READ:
            found = "the body was not read, or is not valid"
        else:
            found = "the call has none" if self.found is None else f"found {self.found!r}"
        return f"{self.field}: expected {_shown(self.expected)}, {found}"


class Stray(NamedTuple):
    """A request to a path that the API does not have."""

    method: str
    path: str
    status: int


class Received:
    """The calls so far, in order. Thread-safe."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._calls: list[ApiCall] = []
        self._strays: deque[Stray] = deque(maxlen=MOST_SHOWN)

    @property
    def calls(self) -> list[ApiCall]:
        """Every call so far, oldest first."""
        with self._changed:
            return list(self._calls)

    def _add(self, call: ApiCall) -> None:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()

    def _add_stray(self, stray: Stray) -> None:
        with self._changed:
            self._strays.append(stray)

    def assert_called_with(self, *, within: float = 0.0, **expected: Unpack[Expected]) -> ApiCall:
        """Asserts that a call matches, and returns the first such call. Waits up to `within` seconds for it.

        Raises AssertionError, which shows the nearest call and its differences.
        """
        __tracebackhide__ = True
        found = self._matching(expected, within)
        if not found:
            raise AssertionError(self._miss(expected))
        return found[0]

    def assert_called_once_with(self, *, within: float = 0.0, **expected: Unpack[Expected]) -> ApiCall:
        """Asserts that exactly one call matches, and returns it. Waits up to `within` seconds for it.

        Raises AssertionError.
        """
        __tracebackhide__ = True
        found = self._matching(expected, within)
        if len(found) > 1:
            raise AssertionError(
                _too_many(f"{len(found)} calls of {_operation()} match {_listed(expected)}, not one", found)
            )
        if not found:
            raise AssertionError(self._miss(expected))
        return found[0]

    def assert_not_called(self, **expected: Unpack[Expected]) -> None:
        """Asserts that no call so far matches; without arguments, that there was none. Raises AssertionError."""
        __tracebackhide__ = True
        found = self._matching(expected, 0.0)
        if found:
            times = "once" if len(found) == 1 else f"{len(found)} times"
            like = f" with {_listed(expected)}" if expected else ""
            raise AssertionError(_too_many(f"{_operation()} was called {times}{like}", found))

    def _matching(self, expected: Expected, within: float) -> list[ApiCall]:
        _require_known(expected)
        until = monotonic() + within
        with self._changed:
            while True:
                found = [call for call in self._calls if not differences(call, expected)]
                left = until - monotonic()
                if found or left <= 0:
                    return found
                self._changed.wait(left)

    def _miss(self, expected: Expected) -> str:
        calls = self.calls
        if not calls:
            like = f"; expected {_listed(expected)}" if expected else ""
            return "\n".join([f"{_operation()} was not called{like}", *self._other_requests()])
        number, nearest = min(enumerate(calls, 1), key=lambda item: _distance(item[1], expected))
        lines = [
            f"no call of {_operation()} matches {_listed(expected)}; the nearest is call {number} of {len(calls)}:"
        ]
        lines += [f"  {difference}" for difference in differences(nearest, expected)]
        lines += ["the calls:", *_numbered(calls)]
        return "\n".join([*lines, *self._other_requests()])

    def _other_requests(self) -> list[str]:
        with self._changed:
            strays = [f"  {method} {path} → {status}" for method, path, status in self._strays]
        return ["requests to paths that the API does not have:", *strays] if strays else []


def _operation() -> str:
    return registry.identification().operation


def differences(call: ApiCall, expected: Expected) -> list[Difference]:
    """Returns the fields in which a call differs; empty if it matches."""
    found = ((name, expected_value, _value(call, name)) for name, expected_value in expected.items())
    return [
        Difference(name, expected_value, value)
        for name, expected_value, value in found
        # Session ids are text in a URL, but often numbers in a test.
        if not (expected_value == value or (name == "session_id" and str(expected_value) == value))
    ]


def _value(call: ApiCall, name: str) -> Any:
    if name not in _FIELDS:
        return getattr(call, name)
    return _NOT_READ if call.fields is None else call.fields.get(name)


def _distance(call: ApiCall, expected: Expected) -> tuple[int, float]:
    """Returns the number of differing fields, then how much they differ: a sort key."""
    differing = differences(call, expected)
    ratios = (difflib.SequenceMatcher(None, str(item.expected), str(item.found)).ratio() for item in differing)
    return len(differing), -sum(ratios)


def _require_known(expected: Mapping[str, Any]) -> None:
    for name in expected:
        if name not in Expected.__annotations__:
            raise TypeError(unknown("field", name, Expected.__annotations__))


def _too_many(what: str, calls: Sequence[ApiCall]) -> str:
    return "\n".join([f"{what}:", *_numbered(calls)])


def _numbered(calls: Sequence[ApiCall]) -> list[str]:
    lines = [f"  {number}. {_call_line(call)}" for number, call in enumerate(calls[:MOST_SHOWN], 1)]
    return [*lines, f"  … and {len(calls) - MOST_SHOWN} more"] if len(calls) > MOST_SHOWN else lines


def _call_line(call: ApiCall) -> str:
    fields = " ".join(f"{name}={value!r}" for name, value in (call.fields or {}).items())
    return f"{call.comm_type}/{call.session_id} {fields or '(no valid body)'} → {call.status} {call.message}"


def _listed(expected: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in expected.items()) or "anything"


def _shown(value: Any) -> str:
    return "none" if value is None else repr(value)
