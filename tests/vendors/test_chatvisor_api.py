"""Chatvisor's REST API over real HTTP, about conversations that are under way. Every answer is held to the document."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jsonschema
import pytest
from command_line import Vendorsim
from ports import free_port
from receiver import Connection, Receiver, Request, status
from vendorsim.conversation.casting import Opening
from vendorsim.core import resources
from vendorsim.core.provenance import PROVENANCES
from vendorsim.http.server import RunningServer, running_server
from vendorsim.scenario.verbs import Close, Contact, Say
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.chatvisor.api.keys import Keys
from vendorsim.vendors.chatvisor.api.users import TooManyUsersError, Users

DOCUMENT = json.loads((resources.contracts() / "chatvisor" / "api.openapi.json").read_bytes())
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
TOKEN = "s3cret"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JOHN = {"email": "john@example.com", "firstname": "John", "lastname": "van Dam", "team": "Sales"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        assert set(self.json) == {"message"}
        return str(self.json["message"])


@dataclass
class Api:
    """A server and its state. `call` makes one call of an operation and holds its answer to the document."""

    server: RunningServer
    state: ServerBackend
    calls: list[ApiCall] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def call(
        self,
        operation: str,
        given: Any = None,
        *,
        headers: dict[str, str] = BEARER,
        query: str = "",
        values: dict[str, str] | None = None,
        **more: str,
    ) -> Reply:
        """`values` and `more` are the parameters of the path."""
        method, path, described = OPERATIONS[operation]
        values = (values or {}) | more
        path = path.format(**{key: quote(value, safe="") for key, value in values.items()})
        body = None if given is None else given if isinstance(given, bytes) else json.dumps(given).encode()
        typed = headers if body is None else {"Content-Type": "application/json"} | headers
        reply = self.send(method, f"{path}?{query}" if query else path, body, typed)
        answer = described["responses"][str(reply.status)]
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        assert reply.headers["Content-Type"] == "application/json"
        schema = answer["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(schema).validate(reply.json)
        return reply

    def results(self, operation: str, **options: Any) -> list[Any]:
        reply = self.call(operation, **options)
        assert reply.status == 200, reply.body
        found: list[Any] = reply.json["results"]
        return found

    def begin(self, text: str | None = "Hello", **person: Any) -> str:
        """A conversation that the customer begins; gives the customer's id."""

        handle = self.state.stage("chatvisor").open(Opening(person))
        if text is not None:
            handle.act(Say(text), lambda found: None)
        return handle.id

    def handle(self, customer: str) -> ConversationHandle:
        found = self.state.conversations.get("chatvisor", customer)
        assert found is not None
        return found

    def agents(self, customer: str) -> list[str]:
        """The e-mail addresses of the cast."""
        return self.handle(customer).look(lambda found: [agent.email for agent in found.agents.values()])


@contextmanager
def serving(**configuration: Any) -> Iterator[Api]:
    state = ServerBackend(**{"token": TOKEN, "profiles": {"chatvisor": "engage"}, **configuration})
    try:
        with running_server(create_app(state)) as server:
            api = Api(server, state)
            state.subscribe(api.calls.append)
            yield api
    finally:
        state.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Api]:
    """One server for tests that don't mind what others have left there."""
    with serving() as api:
        yield api


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as found:
        yield found


# The document, and who goes by it


def test_what_is_listed_and_answered_is_what_the_document_says(vendorsim: Vendorsim) -> None:
    listed = vendorsim("vendors", "chatvisor", "--json").json["operations"]
    assert [(one["name"], one["method"], one["path"], one["provenance"]) for one in listed] == [
        (name, method, re.sub(r"{(\w+)}", r":\1", path), operation["x-provenance"])
        for name, (method, path, operation) in OPERATIONS.items()
    ]


def test_only_the_path_that_the_vendor_publishes_is_called_documented() -> None:
    documented = [name for name, (_, _, described) in OPERATIONS.items() if described["x-provenance"] == "documented"]
    assert documented == ["list_customers"]
    assert OPERATIONS["list_customers"][:2] == ("GET", "/rest/v1/customer")
    parameters = OPERATIONS["list_customers"][2]["parameters"]
    names = [parameter["$ref"].rpartition("/")[2] for parameter in parameters]
    assert names == ["offset", "pageNumber", "pageSize", "unused"]


