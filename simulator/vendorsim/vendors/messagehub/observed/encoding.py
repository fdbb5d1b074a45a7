"""JSON as Rails writes it: characters that mean something to HTML or JavaScript as lower-case escapes, all others as
they are. Signatures are made over these bytes."""

from __future__ import annotations

from typing import Any

import orjson

_ESCAPES = tuple((character.encode(), f"\\u{ord(character):04x}".encode()) for character in "<>&\u2028\u2029")


def encode(body: Any) -> bytes:
    """The bytes of a body. These characters stand in texts only, so that the bytes can be replaced."""
    found = orjson.dumps(body)
    for character, escape in _ESCAPES:
        found = found.replace(character, escape)
    return found
