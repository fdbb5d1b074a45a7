"""Bounds the size of a document: what does not fit is cut off, and the document says so. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer

LARGEST = 60_000
"""Bytes of JSON that a result may have."""
CUT_OFF = "cut_off"
# Items of a list or mapping, and characters of a text, that are kept; the first pair that fits is taken.
_LEVELS = ((1_000, 20_000), (300, 4_000), (100, 2_000), (50, 1_000), (30, 600), (20, 300), (10, 200), (5, 100), (2, 60))
_MOST_NOTES = 20


def bounded(document: dict[str, Any], largest: int = LARGEST) -> dict[str, Any]:
    """Returns the document, or a shorter one of at most `largest` bytes of JSON (at least 2,000).

    Long lists, mappings and texts lose their ends. `cut_off` then lists where, and how much is shown.
    """
    if _size(document) <= largest:
        return document
    for items, characters in _LEVELS:
        notes: list[str] = []
        shorter = _shortened(document, items, characters, "", notes)
        told = notes[:_MOST_NOTES] + ([f"and {len(notes) - _MOST_NOTES} more places"] if notes[_MOST_NOTES:] else [])
        shorter = {CUT_OFF: told, **shorter}
        if _size(shorter) <= largest:
            return shorter
    return {CUT_OFF: [f"all: the result has {_size(document):,} bytes; ask for less"]}


def _size(document: dict[str, Any]) -> int:
    return len(orjson.dumps(document))


def _shortened(value: Any, items: int, characters: int, pointer: str, notes: list[str]) -> Any:
    if isinstance(value, str) and len(value) > characters:
        notes.append(f"{pointer}: {characters:,} of {len(value):,} characters")
        return value[:characters] + "…"
    if isinstance(value, list | tuple | dict) and len(value) > items:
        notes.append(f"{pointer}: {items:,} of {len(value):,} items")
    if isinstance(value, dict):
        kept = list(value.items())[:items]
        return {key: _shortened(item, items, characters, json_pointer.child(pointer, key), notes) for key, item in kept}
    if isinstance(value, list | tuple):
        return [
            _shortened(item, items, characters, json_pointer.child(pointer, position), notes)
            for position, item in enumerate(value[:items])
        ]
    return value
