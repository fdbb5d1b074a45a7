"""A helpdesk on FastAPI that keeps the chats of Smartsupp's POST hook: `uvicorn desk:app`.

`test_desk.py` holds it to the vendor's contract.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

LARGEST_BODY = 1024 * 1024


class Message(BaseModel):
    """One message of a chat; `sentAt` is in milliseconds since 1970."""

    type: str
    content: str
    sentAt: int
    name: str | None = None


class Channel(BaseModel):
    """The figures of a chat. Pydantic ignores keys that it does not know, as a receiver should."""

    id: int
    isChat: bool
    isMissed: bool
    isTriggered: bool
    isOffline: bool
    isCompleted: bool
    isDropped: bool
    duration: int
    avgResponse: int | None
    firstResponse: int | None
    messagesCount: int
    wordsCount: int
    rating: int | None
    ratingDesc: str | None


class Chat(BaseModel):
    """What Smartsupp posts when a chat is over."""

    channel: Channel
    messages: list[Message]


app = FastAPI()
chats: dict[int, Chat] = {}


async def acceptable(request: Request) -> None:
    """Refuses bodies that are too large or not declared as JSON, before they are parsed."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Content-Type must be application/json")
    if len(await request.body()) > LARGEST_BODY:
        raise HTTPException(413, "the body is too large")


@app.post("/hooks/smartsupp", dependencies=[Depends(acceptable)])
async def hook(chat: Chat) -> dict[str, str]:
    """Keeps a chat by its id. A chat that goes on is posted again; an older one that comes late has fewer messages."""
    known = chats.get(chat.channel.id)
    if known is None or len(chat.messages) >= len(known.messages):
        chats[chat.channel.id] = chat
    return {"message": "kept"}


@app.get("/chats/{number}")
async def read(number: int) -> Any:
    """Shows a chat, for the helpdesk's own pages and as a probe of its tests."""
    if number not in chats:
        raise HTTPException(404, "no such chat")
    return chats[number]
