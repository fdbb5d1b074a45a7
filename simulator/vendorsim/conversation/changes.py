"""The changes of a conversation. Each class is one kind of change, with the data that the state does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from vendorsim.conversation.state import Agent, Message
from vendorsim.scenario import verbs


class WidgetOpened(Struct, frozen=True):
    pass


class Started(Struct, frozen=True):
    pass


class MessageAdded(Struct, frozen=True):
    message: Message


class MessageChanged(Struct, frozen=True):
    """Edited, or deleted (`message.deleted`)."""

    message: Message


class MessagesRead(Struct, frozen=True):
    """`by` is None for the visitor. `messages` are those that were unread until now."""

    by: Agent | None
    messages: tuple[Message, ...]


class MessagesDelivered(Struct, frozen=True):
    """The visitor has received `messages`, but not read them."""

    messages: tuple[Message, ...]


class Typed(Struct, frozen=True):
    by: Agent | None
    active: bool


class Joined(Struct, frozen=True):
    agent: Agent


class Left(Struct, frozen=True):
    agent: Agent


class Assigned(Struct, frozen=True):
    """`before` and `after` are (agent, team)."""

    before: tuple[Agent | None, str | None]
    after: tuple[Agent | None, str | None]


class LabelsSet(Struct, frozen=True):
    before: tuple[str, ...]
    after: tuple[str, ...]


class PrioritySet(Struct, frozen=True):
    before: str | None
    after: str | None


class AttributesSet(Struct, frozen=True):
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Rated(Struct, frozen=True):
    score: int
    comment: str | None


class FeedbackLeft(Struct, frozen=True):
    text: str


class SurveyAnswered(Struct, frozen=True):
    answers: str | Mapping[str, Any]


class GoalReached(Struct, frozen=True):
    goal: str


class StatusChanged(Struct, frozen=True):
    """`by` is `visitor`, `timeout` or an agent. A missed chat is closed with `conversation.missed` set."""

    before: str
    after: str
    by: str | Agent


class OfflineMessageLeft(Struct, frozen=True):
    """Follows the `MessageAdded` of the same message."""

    message: Message


class PresenceChanged(Struct, frozen=True):
    """`goes` is online, offline, away or back."""

    agent: Agent
    goes: str


class ContactCreated(Struct, frozen=True):
    pass


class ContactUpdated(Struct, frozen=True):
    """`before` holds the old values of the keys that were given."""

    before: Mapping[str, Any]


class FormFilled(Struct, frozen=True):
    """The visitor has filled in the form before the chat. Comes before `Started`."""


class WidgetConfigured(Struct, frozen=True):
    settings: Mapping[str, Any]


class SendQueued(Struct, frozen=True):
    pass


class Navigated(Struct, frozen=True):
    page: verbs.Page


Change = (
    WidgetOpened
    | Started
    | MessageAdded
    | MessageChanged
    | MessagesRead
    | MessagesDelivered
    | Typed
    | Joined
    | Left
    | Assigned
    | LabelsSet
    | PrioritySet
    | AttributesSet
    | Rated
    | FeedbackLeft
    | SurveyAnswered
    | GoalReached
    | StatusChanged
    | OfflineMessageLeft
    | PresenceChanged
    | ContactCreated
    | ContactUpdated
    | FormFilled
    | WidgetConfigured
    | SendQueued
    | Navigated
)
