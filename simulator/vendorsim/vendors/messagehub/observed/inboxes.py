"""An inbox and its settings, which a scenario's `configure_widget` sets up and changes.

Source of Chatwoot, v4.15.1: app/presenters/inbox/event_data_presenter.rb, app/models/channel/web_widget.rb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorsim.conversation.changes import WidgetConfigured
from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.vendorkit.profile import Draft, Reaction
from vendorsim.vendors.messagehub.observed import versions
from vendorsim.vendors.messagehub.observed.changes import Changes, changed
from vendorsim.vendors.messagehub.observed.names import INBOX_CREATED, INBOX_UPDATED
from vendorsim.vendors.messagehub.observed.notes import Notes
from vendorsim.vendors.messagehub.observed.parties import account_object, inbox_id

_FIRST_WORKDAY, _LAST_WORKDAY = 1, 5

# What an inbox is like that nobody has set up differently. The order is that of the body.
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


def inbox_settings(conversation: Conversation, notes: Notes) -> dict[str, Any]:
    """The settings of the inbox, without its id and its name, which the real bodies don't have either."""
    at = iso(notes.settings_updated_at or conversation.now)
    body = {key: _setting(notes.settings.get(key, default), default) for key, default in DEFAULTS.items()}
    body["working_hours"] = [_working_day(day) for day in range(7)]
    body |= {"created_at": iso(conversation.started_at), "updated_at": at, "channel": _channel(conversation, at)}
    if notes.has(versions.ACCOUNT_IN_CONVERSATION):
        body["account"] = account_object(conversation.account)
    return body


def _setting(value: Any, default: Any) -> Any:
    """A scenario's value where it is of the kind that this setting has."""
    return value if isinstance(value, str if default is None else type(default)) else default


def _working_day(day: int) -> dict[str, Any]:
    """From Sunday, 0, to Saturday, 6."""
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
    """The whole row, with its secrets: here obviously false ones."""
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


def _configured(change: WidgetConfigured, conversation: Conversation, notes: Notes) -> Iterator[Draft]:
    """The first time sets the inbox up. A setting that Chatwoot doesn't know shows in what has changed only."""
    first = notes.settings_updated_at is None
    made = _saved(change.settings, conversation, notes)
    if not notes.has(versions.INBOX_EVENTS):
        return
    if first:
        yield Draft(INBOX_CREATED, lambda: {**inbox_settings(conversation, notes), "event": INBOX_CREATED})
    elif made:
        event = {"event": INBOX_UPDATED, "changed_attributes": made}
        yield Draft(INBOX_UPDATED, lambda: {**inbox_settings(conversation, notes), **event})


def _saved(settings: Mapping[str, Any], conversation: Conversation, notes: Notes) -> Changes:
    before = {**DEFAULTS, **notes.settings}
    notes.settings = {**notes.settings, **settings}
    made = [changed(key, before.get(key), value) for key, value in settings.items() if before.get(key) != value]
    earlier = notes.settings_updated_at
    if earlier is None:
        notes.settings_updated_at = conversation.now
        return made
    if made:
        notes.settings_updated_at = max(conversation.now, earlier + 1)
        made.append(changed("updated_at", iso(earlier), iso(notes.settings_updated_at)))
    return made


WIDGET_REACTIONS: Mapping[type, Reaction] = {WidgetConfigured: _configured}
