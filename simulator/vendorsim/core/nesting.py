"""Measures the nesting of JSON documents from outside, before recursive functions walk through them."""

from __future__ import annotations

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