def test_every_part_of_the_document_says_where_it_is_known_from() -> None:
    def unlabelled(part: Any, place: str) -> Iterator[str]:
        if not isinstance(part, dict):
            return
        for name, sub in part.get("properties", {}).items():
            if sub.get("x-provenance") not in PROVENANCES or not sub.get("x-source"):
                yield f"{place}/{name}"
            yield from unlabelled(sub, f"{place}/{name}")

    components = DOCUMENT["components"]
    for name, schema in components["schemas"].items():
        assert schema["x-provenance"] in PROVENANCES
        assert list(unlabelled(schema, name)) == []
    for kind in ("parameters", "responses", "securitySchemes"):
        for part in components[kind].values():
            assert part["x-provenance"] in PROVENANCES
            assert part["x-source"]
    assert not re.search(r"\bseeds?\b|fact sheet|/work/|/tmp/", json.dumps(DOCUMENT))


# Credentials


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        (BEARER, "", 200),
        ({"Authorization": f"bearer {TOKEN}"}, "", 200),
        ({}, f"access_token={TOKEN}", 200),
        (BEARER, "access_token=wrong", 200),
        ({}, "", 401),
        ({}, "access_token=", 401),
        ({}, "access_token=wrong", 401),
        ({}, "access_token=s3cre%00", 401),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Authorization": "Bearer wrong"}, f"access_token={TOKEN}", 401),
        ({"Authorization": "Basic YWNtZTpzM2NyZXQ="}, "", 401),
        ({"Authorization": TOKEN}, "", 401),
    ],
)
def test_who_is_let_in(shared: Api, headers: dict[str, str], query: str, expected: int) -> None:
    reply = shared.call("list_customers", headers=headers, query=query)
    assert reply.status == expected
    if expected == 401:
        assert reply.message == "Authentication failed"
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "open_agent_chat"])
def test_nothing_is_answered_without_a_token(shared: Api, operation: str) -> None:
    names = re.findall(r"{(\w+)}", OPERATIONS[operation][1])
    assert shared.call(operation, headers={}, values=dict.fromkeys(names, "1")).status == 401


def test_without_a_token_of_its_own_the_server_takes_any() -> None:
    with serving(token=None) as api:
        assert api.call("list_customers", headers={"Authorization": "Bearer whatever"}).status == 200
        assert api.call("list_customers", headers={}).status == 401


def test_too_many_calls_have_to_wait() -> None:
    with serving(rate_limit=1.0) as api:
        replies = [api.call("list_users") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 429, 429]
    assert int(replies[1].headers["Retry-After"]) >= 1


# Customers


def test_a_customer_is_who_has_written_or_subscribed(api: Api) -> None:
    written, subscribed, silent = api.begin(), api.begin(None), api.begin(None)
    api.handle(subscribed).act(Contact(created={"email": "ada@example.com"}), lambda found: None)
    assert [one["id"] for one in api.results("list_customers")] == [written, subscribed]
    assert [one["customerId"] for one in api.results("list_conversations")] == [written]
    assert api.call("tag_customer", {}, customerId=silent).status == 404


@pytest.mark.parametrize(
    ("query", "page", "expected"),
    [
        ("", 0, [0, 1, 2, 3, 4]),
        ("pageSize=2", 0, [0, 1]),
        ("pageSize=2&pageNumber=1", 1, [2, 3]),
        ("pageSize=2&pageNumber=2", 2, [4]),
        ("pageSize=2&pageNumber=3", 3, []),
        ("offset=1&pageSize=2&pageNumber=1", 1, [3, 4]),
        ("pageSize=0", 0, []),
        ("pageNumber=2147483647&pageSize=2147483647&offset=2147483647", 2147483647, []),
        ("unused=x&more=y", 0, [0, 1, 2, 3, 4]),
    ],
)
def test_a_list_comes_in_pages(five: tuple[Api, list[str]], query: str, page: int, expected: list[int]) -> None:
    api, customers = five
    reply = api.call("list_customers", query=query)
    assert reply.json["page"] == page
    assert [one["id"] for one in reply.json["results"]] == [customers[number] for number in expected]


