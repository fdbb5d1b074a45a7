"""The state of a conversation, which is the same for all vendors.

It is plain data. `vendorsim.conversation.casting` makes it, and only `vendorsim.conversation.reducer` changes it. If
several threads use a conversation, they share its handle and never the conversation itself: the handle holds a lock
while the conversation is read or changed. Times are milliseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from vendorsim.conversation.people import Person, Pool
from vendorsim.conversation.talk import UNKNOWN, Party, Talk
from vendorsim.core.seeding import Numbers
from vendorsim.scenario import verbs

# What tells who a visitor is.
IDENTITY = ("name", "email", "phone", "identifier")
OPEN, PENDING, SNOOZED, CLOSED = "open", "pending", "snoozed", "closed"
BY_VISITOR, BY_TIMEOUT = verbs.VISITOR, verbs.TIMEOUT


class StepError(Exception):
    """A step is not possible in the current state of the conversation."""


class Visitor(Struct):
    """The visitor of the website. `token` is an opaque browser id; None means that the visitor has none. `known` is
    whether the vendor knows the visitor from before this conversation. `additional` is what an integration stored
    beside the custom data, `blocked` whether it blocked the visitor, `deleted` whether the contact was deleted.
    `avatar` is a picture's name or URL. `person` is the made-up person behind them."""

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
    known: bool = False
    additional: dict[str, Any] = field(default_factory=dict)
    blocked: bool = False
    deleted: bool = False
    avatar: str | None = None
    person: Person | None = None

    def party(self) -> Party:
        """Who the visitor is in made-up talk. Of a name that is not made up, no parts are known."""
        person = self.person
        if person is None:
            return UNKNOWN
        if self.name is None:
            return Party(female=person.female)
        return (
            Party(self.name, person.first_name, person.last_name, person.female)
            if self.name == person.name
            else UNKNOWN
        )


class Agent(Struct):
    """A human agent who answers visitors; the same in all conversations of a run. `avatar` is a picture's name or URL;
    `female` is None for an agent whose name is not made up."""

    key: str
    id: int
    name: str
    first_name: str
    last_name: str
    email: str
    group: str
    group_id: int
    presence: str = "online"
    avatar: str | None = None
    female: bool | None = None

    def party(self) -> Party:
        """Who the agent is in made-up talk."""
        return Party(self.name, self.first_name or self.name, self.last_name or self.name, self.female)


class Account(Struct):
    """The vendor account that the conversation belongs to. `inbox` is the id of its inbox; None if a vendor may choose
    one."""

    id: int
    name: str
    inbox: int | None = None


class Message(Struct):
    """A message of the visitor, of an agent, or of a trigger (`trigger` is its name then).

    `number` counts from 1 within the conversation. `source_id` and `attributes` are what an integration stored with
    the message through the vendor's API. `delivered` is whether the visitor has received it.
    """

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
    delivered: bool = False
    read: bool = False
    source_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_visitor(self) -> bool:
        return isinstance(self.author, Visitor)

    @property
    def by_agent(self) -> bool:
        """Whether a human agent wrote it."""
        return isinstance(self.author, Agent) and self.trigger is None


class Entered(Struct, frozen=True):
    """Log entry: an agent joined."""

    agent: Agent
    at: int


class Departed(Struct, frozen=True):
    """Log entry: an agent left."""

    agent: Agent
    at: int


class Ended(Struct, frozen=True):
    """Log entry: the conversation was closed. `by` is `visitor`, `timeout` or an agent."""

    by: str | Agent
    at: int


class Conversation(Struct):
    """The state of one conversation. `seed` is the seed of its made-up texts. `identity` is the visitor's identity as
    an integration gave it to the vendor's API; None before that call. `untold` are the data of the visitor, of those in
    IDENTITY, that the vendor has not been told yet: `visitor` is without them. `told` are the identifiers that the
    visitor gave in a form. `deleted` is whether the conversation was deleted: nothing changes it then. `names` maps the
    `as` of steps to messages. `visit` are the pages that the visitor has seen if no step says which, `talk` is how far
    the made-up talk has come.
    `first_status` is the status with which it begins, and to which the visitor's message brings it back from CLOSED:
    PENDING where a bot answers first.
    `files` is where the server that plays the conversation serves the files of its messages (a URL without the last
    slash); None if no server does.

    `default_agent` gives the first agent of the cast. If the cast has none, the first call makes one and adds it to
    `agents`. It is always the same agent, so functions that only read the conversation may call it.
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
    first_status: str = OPEN
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
    priority: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    rating: int | None = None
    rating_comment: str | None = None
    feedback: str | None = None
    survey: str | Mapping[str, Any] | None = None
    goal: str | None = None
    pages: list[verbs.Page] = field(default_factory=list)
    visit: tuple[verbs.Page, ...] = ()
    talk: Talk = field(default_factory=Talk)
    agent_seen_at: int | None = None
    visitor_seen_at: int | None = None
    identity: dict[str, str] | None = None
    untold: dict[str, str | None] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    deleted: bool = False
    files: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the conversation is closed or missed. The vendor's API treats its session as ended."""
        return self.status == CLOSED

    @property
    def identifier(self) -> str | None:
        """The visitor's identifier, also if the vendor has not been told it yet; None if the visitor has none."""
        return self.untold.get("identifier", self.visitor.identifier)

    def said(self) -> list[str]:
        """What the visitor has told so far, in order: identifiers in forms, then the texts of messages."""
        return [*sorted(self.told), *(message.text or "" for message in self.messages if message.by_visitor)]

    def public_messages(self) -> list[Message]:
        """The messages that both sides see, in order."""
        return [message for message in self.messages if not message.private]
