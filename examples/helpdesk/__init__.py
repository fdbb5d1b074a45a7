"""A helpdesk: keeps the chats of five vendors as tickets, and tells Google CCAI Platform who the visitor is."""

from .app import create_app
from .end_user import EndUser
from .store import Store

__all__ = ["EndUser", "Store", "create_app"]
