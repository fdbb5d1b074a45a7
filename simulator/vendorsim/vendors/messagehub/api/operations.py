"""The list of the API's operations. It needs no Flask."""

from __future__ import annotations

from vendorsim.core.provenance import RECONSTRUCTED
from vendorsim.vendorkit.vendor import Operation

SOURCE = "chatwoot/chatwoot, swagger/paths/application and app/controllers/api/v1/accounts"
# The header that holds the token.
TOKEN_HEADER = "api_access_token"
# Where the URLs of files lead.
FILES = "/rails/active_storage/blobs/redirect"
_FILES_SOURCE = "rails/rails, activestorage/config/routes.rb; chatwoot/chatwoot, app/models/attachment.rb (file_url)"
_ACCOUNT = "/api/v1/accounts/:account_id"
_WEBHOOKS = f"{_ACCOUNT}/webhooks"
_CONVERSATIONS = f"{_ACCOUNT}/conversations"
_CONVERSATION = f"{_CONVERSATIONS}/:conversation_id"
_CONTACTS = f"{_ACCOUNT}/contacts"
_CONTACT = f"{_CONTACTS}/:contact_id"
_CANNED = f"{_ACCOUNT}/canned_responses"

OPERATIONS = tuple(
    Operation(name, method, path, RECONSTRUCTED, SOURCE)
    for name, method, path in (
        ("list_webhooks", "GET", _WEBHOOKS),
        ("create_webhook", "POST", _WEBHOOKS),
        ("update_webhook", "PATCH", f"{_WEBHOOKS}/:webhook_id"),
        ("delete_webhook", "DELETE", f"{_WEBHOOKS}/:webhook_id"),
        ("list_conversations", "GET", _CONVERSATIONS),
        ("create_conversation", "POST", _CONVERSATIONS),
        ("count_conversations", "GET", f"{_CONVERSATIONS}/meta"),
        ("filter_conversations", "POST", f"{_CONVERSATIONS}/filter"),
        ("show_conversation", "GET", _CONVERSATION),
        ("update_conversation", "PATCH", _CONVERSATION),
        ("delete_conversation", "DELETE", _CONVERSATION),
        ("list_messages", "GET", f"{_CONVERSATION}/messages"),
        ("create_message", "POST", f"{_CONVERSATION}/messages"),
        ("update_message", "PATCH", f"{_CONVERSATION}/messages/:message_id"),
        ("delete_message", "DELETE", f"{_CONVERSATION}/messages/:message_id"),
        ("toggle_status", "POST", f"{_CONVERSATION}/toggle_status"),
        ("toggle_priority", "POST", f"{_CONVERSATION}/toggle_priority"),
        ("mute", "POST", f"{_CONVERSATION}/mute"),
        ("unmute", "POST", f"{_CONVERSATION}/unmute"),
        ("assign_conversation", "POST", f"{_CONVERSATION}/assignments"),
        ("list_labels", "GET", f"{_CONVERSATION}/labels"),
        ("set_labels", "POST", f"{_CONVERSATION}/labels"),
        ("set_custom_attributes", "POST", f"{_CONVERSATION}/custom_attributes"),
        ("toggle_typing_status", "POST", f"{_CONVERSATION}/toggle_typing_status"),
        ("update_last_seen", "POST", f"{_CONVERSATION}/update_last_seen"),
        ("list_contacts", "GET", _CONTACTS),
        ("create_contact", "POST", _CONTACTS),
        ("search_contacts", "GET", f"{_CONTACTS}/search"),
        ("filter_contacts", "POST", f"{_CONTACTS}/filter"),
        ("show_contact", "GET", _CONTACT),
        ("update_contact", "PATCH", _CONTACT),
        ("replace_contact", "PUT", _CONTACT),
        ("delete_contact", "DELETE", _CONTACT),
        ("list_contact_conversations", "GET", f"{_CONTACT}/conversations"),
        ("create_contact_inbox", "POST", f"{_CONTACT}/contact_inboxes"),
        ("list_contactable_inboxes", "GET", f"{_CONTACT}/contactable_inboxes"),
        ("list_inboxes", "GET", f"{_ACCOUNT}/inboxes"),
        ("show_inbox", "GET", f"{_ACCOUNT}/inboxes/:inbox_id"),
        ("show_profile", "GET", "/api/v1/profile"),
        ("list_canned_responses", "GET", _CANNED),
        ("create_canned_response", "POST", _CANNED),
        ("update_canned_response", "PATCH", f"{_CANNED}/:response_id"),
        ("replace_canned_response", "PUT", f"{_CANNED}/:response_id"),
        ("delete_canned_response", "DELETE", f"{_CANNED}/:response_id"),
        ("list_agents", "GET", f"{_ACCOUNT}/agents"),
        ("list_teams", "GET", f"{_ACCOUNT}/teams"),
    )
) + tuple(
    Operation(name, "GET", path, RECONSTRUCTED, _FILES_SOURCE)
    for name, path in (
        ("redirect_to_file", f"{FILES}/:key/:name"),
        ("download_file", "/rails/active_storage/disk/:key/:name"),
    )
)
