"""The kinds of personal data that a field of a contract can hold: its annotation `x-personal`.

The annotation is ours: it says what the field is for, not what the vendor says about it, so it needs no source.
"""

from __future__ import annotations

KEYWORD = "x-personal"
KINDS = {
    "name": "a person's name, or a part of it",
    "email": "a mail address",
    "phone": "a telephone number",
    "ip": "an IP address",
    "place": "a city or coordinates of a person",
    "token": "a secret: a token, a key, a password",
    "url": "the address of a person's picture or file",
    "value": "anything else about a person",
    "text": "a text that people write",
    "id": "an id of a person, a conversation or another object",
}
