"""The judgement of `end_user`, without any HTTP: which answer, and which of two that would fit."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from msgspec.structs import replace
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.identification import ApiAnswer
from vendorsim.vendors.ccai.api import end_user
from vendorsim.vendors.ccai.api.end_user import (
    ACCEPTED,
    CALL_ENDED,
    CHAT_ENDED,
    DUPLICATE,
    ERROR,
    NO_COMM_TYPE,
    NO_IDENTIFIER,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHORIZED,
    UNSUPPORTED_CRM,
    Judgement,
    Request,
    Session,
    judge,
)

GOOD = b'{"identifier": "crm-4711"}'
BLANK = b'{"identifier": " "}'


def request(body: bytes | None = GOOD, **changes: Any) -> Request:
    good = Request("chats", "4711", "application/json", lambda: body)
    return replace(good, **changes)


ACTIVE = Session()


def verdict(asked: Request, session: Session = ACTIVE, duplicate: bool = False) -> Judgement:
    return judge(asked, lambda: session, lambda identifier: duplicate)


# Every case has all the faults of the cases below it, and is told of its own first fault only.
ORDER = [
    ("credentials", UNAUTHORIZED, {"refusal": UNAUTHORIZED, "comm_type": ""}, Session(known=False, ended=True), True),
    ("no communication type", NO_COMM_TYPE, {"comm_type": ""}, Session(known=False, ended=True), True),
    ("communication type", NOT_FOUND, {"comm_type": "mails"}, Session(known=True, ended=True), True),
    ("session", NOT_FOUND, {}, Session(known=False, ended=True, crm_supported=False), True),
    ("ended", CHAT_ENDED, {}, Session(ended=True, crm_supported=False), True),
    ("identifier", NO_IDENTIFIER, {}, Session(crm_supported=False), True),
    ("CRM", UNSUPPORTED_CRM, {"body": GOOD}, Session(crm_supported=False), True),
    ("duplicate", DUPLICATE, {"body": GOOD}, Session(), True),
    ("nothing", ACCEPTED, {"body": GOOD}, Session(), False),
]


@pytest.mark.parametrize(
    ("answer", "changes", "session", "duplicate"), [row[1:] for row in ORDER], ids=[r[0] for r in ORDER]
)
def test_the_first_fault_in_the_promised_order_decides(
    answer: ApiAnswer, changes: dict[str, Any], session: Session, duplicate: bool
) -> None:
    asked = request(**{"body": BLANK, **changes})
    assert verdict(asked, session, duplicate).answer == answer


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"", NO_IDENTIFIER),
        (b"{}", NO_IDENTIFIER),
        (b'{"identifier": null}', NO_IDENTIFIER),
        (b'{"identifier": ""}', NO_IDENTIFIER),
        (b'{"identifier": " \\t\\n"}', NO_IDENTIFIER),
        ('{"identifier": "\u00a0\u2003"}'.encode(), NO_IDENTIFIER),
        (b'{"name": 5}', NO_IDENTIFIER),
        (None, TOO_LARGE),
        (b'{"identifier": 5}', "identifier is not a string"),
        (b'{"identifier": false}', "identifier is not a string"),
        (b'{"identifier": ["a"]}', "identifier is not a string"),
        (b'{"identifier": "a", "name": 5}', "name is not a string"),
        (b'{"identifier": "a", "phone": {}}', "phone is not a string"),
        (b"[]", "the body is not a JSON object"),
        (b'"identifier"', "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
        (b"identifier=a", "the body is not JSON: "),
        (b'{"identifier": "a"', "the body is not JSON: "),
        (b'{"identifier": NaN}', "the body is not JSON: "),
        (b'{"identifier": "\xff"}', "the body is not JSON: "),
        (b'{"identifier": "\\ud800"}', "the body is not JSON: "),
        (b'{"identifier": "a"} {}', "the body is not JSON: "),
        (b"[" * 100_000, "the body is not JSON: "),
        (b'{"identifier": "a", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the body is not JSON: "),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_body_is_told_what_is_wrong(body: bytes | None, answer: ApiAnswer | str) -> None:
    found = verdict(request(body))
    assert found.fields is None
    if isinstance(answer, ApiAnswer):
        assert found.answer == answer
    else:
        assert found.answer.status == 400
        assert found.answer.message.startswith(answer)


@pytest.mark.parametrize(
    ("content_type", "problem"),
    [
        ("application/json", None),
        ("Application/JSON; charset=UTF-8", None),
        ("", "Content-Type must be application/json; it is missing"),
        ("text/plain", "Content-Type must be application/json; not 'text/plain'"),
        ("application/x-www-form-urlencoded", "Content-Type must be application/json; not 'application/x-www-form-url"),
    ],
)
def test_the_content_type_is_json(content_type: str, problem: str | None) -> None:
    answer = verdict(request(content_type=content_type)).answer
    if problem is None:
        assert answer == ACCEPTED
    else:
        assert answer.status == 400
        assert answer.message.startswith(problem)


def test_the_fields_are_kept_as_they_were_sent_and_unknown_keys_are_ignored() -> None:
    body = {"identifier": " crm-4711 ", "phone": "555-010-0199", "more": {"deep": [1]}}
    found = verdict(request(json.dumps(body).encode()))
    assert found == Judgement(ACCEPTED, {"identifier": " crm-4711 ", "phone": "555-010-0199"})


def test_an_optional_field_that_is_null_is_absent() -> None:
    found = verdict(request(b'{"identifier": "crm-4711", "name": null, "email": null, "phone": null}'))
    assert found == Judgement(ACCEPTED, {"identifier": "crm-4711"})
    assert contracts.contract("ccai", "documented").is_valid("end_user", {"identifier": "crm-4711", "name": None})


@pytest.mark.parametrize(
    ("session_id", "answer", "slow"),
    [
        ("ended-1", CALL_ENDED, False),
        ("unsupported-crm-1", UNSUPPORTED_CRM, False),
        ("duplicate-1", DUPLICATE, False),
        ("unknown-1", NOT_FOUND, False),
        ("error-1", ERROR, False),
        ("slow-1", ACCEPTED, True),
        ("slow-", ACCEPTED, True),
    ],
)
def test_a_reserved_session_gives_its_answer_every_time(session_id: str, answer: ApiAnswer, slow: bool) -> None:
    unknown = Session(known=False)
    for _ in range(2):
        found = verdict(request(session_id=session_id, comm_type="calls"), unknown)
        assert (found.answer, found.slow) == (answer, slow)


@pytest.mark.parametrize("session_id", ["1", "0", "13", "999999", "ended", "Ended-1", "an-error-1"])
def test_other_session_ids_mean_nothing_special(session_id: str) -> None:
    assert verdict(request(session_id=session_id)) == Judgement(ACCEPTED, {"identifier": "crm-4711"})


def test_the_body_is_not_read_before_its_turn() -> None:
    def never() -> bytes:
        raise AssertionError("the body was read")

    for changes in (
        {"refusal": UNAUTHORIZED},
        {"comm_type": ""},
        {"session_id": "ended-1"},
        {"session_id": "unknown-1"},
    ):
        judge(replace(request(), body=never, **changes), Session, lambda identifier: False)


@pytest.mark.parametrize("name", end_user.FORCED)
def test_a_forced_answer_wins_over_the_body(name: str) -> None:
    for comm_type in ("calls", "chats"):
        answer = end_user.forced(name, comm_type)
        assert name in (answer.name, answer.message)
        assert verdict(request(b"no JSON", comm_type=comm_type), Session(forced=answer)) == Judgement(answer)
        assert verdict(request(comm_type=comm_type), Session(forced=answer)).fields == {"identifier": "crm-4711"}


def test_the_forced_answer_ended_speaks_of_what_was_called() -> None:
    assert end_user.forced("ended", "calls") == CALL_ENDED
    assert end_user.forced("ended", "chats") == CHAT_ENDED
    assert end_user.forced("Call is already ended", "chats") == CALL_ENDED


def test_every_documented_message_can_be_forced() -> None:
    document = contracts.contract("ccai", "documented").openapi
    answers = [item["post"]["responses"][status] for item in document["paths"].values() for status in ("202", "400")]
    examples = [example for answer in answers for example in answer["content"]["application/json"]["examples"].values()]
    documented = {e["value"]["message"] for e in examples if e["x-provenance"] == "documented"}
    assert documented | {"Not Found"} == {name for name in end_user.FORCED if " " in name} | {"accepted"}


def test_the_contract_and_the_judgement_agree_on_what_is_blank() -> None:
    contract = contracts.contract("ccai", "documented")
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    # The supplementary planes hold no white space: the basic one is enough for the slow comparison.
    blank = [c for c in characters[:0xF800] if not contract.is_valid("end_user", {"identifier": c})]
    assert sorted(blank) == sorted(end_user.WHITE_SPACE)
    for character in blank:
        body = json.dumps({"identifier": character * 3}).encode()
        assert verdict(request(body)).answer == NO_IDENTIFIER
