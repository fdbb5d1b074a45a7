"""Bugs that show only when requests are at work at the same time: in threads, in coroutines and in processes."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from helpdesk.tickets import VISITOR, Claim, Message, Update

from .model import WARNING, Apply, Helpdesk, variant
from .programs import NO_ASGI, NO_NODE, NO_PHP, asynchronous, node, php

# Seconds between reading and writing, as one query of a database takes.
GAP = 0.005
ROUNDS = {"rounds": 0.5}


def around(desk: Helpdesk, change: Callable[[Apply, str, Update], list[Claim]]) -> None:
    """Replaces `Store.apply(vendor, update)` by a function that gets the original one first."""
    apply = desk.store.apply
    desk.patch.setattr(desk.store, "apply", lambda vendor, update: change(apply, vendor, update))


@variant("messagehub", "concurrent.twins", probe=True, waiting=ROUNDS)
def look_then_insert(desk: Helpdesk) -> None:
    """Looks whether it has the message, and inserts it a moment later if not."""
    _look_then_insert(desk, GAP)


@variant("messagehub", "concurrent.twins", probe=True, waiting={"rounds": 1.0})
def look_then_insert_soon(desk: Helpdesk) -> None:
    """Looks whether it has the message, and inserts it a millisecond later if not."""
    _look_then_insert(desk, 0.001)


@variant("smartsupp", "concurrent.twins", probe=True, waiting=ROUNDS)
def transcript_twice(desk: Helpdesk) -> None:
    """Looks whether it has the transcript, and appends its messages a moment later if not."""
    _look_then_insert(desk, GAP)


def _look_then_insert(desk: Helpdesk, gap: float) -> None:
    numbers = itertools.count()
    rows: dict[tuple[str, str], int] = {}

    def change(apply: Apply, vendor: str, update: Update) -> list[Claim]:
        names = [(update.conversation_id, said.key) for said in update.messages]
        known = [rows.get(name) for name in names]
        time.sleep(gap)
        fresh: dict[tuple[str, str], int] = {}  # A body may hold a message twice.

        def insert(name: tuple[str, str], number: int | None, said: Message) -> Message:
            if number is None:
                if name not in fresh:
                    fresh[name] = rows[name] = next(numbers)
                number = fresh[name]
            return replace(said, key=f"{said.key} {number}")

        pairs = zip(names, known, update.messages, strict=True)
        return apply(vendor, replace(update, messages=[insert(*pair) for pair in pairs]))

    around(desk, change)


@variant("messagehub", "concurrent.burst", probe=True, waiting=ROUNDS)
def counted_and_written_back(desk: Helpdesk) -> None:
    """Reads the list of messages that wait for an answer, and writes it back with the new one."""
    waiting: dict[str, tuple[str, ...]] = {}

    def change(apply: Apply, vendor: str, update: Update) -> list[Claim]:
        known = waiting.get(update.conversation_id, ())
        new = {said.key for said in update.messages if said.author == VISITOR} - {*known}
        if new:
            time.sleep(GAP)
            waiting[update.conversation_id] = (*known, *new)
        count = len(waiting.get(update.conversation_id, ()))
        update.add((2**62, count), attributes={"waiting": count})
        return apply(vendor, update)

    around(desk, change)


@variant("messagehub", "concurrent.conversations", probe=True, waiting=ROUNDS)
def current_while_at_work(desk: Helpdesk) -> None:
    """Keeps the conversation in a variable of the module while it is at work on it."""
    current: list[str] = [""]

    def change(apply: Apply, vendor: str, update: Update) -> list[Claim]:
        current[0] = update.conversation_id
        time.sleep(GAP)
        return apply(vendor, replace(update, conversation_id=current[0]))

    around(desk, change)


@variant("userlike", "concurrent.conversations", probe=True, waiting=ROUNDS)
def visitor_while_at_work(desk: Helpdesk) -> None:
    """Keeps the visitor in a variable of the module while it is at work on the chat."""
    current: list[object] = [None]

    def change(apply: Apply, vendor: str, update: Update) -> list[Claim]:
        people = [fact.value for fact in update.facts if fact.name == "email"]
        if people:
            current[0] = people[0]
            time.sleep(0.002)
            facts = [replace(fact, value=current[0]) if fact.name == "email" else fact for fact in update.facts]
            update = replace(update, facts=facts)
        return apply(vendor, update)

    around(desk, change)


@variant("messagehub", "concurrent.burst", "concurrent.twins", "concurrent.retry", probe=True, waiting=ROUNDS)
def database_is_locked(desk: Helpdesk) -> None:
    """Answers 500 to a message while another one of the conversation is stored: the row is locked."""
    locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def change(apply: Apply, vendor: str, update: Update) -> list[Claim]:
        if not update.messages:
            return apply(vendor, update)
        lock = locks[update.conversation_id]
        if not lock.acquire(blocking=False):
            raise RuntimeError("database is locked")
        try:
            time.sleep(GAP)
            return apply(vendor, update)
        finally:
            lock.release()

    around(desk, change)


@variant("chatvisor", "concurrent.twins", severity=WARNING, probe=True, waiting=ROUNDS)
def unique_key_violated(desk: Helpdesk) -> None:
    """Crashes on the unique key of a message that another request has just inserted."""
    stored: set[str] = set()
    lock = threading.Lock()

    def change(apply: Apply, vendor: str, update: Update) -> list[Claim]:
        fresh = [said.key for said in update.messages if said.key not in stored]
        time.sleep(GAP)
        with lock:
            if not stored.isdisjoint(fresh):
                raise RuntimeError("UNIQUE constraint failed: messages.key")
            stored.update(fresh)
        return apply(vendor, update)

    around(desk, change)


@variant("messagehub", "concurrent.twins", program=asynchronous("look"), missing=NO_ASGI, probe=True)
def look_await_insert(desk: Helpdesk) -> None:
    """FastAPI: looks whether it has the message, awaits the database, and inserts it if not."""


@variant("messagehub", "concurrent.burst", program=asynchronous("write-back"), missing=NO_ASGI, probe=True)
def read_await_write(desk: Helpdesk) -> None:
    """FastAPI: reads the conversation, awaits the database, and writes it back with the message."""


@variant(
    "messagehub",
    "concurrent.conversations",
    "isolated.foreign",
    program=asynchronous("current"),
    missing=NO_ASGI,
    probe=True,
)
def current_across_await(desk: Helpdesk) -> None:
    """FastAPI: keeps the conversation in a global variable, across an await."""


@variant("messagehub", "concurrent.twins", program=node("look"), missing=NO_NODE, probe=True)
def node_look_then_insert(desk: Helpdesk) -> None:
    """Node: looks whether it has the message, awaits the database, and inserts it if not."""


@variant("messagehub", "concurrent.burst", program=node("write-back"), missing=NO_NODE, probe=True)
def node_write_back(desk: Helpdesk) -> None:
    """Node: reads the conversation, awaits the database, and writes it back with the message."""


@variant("messagehub", "concurrent.twins", program=php("look"), missing=NO_PHP, probe=True)
def php_look_then_insert(desk: Helpdesk) -> None:
    """PHP with several workers: looks whether the file has the message, and appends it if not."""


@variant("messagehub", "concurrent.burst", program=php("write-back"), missing=NO_PHP, probe=True)
def php_write_back(desk: Helpdesk) -> None:
    """PHP with several workers: reads the conversation's file, and writes it back with the message."""
