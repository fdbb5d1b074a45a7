"""A receiver of Smartsupp's POST hook on FastAPI: `uvicorn receiver_fastapi:app`; BUG=strict-keys breaks it."""

from __future__ import annotations

import os
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict

LARGEST_BODY = 1024 * 1024
app = FastAPI()


class Message(BaseModel):
    """One message; system messages are codes."""

    type: str
    content: str
    sentAt: int
    name: str | None = None
    triggeredBy: Any = None


class Channel(BaseModel):
    """The figures of a chat. Keys that nobody knows are passed over; with the bug they are refused."""

    model_config = ConfigDict(extra="forbid" if os.environ.get("BUG") == "strict-keys" else "ignore")

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


chats: dict[int, Chat] = {}


async def bounded(request: Request) -> None:
    if len(await request.body()) > LARGEST_BODY:
        raise HTTPException(413, "the body is too large")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Content-Type must be application/json")


@app.post("/", dependencies=[Depends(bounded)])
async def hook(chat: Chat) -> dict[str, str]:
    chats[chat.channel.id] = chat
    return {"message": "kept"}
