"""An inbox and its settings, as the bodies of `inbox_created` and `inbox_updated` contain them.

Source of Chatwoot, v4.15.1: app/presenters/inbox/event_data_presenter.rb, app/models/channel/web_widget.rb.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.vendors.messagehub.bodies import inbox_id
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.bodies.parties import account_object
from vendorsim.vendors.messagehub.observed.memory import ChatwootMemory

_FIRST_WORKDAY, _LAST_WORKDAY = 1, 5

# The settings of a new inbox, in the order of the body.
DEFAULTS: Mapping[str, Any] = {
    "allow_messages_after_resolved": True,
    "lock_to_single_conversation": False,
    "auto_assignment_config": {},
    "enable_auto_assignment": True,
    "enable_email_collect": True,
    "greeting_enabled": False,
    "greeting_message": None,
    "csat_survey_enabled": False,
    "business_name": None,
    "sender_name_type": "friendly",
    "timezone": "UTC",
    "out_of_office_message": None,
    "working_hours_enabled": False,
}


def inbox_settings(conversation: Conversation, memory: ChatwootMemory) -> dict[str, Any]:
    """The settings of the inbox. Like the real bodies, without its id and name."""
    at = iso(memory.settings_updated_at or conversation.now)
    body = {key: _setting(memory.settings.get(key, default), default) for key, default in DEFAULTS.items()}
    body["working_hours"] = working_hours()
    body |= {"created_at": iso(conversation.started_at), "updated_at": at, "channel": _channel(conversation, at)}
    if memory.has(versions.ACCOUNT_IN_CONVERSATION):
        body["account"] = account_object(conversation.account)
    return body


def _setting(value: Any, default: Any) -> Any:
    """The scenario's value, or the default where the value is of another type."""
    return value if isinstance(value, str if default is None else type(default)) else default


def working_hours() -> list[dict[str, Any]]:
    """The opening hours of the days of a week."""
    return [_working_day(day) for day in range(7)]


def _working_day(day: int) -> dict[str, Any]:
    """The opening hours of a day, from 0 (Sunday) to 6 (Saturday)."""
    works = _FIRST_WORKDAY <= day <= _LAST_WORKDAY
    return {
        "day_of_week": day,
        "closed_all_day": not works,
        "open_hour": 9 if works else None,
        "open_minutes": 0 if works else None,
        "close_hour": 17 if works else None,
        "close_minutes": 0 if works else None,
        "open_all_day": False,
    }


def _channel(conversation: Conversation, at: str) -> dict[str, Any]:
    """The whole database row. Real servers send its secrets too; the ones here are obviously fake."""
    number = inbox_id(conversation.account)
    return {
        "id": number,
        "account_id": conversation.account.id,
        "website_url": "https://www.example.com",
        "website_token": f"fake-website-token-{number}",
        "hmac_token": f"fake-hmac-token-{number}",
        "hmac_mandatory": False,
        "created_at": iso(conversation.started_at),
        "updated_at": at,
    }
