"""Where the control API stands."""

from __future__ import annotations

PREFIX = "/_vendorsim/api"


def is_control(path: str) -> bool:
    """Whether an address belongs to the control API: its errors are problem documents then."""
    return path == PREFIX or path.startswith(PREFIX + "/")
