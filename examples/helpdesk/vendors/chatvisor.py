"""Chatvisor: a Conversation has a status, a Message what the customer wrote, a Customer is a new subscriber.

Bodies don't name their event. A Conversation comes when it is new and when its status changes; both set the status.
"""

from __future__ import annotations

from ..body import Body, identity, moment, text
from ..tickets import CLOSED, OPEN, VISITOR, Message, Update

_STATUSES = {"UNREAD": OPEN, "UNRESOLVED": OPEN, "DONE": CLOSED}


def chatvisor(body: Body) -> Update | None:
    if "id" in body and "customerId" not in body and "text" not in body:
        body.need("id", identity)
        return None  # A new subscriber, not a conversation.
    update = Update(body.need("customerId", identity))
    if "status" in body or "lastMessage" in body:
        status = body.need("status", text)
        body.child("lastMessage")  # Only checked: a Message brings the same text, with id and time.
        # A Conversation has no time, so the last one that arrives counts as the newest.
        update.add((0,), status=_STATUSES.get(status, status))
    else:
        key, at = body.need("id", identity), body.need("createdAt", moment)
        update.messages.append(Message(key, VISITOR, None, body.need("text", text), at, 0, (at,)))
    return update
