"""Bugs behind an answer 200: what was accepted is lost, or shows in the wrong place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from queue import Queue
from typing import Any

from flask import Response, jsonify, request
from helpdesk.vendors import VENDORS

from .model import WARNING, Apply, Helpdesk, Job, behind, variant


def lose(desk: Helpdesk, vendor: str, when: Callable[[dict[str, Any]], bool]) -> None:
    """Accepts bodies and stores nothing of those for which the function says so."""
    read = VENDORS[vendor]

    def read_or_lose(body: Any) -> Any:
        update = read(body)  # What is invalid is refused all the same.
        with suppress(LookupError, TypeError):
            return None if when(body._value) else update
        return update

    desk.patch.setitem(VENDORS, vendor, read_or_lose)


def _of_a_message(body: dict[str, Any]) -> bool:
    return str(body.get("event", "")).startswith("message_")


@variant("messagehub", "effects.lost", probe=True)
def lost_without_sender(desk: Helpdesk) -> None:
    """Accepts a message without a sender, and forgets it."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and "sender" not in body)


@variant("messagehub", "effects.lost", probe=True)
def lost_while_pending(desk: Helpdesk) -> None:
    """Accepts the messages of a conversation that is pending, and leaves them to a bot that is not there."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["conversation"]["status"] == "pending")


@variant("messagehub", "effects.lost", probe=True)
def lost_without_reply(desk: Helpdesk) -> None:
    """Accepts a message to which no reply is possible, and skips it."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["conversation"]["can_reply"] is False)


@variant("messagehub", "effects.lost", probe=True)
def lost_without_messages(desk: Helpdesk) -> None:
    """Takes the message from the conversation's list, which may be empty."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and not body["conversation"]["messages"])


@variant("messagehub", "effects.lost", probe=True)
def lost_with_source(desk: Helpdesk) -> None:
    """Takes every message with a source id for its own echo."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["source_id"] is not None)


@variant("userlike", "effects.lost", probe=True)
def lost_when_proactive(desk: Helpdesk) -> None:
    """Accepts chats that the operator began, and stores only those of visitors."""
    lose(desk, "userlike", lambda body: body.get("was_proactive") is True)


@variant("chatvisor", "effects.none", severity=WARNING, probe=True)
def nothing_stored(desk: Helpdesk) -> None:
    """Accepts everything and does nothing."""
    lose(desk, "chatvisor", lambda body: True)


@variant("smartsupp", "accepts.typical", severity=WARNING)
def error_in_the_answer(desk: Helpdesk) -> None:
    """Answers 200 with an error in the body."""

    @desk.app.after_request
    def tell(response: Response) -> Response:
        if response.status_code == 200:
            response.set_data(b'{"status": "error", "message": "no such customer"}')
        return response


@variant("messagehub", "isolated.foreign", probe=True)
def one_ticket_for_all(desk: Helpdesk) -> None:
    """Shows the messages of all conversations in each."""

    def every(conversation_id: str) -> Response:
        return jsonify(desk.store.tickets(1000))

    desk.patch.setitem(desk.app.view_functions, "ticket_of_any_vendor", every)


@variant("messagehub", "effects.lost", probe=True)
def lost_when_snoozed(desk: Helpdesk) -> None:
    """Accepts the messages of a snoozed conversation, and keeps them for the morning in a list that is never read."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["conversation"]["status"] == "snoozed")


@variant("messagehub", "effects.lost", probe=True)
def lost_when_resolved(desk: Helpdesk) -> None:
    """Accepts the messages of a resolved conversation, and does not open its ticket again."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["conversation"]["status"] == "resolved")


