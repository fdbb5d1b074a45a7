"""MessageHub's REST API: webhooks decide where events go, and what an integration does comes back as webhooks."""

from __future__ import annotations

import hmac
import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jsonschema_rs
import pytest
from command_line import Vendorsim
from ports import free_port
from receiver import Connection, Receiver, Request, status
from vendorsim.conversation.files import made_up
from vendorsim.core import resources
from vendorsim.core.clock import wall_clock
from vendorsim.http.allowed_targets import refusal
from vendorsim.runs.config import Config
from vendorsim.scenario.verbs import Miss
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.serving import serve_app
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.target import Target

TOKEN = "s3cret"
ACCOUNT = 7
EVENTS = ("conversation_created", "conversation_updated", "conversation_status_changed", "message_created")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """An integration's client. `account` is the one that stands in its paths."""

    port: int
    account: int | str = ACCOUNT
    token: str | None = TOKEN

    def __call__(
        self, method: str, path: str, document: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        if self.token is not None:
            sent["api_access_token"] = self.token
        body = raw if raw is not None else None if document is None else json.dumps(document).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, f"/api/v1/accounts/{self.account}{path}", body, sent)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.read())
        connection.close()
        return found

    def form(self, path: str, *parts: tuple[str, str | tuple[str, str, bytes]]) -> Answer:
        """Posts `multipart/form-data`. A part is a text, or a file: its name, media type and content."""
        body = b""
        for name, value in parts:
            file = (value, None, value.encode()) if isinstance(value, str) else value
            named = f'; filename="{file[0]}"\r\nContent-Type: {file[1]}' if file[1] else ""
            head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
            body += head.encode() + file[2] + b"\r\n"
        return self("POST", path, raw=body + b"--edge--\r\n", Content_Type="multipart/form-data; boundary=edge")

    def end_user(self, session: str, fields: dict[str, str]) -> int:
        """The status of a call of the identification API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        connection.request("POST", f"/apps/api/v1/chats/{session}/end_user", json.dumps(fields), headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def contact(self, **values: Any) -> dict[str, Any]:
        made = self("POST", "/contacts", values)
        assert made.status == 200, made.body
        return dict(made.json["payload"]["contact"])

    def subscribe(self, target: Receiver, *events: str, path: str = "/hook") -> dict[str, Any]:
        document = {"url": target.url(path)} | ({"subscriptions": list(events)} if events else {})
        made = self("POST", "/webhooks", document)
        assert made.status == 200, made.body
        return dict(made.json["payload"]["webhook"])

    def begin(self, **wishes: Any) -> dict[str, Any]:
        begun = self("POST", "/conversations", wishes)
        assert begun.status == 200, begun.body
        return dict(begun.json)

    def conversation(self, **wishes: Any) -> str:
        """The path of a new conversation."""
        return f"/conversations/{self.begin(**wishes)['id']}"


@dataclass
class Hub:
    """A server and what it tells of its calls."""

    client: Client
    state: ServerBackend
    calls: list[ApiCall]


Serve = Callable[..., Hub]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(profile="observed-4.15", targets=(…))` starts a server; more arguments are those of ServerBackend."""
    servers = []

    def start(profile: str = "documented", targets: tuple[Target, ...] = (), **options: Any) -> Hub:
        config = Config(targets={"messagehub": targets})
        state = ServerBackend(TOKEN, profiles={"messagehub": profile}, config=config, **options)
        calls: list[ApiCall] = []
        state.subscribe(calls.append)
        server = serve_app(create_app(state))
        servers.append((server, state))
        return Hub(Client(server.port), state, calls)

    yield start
    for server, state in servers:
        server.close()
        state.close()


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve().client


def events(requests: list[Request]) -> list[str]:
    return [request.json["event"] for request in requests]


@pytest.mark.parametrize("profile", ["documented", "observed-2.5", "observed-4.15"])
def test_an_agents_reply_comes_back_as_message_created(serve: Serve, profile: str) -> None:
    client = serve(profile).client
    with Receiver() as target:
        client.subscribe(target, "message_created")
        path = client.conversation()
        reply = client("POST", f"{path}/messages", {"content": "Grüße 👋"})
        assert reply.status == 200
        came = target.wait_for(1)[0].json
    assert (came["event"], came["content"], came["id"]) == ("message_created", "Grüße 👋", reply.json["id"])
    assert came["conversation"]["id"] == reply.json["conversation_id"]
    assert (reply.json["message_type"], reply.json["private"]) == (1, False)


def test_what_each_call_causes(client: Client) -> None:
    with Receiver() as target:
        client.subscribe(target)
        path = client.conversation(message={"content": "Hello"})
        agents = client("GET", "/agents").json
        calls = [
            ("/messages", {"content": "And you?", "message_type": "incoming"}, ["message_created"]),
            ("/messages", {"content": "For us", "private": True}, ["message_created"]),
            ("/toggle_status", {"status": "pending"}, ["conversation_status_changed", "conversation_updated"]),
            ("/toggle_status", {"status": "pending"}, []),
            ("/toggle_status", {}, ["conversation_status_changed", "conversation_updated"]),
            ("/assignments", {"assignee_id": agents[1]["id"]}, ["conversation_updated"]),
            ("/assignments", {"team_id": client("GET", "/teams").json[0]["id"]}, ["conversation_updated"]),
            ("/assignments", {}, []),
            ("/labels", {"labels": ["vip", "new", "vip"]}, ["conversation_updated"]),
            ("/custom_attributes", {"custom_attributes": {"plan": "gold"}}, ["conversation_updated"]),
            ("/toggle_typing_status", {"typing_status": "on"}, []),
            ("/update_last_seen", None, ["conversation_updated"]),
            ("/toggle_status", {"status": "resolved"}, ["conversation_status_changed", "conversation_updated"]),
        ]
        expected = ["conversation_created", "message_created"]
        for operation, document, caused in calls:
            assert client("POST", path + operation, document).status == 200, operation
            expected += caused
        requests = target.wait_for(len(expected))
    assert sorted(events(requests)) == sorted(expected)
    bodies = [request.json for request in requests]
    changed = [name for body in bodies for change in body.get("changed_attributes", ()) for name in change]
    # In which second an agent looked last decides whether this changes.
    assert sorted(set(changed) - {"agent_last_seen_at"}) == [
        "assignee_id",
        "custom_attributes",
        "label_list",
        "status",
        "team_id",
        "unread_count",
    ]
    assert [body["private"] for body in bodies if body.get("content") == "For us"] == [True]


