"""The whole job of an integration with chatwoot-sdk. Arguments: URL, token, URL for webhooks, their events."""

import json
import sys

import httpx
from chatwoot import ChatwootClient

url, token, hook, events = sys.argv[1:5]
chatwoot = ChatwootClient(url, token)
account = chatwoot.profile.get().account_id
inbox = chatwoot.inboxes.list(account)[0]
# The client has no operation for webhooks.
httpx.post(
    f"{url}/api/v1/accounts/{account}/webhooks",
    headers={"api_access_token": token},
    json={"url": hook, "subscriptions": events.split(",")},
).raise_for_status()
known = chatwoot.contacts.search(account, "zoe@example.com")
made = chatwoot.contacts.create(account, inbox.id, name="Zoe Zed", email="zoe@example.com")
conversation = chatwoot.conversations.create(account, made.contact_inbox.source_id, inbox.id, made.contact.id)
message = chatwoot.messages.create(account, conversation.id, "Grüße 👋")
chatwoot.conversations.toggle_status(account, conversation.id, "resolved")
ended = chatwoot.conversations.get(account, conversation.id)
told = {"known": len(known), "conversation": conversation.id, "message": message.content, "status": ended.status}
print(json.dumps(told, default=str))
