"""`vendorsim.testing.double`: the vendors' APIs in process, judged beside the server that listens on a port."""

from __future__ import annotations

import base64
import inspect
import io
import re
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import pytest
import requests
import responses
from vendorsim.core.errors import InputError, MissingExtraError
from vendorsim.http.server import running_server
from vendorsim.scenario.verbs import Start
from vendorsim.testing import double as testing
from vendorsim.testing.double import VendorApi, vendor_api
from werkzeug.test import Client

BASE = "https://acme.example.com"
CHAT = "/apps/api/v1/chats/17/end_user"
CALL = "/apps/api/v1/calls/17/end_user"
BEARER = {"Authorization": "Bearer s3cret"}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"acme:s3cret").decode()}


@pytest.fixture
def api() -> Iterator[VendorApi]:
    with vendor_api(BASE, token="s3cret") as api:
        yield api


def identify(path: str = CHAT, body: Any = None, **how: Any) -> requests.Response:
    content = {"identifier": "crm-4711"} if body is None else body
    return requests.post(BASE + path, json=content, headers=BEARER, timeout=20, **how)


def message(path: str = CHAT, body: Any = None) -> str:
    return str(identify(path, body).json()["message"])


JSON = {"Content-Type": "application/json"}
REQUESTS = [
    ("POST", CHAT, {"json": {"identifier": "crm-4711"}, "headers": BEARER}),
    ("POST", "/" + CALL, {"json": {"identifier": "crm-4711"}, "headers": BASIC}),
    ("POST", CHAT, {"json": {"identifier": "crm-4711"}}),
    ("POST", CHAT, {"json": {"identifier": "crm-4711"}, "headers": {"Authorization": "Bearer other"}}),
    ("POST", CHAT, {"headers": BEARER}),
    ("POST", CHAT, {"data": b"{", "headers": BEARER | JSON}),
    ("POST", CHAT, {"data": "identifier=crm", "headers": BEARER}),
    ("POST", CHAT, {"data": {"identifier": "crm"}, "headers": BEARER}),
    ("POST", CHAT, {"data": '{"identifier": "Grüße"}'.encode(), "headers": BEARER | JSON}),
    ("POST", CHAT, {"data": iter([b'{"identifier"', b':"crm"}']), "headers": BEARER | JSON}),
    ("POST", CHAT, {"data": io.BytesIO(b'{"identifier":"crm"}'), "headers": BEARER | JSON}),
    ("POST", CHAT, {"json": {"identifier": "x" * 1024 * 1024}, "headers": BEARER}),
    ("POST", CHAT, {"files": {"identifier": b"crm"}, "headers": BEARER}),
    ("POST", CHAT, {"json": {"identifier": "crm"}, "headers": BEARER, "params": {"a": "1 2"}}),
    ("POST", "/apps/api/v1/mails/17/end_user", {"json": {"identifier": "crm"}, "headers": BEARER}),
    ("POST", "/apps/api/v1//17/end_user", {"json": {"identifier": "crm"}, "headers": BEARER}),
    ("POST", "/apps/api/v1/chats/a%2Fb/end_user", {"json": {"identifier": "crm"}, "headers": BEARER}),
    ("POST", "/apps/api/v1/chats/Gr%C3%BC%C3%9Fe/end_user", {"json": {"identifier": "crm"}, "headers": BEARER}),
    ("POST", "/apps/api/v1/chats/ended-1/end_user", {"json": {"identifier": "crm"}, "headers": BEARER}),
    ("POST", "/apps/api/v1/chats/error-1/end_user", {"json": {"identifier": "crm"}, "headers": BEARER}),
    ("GET", CHAT, {"headers": BEARER}),
    ("DELETE", CHAT, {"headers": BEARER}),
    ("GET", "/", {}),
    ("GET", "?a=b", {}),
]


