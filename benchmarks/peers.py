"""The peers that send webhooks: how they are installed, configured and triggered. Development only.

Both send when they are called: one call sends `PER_CALL` webhooks, as many as a conversation of ours has events.
Every webhook has the same fixed body; neither makes it up nor validates it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / ".peers"
PACKAGES = ("wiremock@3.13.2", "mockserver-node@8.0.0")
PER_CALL = 10
CONNECTIONS = 8
START_SECONDS = 60


@dataclass(frozen=True)
class Peer:
    """A peer: the jar that its npm package ships, its command line, and how it is told what to send."""

    name: str
    jar: str
    port: int
    arguments: Callable[[int], list[str]]
    configure: Callable[[str, str, bytes], None]

    @property
    def installed(self) -> Path | None:
        """Its jar, where it is installed and there is a Java to run it."""
        found = sorted(FOLDER.glob(f"node_modules/{self.jar}"))
        return found[0] if found and shutil.which("java") else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def install() -> None:
    """Fetches the peers into `benchmarks/.peers/`, by npm."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "package.json").write_text('{"private": true}\n')
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=FOLDER, check=True)


@contextmanager
def running(peer: Peer, target: str, body: bytes) -> Iterator[None]:
    """The peer, started and configured to send `body` to `target`."""
    jar = peer.installed
    assert jar is not None
    command = ["java", "-jar", str(jar), *peer.arguments(peer.port)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=FOLDER, stdout=quiet, stderr=quiet)
    try:
        _wait_for_answer(peer, process)
        peer.configure(peer.url, target, body)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def call(peer: Peer, calls: int) -> None:
    """Calls the peer so often over kept connections, from a process of its own; returns when all are answered."""
    subprocess.run([sys.executable, __file__, str(peer.port), str(calls)], check=True)


def _wait_for_answer(peer: Peer, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(peer.url + "/", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{peer.name} does not answer")


def _send(method: str, url: str, document: Any) -> None:
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    request.method = method
    urllib.request.urlopen(request, timeout=30).close()


def _configure_wiremock(url: str, target: str, body: bytes) -> None:
    webhook = {
        "name": "webhook",
        "parameters": {
            "method": "POST",
            "url": target,
            "headers": {"Content-Type": "application/json"},
            "body": body.decode(),
        },
    }
    stub = {
        "request": {"method": "POST", "urlPath": "/send"},
        "response": {"status": 202},
        "serveEventListeners": [webhook] * PER_CALL,
    }
    _send("POST", f"{url}/__admin/mappings", stub)


def _configure_mockserver(url: str, target: str, body: bytes) -> None:
    host, _, port = target.removeprefix("http://").partition("/")[0].partition(":")
    webhook = {
        "httpRequest": {
            "method": "POST",
            "path": "/hook",
            "headers": {"Host": [f"{host}:{port}"], "Content-Type": ["application/json"]},
            "body": body.decode(),
            "socketAddress": {"host": host, "port": int(port), "scheme": "HTTP"},
        }
    }
    expectation = {
        "httpRequest": {"method": "POST", "path": "/send"},
        "httpResponse": {"statusCode": 202},
        "afterActions": [webhook] * PER_CALL,
    }
    _send("PUT", f"{url}/mockserver/expectation", expectation)


PEERS = (
    Peer(
        "MockServer 8.0.0",
        "mockserver-node/mockserver-netty-*.jar",
        18_411,
        # Its log of every request is off: the fastest way to run it.
        lambda port: ["-serverPort", str(port), "-logLevel", "OFF"],
        _configure_mockserver,
    ),
    Peer(
        "WireMock 3.13.2",
        "wiremock/build/wiremock-standalone-*.jar",
        18_412,
        lambda port: ["--port", str(port), "--disable-banner", "--no-request-journal", "--disable-request-logging"],
        _configure_wiremock,
    ),
)


async def _caller(port: int, calls: Iterator[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in calls:
        writer.write(b"POST /send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}")
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise SystemExit(f"answered {head.partition(b'%')[0]!r}")
        # What follows the head is empty, chunked or not.
        if b"chunked" in head.lower():
            await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def _call(port: int, calls: int) -> None:
    waiting = iter(range(calls))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(_caller(port, waiting))


if __name__ == "__main__":
    asyncio.run(_call(int(sys.argv[1]), int(sys.argv[2])))
