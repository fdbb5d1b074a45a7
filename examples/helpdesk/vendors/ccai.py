"""Google CCAI Platform: an envelope with the event, the chat and the time. Messages have no id."""

from __future__ import annotations

from ..body import Body, identity, integer, moment, text
from ..tickets import AGENT, AUTOMATIC, CLOSED, OPEN, SNOOZED, VISITOR, Message, Update

_AUTHORS = {"end_user": VISITOR, "agent": AGENT, "virtual_agent": AUTOMATIC}
_STATUSES = {"chat_ended": CLOSED, "chat_dismissed": SNOOZED}
_FILES = ("photo", "video", "audio", "document")


def ccai(body: Body) -> Update | None:
    event, at = body.need("event_type", text), body.need("timestamp", moment)
    update = Update(str(body.need("chat_id", integer)))
    happened = body.need_child("body")
    if event in _STATUSES:
        update.add((at,), ("status",), status=_STATUSES[event])
    elif event == "message_received":
        sender = happened.need_child("sender")
        update.messages.append(_message(sender, happened.need_child("message"), at))
        if _author(sender) == VISITOR:
            # A dismissed chat continues when the end user writes again.
            update.add((at,), status=OPEN)
    elif event == "participant_joined":
        participant = happened.need_child("participant")
        participant.need("id", identity)
        if _author(participant) == AGENT:
            update.add((at,), ("assignee",), assignee=participant.person())
    else:
        return None  # An agent who leaves changes nothing: the ticket stays with the last one who joined.
    return update


def _author(participant: Body) -> str:
    kind = participant.need("type", text)
    return _AUTHORS.get(kind, kind)


def _message(sender: Body, message: Body, at: int) -> Message:
    """Messages with equal sender, time and content are the same message."""
    number, written = sender.need("id", identity), _content(message)
    key = f"{at} {_author(sender)} {number}: {written}"
    return Message(key, _author(sender), None, written, at, 0, (at,))


def _content(message: Body) -> str:
    """Returns the text; for a file its kind and its id, with which it can be fetched."""
    kind = message.need("type", text)
    if kind in _FILES:
        return f"{kind} {message.need_child('content').need('media_id', identity)}"
    return message.need("content", text)
