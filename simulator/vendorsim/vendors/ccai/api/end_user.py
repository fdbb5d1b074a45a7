"""The judgement of `end_user`, Google CCAI Platform's mid-session authentication, as a pure function.

Documented ("Mid-session authentication" of the Apps API, docs.cloud.google.com): the four fields, 202,
six messages of status 400 and the 404. Everything else is labelled `assumed` in `contracts/ccai`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from vendorsim.vendorkit.identification import ApiAnswer
from vendorsim.vendors.ccai.api.requests import BODIES, WHITE_SPACE, Refused

ACCEPTED = ApiAnswer("accepted", 202, "accepted")
NO_COMM_TYPE = ApiAnswer("missing-comm-type", 400, "param is missing or the value is empty: comm_type")
NO_IDENTIFIER = ApiAnswer("missing-identifier", 400, "param is missing or the value is empty: identifier")
NOT_FOUND = ApiAnswer("not-found", 404, "Not Found")
CALL_ENDED = ApiAnswer("ended", 400, "Call is already ended")
CHAT_ENDED = ApiAnswer("ended", 400, "Chat is already ended")
UNSUPPORTED_CRM = ApiAnswer("unsupported-crm", 400, "Unsupported CRM request")
DUPLICATE = ApiAnswer("duplicate", 400, "Duplicate request: Please wait for the interval to expire")
# From here on: assumed.
UNAUTHORIZED = ApiAnswer("unauthorized", 401, "Unauthorized: send Bearer <token>, or Basic with subdomain and token")
TOO_LARGE = ApiAnswer("too-large", 413, "the body is larger than 1 MiB")
RATE_LIMITED = ApiAnswer("rate-limited", 429, "Too Many Requests")
ERROR = ApiAnswer("error", 500, "Internal Server Error")

FIELDS = ("identifier", "name", "email", "phone")

_ENDED = {"calls": CALL_ENDED, "chats": CHAT_ENDED}

_DOCUMENTED = (
    ACCEPTED,
    NO_COMM_TYPE,
    NO_IDENTIFIER,
    NOT_FOUND,
    CHAT_ENDED,
    CALL_ENDED,
    UNSUPPORTED_CRM,
    DUPLICATE,
)
# Answers that a scenario can force, by short name or by documented message.
FORCED: Mapping[str, ApiAnswer] = {
    **{answer.name: answer for answer in (*_DOCUMENTED, UNAUTHORIZED, RATE_LIMITED, ERROR)},
    **{answer.message: answer for answer in _DOCUMENTED},
}


def forced(name: str, comm_type: str) -> ApiAnswer:
    """Returns the answer with that name or message. `ended` is the one for a call or a chat, according to the path."""
    answer = FORCED[name]
    return _ENDED[comm_type] if name == answer.name == "ended" else answer


class Session(Struct, frozen=True):
    """The facts about a call or chat that its judgement needs."""

    known: bool = True
    ended: bool = False
    crm_supported: bool = True
    repeated: bool = False
    slow: bool = False
    forced: ApiAnswer | None = None


# Prefixes of session ids with a fixed answer, like the test cards of a payment provider.
RESERVED: Mapping[str, Session] = {
    "ended-": Session(ended=True),
    "unsupported-crm-": Session(crm_supported=False),
    "duplicate-": Session(repeated=True),
    "unknown-": Session(known=False),
    "slow-": Session(slow=True),
    "error-": Session(forced=ERROR),
}
_RESERVED = tuple(RESERVED)


class Request(Struct, frozen=True):
    """One call of `end_user`.

    `refusal` is the answer if the caller is refused for its credentials or its rate. `body` returns the raw body, or
    None if it is over the limit; it is called only when the body is judged.
    """

    comm_type: str
    session_id: str
    content_type: str
    body: Callable[[], bytes | None]
    refusal: ApiAnswer | None = None


class Judgement(Struct, frozen=True):
    """The answer, and the fields of the body (None if it was not read or is not valid).

    `slow`: the answer is delayed.
    """

    answer: ApiAnswer
    fields: Mapping[str, str] | None = None
    slow: bool = False


def judge(request: Request, look_up: Callable[[], Session], is_duplicate: Callable[[str], bool]) -> Judgement:
    """Judges in this order: credentials, communication type, session, ended, body and identifier, CRM, duplicate.

    `look_up()` returns the session; it is not called for a reserved id. `is_duplicate(identifier)` is called last, and
    records the request as accepted if it is no duplicate.
    """
    if request.refusal is not None:
        return Judgement(request.refusal)
    if not request.comm_type:
        return Judgement(NO_COMM_TYPE)
    if request.comm_type not in _ENDED or not request.session_id:
        return Judgement(NOT_FOUND)
    reserved = request.session_id.startswith(_RESERVED)
    session = _reserved(request.session_id) if reserved else look_up()
    answer, fields = _judge_session(request, session, is_duplicate)
    return Judgement(answer, fields, session.slow)


def _reserved(session_id: str) -> Session:
    return next(session for prefix, session in RESERVED.items() if session_id.startswith(prefix))


def _judge_session(
    request: Request, session: Session, is_duplicate: Callable[[str], bool]
) -> tuple[ApiAnswer, Mapping[str, str] | None]:
    if session.forced is not None:
        body = read_body(request)
        return session.forced, None if isinstance(body, ApiAnswer) else body
    if not session.known:
        return NOT_FOUND, None
    if session.ended:
        return _ENDED[request.comm_type], None
    fields = read_body(request)
    if isinstance(fields, ApiAnswer):
        return fields, None
    if not session.crm_supported:
        return UNSUPPORTED_CRM, fields
    if session.repeated or is_duplicate(fields["identifier"]):
        return DUPLICATE, fields
    return ACCEPTED, fields


def read_body(request: Request) -> dict[str, str] | ApiAnswer:
    """Returns the known fields of the body, unchanged, or the answer to a bad body. A field that is null is absent."""
    raw = request.body()
    if raw is None:
        return TOO_LARGE
    if not raw:
        return NO_IDENTIFIER
    try:
        document = BODIES.parse_object(raw, request.content_type).values
    except Refused as refused:
        return _bad(refused.message)
    # An identifier that is null or blank is missing, as documented. This is judged before the other fields.
    identifier = document.get("identifier")
    if identifier is None or (isinstance(identifier, str) and not identifier.strip(WHITE_SPACE)):
        return NO_IDENTIFIER
    fields = {}
    for name in FIELDS:
        value = document.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            return _bad(f"{name} is not a string")
        fields[name] = value
    return fields


def _bad(message: str) -> ApiAnswer:
    return ApiAnswer("bad-body", 400, message)
