"""What real servers send: Chatwoot, on which MessageHub is built, from version 2.5 to 4.15."""