def test_the_answers_tell_the_state(client: Client) -> None:
    path = client.conversation()
    second = client("GET", "/agents").json[1]
    team = client("GET", "/teams").json[0]
    assert client("POST", f"{path}/assignments", {"assignee_id": second["id"]}).json == second
    assert client("POST", f"{path}/assignments", {"team_id": str(team["id"])}).json == team
    assert client("POST", f"{path}/labels", {"labels": ["a"]}).json == {"payload": ["a"]}
    assert client("GET", f"{path}/labels").json == {"payload": ["a"]}
    kept = client("POST", f"{path}/custom_attributes", {"custom_attributes": {"plan": [1]}}).json
    assert kept == {"custom_attributes": {"plan": [1]}}
    snoozed = client("POST", f"{path}/toggle_status", {"status": "snoozed", "snoozed_until": 1757506877}).json
    assert (snoozed["payload"]["success"], snoozed["payload"]["current_status"]) == (True, "snoozed")
    shown = client("GET", path).json
    assert (shown["status"], shown["labels"], shown["custom_attributes"]) == ("snoozed", ["a"], {"plan": [1]})
    assert shown["meta"]["assignee"]["id"] == second["id"]
    # Nobody has this id: the conversation is taken from whoever has it, as Chatwoot does.
    assert client("POST", f"{path}/assignments", {"assignee_id": 999_999}).json is None
    assert client("GET", path).json["meta"].get("assignee") is None


def test_an_update_narrows_a_subscription_and_a_deletion_ends_it(client: Client) -> None:
    with Receiver() as first, Receiver() as second:
        hook = client.subscribe(first)
        client.subscribe(second, "message_created")
        path = client.conversation()
        assert events(first.wait_for(1)) == ["conversation_created"]
        narrowed = client("PATCH", f"/webhooks/{hook['id']}", {"subscriptions": ["message_created"]})
        assert narrowed.json["payload"]["webhook"]["subscriptions"] == ["message_created"]
        client("POST", f"{path}/toggle_status", {"status": "pending"})
        client("POST", f"{path}/messages", {"content": "1"})
        assert events(first.wait_for(2)) == ["conversation_created", "message_created"]
        assert client("DELETE", f"/webhooks/{hook['id']}") == Answer(200, b"")
        client("POST", f"{path}/messages", {"content": "2"})
        assert sorted(request.json["content"] for request in second.wait_for(2)) == ["1", "2"]
        assert len(first.requests) == 2


def test_a_moved_subscription_gets_its_events_elsewhere(client: Client) -> None:
    with Receiver() as target:
        hook = client.subscribe(target, "message_created", path="/old")
        moved = client("PATCH", f"/webhooks/{hook['id']}", {"url": target.url("/new"), "name": "Desk"})
        assert (moved.json["payload"]["webhook"]["id"], moved.json["payload"]["webhook"]["name"]) == (
            hook["id"],
            "Desk",
        )
        client.conversation(message={"content": "Hello"})
        assert target.wait_for(1)[0].line == "POST /new HTTP/1.1"


def test_configured_targets_are_listed_without_their_secrets(serve: Serve) -> None:
    with Receiver() as target:
        url = f"http://user:pass@127.0.0.1:{target.port}/hook?key=abc"
        configured = Target(url, ("message_created",), {"X-Key": "hidden"})
        client = serve(targets=(configured, Target(target.url("/bot"), kind="agent_bot"))).client
        listed = client("GET", "/webhooks")
        assert listed.json["payload"]["webhooks"] == [
            {
                "id": 1,
                "name": None,
                "url": target.url(),
                "account_id": ACCOUNT,
                "subscriptions": ["message_created"],
            }
        ]
        # A change of its events changes nothing else about it.
        assert client("PATCH", "/webhooks/1", {"subscriptions": ["conversation_created"]}).status == 200
        client.begin()
        came = next(request for request in target.wait_for(2) if "/bot" not in request.line)
        assert (came.line, came.header("X-Key")) == ("POST /hook?key=abc HTTP/1.1", "hidden")
        assert client("DELETE", "/webhooks/1").status == 200
        assert client("GET", "/webhooks").json == {"payload": {"webhooks": []}}


def test_headers_of_a_configured_target_do_not_follow_it_to_another_server(serve: Serve) -> None:
    with Receiver() as old, Receiver() as new:
        client = serve(targets=(Target(old.url(), headers={"X-Key": "hidden"}),)).client
        assert client("PATCH", "/webhooks/1", {"url": new.url()}).status == 200
        client.begin()
        assert new.wait_for(1)[0].header("X-Key") is None


def test_a_secret_is_shown_once_and_signs(serve: Serve) -> None:
    client = serve("observed-4.15").client
    with Receiver() as target:
        hook = client.subscribe(target, "message_created")
        assert all("secret" not in listed for listed in client("GET", "/webhooks").json["payload"]["webhooks"])
        moved = client("PATCH", f"/webhooks/{hook['id']}", {"url": target.url("/new")})
        assert "secret" not in moved.json["payload"]["webhook"]
        client.conversation(message={"content": "Hello"})
        came = target.wait_for(1)[0]
    signed = f"{came.header('X-Chatwoot-Timestamp')}.".encode() + came.body
    digest = hmac.new(hook["secret"].encode(), signed, "sha256").hexdigest()
    assert came.header("X-Chatwoot-Signature") == f"sha256={digest}"


def test_a_plan_without_the_api_is_refused_everything_but_the_profile() -> None:
    """chatwoot/chatwoot#14973. With a token that the server asks for, the name has no meaning."""
    for token, code in ((None, 403), (TOKEN, 401)):
        app = create_app(ServerBackend(token)).test_client()
        found = app.get("/api/v1/accounts/1/agents", headers={"api_access_token": "no-plan"})
        assert found.status_code == code
        if code == 403:
            assert found.json == {"error": "API access is not enabled for this account"}
            assert app.get("/api/v1/profile", headers={"api_access_token": "no-plan"}).json["access_token"] == ""
            assert app.get("/api/v1/profile", headers={"api_access_token": "any"}).json["access_token"] != ""


