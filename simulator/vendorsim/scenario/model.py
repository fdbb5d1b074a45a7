"""What a scenario says, as plain data. Durations and times are integers of milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vendorsim.scenario.faults import QUIRK, Fault
from vendorsim.scenario.verbs import Verb


@dataclass(frozen=True, slots=True)
class AgentCast:
    """What the scenario fixes about an agent; None is made up."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part. `visitor` holds only the given keys: a key with None means "has none"."""

    visitor: Mapping[str, Any] = field(default_factory=dict)
    agents: Mapping[str, AgentCast] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountCast:
    id: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the answer to each event of a step must be, beyond the vendor's policy."""

    status: tuple[int, ...] = ()
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One verb with its modifiers. `after` is the pause before it, in milliseconds."""

    verb: Verb
    after: int = 0
    expect: Expectation | None = None
    faults: tuple[Fault, ...] = ()
    only: tuple[str, ...] | None = None
    name: str | None = None
    line: int = 0
    column: int = 0

    @property
    def quirk(self) -> str | None:
        """The quirk of the vendor that this step asks for among its faults, or None."""
        return next((fault.argument for fault in self.faults if fault.name == QUIRK), None)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story. `vendors` is never empty: where the file leaves it out, it was worked out."""

    title: str
    steps: tuple[Step, ...]
    vendors: tuple[str, ...] = ()
    description: str = ""
    locale: str = "en_US"
    seed: int = 0
    starts: int | None = None
    account: AccountCast = AccountCast()
    conversation_id: int | None = None
    cast: Cast = Cast()
    file: str = "<scenario>"

    def pinned_ids(self) -> list[str]:
        """The places where the scenario fixes an id that only one conversation can have."""
        pinned = ["conversation.id"] if self.conversation_id is not None else []
        return pinned + (["cast.visitor.id"] if self.cast.visitor.get("id") is not None else [])
