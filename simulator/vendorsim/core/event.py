"""One webhook to be sent: its vendor, name, time, headers and the exact bytes of its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from msgspec import Struct

from vendorsim.core.times import iso


class Said(NamedTuple):
    """What somebody wrote: the writer's name (`visitor` where the vendor knows none) and the words."""

    by: str
    text: str


class Event(Struct, frozen=True):
    """One webhook to be sent.

    `conversation` is the conversation's id in the vendor's bodies, `index` its number in the run (from 0). `at` is in
    milliseconds since 1970 (UTC). `step` is the number of the scenario's step (from 0). `delivery` is the id of its
    deliveries, if it is known from a capture.

    For people who read the journal, the same for all vendors: `said` is what was written, where the event is about
    that; `visitor` is the visitor's name, and `opening` the first words of the conversation, as far as they are known.
    """

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
    delivery: str | None = None
    said: Said | None = None
    visitor: str | None = None
    opening: str | None = None

    def line(self) -> bytes:
        """The event as one line of JSON, without the line break. It contains the body byte for byte."""
        return orjson.dumps(self.document())

    def document(self) -> dict[str, Any]:
        """The event as a document for `orjson.dumps`."""
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