def test_no_secret_where_nothing_is_signed(client: Client) -> None:
    with Receiver() as target:
        assert "secret" not in client.subscribe(target)


LOOPBACK = "http://localhost:9/hook"
INVALID_URL = {"message": "Url is invalid", "attributes": ["url"]}
INVALID_EVENTS = {"message": "Subscriptions Invalid events", "attributes": ["subscriptions"]}
TAKEN = {"message": "Url has already been taken", "attributes": ["url"]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, {"error": "param is missing or the value is empty: webhook"}),
        ({"name": "x"}, INVALID_URL),
        ({"url": "ftp://localhost/"}, INVALID_URL),
        ({"url": None}, INVALID_URL),
        ({"url": 5}, {"error": "url must be text"}),
        (
            {"url": LOOPBACK, "subscriptions": []},
            INVALID_EVENTS,
        ),
        (
            {"url": LOOPBACK, "subscriptions": ["message_created", "nonsense"]},
            INVALID_EVENTS,
        ),
        (
            {"webhook": {"url": "http://localhost:4010/taken"}},
            TAKEN,
        ),
    ],
)
def test_webhooks_that_are_refused(client: Client, document: dict[str, Any], said: dict[str, Any]) -> None:
    assert client("POST", "/webhooks", {"webhook": {"url": "http://localhost:4010/taken"}}).status == 200
    refused = client("POST", "/webhooks", document)
    assert (refused.status, refused.json) == (422, said)


def test_events_go_to_this_machine_and_configured_hosts_only(serve: Serve) -> None:
    client = serve(targets=(Target("http://desk.example.com/hook"),)).client
    refused = client("POST", "/webhooks", {"url": "http://169.254.169.254/latest"})
    assert refused.status == 422
    assert "vendorsim sends no events to '169.254.169.254'" in refused.json["message"]
    # An integration may clear away what is there, and subscribe anew.
    assert client("DELETE", "/webhooks/1").status == 200
    assert client("POST", "/webhooks", {"url": "https://desk.example.com/other"}).status == 200


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1/", True),
        ("http://127.9.8.7:8000/hook", True),
        ("http://[::1]:8000/", True),
        ("https://LOCALHOST/", True),
        ("http://desk.localhost/", True),
        ("http://app:8000/hook", True),
        ("http://APP/", True),
        ("http://10.0.0.1/", False),
        ("http://0.0.0.0/", False),
        ("http://[::]/", False),
        ("http://2130706433/", False),
        ("http://localhost.example.com/", False),
        ("http://localhost@example.com/", False),
        ("http://notlocalhost/", False),
        ("ftp://localhost/", False),
        ("http://", False),
    ],
)
def test_where_events_may_be_sent(url: str, allowed: bool) -> None:
    assert (refusal(url, {"app"}) is None) is allowed


def test_no_more_than_fifty_webhooks(client: Client) -> None:
    made = [client("POST", "/webhooks", {"url": f"{LOOPBACK}/{number}"}).status for number in range(51)]
    assert made == [200] * 50 + [422]
    assert client("DELETE", "/webhooks/3").status == 200
    assert client("POST", "/webhooks", {"url": LOOPBACK}).json["payload"]["webhook"]["id"] == 51


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, {"errors": ["You need to sign in or sign up before continuing."]}),
        ("wrong", {"error": "Invalid Access Token"}),
    ],
)
def test_calls_without_the_token(client: Client, token: str | None, said: dict[str, Any]) -> None:
    client.token = token
    refused = client("GET", "/webhooks")
    assert (refused.status, refused.json) == (401, said)


def test_the_header_may_be_written_with_dashes(client: Client) -> None:
    client.token = None
    assert client("GET", "/webhooks", api_access_token=TOKEN).status == 200


def test_above_the_rate_it_is_429(serve: Serve) -> None:
    client = serve(rate_limit=1.0).client
    assert {client("GET", "/webhooks").status for _ in range(20)} == {200, 429}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations/1"),
        ("GET", "/conversations/x"),
        ("GET", "/conversations/99999999999999999999"),
        ("POST", "/conversations/1/messages"),
        ("GET", "/conversations/1/messages"),
        ("POST", "/conversations/1/toggle_status"),
        ("POST", "/conversations/1/assignments"),
        ("POST", "/conversations/1/labels"),
        ("DELETE", "{path}/messages/1"),
        ("PATCH", "/webhooks/9"),
        ("DELETE", "/webhooks/0"),
    ],
)
def test_what_nobody_knows_is_404(client: Client, method: str, path: str) -> None:
    here = client.conversation()
    missing = client(method, path.format(path=here), {"url": LOOPBACK})
    assert (missing.status, missing.json) == (404, {"error": "Resource could not be found"})


def test_a_web_widget_does_not_say_what_became_of_a_message(client: Client) -> None:
    here = client.conversation()
    message = client("POST", f"{here}/messages", {"content": "Ho"}).json["id"]
    refused = client("PATCH", f"{here}/messages/{message}", {"status": "read"})
    assert (refused.status, refused.json) == (403, {"error": "Message status update is only allowed for API inboxes"})


def test_the_first_conversation_decides_the_account(client: Client) -> None:
    assert Client(client.port, 8)("GET", "/webhooks").status == 200
    assert client.begin()["account_id"] == ACCOUNT
    for account in (8, 0, -1, "x", 2**31):
        other = Client(client.port, account)("GET", "/webhooks")
        assert (other.status, other.json) == (404, {"error": "Resource could not be found"}), account


