"""Integrations that keep the messages of MessageHub by conversation, with and without a race between two requests."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, jsonify, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from vendorsim.testing.app_server import app_server

Messages = dict[int, list[dict[str, Any]]]


class Kept:
    """What was stored: rows of (conversation, message id, text), as a database without constraints would keep them."""

    def __init__(self, gap: float) -> None:
        self.gap = gap
        self.rows: list[tuple[int, int, str]] = []
        self.documents: dict[int, str] = {}
        self.arrived: dict[int, str] = {}
        self.locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self.lock = threading.Lock()
        self.current: int | None = None

    def work(self) -> None:
        """The work between looking and writing."""
        time.sleep(self.gap)

    def state(self, conversation: int) -> dict[str, Any] | None:
        if conversation in self.arrived:
            return {"texts": [text for _, text in json.loads(self.arrived[conversation])]}
        if conversation in self.documents:
            return {"texts": sorted(json.loads(self.documents[conversation]).values())}
        texts = sorted(text for owner, _, text in list(self.rows) if owner == conversation)
        return {"texts": texts} if texts else None


def look_then_insert(kept: Kept, conversation: int, number: int, text: str) -> None:
    """Looks whether the message is there, and inserts it if not."""
    known = any(row[:2] == (conversation, number) for row in list(kept.rows))
    kept.work()
    if not known:
        kept.rows.append((conversation, number, text))


def look_then_append(kept: Kept, conversation: int, number: int, text: str) -> None:
    """The same, in one list per conversation, in the order of arrival."""
    messages = json.loads(kept.arrived.setdefault(conversation, "[]"))
    kept.work()
    if number not in (known for known, _ in messages):
        with kept.lock:
            kept.arrived[conversation] = json.dumps([*json.loads(kept.arrived[conversation]), (number, text)])


def read_and_write_back(kept: Kept, conversation: int, number: int, text: str) -> None:
    """Reads the whole conversation, and writes it back with the message."""
    document = json.loads(kept.documents.get(conversation, "{}"))
    kept.work()
    document[str(number)] = text
    kept.documents[conversation] = json.dumps(document)


def current_conversation(kept: Kept, conversation: int, number: int, text: str) -> None:
    """Keeps the conversation in one variable for all requests while it works."""
    kept.current = conversation
    kept.work()
    with kept.lock:
        if not any(row[1] == number for row in kept.rows):
            kept.rows.append((kept.current, number, text))


def locked(kept: Kept, conversation: int, number: int, text: str) -> None:
    """Does the same as `look_then_insert`, one request of a conversation at a time."""
    with kept.locks[conversation]:
        look_then_insert(kept, conversation, number, text)


def unique(kept: Kept, conversation: int, number: int, text: str) -> None:
    """Works first, and inserts what is not there yet in one step."""
    kept.work()
    with kept.lock:
        if not any(row[:2] == (conversation, number) for row in kept.rows):
            kept.rows.append((conversation, number, text))


Store = Callable[[Kept, int, int, str], None]


def _message(body: Any) -> tuple[int, int, str] | None:
    if not isinstance(body, dict) or body.get("event") != "message_created":
        return None
    return int(body["conversation"]["id"]), int(body["id"]), str(body["content"])


@contextmanager
def threaded(store: Store, gap: float) -> Iterator[str]:
    """A Flask app on a server with threads. Yields its URL."""
    kept, app = Kept(gap), Flask(__name__)

    @app.post("/hook")
    def hook() -> dict[str, Any]:
        message = _message(request.get_json(silent=True))
        if message is not None:
            store(kept, *message)
        return {}

    @app.get("/state/<int:conversation>")
    def state(conversation: int) -> Response | tuple[dict[str, Any], int]:
        found = kept.state(conversation)
        return jsonify(found) if found else ({}, 404)

    with app_server(app) as server:
        yield server.url


def asynchronous_app(gap: float, *, careful: bool) -> Starlette:
    """An ASGI app that awaits between looking and inserting; a careful one holds a lock meanwhile."""
    kept, lock = Kept(gap), asyncio.Lock()

    async def insert(conversation: int, number: int, text: str) -> None:
        known = any(row[:2] == (conversation, number) for row in kept.rows)
        await asyncio.sleep(gap)
        if not known:
            kept.rows.append((conversation, number, text))

    async def hook(received: Request) -> JSONResponse:
        message = _message(json.loads(await received.body()))
        if message is not None and careful:
            async with lock:
                await insert(*message)
        elif message is not None:
            await insert(*message)
        return JSONResponse({})

    async def state(asked: Request) -> JSONResponse:
        found = kept.state(asked.path_params["conversation"])
        return JSONResponse(found, 200 if found else 404)

    return Starlette(
        routes=[Route("/hook", hook, methods=["POST"]), Route("/state/{conversation:int}", state, methods=["GET"])]
    )