@pytest.mark.parametrize(("method", "path", "how"), [pytest.param(*case, id=f"{i}") for i, case in enumerate(REQUESTS)])
def test_answers_are_those_of_the_server(method: str, path: str, how: dict[str, Any]) -> None:
    listening = VendorApi(token="s3cret")
    body = how.get("data")
    # What can be read once only is read for the first request, and told again for the second.
    content = b"".join(body) if isinstance(body, Iterator) else None
    with running_server(listening.wsgi, fast_path=listening.wsgi.at_once) as server:
        there = requests.request(method, server.url + path, timeout=20, **how | ({"data": content} if content else {}))
    if content is not None:
        how = how | {"data": iter([content])}
    with vendor_api(BASE, token="s3cret") as api:
        here = requests.request(method, BASE + path, timeout=20, **how)
    assert (here.status_code, here.content) == (there.status_code, there.content)
    for name in ("Content-Type", "WWW-Authenticate", "Allow", "Content-Length"):
        assert here.headers.get(name) == there.headers.get(name), name
    told = [
        [(call.session_id, call.comm_type, call.fields, call.status) for call in own.calls] for own in (api, listening)
    ]
    assert told[0] == told[1]


class TestSessions:
    def test_are_active_until_they_are_ended(self, api: VendorApi) -> None:
        assert message() == "accepted"
        api.end_session("17")
        assert (message(CHAT), message("/" + CALL)) == ("Chat is already ended", "Call is already ended")
        api.start_session(17)
        assert message(CALL) == "accepted"

    def test_support_their_crm_until_they_do_not(self, api: VendorApi) -> None:
        api.set_crm_support(17, False)
        assert message() == "Unsupported CRM request"
        api.set_crm_support(17, True)
        assert message() == "accepted"

    def test_answer_as_they_are_forced_to_one_call_after_the_other(self, api: VendorApi) -> None:
        api.force(17, "error", "ended", "unauthorized")
        assert [identify().status_code for _ in range(4)] == [500, 400, 401, 202]
        assert [call.message for call in api.calls][1] == "Chat is already ended"

    def test_other_sessions_know_nothing_of_it(self, api: VendorApi) -> None:
        api.end_session(17)
        api.force(18, "error")
        assert message("/apps/api/v1/chats/19/end_user") == "accepted"

    def test_must_be_known_where_it_is_strict(self) -> None:
        with vendor_api(BASE, strict=True) as api:
            api.start_session(17)
            assert message() == "accepted"
            assert message("/apps/api/v1/chats/18/end_user") == "Not Found"

    @pytest.mark.parametrize(
        "change", [lambda api: api.end_session("ended-1"), lambda api: api.force("slow-1", "ended")]
    )
    def test_with_reserved_ids_can_not_be_changed(self, api: VendorApi, change: Any) -> None:
        with pytest.raises(InputError, match="have a fixed answer; take another id"):
            change(api)

    def test_can_not_be_forced_to_unknown_answers(self, api: VendorApi) -> None:
        with pytest.raises(InputError, match="unknown answer 'acepted'; did you mean 'accepted'"):
            api.force(17, "acepted")


class TestTime:
    def test_the_interval_of_duplicates_passes_when_told(self) -> None:
        with vendor_api(BASE, duplicate_interval="5s") as api:
            assert [message(), message()[:9]] == ["accepted", "Duplicate"]
            api.pass_time(4_000)
            assert message()[:9] == "Duplicate"
            api.pass_time("1s")
            assert message() == "accepted"

    @pytest.mark.parametrize(
        "change", [lambda api: api.pass_time("5"), lambda api: vendor_api(duplicate_interval="1").__enter__()]
    )
    def test_must_be_a_duration(self, api: VendorApi, change: Any) -> None:
        with pytest.raises(InputError, match="is not a duration"):
            change(api)

    @pytest.mark.parametrize("timeout", [5, 9.9, (20, 5)])
    def test_slow_answers_come_too_late_at_once(self, api: VendorApi, timeout: Any) -> None:
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{BASE}/apps/api/v1/chats/slow-1/end_user",
                json={"identifier": "crm-4711"},
                headers=BEARER,
                timeout=timeout,
            )
        api.assert_called_once_with(session_id="slow-1")
        assert message() == "accepted"

    @pytest.mark.parametrize("timeout", [None, 11, (5, 11), (1, None)])
    def test_or_in_time(self, api: VendorApi, timeout: Any) -> None:
        url = f"{BASE}/apps/api/v1/chats/slow-1/end_user"
        assert requests.post(url, json={"identifier": "crm"}, headers=BEARER, timeout=timeout).status_code == 202