@pytest.mark.parametrize(
    ("operation", "document", "reason"),
    [
        ("messages", {}, "Content can't be blank"),
        ("messages", {"content": "x" * 150_001}, "Content is too long (maximum is 150000 characters)"),
        ("messages", {"content": 1}, "content must be text"),
        ("messages", {"content": "x", "message_type": "activity"}, "'activity' is not a valid message_type"),
        ("messages", {"content": "x", "content_type": "video"}, "'video' is not a valid content_type"),
        ("messages", {"content": "x", "private": "yes"}, "private must be true or false"),
        ("messages", [], "The body must be a JSON object"),
        ("toggle_status", {"status": "closed"}, "'closed' is not a valid status"),
        ("assignments", {"assignee_id": "ana"}, "assignee_id must be a number"),
        ("assignments", {"team_id": -1}, "team_id must be a number"),
        ("labels", {"labels": "vip"}, "labels must be a list of texts"),
        ("labels", {"labels": [""]}, "labels must be a list of texts"),
        ("custom_attributes", {}, "param is missing or the value is empty: custom_attributes"),
        ("toggle_typing_status", {"typing_status": "maybe"}, "typing_status must be on or off"),
    ],
)
def test_values_that_are_refused(client: Client, operation: str, document: Any, reason: str) -> None:
    refused = client("POST", f"{client.conversation()}/{operation}", document)
    assert refused.status == 422
    assert reason in refused.json["error"]


