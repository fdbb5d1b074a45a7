"""Bugs that show in what is stored: by what comes twice, late, or beside another conversation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import helpdesk.store
from helpdesk.tickets import VISITOR, Message, Update
from helpdesk.vendors import VENDORS

from .model import Helpdesk, variant


def after(desk: Helpdesk, vendor: str, change: Callable[[Any], Any]) -> None:
    """Changes what was read from each body of a vendor before it is stored; None stores nothing."""
    read = VENDORS[vendor]

    def changed(body: Any) -> Any:
        update = read(body)
        return update and change(update)

    desk.patch.setitem(VENDORS, vendor, changed)


def with_messages(update: Update, change: Callable[[Message], Message]) -> Update:
    return replace(update, messages=[change(message) for message in update.messages])


@variant("chatvisor", "idempotent.all_twice", "idempotent.later", probe=True)
def stored_twice(desk: Helpdesk) -> None:
    """Gives each message that comes a number of its own: what is delivered twice is stored twice."""
    numbers = itertools.count()
    after(desk, "chatvisor", lambda update: with_messages(update, lambda said: replace(said, key=str(next(numbers)))))


@variant("messagehub", "idempotent.all_twice", "idempotent.later", probe=True)
def deliveries_counted(desk: Helpdesk) -> None:
    """Counts the visitor's messages by counting deliveries."""
    counts: dict[str, int] = {}

    def count(update: Update) -> Update:
        said = sum(message.author == VISITOR for message in update.messages)
        counts[update.conversation_id] = counts.get(update.conversation_id, 0) + said
        update.add((2**62,), attributes={"count": counts[update.conversation_id]})
        return update

    after(desk, "messagehub", count)


@variant("chatvisor", "idempotent.all_twice", "idempotent.later", probe=True)
def last_one_only(desk: Helpdesk) -> None:
    """Recognises a message that it knows only when it is the very last one that came."""
    numbers = itertools.count()
    last = ["", ""]

    def number(said: Message) -> Message:
        if said.key != last[0]:
            last[:] = [said.key, f"{said.key} {next(numbers)}"]
        return replace(said, key=last[1])

    after(desk, "chatvisor", lambda update: with_messages(update, number))


@variant("userlike", "order_tolerant.shuffled", "idempotent.later", probe=True)
def last_delivery_wins(desk: Helpdesk) -> None:
    """Takes the delivery that comes last for the newest: a late message opens a chat again that was closed."""
    desk.patch.setattr(helpdesk.store, "_wins", lambda *_: True)


@variant("messagehub", "order_tolerant.swapped", probe=True)
def order_of_arrival(desk: Helpdesk) -> None:
    """Sorts the messages of a chat as they came in, not by their times."""
    arrived: dict[str, int] = {}
    numbers = itertools.count()

    def sort(said: Message) -> Message:
        return replace(said, at=0, order=arrived.setdefault(said.key, next(numbers)))

    after(desk, "messagehub", lambda update: with_messages(update, sort))


@variant("messagehub", "order_tolerant.shuffled", "order_tolerant.swapped", probe=True)
def beginning_first(desk: Helpdesk) -> None:
    """Passes over the messages of a conversation that it has not been told the beginning of."""
    begun: set[str] = set()

    def only_begun(update: Update) -> Update | None:
        if not update.messages:
            begun.add(update.conversation_id)
        return update if update.conversation_id in begun else None

    after(desk, "messagehub", only_begun)


@variant("smartsupp", "retry_safe", "idempotent.later", probe=True)
def retry_appends(desk: Helpdesk) -> None:
    """Appends the transcript to the ticket whenever it comes: a retry shows it twice."""
    numbers = itertools.count()

    def append(update: Update) -> Update:
        copy = next(numbers)
        return with_messages(update, lambda said: replace(said, key=f"{copy} {said.key}"))

    after(desk, "smartsupp", append)


@variant("chatvisor", "isolated", "isolated.foreign", probe=True)
def current_conversation(desk: Helpdesk) -> None:
    """Puts each message into the conversation that was opened last, since it remembers only that one."""
    current: list[str] = []

    def put(update: Update) -> Update:
        if update.facts:
            current[:] = [update.conversation_id]
        return replace(update, conversation_id=current[0]) if current else update

    after(desk, "chatvisor", put)


@variant("userlike", "isolated", probe=True)
def current_visitor(desk: Helpdesk) -> None:
    """Keeps the visitor of the chat that started last in a variable, and takes him for that of every later message."""
    current: dict[str, Any] = {}

    def take(update: Update) -> Update:
        email = next((fact for fact in update.facts if fact.name == "email"), None)
        if email is not None and update.conversation_id not in begun:
            begun.add(update.conversation_id)
            current["email"] = email.value
        update.facts = [replace(fact, value=current["email"]) if fact is email else fact for fact in update.facts]
        return update

    begun: set[str] = set()
    after(desk, "userlike", take)
