"""Bugs behind an answer 200: what was accepted is lost, or shows in the wrong place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify
from helpdesk.vendors import VENDORS

from .model import WARNING, Helpdesk, variant


def lose(desk: Helpdesk, vendor: str, when: Callable[[dict[str, Any]], bool]) -> None:
    """Accepts bodies and stores nothing of those for which the function says so."""
    read = VENDORS[vendor]
    desk.patch.setitem(VENDORS, vendor, lambda body: None if when(body._value) else read(body))


def _of_a_message(body: dict[str, Any]) -> bool:
    return str(body.get("event", "")).startswith("message_")


@variant("messagehub", "effects.lost", probe=True, narrow=True)
def lost_without_sender(desk: Helpdesk) -> None:
    """Accepts a message without a sender, and forgets it."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and "sender" not in body)


@variant("messagehub", "effects.lost", probe=True, narrow=True)
def lost_while_pending(desk: Helpdesk) -> None:
    """Accepts the messages of a conversation that is pending, and leaves them to a bot that is not there."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["conversation"]["status"] == "pending")


@variant("messagehub", "effects.lost", probe=True, narrow=True)
def lost_without_reply(desk: Helpdesk) -> None:
    """Accepts a message to which no reply is possible, and skips it."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["conversation"]["can_reply"] is False)


@variant("messagehub", "effects.lost", probe=True, narrow=True)
def lost_without_messages(desk: Helpdesk) -> None:
    """Takes the message from the conversation's list, which may be empty."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and not body["conversation"]["messages"])


@variant("messagehub", "effects.lost", probe=True, narrow=True)
def lost_with_source(desk: Helpdesk) -> None:
    """Takes every message with a source id for its own echo."""
    lose(desk, "messagehub", lambda body: _of_a_message(body) and body["source_id"] is not None)


@variant("userlike", "effects.lost", probe=True, narrow=True)
def lost_when_proactive(desk: Helpdesk) -> None:
    """Accepts chats that the operator began, and stores only those of visitors."""
    lose(desk, "userlike", lambda body: body.get("was_proactive") is True)


@variant("chatvisor", "effects.none", severity=WARNING, probe=True, narrow=True)
def nothing_stored(desk: Helpdesk) -> None:
    """Accepts everything and does nothing."""
    lose(desk, "chatvisor", lambda body: True)


@variant("smartsupp", "accepts.typical", severity=WARNING, narrow=True)
def error_in_the_answer(desk: Helpdesk) -> None:
    """Answers 200 with an error in the body."""

    @desk.app.after_request
    def tell(response: Response) -> Response:
        if response.status_code == 200:
            response.set_data(b'{"status": "error", "message": "no such customer"}')
        return response


@variant("messagehub", "isolated.foreign", probe=True, narrow=True)
def one_ticket_for_all(desk: Helpdesk) -> None:
    """Shows the messages of all conversations in each."""

    def every(conversation_id: str) -> Response:
        return jsonify(desk.store.tickets(1000))

    desk.patch.setitem(desk.app.view_functions, "ticket_of_any_vendor", every)
