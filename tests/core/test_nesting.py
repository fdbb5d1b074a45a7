"""How deeply a document is nested."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from vendorsim.core.nesting import is_deeper


@pytest.mark.parametrize(
    ("document", "levels"),
    [
        (1, 1),
        (None, 1),
        ("text", 1),
        ([], 1),
        ({}, 1),
        ([1], 2),
        ({"a": 1}, 2),
        ({"a": [1]}, 3),
        ([[], {"a": {"b": []}}, 1], 4),
        (orjson.loads(b"[" * 1000 + b"]" * 1000), 1000),
    ],
)
def test_a_document_is_deeper_than_fewer_levels_than_it_has(document: Any, levels: int) -> None:
    assert is_deeper(document, levels - 1)
    assert not is_deeper(document, levels)