CALLS = [
    (CHAT, {"identifier": "crm-4711", "name": "Dana Kessler"}),
    (CALL, {"identifier": "crm-4712"}),
    ("/apps/api/v1/chats/18/end_user", {"identifier": " "}),
]
HISTORY = """\
the calls:
  1. chats/17 identifier='crm-4711' name='Dana Kessler' → 202 accepted
  2. calls/17 identifier='crm-4712' → 202 accepted
  3. chats/18 (no valid body) → 400 param is missing or the value is empty: identifier"""


@pytest.fixture
def called(api: VendorApi) -> VendorApi:
    for path, body in CALLS:
        identify(path, body)
    return api


class TestAssertions:
    @pytest.mark.parametrize(
        ("expected", "number"),
        [
            ({}, 0),
            ({"session_id": "17"}, 0),
            ({"session_id": 17, "comm_type": "calls"}, 1),
            ({"identifier": "crm-4711", "name": "Dana Kessler", "email": None, "phone": None}, 0),
            ({"name": None, "identifier": ANY}, 1),
            ({"status": 400}, 2),
            ({"message": "param is missing or the value is empty: identifier", "session_id": "18"}, 2),
        ],
    )
    def test_hold_for_the_first_call_that_matches(
        self, called: VendorApi, expected: dict[str, Any], number: int
    ) -> None:
        assert called.assert_called_with(**expected) is called.calls[number]

    @pytest.mark.parametrize(
        ("expected", "nearest", "lines"),
        [
            (
                {"identifier": "crm-4713", "comm_type": "calls"},
                2,
                ["identifier: expected 'crm-4713', found 'crm-4712'"],
            ),
            (
                {"comm_type": "chats", "name": None, "identifier": "crm-4711"},
                1,
                ["name: expected none, found 'Dana Kessler'"],
            ),
            (
                {"session_id": "18", "identifier": "crm-4711", "comm_type": "chats"},
                1,
                ["session_id: expected '18', found '17'"],
            ),
            (
                {"session_id": 18, "comm_type": "calls", "email": "dana@example.com", "status": 400},
                3,
                [
                    "comm_type: expected 'calls', found 'chats'",
                    "email: expected 'dana@example.com', the body was not read, or is not valid",
                ],
            ),
            (
                {"session_id": 17, "comm_type": "calls", "email": "dana@example.com"},
                2,
                ["email: expected 'dana@example.com', the call has none"],
            ),
        ],
    )
    def test_explain_a_miss_by_the_nearest_call(
        self, called: VendorApi, expected: dict[str, Any], nearest: int, lines: list[str]
    ) -> None:
        asked = ", ".join(f"{name}={value!r}" for name, value in expected.items())
        told = [f"no call of end_user matches {asked}; the nearest is call {nearest} of 3:"]
        same = [name for name in expected if not any(line.startswith(f"{name}: ") for line in lines)]
        lines = [*lines, f"as expected: {', '.join(same)}"] if same else lines
        with pytest.raises(AssertionError) as missed:
            called.assert_called_with(**expected)
        assert str(missed.value) == "\n".join([*told, *(f"  {line}" for line in lines), HISTORY])
        with pytest.raises(AssertionError) as missed_once:
            called.assert_called_once_with(**expected)
        assert str(missed_once.value) == str(missed.value)

    def test_once_means_one_that_matches(self, called: VendorApi) -> None:
        assert called.assert_called_once_with(identifier="crm-4712") is called.calls[1]
        with pytest.raises(AssertionError) as missed:
            called.assert_called_once_with(status=202)
        assert str(missed.value).splitlines() == [
            "2 calls of end_user match status=202, not one:",
            *HISTORY.splitlines()[1:3],
        ]

    def test_not_called_means_none_that_matches(self, called: VendorApi) -> None:
        called.assert_not_called(session_id="19")
        with pytest.raises(AssertionError, match=r"called once with session_id='18':\n  1\. chats/18"):
            called.assert_not_called(session_id="18")
        with pytest.raises(AssertionError, match="end_user was called 3 times:\n"):
            called.assert_not_called()

    def test_without_any_call(self, api: VendorApi) -> None:
        api.assert_not_called()
        with pytest.raises(AssertionError) as missed:
            api.assert_called_with(identifier="crm-4711")
        assert str(missed.value) == "end_user was not called; expected identifier='crm-4711'"

    def test_tell_of_requests_that_missed_the_api(self, api: VendorApi) -> None:
        identify("/apps/api/v1/chats/17/enduser")
        requests.put(BASE + CHAT, headers=BEARER, timeout=20)
        with pytest.raises(AssertionError) as missed:
            api.assert_called_with()
        assert str(missed.value).splitlines() == [
            "end_user was not called",
            "requests to paths that the API does not have:",
            "  POST /apps/api/v1/chats/17/enduser → 404",
            "  PUT /apps/api/v1/chats/17/end_user → 405",
        ]

    def test_know_their_fields(self, api: VendorApi) -> None:
        wrong: Any = {"sesion_id": "17"}
        for method in (api.assert_called_with, api.assert_called_once_with, api.assert_not_called):
            with pytest.raises(TypeError, match="unknown field 'sesion_id'; did you mean 'session_id'"):
                method(**wrong)

    def test_show_no_more_calls_than_one_reads(self, api: VendorApi) -> None:
        for number in range(12):
            identify(f"/apps/api/v1/chats/{number}/end_user")
        with pytest.raises(AssertionError) as missed:
            api.assert_not_called()
        assert str(missed.value).splitlines()[-2:] == [
            "  10. chats/9 identifier='crm-4711' → 202 accepted",
            "  … and 2 more",
        ]


