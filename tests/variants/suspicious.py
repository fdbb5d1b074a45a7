"""Receivers that are correct, though they look suspicious: `check` reports no error about them."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from queue import Queue
from threading import Lock
from typing import Any

from flask import Response, jsonify, request
from helpdesk.body import BadBody, Body, text
from helpdesk.tickets import AUTOMATIC, Claim, Update
from helpdesk.vendors import VENDORS

from .model import BOT, Apply, Helpdesk, Job, Receiver, behind
from .outages import Poller

SUSPICIOUS: list[Receiver] = []
PROBE = "ticket_of_any_vendor"
# Seconds after which a state that is read from a copy shows the last delivery.
BEHIND = 0.2


def suspicious(vendor: str, **more: Any) -> Callable[[Callable[[Helpdesk], None]], None]:
    """Registers a function that changes the helpdesk; its first line of documentation is what looks suspicious."""

    def register(changes: Callable[[Helpdesk], None]) -> None:
        assert changes.__doc__
        SUSPICIOUS.append(
            Receiver(name=changes.__name__, about=changes.__doc__, vendor=vendor, changes=changes, **more)
        )

    return register


@suspicious("smartsupp", probe=True)
def slow_answers(desk: Helpdesk) -> None:
    """Takes 300 ms for each answer."""
    desk.before_request(lambda: time.sleep(0.3) if request.method == "POST" else None)


@suspicious("chatvisor", probe=True, waiting={"state": 1.0})
def shown_later(desk: Helpdesk) -> None:
    """Shows its state as it was 200 ms ago: it reads from a copy of the database that follows."""
    history: defaultdict[str, list[tuple[float, Any]]] = defaultdict(list)
    apply = desk.store.apply

    def remembered(vendor: str, update: Update) -> list[Claim]:
        claims = apply(vendor, update)
        history[update.conversation_id].append((time.monotonic(), desk.store.ticket(update.conversation_id)))
        return claims

    def show(conversation_id: str) -> Any:
        shown = [ticket for at, ticket in history.get(conversation_id, []) if at <= time.monotonic() - BEHIND]
        return jsonify(shown[-1]) if shown else (jsonify(message="there is no such ticket"), 404)

    desk.patch.setattr(desk.store, "apply", remembered)
    desk.patch.setitem(desk.app.view_functions, PROBE, show)


@suspicious("messagehub", probe=True, waiting={"state": 1.0})
def queue_behind_the_answer(desk: Helpdesk) -> None:
    """Answers first and stores later, one delivery after the other."""

    def work(apply: Apply, jobs: Queue[Job | None]) -> None:
        while (job := jobs.get()) is not None:
            vendor, update, _ = job
            time.sleep(0.002)
            apply(vendor, update)

    behind(desk, work)


@suspicious("chatvisor", probe=True)
def own_times_and_ids(desk: Helpdesk) -> None:
    """Shows ids and times of its own beside what came."""
    show = desk.app.view_functions[PROBE]
    own: defaultdict[str, dict[str, Any]] = defaultdict(lambda: {"id": str(uuid.uuid4()), "created_at": time.time()})

    def with_own(conversation_id: str) -> Response:
        ticket = show(conversation_id).get_json()
        messages = [said | own[f"{conversation_id} {number}"] for number, said in enumerate(ticket["messages"])]
        return jsonify(ticket | own[conversation_id] | {"messages": messages, "shown_at": time.time()})

    desk.patch.setitem(desk.app.view_functions, PROBE, with_own)


@suspicious("messagehub", probe=True)
def one_inbox(desk: Helpdesk) -> None:
    """Keeps the conversations of one inbox, the first one that it hears of, and ignores those of others with 200."""
    read = VENDORS["messagehub"]
    first: list[object] = []

    def only_one(body: Any) -> Update | None:
        update = read(body)
        inbox = body._value.get("conversation", body._value).get("inbox_id")
        if update is not None and not first:
            first.append(inbox)
        return update if inbox in first else None

    desk.patch.setitem(VENDORS, "messagehub", only_one)


@suspicious("messagehub", probe=True, events=("message_created",))
def one_event(desk: Helpdesk) -> None:
    """Subscribes to one event, and refuses all others."""

    def refuse(body: Body) -> None:
        if body.need("event", text).startswith(("conversation_", "webwidget_", "message_updated")):
            raise BadBody("event: not subscribed")

    desk.before("messagehub", refuse)


@suspicious("smartsupp", probe=True)
def rate_limited(desk: Helpdesk) -> None:
    """Answers 429 with Retry-After beyond 40 requests a second."""
    lock = Lock()
    window = [0.0, 0.0]

    def limit() -> Any:
        with lock:
            now = time.monotonic()
            if now - window[0] >= 1:
                window[:] = [now, 0]
            window[1] += request.method == "POST"
            if window[1] <= 40:
                return None
        return jsonify(message="too many requests"), 429, {"Retry-After": "1"}

    desk.before_request(limit)


@suspicious("messagehub", probe=True, signed=True)
def unsigned_is_401(desk: Helpdesk) -> None:
    """Answers 401 to whatever is not signed."""


@suspicious("userlike", probe=True)
def newest_first(desk: Helpdesk) -> None:
    """Lists the newest message first."""
    show = desk.app.view_functions[PROBE]

    def reverse(conversation_id: str) -> Response:
        ticket = show(conversation_id).get_json()
        return jsonify(ticket | {"messages": ticket["messages"][::-1]})

    desk.patch.setitem(desk.app.view_functions, PROBE, reverse)


@suspicious("messagehub", probe=True)
def only_text(desk: Helpdesk) -> None:
    """Keeps what visitor and agents write to each other, and leaves out activities and private notes."""
    apply = desk.store.apply

    def only(vendor: str, update: Update) -> list[Claim]:
        kept = [said for said in update.messages if said.text and not said.private and said.author not in _NO_TEXT]
        return apply(vendor, replace(update, messages=kept))

    desk.patch.setattr(desk.store, "apply", only)


@suspicious("chatvisor", probe=True, serve=True, options=("--recover-within", "3s"))
def polls_too(desk: Helpdesk) -> None:
    """Learns of most messages twice: by webhook, and by polling the conversations every 100 ms."""
    Poller(desk)


# Activities have the number 2, which the helpdesk takes for an author.
_NO_TEXT = {AUTOMATIC, "2", "activity"}


SUSPICIOUS.append(
    Receiver(**BOT | {"name": "answers_visitors", "about": "Writes to visitors itself.", "bot": lambda bot: None})
)
