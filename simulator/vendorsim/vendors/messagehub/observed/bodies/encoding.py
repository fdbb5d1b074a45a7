"""JSON as Rails writes it: special characters of HTML and JavaScript are lower-case escapes.

Signatures are made over these bytes.
"""

from __future__ import annotations

from typing import Any

import orjson

_ESCAPES = tuple((character.encode(), f"\\u{ord(character):04x}".encode()) for character in "<>&\u2028\u2029")


def encode(body: Any) -> bytes:
    """The bytes of a body. In JSON the escaped characters occur only inside strings, so bytes can be replaced."""
    found = orjson.dumps(body)
    for character, escape in _ESCAPES:
        found = found.replace(character, escape)
    return found
