"""Bugs in reading what a vendor sends."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any

import helpdesk.app
from flask import request
from helpdesk.body import BadBody, Body, integer, parse, text

from .model import WARNING, Helpdesk, variant


@variant("smartsupp", "accepts.typical")
def null_rating(desk: Helpdesk) -> None:
    """Crashes on a chat that nobody has rated: its rating is null."""
    desk.before("smartsupp", lambda body: 20 * body.need_child("channel").get("rating", integer))  # type: ignore


@variant("userlike", "accepts.minimal")
def comment_without_rating(desk: Helpdesk) -> None:
    """Crashes on a comment without a rating: stars are counted where there are none."""

    def count_stars(body: Body) -> None:
        if body.get("_event", text) == "feedback" and "rate" in body:
            "*" * body.get("rate", integer)  # type: ignore[operator]

    desk.before("userlike", count_stars)


@variant("userlike", "accepts.maximal")
def coordinates_are_text(desk: Helpdesk) -> None:
    """Refuses coordinates: they were null in every example, and taken for texts."""
    desk.before("userlike", lambda body: body.get("loc_lat", text))


@variant("smartsupp", "accepts.typical")
def latin_1(desk: Helpdesk) -> None:
    """Crashes on names that Latin-1 has no letters for."""
    desk.before("smartsupp", lambda body: (body.need_child("visitor").get("name", text) or "").encode("latin-1"))


@variant("userlike", "accepts.typical")
def chats_only(desk: Helpdesk) -> None:
    """Refuses what is not about a chat, such as an operator who comes online: there is no visitor in it."""
    desk.before("userlike", lambda body: body.need("client_uuid", text))


@variant("smartsupp", "tolerates.unknown_field")
def strict_keys(desk: Helpdesk) -> None:
    """Refuses a channel with a key that is not in the documentation."""
    documented = {"id", "isChat", "isMissed", "isTriggered", "isOffline", "isCompleted", "isDropped", "duration"}
    documented |= {"avgResponse", "firstResponse", "messagesCount", "wordsCount", "rating", "ratingDesc"}

    def only_documented(body: Body) -> None:
        if not body.need_child("channel")._value.keys() <= documented:
            raise BadBody("channel: unknown key")

    desk.before("smartsupp", only_documented)


@variant("messagehub", "tolerates.unknown_value")
def four_statuses(desk: Helpdesk) -> None:
    """Crashes on a status that is none of the four known ones."""
    module = import_module("helpdesk.vendors.messagehub")
    desk.patch.setattr(module, "_status", lambda value: module._STATUSES[value] if isinstance(value, str) else value)


@variant("chatvisor", "tolerates.unknown_value", severity=WARNING)
def three_statuses(desk: Helpdesk) -> None:
    """Refuses a status that is none of the three documented ones."""

    def only_documented(body: Body) -> None:
        if body.get("status", text) not in (None, "UNREAD", "UNRESOLVED", "DONE"):
            raise BadBody("status: unknown")

    desk.before("chatvisor", only_documented)


@variant("userlike", "tolerates.unknown_event")
def unknown_event(desk: Helpdesk) -> None:
    """Crashes on an event that it has no function for."""
    chats = "start message_received message_sent unread end forward rating feedback survey goal ended"
    others = "online offline away back created updated config"
    functions: dict[str, Any] = dict.fromkeys(f"{chats} {others}".split(), list)
    desk.before("userlike", lambda body: functions[body.need("_event", text)]())


@variant("messagehub", "tolerates.unknown_event", severity=WARNING)
def unknown_event_refused(desk: Helpdesk) -> None:
    """Refuses an event that it does not know instead of passing over it."""

    def only_known(body: Body) -> None:
        if not body.need("event", text).startswith(("conversation_", "message_", "webwidget_")):
            raise BadBody("event: unknown")

    desk.before("messagehub", only_known)


@variant("messagehub", "tolerates.absent_optional", "accepts.minimal")
def everybody_sends(desk: Helpdesk) -> None:
    """Refuses a message without a sender, as automatic ones are."""

    def need_sender(body: Body) -> None:
        if body.need("event", text) == "message_updated":
            body.need_child("sender")

    desk.before("messagehub", need_sender)


@variant("userlike", "tolerates.key_order")
def event_comes_first(desk: Helpdesk) -> None:
    """Finds the event's name with a regular expression that wants it at the start of the body."""

    def parse_after_a_look(raw: bytes) -> Body:
        if not re.match(rb'\s*\{\s*"_type":\s*"\w+",\s*"_event":', raw):
            raise BadBody("_event: missing")
        return parse(raw)

    desk.patch.setattr(helpdesk.app, "parse", parse_after_a_look)


@variant("chatvisor", "tolerates.text")
def three_bytes(desk: Helpdesk) -> None:
    """Crashes on emoji: its database takes characters of three bytes, not of four."""

    def store(body: Body) -> None:
        if any(ord(letter) > 0xFFFF for letter in body.get("text", text) or ""):
            raise ValueError("Incorrect string value")

    desk.before("chatvisor", store)


@variant("userlike", "tolerates.text")
def small_bodies(desk: Helpdesk) -> None:
    """Refuses bodies above 64 KiB: a long chat is one, since every callback carries all of it."""
    desk.app.config["MAX_CONTENT_LENGTH"] = 64 * 1024


