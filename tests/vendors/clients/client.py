"""The whole job of an integration with chatwoot-client. Arguments: URL, token, URL for webhooks, their events."""

import json
import sys

from chatwoot_client import ChatwootClient

url, token, hook, events = sys.argv[1:5]
chatwoot = ChatwootClient(f"{url}/", token)
account = chatwoot.client.get("api/v1/profile")["account_id"]
inbox = chatwoot.inboxes.list(account)["payload"][0]
chatwoot.webhooks.create(account, {"url": hook, "subscriptions": events.split(",")})
known = chatwoot.contacts.search(account, {"q": "zoe@example.com"})["payload"]
person = {"inbox_id": inbox["id"], "name": "Zoe Zed", "email": "zoe@example.com"}
made = chatwoot.contacts.create(account, person)["payload"]
begun = {"source_id": made["contact_inbox"]["source_id"], "inbox_id": inbox["id"], "contact_id": made["contact"]["id"]}
conversation = chatwoot.conversations.create(account, begun)["id"]
message = chatwoot.messages.create(account, conversation, {"content": "Grüße 👋", "message_type": "outgoing"})
# It sends no status: the open conversation is resolved.
chatwoot.conversations.toggle_status(account, conversation)
ended = chatwoot.conversations.get(account, conversation)
told = {
    "known": len(known),
    "conversation": conversation,
    "message": message["content"],
    "status": ended["status"],
}
print(json.dumps(told))
