"""How deep JSON documents are nested, measured before recursive functions walk through them; and their texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def is_deeper(document: Any, levels: int) -> bool:
    """Whether a document has more than `levels` levels of values. `{"a": [1]}` has three.

    Works level by level, without recursion, so it is safe for a document of any depth.
    """
    level = [document]
    for _ in range(levels):
        level = [
            below
            for item in level
            if isinstance(item, dict | list)
            for below in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def strings(value: Any) -> Iterator[str]:
    """Yields every text in a JSON document, the keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
