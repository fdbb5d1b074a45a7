"""The path prefix of the control API."""

from __future__ import annotations

PREFIX = "/_vendorsim/api"


def is_control(path: str) -> bool:
    """Whether a path belongs to the control API, whose errors are problem documents."""
    return path == PREFIX or path.startswith(PREFIX + "/")
