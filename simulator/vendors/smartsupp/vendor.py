"""Smartsupp: which steps send the POST hook, and how it is delivered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.vendors.base import (
    DOCUMENTED,
    Draft,
    EventKind,
    Policy,
    Profile,
    Vendor,
)
from simulator.vendors.smartsupp import payloads
from simulator.vendors.smartsupp.signing import SCHEMES
from simulator.world import CLOSED, Conversation, OfflineMessageLeft, StatusChanged

SOURCE = "Smartsupp help, Export to 3rd-party system (help.smartsupp.com)"


def _closed(change: StatusChanged, conversation: Conversation, memory: None) -> Iterator[Draft]:
    if change.after == CLOSED:
        yield Draft("post_hook", payloads.post_hook(conversation))


def _offline(change: OfflineMessageLeft, conversation: Conversation, memory: None) -> Iterator[Draft]:
    yield Draft("post_hook", payloads.post_hook(conversation))


def _identify(body: Any) -> str | None:
    return "post_hook" if isinstance(body, dict) else None


POST_HOOK = Profile(
    name="documented",
    title="the POST hook: one copy of every finished chat, missed chat and offline message",
    events=(EventKind("post_hook", "a chat is finished or missed, or an offline message is left", DOCUMENTED, SOURCE),),
    policy=Policy(),
    headers={"Content-Type": "application/json"},
    reactions={StatusChanged: _closed, OfflineMessageLeft: _offline},
    emits={"close": ("post_hook",), "miss": ("post_hook",), "offline_message": ("post_hook",)},
    identify=_identify,
)

VENDOR = Vendor(name="smartsupp", title="Smartsupp", profiles={POST_HOOK.name: POST_HOOK}, schemes=SCHEMES)
