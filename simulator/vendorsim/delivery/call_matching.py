"""Whether a call is the expected one, and if not, in what it differs. Pure.

The steps `expect_call` and `authenticate` and the assertions of `vendorsim.testing` all compare calls here.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field

from vendorsim.core import pointer
from vendorsim.scenario.calls import CallName, Statuses, path_pattern
from vendorsim.vendorkit.api_call import NO_DOCUMENT, ApiCall

# The values of a valid body of the identification API (`ApiCall.fields`) can be expected by their names.
FIELDS = ("identifier", "name", "email", "phone")
CONVERSATION = "session_id"
_NOT_READ = object()
_MOST_SHOWN = 10
_LONGEST_VALUE = 200


class SameText(Struct, frozen=True):
    """A value that is equal as text: ids are numbers in some bodies, and text in others and in paths.

    With `or_none` a call that has no such value is equal, too.
    """

    value: Any
    or_none: bool = False


class CallPattern(Struct, frozen=True):
    """The expected call. `values` maps what is compared to the value expected there.

    A key is a JSON pointer into the body, one of FIELDS, or an attribute of `ApiCall`. A value is compared with `==`,
    except `re.Pattern` (searched in the value), `SameText`, `Statuses` (must contain the value), and None: the call has
    no such value, or null. `conversation` is the id that `{this}` in the path stands for. `words` are the names of keys
    in messages, where they differ.
    """

    name: CallName
    values: Mapping[str, Any]
    conversation: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The call's name in messages."""
        return self.name.text

    def is_named(self, call: ApiCall) -> bool:
        """Whether the call is one of that operation, or of that method and path."""
        name = self.name
        if name.path is None:
            return (call.vendor, call.operation) == (name.vendor, name.operation)
        path = re.sub("/{2,}", "/", call.path)
        return call.method == name.method and path_pattern(name.path, self.conversation).fullmatch(path) is not None

    def fits(self, call: ApiCall) -> bool:
        """Whether the call is the expected one."""
        return self.is_named(call) and not differences(call, self.values)

    def listed(self) -> str:
        """The expected values as text."""
        shown = {key: "None" if value is None else _expected(value) for key, value in self.values.items()}
        return ", ".join(f"{self.word(key)}={value}" for key, value in shown.items()) or "anything"

    def word(self, key: str) -> str:
        """The name of a key in messages."""
        return self.words.get(key, key)


class Difference(NamedTuple):
    """A value of a call that is not the expected one. `note` says more about the value."""

    key: str
    expected: Any
    found: Any
    note: str = ""

    def __str__(self) -> str:
        if self.found is _NOT_READ:
            return f"expected {_expected(self.expected)}, the body was not read, or is not valid"
        if self.found is None:
            return f"expected {_expected(self.expected)}, the call has none"
        note = f" ({self.note})" if self.note else ""
        return f"expected {_expected(self.expected)}, found {_shown(self.found)}{note}"


def differences(call: ApiCall, expected: Mapping[str, Any]) -> list[Difference]:
    """Returns the values in which a call differs; empty if it matches."""
    document = call.document() if any(key.startswith("/") for key in expected) else NO_DOCUMENT
    found = ((key, value, _value(call, key, document)) for key, value in expected.items())
    return [
        Difference(key, value, given, call.message if key == "status" and "message" not in expected else "")
        for key, value, given in found
        if not _equal(value, given)
    ]


def explain_miss(pattern: CallPattern, calls: Sequence[ApiCall]) -> list[str]:
    """Returns lines that say which of these calls is the nearest, and what it has of the pattern and what not.

    The first line goes on after "no call … "; the others are indented. If none is of the operation, the lines say which
    others came; without any, there are none.
    """
    named = [(number, call) for number, call in enumerate(calls, 1) if pattern.is_named(call)]
    if not named:
        return other_calls(pattern, calls)
    number, nearest = min(named, key=lambda item: _distance(item[1], pattern))
    differing = differences(nearest, pattern.values)
    same = [pattern.word(key) for key in pattern.values if key not in {difference.key for difference in differing}]
    matching = [f"  as expected: {', '.join(same)}"] if same else []
    head = f"the nearest is call {number} of {len(calls)}:"
    return [head, *(f"  {pattern.word(difference.key)}: {difference}" for difference in differing), *matching]


def numbered(calls: Sequence[ApiCall]) -> list[str]:
    """Returns a numbered line for each call, at most ten."""
    lines = [f"  {number}. {call_line(call)}" for number, call in enumerate(calls[:_MOST_SHOWN], 1)]
    return [*lines, f"  … and {len(calls) - _MOST_SHOWN} more"] if len(calls) > _MOST_SHOWN else lines


def call_line(call: ApiCall) -> str:
    """Returns a call and its answer in one line."""
    if call.comm_type:
        fields = " ".join(f"{name}={value!r}" for name, value in (call.fields or {}).items())
        what = f"{call.comm_type}/{call.session_id} {fields or '(no valid body)'}"
    else:
        document = call.document()
        what = f"{call.name} {call.method} {call.path}"
        what += "" if document is NO_DOCUMENT else f" {_shown(document)}"
    answer = f"{call.status} {call.message}".rstrip() if call.status else "none"
    return f"{what} → {answer} (forced: {call.forced})" if call.forced else f"{what} → {answer}"


def other_calls(pattern: CallPattern, calls: Sequence[ApiCall]) -> list[str]:
    """Returns a line that says how many other calls came, by name; nothing if there was none."""
    counts = Counter(f"{call.method} {call.path}" if pattern.name.path else call.name for call in calls)
    shown = [f"{name} x {count}" for name, count in counts.most_common(_MOST_SHOWN)]
    return [f"other calls: {', '.join(shown)}"] if shown else []


def _value(call: ApiCall, key: str, document: Any) -> Any:
    if key.startswith("/"):
        if document is NO_DOCUMENT:
            return _NOT_READ
        try:
            return pointer.resolve(document, key)
        except LookupError:
            return None
    if key in FIELDS:
        return _NOT_READ if call.fields is None else call.fields.get(key)
    return getattr(call, key)


def _equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, SameText):
        return (not found and expected.or_none) or (_is_plain(found) and str(found) == str(expected.value))
    if isinstance(expected, re.Pattern):
        return _is_plain(found) and expected.search(str(found)) is not None
    if isinstance(expected, Statuses):
        return found in expected
    # True is 1 in Python, and not in JSON.
    if isinstance(expected, bool) != isinstance(found, bool) and isinstance(expected, int) and isinstance(found, int):
        return False
    return bool(expected == found)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _distance(call: ApiCall, pattern: CallPattern) -> tuple[int, float]:
    """Returns a sort key: how many values differ, then how much they do."""
    differing = differences(call, pattern.values)
    ratios = (
        difflib.SequenceMatcher(None, _expected(item.expected), _shown(item.found)[:_LONGEST_VALUE]).ratio()
        for item in differing
    )
    return len(differing), -sum(ratios)


def _expected(value: Any) -> str:
    if isinstance(value, SameText):
        return repr(value.value)
    if isinstance(value, re.Pattern):
        return f"a match of {value.pattern!r}"
    if isinstance(value, Statuses):
        return str(value)
    return "none" if value is None else _shown(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
