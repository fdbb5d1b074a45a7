"""A bot on FastAPI: answers the visitors of MessageHub by its API, and keeps what it still has to do in SQLite."""

from .api import MessageHub
from .app import create_app
from .replies import Replies
from .store import Store

__all__ = ["MessageHub", "Replies", "Store", "create_app"]
