"""Chatvisor: a Conversation says its status, a Message what the customer wrote, a Customer who has subscribed.

None names its event. A Conversation comes when it is new and at each change of its status, which is all the same
here: whatever it says is its status from now on.
"""

from __future__ import annotations

from ..body import Body, identity, moment, text
from ..tickets import CLOSED, OPEN, VISITOR, Message, Update

_STATUSES = {"UNREAD": OPEN, "UNRESOLVED": OPEN, "DONE": CLOSED}


def chatvisor(body: Body) -> Update | None:
    if "id" in body and "customerId" not in body and "text" not in body:
        body.need("id", identity)
        return None  # A new subscriber: that is about no conversation.
    update = Update(body.need("customerId", identity))
    if "status" in body or "lastMessage" in body:
        status = body.need("status", text)
        body.child("lastMessage")  # Only checked: the same text comes as a Message, which has an id and a time.
        # A Conversation has no time at all, so the one that comes last is taken for the newest.
        update.add((0,), status=_STATUSES.get(status, status))
    else:
        key, at = body.need("id", identity), body.need("createdAt", moment)
        update.messages.append(Message(key, VISITOR, None, body.need("text", text), at, 0, (at,)))
    return update
