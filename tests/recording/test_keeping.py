"""What a recording does with its journal, and how it reaches targets."""

from __future__ import annotations

import sqlite3
import ssl
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from receiver import Receiver
from recorders import PATIENCE, recording
from vendorsim.core.errors import InputError
from vendorsim.delivery.records import Attempt
from vendorsim.journal.store import RECORDING, Journal
from vendorsim.vendorkit.api_call import ApiCall

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class GatedJournal(Journal):
    """A journal that writes when it is let."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Event()

    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None:
        assert self.gate.wait(PATIENCE)
        super().add(run, attempts, calls)


def test_nothing_is_told_before_it_is_stored(tmp_path: Path) -> None:
    journal = GatedJournal(tmp_path / "kept.sqlite")
    with Receiver() as target, recording(target.url(), journal=journal) as through:
        assert through.ask(POST)
        assert not through.told.recorded
        journal.gate.set()
        assert through.told.attempt().status == 200


def test_webhooks_under_way_beyond_the_number_to_keep_pass_unkept(tmp_path: Path) -> None:
    journal = GatedJournal(tmp_path / "kept.sqlite")
    with Receiver() as target, recording(target.url(), target.url(), journal=journal, most_webhooks=2) as through:
        answers = [through.ask(POST) for _ in range(3)]
        through.ask(POST, api=True)
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
        assert len(target.requests) == 4
        journal.gate.set()
        kept = [each.is_webhook for each in through.told.wait_for(3)]
    assert kept == [True, True, False]
    assert len(through.told.recorded) == 3


def test_requests_wait_while_too_much_waits_for_the_journal(tmp_path: Path) -> None:
    journal = GatedJournal(tmp_path / "kept.sqlite")
    with Receiver() as target, recording(target.url(), journal=journal, most_waiting=1) as through:
        through.ask(POST)
        with through.connect() as second:
            second.send(POST)
            second.socket.settimeout(0.1)
            with pytest.raises(TimeoutError):
                second.read_all()
            assert len(target.requests) == 1
            second.socket.settimeout(PATIENCE)
            journal.gate.set()
            assert second.read_all().startswith(b"HTTP/1.1 200 ")
        through.told.wait_for(2)


class FullJournal(Journal):
    """A journal on a disk that is full."""

    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None:
        raise sqlite3.OperationalError("database or disk is full")


def test_a_journal_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with (
        Receiver() as target,
        pytest.raises(InputError, match="can't be written: database or disk is full"),
        recording(target.url(), journal=FullJournal(tmp_path / "kept.sqlite")) as through,
    ):
        through.ask(POST)
    assert not through.told.recorded


def test_a_recording_is_never_deleted_for_later_runs(tmp_path: Path) -> None:
    file = tmp_path / "kept.sqlite"
    with Receiver() as target, recording(target.url(), journal=file) as through:
        through.ask(POST)
    journal = Journal(file, most_attempts=0)
    for _ in range(3):
        journal.end(journal.begin("play", {}))
    assert [row["recorded"] for row in journal.attempts()] == [1]
    journal.close()
    with closing(sqlite3.connect(file)) as db, db:
        assert (RECORDING,) in db.execute("SELECT command FROM runs").fetchall()


def test_a_retry_is_another_attempt_of_its_delivery() -> None:
    retried = POST.replace(b"Host: a", b"Host: a\r\nwebhook-id: msg_1")
    with Receiver() as target, recording(target.url()) as through:
        through.ask(retried)
        through.ask(POST)
        through.ask(retried)
        found = [through.told.attempt(number) for number in range(3)]
    assert [(each.delivery, each.number) for each in found[::2]] == [("msg_1", 1), ("msg_1", 2)]
    assert found[1].delivery != "msg_1"


def test_an_https_target_is_verified() -> None:
    authority = trustme.CA()
    serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    with Receiver(tls=serving) as target:
        with recording(target.url(), tls=trusting) as through:
            assert through.ask(POST).startswith(b"HTTP/1.1 200 ")
        with recording(target.url()) as through:
            assert through.ask(POST).startswith(b"HTTP/1.1 502 ")
            reason = through.told.attempt().reason
    assert reason is not None
    assert reason.startswith("the certificate is not trusted")
    assert target.requests[0].header("Host") == f"127.0.0.1:{target.port}"


def test_a_proxy_gets_the_absolute_url() -> None:
    with Receiver() as via:
        with recording("http://hooks.example/hook", proxy=f"http://127.0.0.1:{via.port}") as through:
            assert through.ask(POST).startswith(b"HTTP/1.1 200 ")
        assert via.requests[0].line == "POST http://hooks.example/hook HTTP/1.1"
