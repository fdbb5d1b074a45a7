"""The end users that integrations created, by the platform's id and by the integrator's identifier."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any

from msgspec import Struct

MOST_END_USERS = 20_000
# Far from the ids of visitors in scenarios, so that they don't collide.
_FIRST_ID = 50_000_001


class EndUser(Struct, frozen=True):
    """An end user. `details` has the known ones of `name`, `email` and `phone`; it may have the identifier, too."""

    id: int
    identifier: str
    details: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "identifier": self.identifier}


class EndUsers:
    """The end users of a server. Thread-safe. Beyond `most`, the oldest is removed."""

    def __init__(self, most: int = MOST_END_USERS) -> None:
        self._most = most
        self._lock = Lock()
        self._by_id: OrderedDict[int, EndUser] = OrderedDict()
        self._ids: dict[str, int] = {}
        self._next = _FIRST_ID

    def update(self, identifier: str, details: Mapping[str, str], number: int | None = None) -> EndUser:
        """Updates or creates the end user with that identifier; details that are not given stay. A new one has the id
        `number`, if no other end user has it."""
        with self._lock:
            known = self._by_id.pop(self._ids.get(identifier, 0), None)
            if known is not None:
                number, details = known.id, {**known.details, **details}
            elif number is None or number in self._by_id:
                number, self._next = self._next, self._next + 1
            found = self._by_id[number] = EndUser(number, identifier, details)
            self._ids[identifier] = number
            if len(self._by_id) > self._most:
                _, oldest = self._by_id.popitem(last=False)
                del self._ids[oldest.identifier]
            return found

    def by_id(self, number: int) -> EndUser | None:
        with self._lock:
            return self._by_id.get(number)

    def by_identifier(self, identifier: str) -> EndUser | None:
        with self._lock:
            return self._by_id.get(self._ids.get(identifier, 0))