@pytest.fixture(scope="module")
def five() -> Iterator[tuple[Api, list[str]]]:
    with serving() as api:
        yield api, [api.begin() for _ in range(5)]


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "", "2147483648", "99999999999999", "%D9%A1", "1%0A"])
@pytest.mark.parametrize("name", ["offset", "pageNumber", "pageSize"])
def test_a_page_is_asked_for_by_small_numbers(shared: Api, name: str, value: str) -> None:
    reply = shared.call("list_customers", query=f"{name}={value}")
    assert (reply.status, reply.message) == (400, f"{name}: expected an integer from 0 to 2147483647")


def test_no_page_holds_more_than_its_bound(api: Api) -> None:
    for _ in range(205):
        api.begin()
    assert len(api.results("list_customers", query="pageSize=1000")) == 200
    assert len(api.results("list_customers")) == 50


@pytest.mark.parametrize("query", ["ada@example.com", "ADA@EXAMPLE.COM", "Lovelace", "vip", "crm 12?7", "unread"])
def test_one_customer_is_found_by_any_field(api: Api, query: str) -> None:
    api.handle(api.begin(name="Grace Hopper", email="grace@example.com")).act(Close(), lambda found: None)
    ada = api.begin(name="Ada Lovelace", email="ada@example.com")
    assert api.call("tag_customer", {"id": "crm 12?7", "labels": ["vip"]}, customerId=ada).status == 200
    assert api.call("find_customer", values={"query": query}).json["id"] == ada


def test_the_newest_of_several_is_found_and_nobody_by_a_part_of_a_field(api: Api) -> None:
    _, second = api.begin(name="Ada Lovelace"), api.begin(name="Ada Lovelace")
    assert api.call("find_customer", values={"query": "ada"}).json["id"] == second
    assert api.call("find_customer", values={"query": "ad"}).status == 404


def test_active_is_whoever_is_not_done_and_a_users_token_sees_its_own(api: Api) -> None:
    token = synchronised(api)[0]["token"]
    first, second, done = (api.begin() for _ in range(3))
    api.begin(None)
    api.handle(done).act(Close(), lambda found: None)
    api.call("assign_customer", {"assignedUser": "JOHN@example.com"}, customerId=second)
    api.call("assign_customer", {"assignedUser": JOHN["email"]}, customerId=done)
    assert [one["id"] for one in api.results("list_active_customers")] == [first, second]
    mine = {"Authorization": f"Bearer {token}"}
    assert [one["id"] for one in api.results("list_active_customers", headers=mine)] == [second]
    assert [one["id"] for one in api.results("list_active_customers", headers={}, query=f"access_token={token}")] == [
        second
    ]
    assert len(api.results("list_customers", headers=mine)) == 3


def test_a_customer_that_the_integration_creates(api: Api) -> None:
    made = api.call("create_customer", {"email": "ada@example.com", "lastname": "Lovelace", "labels": ["vip"]})
    assert made.status == 201
    assert made.json | {"id": ""} == {
        "id": "",
        "externalId": None,
        "email": "ada@example.com",
        "firstname": "",
        "lastname": "Lovelace",
        "labels": ["vip"],
        "status": None,
        "assignedUser": None,
        "assignedTeam": None,
    }
    assert [one["id"] for one in api.results("list_customers")] == [made.json["id"]]
    assert api.results("list_active_customers") == []
    assert api.call("create_customer").json["email"] is None
    assert api.call("create_customer", {"assignedUser": "nobody@example.com"}).status == 404
    synchronised(api)
    mine = api.call("create_customer", {"assignedUser": JOHN["email"]})
    assert mine.json["assignedUser"] == JOHN["email"]


