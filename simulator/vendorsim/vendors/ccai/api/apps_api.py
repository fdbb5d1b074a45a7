"""The operations of the Apps API besides `end_user`: end users, and the chats that integrations create.

The calls are documented, or known from a client that runs against the live platform; most answers to invalid calls
are assumed. `contracts/ccai/api.openapi.json` says which is which.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request
from msgspec import Struct

from vendorsim.vendorkit import credentials
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.ccai.api import callers, requests
from vendorsim.vendors.ccai.api.chats import MOST_CHATS, MOST_MESSAGES, NOT_FOUND, VENDOR, Chats
from vendorsim.vendors.ccai.api.end_user import ACCEPTED
from vendorsim.vendors.ccai.api.end_users import MOST_END_USERS, EndUser, EndUsers
from vendorsim.vendors.ccai.api.objects import escalations, messages
from vendorsim.vendors.ccai.api.requests import Refused

_BASE = "/apps/api/v1"
_DETAILS = ("name", "email", "phone")
_SENDERS = ("end_user", "virtual_agent")


class AppsApiLimits(Struct, frozen=True):
    """How many end users and created chats the API keeps, and the maximum messages of a chat."""

    end_users: int = MOST_END_USERS
    chats: int = MOST_CHATS
    messages: int = MOST_MESSAGES


LIMITS = AppsApiLimits()


def blueprint(backend: Backend, limits: AppsApiLimits = LIMITS) -> Blueprint:
    """Returns all operations except `end_user`. They check the credentials first, then the rate, then the call."""
    api = Blueprint("apps", __name__, url_prefix=_BASE)
    users, chats = EndUsers(limits.end_users), Chats(backend, limits.chats, limits.messages)
    tell_calls(api, backend, VENDOR, "chat_id")
    keep = partial(_keep_end_user, backend, users)
    backend.subscribe(keep)
    # The fast path may have answered before this API was made.
    for call in backend.calls():
        keep(call)

    @api.before_request
    def judge_caller() -> Response | None:
        refusal = callers.refused(backend, credentials.read(request.headers.get("Authorization")))
        if refusal is None:
            return None
        response = _message(refusal.answer.status, refusal.answer.message)
        response.headers.update(refusal.headers)
        return response

    @api.errorhandler(Refused)
    def refused(refusal: Refused) -> Response:
        return _message(refusal.status, refusal.message)

    @api.post("/end_users")
    def update_end_user() -> Response:
        body = requests.read("identifier")
        identifier = body.need_text("identifier")
        given = {name: body.text(name) for name in _DETAILS}
        details = {name: value for name, value in given.items() if value is not None}
        return jsonify(users.update(identifier, details).document())

    @api.get("/end_users")
    def get_end_user() -> Response:
        return jsonify(_queried_user(users).document())

    @api.post("/chats")
    def create_chat() -> Response:
        chat = requests.read("chat").need_child("chat")
        menu_id, end_user_id = chat.need_number("menu_id"), chat.need_number("end_user_id")
        lang = chat.text("lang")
        _check_history(chat)
        user = users.by_id(end_user_id)
        if user is None:
            raise Refused(404, NOT_FOUND)
        return _json(201, chats.begin(user, menu_id, lang))

    @api.post("/chats/<chat_id>/message")
    def send_message(chat_id: str) -> Response:
        chat = chats.find(chat_id)
        body = requests.read("from_user_id")
        from_user_id, message = body.need_number("from_user_id"), body.need_child("message")
        if message.need_text("type") != "text":
            raise Refused(400, "only messages of the type text are taken here")
        chats.say(chat, from_user_id, message.need_text("content", requests.LONGEST_MESSAGE))
        return jsonify({})

    @api.get("/chats/<chat_id>")
    def get_chat(chat_id: str) -> Response:
        return jsonify(chats.show(chats.find(chat_id)))

    @api.get("/chats/<chat_id>/messages")
    def get_messages(chat_id: str) -> Response:
        return jsonify(chats.find(chat_id).look(messages))

    @api.get("/chats/<chat_id>/escalations")
    def get_escalations(chat_id: str) -> Response:
        return jsonify(chats.find(chat_id).look(escalations))

    @api.post("/chats/<chat_id>/escalations")
    def escalate_chat(chat_id: str) -> Response:
        chat = chats.find(chat_id)
        body = requests.read("reason")
        body.text("reason")
        body.value("force_escalate", bool, "true or false")
        return _json(201, chats.escalate(chat))

    @api.patch("/chats/<chat_id>")
    def finish_chat(chat_id: str) -> Response:
        chat = chats.find(chat_id)
        body = requests.read("finished_by_user_id")
        by_user_id, changes = body.need_number("finished_by_user_id"), body.need_child("chat")
        if changes.need_text("status") != "finished":
            raise Refused(400, "only the status finished is taken here")
        changes.text("deflection_channel")
        # A client sends "" for a chat that was not escalated.
        if changes.values.get("escalation_id") != "":
            changes.number("escalation_id")
        return jsonify(chats.finish(chat, by_user_id))

    return api


def _keep_end_user(backend: Backend, users: EndUsers, call: ApiCall) -> None:
    """Keeps the end user of an accepted call of `end_user`. In a chat he has the id that he has there."""
    accepted = call.operation == "end_user" and call.vendor == VENDOR and call.status == ACCEPTED.status
    if accepted and call.fields is not None:
        handle = backend.conversations.get(VENDOR, call.session_id)
        number = None if handle is None else handle.look(lambda conversation: conversation.visitor.id)
        users.update(call.fields["identifier"], call.fields, number)


def _queried_user(users: EndUsers) -> EndUser:
    """Returns the end user whose `id` or `identifier` is in the query. Raises Refused."""
    number, identifier = request.args.get("id"), request.args.get("identifier")
    if number is not None:
        if not re.fullmatch(r"[0-9]{1,19}", number):
            raise Refused(400, "id is not a positive integer")
        user = users.by_id(int(number))
    else:
        user = None if identifier is None else users.by_identifier(identifier)
    if user is None:
        raise Refused(404, NOT_FOUND)
    return user


def _check_history(chat: Fields) -> None:
    """Checks the form of the context and transcript. Only agents would see them, so their content has no effect."""
    # A client sends null if it has none.
    context = chat.child("context") if chat.values.get("context") is not None else None
    if context is not None:
        context.child("value")
    for entry in chat.children("transcript"):
        if entry.need_text("sender") not in _SENDERS:
            raise Refused(400, f"sender is none of {', '.join(_SENDERS)}")
        entry.need_text("timestamp")
        for content in entry.need_children("content"):
            content.need_text("type")
            content.text("text", requests.LONGEST_MESSAGE)


def _message(status: int, message: str) -> Response:
    return _json(status, {"message": message})


def _json(status: int, document: dict[str, Any]) -> Response:
    response = jsonify(document)
    response.status_code = status
    return response
