"""The bodies of MessageHub's webhooks.

Keys, types and their order: ClickFunnels help, "MessageHub integration: supported webhook events"
(support.myclickfunnels.com). The page gives no values. The contract says which ones are `reconstructed` from
Chatwoot, on which MessageHub is built, and which are `assumed`. Only `source_id` is ever null: other values that are
not set are left out, empty or 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from vendorsim.conversation import files
from vendorsim.conversation.state import Account, Agent, Conversation, Message, Visitor
from vendorsim.core.seeding import derive
from vendorsim.core.times import iso
from vendorsim.vendors.messagehub.memory import MessageHubMemory

CHANNEL = "Channel::WebWidget"
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = 0, 1, 2, 3
DELETED_TEXT = "This message was deleted"
# Where the ids of account and inbox are in all bodies, also in those of the observed profiles.
ACCOUNT_FIELDS, INBOX_FIELDS = ("account/id", "account_id"), ("inbox/id", "inbox_id")
# Added to a contact's id to make the id of its contact_inbox, so that the two differ.
_CONTACT_INBOXES = 500_000


def conversation_object(conversation: Conversation, memory: MessageHubMemory) -> dict[str, Any]:
    """The object `conversation` of the help page."""
    visitor = conversation.visitor
    assignee = conversation.assignee
    return {
        "additional_attributes": {
            "browser": {
                "device_name": visitor.device,
                "browser_name": visitor.browser or "",
                "platform_name": visitor.system,
                "browser_version": visitor.browser_version,
                "platform_version": visitor.system_version,
            },
            "referer": _referer(conversation, 0),
            "initiated_at": {"timestamp": iso(conversation.started_at)},
        },
        "can_reply": True,
        "channel": CHANNEL,
        "id": conversation.id,
        "inbox_id": inbox_id(conversation.account),
        "contact_inbox": {
            "id": _contact_inbox_id(conversation),
            "contact_id": visitor.id,
            "inbox_id": inbox_id(conversation.account),
            "source_id": visitor.token,
            "created_at": iso(conversation.started_at),
            "updated_at": iso(conversation.started_at),
            "hmac_verified": False,
        },
        "messages": _newest_public(conversation),
        "meta": {
            "sender": _contact(conversation),
            **({"assignee": _user(assignee)} if assignee is not None else {}),
        },
        "status": memory.status,
        "unread_count": memory.unread,
        **last_seen(conversation),
        "timestamp": _unix(_last_activity(conversation)),
        "account_id": conversation.account.id,
    }


def last_seen(conversation: Conversation) -> dict[str, int]:
    """When agents and the contact last saw the conversation, in seconds since 1970; 0 for never."""
    return {
        "agent_last_seen_at": _unix(conversation.agent_seen_at or 0),
        "contact_last_seen_at": _unix(conversation.visitor_seen_at or 0),
    }


def message_object(message: Message, conversation: Conversation, memory: MessageHubMemory) -> dict[str, Any]:
    """The object `message` of the help page. It contains its conversation."""
    return _message(message, conversation, {"conversation": conversation_object(conversation, memory)})


def widget_object(conversation: Conversation, memory: MessageHubMemory, event: str) -> dict[str, Any]:
    """The body of `webwidget_triggered`. `current_conversation` is missing before the conversation starts."""
    visitor = conversation.visitor
    current = {"current_conversation": conversation_object(conversation, memory)} if conversation.started else {}
    return {
        "id": _contact_inbox_id(conversation),
        "contact": _contact(conversation),
        "inbox": _inbox(conversation.account),
        "account": _account(conversation.account),
        **current,
        "source_id": visitor.token,
        "event": event,
        "event_info": {
            "initiated_at": {"timestamp": iso(conversation.now)},
            "referer": _referer(conversation, -1),
            "widget_language": conversation.locale.partition("_")[0],
            "browser_language": visitor.language or "",
            "browser": {
                "browser_name": visitor.browser or "",
                "browser_version": visitor.browser_version,
                "device_name": visitor.device,
                "platform_name": visitor.system,
                "platform_version": visitor.system_version,
            },
        },
    }


def activity(event: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The body of an agent's message as that of an activity, which nobody has written. None for other events."""
    if event != "message_created":
        return None

    def told(message: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in message.items() if key != "sender"} | {"message_type": ACTIVITY}

    conversation = body["conversation"]
    newest = [told(each) if each["id"] == body["id"] else each for each in conversation["messages"]]
    return told(body) | {"conversation": {**conversation, "messages": newest}}


