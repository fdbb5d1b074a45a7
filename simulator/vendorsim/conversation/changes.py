"""The changes of a conversation. Each class is one kind of change, with the data that the state does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vendorsim.conversation.state import Agent, Message
from vendorsim.scenario import verbs


@dataclass(frozen=True, slots=True)
class WidgetOpened:
    pass


@dataclass(frozen=True, slots=True)
class Started:
    pass


@dataclass(frozen=True, slots=True)
class MessageAdded:
    message: Message


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """Edited, or deleted (`message.deleted`)."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessagesRead:
    """`by` is None for the visitor. `messages` are those that were unread until now."""

    by: Agent | None
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class MessagesDelivered:
    """The visitor has received `messages`, but not read them."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    by: Agent | None
    active: bool


@dataclass(frozen=True, slots=True)
class Joined:
    agent: Agent


@dataclass(frozen=True, slots=True)
class Left:
    agent: Agent


@dataclass(frozen=True, slots=True)
class Assigned:
    """`before` and `after` are (agent, team)."""

    before: tuple[Agent | None, str | None]
    after: tuple[Agent | None, str | None]


@dataclass(frozen=True, slots=True)
class LabelsSet:
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrioritySet:
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class AttributesSet:
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rated:
    score: int
    comment: str | None


@dataclass(frozen=True, slots=True)
class FeedbackLeft:
    text: str


@dataclass(frozen=True, slots=True)
class SurveyAnswered:
    answers: str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoalReached:
    goal: str


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """`by` is `visitor`, `timeout` or an agent. A missed chat is closed with `conversation.missed` set."""

    before: str
    after: str
    by: str | Agent


@dataclass(frozen=True, slots=True)
class OfflineMessageLeft:
    """Follows the `MessageAdded` of the same message."""

    message: Message


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """`goes` is online, offline, away or back."""

    agent: Agent
    goes: str


@dataclass(frozen=True, slots=True)
class ContactCreated:
    pass


@dataclass(frozen=True, slots=True)
class ContactUpdated:
    """`before` holds the old values of the keys that were given."""

    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FormFilled:
    """The visitor has filled in the form before the chat. Comes before `Started`."""


@dataclass(frozen=True, slots=True)
class WidgetConfigured:
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SendQueued:
    pass


@dataclass(frozen=True, slots=True)
class Navigated:
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
