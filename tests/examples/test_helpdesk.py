"""The example integration, through its web surface, with bodies as the vendors document them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from helpdesk import Store, create_app

JsonObject = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "tickets.sqlite")
    yield store
    store.close()


@pytest.fixture
def another_store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "another.sqlite")
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return create_app(store).test_client()


def userlike(event: str, minute: int, said: tuple[tuple[str, str], ...] = (), **changes: Any) -> JsonObject:
    """A chat as it is `minute` minutes after its start; `said` are persons and texts, one a minute."""
    return {
        "_type": "chat_session",
        "_event": event,
        "id": 71,
        "status": "new",
        "created_at": "2026-01-05 09:00:00",
        "ended_at": None,
        "duration": f"00:{minute:02d}:00",
        "client_uuid": "abc",
        "client_name": "Dana Kessler",
        "client_email": "dana@example.com",
        "client_additional01_name": "Phone number",
        "client_additional01_value": "+15550142",
        "chat_widget_goal": {"id": None, "name": None},
        "custom": {"plan": "pro"},
        "rate": None,
        "feedback_message": None,
        "post_survey_option": None,
        "messages": [
            {"message": text, "person": person, "sent_at": f"2026-01-05 09:{1 + number:02d}:00", "type": "co"}
            for number, (person, text) in enumerate(said)
        ],
        "notes": [],
        "operator_current": {
            "id": 5,
            "name": "Ana Novak",
            "email": "ana@example.com",
            "operator_group": {"id": 14, "name": "Sales"},
        },
        **changes,
    }


HELLO, ANSWER = ("Dana Kessler", "Hello"), ("Ana Novak", "Hi!")
USERLIKE_CHAT = [
    userlike("start", 0),
    userlike("message_received", 1, (HELLO,)),
    userlike("message_sent", 2, (HELLO, ANSWER)),
    userlike("rating", 3, (HELLO, ANSWER), rate=5),
    userlike("end", 4, (HELLO, ANSWER), rate=5, ended_at="2026-01-05 09:04:00"),
    userlike("ended", 4, (HELLO, ANSWER), rate=5, ended_at="2026-01-05 09:04:00", _type="conversation", status="ended"),
]


def smartsupp(**channel: Any) -> JsonObject:
    def message(kind: str, sender: str, content: str, at: int, **more: Any) -> JsonObject:
        return {"type": kind, "from": sender, "content": content, "sentAt": at, "triggeredBy": None, **more}

    return {
        "accountId": 208,
        "beginAt": 1427470439703,
        "endAt": 1427470476687,
        "channel": {
            "id": 55039,
            "isMissed": False,
            "isOffline": False,
            "rating": 5,
            "ratingDesc": "",
            **channel,
        },
        "visitor": {
            "id": 27671,
            "name": "Dana Kessler",
            "email": "dana@example.com",
            "group": None,
            "variables": {"plan": {"label": "Plan", "value": "pro"}},
        },
        "messages": [
            message("visitor", "visitor:x1", "Hello", 1427470439703),
            message("system", "agent:3", "agent.join", 1427470446219, name="Ana Novak"),
            message("agent", "system", "Welcome back", 1427470449706, name="", triggeredBy="Greeting"),
            message("agent", "agent:3", "Hi!", 1427470453772, name="Ana Novak"),
            message("system", "system", "close.visitorClose", 1427470476687, name="Dana Kessler"),
        ],
    }


def conversation(second: int = 0, **changes: Any) -> JsonObject:
    return {
        "additional_attributes": {},
        "can_reply": True,
        "id": 12,
        "inbox_id": 3,
        "messages": [],
        "meta": {
            "sender": {"id": 9, "name": "Dana Kessler", "type": "contact"},
            "assignee": {"id": 5, "name": "Ana Novak", "email": "ana@example.com", "type": "user"},
        },
        "status": "open",
        "agent_last_seen_at": 0,
        "contact_last_seen_at": 0,
        "timestamp": 1767603600 + second,
        **changes,
    }


def about(event: str, second: int = 0, **changes: Any) -> JsonObject:
    return {"event": event, **conversation(second, **changes)}


def wrote(event: str, number: int, text: str | None, second: int, kind: Any = 0, **changes: Any) -> JsonObject:
    return {
        "event": event,
        "id": number,
        "content": text,
        "message_type": kind,
        "created_at": 1767603600 + second,
        "private": False,
        "content_type": "text",
        "content_attributes": {},
        "sender": {"id": 9, "name": "Dana Kessler", "type": "contact"},
        "conversation": conversation(second),
        **changes,
    }


def changed(name: str, current: Any, previous: Any) -> list[JsonObject]:
    return [{name: {"current_value": current, "previous_value": previous}}]


MESSAGEHUB_CHAT = [
    about("conversation_created"),
    wrote("message_created", 100, "Hello", 0),
    wrote("message_created", 101, "Hi!", 5, 1, sender={"id": 5, "name": "Ana Novak", "type": "user"}),
    wrote("message_created", 102, "VIP", 6, 1, private=True, sender={"id": 5, "name": "Ana Novak", "type": "user"}),
    wrote("message_updated", 101, "Hello!", 5, 1, conversation=conversation(6), sender=None),
    about("conversation_updated", 6, changed_attributes=changed("label_list", ["vip"], [])),
    about("conversation_updated", 6, changed_attributes=changed("label_list", ["vip", "gold"], ["vip"])),
    about("conversation_status_changed", 6, status="resolved"),
    about("conversation_updated", 6, status="resolved", changed_attributes=changed("status", "resolved", "open")),
]
CHATVISOR_CHAT = [
    {"customerId": "c7", "status": "UNREAD", "lastMessage": {"test": "Hello"}, "url": "https://www.example.com/"},
    {"id": "m1", "customerId": "c7", "text": "Hello", "createdAt": "2026-01-05T09:00:00.250Z"},
    {"id": "m2", "customerId": "c7", "text": "Anyone?", "createdAt": "2026-01-05T09:01:00.250Z"},
]
CHATS = {
    "userlike": USERLIKE_CHAT,
    "smartsupp": [smartsupp()],
    "messagehub": MESSAGEHUB_CHAT,
    "chatvisor": CHATVISOR_CHAT,
}
NUMBERS = {"userlike": "71", "smartsupp": "55039", "messagehub": "12", "chatvisor": "c7"}
every_vendor = pytest.mark.parametrize("vendor", list(CHATS))


def send(client: FlaskClient, vendor: str, *bodies: JsonObject) -> None:
    for body in bodies:
        answer = client.post(f"/hooks/{vendor}", json=body)
        assert answer.status_code == 200, answer.json


def ticket(client: FlaskClient, vendor: str) -> JsonObject:
    answer = client.get(f"/tickets/{vendor}/{NUMBERS[vendor]}")
    assert answer.status_code == 200
    return dict(answer.json)


def texts(ticket: JsonObject) -> list[tuple[str, str]]:
    return [(message["author"], message["text"]) for message in ticket["messages"]]


EXPECTED = {
    "userlike": {
        "status": "closed",
        "rating": 5,
        "team": "Sales",
        "assignee": {"id": "5", "name": "Ana Novak", "email": "ana@example.com"},
        "visitor": {
            "name": "Dana Kessler",
            "email": "dana@example.com",
            "phone": "+15550142",
            "identifier": None,
            "custom": {"plan": "pro"},
        },
        "messages": [("visitor", "Hello"), ("agent", "Hi!")],
    },
    "smartsupp": {
        "status": "closed",
        "rating": 5,
        "assignee": {"id": "3", "name": "Ana Novak", "email": None},
        "messages": [("visitor", "Hello"), ("automatic", "Welcome back"), ("agent", "Hi!")],
    },
    "messagehub": {
        "status": "closed",
        "labels": ["vip", "gold"],
        "assignee": {"id": "5", "name": "Ana Novak", "email": "ana@example.com"},
        "messages": [("visitor", "Hello"), ("agent", "Hello!")],
    },
    "chatvisor": {"status": "open", "messages": [("visitor", "Hello"), ("visitor", "Anyone?")]},
}


@every_vendor
def test_a_chat_becomes_a_ticket(client: FlaskClient, vendor: str) -> None:
    send(client, vendor, *CHATS[vendor])
    found = ticket(client, vendor)
    assert {key: texts(found) if key == "messages" else found[key] for key in EXPECTED[vendor]} == EXPECTED[vendor]


@every_vendor
@pytest.mark.parametrize("deliveries", ["each twice", "all again", "backwards", "the first again at the end"])
def test_what_comes_twice_or_late_changes_nothing(
    client: FlaskClient, another_store: Store, vendor: str, deliveries: str
) -> None:
    chat = CHATS[vendor]
    orders = {
        "each twice": [body for body in chat for _ in range(2)],
        "all again": chat + chat,
        "backwards": chat[::-1],
        "the first again at the end": [*chat, chat[0]],
    }
    send(client, vendor, *orders[deliveries])
    in_order = create_app(another_store).test_client()
    send(in_order, vendor, *chat)
    assert ticket(client, vendor) == ticket(in_order, vendor)


def test_private_notes_and_authors_are_kept_apart(client: FlaskClient) -> None:
    send(client, "messagehub", *MESSAGEHUB_CHAT)
    found = ticket(client, "messagehub")
    assert [(note["name"], note["text"]) for note in found["notes"]] == [("Ana Novak", "VIP")]
    # The update that changed the text didn't say who wrote it.
    assert [message["name"] for message in found["messages"]] == ["Dana Kessler", "Ana Novak"]


def test_the_same_text_twice_in_a_second_is_two_messages(client: FlaskClient) -> None:
    line = {"message": "Hello?", "person": "Dana Kessler", "sent_at": "2026-01-05 09:01:00", "type": "co"}
    send(client, "userlike", userlike("message_received", 1, messages=[line, line]))
    assert len(ticket(client, "userlike")["messages"]) == 2


def test_who_wrote_is_known_from_the_event_even_when_both_have_one_name(client: FlaskClient) -> None:
    said = (("Ana Novak", "Hello"), ("Ana Novak", "Hi!"))
    send(client, "userlike", userlike("message_received", 1, said[:1], client_name="Ana Novak"))
    send(client, "userlike", userlike("message_sent", 2, said, client_name="Ana Novak"))
    assert texts(ticket(client, "userlike")) == [("visitor", "Hello"), ("agent", "Hi!")]


@pytest.mark.parametrize(
    ("vendor", "bodies", "status"),
    [
        ("userlike", [userlike("unread", 2, (HELLO,), ended_at="2026-01-05 09:02:00")], "missed"),
        ("userlike", [*USERLIKE_CHAT, userlike("start", 30, (HELLO, ANSWER))], "open"),
        ("userlike", [userlike("ended", 1, (HELLO,), _type="conversation", status="new")], "open"),
        ("userlike", [userlike("unread", 3, (HELLO, ANSWER), ended_at="2026-01-05 09:03:00")], "closed"),
        ("smartsupp", [smartsupp(isMissed=True)], "closed"),
        ("smartsupp", [smartsupp(isMissed=True) | {"messages": smartsupp()["messages"][:3]}], "missed"),
        ("messagehub", [about("conversation_status_changed", 1, status="snoozed")], "snoozed"),
        ("messagehub", [*MESSAGEHUB_CHAT, wrote("message_created", 103, "And?", 60)], "open"),
        ("messagehub", [about("conversation_updated", 1, status="on_fire")], "on_fire"),
        ("chatvisor", [CHATVISOR_CHAT[0] | {"status": "DONE"}], "closed"),
        ("chatvisor", CHATVISOR_CHAT[1:], "open"),
    ],
)
def test_status(client: FlaskClient, vendor: str, bodies: list[JsonObject], status: str) -> None:
    send(client, vendor, *bodies)
    assert ticket(client, vendor)["status"] == status


@pytest.mark.parametrize(
    ("vendor", "bodies", "unanswered"),
    [
        ("userlike", [userlike("unread", 3, (HELLO, ANSWER, HELLO), ended_at="2026-01-05 09:03:00")], True),
        ("userlike", [userlike("unread", 1, (HELLO,)), userlike("message_sent", 2, (HELLO, ANSWER))], False),
        ("smartsupp", [smartsupp(isMissed=True)], True),
        ("smartsupp", [smartsupp(isOffline=True)], True),
        ("smartsupp", [smartsupp()], False),
    ],
)
def test_who_still_waits_for_an_answer(
    client: FlaskClient, vendor: str, bodies: list[JsonObject], unanswered: bool
) -> None:
    send(client, vendor, *bodies)
    assert ticket(client, vendor)["unanswered"] is unanswered


def test_an_assignee_can_be_taken_away_again(client: FlaskClient) -> None:
    nobody = {"sender": None, "assignee": None}
    send(client, "messagehub", about("conversation_created"))
    change = changed("assignee_id", "", 5)
    send(client, "messagehub", about("conversation_updated", meta=nobody, changed_attributes=change))
    send(client, "messagehub", about("conversation_created"))
    assert ticket(client, "messagehub")["assignee"] is None


def test_a_real_server_of_messagehub_is_understood(client: FlaskClient) -> None:
    """Its types differ from its documentation: times and kinds are spelled otherwise, and keys are null or missing."""
    body = wrote("message_created", 100, None, 0, "incoming", created_at="2026-01-05T09:00:00.262Z", sender=None)
    body["conversation"]["updated_at"] = 1767603600.262
    body["conversation"]["meta"] |= {"assignee": None, "team": None, "sender": {"name": "Dana", "phone_number": None}}
    body["conversation"]["messages"] = [
        {"id": 100, "content": None, "message_type": 0, "created_at": 1767603600, "private": False, "status": "sent"}
    ]
    send(client, "messagehub", body)
    found = ticket(client, "messagehub")
    assert found["messages"] == [{"author": "visitor", "name": None, "text": "", "at": "2026-01-05T09:00:00.262+00:00"}]
    assert found["assignee"] is None


NOTHING_TO_KEEP = [
    ("userlike", {"_type": "operator", "_event": "online", "id": 5, "name": "Ana Novak"}),
    ("userlike", {"_type": "contact", "_event": "updated", "id": 9, "client_name": None}),
    ("userlike", {"_type": "um_widget", "_event": "config", "id": 1}),
    ("userlike", {"_type": "brand_new", "_event": "thing", "id": 1}),
    ("messagehub", {"event": "contact_created", "id": 9}),
    ("messagehub", {"event": "webwidget_triggered", "id": 9, "current_conversation": None}),
    ("chatvisor", {"id": 123, "email": "dana@example.com", "labels": ["foo"]}),
]


@pytest.mark.parametrize(("vendor", "body"), NOTHING_TO_KEEP)
def test_what_is_about_no_conversation_is_acknowledged(client: FlaskClient, vendor: str, body: JsonObject) -> None:
    send(client, vendor, body)
    assert client.get("/tickets").json == []


ODD_TEXTS = ["", " ", "\x00", "👩‍👩‍👧 שלום", "<script>alert(1)</script>", "'; DROP TABLE tickets; --", "x" * 500_000]


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=lambda odd: ascii(odd[:12]))
@every_vendor
def test_odd_texts_are_kept_as_they_are(client: FlaskClient, vendor: str, odd: str) -> None:
    bodies = {
        "userlike": userlike("message_received", 1, (("Dana Kessler", odd),)),
        "smartsupp": smartsupp() | {"messages": [smartsupp()["messages"][0] | {"content": odd}]},
        "messagehub": wrote("message_created", 100, odd, 0),
        "chatvisor": CHATVISOR_CHAT[1] | {"text": odd},
    }
    send(client, vendor, bodies[vendor])
    assert texts(ticket(client, vendor)) == [("visitor", odd)]


def test_half_a_surrogate_pair_is_replaced(client: FlaskClient) -> None:
    raw = json.dumps(CHATVISOR_CHAT[1] | {"text": "\ud800!"})
    assert client.post("/hooks/chatvisor", data=raw, content_type="application/json").status_code == 200
    assert texts(ticket(client, "chatvisor")) == [("visitor", "?!")]


WITHOUT = object()
ODD_VALUES = (WITHOUT, None, True, -1, 10**30, 1e300, "odd", "\ud800", [], [None], {})


def mutations(value: Any) -> Iterator[Any]:
    """The value with each of its parts left out, or replaced by odd values."""
    yield from ODD_VALUES[1:]
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        for mutated in (WITHOUT, *mutations(value[key])):
            other = copy.copy(value)
            if mutated is WITHOUT:
                del other[key]
            else:
                other[key] = mutated
            yield other


@every_vendor
def test_nothing_that_is_sent_breaks_it(client: FlaskClient, vendor: str) -> None:
    fullest = {"userlike": USERLIKE_CHAT[4], "messagehub": MESSAGEHUB_CHAT[4]}.get(vendor, CHATS[vendor][-1])
    bodies = (json.dumps(body) for body in mutations(fullest))
    headers = {"Content-Type": "application/json"}
    statuses = {client.post(f"/hooks/{vendor}", data=body, headers=headers).status_code for body in bodies}
    assert statuses == {200, 400}
    assert client.get("/tickets?limit=1000").status_code == 200


REQUIRED = [
    ("userlike", "id", userlike("start", 0)),
    ("userlike", "_type", userlike("start", 0)),
    ("userlike", "created_at", userlike("start", 0)),
    ("smartsupp", "channel", smartsupp()),
    ("smartsupp", "visitor", smartsupp()),
    ("smartsupp", "endAt", smartsupp()),
    ("messagehub", "event", about("conversation_created")),
    ("messagehub", "id", about("conversation_created")),
    ("messagehub", "status", about("conversation_created")),
    ("messagehub", "conversation", wrote("message_created", 100, "Hello", 0)),
    ("messagehub", "created_at", wrote("message_created", 100, "Hello", 0)),
    ("chatvisor", "customerId", CHATVISOR_CHAT[1]),
    ("chatvisor", "text", CHATVISOR_CHAT[1]),
]


@pytest.mark.parametrize(("vendor", "key", "body"), REQUIRED)
@pytest.mark.parametrize("wrong", [WITHOUT, None, False], ids=["missing", "null", "wrong type"])
def test_required_keys(client: FlaskClient, vendor: str, key: str, body: JsonObject, wrong: Any) -> None:
    body = {name: value for name, value in body.items() if name != key} | ({} if wrong is WITHOUT else {key: wrong})
    answer = client.post(f"/hooks/{vendor}", json=body)
    assert (answer.status_code, key in answer.json["message"]) == (400, True)
    assert client.get("/tickets").json == []


GOOD = json.dumps(CHATVISOR_CHAT[1])
REQUESTS = [
    (GOOD, "application/json", 200),
    (GOOD, "application/JSON", 200),
    (GOOD, "Application/Json; charset=UTF-8", 200),
    (GOOD, "application/vnd.chatvisor+json", 200),
    (GOOD, "text/plain", 415),
    (GOOD, "application/x-www-form-urlencoded", 415),
    (GOOD, None, 415),
    (GOOD[:-5], "application/json", 400),
    ("", "application/json", 400),
    ("null", "application/json", 400),
    ("[]", "application/json", 400),
    (f"[{GOOD}]", "application/json", 400),
    ('"text"', "application/json", 400),
    ("7", "application/json", 400),
    ('{"customerId": NaN}', "application/json", 400),
    ("[" * 100_000, "application/json", 400),
    ('{"customerId": ' + "9" * 5_000 + "}", "application/json", 400),
    (b'{"customerId": "\xff"}', "application/json", 400),
    (GOOD + " " * (1024 * 1024 - len(GOOD)), "application/json", 200),
    (GOOD + " " * (1024 * 1024 - len(GOOD) + 1), "application/json", 413),
]


@pytest.mark.parametrize(("data", "content_type", "status"), REQUESTS, ids=range(len(REQUESTS)))
def test_status_codes(client: FlaskClient, data: str | bytes, content_type: str | None, status: int) -> None:
    answer = client.post("/hooks/chatvisor", data=data, content_type=content_type)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/tickets", 200),
        ("GET", "/tickets?limit=none", 200),
        ("GET", "/tickets/userlike/unknown", 404),
        ("GET", "/tickets/by-conversation/unknown", 404),
        ("GET", "/hooks/userlike", 405),
        ("POST", "/hooks/nobody", 404),
        ("GET", "/", 404),
    ],
)
def test_other_paths(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")


def test_tickets_are_listed_the_newest_first(client: FlaskClient) -> None:
    for vendor, chat in CHATS.items():
        send(client, vendor, *chat)
    listed = client.get("/tickets").json
    assert [entry["vendor"] for entry in listed] == list(CHATS)[::-1]
    assert listed[0] == ticket(client, "chatvisor")
    assert [entry["vendor"] for entry in client.get("/tickets?limit=1").json] == ["chatvisor"]


def test_the_same_id_at_two_vendors_is_two_tickets(client: FlaskClient) -> None:
    send(client, "userlike", userlike("start", 0, id=5))
    send(client, "messagehub", about("conversation_created", id=5, status="pending"))
    assert client.get("/tickets/userlike/5").json["status"] == "open"
    assert client.get("/tickets/messagehub/5").json["status"] == "pending"
    assert client.get("/tickets/by-conversation/5").json["vendor"] == "messagehub"


def test_many_at_once(store: Store) -> None:
    app = create_app(store)
    bodies = [userlike("message_received", 1, (HELLO,), id=number % 10) for number in range(80)]
    with ThreadPoolExecutor(8) as threads:
        sent = threads.map(lambda body: app.test_client().post("/hooks/userlike", json=body).status_code, bodies)
    assert set(sent) == {200}
    listed = app.test_client().get("/tickets").json
    assert sorted(entry["conversation_id"] for entry in listed) == [str(number) for number in range(10)]
    assert {len(entry["messages"]) for entry in listed} == {1}
