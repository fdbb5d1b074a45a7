"""The bodies of the API add-on's callbacks.

Today's bodies are published nowhere. These carry the fields of the vendor's own older callbacks
(`chat_meta`, `operator`, `chat_widget`; samples in grokify/chathooks, docs/handlers/userlike) under
today's documented types and events. The contract labels every field.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from vendorsim.conversation.state import Agent, Conversation, Message, Visitor
from vendorsim.core.seeding import derive
from vendorsim.core.times import moment
from vendorsim.vendors.userlike.session import Session

# The only values that the older samples show.
_MESSAGE_TYPE = "co"
SESSION_STATUS = "new"
_ROLE, _ROLE_NAME = "a", "Admin"
# The registration fields of the older widget sample that a visitor's data fit.
PHONE, CUSTOMER_ID = "Phone number", "Customer ID"


def chat_session(event: str, conversation: Conversation, session: Session) -> dict[str, Any]:
    """The session as it is now; all `chat_session` events have this body."""
    return chat("chat_session", event, SESSION_STATUS, session.ended_at, conversation, session)


def conversation_ended(conversation: Conversation, session: Session) -> dict[str, Any]:
    """The conversation as it is now; a manual send has this body too, whatever the status is."""
    status = "ended" if conversation.ended else SESSION_STATUS
    return chat("conversation", "ended", status, conversation.ended_at, conversation, session)


def chat(
    kind: str, event: str, status: str, ended_at: int | None, conversation: Conversation, session: Session
) -> dict[str, Any]:
    """All that is known of a chat now, as a body of this type and event. `ended_at` is in milliseconds since 1970."""
    visitor = conversation.visitor
    pages = conversation.pages
    created = _operator_created(conversation, session)
    current = session.operator or created
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
        "chat_widget": {"id": conversation.account.id, "name": conversation.account.name},
        "chat_widget_goal": session.goal,
        **_client(visitor),
        "data_privacy": False,
        "rate": conversation.rating,
        "feedback_message": session.feedback,
        "post_survey_option": _survey_option(conversation.survey),
        "inital_url": pages[0].url if pages else "",
        "url": pages[-1].url if pages else "",
        "referrer": visitor.referer,
        "topic": None,
        "loc_city": visitor.city,
        "loc_country": visitor.country,
        "loc_lat": None,
        "loc_lon": None,
        "marked_read": conversation.agent_seen_at is not None and not session.unread,
        "was_proactive": session.proactive,
        "page_impressions": len(pages),
        "visits": 1,
        "messages": session.messages.copy(),
        "notes": session.notes.copy(),
        "operator_created": _operator(created, None),
        "operator_created_id": created.id,
        "operator_current": _operator(current, conversation.team if session.operator is None else None),
        "operator_current_id": current.id,
    }
    return _with_custom(body, _custom(visitor) | conversation.attributes)


def message(written: Message) -> dict[str, Any]:
    """One public message. One without text is told by the addresses of its files."""
    return {
        "message": written.text or " ".join(file.url or file.name for file in written.attachments),
        "person": (written.author.name or "") if written.author else "",
        "sent_at": date(written.at),
        "type": _MESSAGE_TYPE,
    }


def note(written: Message) -> dict[str, Any]:
    """One private note."""
    author = written.author
    assert isinstance(author, Agent)
    return {
        "body": written.text or "",
        "operator_id": author.id,
        "name": author.name,
        "sent_at": date(written.at),
    }


def goal(name: str) -> dict[str, Any]:
    """A goal that was reached; its id is made of its name."""
    return {"id": 1 + derive(0, "goal", name) % 9_000, "name": name}


def operator(event: str, agent: Agent, conversation: Conversation) -> dict[str, Any]:
    """An operator whose presence changes. `is_active` is true even in the samples of those who go offline."""
    return {
        "_type": "operator",
        "_event": event,
        "id": agent.id,
        "operator_group_id": agent.group_id,
        "operator_group": {"id": agent.group_id, "name": agent.group},
        "name": agent.name,
        "first_name": agent.first_name,
        "last_name": agent.last_name,
        "email": agent.email,
        "username": agent.key,
        "jid": agent.email,
        "is_active": True,
        "role": _ROLE,
        "role_name": _ROLE_NAME,
        "lang": conversation.locale.partition("_")[0],
        "locale": conversation.locale,
        "timezone": "UTC",
        "dashboard_url": f"https://userlike.example.com/dashboard/config/operator/edit/{agent.id}",
        "url_image": f"userlike.example.com/operators/{agent.id}_80x80.jpg",
    }


def contact(event: str, visitor: Visitor) -> dict[str, Any]:
    """A contact as it is now."""
    body = {
        "_type": "contact",
        "_event": event,
        "id": visitor.id,
        **_client(visitor),
        "loc_city": visitor.city,
        "loc_country": visitor.country,
    }
    return _with_custom(body, _custom(visitor))


def widget(conversation: Conversation) -> dict[str, Any]:
    """A widget's settings before anybody has changed one: those of the older callback that are known by meaning."""
    account = conversation.account
    key = "".join(f"{derive(account.id, 'widget', part):016x}" for part in range(4))
    site = "https://userlike.example.com"
    script = f"userlike.example.com/static/chat/widgets/{key}.js"
    return {
        "id": account.id,
        "widget_id": account.id,
        "customer_id": account.id,
        "operator_group_id": conversation.default_agent().group_id,
        "widget_version": 2,
        "name": account.name,
        "lang": conversation.locale.partition("_")[0],
        "locale": conversation.locale,
        "widget_key": key,
        "widget_type": "d",
        "widget_external_type": "web",
        "offline_mode": "message",
        "orientation": "bottomRight",
        "tracking": "disabled",
        "status_url": f"{site}/status/{account.id}",
        "test_url": f"{site}/test/{account.id}",
        "custom_url": f"{site}/custom/{account.id}",
        "rating_enabled": True,
        "post_survey_enabled": True,
        "mode_proactive": False,
        "is_default": False,
        "post_survey_option01": "Very dissatisfied",
        "post_survey_option02": "Dissatisfied",
        "post_survey_option03": "Satisfied",
        "post_survey_option04": "Very satisfied",
        "pre_survey_option01": "Product",
        "pre_survey_option02": "Delivery",
        "pre_survey_option03": "Support",
        "pre_survey_option04": "",
        "goals": [],
        "chat_inactive_timeout": 600,
        "inactivity_timeout": 60,
        "cookie_expire": 365,
        "javascript_loader_snippet": f'<script type="text/javascript" src="https://{script}"></script>',
    }


