"""Bugs that show after an outage: in what retries bring late, and in what only the API tells."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from helpdesk.body import moment
from helpdesk.tickets import CLOSED, OPEN, VISITOR, Claim, Message, Update

from .model import Helpdesk, variant
from .states import after, with_messages

MINUTE = 60_000
WITHIN = ("--recover-within", "2s")


def now() -> int:
    return time.time_ns() // 1_000_000


@variant("chatvisor", "recovers.by_retry", probe=True)
def late_at_the_end(desk: Helpdesk) -> None:
    """Puts a message that comes more than three minutes after its time at the end of the chat, as if it were new."""

    def place(said: Message) -> Message:
        return replace(said, at=now()) if now() - said.at > 3 * MINUTE else said

    after(desk, "chatvisor", lambda update: with_messages(update, place))


@variant("chatvisor", "recovers.by_retry", probe=True)
def too_old(desk: Helpdesk) -> None:
    """Takes what is older than an hour by its own time for an attack, and drops it."""

    def only_young(update: Update) -> Update | None:
        old = any(now() - said.at > 60 * MINUTE for said in update.messages)
        return None if old else update

    after(desk, "chatvisor", only_young)


class Poller:
    """Polls Chatvisor's conversations, as its page describes it. A variant replaces a part."""

    # Seconds between two calls.
    pause = 0.1

    def __init__(self, desk: Helpdesk) -> None:
        assert desk.end_user is not None
        self.desk = desk
        self.url = f"{desk.end_user._base}/rest/v1/conversation"
        self.since = datetime.fromtimestamp(0, UTC).isoformat(timespec="milliseconds")
        self.apply: Callable[[str, Update], list[Claim]] = desk.store.apply
        # The conversations and texts of messages that were polled before a webhook told them.
        self.polled: set[tuple[str, str]] = set()
        self._lock = Lock()
        self._over = Event()
        desk.patch.setattr(desk.store, "apply", self.told)
        thread = Thread(target=self._run)
        thread.start()
        desk.closing += [self._over.set, thread.join]

    def told(self, vendor: str, update: Update) -> list[Claim]:
        """Stores what a webhook tells, unless it was polled before."""
        with self._lock:
            number = update.conversation_id
            fresh = [said for said in update.messages if (number, said.text) not in self.polled]
            return self.apply(vendor, replace(update, messages=fresh))

    def known(self, conversation_id: str) -> set[str]:
        """The texts of a ticket."""
        ticket = self.desk.store.ticket(conversation_id, "chatvisor") or {"messages": []}
        return {message["text"] for message in ticket["messages"]}

    def key(self, at: str, text: str) -> str:
        return f"polled {at} {text}"

    def lacks(self, conversation_id: str, text: str) -> bool:
        return text not in self.known(conversation_id)

    def keep(self, found: dict[str, Any]) -> None:
        """Stores a conversation that was polled."""
        update = Update(found["customerId"])
        update.add((0,), status=CLOSED if found["status"] == "DONE" else OPEN)
        said, at = found["lastMessage"]["test"], found["changedAt"]
        if self.lacks(found["customerId"], said):
            self.polled.add((found["customerId"], said))
            update.messages.append(Message(self.key(at, said), VISITOR, None, said, moment(at), 0, (moment(at),)))
        self.apply("chatvisor", update)

    def poll(self) -> None:
        """Reads what has changed since the last change that it knows."""
        for found in self.read():
            with self._lock:
                self.keep(found)
            self.since = max(self.since, found["changedAt"])

    def read(self) -> Iterator[dict[str, Any]]:
        for page in itertools.count():
            query = f"since={quote(self.since)}&pageNumber={page}"
            request = Request(f"{self.url}?{query}", headers={"Authorization": "Bearer token"})
            with urlopen(request, timeout=5) as answer:
                found = json.load(answer)["results"]
            yield from found
            if len(found) < 50:
                return

    def failed(self, error: OSError) -> None:
        """Goes on after a call that failed."""

    def _run(self) -> None:
        while not self._over.wait(self.pause):
            try:
                self.poll()
            except OSError as error:
                self.failed(error)


@variant("chatvisor", "recovers.by_api", probe=True, serve=True, options=("--recover-within", "1s"))
def never_reads_the_api(desk: Helpdesk) -> None:
    """Knows nothing but what is delivered: what an outage swallowed is never seen."""


@variant("chatvisor", "recovers.by_api", probe=True, serve=True, options=WITHIN, waiting={"retry": 1.0})
def polled_twice(desk: Helpdesk) -> None:
    """Gives what it polls a number of its own, so that the next poll adds the same message again."""
    numbers = itertools.count()

    class Twice(Poller):
        def key(self, at: str, text: str) -> str:
            return f"polled {next(numbers)}"

        def lacks(self, conversation_id: str, text: str) -> bool:
            return True

    Twice(desk)


@variant("chatvisor", "recovers.by_api", probe=True, serve=True, options=WITHIN, waiting={"retry": 1.0})
def stops_polling(desk: Helpdesk) -> None:
    """Stops polling for good when the API answers with an error once."""

    class Stops(Poller):
        def failed(self, error: OSError) -> None:
            # Nobody answers before the server has started.
            if isinstance(error, HTTPError):
                self._over.set()

    Stops(desk)


@variant("chatvisor", "recovers.by_api", probe=True, serve=True, options=WITHIN, waiting={"retry": 1.0})
def polls_since_its_last_call(desk: Helpdesk) -> None:
    """Asks for what has changed since its last call, also if that call failed."""

    class Hurried(Poller):
        def poll(self) -> None:
            try:
                super().poll()
            finally:
                self.since = datetime.now(UTC).isoformat(timespec="milliseconds")

    Hurried(desk)
