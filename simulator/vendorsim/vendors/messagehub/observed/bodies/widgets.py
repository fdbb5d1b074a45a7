"""The body of `webwidget_triggered`. Source of Chatwoot, v4.15.1: app/models/contact_inbox.rb and
app/controllers/api/v1/widget/events_controller.rb."""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Conversation
from vendorsim.vendors.messagehub.observed.bodies.conversations import conversation_object
from vendorsim.vendors.messagehub.observed.bodies.parties import (
    account_object,
    browser,
    browser_date,
    contact_inbox_id,
    contact_object,
    inbox_object,
    referer,
)
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory


def widget_object(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """The body of `webwidget_triggered` without its event. `id` is the one of the contact_inbox."""
    visitor = conversation.visitor
    return {
        "id": contact_inbox_id(conversation),
        "contact": contact_object(conversation, memory),
        "inbox": inbox_object(conversation.account),
        "account": account_object(conversation.account),
        "current_conversation": conversation_object(conversation, memory) if conversation.started else None,
        "source_id": visitor.token,
    }


def widget_info(conversation: Conversation) -> dict[str, Any]:
    """How the widget was opened."""
    visitor = conversation.visitor
    return {
        "initiated_at": {"timestamp": browser_date(conversation.now)},
        "referer": referer(conversation, -1) or "",
        "widget_language": conversation.locale.partition("_")[0],
        "browser_language": visitor.language,
        "browser": browser(visitor),
    }