# Tagging


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ({}, {}),
        ({"email": "john@example.com"}, {"email": "john@example.com"}),
        ({"id": 123}, {"externalId": "123"}),
        ({"id": 123.0}, {"externalId": "123"}),
        ({"id": "crm-123"}, {"externalId": "crm-123"}),
        ({"labels": ["foo", "bar", "foo"]}, {"labels": ["foo", "bar"]}),
        ({"labels": []}, {"labels": []}),
        ({"firstname": "John"}, {"firstname": "John", "lastname": "Kessler"}),
        ({"lastname": "van Dam"}, {"firstname": "Dana", "lastname": "van Dam"}),
        ({"firstname": "", "lastname": "Doe"}, {"firstname": "", "lastname": "Doe"}),
        ({"firstname": "\u4e2d\U0001f44b"}, {"firstname": "\u4e2d\U0001f44b", "lastname": "Kessler"}),
        ({"gender": "other"}, {}),
    ],
)
def test_a_tag_changes_what_it_gives_and_leaves_the_rest(shared: Api, tag: Any, expected: dict[str, Any]) -> None:
    customer = shared.begin(name="Dana Kessler", email="dana@example.com")
    before = shared.call("tag_customer", {}, customerId=customer).json
    reply = shared.call("tag_customer", tag, customerId=customer)
    assert (reply.status, reply.json) == (200, before | expected)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"NaN", "the body is not JSON"),
        (b'{"email": "\\ud800"}', "the body is not JSON"),
        (b"[]", "the body: "),
        ({"id": True}, "id: "),
        ({"id": 1.5}, "id: "),
        ({"id": -1}, "id: "),
        ({"id": 2**70}, "id: "),
        ({"email": None}, "email: "),
        ({"email": "x" * 255}, "email: "),
        ({"labels": "vip"}, "labels: "),
        ({"labels": [""]}, "labels/0: "),
        ({"labels": ["x"] * 101}, "labels: "),
    ],
)
def test_a_tag_that_is_none_is_refused_with_its_place(shared: Api, body: Any, message: str) -> None:
    reply = shared.call("tag_customer", body, customerId=shared.begin())
    assert reply.status == 400
    assert reply.message.startswith(message)
    assert len(reply.message) <= 200


def test_a_body_of_another_type_or_size_is_refused(shared: Api) -> None:
    path = f"/rest/v1/customer/{shared.begin()}/tag"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert shared.send("POST", path, b"id=1", BEARER | form).status == 415
    assert shared.send("DELETE", path, headers=BEARER).status == 405


# Routing


def test_a_customer_belongs_to_a_user_or_to_a_team(shared: Api) -> None:
    customer = shared.begin()
    ana, _ = shared.agents(customer)
    to_user = shared.call("assign_customer", {"assignedUser": ana.upper()}, customerId=customer).json
    assert (to_user["assignedUser"], to_user["assignedTeam"]) == (ana, None)
    to_team = shared.call("assign_customer", {"assignedTeam": "Sales"}, customerId=customer).json
    assert (to_team["assignedUser"], to_team["assignedTeam"]) == (None, "Sales")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, 400),
        ({"assignedUser": "{agent}", "assignedTeam": "Sales"}, 400),
        ({"assignedTeam": ""}, 400),
        ({"assignedTeam": None}, 400),
        ({"assignedUser": "nobody@example.com"}, 404),
    ],
)
def test_routing_to_both_or_to_nobody_is_refused(shared: Api, body: dict[str, Any], expected: int) -> None:
    customer = shared.begin()
    body = {key: shared.agents(customer)[0] if value == "{agent}" else value for key, value in body.items()}
    reply = shared.call("assign_customer", body, customerId=customer)
    assert reply.status == expected
    if len(body) != 1:
        assert reply.message == "the body: give either assignedUser or assignedTeam"


def test_routing_to_an_agent_who_was_synchronised(api: Api) -> None:
    synchronised(api)
    customer = api.begin()
    assert api.call("assign_customer", {"assignedUser": JOHN["email"]}, customerId=customer).status == 200
    agent = api.handle(customer).look(lambda found: found.assignee)
    assert agent is not None
    assert (agent.name, agent.email, agent.group) == ("John van Dam", "john@example.com", "Sales")


@pytest.mark.parametrize("operation", ["tag_customer", "assign_customer", "make_agent_chat_url"])
def test_nobody_knows_that_customer(shared: Api, operation: str) -> None:
    given = {"assignedTeam": "Sales"}
    for customer in ("0", "x y", "\u4e2d", "%2e"):
        assert shared.call(operation, given, customerId=customer).status == 404


# Agents


def synchronised(api: Api, *given: dict[str, Any]) -> list[Any]:
    reply = api.call("synchronise_users", list(given or (JOHN,)))
    assert reply.status == 200, reply.body
    found: list[Any] = reply.json
    return found


def test_agents_are_made_once_and_changed_after_that(api: Api) -> None:
    (first,) = synchronised(api)
    assert {key: value for key, value in first.items() if key != "token"} == JOHN
    ann = {"email": "ann@example.com"}
    again, other = synchronised(api, {"email": "JOHN@example.com", "team": "Help"}, ann, ann)
    assert again == first | {"team": "Help"}
    assert (other["firstname"], other["team"]) == ("", None)
    assert other["token"] != first["token"]
    assert [user["email"] for user in api.results("list_users")] == [JOHN["email"], "ann@example.com"]
    assert all("token" not in user for user in api.results("list_users"))