@variant("messagehub", "tolerates.text")
def initials(desk: Helpdesk) -> None:
    """Crashes on a sender whose name is empty, as a visitor's may be: it takes the first letter."""

    def first_letter(body: Body) -> None:
        sender = body.child("sender")
        if sender is not None and (name := sender.get("name", text)) is not None:
            name[0]

    desk.before("messagehub", first_letter)


@variant("messagehub", "tolerates.text")
def no_empty_text(desk: Helpdesk) -> None:
    """Refuses a message without text, as a picture comes."""

    def need_text(body: Body) -> None:
        if body.get("content", text) == "":
            raise BadBody("content: empty")

    desk.before("messagehub", need_text)


@variant("smartsupp", "tolerates.chunked", plain_server=True)
def no_chunks(desk: Helpdesk) -> None:
    """Runs on a server that reads Content-Length bytes and no chunks."""


@variant("chatvisor", "rejects.broken_json")
def broken_json(desk: Helpdesk) -> None:
    """Crashes on what is not JSON."""
    desk.patch.setattr(helpdesk.app, "parse", lambda raw: Body(json.loads(raw)))


@variant("smartsupp", "rejects.no_object")
def no_object(desk: Helpdesk) -> None:
    """Crashes on JSON that is no object."""

    def peek(raw: bytes) -> Body:
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError):
            raise BadBody("no JSON") from None
        return Body({**document})

    desk.patch.setattr(helpdesk.app, "parse", peek)


@variant("chatvisor", "rejects.missing_field")
def key_error(desk: Helpdesk) -> None:
    """Crashes where a field is missing."""
    need = Body.need

    def need_or_crash(body: Body, key: str, kind: Any) -> Any:
        if key not in body:
            raise KeyError(key)
        return need(body, key, kind)

    desk.patch.setattr(Body, "need", need_or_crash)


@variant("userlike", "rejects.wrong_type")
def unchecked_type(desk: Helpdesk) -> None:
    """Crashes on a visitor's name that is no text."""

    def any_value(value: Any) -> Any:
        return value

    desk.before("userlike", lambda body: (body.get("client_name", any_value) or "").strip())


@variant("messagehub", "rejects.deep_nesting")
def recursive_trim(desk: Helpdesk) -> None:
    """Trims all texts of a body with a function that calls itself, and crashes on a deep one."""

    def trim(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: trim(item) for key, item in value.items()}
        return [trim(item) for item in value] if isinstance(value, list) else value

    def parse_and_trim(raw: bytes) -> Body:
        try:
            return Body(trim(json.loads(raw)))
        except BadBody:
            raise
        except ValueError:
            raise BadBody("no JSON") from None

    desk.patch.setattr(helpdesk.app, "parse", parse_and_trim)


@variant("messagehub", "rejects.oversize")
def fixed_buffer(desk: Helpdesk) -> None:
    """Crashes on a body that does not fit into its buffer of a mebibyte."""
    desk.app.config["MAX_CONTENT_LENGTH"] = None

    def copy() -> None:
        memoryview(bytearray(1024 * 1024))[: len(request.get_data())] = request.get_data()

    desk.before_request(copy)


@variant("smartsupp", "accepts.forms")
def no_messages(desk: Helpdesk) -> None:
    """Crashes on a chat without messages, when it takes their average length."""

    def average(body: Body) -> float:
        messages = body.children("messages")
        return sum(len(message.get("content", text) or "") for message in messages) / len(messages)

    desk.before("smartsupp", average)


@variant("messagehub", "accepts.forms")
def pending(desk: Helpdesk) -> None:
    """Crashes on a conversation that waits for a bot: its table of statuses lacks `pending`."""
    names = {"open": 1, "resolved": 2, "snoozed": 3}

    def look(body: Body) -> None:
        if (status := body.get("status", text)) is not None:
            names[status]

    desk.before("messagehub", look)


@variant("messagehub", "accepts.forms")
def private_note(desk: Helpdesk) -> None:
    """Crashes on a private note: it asks the channel to send it, which has no such method."""

    def send(body: Body) -> None:
        if body._value.get("private") is True:
            raise AttributeError("send_note")

    desk.before("messagehub", send)


@variant("messagehub", "accepts.forms")
def template(desk: Helpdesk) -> None:
    """Crashes on an automatic message: its list of authors ends with the agents."""
    desk.before("messagehub", lambda body: ["visitor", "agent", "activity"][body._value.get("message_type", 0)])


@variant("messagehub", "accepts.forms", "accepts.maximal")
def opened_again(desk: Helpdesk) -> None:
    """Crashes on a widget that is opened again, when there is a conversation already."""

    def look(body: Body) -> None:
        if body.get("event", text) == "webwidget_triggered" and body.child("current_conversation") is not None:
            raise KeyError("conversation")

    desk.before("messagehub", look)


@variant("messagehub", "accepts.pairs")
def private_and_anonymous(desk: Helpdesk) -> None:
    """Crashes on a private note that nobody wrote, as rules leave them."""

    def look(body: Body) -> None:
        if body._value.get("private") is True and "sender" not in body:
            raise KeyError("sender")

    desk.before("messagehub", look)