class TestWhatIsCaught:
    def test_is_nothing_but_what_lies_below_the_base_url(self, api: VendorApi) -> None:
        for url in (
            "https://acme.example.com.evil.example.org/",
            "https://other.example.com/",
            "http://acme.example.com/",
        ):
            with pytest.raises(requests.ConnectionError, match="doesn't match any registered mock"):
                requests.get(url, timeout=20)

    def test_may_lie_below_a_path(self) -> None:
        with vendor_api(BASE + "/ccai/") as api:
            assert identify("/ccai/" + CHAT).status_code == 202
            api.assert_called_once_with(session_id=17)

    def test_goes_by_the_users_own_rules_too(self) -> None:
        with responses.RequestsMock() as mine:
            mine.get("https://other.example.com/", json={"own": True})
            with vendor_api(BASE, mock=mine):
                assert identify().status_code == 202
                assert requests.get("https://other.example.com/", timeout=20).json() == {"own": True}
            with pytest.raises(requests.ConnectionError):
                identify()

    def test_is_nothing_once_it_is_over(self, api: VendorApi) -> None:
        with vendor_api("https://inner.example.com", token="inner") as inner:
            requests.post(f"https://inner.example.com{CHAT}", json={}, timeout=20)
            assert len(inner.calls) == 1
        assert identify().status_code == 202
        assert [call.status for call in api.calls] == [202]

    def test_needs_the_library_responses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "responses", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'vendorsim\[test\]'"), vendor_api(BASE):
            pass


def test_the_app_serves_other_clients() -> None:
    api = VendorApi(token="s3cret")
    answer = Client(api.wsgi).post(CHAT, json={"identifier": "crm-4711"}, headers=BEARER)
    assert (answer.status_code, answer.json) == (202, {"message": "accepted"})
    api.assert_called_once_with(session_id="17", identifier="crm-4711")


def test_public_names_are_explained() -> None:
    public = [getattr(testing, name) for name in testing.__all__]
    public += [member for name, member in inspect.getmembers(VendorApi) if not name.startswith("_")]
    assert [item for item in public if not inspect.getdoc(item)] == []


MESSAGES = "/api/v1/accounts/{account}/conversations/{chat}/messages"
TOKEN = {"api_access_token": "t"}


