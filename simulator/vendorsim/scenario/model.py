"""A scenario as plain data. Durations and times are integers of milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.scenario.faults import QUIRK, Fault
from vendorsim.scenario.verbs import Verb

# All numbers up to it are exact in JavaScript.
LARGEST_ID = 2**53 - 1


class AgentCast(Struct, frozen=True):
    """The data that a scenario gives for an agent; None is made up."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    group: str | None = None
    avatar: str | None = None


class Cast(Struct, frozen=True):
    """The people of a scenario. `visitor` holds only the given keys; None means that the visitor has none."""

    visitor: Mapping[str, Any] = field(default_factory=dict)
    agents: Mapping[str, AgentCast] = field(default_factory=dict)


class AccountCast(Struct, frozen=True):
    """The data that a scenario gives for the vendor account; None is made up. `inbox` is the id of its inbox, which
    only the options of a run give."""

    id: int | None = None
    name: str | None = None
    inbox: int | None = None


class Expectation(Struct, frozen=True):
    """What the integration must answer to each event of a step, in addition to the vendor's policy.

    `status` are the accepted statuses (empty: those of the policy), `within` the time limit in milliseconds.
    """

    status: tuple[int, ...] = ()
    within: int | None = None


class Step(Struct, frozen=True):
    """One verb with its modifiers. `after` is the pause before it, in milliseconds.

    `only` are the vendors that the step is for (None: all), and `name` is its `as`. `line` and `column` are its
    position in the file.
    """

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
        """The name of the quirk among the step's faults, or None."""
        return next((fault.argument for fault in self.faults if fault.name == QUIRK), None)


class Scenario(Struct, frozen=True):
    """One scenario. `starts` is in milliseconds since 1970, None for now. `vary` is whether the conversations of a run
    may differ in more than people, ids and made-up texts.

    In a loaded scenario `vendors` is never empty: if the file leaves it out, `vendorsim.runs.library` fills it in.
    """

    title: str
    steps: tuple[Step, ...]
    vendors: tuple[str, ...] = ()
    description: str = ""
    locale: str = "en_US"
    seed: int = 0
    starts: int | None = None
    vary: bool = True
    account: AccountCast = AccountCast()
    conversation_id: int | None = None
    cast: Cast = Cast()
    file: str = "<scenario>"

    def in_account(self, account: int | None, inbox: int | None) -> Scenario:
        """The same scenario with these ids of the account and its inbox; None leaves what the scenario has."""
        cast = self.account
        if account is not None:
            cast = replace(cast, id=account)
        return replace(self, account=cast if inbox is None else replace(cast, inbox=inbox))

    def pinned_ids(self) -> list[str]:
        """The keys that give an id which only one conversation can have."""
        pinned = ["conversation.id"] if self.conversation_id is not None else []
        return pinned + (["cast.visitor.id"] if self.cast.visitor.get("id") is not None else [])