@pytest.mark.parametrize(
    ("raw", "media_type", "code"),
    [
        (b"{", "application/json", 400),
        (b'{"content": "\\ud800"}', "application/json", 400),
        (b'{"content": NaN}', "application/json", 400),
        (b'{"content": "x", "content_attributes": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}", "application/json", 400),
        (b"content=x", "application/x-www-form-urlencoded", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
    ids=["no JSON", "half a character", "no number", "too deep", "a form", "too large"],
)
def test_bodies_that_are_refused(serve: Serve, raw: bytes, media_type: str, code: int) -> None:
    hub = serve()
    path = hub.client.conversation()
    refused = hub.client("POST", f"{path}/messages", raw=raw, Content_Type=media_type)
    assert refused.status == code
    assert refused.json["error"]
    assert hub.calls[-1].status == code


def test_messages_are_listed_by_pages(client: Client) -> None:
    path = client.conversation()
    ids = [client("POST", f"{path}/messages", {"content": str(number)}).json["id"] for number in range(25)]

    def listed(query: str = "") -> list[int]:
        return [message["id"] for message in client("GET", f"{path}/messages{query}").json["payload"]]

    assert listed() == ids[5:]
    assert listed(f"?before={ids[5]}") == ids[:5]
    assert listed(f"?after={ids[2]}") == ids[3:]
    assert listed(f"?after={ids[2]}&before={ids[4]}") == ids[2:4]
    assert client("GET", f"{path}/messages?before=x").status == 422


def test_a_message_is_deleted_once(client: Client) -> None:
    with Receiver() as target:
        client.subscribe(target, "message_updated", "conversation_updated")
        path = client.conversation()
        message = client("POST", f"{path}/messages", {"content": "Oops", "echo_id": "mine"}).json
        assert message["echo_id"] == "mine"
        for _ in range(2):
            deleted = client("DELETE", f"{path}/messages/{message['id']}").json
            assert (deleted["id"], deleted["content_attributes"]) == (message["id"], {"deleted": True})
        client("POST", f"{path}/labels", {"labels": ["last"]})
        assert sorted(events(target.wait_for(2))) == ["conversation_updated", "message_updated"]


def test_conversations_are_listed_by_status_assignee_and_page(client: Client) -> None:
    paths = [client.conversation(status="pending" if number < 2 else "open") for number in range(28)]
    agent = client("GET", "/agents").json[1]["id"]
    client("POST", f"{paths[5]}/assignments", {"assignee_id": agent})

    def listed(query: str = "") -> Any:
        return client("GET", f"/conversations{query}").json["data"]

    assert listed()["meta"] == {"mine_count": 1, "assigned_count": 1, "unassigned_count": 25, "all_count": 26}
    assert (len(listed()["payload"]), len(listed("?page=2")["payload"])) == (25, 1)
    assert len(listed("?status=pending")["payload"]) == 2
    assert listed("?status=all")["meta"]["all_count"] == 28
    assert [f"/conversations/{found['id']}" for found in listed("?assignee_type=assigned")["payload"]] == [paths[5]]
    assert client("GET", "/conversations?page=0").status == 422
    assert client("GET", "/conversations?status=closed").status == 422


def test_no_conversation_begins_in_the_future(client: Client) -> None:
    begun = [client.begin()["created_at"] for _ in range(3)]
    assert max(begun) <= wall_clock() / 1000


def test_a_conversation_begins_as_it_is_asked_for(client: Client) -> None:
    with Receiver() as target:
        client.subscribe(target)
        first = client.begin(source_id="browser-1")
        wishes = {"status": "pending", "custom_attributes": {"plan": "gold"}, "message": {"content": "Hi"}}
        second = client.begin(source_id="browser-1", **wishes)
        # What it begins with causes no events of its own.
        assert sorted(events(target.wait_for(3))) == ["conversation_created"] * 2 + ["message_created"]
    contact = client("GET", f"/contacts/{first['meta']['sender']['id']}").json["payload"]
    assert [each["source_id"] for each in contact["contact_inboxes"]] == ["browser-1"]
    assert second["meta"]["sender"]["id"] == first["meta"]["sender"]["id"]
    assert (second["status"], second["custom_attributes"]) == ("pending", {"plan": "gold"})
    assert client.begin(contact_id=contact["id"])["meta"]["sender"]["id"] == contact["id"]
    assert client("POST", "/conversations", {"contact_id": contact["id"] + 99}).status == 404
    assert client("POST", "/conversations", {"inbox_id": first["inbox_id"] + 1}).status == 404


STORY = """\
scenario: Asked once
vendors: [messagehub]
seed: 7
starts: 2026-01-05T09:00:00Z
cast: {agents: {ana: {name: Ana Novak}}}
steps:
  - say: Is anybody there?
  - miss:
    after: 5s
"""


class Desk:
    """An integration that answers each message of a visitor through the API."""

    def __init__(self, port: int) -> None:
        self.client = Client(port, token="any")
        self.answers: list[Answer] = []

    def __call__(self, connection: Connection, request: Request) -> None:
        body = request.json
        if body["event"] == "message_created" and body["message_type"] == 0:
            self.client.account = body["account"]["id"]
            path = f"/conversations/{body['conversation']['id']}"
            self.answers.append(self.client("POST", f"{path}/messages", {"content": "Yes"}))
            self.answers.append(self.client("GET", "/webhooks"))
        connection.send(status(200))


def test_while_a_scenario_is_played_a_reply_comes_back(vendorsim: Vendorsim, tmp_path: Path) -> None:
    story, journal, port = tmp_path / "story.yaml", tmp_path / "kept.sqlite", free_port()
    story.write_text(STORY, encoding="utf-8")
    desk = Desk(port)
    with Receiver(desk) as target:
        given = ("--vendor", "messagehub", "--to", target.url(), "--serve", "--port", port, "--journal", journal)
        played = vendorsim("play", story, *given, "--json")
        assert played.code == 0, played.err
        written = [request.json for request in target.requests if request.json["event"] == "message_created"]
    reply, webhooks = desk.answers
    assert [(body["message_type"], body["content"]) for body in written] == [(0, "Is anybody there?"), (1, "Yes")]
    assert written[1]["id"] == reply.json["id"]
    assert written[1]["conversation"]["id"] == written[0]["conversation"]["id"]
    assert written[1]["sender"]["name"] == "Ana Novak"
    assert [hook["url"] for hook in webhooks.json["payload"]["webhooks"]] == [target.url()]
    kept = vendorsim("journal", "list", "--journal", journal, "--json").json
    calls = [(row["operation"], row["status"], row["session"]) for row in kept if row["type"] == "call"]
    assert calls == [
        ("create_message", 200, str(written[0]["conversation"]["id"])),
        ("list_webhooks", 200, ""),
    ]


def test_a_conversation_that_nobody_answered_can_be_resolved_and_opened(serve: Serve) -> None:
    hub = serve()
    path = hub.client.conversation()
    number = path.rpartition("/")[2]
    handle = hub.state.conversations.get("messagehub", number)
    assert handle is not None
    handle.act(Miss(), lambda conversation: None)
    assert hub.client("GET", path).json["status"] == "open"
    statuses = [hub.client("POST", f"{path}/toggle_status").json["payload"]["current_status"] for _ in range(2)]
    assert statuses == ["resolved", "open"]


def test_every_call_is_told(serve: Serve) -> None:
    hub = serve()
    path = hub.client.conversation()
    hub.client("POST", f"{path}/messages", {"content": "x"})
    hub.client("GET", "/webhooks/1")
    told = [(call.vendor, call.operation, call.session_id, call.method, call.status) for call in hub.calls]
    assert told == [
        ("messagehub", "create_conversation", "", "POST", 200),
        ("messagehub", "create_message", path.rpartition("/")[2], "POST", 200),
    ]
    assert hub.calls[1].body == b'{"content": "x"}'
    assert TOKEN not in repr(hub.calls)


@dataclass(frozen=True)
class Download:
    """The answer of a URL after its redirects: media type, bytes, and what stood before it."""

    status: int
    media_type: str
    body: bytes
    redirects: int


def download(url: str, redirects: int = 0) -> Download:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
    answer = connection.getresponse()
    body, place = answer.read(), answer.headers.get("Location")
    connection.close()
    if answer.status == 302 and place is not None:
        return download(place, redirects + 1)
    return Download(answer.status, answer.headers["Content-Type"], body, redirects)


PNG = made_up("screen.png", "image/png")


@pytest.mark.parametrize("profile", ["documented", "observed-4.15"])
def test_an_integration_does_its_whole_job(serve: Serve, profile: str) -> None:
    """In the form in which the clients @figuro/chatwoot-sdk 1.1.17 (npm), chatwoot-sdk 0.2.0 and chatwoot-client 0.1.2
    (PyPI) send it."""
    client = serve(profile).client
    me = json.loads(call(client.port, "GET", "/api/v1/profile"))
    client.account = me["accounts"][0]["id"]
    (inbox,) = client("GET", "/inboxes").json["payload"]
    assert client("GET", f"/inboxes/{inbox['id']}").json == inbox
    assert client("GET", f"/inboxes/{inbox['id'] + 1}").status == 404
    with Receiver() as target:
        client.subscribe(target, "conversation_created", "message_created", "conversation_status_changed")
        assert client("GET", "/contacts/search?q=zoe%40example.com&page=1").json["payload"] == []
        made = client("POST", "/contacts", {"inbox_id": inbox["id"], "name": "Zoe Zed", "email": "zoe@example.com"})
        contact, source = made.json["payload"]["contact"], made.json["payload"]["contact_inbox"]["source_id"]
        begun = client.begin(source_id=source, inbox_id=inbox["id"], contact_id=contact["id"])
        path = f"/conversations/{begun['id']}"
        message = client.form(
            f"{path}/messages",
            ("content", "Grüße 👋"),
            ("private", "false"),
            ("message_type", "outgoing"),
            ("content_attributes", '{"mine":1}'),
            ("source_id", "crm-7"),
            ("echo_id", "e1"),
            ("attachments[]", ("screen shot.png", "image/png", PNG)),
        ).json
        client("POST", f"{path}/toggle_status", {"status": "resolved"})
        hooks = {hook["event"]: hook for hook in (request.json for request in target.wait_for(3))}
    assert begun["meta"]["sender"]["email"] == "zoe@example.com"
    assert [each["id"] for each in client("GET", f"/contacts/{contact['id']}/conversations").json["payload"]] == [
        begun["id"]
    ]
    assert len(hooks) == 3
    hook = hooks["message_created"]
    for name in ("id", "content", "source_id", "content_attributes"):
        assert hook[name] == message[name], name
    assert (message["source_id"], message["content_attributes"], message["echo_id"]) == ("crm-7", {"mine": 1}, "e1")
    assert (message["sender"]["name"], message["sender"]["type"]) == (me["name"], "user")
    (file,) = message["attachments"]
    assert hook.get("attachments", [file]) == [file]
    assert (file["file_type"], file["file_size"]) == ("image", len(PNG))
    assert download(file["data_url"]) == Download(200, "image/png", PNG, 1)


def call(port: int, method: str, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"api_access_token": TOKEN})
    body = connection.getresponse().read()
    connection.close()
    return body


FILE = ("a.txt", "text/plain", b"Hello")


def test_messages_as_forms(client: Client) -> None:
    path = f"{client.conversation()}/messages"
    expected: list[tuple[list[Any], int, dict[str, Any]]] = [
        ([("content", "x"), ("private", "true")], 200, {"private": True, "message_type": 1, "content_attributes": {}}),
        ([("content", "x"), ("message_type", "incoming")], 200, {"message_type": 0}),
        (
            [("content", "x"), ("content_attributes[in_reply_to]", "7")],
            200,
            {"content_attributes": {"in_reply_to": "7"}},
        ),
        ([("content", "x"), ("content_attributes", "no JSON")], 200, {"content_attributes": {}}),
        ([("attachments[]", FILE)], 200, {"content": None}),
        ([("private", "1"), ("attachments[]", FILE)], 200, {"private": True}),
        ([], 422, {"error": "Validation failed: Content can't be blank"}),
        ([("content", "x"), ("private", "maybe")], 422, {"error": "private must be true or false"}),
        ([("attachments[]", FILE)] * 16, 422, {"error": "Validation failed: Attachments exceeded maximum allowed"}),
        ([("attachments[]", ("a.bin", "a/b", b" " * 2**20))], 413, {}),
    ]
    for parts, code, said in expected:
        answer = client.form(path, *parts)
        assert (answer.status, {name: answer.json[name] for name in said}) == (code, said), parts


@pytest.mark.parametrize(
    ("name", "media_type", "served"),
    [
        ("voice.ogg", "audio/ogg", "audio/ogg"),
        ("a b/c?.pdf", "application/pdf", "application/pdf"),
        ("page.html", "text/html", "application/octet-stream"),
    ],
)
def test_an_uploaded_file_is_served_until_its_message_is_deleted(
    client: Client, name: str, media_type: str, served: str
) -> None:
    path = f"{client.conversation()}/messages"
    message = client.form(path, ("attachments[]", (name, media_type, b"<b>content</b>"))).json
    url = message["attachments"][0]["data_url"]
    assert download(url) == Download(200, served, b"<b>content</b>", 1)
    assert download(url.replace("-0/", "-1/")).status == 404
    client("DELETE", f"{path}/{message['id']}")
    assert download(url).status == 404


def located(url: str) -> str:
    """Where the URL of a file redirects to."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", parts.path)
    place = connection.getresponse().headers["Location"]
    connection.close()
    return str(place)


def test_the_url_of_the_content_expires_and_the_one_in_the_body_does_not(client: Client) -> None:
    message = client.form(f"{client.conversation()}/messages", ("attachments[]", FILE)).json
    url = message["attachments"][0]["data_url"]
    place = located(url)
    assert download(place).status == 200
    signed, _, name = place.rpartition("/")
    until = signed.rpartition(".")[2]
    assert 290 < int(until) - wall_clock() / 1000 <= 300, "good for five minutes"
    for other in ("1700000000", "", "x", "٣"):
        assert download(f"{signed.removesuffix(until)}{quote(other)}/{name}").status == 404, other
    assert download(url).status == 200


def test_a_late_file_has_no_content_at_first(client: Client) -> None:
    """chatwoot/chatwoot#15540: the redirect works, and the store answers 404 until it has the file."""
    url = f"http://127.0.0.1:{client.port}/rails/active_storage/blobs/redirect/123-456-0-700-late/scan.pdf"
    first = download(url)
    assert (first.status, first.redirects) == (404, 1)
    while (found := download(url)).status == 404:
        pass
    assert (found.status, len(found.body)) == (200, 700)


def test_a_contact_keeps_its_avatar(client: Client) -> None:
    """The picture is made up; its name is that of the URL."""
    made = client("POST", "/contacts", {"name": "Dana", "avatar_url": "https://www.example.com/p/dana.png?size=2"}).json
    contact = made["payload"]["contact"]
    found = download(contact["thumbnail"])
    assert (found.status, found.media_type, found.redirects) == (200, "image/png", 1)
    assert found.body == made_up("dana.png", "image/png")
    path = f"/contacts/{contact['id']}"
    changed = client("PATCH", path, {"avatar_url": "https://www.example.com/picture"}).json["payload"]
    assert changed["thumbnail"].endswith("/avatar.png")
    assert client("PATCH", path, {"avatar_url": None}).json["payload"]["thumbnail"] == ""


FILES_STORY = """\
scenario: Files
vendors: [messagehub]
seed: 7
starts: 2026-01-05T09:00:00Z
steps:
  - say: {text: Look, attachments: [photo.png, {name: form.pdf, size: 5000}]}
  - say: {attachments: [{name: voice.ogg, url: "https://files.example.com/v/voice.ogg", size: 3000}]}
  - say: {attachments: ["https://www.example.com/elsewhere.png"]}
"""


def test_the_files_of_a_story_are_served_while_it_is_played(vendorsim: Vendorsim, tmp_path: Path) -> None:
    story, port = tmp_path / "story.yaml", free_port()
    story.write_text(FILES_STORY, encoding="utf-8")
    found: list[tuple[dict[str, Any], Download]] = []

    def fetch(connection: Connection, request: Request) -> None:
        for file in request.json.get("attachments", ()) if request.json["event"] == "message_created" else ():
            if "elsewhere" not in file["data_url"]:
                found.append((file, download(file["data_url"])))
        connection.send(status(200))

    with Receiver(fetch) as target:
        given = (
            "--vendor",
            "messagehub",
            "--profile",
            "observed-4.15",
            "--policy",
            "signing=none",
            "--to",
            target.url(),
        )
        played = vendorsim("play", story, *given, "--serve", "--port", port, "--no-journal")
    assert played.code == 0, played.err
    found.sort(key=lambda pair: pair[0]["id"])
    assert [(file["file_type"], file["content_type"], file["file_size"]) for file, _ in found] == [
        ("image", "image/png", 69),
        ("file", "application/pdf", 5000),
        ("audio", "audio/ogg", 3000),
    ]
    for file, got in found:
        assert (got.status, got.media_type, len(got.body)) == (200, file["content_type"], file["file_size"])


def test_a_made_up_file_is_served_after_its_conversation_is_forgotten(client: Client) -> None:
    prefix = f"http://127.0.0.1:{client.port}/rails/active_storage/blobs/redirect"
    got = download(f"{prefix}/123-456-0-700/scan.pdf")
    assert (got.status, got.media_type, len(got.body), got.body[:5]) == (200, "application/pdf", 700, b"%PDF-")
    for key in ("123-456-0", "x", "123-456-0-999999999"):
        assert download(f"{prefix}/{key}/scan.pdf").status == 404, key


def test_a_conversation_as_the_api_shows_it(serve: Serve) -> None:
    client = serve("observed-4.15").client
    path = client.conversation()
    client("POST", f"{path}/messages", {"content": "Question", "message_type": "incoming"})
    client("POST", f"{path}/messages", {"content": "Answer"})
    shown = client("GET", path).json
    validate(shown, "Conversation")
    assert isinstance(shown["first_reply_created_at"], int)
    assert shown["first_reply_created_at"] > 0
    assert shown["meta"]["channel"] == "Channel::WebWidget"
    assert [each["content"] for each in shown["messages"]] == ["Answer"]
    assert shown["last_non_activity_message"]["sender"]["type"] == "user"
    assert not {"channel", "contact_inbox", "account"} & set(shown)
    assert client("GET", path).json["uuid"] == shown["uuid"]


def test_who_was_accepted_for_a_conversation_is_shown_everywhere(serve: Serve) -> None:
    hub = serve("observed-4.15")
    client = hub.client
    with Receiver() as target:
        client.subscribe(target, "message_created")
        path = client.conversation()
        session = path.rpartition("/")[2]
        before = client("GET", path).json["meta"]["sender"]
        told = {"identifier": "crm-4711", "name": "Dana Kessler"}
        assert client.end_user(session, told) == 202
        client("POST", f"{path}/messages", {"content": "Hello?", "message_type": "incoming"})
        sender = target.wait_for(1)[-1].json["sender"]
    assert before["identifier"] is None
    contact = client("GET", f"/contacts/{sender['id']}").json["payload"]
    for shown in (sender, contact, client("GET", path).json["meta"]["sender"]):
        assert (shown["identifier"], shown["name"], shown["email"]) == (*told.values(), before["email"])
    client("POST", f"{path}/toggle_status", {"status": "resolved"})
    assert client.end_user(session, {"identifier": "crm-4712"}) == 400, "it has ended"


def test_a_contact_is_found_changed_and_deleted(serve: Serve) -> None:
    client = serve("observed-4.15").client
    with Receiver() as target:
        client.subscribe(target, "contact_created", "contact_updated", "conversation_created")
        ana = client.contact(name="Ana", email="ANA@example.com", identifier="a-1", custom_attributes={"plan": "gold"})
        bob = client.contact(name="Bob", phone_number="+4912345678", additional_attributes={"city": "Bonn"})
        client.contact(name="A visit")
        path = f"/contacts/{ana['id']}"
        for _ in range(2):
            client.begin(contact_id=ana["id"])
        change = {"name": "Ana Novak", "custom_attributes": {"size": 3}, "blocked": True}
        changed = client("PATCH", path, change).json["payload"]
        requests = target.wait_for(6)
    assert events(requests).count("contact_created") == 3
    (update,) = (request.json for request in requests if request.json["event"] == "contact_updated")
    assert (update["name"], update["custom_attributes"], update["blocked"]) == (
        "Ana Novak",
        {"plan": "gold", "size": 3},
        True,
    )
    validate(changed, "Contact")
    assert changed["email"] == "ana@example.com"
    assert client("GET", path).json["payload"] == changed
    conversations = client("GET", f"{path}/conversations").json["payload"]
    assert [each["meta"]["sender"]["name"] for each in conversations] == ["Ana Novak"] * 2

    def names(query: str) -> list[str]:
        return [each["name"] for each in client("GET", f"/contacts{query}").json["payload"]]

    assert names("") == ["Ana Novak", "Bob"]
    assert names("?sort=-name") == ["Bob", "Ana Novak"]
    assert names("?page=2") == []
    for wanted in ("novak", "a-1", "ANA%40", str(ana["id"])):
        assert names(f"/search?q={wanted}") == ["Ana Novak"], wanted
    assert client("GET", "/contacts/search?q=%20").status == 422

    inbox = client("GET", "/inboxes").json["payload"][0]["id"]
    for source in ("one", "one", "two"):
        given = client("POST", f"/contacts/{bob['id']}/contact_inboxes", {"inbox_id": inbox, "source_id": source})
        assert (given.status, given.json["source_id"]) == (200, source)
    sources = [each["source_id"] for each in client("GET", f"/contacts/{bob['id']}").json["payload"]["contact_inboxes"]]
    assert sources[1:] == ["one", "two"]
    contactable = client("GET", f"/contacts/{bob['id']}/contactable_inboxes").json["payload"]
    assert [each["source_id"] for each in contactable] == ["two"]
    taken = client("POST", f"{path}/contact_inboxes", {"inbox_id": inbox, "source_id": "two"})
    assert (taken.status, taken.json) == (422, {"error": "source_id should be unique"})

    assert client("DELETE", path).status == 200
    assert client("GET", path).status == 404
    assert [client("GET", f"/conversations/{each['id']}").status for each in conversations] == [404, 404]
    assert names("") == ["Bob"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"email": "no"}, {"message": "Email Invalid email", "attributes": ["email"]}),
        ({"email": "Ana@example.com"}, {"message": "Email has already been taken", "attributes": ["email"]}),
        (
            {"phone_number": "0228"},
            {"message": "Phone number should be in e164 format", "attributes": ["phone_number"]},
        ),
        ({"identifier": "a-1"}, {"message": "Identifier has already been taken", "attributes": ["identifier"]}),
        ({"name": 1}, {"error": "name must be text"}),
        ({"custom_attributes": []}, {"error": "custom_attributes must be an object"}),
        ({"source_id": ""}, {"error": "source_id must be a text of 1 to 255 characters"}),
    ],
)
def test_contacts_that_are_refused(client: Client, values: dict[str, Any], said: dict[str, Any]) -> None:
    client.contact(name="Ana", email="ana@example.com", identifier="a-1")
    refused = client("POST", "/contacts", values)
    assert (refused.status, refused.json) == (422, said)


