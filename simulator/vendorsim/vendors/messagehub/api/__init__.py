"""The API that integrations call: a part of Chatwoot's application API."""
