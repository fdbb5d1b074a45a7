"""A recording in this process, for tests: what it stores, and sockets that talk to it byte by byte."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vendorsim.captures.exchange import Direction
from vendorsim.delivery.records import Attempt
from vendorsim.http import proxies
from vendorsim.journal.store import Book, Journal
from vendorsim.recording.judging import Recorded
from vendorsim.recording.passed import LIMITS, PassingLimits, way
from vendorsim.recording.recording import MOST_WAITING, Recording
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

PATIENCE = 20.0


@dataclass
class Told:
    """What a recording has reported, as soon as it is stored."""

    recorded: list[Recorded] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def report(self, each: Recorded) -> None:
        with self.changed:
            self.recorded.append(each)
            self.changed.notify_all()

    def refuse(self, status: int, why: str) -> None:
        self.refused.append((status, why))

    def wait_for(self, count: int) -> list[Recorded]:
        """The first `count` requests, as soon as they are stored."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.recorded) >= count, PATIENCE), self.recorded
            return self.recorded[:count]

    def attempt(self, number: int = 0) -> Attempt:
        kept = self.wait_for(number + 1)[number].kept
        assert isinstance(kept, Attempt)
        return kept

    def call(self, number: int = 0) -> ApiCall:
        kept = self.wait_for(number + 1)[number].kept
        assert isinstance(kept, ApiCall)
        return kept


@dataclass
class Proxy:
    """A recording, and what it has told. `port` takes webhooks, `api_port` calls."""

    recording: Recording
    told: Told
    port: int
    api_port: int

    def connect(self, *, api: bool = False) -> Client:
        return Client(socket.create_connection(("127.0.0.1", self.api_port if api else self.port), timeout=PATIENCE))

    def ask(self, data: bytes, *, api: bool = False) -> bytes:
        """Sends bytes on a connection of their own, and reads until its end."""
        with self.connect(api=api) as client:
            client.send(data)
            return client.read_all()


class Client:
    """One connection to a recording."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.received = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        """Reads at least up to these bytes."""
        while end not in self.received:
            data = self.socket.recv(65_536)
            assert data, f"the connection ended after {self.received!r}"
            self.received += data
        return self.received

    def read(self, count: int) -> bytes:
        while len(self.received) < count:
            data = self.socket.recv(65_536)
            assert data, f"the connection ended after {self.received!r}"
            self.received += data
        return self.received

    def read_all(self) -> bytes:
        """Reads until the other side closes; a reset raises ConnectionResetError."""
        while data := self.socket.recv(65_536):
            self.received += data
        return self.received


@contextmanager
def recording(
    forward: str,
    api_forward: str | None = None,
    *,
    vendor: str = "messagehub",
    profile: str | None = None,
    journal: Path | Book | None = None,
    limits: PassingLimits = LIMITS,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
    most_waiting: int = MOST_WAITING,
    most_webhooks: int | None = None,
) -> Iterator[Proxy]:
    """Records on free ports, until the `with` block ends."""
    via = None if proxy is None else proxies.proxy(proxy)
    known = registry.get(vendor)
    ways = [(way(Direction.WEBHOOK, "--forward", forward, tls, via), 0)]
    if api_forward is not None:
        ways.append((way(Direction.CALL, "--api-forward", api_forward), 0))
    told = Told()
    book = Journal(journal) if isinstance(journal, Path) else journal
    with Recording(
        known,
        known.profile(profile),
        ways,
        book,
        told.report,
        told.refuse,
        limits=limits,
        most_waiting=most_waiting,
        most_webhooks=most_webhooks,
    ) as running:
        ports = [int(url.rpartition(":")[2]) for url in running.urls]
        yield Proxy(running, told, ports[0], ports[-1])


def until(condition: object, what: str) -> None:
    """Waits until the condition, a function, holds."""
    ends = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < ends, what
        time.sleep(0.002)
