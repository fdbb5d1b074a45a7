"""The receiver of all benchmarks: `receiver.c` if there is a C compiler, else one with asyncio.

`python sink.py PORT STATUS` runs the one with asyncio.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httptools

SOURCE = Path(__file__).with_name("receiver.c")
# Seconds without a post after which no more are expected.
QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Count:
    """The posts since the last reset; `nanoseconds` is the time from the first to the last."""

    posts: int
    bytes: int
    nanoseconds: int

    @property
    def rate(self) -> float:
        """Posts per second."""
        return self.posts / self.nanoseconds * 1e9 if self.nanoseconds else 0.0


@dataclass(frozen=True)
class Sink:
    """A running receiver. `made_of` describes its kind, `process` is its id."""

    url: str
    made_of: str
    process: int

    def count(self, what: str = "count") -> Count:
        with urllib.request.urlopen(f"{self.url}/{what}", timeout=10) as answer:
            return Count(**json.load(answer))

    def reset(self) -> None:
        self.count("reset")

    def settled(self, expected: int) -> Count:
        """Waits until as many posts as expected have arrived or no more come; returns the count."""
        now, since = self.count(), time.monotonic()
        while now.posts < expected and time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.05)
            before, now = now, self.count()
            if now != before:
                since = time.monotonic()
        return now


@contextmanager
def running(port: int, folder: Path, status: int = 200) -> Iterator[Sink]:
    """Runs a receiver that answers `status`; compiles it in `folder`."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is not None:
        program = folder / "receiver"
        subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)
        command, made_of = [str(program), str(port), str(status)], "C, epoll, one thread"
    else:
        command = [sys.executable, __file__, str(port), str(status)]
        made_of = "Python, for want of a C compiler: it is slower than wrk and may be the bottleneck"
    process = subprocess.Popen(command)
    sink = Sink(f"http://127.0.0.1:{port}", made_of, process.pid)
    try:
        for _ in range(200):
            try:
                sink.count()
                break
            except OSError:
                time.sleep(0.02)
        yield sink
    finally:
        process.terminate()
        process.wait()


class _Protocol(asyncio.Protocol):
    """A connection of the receiver in Python."""

    posts = size = first = last = 0
    answer = b""
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpRequestParser(self)
        self.path = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.path = url

    def on_body(self, body: bytes) -> None:
        _Protocol.size += len(body)

    def on_message_complete(self) -> None:
        total = _Protocol
        if self.parser.get_method() == b"POST":
            total.last = time.monotonic_ns()
            total.first = total.first or total.last
            total.posts += 1
            self.transport.write(self.answer)
            return
        seen = json.dumps({"posts": total.posts, "bytes": total.size, "nanoseconds": total.last - total.first})
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(seen), seen.encode()))
        if self.path == b"/reset":
            total.posts = total.size = total.first = total.last = 0


async def _serve(port: int, status: int) -> None:
    _Protocol.answer = b"HTTP/1.1 %d Answer\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" % status
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
