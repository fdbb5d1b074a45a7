"""The conversation that a scenario drives, free of any vendor.

It is plain data. `vendorsim.conversation.casting` makes it, and from then on only `vendorsim.conversation.reducer`
changes it. Where several threads use a conversation, they share a handle of it and never the conversation itself: the
handle holds a lock while the conversation is read, and while the reducer changes it. Times are milliseconds since 1970,
UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vendorsim.conversation.people import Pool
from vendorsim.core.seeding import Numbers
from vendorsim.scenario import verbs

OPEN, PENDING, SNOOZED, CLOSED = "open", "pending", "snoozed", "closed"
BY_VISITOR, BY_TIMEOUT = verbs.VISITOR, verbs.TIMEOUT


class StepError(Exception):
    """A step can't be carried out in the state the conversation is in."""


@dataclass(slots=True)
class Visitor:
    """The person who writes. `token` is an opaque browser id; None means "has none"."""

    id: int
    token: str
    name: str | None
    email: str | None
    phone: str | None
    identifier: str | None
    ip: str | None
    city: str | None
    country: str | None
    country_code: str | None
    user_agent: str | None
    platform: str | None
    browser: str | None
    browser_version: str
    system: str
    system_version: str
    device: str
    language: str | None
    referer: str | None
    note: str | None
    group: str | None
    custom: dict[str, Any]


@dataclass(slots=True)
class Agent:
    """A person who answers; the same in all conversations of a run."""

    key: str
    id: int
    name: str
    first_name: str
    last_name: str
    email: str
    group: str
    group_id: int
    presence: str = "online"


@dataclass(slots=True)
class Account:
    id: int
    name: str


@dataclass(slots=True)
class Message:
    """Something written: by the visitor, an agent, or automatically (`trigger` set)."""

    number: int
    id: int
    author: Visitor | Agent | None
    text: str | None
    at: int
    private: bool = False
    trigger: str | None = None
    attachments: tuple[verbs.Attachment, ...] = ()
    content_type: str = "text"
    offline: bool = False
    deleted: bool = False
    read: bool = False

    @property
    def by_visitor(self) -> bool:
        return isinstance(self.author, Visitor)

    @property
    def by_agent(self) -> bool:
        """A human agent wrote it (no trigger did)."""
        return isinstance(self.author, Agent) and self.trigger is None


@dataclass(frozen=True, slots=True)
class Entered:
    """An agent joined, in the conversation's log."""

    agent: Agent
    at: int


@dataclass(frozen=True, slots=True)
class Departed:
    """An agent left, in the conversation's log."""

    agent: Agent
    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation was closed, in its log. `by` is `visitor`, `timeout` or an agent."""

    by: str | Agent
    at: int


@dataclass(slots=True)
class Conversation:
    """One conversation and all that is known of it. `seed` is what its made-up texts are derived from. `identity` is
    what the vendor's API was told of the visitor, None before.

    `default_agent` gives the first agent of the cast. Where the cast has none it makes one at the first call and adds
    it to `agents`; that agent is always the same, so a reader may ask for it.
    """

    index: int
    id: int
    account: Account
    locale: str
    visitor: Visitor
    agents: dict[str, Agent]
    message_ids: Numbers
    seed: int
    pool: Pool
    default_agent: Callable[[], Agent]
    started_at: int
    now: int
    channel: str = "chat"
    started: bool = False
    status: str = OPEN
    missed: bool = False
    offline: bool = False
    ended_at: int | None = None
    messages: list[Message] = field(default_factory=list)
    names: dict[str, Message] = field(default_factory=dict)
    log: list[Message | Entered | Departed | Ended] = field(default_factory=list)
    joined: list[Agent] = field(default_factory=list)
    current_agent: Agent | None = None
    first_agent: Agent | None = None
    assignee: Agent | None = None
    team: str | None = None
    labels: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    rating: int | None = None
    rating_comment: str | None = None
    feedback: str | None = None
    survey: str | Mapping[str, Any] | None = None
    goal: str | None = None
    pages: list[verbs.Page] = field(default_factory=list)
    agent_seen_at: int | None = None
    visitor_seen_at: int | None = None
    identity: dict[str, str] | None = None

    @property
    def ended(self) -> bool:
        """Closed or missed: for the vendor's API the session is over."""
        return self.status == CLOSED

    def public_messages(self) -> list[Message]:
        """What both sides saw, in order."""
        return [message for message in self.messages if not message.private]
