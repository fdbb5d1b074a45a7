"""`vendorsim capture record` as a user runs it, and what the journal then has."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from ports import free_port
from receiver import Receiver, status
from recorders import until
from vendorsim.captures.exchange import Direction
from vendorsim.core.errors import InputError
from vendorsim.journal.exchanges import exchanges, read
from vendorsim.journal.store import Journal

SIGNATURE = b"X-Hub-Signature-256: sha256=0123456789abcdef"
SECRET_TOKEN = "s3cret-token-0123456789"
WEBHOOK = json.dumps(
    {
        "id": 1874458,
        "contact": {
            "id": 1,
            "name": "Kimberly Clark",
            "avatar": "",
            "type": "contact",
            "account": {"id": 2, "name": "G"},
        },
        "inbox": {"id": 131, "name": "G website"},
        "account": {"id": 2, "name": "G"},
        "source_id": "YN5qqAZe4rRgy1qCE7XYKyz5M2zwe9IFeY1795731948859",
        "event": "webwidget_triggered",
        "event_info": {
            "initiated_at": {"timestamp": "2026-11-29T13:52:48.000Z"},
            "referer": "",
            "widget_language": "en",
            "browser_language": "en-US",
            "browser": {
                "browser_name": "Safari",
                "browser_version": "18.1",
                "device_name": "iPhone",
                "platform_name": "iOS",
                "platform_version": "18.1",
            },
        },
    }
).encode()
CALL = f'{{"content": "Hello", "api_key": "{SECRET_TOKEN}"}}'.encode()
CALL_PATH = b"/api/v1/accounts/2/conversations/687229/messages"


def ask(port: int, path: bytes, body: bytes, *lines: bytes) -> bytes:
    """Sends a request as soon as something listens on the port, and gives all that comes back."""
    opened: list[socket.socket] = []

    def connect() -> bool:
        try:
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        except OSError:
            return False
        return True

    until(connect, "the recording listens")
    head = [b"POST " + path + b" HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), b"Connection: close", *lines]
    with opened[0] as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@contextmanager
def meanwhile(work: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Does work in a thread while the block runs a command; its errors are raised at the end."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(work)
        yield done
        done.result()


class Recorded:
    """A webhook, a call and another webhook were recorded."""

    def __init__(self, vendorsim: Vendorsim, folder: Path, *arguments: object) -> None:
        self.file = folder / "kept.sqlite"
        port, api_port = free_port(), free_port()
        self.token = f"Authorization: Bearer {SECRET_TOKEN}".encode()

        def work() -> None:
            ask(port, b"/", WEBHOOK, SIGNATURE)
            ask(api_port, CALL_PATH + b"?page=2", CALL, self.token)
            ask(port, b"/hook", WEBHOOK.replace(b'"id": 1874458', b'"id": "x"'))

        # The document of the API does not describe such an answer.
        answer = status(201, f'{{"id": 7, "access_token": "{SECRET_TOKEN}"}}'.encode(), Set_Cookie="session=0815-4711")
        with Receiver() as self.integration, Receiver(answer) as self.api, meanwhile(work):
            self.done: Completed = vendorsim(
                "capture", "record", "--vendor", "messagehub", "--listen", port, "--forward", self.integration.url(),
                "--api-listen", api_port, "--api-forward", self.api.url(""), "--journal", self.file, "--count", 2,
                *arguments,
            )  # fmt: skip


@pytest.fixture
def recorded(vendorsim: Vendorsim, tmp_path: Path) -> Recorded:
    return Recorded(vendorsim, tmp_path, "--json")


def test_a_line_for_each_request_and_a_summary(recorded: Recorded) -> None:
    first, call, second, summary = recorded.done.lines
    assert recorded.done.code == 1
    assert (first["direction"], first["event"], first["status"]) == ("webhook", "webwidget_triggered", 200)
    assert (first["verdict"], first["contract"], first["violations"]) == ("delivered", "fits", [])
    assert (call["direction"], call["operation"], call["conversation"]) == ("call", "create_message", "687229")
    assert (call["path"], call["contract"]) == (CALL_PATH.decode(), "fits")
    assert second["contract"] == "drifts"
    assert second["violations"] == [{"pointer": "/id", "message": '"x" is not of type "integer"'}]
    assert (summary["webhooks"], summary["calls"], summary["drifting"], summary["undelivered"]) == (2, 1, 1, 0)
    assert summary["verdict"] == "failed"
    assert summary["violations"] == [
        {"event": "webwidget_triggered", "pointer": "/id", "message": '"x" is not of type "integer"', "count": 1}
    ]


def test_what_arrived_at_the_targets(recorded: Recorded) -> None:
    first, second = recorded.integration.requests
    assert [first.line, second.line] == ["POST /hook HTTP/1.1"] * 2
    assert first.body == WEBHOOK
    assert first.header("X-Hub-Signature-256") == "sha256=0123456789abcdef"
    (call,) = recorded.api.requests
    assert call.line == f"POST {CALL_PATH.decode()}?page=2 HTTP/1.1"
    assert call.header("Authorization") == f"Bearer {SECRET_TOKEN}"
    assert call.body == CALL


def test_the_journal_marks_what_was_recorded_and_has_no_secrets(recorded: Recorded, vendorsim: Vendorsim) -> None:
    file = ("--journal", recorded.file)
    first, second, call = vendorsim("journal", "list", "--json", *file).json
    assert [each["recorded"] for each in (first, second, call)] == [True] * 3
    assert (call["operation"], call["credentials"], call["session"]) == ("create_message", "bearer", "687229")
    listed = vendorsim("journal", "list", *file).out
    assert "delivered, recorded" in listed
    assert "messagehub.create_message, recorded" in listed
    shown = vendorsim("journal", "show", first["id"], *file).out
    assert SIGNATURE.decode() in shown
    assert WEBHOOK.decode() in shown
    called = vendorsim("journal", "show", "--call", call["id"], *file).out
    assert "Authorization: ***" in called
    assert "Set-Cookie: ***" in called
    assert '"content": "Hello"' in called
    assert '"access_token": "***"' in called
    kept = b"".join(path.read_bytes() for path in recorded.file.parent.glob("kept.sqlite*"))
    for secret in (SECRET_TOKEN, "0815-4711", "page=2"):
        assert secret.encode() not in kept


def test_a_journal_is_a_capture(recorded: Recorded, vendorsim: Vendorsim, tmp_path: Path) -> None:
    found = list(read([str(recorded.file)]))
    assert [each.direction for each in found] == [Direction.WEBHOOK, Direction.CALL, Direction.WEBHOOK]
    webhook, call, _ = found
    assert (webhook.event, webhook.method, webhook.body) == ("webwidget_triggered", "POST", WEBHOOK)
    assert webhook.answer is not None
    assert call.conversation == "687229"
    assert call.answer is not None
    assert json.loads(call.answer.body)["id"] == 7
    # Exported, it says the same; only its place is another.
    for form in ("jsonl", "har"):
        file = tmp_path / f"exported.{form}"
        file.write_text(vendorsim("journal", "export", "--format", form, "--journal", recorded.file).out)
        again = list(read([str(file)]))
        if form == "jsonl":  # Its calls come after all attempts.
            again.insert(1, again.pop())
        assert [(each.direction, each.at, each.method, each.body) for each in again] == [
            (each.direction, each.at, each.method, each.body) for each in found
        ]
        assert [each.answer and each.answer.body for each in again] == [
            each.answer and each.answer.body for each in found
        ]
    checked = vendorsim("validate", "--vendor", "messagehub", recorded.file)
    assert checked.code == 1
    assert '/id: "x" is not of type "integer"' in checked.out


def test_a_journal_in_which_nothing_was_recorded(vendorsim: Vendorsim, tmp_path: Path) -> None:
    file = tmp_path / "empty.sqlite"
    Journal(file).close()
    with pytest.raises(InputError, match="nothing was recorded"):
        list(read([str(file)]))
    with closing(Journal(file)) as journal, pytest.raises(InputError, match="nothing was sent in run 7"):
        list(exchanges(journal, 7))


def test_a_recorded_webhook_can_be_sent_again(recorded: Recorded, vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        sent = vendorsim("journal", "resend", 1, "--to", target.url("/again"), "--journal", recorded.file)
        assert sent.code == 0, sent.err
        assert target.requests[0].body == WEBHOOK
        assert target.requests[0].header("X-Hub-Signature-256") == "sha256=0123456789abcdef"


def test_what_people_see(vendorsim: Vendorsim, tmp_path: Path) -> None:
    done = Recorded(vendorsim, tmp_path).done
    assert done.code == 1
    lines = done.out.splitlines()
    assert "→ webwidget_triggered" in lines[0]
    assert lines[0].endswith("delivered  fits")
    assert "← create_message  687229  201" in lines[1]
    assert lines[1].endswith(" ms  fits")
    assert lines[3] == '    /id: "x" is not of type "integer"'
    assert lines[-1] == "failed: 2 webhooks, 1 call, 1 with drift"
    assert "webhooks  http://127.0.0.1:" in done.err


def test_ctrl_c_ends_with_the_summary(vendorsim: Vendorsim, tmp_path: Path) -> None:
    port = free_port()

    def work() -> None:
        ask(port, b"/", WEBHOOK)
        signal.raise_signal(signal.SIGINT)

    with Receiver() as target, meanwhile(work):
        given = ("--vendor", "messagehub", "--listen", port, "--forward", target.url(), "--no-journal", "--json")
        done = vendorsim("capture", "record", *given)
    assert done.code == 130
    assert [line["type"] for line in done.lines] == ["exchange", "summary"]
    assert done.lines[-1]["verdict"] == "passed"


def test_a_target_that_is_down_fails_the_recording(vendorsim: Vendorsim, tmp_path: Path) -> None:
    port, down = free_port(), free_port()
    with meanwhile(lambda: ask(port, b"/", WEBHOOK)) as answer:
        given = ("--vendor", "messagehub", "--listen", port, "--forward", f"http://127.0.0.1:{down}/", "--count", 1)
        done = vendorsim("capture", "record", *given, "--json", "--journal", tmp_path / "kept.sqlite")
    assert answer.result().startswith(b"HTTP/1.1 502 ")
    assert done.code == 1
    assert (done.lines[0]["verdict"], done.lines[0]["status"]) == ("unreachable", None)
    with closing(Journal(tmp_path / "kept.sqlite")) as journal:
        (row,) = journal.attempts()
    assert row["request_body"] == WEBHOOK


WRONG = {
    "no URL": (("--forward", "hook"), "--forward 'hook' is not a URL to send to"),
    "credentials": (("--forward", "http://a:b@c/"), "--forward http://c/: leave out user and password"),
    "half an API": (("--forward", "http://localhost/", "--api-listen", 0), "--api-listen needs --api-forward URL"),
    "another half": (("--forward", "http://localhost/", "--api-forward", "http://a"), "needs --api-listen PORT"),
    "itself": (("--listen", 4020, "--forward", "http://localhost:4020/"), "is a port of the recording itself"),
    "everybody": (("--forward", "http://localhost/", "--host", "0.0.0.0"), "give --allow-anyone"),
    "one port for both": (
        ("--forward", "http://localhost/", "--listen", 4020, "--api-listen", 4020, "--api-forward", "http://a"),
        "webhooks come in at this port",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_input_says_what_is_wrong(vendorsim: Vendorsim, arguments: tuple[object, ...], message: str) -> None:
    done = vendorsim("capture", "record", "--vendor", "messagehub", *arguments)
    assert done.code == 2
    assert message in done.err


def test_a_port_that_is_taken(vendorsim: Vendorsim) -> None:
    with Receiver() as taken:
        given = ("--vendor", "messagehub", "--listen", taken.port, "--forward", "http://localhost:1/", "--no-journal")
        done = vendorsim("capture", "record", *given)
    assert done.code == 3
    assert f"port {taken.port} on 127.0.0.1 is in use; choose another with --listen" in done.err
