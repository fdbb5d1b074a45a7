"""The facts and messages that the vendors' bodies are turned into before they are stored.

Webhooks come late, twice and in the wrong order. So each fact and message has a version, and a newer one replaces an
older one, in whatever order they arrive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

VISITOR, AGENT, AUTOMATIC = "visitor", "agent", "automatic"
OPEN, PENDING, SNOOZED, CLOSED, MISSED = "open", "pending", "snoozed", "closed", "missed"

CUSTOMER_NUMBER = re.compile(r"\bcrm-[0-9]{1,20}\b", re.IGNORECASE)

# How new something is, compared from left to right: the time (milliseconds since 1970), then vendor-specific numbers,
# then whether the body announces the value (ANNOUNCED) or only contains it (CARRIED).
Version = tuple[int, ...]
CARRIED, ANNOUNCED = 0, 1

UNKNOWN: Any = object()


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of a ticket. `previous` is its value before, if the body has it."""

    name: str
    value: Any
    version: Version
    previous: Any = UNKNOWN


@dataclass(frozen=True, slots=True)
class Message:
    """One message or, when private, a note. `at` is milliseconds since 1970; `order` decides between equals."""

    key: str
    author: str
    name: str | None
    text: str
    at: int
    order: int
    version: Version
    private: bool = False
    deleted: bool = False


@dataclass(slots=True)
class Update:
    """The content of one body about one conversation. `live`: the visitor may still be there."""

    conversation_id: str
    facts: list[Fact] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    live: bool = True

    def add(self, version: Version, announced: tuple[str, ...] = (), **values: Any) -> None:
        """Adds a fact per value; None adds none. `announced` are the names that the body announces."""
        for name, value in values.items():
            if value is not None:
                rank = ANNOUNCED if name in announced else CARRIED
                self.facts.append(Fact(name, value, (*version, rank)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A visitor gave a customer number; the session must be linked with it."""

    vendor: str
    conversation_id: str
    identifier: str
