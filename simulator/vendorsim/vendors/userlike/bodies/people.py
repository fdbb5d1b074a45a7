"""Operators and contacts, and the visitor's data that chats contain too."""

from __future__ import annotations

from typing import Any

from vendorsim.conversation.state import Agent, Conversation, Visitor

# The only role in the older samples.
_ROLE, _ROLE_NAME = "a", "Admin"
# The registration fields of the older widget sample that fit a visitor's data.
PHONE, CUSTOMER_ID = "Phone number", "Customer ID"


def operator(event: str, agent: Agent, conversation: Conversation) -> dict[str, Any]:
    """An operator whose presence changes. `is_active` is true in all samples, even of operators who go offline."""
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
        **client(visitor),
        "loc_city": visitor.city,
        "loc_country": visitor.country,
    }
    return with_custom(body, custom_data(visitor))


def client(visitor: Visitor) -> dict[str, Any]:
    """The visitor in chats and contacts."""
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


def custom_data(visitor: Visitor) -> dict[str, Any]:
    """The custom data of the page. Userlike has no labels, so of a pair of label and value only the value is sent."""
    return {key: value["value"] if isinstance(value, dict) else value for key, value in visitor.custom.items()}


def with_custom(body: dict[str, Any], custom: dict[str, Any]) -> dict[str, Any]:
    """Adds `custom` to a body. As documented, it is left out where there is no custom data."""
    if custom:
        body["custom"] = custom
    return body