def condition(key: str, operator: str, *values: Any, joined: str | None = None) -> dict[str, Any]:
    return {"attribute_key": key, "filter_operator": operator, "values": list(values), "query_operator": joined}


def test_filters(client: Client) -> None:
    numbers = [client.begin(status=wanted)["id"] for wanted in ("open", "pending", "open")]
    paths = [f"/conversations/{number}" for number in numbers]
    client("POST", f"{paths[0]}/labels", {"labels": ["vip"]})
    client("POST", f"{paths[2]}/custom_attributes", {"custom_attributes": {"plan": "Gold", "size": 12}})
    client("PATCH", paths[1], {"priority": "high"})
    for payload, expected in [
        ([], [0, 1, 2]),
        ([condition("status", "equal_to", "pending")], [1]),
        ([condition("status", "equal_to", "all")], [0, 1, 2]),
        ([condition("status", "not_equal_to", "pending")], [0, 2]),
        ([condition("labels", "equal_to", "vip")], [0]),
        ([condition("labels", "is_not_present")], [1, 2]),
        ([condition("priority", "equal_to", "high")], [1]),
        ([condition("plan", "contains", "GOL")], [2]),
        ([condition("plan", "does_not_contain", "gol")], [0, 1]),
        ([condition("size", "is_greater_than", 9)], [2]),
        ([condition("display_id", "equal_to", numbers[0], joined="OR"), condition("plan", "is_present")], [0, 2]),
        ([condition("status", "equal_to", "open", joined="AND"), condition("plan", "is_present")], [2]),
    ]:
        found = client("POST", "/conversations/filter", {"payload": payload}).json
        assert sorted(each["id"] for each in found["payload"]) == [numbers[index] for index in expected], payload
        assert found["meta"]["all_count"] == len(expected)
    for wrong in (
        [condition("status", "like", "x")],
        [condition("status", "equal_to")],
        [condition("", "equal_to", "x")],
        [condition("status", "equal_to", "x", joined="XOR")],
        ["x"],
    ):
        assert client("POST", "/conversations/filter", {"payload": wrong}).status in (400, 422), wrong
    contact = client.contact(name="Ana", email="ana@example.com", additional_attributes={"city": "Bonn"})
    for key, value in (("email", "ANA@example.com"), ("city", "bonn")):
        found = client("POST", "/contacts/filter", {"payload": [condition(key, "equal_to", value)]}).json
        assert [each["id"] for each in found["payload"]] == [contact["id"]], key
    for query, count in (("", 2), ("?status=all", 3), ("?labels[]=vip", 1), ("?q=nothing", 0), ("?inbox_id=1", 0)):
        assert client("GET", f"/conversations/meta{query}").json["meta"]["all_count"] == count, query


