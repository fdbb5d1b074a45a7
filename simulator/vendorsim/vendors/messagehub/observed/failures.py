"""What a delivery that has failed for good changes: lib/webhooks/trigger.rb of chatwoot/chatwoot.

Only the events about a message count. A failed webhook of an account changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.client import responses

from vendorsim.conversation.changes import MessageChanged, StatusChanged
from vendorsim.conversation.state import BY_TIMEOUT, OPEN, PENDING, Conversation
from vendorsim.vendorkit.profile import Draft, Failed
from vendorsim.vendors.messagehub.observed.delivery import AGENT_BOT, API_CHANNEL
from vendorsim.vendors.messagehub.observed.payloads import FAILED, Notes
from vendorsim.vendors.messagehub.observed.reactions import REACTIONS
from vendorsim.vendors.messagehub.observed.versions import BOT_FAILURE_OPENS, EXTERNAL_ERROR
from vendorsim.vendors.messagehub.reactions import MESSAGE_CREATED, MESSAGE_UPDATED

# As people see it below their messages (chatwoot/chatwoot#10989, #12271).
TIMED_OUT = "Timed out reading data from server"


def failed(failure: Failed, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """The events that a server sends because a target has not taken one."""
    if failure.event not in (MESSAGE_CREATED, MESSAGE_UPDATED):
        return
    if failure.kind == API_CHANNEL and notes.has(EXTERNAL_ERROR):
        yield from _message_fails(failure, conversation, notes)
    elif failure.kind == AGENT_BOT and notes.has(BOT_FAILURE_OPENS):
        yield from _conversation_opens(conversation, notes)


def error_text(failure: Failed) -> str:
    """What stands in `external_error` for a failure: `500 Internal Server Error`."""
    if failure.status is not None:
        return f"{failure.status} {responses.get(failure.status, '')}".rstrip()
    return TIMED_OUT if failure.reason.startswith("no answer") else failure.reason


def _message_fails(failure: Failed, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """The message is marked, whoever wrote it (#8277, #15913), and that is an update of its own, which goes to the same
    target. It ends where the error is the one that stands there already: then nothing changes."""
    (message,) = (message for message in conversation.messages if message.id == failure.body["id"])
    error = error_text(failure)
    if notes.errors.get(message.id) == error:
        return
    notes.errors[message.id] = error
    notes.statuses[message.id] = FAILED
    yield from REACTIONS[MessageChanged](MessageChanged(message), conversation, notes)


def _conversation_opens(conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """Where the bot can't be reached, the team takes over (#12379)."""
    if conversation.status != PENDING:
        return
    conversation.status = OPEN
    yield from REACTIONS[StatusChanged](StatusChanged(PENDING, OPEN, BY_TIMEOUT), conversation, notes)
