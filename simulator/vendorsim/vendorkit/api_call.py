"""One call of a vendor's API, as the journal, the control API and tests see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


# Not frozen: a frozen one takes three times as long to construct. Treat it as immutable.
@dataclass(slots=True)
class ApiCall:
    """One call of a vendor's API, and how it was answered.

    `operation` is the operation's name in the vendor's API. `session_id` is the conversation that the call is about,
    empty where it is about none. `comm_type` is the kind of session as the path names it, empty where the path names
    none. `at` is in milliseconds since 1970. `credentials` is their kind, such as `bearer` or `basic`, or None; never
    the secret. `fields` are the values of a valid body, None where the body was invalid, was not read, or is not
    looked into. `status` and `message` are the answer's. `body` is the raw body, None where it was not read. `path`
    has no query.
    """

    vendor: str
    operation: str
    comm_type: str
    session_id: str
    at: int
    credentials: str | None
    fields: Mapping[str, str] | None
    status: int
    message: str
    body: bytes | None = field(default=None, repr=False, compare=False)
    method: str = "POST"
    path: str = ""