@pytest.mark.parametrize("profile", ["documented", "observed-4.15"])
def test_priority_mute_and_deletion(serve: Serve, profile: str) -> None:
    client = serve(profile).client
    with Receiver() as target:
        client.subscribe(target, "conversation_updated", "conversation_status_changed")
        path = client.conversation()
        assert client("PATCH", path, {"priority": "high", "status": "resolved"}).json["priority"] == "high"
        assert client("POST", f"{path}/toggle_priority", {"priority": "high"}).status == 200
        assert client("PATCH", path, {"priority": "soon"}).status == 422
        (told,) = target.wait_for(1)
        assert "priority" in told.json["changed_attributes"][0]
        assert client("POST", f"{path}/mute").status == 200
        shown = client("GET", path).json
        assert (shown["status"], shown["muted"]) == ("resolved", True)
        again = client.begin(contact_id=shown["meta"]["sender"]["id"])
        assert again["muted"] is True
        client("POST", f"{path}/unmute")
        for one in (path, f"/conversations/{again['id']}"):
            assert client("GET", one).json["muted"] is False
        assert sorted(events(target.wait_for(3))) == ["conversation_status_changed", *["conversation_updated"] * 2]
    assert client("DELETE", path).status == 200
    assert {client(method, path).status for method in ("GET", "DELETE")} == {404}
    assert client("POST", f"{path}/messages", {"content": "Hello?"}).status == 404
    contact = f"/contacts/{shown['meta']['sender']['id']}"
    assert client("GET", contact).status == 200, "the contact stays"
    assert [each["id"] for each in client("GET", f"{contact}/conversations").json["payload"]] == [again["id"]]


