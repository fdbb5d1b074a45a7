"""Events that follow a delivery that has failed for good. Source: chatwoot/chatwoot, lib/webhooks/trigger.rb.

Only events about messages have consequences, and none of those sent to an account's webhook.
"""

from __future__ import annotations

from collections.abc import Iterator

from vendorsim.conversation import reducer
from vendorsim.conversation.changes import MessageChanged
from vendorsim.conversation.state import BY_TIMEOUT, OPEN, PENDING, Conversation
from vendorsim.http.messages import PHRASES
from vendorsim.vendorkit.profile import Draft, Failed
from vendorsim.vendors.messagehub.observed.bodies.conversations import FAILED
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory
from vendorsim.vendors.messagehub.observed.policies import AGENT_BOT, API_CHANNEL
from vendorsim.vendors.messagehub.observed.reactions.conversations import message_changed, status_changed
from vendorsim.vendors.messagehub.observed.versions import BOT_FAILURE_OPENS, EXTERNAL_ERROR
from vendorsim.vendors.messagehub.reactions import MESSAGE_CREATED, MESSAGE_UPDATED

# The text that agents see below the message (chatwoot/chatwoot#10989, #12271).
TIMED_OUT = "Timed out reading data from server"


def failed(failure: Failed, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """The events that a server sends because a target did not accept one."""
    if failure.event not in (MESSAGE_CREATED, MESSAGE_UPDATED):
        return
    if failure.kind == API_CHANNEL and memory.has(EXTERNAL_ERROR):
        yield from _message_fails(failure, conversation, memory)
    elif failure.kind == AGENT_BOT and memory.has(BOT_FAILURE_OPENS):
        yield from _conversation_opens(conversation, memory)


def error_text(failure: Failed) -> str:
    """The text of `external_error` for a failure, such as `500 Internal Server Error`."""
    if failure.status is not None:
        return f"{failure.status} {PHRASES.get(failure.status, '')}".rstrip()
    return TIMED_OUT if failure.reason.startswith("no answer") else failure.reason


def _message_fails(failure: Failed, conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """Marks the message as failed, whoever wrote it (#8277, #15913). This is an update, which goes to the same target.

    Does nothing where the message has this error already: so a target that always fails causes no endless updates.
    """
    (message,) = (message for message in conversation.messages if message.id == failure.body["id"])
    error = error_text(failure)
    if memory.errors.get(message.id) == error:
        return
    memory.errors[message.id] = error
    memory.statuses[message.id] = FAILED
    yield from message_changed(MessageChanged(message), conversation, memory)


def _conversation_opens(conversation: Conversation, memory: ChatwootMemory) -> Iterator[Draft]:
    """A pending conversation opens for the team when its bot can't be reached (#12379)."""
    if conversation.status != PENDING:
        return
    for change in reducer.set_status(conversation, OPEN, BY_TIMEOUT):
        yield from status_changed(change, conversation, memory)
