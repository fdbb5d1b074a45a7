"""An exchange: one captured HTTP request and, where it was captured, its answer.

A capture is a sequence of exchanges. An exchange that the vendor sent is a webhook; one that the integration made, to
the vendor's API, is a call.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

Headers = tuple[tuple[str, str], ...]
# The base URL of the vendors' APIs where only the path of a call is known, as in journals: `.invalid` never resolves
# (RFC 6761).
VENDOR_API = "http://vendor.invalid"


class Direction(StrEnum):
    """Who sent the request."""

    WEBHOOK = "webhook"
    CALL = "call"


class CapturedAnswer(Struct, frozen=True):
    """The answer to a request. `milliseconds` is the time from the request's end to the answer's, if it is known."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    milliseconds: float | None = None


class CapturedExchange(Struct, frozen=True):
    """One captured request.

    `place` is its position in the capture, for messages (`hooks.har#3`, `hooks.jsonl:12`). `at` is when it was sent
    (UTC), None where the capture has no times. `method` and `url` are None where only a body was captured. The body is
    as it was on the wire, without transfer and content encoding. `event` is the name of its event, and `conversation`
    the conversation, where the capture names them. `problem` says why the body can't be used, such as one that the
    recorder cut off.
    """

    place: str
    direction: Direction
    body: bytes
    at: datetime | None = None
    method: str | None = None
    url: str | None = None
    headers: Headers = ()
    answer: CapturedAnswer | None = None
    event: str | None = None
    conversation: str | None = None
    problem: str | None = None