def test_canned_responses(client: Client) -> None:
    first = client("POST", "/canned_responses", {"short_code": "hi", "content": "Hello"}).json
    second = client("POST", "/canned_responses", {"canned_response": {"short_code": "bye", "content": "See you"}}).json
    assert (first["id"], second["short_code"], first["account_id"]) == (1, "bye", ACCOUNT)
    assert client("GET", "/canned_responses").json == [first, second]
    assert client("GET", "/canned_responses?search=SEE").json == [second]
    changed = client("PATCH", "/canned_responses/1", {"content": "Hello!"}).json
    assert (changed["short_code"], changed["content"]) == ("hi", "Hello!")
    for method, path, document, code in (
        ("POST", "", {"short_code": "hi", "content": "x"}, 422),
        ("POST", "", {"short_code": "x"}, 422),
        ("PUT", "/2", {"short_code": "hi"}, 422),
        ("PATCH", "/9", {"content": "x"}, 404),
        ("DELETE", "/1", None, 200),
        ("DELETE", "/1", None, 404),
    ):
        assert client(method, f"/canned_responses{path}", document).status == code, (method, path)


def test_a_fresh_server_has_inboxes_agents_and_teams(client: Client) -> None:
    before = [client("GET", f"/{name}").json for name in ("inboxes", "agents", "teams")]
    assert all(before)
    assert client.begin()["inbox_id"] == before[0]["payload"][0]["id"]
    assert [client("GET", f"/{name}").json for name in ("inboxes", "agents", "teams")] == before


DOCUMENT = json.loads((resources.contracts() / "messagehub" / "api.openapi.json").read_bytes())


def validate(document: Any, schema: str) -> None:
    """Raises where the document is not what the OpenAPI document says."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(root).validate(document)
