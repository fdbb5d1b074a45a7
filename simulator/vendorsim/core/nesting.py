"""How deeply a JSON document is nested: asked of what others sent, before anything walks through it recursively."""

from __future__ import annotations

from typing import Any


def is_deeper(document: Any, levels: int) -> bool:
    """Whether a document has more than `levels` levels of values. `{"a": [1]}` has three.

    Works level by level, without recursion, so that any document can be asked.
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
