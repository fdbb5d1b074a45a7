"""What has passed → what the journal keeps: attempts of the vendor and calls of the integration. Pure."""

from __future__ import annotations

from collections import OrderedDict
from http.client import responses
from typing import Any

import orjson

from vendorsim.captures.conversations import conversation_of
from vendorsim.captures.exchange import Direction
from vendorsim.captures.reading import decoded
from vendorsim.core.event import Event
from vendorsim.delivery.records import Attempt
from vendorsim.delivery.requests import Prepared
from vendorsim.delivery.verdicts import judge
from vendorsim.http.heads import Head
from vendorsim.http.masking import is_secret
from vendorsim.http.outgoing import Wire
from vendorsim.http.transport import Answer, Failure
from vendorsim.recording.passed import Passed
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.signing import STANDARD
from vendorsim.vendorkit.vendor import Vendor

# Ids of deliveries whose attempts are counted; beyond these the oldest are forgotten.
MOST_DELIVERIES = 10_000
_LONGEST_MESSAGE = 300


class Keeping:
    """Turns what has passed into attempts and calls. It counts the attempts of a delivery."""

    def __init__(self, vendor: Vendor, profile: Profile) -> None:
        self._vendor = vendor
        self._profile = profile
        self._deliveries: OrderedDict[str, int] = OrderedDict()
        schemes = (STANDARD, *vendor.schemes.values())
        # The headers with the id of a delivery.
        self._id_headers = {
            name.lower().encode() for scheme in schemes for name, value in scheme.headers.items() if value == "{id}"
        }

    def item(self, passed: Passed) -> Attempt | ApiCall:
        """What the journal keeps of a request and its answer."""
        return self._attempt(passed) if passed.direction is Direction.WEBHOOK else self._call(passed)

    def _attempt(self, passed: Passed) -> Attempt:
        body = passed.body.data
        document = read(passed)
        name = None if document is None else self._profile.identify(document)
        conversation = None if name is None else conversation_of(self._profile, name, document)
        delivery = self._delivery(passed.head) or f"recorded-{passed.at}-{passed.number}"
        answer = _answer(passed)
        verdict, reason = judge(answer, passed.milliseconds, self._profile.policy, None)
        if passed.answer is None and passed.status is not None:
            reason = f"{reason}; the vendor was answered {passed.status}"
        event = Event(
            delivery,
            0,
            conversation or "",
            self._vendor.name,
            self._profile.name,
            name or "",
            passed.at,
            passed.head.method.decode(),
            {},
            body,
            0,
        )
        head = passed.head.raw
        return Attempt(
            delivery,
            event,
            passed.target,
            self._attempts(delivery),
            None if passed.answer is None else passed.answer.status,
            passed.milliseconds,
            verdict,
            reason,
            at=passed.at,
            sent_at=passed.at,
            request=Prepared(head, body, Wire((head, body))),
            answer=_answer_so_far(passed),
            recorded=passed.number,
            problem="; ".join(passed.problems) or None,
        )

    def _delivery(self, head: Head) -> str | None:
        return next((_text(value) for name, value in head.headers if name in self._id_headers and value), None)

    def _attempts(self, delivery: str) -> int:
        """How often this delivery has come, this time included."""
        count = self._deliveries.pop(delivery, 0) + 1
        self._deliveries[delivery] = count
        if len(self._deliveries) > MOST_DELIVERIES:
            self._deliveries.popitem(last=False)
        return count

    def _call(self, passed: Passed) -> ApiCall:
        method, path = passed.head.method.decode(), _text(passed.head.resource.partition(b"?")[0])
        # An integration identifies its visitors at an API that may be another vendor's.
        own, other = self._vendor.name, registry.identification().vendor
        known = ((name, registry.operation_of(name, method, path)) for name in (own, other))
        vendor, found = next(((name, found) for name, found in known if found is not None), (own, None))
        operation, conversation = found or ("", None)
        answer = _answer(passed)
        problems = [answer.reason] if isinstance(answer, Failure) else []
        return ApiCall(
            vendor=vendor,
            operation=operation,
            comm_type="",
            session_id=conversation or "",
            at=passed.at,
            credentials=_kind_of_credentials(passed.head),
            fields=None,
            status=0 if passed.answer is None else passed.answer.status,
            message=answer.reason if isinstance(answer, Failure) else _message(answer),
            body=passed.body.data or None,
            method=method,
            path=path,
            head=passed.head.raw,
            answer=_answer_so_far(passed),
            milliseconds=passed.milliseconds,
            problem="; ".join([*problems, *passed.problems]) or None,
            recorded=passed.number,
        )


def read(passed: Passed) -> Any | None:
    """The JSON body of a request; None if it has none."""
    found, problem = decoded(passed.body.data, _encoding(passed.head))
    if problem is not None or passed.body.is_cut:
        return None
    try:
        return orjson.loads(found)
    except orjson.JSONDecodeError:
        return None


def _encoding(head: Head) -> str | None:
    return next((_text(value) for value in head.values(b"content-encoding")), None)


def _answer(passed: Passed) -> Answer | Failure:
    """The answer, or why there is no complete one."""
    if passed.failure is not None:
        return Failure(passed.failure, passed.reason or "")
    found = _answer_so_far(passed)
    assert found is not None
    return found


def _answer_so_far(passed: Passed) -> Answer | None:
    """The answer, also one that broke off."""
    head = passed.answer
    if head is None:
        return None
    headers = tuple((_text(line.partition(b":")[0]), _text(value)) for line, value in _lines(head))
    return Answer(head.status, headers, passed.answer_body.data)


def _lines(head: Head) -> list[tuple[bytes, bytes]]:
    return [(line, value) for line, (_, value) in zip(head.lines[1:], head.headers, strict=True)]


def _kind_of_credentials(head: Head) -> str | None:
    """`bearer`, `basic`, `token` for a secret in another header, or None."""
    for value in head.values(b"authorization"):
        return _text(value).partition(" ")[0].lower()
    names = (name for name, _ in head.headers if b"cookie" not in name)
    return "token" if any(is_secret(name + b": ") for name in names) else None


def _message(answer: Answer) -> str:
    """The message or error in an answer, or the reason phrase of its status."""
    body, _ = decoded(answer.body, answer.header("content-encoding"))
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict):
        for key in ("message", "error"):
            if isinstance(document.get(key), str):
                return str(document[key])[:_LONGEST_MESSAGE]
    return responses.get(answer.status, "")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
