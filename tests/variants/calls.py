"""Bugs in telling CCAI Platform who the visitor is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.request import Request

from helpdesk.end_user import Answer, EndUser
from helpdesk.tickets import Claim

from .model import Helpdesk, variant

_request, _call = EndUser._request, EndUser._call


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


def with_answers(desk: Helpdesk, take: Callable[[Claim, Answer], Answer]) -> None:
    """Takes the answer to each call for another one."""
    desk.patch.setattr(EndUser, "_call", lambda self, claim: take(claim, _call(self, claim)))


@variant("userlike", "calls_api.no_retry_of_400", serve=True)
def retries_400(desk: Helpdesk) -> None:
    """Tries again whatever is not accepted, a final refusal too."""
    with_answers(desk, lambda _, answer: answer._replace(status=503) if answer.status == 400 else answer)


@variant("userlike", "calls_api.retries_5xx", serve=True, only="calls_api.retries_5xx:*:end_user/500")
def gives_up(desk: Helpdesk) -> None:
    """Gives up when the platform fails once."""
    with_answers(desk, lambda _, answer: answer._replace(status=422) if answer.status == 500 else answer)


@variant("messagehub", "calls_api.retries_5xx", serve=True, only="calls_api.retries_5xx:*:end_user/outage")
def even_pauses(desk: Helpdesk) -> None:
    """Tries again and again after the same pause, however long the platform is away."""
    assert desk.end_user is not None
    desk.end_user._pause = desk.end_user._longest = 0.4


@variant("userlike", "calls_api.retry_after", serve=True)
def ignores_retry_after(desk: Helpdesk) -> None:
    """Tries again after 429 as after any error, and does not look at Retry-After."""
    with_answers(desk, lambda _, answer: answer._replace(retry_after=0.0))


@variant("chatvisor", "calls_api.outages", serve=True, only="calls_api.outages:*:end_user/answer-broken-off")
def gives_up_on_a_reset(desk: Helpdesk) -> None:
    """Takes a connection that breaks off in the middle of an answer for a refusal."""
    with_answers(desk, lambda _, answer: answer._replace(status=422) if "IncompleteRead" in answer.message else answer)


@variant("messagehub", "calls_api.outages", serve=True, only="calls_api.outages:*:end_user/outage")
def gives_up_in_an_outage(desk: Helpdesk) -> None:
    """Gives up after three calls, which an outage of the platform outlasts."""
    failed: Counter[Claim] = Counter()

    def take(claim: Claim, answer: Answer) -> Answer:
        failed[claim] += not answer.final
        return answer._replace(status=422) if failed[claim] == 3 else answer

    with_answers(desk, take)


@variant("messagehub", "calls_api.once", serve=True)
def called_twice(desk: Helpdesk) -> None:
    """Calls for the message, and once more for the ticket that holds it."""
    submit = EndUser.submit
    desk.patch.setattr(EndUser, "submit", lambda self, claims: submit(self, [*claims, *claims]))


@variant("userlike", "calls_api.called", serve=True, waiting={"first_call": 1.0})
def own_number(desk: Helpdesk) -> None:
    """Stores the number that its own pages show as the session's id, and calls with that."""
    desk.patch.setattr(EndUser, "_call", lambda self, claim: _call(self, replace(claim, conversation_id="4711")))


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