class TestEveryApi:
    """The same assertions for the operations of every vendor, for sinks and for paths."""

    @pytest.fixture
    def chat(self, api: VendorApi) -> Iterator[str]:
        api.state.token = None
        handle = api.state.stage("messagehub").open()
        self.account = handle.act(Start(), lambda conversation: conversation.account.id)
        yield handle.id
        api.state.close()

    def reply(self, chat: str, content: str) -> None:
        url = BASE + MESSAGES.format(account=self.account, chat=chat)
        requests.post(url, json={"content": content}, headers=TOKEN, timeout=20)

    def test_are_asserted_alike(self, api: VendorApi, chat: str) -> None:
        self.reply(chat, "Hello Dana")
        api.assert_not_called()
        sent = api.assert_called_once_with(
            "messagehub.create_message", {"/content": "Hello Dana"}, session_id=int(chat)
        )
        assert sent is api.calls_of(f"POST {MESSAGES}", {"/content": re.compile("(?i)dana$")})[0]
        assert sent.document() == {"content": "Hello Dana"}
        api.assert_called_with("messagehub.create_message", status="2xx", credentials="token")
        api.assert_not_called("messagehub.create_message", {"/private": True})
        with pytest.raises(AssertionError) as missed:
            api.assert_called_with("messagehub.create_message", {"/content": "Hello Ana"}, session_id=chat)
        assert str(missed.value).splitlines()[:4] == [
            f"no call of messagehub.create_message matches session_id={chat!r}, /content='Hello Ana'; "
            "the nearest is call 1 of 1:",
            "  /content: expected 'Hello Ana', found 'Hello Dana'",
            "  as expected: session_id",
            "the calls:",
        ]

    def test_how_often(self, api: VendorApi, chat: str) -> None:
        for text in ("one", "two"):
            self.reply(chat, text)
        assert len(api.expect_call("messagehub.create_message", times={"at_least": 2, "at_most": 2})) == 2
        api.expect_call("messagehub.create_message", {"/content": "three"}, times="never")
        with pytest.raises(
            AssertionError, match=r"^2 calls of messagehub.create_message match anything, not one:\n  1\. "
        ):
            api.expect_call("messagehub.create_message", times="once")
        with pytest.raises(AssertionError, match=r"was called 2 times, expected at least 3 times:\n  1\. messagehub"):
            api.expect_call("messagehub.create_message", times={"at_least": 3})
        with pytest.raises(AssertionError, match=r"was not called\nother calls: messagehub.create_message x 2$"):
            api.expect_call("messagehub.toggle_status")

    def test_sinks(self, api: VendorApi, chat: str) -> None:
        url = api.sink("crm", 503, {"status": 201, "body": {"id": 7}})
        assert url == f"{BASE}/_sinks/crm"
        answers = [requests.post(f"{url}/notes", json={"chat": chat}, timeout=20) for _ in range(2)]
        assert [(answer.status_code, answer.json()) for answer in answers] == [(503, {}), (201, {"id": 7})]
        api.expect_call("sink.crm", {"/chat": chat}, times="once", status="5xx", session_id=chat)
        api.sink("crm", 404, conversation={"segment": 1})
        assert requests.delete(f"{url}/18", timeout=20).status_code == 404
        api.assert_called_once_with("sink.crm", method="DELETE", session_id=18)
        assert api.state.ledger.state(chat) == {
            "calls": [{"call": "sink.crm", "method": "POST", "path": "/_sinks/crm/notes", "body": {"chat": chat}}]
        }

    def test_a_slow_sink(self, api: VendorApi) -> None:
        url = api.sink("crm", {"latency": "5s"})
        with pytest.raises(requests.ReadTimeout):
            requests.get(url, timeout=1)
        assert requests.get(url, timeout=10).status_code == 200
        assert len(api.calls_of("sink.crm")) == 2

    @pytest.mark.parametrize(
        ("how", "problem"),
        [
            ({"call": "messagehub.create_mesage"}, "did you mean 'messagehub.create_message'?"),
            ({"call": "sink.CRM"}, "'CRM' is not a name of a sink"),
            ({"call": "sink.crm", "body": {"id": 1}}, "'id' is not a JSON pointer such as /message/text"),
            ({"call": "sink.crm", "times": "twice"}, "unknown number of times 'twice'; known: once, never"),
            ({"call": "sink.crm", "times": {"at_leats": 1}}, "did you mean 'at_least'?"),
            ({"call": "sink.crm", "times": {"at_least": 2, "at_most": 1}}, "at_least (2) is more than at_most (1)"),
        ],
    )
    def test_what_does_not_exist_is_told(self, api: VendorApi, how: dict[str, Any], problem: str) -> None:
        with pytest.raises(InputError) as refused:
            api.expect_call(**how)
        assert problem in str(refused.value)

    def test_a_wrong_sink_is_told(self, api: VendorApi) -> None:
        with pytest.raises(
            InputError, match="sink 'crm': expected a whole number from 200 to 599, found the number 99"
        ):
            api.sink("crm", 99)