def test_the_cast_is_listed_before_those_who_were_synchronised(api: Api) -> None:
    cast = api.agents(api.begin())
    synchronised(api, JOHN, {"email": cast[1].upper(), "team": "Night"})
    listed = api.results("list_users")
    assert [user["email"].lower() for user in listed] == [*cast, JOHN["email"]]
    assert listed[1]["team"] == "Night"


@pytest.mark.parametrize(
    "body", [{}, [{}], [{"email": "x"}], [{"email": "a b@c"}], [JOHN] * 501, [JOHN | {"team": ""}]]
)
def test_what_are_no_agents_is_refused(shared: Api, body: Any) -> None:
    assert shared.call("synchronise_users", body).status == 400


def test_no_more_agents_are_kept_than_fit() -> None:
    kept = Users(most=2)
    kept.synchronise([{"email": "a@example.com"}, {"email": "b@example.com"}])
    with pytest.raises(TooManyUsersError):
        kept.synchronise([{"email": "a@example.com", "team": "Sales"}, {"email": "c@example.com"}])
    assert [(user.email, user.team) for user in kept.all(())] == [("a@example.com", None), ("b@example.com", None)]


# The URL of a chat


def login(api: Api, customer: str, given: Any = None, headers: dict[str, str] = BEARER) -> str:
    reply = api.call("make_agent_chat_url", given, customerId=customer, headers=headers)
    assert reply.status == 201, reply.body
    assert reply.headers["Location"] == reply.json["url"]
    assert reply.headers["Cache-Control"] == "no-store"
    return str(reply.json["url"])


def test_whom_a_url_is_for_must_be_a_user(shared: Api) -> None:
    customer = shared.begin()
    reply = shared.call("make_agent_chat_url", {"user": "nobody@example.com"}, customerId=customer)
    assert (reply.status, reply.message) == (404, "there is no such user")


def test_a_key_works_for_its_time_and_the_oldest_give_way() -> None:
    now = [0.0]
    keys: Keys[str] = Keys(600, most=2, now=lambda: now[0])
    early, late = keys.make("early"), keys.make("late")
    assert len(early) >= 43
    assert early != late
    now[0] = 599.9
    assert keys.get(early) == keys.take(early) == "early"
    assert keys.take(early) is None
    now[0] = 600.0
    assert keys.take(late) is None
    third, *_ = [keys.make("more") for _ in range(3)]
    assert keys.get(third) is None
    assert early not in repr(vars(keys))


def test_nothing_secret_is_shown_by_accident(api: Api) -> None:
    found = Users().synchronise([JOHN])[0]
    assert found.token
    assert found.token not in repr(found)
    api.call("list_customers", headers={}, query=f"access_token={TOKEN}")
    assert TOKEN not in repr(api.calls)


# Polling, visibility


def test_polling_gives_what_has_changed_since(api: Api) -> None:
    first, second = api.begin("One"), api.begin("Two")
    api.handle(first).act(Say("Three"), lambda found: None)
    listed = api.results("list_conversations")
    assert {(one["customerId"], one["lastMessage"]["test"]) for one in listed} == {(first, "Three"), (second, "Two")}
    assert [one["changedAt"] for one in listed] == sorted(one["changedAt"] for one in listed)
    newest = listed[-1]["changedAt"]
    again = api.results("list_conversations", query=f"since={quote(newest)}")
    assert listed[-1] in again
    assert all(one["changedAt"] >= newest for one in again)
    assert api.results("list_conversations", query="since=2999-01-01T00:00:00Z") == []
    assert len(api.results("list_conversations", query="since=0001-01-01T00:00:00%2B14:00")) == 2


@pytest.mark.parametrize("since", ["x", "", "2026-01-05", "2026-01-05T09:00:00", "2026-13-05T09:00:00Z", "0"])
def test_since_is_a_point_in_time(shared: Api, since: str) -> None:
    reply = shared.call("list_conversations", query=f"since={since}")
    assert reply.status == 400
    assert reply.message.startswith("since: ")


