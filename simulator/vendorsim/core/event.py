"""One webhook to be sent, complete: who, what, when, headers and the exact bytes of the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from vendorsim.core.times import iso


# Not frozen, for that would make it three times as dear to make. Nobody changes one.
@dataclass(slots=True)
class Event:
    """`conversation` is the id that the vendor's bodies carry, `index` the conversation's place in the run,
    `at` milliseconds since 1970 (UTC), `step` the number of the scenario's step (from 0)."""

    id: str
    index: int
    conversation: int | str
    vendor: str
    profile: str
    name: str
    at: int
    method: str
    headers: Mapping[str, str]
    body: bytes
    step: int

    def line(self) -> bytes:
        """The event as one line of JSON, without the line break; the body stands in it byte for byte."""
        return orjson.dumps(self.document())

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "conversation": self.conversation,
            "vendor": self.vendor,
            "profile": self.profile,
            "event": self.name,
            "at": iso(self.at),
            "method": self.method,
            "headers": self.headers,
            "body": orjson.Fragment(self.body),
        }
