"""One call of a vendor's API, as the journal, the control API and tests see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


# Not frozen: a frozen one takes three times as long to construct. Treat it as immutable.
@dataclass(slots=True)
class ApiCall:
    """One call of a vendor's API, and its answer.

    `operation` is the operation's name in the vendor's API. `session_id` is the id of the conversation that the call is
    about, empty if there is none. `comm_type` is the kind of session in the path, empty if the path has none. `at` is
    in milliseconds since 1970. `credentials` is the kind of credentials, such as `bearer` or `basic`, or None; the
    secret is not stored. `fields` are the values of a valid body; None if the body was invalid or was not parsed.
    `status` and `message` are those of the answer. `body` is the raw body, None if it was not read. `path` is without
    the query.
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
