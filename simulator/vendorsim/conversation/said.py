"""What was said in a conversation, the same for all vendors: for the journal and its readers. Pure."""

from __future__ import annotations

from functools import lru_cache

from vendorsim.conversation.changes import Change, FeedbackLeft, MessageAdded, MessageChanged, OfflineMessageLeft, Rated
from vendorsim.conversation.state import Agent, Conversation, Message
from vendorsim.core.event import Said

# Characters of what was said that are kept. The body has all of it.
LONGEST = 300
VISITOR = "visitor"
_OF_MESSAGES = (MessageAdded, MessageChanged, OfflineMessageLeft)


def said(change: Change, conversation: Conversation) -> Said | None:
    """Returns what somebody wrote, if the change is that; None otherwise."""
    if isinstance(change, _OF_MESSAGES):
        return Said(_writer(change.message, conversation), _words(change.message))
    if isinstance(change, Rated):
        words = f"{change.score}: {change.comment}" if change.comment else str(change.score)
        return Said(conversation.visitor.name or VISITOR, _short(words))
    if isinstance(change, FeedbackLeft):
        return Said(conversation.visitor.name or VISITOR, _short(change.text))
    return None


def opening(conversation: Conversation) -> str | None:
    """Returns the first words of the conversation; None before the first message."""
    return _words(conversation.messages[0]) if conversation.messages else None


def _writer(message: Message, conversation: Conversation) -> str:
    if message.by_visitor:
        return conversation.visitor.name or VISITOR
    if message.trigger is not None:
        return message.trigger
    name = message.author.name if isinstance(message.author, Agent) else None
    return f"{name or 'vendor'} (private note)" if message.private else name or "vendor"


def _words(message: Message) -> str:
    if message.deleted:
        return "(deleted)"
    if not message.attachments:
        return _short(message.text or "")
    files = ", ".join(attachment.name for attachment in message.attachments)
    return _short(" ".join(filter(None, (message.text, f"[{files}]" if files else ""))))


# Cached, since every event of a conversation has its first words.
@lru_cache(maxsize=1_024)
def _short(text: str) -> str:
    # Not all of a long text is split into words.
    line = " ".join(text[: 2 * LONGEST].split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
