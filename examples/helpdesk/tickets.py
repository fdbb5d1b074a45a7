"""What the vendors' bodies are turned into before they are stored.

Webhooks come late, twice and in the wrong order. So a body isn't carried out as a command; it is taken
apart into facts and messages that each know how new they are, and a newer one always wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

VISITOR, AGENT, AUTOMATIC = "visitor", "agent", "automatic"
OPEN, PENDING, SNOOZED, CLOSED, MISSED = "open", "pending", "snoozed", "closed", "missed"

CUSTOMER_NUMBER = re.compile(r"\bcrm-[0-9]{1,20}\b", re.IGNORECASE)

# How new something is, compared from left to right: first the time (milliseconds since 1970), then
# whatever else a vendor's bodies tell, last whether the body announces it or merely carries it along.
Version = tuple[int, ...]
CARRIED, ANNOUNCED = 0, 1

UNKNOWN: Any = object()


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of a ticket. `previous` is the value that the body says it had before, if it does."""

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
    """What one body says about one conversation. `live` is whether the visitor may still be there."""

    conversation_id: str
    facts: list[Fact] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    live: bool = True

    def add(self, version: Version, announced: tuple[str, ...] = (), **values: Any) -> None:
        """Adds a fact per value. None means that the body doesn't know, and says nothing."""
        for name, value in values.items():
            if value is not None:
                rank = ANNOUNCED if name in announced else CARRIED
                self.facts.append(Fact(name, value, (*version, rank)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A visitor gave a customer number: the session is to be linked with it."""

    vendor: str
    conversation_id: str
    identifier: str
