"""The list of the API's operations. It needs no Flask."""

from __future__ import annotations

from vendorsim.core.provenance import RECONSTRUCTED
from vendorsim.vendorkit.vendor import Operation

SOURCE = "chatwoot/chatwoot, swagger/paths/application and app/controllers/api/v1/accounts"
# The header that holds the token.
TOKEN_HEADER = "api_access_token"
_ACCOUNT = "/api/v1/accounts/:account_id"
_WEBHOOKS = f"{_ACCOUNT}/webhooks"
_CONVERSATIONS = f"{_ACCOUNT}/conversations"
_CONVERSATION = f"{_CONVERSATIONS}/:conversation_id"

OPERATIONS = tuple(
    Operation(name, method, path, RECONSTRUCTED, SOURCE)
    for name, method, path in (
        ("list_webhooks", "GET", _WEBHOOKS),
        ("create_webhook", "POST", _WEBHOOKS),
        ("update_webhook", "PATCH", f"{_WEBHOOKS}/:webhook_id"),
        ("delete_webhook", "DELETE", f"{_WEBHOOKS}/:webhook_id"),
        ("list_conversations", "GET", _CONVERSATIONS),
        ("create_conversation", "POST", _CONVERSATIONS),
        ("show_conversation", "GET", _CONVERSATION),
        ("list_messages", "GET", f"{_CONVERSATION}/messages"),
        ("create_message", "POST", f"{_CONVERSATION}/messages"),
        ("delete_message", "DELETE", f"{_CONVERSATION}/messages/:message_id"),
        ("toggle_status", "POST", f"{_CONVERSATION}/toggle_status"),
        ("assign_conversation", "POST", f"{_CONVERSATION}/assignments"),
        ("list_labels", "GET", f"{_CONVERSATION}/labels"),
        ("set_labels", "POST", f"{_CONVERSATION}/labels"),
        ("set_custom_attributes", "POST", f"{_CONVERSATION}/custom_attributes"),
        ("toggle_typing_status", "POST", f"{_CONVERSATION}/toggle_typing_status"),
        ("update_last_seen", "POST", f"{_CONVERSATION}/update_last_seen"),
        ("list_agents", "GET", f"{_ACCOUNT}/agents"),
        ("list_teams", "GET", f"{_ACCOUNT}/teams"),
    )
)
