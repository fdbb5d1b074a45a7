"""The paths of the control API and of the page."""

from __future__ import annotations

PAGE = "/_vendorsim"
PREFIX = f"{PAGE}/api"


def is_control(path: str) -> bool:
    """Whether a path belongs to the control API, whose errors are problem documents."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def is_workbench(path: str) -> bool:
    """Whether a path belongs to the control API or the page, not to a vendor's API."""
    return path in ("/", PAGE) or path.startswith(PAGE + "/")