def widget_config(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The callback that tells a widget's settings."""
    return {"_type": kind, "_event": "config", **settings}


def _client(visitor: Visitor) -> dict[str, Any]:
    phone, identifier = visitor.phone, visitor.identifier
    return {
        "client_uuid": visitor.token,
        "client_name": visitor.name or "",
        "client_email": visitor.email or "",
        "client_additional01_name": None if phone is None else PHONE,
        "client_additional01_value": phone,
        "client_additional02_name": None,
        "client_additional02_value": None,
        "client_additional03_name": None if identifier is None else CUSTOMER_ID,
        "client_additional03_value": identifier,
    }


def _custom(visitor: Visitor) -> dict[str, Any]:
    """The custom data that the page hands over; Userlike knows no labels, so only the value of a pair goes out."""
    return {key: value["value"] if isinstance(value, dict) else value for key, value in visitor.custom.items()}


def _with_custom(body: dict[str, Any], custom: dict[str, Any]) -> dict[str, Any]:
    """The page promises `custom` only when there is custom data, so without any it is left out."""
    if custom:
        body["custom"] = custom
    return body


def _operator_created(conversation: Conversation, session: Session) -> Agent:
    """Who had it first. The older callbacks name an operator from the start, so it is routed to the cast's first."""
    if session.operator_created is None:
        session.operator_created = session.operator or conversation.default_agent()
    return session.operator_created


def _operator(agent: Agent, team: str | None) -> dict[str, Any]:
    """An operator in a chat; `team` is the group that the chat waits in while nobody has taken it."""
    group = {"id": agent.group_id, "name": agent.group}
    if team is not None:
        # The same number as the group has when it is an agent's.
        group = {"id": 1 + derive(0, "group", team) % 9_000, "name": team}
    return {
        "id": agent.id,
        "name": agent.name,
        "first_name": agent.first_name,
        "last_name": agent.last_name,
        "email": agent.email,
        "operator_group": group,
    }


def _survey_option(answers: str | Mapping[str, Any] | None) -> str | None:
    """The chosen option; of a mapping of answers, all that was answered."""
    if answers is None or isinstance(answers, str):
        return answers
    return ", ".join(str(answer) for answer in answers.values())


# Kept, since all bodies of a conversation tell when it began.
@lru_cache(maxsize=1_024)
def date(milliseconds: int) -> str:
    """`2026-01-05 09:00:00`: UTC, without a zone and without a fraction."""
    return moment(milliseconds).isoformat(" ", "seconds")[:19]


# Kept, since the conversations of a scenario last equally long.
@lru_cache(maxsize=1_024)
def _duration(milliseconds: int) -> str:
    """`00:02:53`, truncated to the second."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
