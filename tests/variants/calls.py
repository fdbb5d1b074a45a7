"""Bugs in telling CCAI Platform who the visitor is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.request import Request

from helpdesk.end_user import EndUser
from helpdesk.tickets import Claim

from .model import Helpdesk, variant

_request, _call, _identify = EndUser._request, EndUser._call, EndUser._identify


def with_request(desk: Helpdesk, change: Callable[[Request], None]) -> None:
    """Changes each request before it is made."""

    def changed(self: EndUser, claim: Claim) -> Request:
        made = _request(self, claim)
        change(made)
        return made

    desk.patch.setattr(EndUser, "_request", changed)


def with_body(desk: Helpdesk, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the body of each request."""

    def changed(request: Request) -> None:
        assert isinstance(request.data, bytes)
        body = json.loads(request.data)
        change(body)
        request.data = json.dumps(body).encode()

    with_request(desk, changed)


@variant("userlike", "calls_api.no_retry_of_400", serve=True)
def retries_400(desk: Helpdesk) -> None:
    """Tries again whatever is not accepted, a final refusal too."""

    def call(self: EndUser, claim: Claim) -> tuple[int | None, str]:
        status, answer = _call(self, claim)
        return (503 if status == 400 else status), answer

    desk.patch.setattr(EndUser, "_call", call)


@variant("userlike", "calls_api.retries_5xx", serve=True, waiting={"retry": 1.0})
def gives_up(desk: Helpdesk) -> None:
    """Gives up when the platform fails once."""
    assert desk.end_user is not None
    desk.end_user._pauses = ()


@variant("messagehub", "calls_api.once", serve=True)
def called_twice(desk: Helpdesk) -> None:
    """Calls for the message, and once more for the ticket that holds it."""
    submit = EndUser.submit
    desk.patch.setattr(EndUser, "submit", lambda self, claims: submit(self, [*claims, *claims]))


@variant("userlike", "calls_api.called", serve=True, waiting={"first_call": 1.0})
def own_number(desk: Helpdesk) -> None:
    """Stores the number that its own pages show as the session's id, and calls with that."""
    desk.patch.setattr(
        EndUser, "_identify", lambda self, claim: _identify(self, replace(claim, conversation_id="4711"))
    )


@variant("messagehub", "calls_api.valid_body", serve=True)
def phone_as_number(desk: Helpdesk) -> None:
    """Sends the visitor's telephone number as a number."""
    with_body(desk, lambda body: body.update(phone=5550142))


@variant("chatvisor", "calls_api.identifier", serve=True)
def digits_only(desk: Helpdesk) -> None:
    """Sends the digits of the customer's number only."""
    with_body(desk, lambda body: body.update(identifier=body["identifier"].rpartition("-")[2]))


@variant("messagehub", "calls_api.credentials", serve=True)
def token_alone(desk: Helpdesk) -> None:
    """Sends the token without saying that it is one: Bearer is missing."""
    with_request(desk, lambda request: request.add_header("Authorization", "token"))