def changed(attribute: str, current: Any, previous: Any) -> dict[str, Any]:
    """One entry of `changed_attributes`. A value that is not set is an empty string."""
    return {attribute: {"current_value": _or_empty(current), "previous_value": _or_empty(previous)}}


def team_id(name: str | None) -> int | None:
    """The id of a team. The bodies contain the id only; it is derived from the name."""
    return None if name is None else 1 + derive(0, "team", name) % 9_000


def inbox_id(account: Account) -> int:
    """The id of the account's only inbox, a web widget. It is the same in every profile."""
    return _inbox_number(account.id) if account.inbox is None else account.inbox


def _message(message: Message, conversation: Conversation, whole: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": message.id,
        "content": DELETED_TEXT if message.deleted else message.text or "",
        "message_type": _message_type(message),
        "created_at": _unix(message.at),
        "private": message.private,
        "source_id": message.source_id,
        "content_type": message.content_type,
        "content_attributes": {"deleted": True} if message.deleted else dict(message.attributes),
        **_sender(message, conversation),
        "account": _account(conversation.account),
        **whole,
        "inbox": _inbox(conversation.account),
    }


def _message_type(message: Message) -> int:
    if message.by_visitor:
        return INCOMING
    return OUTGOING if message.by_agent else TEMPLATE


def _sender(message: Message, conversation: Conversation) -> dict[str, Any]:
    """The sender of a message; automatic messages have none. `type` comes first, as on the help page."""
    if isinstance(message.author, Visitor):
        return {"sender": {"type": "contact", **_contact(conversation)}}
    if isinstance(message.author, Agent):
        return {"sender": {"type": "user", **_user(message.author)}}
    return {}


def _newest_public(conversation: Conversation) -> list[dict[str, Any]]:
    """The newest public message, or none. It is without its conversation, since that would contain it again."""
    for message in reversed(conversation.messages):
        if not message.private:
            return [_message(message, conversation, {})]
    return []


def _account(account: Account) -> dict[str, Any]:
    return {"id": account.id, "name": account.name}


def _inbox(account: Account) -> dict[str, Any]:
    return {"id": inbox_id(account), "name": f"{account.name} website"}


def _contact(conversation: Conversation) -> dict[str, Any]:
    visitor = conversation.visitor
    return {
        "id": visitor.id,
        "name": visitor.name or "",
        "avatar": files.avatar(conversation, visitor.id, visitor.avatar) or "",
        "type": "contact",
        "account": _account(conversation.account),
    }


def _user(agent: Agent) -> dict[str, Any]:
    return {"id": agent.id, "name": agent.name, "email": agent.email, "type": "user"}


@lru_cache(maxsize=64)
def _inbox_number(account: int) -> int:
    return 1 + derive(0, "inbox", account) % 900


def _contact_inbox_id(conversation: Conversation) -> int:
    return _CONTACT_INBOXES + conversation.visitor.id


def _referer(conversation: Conversation, position: int) -> str:
    """The URL of the page with the widget, as the widget tells it. `position` is 0 for the first, -1 for the last."""
    return conversation.pages[position].url if conversation.pages else ""


def _last_activity(conversation: Conversation) -> int:
    last = conversation.messages[-1].at if conversation.messages else 0
    return max(conversation.started_at, last)


def _unix(milliseconds: int) -> int:
    return milliseconds // 1000


def _or_empty(value: Any) -> Any:
    return "" if value is None else value
