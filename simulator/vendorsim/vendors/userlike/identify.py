"""What the bodies of all profiles say about themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def identify(names: Collection[str], body: Any) -> str | None:
    """The event of a body, by its type and event. None where it is not in `names`."""
    if not isinstance(body, dict):
        return None
    name = f"{body.get('_type')}.{body.get('_event')}"
    return name if name in names else None


def order_key(event: str, body: Any) -> str | None:
    """The newest time in the body of a chat, to the second. None for bodies without messages.

    Durations are not used, since they no longer change after the end.
    """
    if "messages" not in body:
        return None
    written = [item["sent_at"] for item in (*body["messages"], *body["notes"])]
    newest: str = max(body["created_at"], body["ended_at"] or "", *written)
    return newest