def test_the_chat_shows_until_it_is_hidden(api: Api) -> None:
    assert api.call("get_visibility").json == {"visible": True}
    assert api.call("set_visibility", {"visible": False}).json == {"visible": False}
    assert api.call("get_visibility").json == {"visible": False}
    for wrong in ({}, {"visible": "no"}, {"visible": None}):
        assert api.call("set_visibility", wrong).status == 400
    assert api.call("get_visibility").json == {"visible": False}


# What follows from a call


def test_every_call_is_told_with_its_customer(api: Api) -> None:
    customer = api.begin()
    api.call("assign_customer", {"assignedTeam": "Sales"}, customerId=customer)
    api.call("assign_customer", {}, customerId=customer, headers={})
    assert [(call.vendor, call.operation, call.session_id, call.status) for call in api.calls] == [
        ("chatvisor", "assign_customer", customer, 200),
        ("chatvisor", "assign_customer", customer, 401),
    ]
    assert api.calls[0].credentials == "bearer"


STORY = """
scenario: Routed by API
vendors: [chatvisor]
conversation: {id: 71}
cast:
  agents: {ana: {email: ana@example.com}}
steps:
  - say: Where is my order?
  - say: Hello?
    after: 10s
  - close: visitor
    after: 1m
"""


def test_an_integration_routes_what_it_is_told_of_while_the_story_is_played(
    vendorsim: Vendorsim, tmp_path: Path
) -> None:
    """Webhook → the integration routes, and its agent opens the chat → webhook."""
    port = free_port()
    opened: list[Any] = []

    def ask(method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        assert answer.status in (200, 201, 302), found
        return answer.headers["Location"] if answer.status == 302 else json.loads(found)

    def integrate(connection: Connection, request: Request) -> None:
        customer = f"/rest/v1/customer/{request.json['customerId']}"
        ask("POST", f"{customer}/assign", {"assignedUser": "ana@example.com"})
        opened.append(ask("GET", urlsplit(ask("POST", f"{customer}/url")["url"]).path))
        connection.send(status(200))

    story = tmp_path / "story.yaml"
    story.write_text(STORY, encoding="utf-8")
    with Receiver(integrate, status(200)) as target:
        options = ("--profile", "engage", "--to", target.url(), "--serve", "--port", port, "--json")
        played = vendorsim("play", story, "--vendor", "chatvisor", *options)
        bodies = [request.json for request in target.requests]
    assert played.code == 0, played.err
    assert opened == ["/agent/conversation/71"]
    statuses = [body["status"] for body in bodies if "status" in body]
    # What the API causes is sent beside the story: no order is promised.
    assert statuses[0] == "UNREAD"
    assert sorted(statuses[1:]) == ["DONE", "UNREAD", "UNRESOLVED"]
    assert [body["text"] for body in bodies if "text" in body] == ["Where is my order?", "Hello?"]
    events = [line["event"] for line in played.lines if line["type"] == "attempt"]
    assert sorted(events) == ["new_conversation", "new_message", "new_message", *["status_change"] * 3]


AGAIN = """
scenario: The customer comes back
vendors: [chatvisor]
conversation: {id: 71}
steps:
  - say: Hello
  - close: visitor
    after: 10s
  - say: Hello again
    after: 10s
"""


@pytest.mark.parametrize(("visible", "expected"), [(True, ["Hello", "Hello again"]), (False, ["Hello"])])
def test_an_integration_that_hides_the_chat_keeps_the_next_one_from_starting(
    vendorsim: Vendorsim, tmp_path: Path, visible: bool, expected: list[str]
) -> None:
    port = free_port()

    def set_visibility(connection: Connection, request: Request) -> None:
        calling = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
        calling.request("PUT", "/rest/v1/webchat/visibility", json.dumps({"visible": visible}), headers)
        assert calling.getresponse().status == 200
        calling.close()
        connection.send(status(200))

    story = tmp_path / "story.yaml"
    story.write_text(AGAIN, encoding="utf-8")
    with Receiver(set_visibility, status(200)) as target:
        played = vendorsim("play", story, "--vendor", "chatvisor", "--to", target.url(), "--serve", "--port", port)
        bodies = [request.json for request in target.requests]
    assert played.code == 0, played.err
    assert [body["text"] for body in bodies if "text" in body] == expected
    assert len(bodies) == 2 * len(expected)
