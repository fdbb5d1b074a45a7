"""Whether a call is the expected one, and how a miss is explained."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from vendorsim.delivery.call_matching import CONVERSATION, CallPattern, SameText, explain_miss
from vendorsim.scenario.calls import CallName, Statuses, call_name
from vendorsim.vendorkit.api_call import ApiCall

REPLY = {"content": "Hello Dana", "message_type": "outgoing", "private": False, "to": {"ids": [17, None]}}
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def call(body: Any = REPLY, *, session: str = "17", operation: str = "create_message", **how: Any) -> ApiCall:
    """A call of an operation of MessageHub; a body that is no bytes is sent as JSON."""
    raw = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
    known = {
        "status": 200,
        "message": "OK",
        "method": "POST",
        "path": f"/api/v1/conversations/{session}/messages",
    } | how
    return ApiCall("messagehub", operation, "", session, 0, None, None, body=raw, **known)


def pattern(name: str = "messagehub.create_message", conversation: str = "17", **values: Any) -> CallPattern:
    return CallPattern(call_name(name, lambda: [name]), values, conversation)


def fits(values: dict[str, Any], found: ApiCall) -> bool:
    return CallPattern(call_name("messagehub.create_message", lambda: ["messagehub.create_message"]), values).fits(
        found
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"/content": "Hello Dana"}, True),
        ({"/content": "hello dana"}, False),
        ({"/content": re.compile("(?i)^hello")}, True),
        ({"/content": re.compile("Ana$")}, False),
        ({"/to/ids/0": 17}, True),
        ({"/to/ids/0": "17"}, False),
        ({"/to/ids/0": SameText("17")}, True),
        ({"/to/ids/0": re.compile("^1")}, True),
        ({"/to/ids": [17, None]}, True),
        ({"/to": {"ids": [17, None]}}, True),
        ({"/to": re.compile("ids")}, False),
        ({"/private": False}, True),
        ({"/private": 0}, False),
        ({"/private": SameText("False")}, False),
        ({"/to/ids/1": None}, True),
        ({"/to/ids/2": None}, True),
        ({"/absent/below": None}, True),
        ({"/content": None}, False),
        ({CONVERSATION: SameText(17)}, True),
        ({CONVERSATION: SameText(18)}, False),
        ({"status": 200}, True),
        ({"status": Statuses(("2xx",))}, True),
        ({"status": Statuses((404, "5xx"))}, False),
        ({"method": "POST", "message": "OK"}, True),
    ],
)
def test_values(values: dict[str, Any], expected: bool) -> None:
    assert fits(values, call()) is expected


def test_a_call_of_no_conversation_can_count_for_any() -> None:
    of_none = call(session="")
    assert fits({CONVERSATION: SameText("17", or_none=True)}, of_none)
    assert not fits({CONVERSATION: SameText("17")}, of_none)


@pytest.mark.parametrize(
    ("body", "media_type", "values"),
    [
        (b"content=Hello+Dana&tag=a&tag=b", FORM, {"/content": "Hello Dana", "/tag": ["a", "b"]}),
        (b"labels%5B%5D=new", FORM, {"/labels": ["new"]}),
        (
            b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nHello\r\n'
            b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a.png"\r\n\r\n\x89PNG\r\n'
            b"--x--\r\n",
            "multipart/form-data; boundary=x",
            {"/content": "Hello", "/attachments/0": "a.png"},
        ),
        (b'{"content": "Hello"}', JSON, {"/content": "Hello"}),
        (b'{"content": "Hello"}', FORM, {"/content": "Hello"}),
        (b'{"content": "Hello"}', None, {"/content": "Hello"}),
    ],
)
def test_forms_count_as_objects(body: bytes, media_type: str | None, values: dict[str, Any]) -> None:
    assert fits(values, call(body, media_type=media_type))


@pytest.mark.parametrize("body", [None, b"", b"Hello", b"\xff"])
def test_a_body_that_is_no_document_has_no_values(body: bytes | None) -> None:
    assert not fits({"/content": "Hello"}, call(body))
    assert fits({}, call(body))


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("POST /crm/contacts", "/crm/contacts", True),
        ("POST /crm/contacts", "//crm/contacts", True),
        ("POST /crm/contacts", "/crm/contacts/1", False),
        ("PUT /crm/contacts", "/crm/contacts", False),
        ("POST /crm/{id}/notes", "/crm/a.b/notes", True),
        ("POST /crm/{id}/notes", "/crm/a/b/notes", False),
        ("POST /crm/{this}/notes", "/crm/17/notes", True),
        ("POST /crm/{this}/notes", "/crm/18/notes", False),
        ("POST /crm.contacts", "/crm-contacts", False),
    ],
)
def test_a_path_with_placeholders(name: str, path: str, expected: bool) -> None:
    assert pattern(name).fits(call(path=path)) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("messagehub.create_mesage", "unknown operation 'messagehub.create_mesage'; did you mean '{known}'?"),
        ("create_message", "unknown operation 'create_message'; did you mean '{known}'?"),
        ("sink.CRM", "'CRM' is not a name of a sink: {rule}"),
        ("sink.", "'' is not a name of a sink: {rule}"),
        ("post /x", "'post' is not a method of HTTP such as POST"),
        ("POST x", "'x' is not a path: it begins with a slash, and has no query and no spaces"),
        ("GET /x?y=1", "'/x?y=1' is not a path: it begins with a slash, and has no query and no spaces"),
    ],
)  # fmt: skip
def test_a_name_of_no_call(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        call_name(text, lambda: ["messagehub.create_message", "messagehub.list_agents"])
    rule = "1 to 40 small letters, digits, hyphens and underscores, a letter first"
    expected = problem.replace("{known}", "messagehub.create_message").replace("{rule}", rule)
    assert str(refused.value) == expected


def test_a_name_is_read() -> None:
    assert call_name("sink.crm", list) == CallName("sink.crm", "sink", "crm")
    assert call_name("GET /a/{this}", list) == CallName("GET /a/{this}", method="GET", path="/a/{this}")


class TestAMiss:
    def test_is_explained_by_the_nearest_call(self) -> None:
        calls = [
            call(operation="list_messages", method="GET"),
            call({"content": "Hi", "message_type": "incoming"}),
            call({"content": "Hello Ana", "message_type": "outgoing"}, session="18", status=404, message="Not Found"),
        ]
        wanted = {CONVERSATION: SameText("18"), "status": 200, "/content": "Hello Dana", "/message_type": "outgoing"}
        name = call_name("messagehub.create_message", lambda: ["messagehub.create_message"])
        words = {CONVERSATION: "conversation"}
        assert explain_miss(CallPattern(name, wanted, words=words), calls) == [
            "the nearest is call 3 of 3:",
            "  status: expected 200, found 404 (Not Found)",
            "  /content: expected 'Hello Dana', found 'Hello Ana'",
            "  as expected: conversation, /message_type",
        ]

    def test_names_other_calls_where_none_is_of_the_operation(self) -> None:
        calls = [call(operation="list_messages"), call(operation="list_messages"), call(operation="list_agents")]
        assert explain_miss(pattern(), calls) == [
            "other calls: messagehub.list_messages x 2, messagehub.list_agents x 1"
        ]
        assert explain_miss(pattern(), []) == []

    def test_shortens_long_values(self) -> None:
        values = {"/content": re.compile("order")}
        name = call_name("messagehub.create_message", lambda: ["messagehub.create_message"])
        (_, difference) = explain_miss(CallPattern(name, values), [call({"content": "x" * 10_000})])
        assert difference.startswith("  /content: expected a match of 'order', found 'xxx")
        assert len(difference) < 300