@variant("messagehub", "effects.lost", probe=True)
def lost_in_the_queue(desk: Helpdesk) -> None:
    """Answers first and works later; the worker passes over what it crashes on: a conversation that somebody has."""

    def work(apply: Apply, jobs: Queue[Job | None]) -> None:
        while (job := jobs.get()) is not None:
            vendor, update, body = job
            with suppress(Exception):
                if _of_a_message(body) and body["conversation"]["meta"].get("assignee"):
                    raise LookupError(body["conversation"]["meta"]["assignee"]["id"])
                apply(vendor, update)

    behind(desk, work)


@variant(
    "messagehub",
    "effects.none",
    severity=WARNING,
    probe=True,
    only="accepts.forms:message_created,effects.none",
)
def worker_has_died(desk: Helpdesk) -> None:
    """Answers first and works later; the worker's thread ends with the first body that it can't work on."""

    def work(apply: Apply, jobs: Queue[Job | None]) -> None:
        while (job := jobs.get()) is not None:
            vendor, update, body = job
            if body.get("message_type") not in (None, 0, 1, "incoming", "outgoing"):
                return
            apply(vendor, update)

    behind(desk, work)


@variant("smartsupp", "effects.lost", probe=True)
def lost_with_rating(desk: Helpdesk) -> None:
    """Accepts chats that were rated, and counts their stars only."""
    lose(desk, "smartsupp", lambda body: body["channel"]["rating"] is not None)


@variant("smartsupp", "effects.lost", probe=True)
def lost_with_group(desk: Helpdesk) -> None:
    """Passes chats of a group to a table for groups that nobody shows."""
    lose(desk, "smartsupp", lambda body: body["visitor"]["group"] is not None)


@variant("userlike", "effects.lost", probe=True)
def lost_without_country(desk: Helpdesk) -> None:
    """Files chats by the visitor's country, and drops those without one."""
    lose(desk, "userlike", lambda body: body["loc_country"] is None)


@variant("chatvisor", "accepts.typical", severity=WARNING)
def not_ok_in_the_answer(desk: Helpdesk) -> None:
    """Answers 200 with `"ok": false` to messages that it could not pass on."""

    @desk.app.after_request
    def tell(response: Response) -> Response:
        if response.status_code == 200 and "text" in (request.get_json(silent=True) or {}):
            response.set_data(b'{"ok": false}')
        return response


@variant("messagehub", "isolated.foreign", probe=True)
def keyed_by_inbox(desk: Helpdesk) -> None:
    """Keeps the last messages of an inbox, and shows them with each of its conversations."""
    last: defaultdict[str | None, list[str]] = defaultdict(list)
    inboxes: dict[str, str] = {}
    read, show = VENDORS["messagehub"], desk.app.view_functions["ticket_of_any_vendor"]

    def keep(body: Any) -> Any:
        update = read(body)
        if update is not None and _of_a_message(body._value):
            inbox = inboxes[update.conversation_id] = str(body._value["conversation"].get("inbox_id"))
            last[inbox] = [*last[inbox], str(body._value.get("content"))][-5:]
        return update

    def with_last(conversation_id: str) -> Any:
        return jsonify(show(conversation_id).get_json() | {"inbox": last[inboxes.get(conversation_id)]})

    desk.patch.setitem(VENDORS, "messagehub", keep)
    desk.patch.setitem(desk.app.view_functions, "ticket_of_any_vendor", with_last)


@variant("userlike", "isolated.foreign", probe=True)
def shared_list(desk: Helpdesk) -> None:
    """Collects texts for its search in one list for all chats: a default argument that is made only once."""
    read, show = VENDORS["userlike"], desk.app.view_functions["ticket_of_any_vendor"]
    found: list[str] = []

    def keep(body: Any, words: list[str] = found) -> Any:
        update = read(body)
        words += [said.text for said in update.messages if said.text not in words] if update is not None else []
        return update

    desk.patch.setitem(VENDORS, "userlike", keep)
    desk.patch.setitem(
        desk.app.view_functions,
        "ticket_of_any_vendor",
        lambda conversation_id: jsonify(show(conversation_id).get_json() | {"search": found}),
    )
