"""The example integration and `end_user`: when it calls, what it sends, and what it makes of the answers."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from helpdesk import EndUser, Store, create_app
from helpdesk.tickets import Claim

PATIENCE = 10  # seconds
ACCEPTED = (202, {"message": "accepted"})
DUPLICATE = (400, {"message": "Duplicate request: Please wait for the interval to expire"})
NO_ANSWER = None
BROKEN_OFF = (200, b'{"mess', ("Content-Length", "1000"))


class Api:
    """A stand-in for Google CCAI Platform: gives the answers of a list, then accepts everything."""

    def __init__(self) -> None:
        self.answers: list[tuple[Any, ...] | None] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.calls.append((self.path, self.headers["Authorization"], body))
                answer = api.answers.pop(0) if api.answers else ACCEPTED
                if answer is NO_ANSWER:
                    self.close_connection = True
                    return
                status, document, *headers = answer
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(document if isinstance(document, bytes) else json.dumps(document).encode())

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class WatchedStore(Store):
    """Tells when the final outcome of a claim stands on its ticket."""

    def __init__(self, path: Path) -> None:
        self.recorded: queue.Queue[str] = queue.Queue()
        super().__init__(path)

    def record(self, claim: Claim, outcome: str, answer: str, again_at: float | None = None) -> None:
        super().record(claim, outcome, answer, again_at)
        if outcome != "waiting":
            self.recorded.put(outcome)


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchedStore]:
    store = WatchedStore(tmp_path / "tickets.sqlite")
    yield store
    store.close()


@pytest.fixture
def start(api: Api, store: WatchedStore) -> Iterator[Callable[..., FlaskClient]]:
    started = []

    def start(interval: float = 60) -> FlaskClient:
        end_user = EndUser(api.url, "made-up", store, pause=0.001, timeout=PATIENCE, interval=interval)
        started.append(end_user)
        return create_app(store, end_user).test_client()

    yield start
    for end_user in started:
        end_user.close()


def conversation(**changes: Any) -> dict[str, Any]:
    sender = {"id": 9, "name": "Dana Kessler", "email": "dana@example.com", "phone_number": "+15550142"}
    return {"id": 12, "status": "open", "timestamp": 1767603600, "meta": {"sender": sender}, "messages": []} | changes


def says(text: str, number: int = 100, kind: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "event": "message_created",
        "id": number,
        "content": text,
        "message_type": kind,
        "created_at": 1767603600,
        "private": False,
        "conversation": conversation(),
    } | changes


def send(client: FlaskClient, body: dict[str, Any], vendor: str = "messagehub") -> None:
    assert client.post(f"/hooks/{vendor}", json=body).status_code == 200


def ticket(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/tickets/messagehub/12").json)


OUTCOMES = [
    ("accepted", [ACCEPTED], 1),
    ("accepted", [(500, {"message": "Internal Server Error"}), (503, b"<html>"), ACCEPTED], 3),
    ("accepted", [(429, {"message": "Too many requests"}), ACCEPTED], 2),
    ("accepted", [NO_ANSWER, ACCEPTED], 2),
    ("accepted", [NO_ANSWER, DUPLICATE], 2),  # The one that got no answer had been accepted.
    ("duplicate", [DUPLICATE], 1),
    ("duplicate", [(500, {"message": "Internal Server Error"}), DUPLICATE], 2),
    ("refused", [(400, {"message": "Chat is already ended"})], 1),
    ("refused", [(400, {"message": "Unsupported CRM request"})], 1),
    ("refused", [(400, {"message": "param is missing or the value is empty: identifier"})], 1),
    ("refused", [(400, b"\xff<html>")], 1),
    ("refused", [(400, ["a list"])], 1),
    ("refused", [(400, b"[" * 60_000)], 1),
    ("refused", [(401, {"message": "Unauthorized"})], 1),
    ("refused", [(404, {"message": "Not Found"})], 1),
    ("refused", [(307, {"message": "elsewhere"})], 1),
    ("accepted", [(500, {"message": "Internal Server Error"})] * 7, 8),
    ("accepted", [NO_ANSWER] * 7, 8),
    ("accepted", [BROKEN_OFF, ACCEPTED], 2),
    ("accepted", [(429, {}, ("Retry-After", "0")), ACCEPTED], 2),
    ("accepted", [(429, {}, ("Retry-After", "soon")), ACCEPTED], 2),
    ("accepted", [(503, {}, ("Retry-After", "Fri, 02 Jan 2026 09:00:00 GMT")), ACCEPTED], 2),
]


@pytest.mark.parametrize(("outcome", "answers", "calls"), OUTCOMES)
def test_outcomes(
    start: Callable[..., FlaskClient], api: Api, store: WatchedStore, outcome: str, answers: list[Any], calls: int
) -> None:
    api.answers = list(answers)
    client = start()
    send(client, says("I am CRM-4711."))
    assert store.recorded.get(timeout=PATIENCE) == outcome
    found = ticket(client)
    assert found["authenticated_as"] == ("crm-4711" if outcome == "accepted" else None)
    assert [(entry["identifier"], entry["outcome"]) for entry in found["identifications"]] == [("crm-4711", outcome)]
    assert len(api.calls) == calls


@pytest.mark.parametrize("retry_after", ["3600", "9" * 400, "Fri, 31 Dec 9999 09:00:00 GMT"])
def test_retry_after_is_waited_for_and_keeps_nobody_else_waiting(
    start: Callable[..., FlaskClient], api: Api, store: WatchedStore, retry_after: str
) -> None:
    """More claims wait than there are threads."""
    api.answers = [(429, {"message": "Too many requests"}, ("Retry-After", retry_after))] * 5
    client = start()
    send(client, says("crm-1, crm-2, crm-3, crm-4, crm-5, crm-6"))
    assert store.recorded.get(timeout=PATIENCE) == "accepted"
    assert len(api.calls) == 6
    assert sorted(entry["outcome"] for entry in ticket(client)["identifications"]) == ["accepted"] + ["waiting"] * 5
    assert "Too many requests" in {entry["answer"] for entry in ticket(client)["identifications"]}


def test_an_api_that_is_not_there_yet(store: WatchedStore, api: Api) -> None:
    """The claim outlives the process."""
    there, api.url = api.url, "http://127.0.0.1:9"
    end_user = EndUser(api.url, "made-up", store, pause=0.001, timeout=PATIENCE)
    client = create_app(store, end_user).test_client()
    send(client, says("I am crm-4711."))
    end_user.close()
    assert [entry["outcome"] for entry in ticket(client)["identifications"]] == ["waiting"]
    end_user = EndUser(there, "made-up", store, pause=0.001, timeout=PATIENCE)
    assert store.recorded.get(timeout=PATIENCE) == "accepted"
    end_user.close()


@pytest.mark.parametrize(
    ("body", "vendor", "path", "sent"),
    [
        (
            says("crm-1"),
            "messagehub",
            "/apps/api/v1/chats/12/end_user",
            {"identifier": "crm-1", "name": "Dana Kessler", "email": "dana@example.com", "phone": "+15550142"},
        ),
        (
            says("crm-1", conversation=conversation(custom_attributes={"comm_type": "calls"}, meta={"sender": None})),
            "messagehub",
            "/apps/api/v1/calls/12/end_user",
            {"identifier": "crm-1"},
        ),
        (
            {"id": "m1", "customerId": "a/b c", "text": "crm-1", "createdAt": "2026-01-05T09:00:00.250Z"},
            "chatvisor",
            "/apps/api/v1/chats/a%2Fb%20c/end_user",
            {"identifier": "crm-1"},
        ),
    ],
    ids=["chat", "call", "an id that needs quoting"],
)
def test_what_is_sent(
    start: Callable[..., FlaskClient],
    api: Api,
    store: WatchedStore,
    body: dict[str, Any],
    vendor: str,
    path: str,
    sent: dict[str, str],
) -> None:
    send(start(), body, vendor)
    store.recorded.get(timeout=PATIENCE)
    assert api.calls == [(path, "Bearer made-up", sent)]


def smartsupp(text: str) -> dict[str, Any]:
    line = {"type": "visitor", "from": "visitor:x1", "content": text, "sentAt": 1427470439703, "triggeredBy": None}
    return {
        "beginAt": 1427470439703,
        "endAt": 1427470476687,
        "channel": {"id": 12, "isMissed": False, "isOffline": False, "rating": None, "ratingDesc": None},
        "visitor": {"id": 1},
        "messages": [line],
    }


NO_CALLS = {
    "no number": [says("Hello")],
    "part of a word": [says("macrcrm-4711"), says("crm-47x", 101)],
    "an agent's message": [says("Are you crm-4711?", kind=1)],
    "a private note": [says("He is crm-4711", kind=1, private=True)],
    "a chat that is over": [says("I was crm-4711", conversation=conversation(status="resolved"))],
}


@pytest.mark.parametrize("bodies", NO_CALLS.values(), ids=NO_CALLS.keys())
def test_what_causes_no_call(store: WatchedStore, bodies: list[dict[str, Any]]) -> None:
    client = create_app(store).test_client()
    for body in bodies:
        send(client, body)
    assert ticket(client)["identifications"] == []


def test_a_chat_that_comes_when_all_is_over_causes_no_call(store: WatchedStore) -> None:
    client = create_app(store).test_client()
    send(client, smartsupp("I am crm-4711"), "smartsupp")
    assert client.get("/tickets/smartsupp/12").json["identifications"] == []


def test_one_call_per_session_and_identifier(start: Callable[..., FlaskClient], api: Api, store: WatchedStore) -> None:
    client = start()
    for body in (
        says("crm-1"),
        says("crm-1"),  # the same delivery again
        says("As I said: crm-1", 101),  # another message, nothing new in it
        says("crm-1, or no: crm-2", 102),
        says("crm-1", 200, conversation=conversation(id=13)),
    ):
        send(client, body)
    outcomes = [store.recorded.get(timeout=PATIENCE) for _ in range(3)]
    called = sorted((path.split("/")[5], body["identifier"]) for path, _, body in api.calls)
    assert outcomes == ["accepted"] * 3
    assert called == [("12", "crm-1"), ("12", "crm-2"), ("13", "crm-1")]
    assert ticket(client)["authenticated_as"] == "crm-2"


@pytest.mark.parametrize(("interval", "calls"), [(3600, 1), (0, 2)], ids=["within the interval", "after it"])
def test_a_duplicate_rests(
    start: Callable[..., FlaskClient], api: Api, store: WatchedStore, interval: float, calls: int
) -> None:
    api.answers = [DUPLICATE]
    client = start(interval)
    send(client, says("crm-1"))
    store.recorded.get(timeout=PATIENCE)
    send(client, says("crm-1"))  # the same delivery again is no reason to call, at any time
    send(client, says("crm-1 it is", 101))
    send(client, says("crm-2", 102))  # a call that is certain, so that there is something to wait for
    outcomes = sorted(store.recorded.get(timeout=PATIENCE) for _ in range(calls))
    assert outcomes == ["accepted"] * calls
    assert sorted(body["identifier"] for _, _, body in api.calls) == ["crm-1"] * calls + ["crm-2"]


def test_what_the_last_process_had_no_time_for(start: Callable[..., FlaskClient], store: WatchedStore) -> None:
    send(create_app(store).test_client(), says("crm-1"))
    client = start()
    assert store.recorded.get(timeout=PATIENCE) == "accepted"
    assert ticket(client)["authenticated_as"] == "crm-1"


@pytest.mark.parametrize("url", ["", "ftp://example.com", "example.com"])
def test_a_wrong_url_is_told_at_the_start(store: WatchedStore, url: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of the Apps API"):
        EndUser(url, "made-up", store)
