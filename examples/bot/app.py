"""The web app: takes MessageHub's webhooks, and shows what became of a visitor's messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from .replies import Replies, unwanted
from .store import Question, Store

LARGEST_BODY = 1024 * 1024
# `incoming` in the bodies of the help page and in those that servers send.
INCOMING = (0, "incoming")


def create_app(replies: Replies) -> FastAPI:
    """Creates the app. Replies are sent in its event loop, as long as it runs."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        await replies.start()
        yield
        await replies.stop()

    app = FastAPI(lifespan=running)
    store: Store = replies.store

    @app.post("/hooks/messagehub")
    async def hook(request: Request) -> dict[str, str]:
        body = await read(request)
        question = question_in(body)
        if question is None:
            return {"message": "nothing to reply to"}
        if not store.add(question):
            return {"message": "known"}
        replies.submit(question)
        return {"message": "taken"}

    @app.get("/conversations/{conversation}")
    async def outcomes(conversation: int) -> Any:
        found = store.outcomes(conversation)
        if not found:
            raise HTTPException(404, "no such conversation")
        return found

    return app


async def read(request: Request) -> dict[str, Any]:
    """The JSON object of a webhook. Raises HTTPException."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Content-Type must be application/json")
    raw = await request.body()
    if len(raw) > LARGEST_BODY:
        raise HTTPException(413, "the body is too large")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("event"), str):
        raise HTTPException(400, "the body must be an object with an event")
    return body


def question_in(body: dict[str, Any]) -> Question | None:
    """The visitor's message in a webhook that needs a reply, or None. Raises HTTPException.

    None for all that is not a new message of the visitor: the bot's own replies come back as webhooks, and so do
    private notes, what agents and other bots write, and messages that were changed.
    """
    number = needed(body, "id", int)
    if not body["event"].startswith("message_"):
        return None
    message_type = needed(body, "message_type", int, str)
    private = needed(body, "private", bool)
    account = needed(needed(body, "account", dict), "id", int)
    conversation = needed(body, "conversation", dict)
    conversation_id = needed(conversation, "id", int)
    is_question = body["event"] == "message_created" and message_type in INCOMING and not private
    if not is_question or unwanted(conversation):
        return None
    return Question(number, account, conversation_id, str(body.get("content") or ""))


def needed(value: dict[str, Any], key: str, *kinds: type) -> Any:
    """A value of one of these types. Raises HTTPException."""
    found = value.get(key)
    if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
        raise HTTPException(400, f"{key}: expected {' or '.join(kind.__name__ for kind in kinds)}")
    return found
