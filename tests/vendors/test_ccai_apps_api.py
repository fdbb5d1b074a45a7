"""The Apps API around `end_user`, over real HTTP: end users, and a chat from its beginning to its end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
from flask import Flask
from receiver import Receiver
from vendorsim.core import resources
from vendorsim.http.server import RunningServer, running_server
from vendorsim.runs.config import Config
from vendorsim.scenario import verbs
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.target import Target
from vendorsim.vendors.ccai.api.apps_api import AppsApiLimits
from vendorsim.vendors.ccai.api.blueprint import blueprint

BASE = "/apps/api/v1"
BEARER = {"Authorization": "Bearer s3cret"}
JSON = {"Content-Type": "application/json"}
DANA = {"identifier": "crm-4711", "name": "Dana Kessler", "email": "dana@example.com", "phone": "+15550142"}
DOCUMENT = json.loads((resources.contracts() / "ccai" / "api.openapi.json").read_bytes())
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MISSING = "param is missing or the value is empty: "
STRANGER = 999


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    document: Any

    @property
    def said(self) -> tuple[int, str]:
        assert set(self.document) == {"message"}
        return self.status, self.document["message"]


@dataclass
class Api:
    """A running server. `dana` and `chat` are what most calls need, made on first use."""

    server: RunningServer
    state: ServerBackend
    calls: list[ApiCall] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=20)
        try:
            connection.request(method, path, content, BEARER | JSON if headers is None else headers)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "application/json"
            return Reply(answer.status, answer.headers, json.loads(answer.read()))
        finally:
            connection.close()

    def end_user(self, **told: str) -> int:
        """The platform's id of an end user."""
        reply = self.call("POST", f"{BASE}/end_users", DANA | told)
        assert reply.status == 200
        return int(reply.document["id"])

    def begin(self, user: int, **more: Any) -> dict[str, Any]:
        """The chat object of a new chat."""
        reply = self.call("POST", f"{BASE}/chats", {"chat": {"menu_id": 12, "end_user_id": user, **more}})
        assert reply.status == 201
        found: dict[str, Any] = reply.document
        return found

    def say(self, chat: int, user: int, text: str = "Hi") -> Reply:
        message = {"from_user_id": user, "message": {"type": "text", "content": text}}
        return self.call("POST", f"{BASE}/chats/{chat}/message", message)

    def finish(self, chat: int, user: int) -> Reply:
        body = {"finished_by_user_id": user, "chat": {"status": "finished"}}
        return self.call("PATCH", f"{BASE}/chats/{chat}", body)

    def identify(self, chat: int, identifier: str = "crm-4711") -> tuple[int, str]:
        return self.call("POST", f"{BASE}/chats/{chat}/end_user", {"identifier": identifier}).said


