"""An integration whose only effect is calls: it passes what agents write on to a messenger, which is a sink. What it
sends there is its state, and must not be what only agents may see."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from ports import free_port
from receiver import Connection, Receiver, Request, status
from vendorsim.checks.waiting import Waiting

HASTY = Waiting(state=0.1, settle=2.0, quiet=0.3)
Chooses = Callable[[dict[str, Any]], bool]


def outgoing(message: dict[str, Any]) -> bool:
    return message["message_type"] in ("outgoing", 1) and not message["private"]


def any_outgoing(message: dict[str, Any]) -> bool:
    return message["message_type"] in ("outgoing", 1)


def not_incoming(message: dict[str, Any]) -> bool:
    """Activities are not incoming either."""
    return message["message_type"] not in ("incoming", 0) and not message["private"]


class Bridge:
    """Sends each message that it `chooses` to the messenger, once if it is `careful`. It takes all of them for those of
    the first conversation if it is `mixed`."""

    def __init__(self, port: int, chooses: Chooses = outgoing, *, careful: bool = True, mixed: bool = False) -> None:
        self.port, self.chooses, self.careful, self.mixed = port, chooses, careful, mixed
        self.first: int | None = None
        self.sent: set[int] = set()
        self.lock = threading.Lock()

    def answer(self, connection: Connection, request: Request) -> None:
        try:
            message = request.json
            if message["event"] == "message_created" and self.chooses(message):
                self.send(message)
        except (ValueError, TypeError, LookupError):
            connection.send(status(400))
        else:
            connection.send(status(200))

    def send(self, message: dict[str, Any]) -> None:
        with self.lock:
            if self.careful and message["id"] in self.sent:
                return
            self.sent.add(message["id"])
            conversation = message["conversation"]["id"]
            self.first = self.first or conversation
        body = json.dumps({"to": self.first if self.mixed else conversation, "text": message["content"]})
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/_sinks/whatsapp/messages", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()


def checked(vendorsim: Vendorsim, bridge: Bridge, *options: str) -> Completed:
    with Receiver(bridge.answer) as target:
        place = ("--vendor", "messagehub", "--to", target.url(), "--serve", bridge.port)
        return vendorsim("check", *place, *options, "--json", settings=HASTY)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bridge", "case"),
    [
        ({}, None),
        ({"chooses": any_outgoing}, "private-note-at-a-sink"),
        ({"chooses": not_incoming}, "activity-message-at-a-sink"),
        ({"mixed": True}, "another-conversation-at-a-sink"),
    ],
    ids=["correct", "sends private notes", "sends activity messages", "mixes conversations"],
)
def test_what_reaches_the_customer_at_a_sink(bridge: dict[str, Any], case: str | None, vendorsim: Vendorsim) -> None:
    done = checked(vendorsim, Bridge(free_port(), **bridge), "--sink", "whatsapp=customer", "--only", "leaks")
    (check,) = done.json["checks"]
    if case is None:
        assert (check["status"], done.json["findings"]) == ("passed", [])
        return
    (finding,) = done.json["findings"]
    selection = f"leaks.private:message_created:{case}"
    assert finding["reproduce"].endswith(f"--only {selection}")
    assert "at sink.whatsapp" in finding["message"]
    again = checked(vendorsim, Bridge(free_port(), **bridge), "--sink", "whatsapp=customer", "--only", selection)
    assert [found["key"] for found in again.json["findings"]] == [finding["key"]]


@pytest.mark.parametrize("careful", [True, False])
def test_its_calls_are_its_state(careful: bool, vendorsim: Vendorsim) -> None:
    options = ("--sink", "whatsapp", "--probe", "calls:sink.whatsapp", "--only", "retry_safe,isolated")
    done = checked(vendorsim, Bridge(free_port(), careful=careful), *options)
    assert {finding["check"] for finding in done.json["findings"]} == (set() if careful else {"retry_safe"})
    assert {check["status"] for check in done.json["checks"]} == ({"passed"} if careful else {"passed", "failed"})


def test_a_sink_that_is_not_the_customers_is_not_looked_at(vendorsim: Vendorsim) -> None:
    bridge = Bridge(free_port(), any_outgoing)
    done = checked(vendorsim, bridge, "--sink", "whatsapp", "--only", "leaks")
    assert (done.code, done.json["verdict"]) == (4, "incomplete")
    assert "--sink whatsapp=customer" in done.json["checks"][0]["reason"]


def test_without_a_server_there_are_no_calls_to_read(vendorsim: Vendorsim) -> None:
    place = ("--vendor", "messagehub", "--to", "http://127.0.0.1:9/")
    done = vendorsim("check", *place, "--probe", "calls:sink.crm")
    assert done.code == 2
    assert "--probe calls:sink.crm needs --serve, so that the integration's calls are taken" in done.err


@pytest.mark.slow
def test_what_serves_a_sink_need_not_identify_anybody(vendorsim: Vendorsim) -> None:
    """--serve is there for the sink, and no sign that the integration should call the platform."""
    silent = Bridge(free_port(), lambda message: False)
    done = checked(vendorsim, silent, "--sink", "whatsapp=customer", "--only", "calls_api.called")
    assert done.json["checks"][0]["status"] == "not_judged"
    assert done.json["checks"][0]["reason"].startswith("it may call whatsapp, but never end_user;")
