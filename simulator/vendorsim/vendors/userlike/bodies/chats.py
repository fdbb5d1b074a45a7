"""The bodies about a chat.

Today's bodies are published nowhere. These have the fields of the vendor's own older callbacks (`chat_meta`,
`operator`, `chat_widget`; samples in grokify/chathooks, docs/handlers/userlike) under today's documented types and
events. The contract labels every field.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from vendorsim.conversation.state import Agent, Conversation, Message
from vendorsim.core.seeding import derive
from vendorsim.core.times import moment
from vendorsim.vendors.userlike.bodies.people import client, custom_data, with_custom
from vendorsim.vendors.userlike.bodies.widgets import chat_widget
from vendorsim.vendors.userlike.memory import UserlikeMemory

# The only values in the older samples.
_MESSAGE_TYPE = "co"
SESSION_STATUS = "new"


def chat_session(event: str, conversation: Conversation, memory: UserlikeMemory) -> dict[str, Any]:
    """The session as it is now: the body of all `chat_session` events."""
    return chat("chat_session", event, SESSION_STATUS, memory.ended_at, conversation, memory)


def conversation_ended(conversation: Conversation, memory: UserlikeMemory) -> dict[str, Any]:
    """The conversation after its status was set to ended."""
    return chat("conversation", "ended", "ended", conversation.ended_at, conversation, memory)


def chat(
    kind: str, event: str, status: str, ended_at: int | None, conversation: Conversation, memory: UserlikeMemory
) -> dict[str, Any]:
    """A chat as it is now, as a body of this type and event. `ended_at` is in milliseconds since 1970."""
    visitor = conversation.visitor
    pages = conversation.pages
    body = {
        "_type": kind,
        "_event": event,
        "id": conversation.id,
        "status": status,
        "created_at": date(conversation.started_at),
        "ended_at": None if ended_at is None else date(ended_at),
        "duration": _duration((ended_at or conversation.now) - conversation.started_at),
        "browser_name": visitor.browser or "",
        "browser_os": visitor.system,
        "browser_version": visitor.browser_version,
        "chat_widget": chat_widget(conversation.account, memory.settings),
        "chat_widget_goal": memory.goal,
        **client(visitor),
        "data_privacy": False,
        "rate": conversation.rating,
        "feedback_message": memory.feedback,
        "post_survey_option": _survey_option(conversation.survey),
        "inital_url": pages[0].url if pages else "",
        "url": pages[-1].url if pages else "",
        "referrer": visitor.referer,
        "topic": None,
        "loc_city": visitor.city,
        "loc_country": visitor.country,
        "loc_lat": None,
        "loc_lon": None,
        "marked_read": conversation.agent_seen_at is not None and not memory.unread,
        "was_proactive": memory.proactive,
        "page_impressions": len(pages),
        "visits": 1,
        "messages": memory.messages.copy(),
        "notes": memory.notes.copy(),
        **operator("created", memory.operator_created),
        **operator("current", memory.operator),
    }
    if memory.operator is None and conversation.team is not None:
        body["operator_group"] = _group(conversation.team)
    return with_custom(body, custom_data(visitor) | conversation.attributes)


def message(written: Message) -> dict[str, Any]:
    """A public message. Without text, its text is the URLs of its files."""
    return {
        "message": written.text or " ".join(file.url or file.name for file in written.attachments),
        "person": (written.author.name or "") if written.author else "",
        "sent_at": date(written.at),
        "type": _MESSAGE_TYPE,
    }


def note(written: Message) -> dict[str, Any]:
    """A private note."""
    author = written.author
    assert isinstance(author, Agent)
    return {
        "body": written.text or "",
        "operator_id": author.id,
        "name": author.name,
        "sent_at": date(written.at),
    }


def goal(name: str) -> dict[str, Any]:
    """A goal that was reached. Its id is derived from its name."""
    return {"id": 1 + derive(0, "goal", name) % 9_000, "name": name}


def operator(role: str, agent: Agent | None, team: str | None = None) -> dict[str, Any]:
    """The fields of an operator in a chat, null if there is none. `role` is `created` or `current`. `team` is the group
    in which the chat waits for an operator, if that is told in place of the operator's own group."""
    if agent is None:
        return {f"operator_{role}": None, f"operator_{role}_id": None}
    told = {
        "id": agent.id,
        "name": agent.name,
        "first_name": agent.first_name,
        "last_name": agent.last_name,
        "email": agent.email,
        "operator_group": {"id": agent.group_id, "name": agent.group} if team is None else _group(team),
    }
    return {f"operator_{role}": told, f"operator_{role}_id": agent.id}


def _group(name: str) -> dict[str, Any]:
    """A group of operators, with the same id as in `Agent.group_id`."""
    return {"id": 1 + derive(0, "group", name) % 9_000, "name": name}


def _survey_option(answers: str | Mapping[str, Any] | None) -> str | None:
    """The chosen option; of a mapping, all answers."""
    if answers is None or isinstance(answers, str):
        return answers
    return ", ".join(str(answer) for answer in answers.values())


def date(milliseconds: int) -> str:
    """`2026-01-05 09:00:00`: UTC, without time zone and fraction."""
    return _date(milliseconds // 1000)


# Cached, and by whole seconds: all bodies of a conversation contain its start, and conversations overlap.
@lru_cache(maxsize=1_024)
def _date(seconds: int) -> str:
    return moment(seconds * 1000).isoformat(" ", "seconds")[:19]


def _duration(milliseconds: int) -> str:
    """`00:02:53`, truncated to the second."""
    return _clock(milliseconds // 1000)


@lru_cache(maxsize=1_024)
def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