Start = Callable[..., Api]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(token="…")` starts a server with that state. With `limits` it has this API alone, which keeps so much."""
    with ExitStack() as stack:

        def run(limits: AppsApiLimits | None = None, **configuration: Any) -> Api:
            state = ServerBackend(**configuration)
            stack.callback(state.close)
            app = create_app(state) if limits is None else Flask(__name__)
            if limits is not None:
                app.register_blueprint(blueprint(state, limits))
            api = Api(stack.enter_context(running_server(app)), state)
            state.subscribe(api.calls.append)
            return api

        yield run


@pytest.fixture
def api(start: Start) -> Api:
    return start()


def holds(document: Any, schema: str) -> bool:
    """Whether a document keeps the OpenAPI document's schema of that name."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(root).is_valid(document)


def test_an_end_user_is_known_by_id_and_identifier(api: Api) -> None:
    created = api.call("POST", f"{BASE}/end_users", DANA)
    assert (created.status, set(created.document)) == (200, {"id", "identifier"})
    assert holds(created.document, "EndUser")
    number = created.document["id"]
    for query in (f"id={number}", "identifier=crm-4711", f"id={number}&identifier=other"):
        found = api.call("GET", f"{BASE}/end_users?{query}")
        assert (found.status, found.document) == (200, created.document)


def test_who_was_accepted_for_a_session_is_an_end_user(api: Api) -> None:
    assert api.call("POST", f"{BASE}/chats/s-1/end_user", DANA).status == 202
    found = api.call("GET", f"{BASE}/end_users?identifier=crm-4711").document
    assert found == {"id": api.end_user(), "identifier": "crm-4711"}


def test_a_chat_shows_who_was_accepted_for_it(api: Api) -> None:
    chat = api.begin(api.end_user())["id"]
    other = {"identifier": "crm-4712", "name": "Li"}
    assert api.call("POST", f"{BASE}/chats/{chat}/end_user", other).status == 202
    shown = api.call("GET", f"{BASE}/chats/{chat}").document["end_user"]
    assert shown["identifier"] == "crm-4712"


def test_a_refused_call_makes_no_end_user(api: Api) -> None:
    assert api.call("POST", f"{BASE}/chats/ended-1/end_user", DANA).status == 400
    assert api.call("GET", f"{BASE}/end_users?identifier=crm-4711").status == 404


def test_the_same_identifier_is_the_same_end_user(api: Api) -> None:
    first = api.end_user()
    assert api.end_user(name="Dana K.") == first
    assert api.end_user(identifier="crm-4712") != first


def test_a_chat_from_its_beginning_to_its_end(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMARY", "one")
    monkeypatch.setenv("SECONDARY", "two")
    with Receiver() as target:
        targets = {"ccai": (Target(target.url(), secret_env=("PRIMARY", "SECONDARY")),)}
        api = start(profiles={"ccai": "webhooks"}, config=Config(targets=targets))
        user = api.end_user()
        chat = api.begin(user, lang="de")
        number = chat["id"]
        assert (chat["status"], chat["lang"]) == ("queued", "de")
        assert chat["end_user"] == {"id": user, "identifier": "crm-4711"}
        assert api.identify(number) == (202, "accepted")
        said = api.say(number, user, "Wo bleibt meine Bestellung? 📦")
        assert (said.status, said.document) == (200, {})
        # Deliveries of different calls may overtake each other.
        target.wait_for(1)
        finished = api.finish(number, user)
        assert (finished.status, finished.document["status"]) == (200, "finished")
        assert ISO.fullmatch(finished.document["ends_at"])
        assert finished.document == chat | {
            "status": "finished",
            "status_text": "Finished",
            "ends_at": finished.document["ends_at"],
        }
        assert api.identify(number, "another") == (400, "Chat is already ended")
        received = target.wait_for(2)

    message, ended = (request.json for request in received)
    assert [message["event_type"], ended["event_type"]] == ["message_received", "chat_ended"]
    assert {message["chat_id"], ended["chat_id"]} == {number}
    assert message["body"]["sender"]["type"] == "end_user"
    assert message["body"]["sender"]["id"] == user
    assert message["body"]["message"] == {"type": "text", "content": "Wo bleibt meine Bestellung? 📦"}
    for request in received:
        timestamp = request.header("X-Signature-Timestamp") or ""
        one, two = (signature(key, timestamp.encode() + request.body) for key in (b"one", b"two"))
        assert request.header("X-Signature") == f"primary={one} secondary={two}"


def signature(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def test_the_default_profile_sends_nothing_and_answers_all_the_same(start: Start) -> None:
    with Receiver() as target:
        api = start(config=Config(targets={"ccai": (Target(target.url()),)}))
        user = api.end_user()
        number = api.begin(user)["id"]
        assert [api.say(number, user).status, api.finish(number, user).status] == [200, 200]
        api.state.close()
        assert target.requests == []


def test_every_chat_object_keeps_the_contract(api: Api) -> None:
    user = api.end_user()
    chat = api.begin(user)
    assert holds(chat, "Chat")
    handle = api.state.conversations.get("ccai", str(chat["id"]))
    assert handle is not None
    handle.act(verbs.Say("Yes?", by="first"), lambda conversation: None)
    finished = api.finish(chat["id"], user).document
    assert holds(finished, "Chat")
    assert finished["agent"] == finished["all_agents"][0]
    assert finished["agent"]["first_name"] in finished["agent"]["name"]


def test_a_message_wakes_a_chat_that_was_put_off(api: Api) -> None:
    user = api.end_user()
    number = api.begin(user)["id"]
    handle = api.state.conversations.get("ccai", str(number))
    assert handle is not None
    handle.act(verbs.Snooze(), lambda conversation: None)
    assert api.identify(number) == (202, "accepted")
    assert api.say(number, user).status == 200
    assert handle.look(lambda conversation: conversation.status) == "open"


def test_a_chat_ends_once_only(api: Api) -> None:
    user = api.end_user()
    number = api.begin(user)["id"]
    with ThreadPoolExecutor(8) as pool:
        got = sorted(pool.map(lambda _: api.finish(number, user).status, range(8)))
    assert got == [200] + [409] * 7
    assert api.say(number, user).said == (409, "Chat is already ended")


USERS, CHATS = f"{BASE}/end_users", f"{BASE}/chats"
LONG = "x" * 256


def chat_with(**changes: Any) -> dict[str, Any]:
    return {"chat": {"menu_id": 1, "end_user_id": STRANGER, **changes}}


def transcript(**changes: Any) -> dict[str, Any]:
    entry = {"sender": "end_user", "timestamp": "2026-01-05T09:00:00Z", "content": [{"type": "text", "text": "Hi"}]}
    return chat_with(transcript=[entry | changes])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", USERS, None, 400, f"{MISSING}identifier"),
        ("POST", USERS, {}, 400, f"{MISSING}identifier"),
        ("POST", USERS, {"identifier": None}, 400, f"{MISSING}identifier"),
        ("POST", USERS, {"identifier": " \u3000"}, 400, f"{MISSING}identifier"),
        ("POST", USERS, {"identifier": 4711}, 400, "identifier is not a string"),
        ("POST", USERS, {"identifier": LONG}, 400, "identifier is longer than 255 characters"),
        ("POST", USERS, DANA | {"name": None}, 400, "name is not a string"),
        ("POST", USERS, [DANA], 400, "the body is not a JSON object"),
        ("POST", USERS, b"{", 400, "the body is not JSON: unexpected end of data at line 1 column 2"),
        ("POST", USERS, b'{"identifier": "\\ud800"}', 400, None),
        ("POST", USERS, b"x" * (1024 * 1024 + 1), 413, "the body is larger than 1 MiB"),
        ("GET", USERS, None, 404, "Not Found"),
        ("GET", f"{USERS}?id=1", None, 404, "Not Found"),
        ("GET", f"{USERS}?id=9999999999999999999", None, 404, "Not Found"),
        ("GET", f"{USERS}?id=-1", None, 400, "id is not a positive integer"),
        ("GET", f"{USERS}?id=", None, 400, "id is not a positive integer"),
        ("GET", f"{USERS}?id=%D9%A1", None, 400, "id is not a positive integer"),
        ("GET", f"{USERS}?identifier=nobody", None, 404, "Not Found"),
        ("POST", CHATS, {}, 400, f"{MISSING}chat"),
        ("POST", CHATS, {"chat": []}, 400, "chat is not an object"),
        ("POST", CHATS, {"chat": {"end_user_id": 1}}, 400, f"{MISSING}menu_id"),
        ("POST", CHATS, {"chat": {"menu_id": 1}}, 400, f"{MISSING}end_user_id"),
        ("POST", CHATS, chat_with(menu_id="1"), 400, "menu_id is not a positive integer"),
        ("POST", CHATS, chat_with(menu_id=True), 400, "menu_id is not a positive integer"),
        ("POST", CHATS, chat_with(menu_id=1.5), 400, "menu_id is not a positive integer"),
        ("POST", CHATS, chat_with(menu_id=0), 400, "menu_id is not a positive integer"),
        ("POST", CHATS, chat_with(menu_id=2**63), 400, "menu_id is not a positive integer"),
        ("POST", CHATS, chat_with(menu_id=1e300), 400, "menu_id is not a positive integer"),
        ("POST", CHATS, chat_with(lang=1), 400, "lang is not a string"),
        ("POST", CHATS, chat_with(context=[]), 400, "context is not an object"),
        ("POST", CHATS, chat_with(context={"value": "a"}), 400, "value is not an object"),
        ("POST", CHATS, chat_with(transcript={}), 400, "transcript is not a list"),
        ("POST", CHATS, chat_with(transcript=[1]), 400, "transcript holds something else than objects"),
        ("POST", CHATS, transcript(sender="agent"), 400, "sender is none of end_user, virtual_agent"),
        ("POST", CHATS, transcript(content=None), 400, f"{MISSING}content"),
        ("POST", CHATS, transcript(content=[{"text": "Hi"}]), 400, f"{MISSING}type"),
        ("POST", CHATS, transcript(), 404, "Not Found"),
        ("POST", CHATS, chat_with(menu_id=1.0, context={"value": {"a": 1}}, lang="en", more=1), 404, "Not Found"),
        ("POST", f"{CHATS}/1/message", {}, 404, "Not Found"),
        ("PATCH", f"{CHATS}/1", {}, 404, "Not Found"),
        ("PATCH", f"{CHATS}/none", {}, 404, "Not Found"),
        ("GET", f"{CHATS}/1", None, 404, "Not Found"),
        ("GET", f"{CHATS}/1/messages", None, 404, "Not Found"),
        ("POST", f"{CHATS}/1/escalations", {"reason": "x"}, 404, "Not Found"),
        ("POST", CHATS, chat_with(context=None), 404, "Not Found"),
        ("GET", CHATS, None, 405, "Method Not Allowed"),
        ("DELETE", USERS, None, 405, "Method Not Allowed"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_every_wrong_call_has_its_answer(
    api: Api, method: str, path: str, body: Any, status: int, message: str | None
) -> None:
    told, reason = api.call(method, path, body).said
    assert (told, reason if message is not None else None) == (status, message)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/message", {"message": {}}, 400, f"{MISSING}from_user_id"),
        ("POST", "/message", {"from_user_id": 1}, 400, f"{MISSING}message"),
        ("POST", "/message", {"from_user_id": 1, "message": {"content": "Hi"}}, 400, f"{MISSING}type"),
        ("POST", "/message", {"from_user_id": 1, "message": {"type": "text"}}, 400, f"{MISSING}content"),
        ("POST", "/message", {"from_user_id": 1, "message": {"type": "text", "content": "\n"}}, 400,
         f"{MISSING}content"),
        ("POST", "/message", {"from_user_id": 1, "message": {"type": "text", "content": "x" * 10_001}}, 400,
         "content is longer than 10000 characters"),
        ("POST", "/message", {"from_user_id": 1, "message": {"type": "photo", "content": {"media_id": 1}}}, 400,
         "only messages of the type text are taken here"),
        ("POST", "/message", {"from_user_id": STRANGER, "message": {"type": "text", "content": "Hi"}}, 403,
         "from_user_id is not the end user of this chat"),
        ("PATCH", "", {"chat": {"status": "finished"}}, 400, f"{MISSING}finished_by_user_id"),
        ("PATCH", "", {"finished_by_user_id": 1}, 400, f"{MISSING}chat"),
        ("PATCH", "", {"finished_by_user_id": 1, "chat": {"status": "dismissed"}}, 400,
         "only the status finished is taken here"),
        ("PATCH", "", {"finished_by_user_id": 1, "chat": {"status": "finished", "escalation_id": "1"}}, 400,
         "escalation_id is not a positive integer"),
        ("POST", "/escalations", {"reason": 1}, 400, "reason is not a string"),
        ("POST", "/escalations", {"force_escalate": "yes"}, 400, "force_escalate is not true or false"),
        ("PATCH", "", {"finished_by_user_id": STRANGER, "chat": {"status": "finished"}}, 403,
         "finished_by_user_id is not the end user of this chat"),
    ],
    ids=lambda value: repr(value)[:50],
)  # fmt: skip
def test_every_wrong_call_for_a_chat_has_its_answer(
    api: Api, method: str, path: str, body: Any, status: int, message: str
) -> None:
    number = api.begin(api.end_user())["id"]
    assert api.call(method, f"{CHATS}/{number}{path}", body).said == (status, message)


def test_a_chat_and_what_was_said_can_be_read(api: Api) -> None:
    dana = api.end_user()
    chat = api.begin(dana)
    path = f"{CHATS}/{chat['id']}"
    for text in ("Hi", "Anybody?"):
        assert api.say(chat["id"], dana, text).status == 200
    assert api.call("GET", path).document == chat
    said = api.call("GET", f"{path}/messages").document
    assert [(entry["sender"], entry["content"]) for entry in said] == [
        ("end_user", [{"type": "text", "text": text}]) for text in ("Hi", "Anybody?")
    ]
    assert all(ISO.fullmatch(entry["timestamp"]) for entry in said)


def test_what_a_client_sends_for_nothing_is_taken(api: Api) -> None:
    """jonnathancosta/google_ccas: `context: null`, and empty texts for a chat that was not escalated."""
    dana = api.end_user()
    created = api.call("POST", CHATS, {"chat": {"menu_id": 1, "end_user_id": dana, "context": None, "email": None}})
    assert created.status == 201
    nothing = {"status": "finished", "deflection_channel": "", "escalation_id": ""}
    path = f"{CHATS}/{created.document['id']}"
    finished = api.call("PATCH", path, {"finished_by_user_id": dana, "chat": nothing})
    assert (finished.status, finished.document["status"]) == (200, "finished")
    refused = api.call("POST", f"{path}/escalations", {"reason": "talk_to_human"})
    assert refused.said == (409, "Chat is already ended")


def test_an_escalation_has_an_id_and_is_one(api: Api) -> None:
    chat = api.begin(api.end_user())
    asked = {"reason": "talk_to_human", "force_escalate": True}
    answers = [api.call("POST", f"{CHATS}/{chat['id']}/escalations", asked) for _ in range(2)]
    assert [(answer.status, answer.document) for answer in answers] == [(201, {"id": chat["id"]})] * 2
    assert api.call("GET", f"{CHATS}/{chat['id']}/escalations").document == [{"id": chat["id"]}]
    other = api.begin(api.end_user())
    assert api.call("GET", f"{CHATS}/{other['id']}/escalations").document == []


def test_a_call_is_no_chat(api: Api) -> None:
    user = api.end_user()
    number = api.begin(user)["id"]
    handle = api.state.conversations.get("ccai", str(number))
    assert handle is not None
    handle.act(verbs.Start("call"), lambda conversation: None)
    assert api.say(number, user).said == (404, "Not Found")


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer s3cret", 404),
        (basic(b"acme:s3cret"), 404),
        ("Bearer wrong", 401),
        (basic(b"acme:wrong"), 401),
        (basic(b"s3cret"), 401),
        ("s3cret", 401),
        (None, 401),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{USERS}?id=1"),
        ("POST", f"{CHATS}/1/message"),
        ("PATCH", f"{CHATS}/1"),
    ],
)
def test_credentials_are_judged_first(
    start: Start, method: str, path: str, authorization: str | None, status: int
) -> None:
    headers = JSON if authorization is None else JSON | {"Authorization": authorization}
    reply = start(token="s3cret").call(method, path, b"{", headers)
    assert reply.status == status
    if status == 401:
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="Apps API", Basic realm="Apps API"'


@pytest.mark.parametrize(("method", "path"), [("POST", USERS), ("POST", CHATS)])
def test_nobody_creates_anything_without_credentials(start: Start, method: str, path: str) -> None:
    assert start(token="s3cret").call(method, path, DANA, JSON).status == 401


def test_ten_calls_a_second_are_shared_by_all_operations(start: Start) -> None:
    seconds = [100.0]
    api = start(rate_limit=10, now=lambda: seconds[0])
    user = api.end_user()
    number = api.begin(user)["id"]
    assert api.identify(number) == (202, "accepted")
    assert [api.say(number, user).status for _ in range(8)] == [200] * 7 + [429]
    limited = api.finish(number, user)
    assert limited.said == (429, "Too Many Requests")
    assert limited.headers["Retry-After"] == "1"
    seconds[0] += 0.125
    assert [api.finish(number, user).status, api.identify(number)[0]] == [200, 429]
    other = {"Authorization": basic(b"other:s3cret")}
    assert api.call("GET", f"{USERS}?identifier=crm-4711", None, other).status == 200


def test_subscribers_learn_of_every_call(start: Start) -> None:
    api = start(token="s3cret")
    user = api.end_user()
    number = api.begin(user)["id"]
    api.say(number, user)
    api.finish(number, user)
    api.call("GET", f"{USERS}?id={user}", None, {})
    told = [(call.operation, call.method, call.path, call.session_id, call.status) for call in api.calls]
    chat = f"{CHATS}/{number}"
    assert told == [
        ("update_end_user", "POST", USERS, "", 200),
        ("create_chat", "POST", CHATS, "", 201),
        ("send_message", "POST", f"{chat}/message", str(number), 200),
        ("finish_chat", "PATCH", chat, str(number), 200),
        ("get_end_user", "GET", USERS, "", 401),
    ]
    assert {call.vendor for call in api.calls} == {"ccai"}
    assert api.calls[0].body == json.dumps(DANA).encode()
    assert "s3cret" not in repr(api.calls)


def test_the_oldest_end_users_are_forgotten(start: Start) -> None:
    api = start(AppsApiLimits(end_users=2))
    first = api.end_user(identifier="a")
    api.end_user(identifier="b")
    assert api.end_user(identifier="a") == first
    api.end_user(identifier="c")
    known = [api.call("GET", f"{USERS}?identifier={name}").status for name in "abc"]
    assert known == [200, 404, 200]
    assert api.end_user(identifier="b") > first


def test_the_oldest_chats_are_forgotten(start: Start) -> None:
    api = start(AppsApiLimits(chats=1), strict=True)
    user = api.end_user()
    first, second = api.begin(user)["id"], api.begin(user)["id"]
    assert [api.say(first, user).status, api.say(second, user).status] == [404, 200]
    assert [api.identify(first), api.identify(second)] == [(404, "Not Found"), (202, "accepted")]


def test_a_chat_takes_a_bounded_number_of_messages(start: Start) -> None:
    api = start(AppsApiLimits(messages=2))
    user = api.end_user()
    number = api.begin(user)["id"]
    assert [api.say(number, user).status for _ in range(3)] == [200, 200, 409]
    assert api.finish(number, user).status == 200


def test_the_operations_are_those_of_the_openapi_document() -> None:
    from vendorsim.vendorkit import registry

    listed = {(one.name, one.method, one.path) for one in registry.get("ccai").operations if one.name != "end_user"}
    described = {
        (operation["operationId"], method.upper(), path.replace("{chat_id}", ":chat_id"))
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert listed == described
