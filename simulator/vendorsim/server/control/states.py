"""The states that a run has read from the integration, each beside the state that was expected. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.delivery.records import Probed

# Bytes of JSON above which a state is not shown.
LARGEST = 256 * 1024


def state_document(number: int, probed: Probed) -> dict[str, Any]:
    """Returns the outcome of a step that expects a state as JSON.

    `expected_state` is the state that was read, with the expected values in their places.
    """
    known = probed.state is not None and len(orjson.dumps(probed.state)) <= LARGEST
    return {
        "number": number,
        "conversation": str(probed.conversation),
        "verdict": probed.verdict,
        "reason": probed.reason,
        "expected": dict(probed.expected),
        "state": probed.state if known else None,
        "expected_state": expected_state(probed.state if known else None, probed.expected),
    }


def expected_state(state: Any, expected: Mapping[str, Any]) -> Any:
    """Returns the state with the expected values at their JSON pointers. Places that are missing are added."""
    document = deepcopy(state)
    for pointer, value in expected.items():
        document = _with(document, json_pointer.parse(pointer), value)
    return document


def _with(document: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    name, rest = path[0], path[1:]
    if isinstance(document, list) and name.isascii() and name.isdigit():
        position = min(int(name), len(document))
        document[position : position + 1] = [
            _with(document[position] if position < len(document) else None, rest, value)
        ]
        return document
    known = document if isinstance(document, dict) else {}
    known[name] = _with(known.get(name), rest, value)
    return known
