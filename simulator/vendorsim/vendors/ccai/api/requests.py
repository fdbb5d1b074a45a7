"""Reads bodies of the Apps API: refuses missing keys and wrong types, ignores unknown keys."""

from __future__ import annotations

import orjson

from vendorsim.vendorkit.request_body import BodyReader, Fields

# Maximum characters of an identifier, name, address or number, and of a message (assumed).
LONGEST = 255
LONGEST_MESSAGE = 10_000
# The characters of a blank text: Unicode's White_Space, as in Ruby's [[:space:]]. The contract's pattern is the
# complement.
WHITE_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


class Refused(Exception):
    """The call is refused with an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _AppsBodies(BodyReader):
    """Refuses with the messages of the platform."""

    most_levels = None
    null_is_missing = False
    blank = WHITE_SPACE
    longest_text = LONGEST

    def refuse(self, status: int, message: str) -> Refused:
        return Refused(status, message)

    def wrong_media_type(self, found: str) -> Refused:
        what = f"not '{found[:80]}'" if found else "it is missing"
        return Refused(400, f"Content-Type must be application/json; {what}")

    def not_json(self, error: orjson.JSONDecodeError) -> Refused:
        return Refused(400, f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}")

    def missing(self, key: str) -> Refused:
        return Refused(400, f"param is missing or the value is empty: {key}")


BODIES = _AppsBodies()


def read(first: str) -> Fields:
    """Returns the object in the request's body. Raises Refused; for an empty body, the missing key is `first`."""
    from flask import request  # here, since scenarios are read without Flask

    raw = BODIES.raw(request)
    if not raw:
        raise BODIES.missing(first)
    return BODIES.parse_object(raw, request.content_type)
