"""What the bodies of every profile tell about themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def identify(names: Collection[str], body: Any) -> str | None:
    """Which of these events a captured body is, by its type and event; None for anything else."""
    if not isinstance(body, dict):
        return None
    name = f"{body.get('_type')}.{body.get('_event')}"
    return name if name in names else None


def order_key(event: str, body: Any) -> str | None:
    """The newest time in the body of a chat, to the second; the durations beside them are left out, since they stop
    at the end. Bodies that tell no messages have no time of change."""
    if "messages" not in body:
        return None
    written = [item["sent_at"] for item in (*body["messages"], *body["notes"])]
    newest: str = max(body["created_at"], body["ended_at"] or "", *written)
    return newest
