"""The peers: how they are installed, configured, started and called. Development only.

All answer `POST /apps/api/v1/chats/ID/end_user` with 202 and a fixed body. Those that send webhooks send 1 or 10 for
each call of `/send1` or `/send10`, all with the same fixed body; none generates, validates or stores it. Each runs with
its fastest settings: logging and recording of requests are off.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from processes import Cost, cost

FOLDER = Path(__file__).parent / ".peers"
END_USER = "/apps/api/v1/chats/12345/end_user"
ANSWER = {"message": "accepted"}
JSON = {"Content-Type": "application/json"}
# Webhooks per call.
SENT = (1, 10)
# The peer of the pytest plugin.
HTTPSERVER, HTTPSERVER_VERSION = FOLDER / "pytest-httpserver", "1.2.0"
START_SECONDS = 60


@dataclass(frozen=True)
class Setting:
    """Where a peer runs, and what it sends to which target."""

    port: int
    folder: Path
    target: str
    body: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Peer:
    """A peer: its npm package, the program in it, its command line and its configuration.

    `arguments` may write files into the setting's folder; `configure` is called once the peer answers.
    """

    name: str
    package: str
    version: str
    runs_on: str
    program: str
    port: int
    arguments: Callable[[Setting], list[str]]
    configure: Callable[[Setting], None] = field(default=lambda setting: None)
    sends: tuple[int, ...] = ()

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def installed(self) -> Path | None:
        """The path of its program, if it is installed."""
        found = sorted(self.folder.glob(f"node_modules/{self.program}"))
        return found[0] if found else None

    @property
    def missing(self) -> str:
        """Why it can't run; empty if it can."""
        if shutil.which(self.runs_on) is None:
            return f"no {self.runs_on}"
        return "" if self.installed else f"not installed ({self.package} by npm)"

    @property
    def called(self) -> str:
        return f"{self.name} {self.version}"


def install() -> list[str]:
    """Installs the peers into `benchmarks/.peers/`, each in its own folder. Returns the failures."""
    return [*_install_by_pip(), *_install_by_npm()]


def _install_by_pip() -> list[str]:
    """Installs pytest-httpserver apart from this environment, whose pytest would load it in all other runs, too."""
    done = HTTPSERVER / "installed"
    if done.exists() and done.read_text() == HTTPSERVER_VERSION:
        return []
    package = f"pytest-httpserver=={HTTPSERVER_VERSION}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(HTTPSERVER), package]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        return [f"{package}: pip says {(ran.stderr.strip().splitlines() or ['nothing'])[-1]}"]
    done.write_text(HTTPSERVER_VERSION)
    return []


def _install_by_npm() -> list[str]:
    if shutil.which("npm") is None:
        return ["no npm: the peers are not installed"]
    failures = []
    for peer in PEERS:
        # Written last, so it exists only after a complete installation.
        done = peer.folder / "installed"
        if peer.installed and done.exists() and done.read_text() == peer.version:
            continue
        peer.folder.mkdir(parents=True, exist_ok=True)
        (peer.folder / "package.json").write_text('{"private": true}\n')
        package = f"{peer.package}@{peer.version}"
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", package]
        ran = subprocess.run(command, cwd=peer.folder, capture_output=True, text=True, check=False)
        if ran.returncode:
            failures.append(f"{package}: npm says {(ran.stderr.strip().splitlines() or ['nothing'])[0]}")
        else:
            done.write_text(peer.version)
    return failures


@contextmanager
def running(peer: Peer, target: str = "", body: bytes = b"{}") -> Iterator[int]:
    """Starts the peer, configures it to send `body` to `target`, and yields its process id."""
    program = peer.installed
    assert program is not None
    with tempfile.TemporaryDirectory() as name:
        setting = Setting(peer.port, Path(name), target, body.decode())
        starts = ["java", "-jar"] if peer.runs_on == "java" else ["node"]
        command = [*starts, str(program.resolve()), *peer.arguments(setting)]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=name, stdout=quiet, stderr=quiet)
        try:
            _wait_for_answer(peer, setting.url, process)
            peer.configure(setting)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def call(peer: Peer, calls: int, sent: int, connections: int) -> Cost:
    """Makes `calls` calls over persistent connections, from another process; returns when all are answered."""
    return cost([sys.executable, __file__, str(peer.port), str(calls), str(sent), str(connections)])


def _wait_for_answer(peer: Peer, url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(url + "/", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{peer.name} does not answer")


def _send(method: str, url: str, document: Any) -> None:
    request = urllib.request.Request(url, json.dumps(document).encode(), JSON)
    request.method = method
    urllib.request.urlopen(request, timeout=30).close()


# The configuration of each


def _wiremock(setting: Setting) -> list[str]:
    return [
        *("--port", str(setting.port), "--bind-address", "127.0.0.1", "--disable-banner"),
        *("--no-request-journal", "--disable-request-logging"),
    ]


def _configure_wiremock(setting: Setting) -> None:
    parameters = {"method": "POST", "url": setting.target, "headers": JSON, "body": setting.body}
    webhook = {"name": "webhook", "parameters": parameters}
    stubs: list[dict[str, Any]] = [
        {
            "request": {"method": "POST", "urlPathPattern": "/apps/api/v1/chats/[^/]+/end_user"},
            "response": {"status": 202, "headers": JSON, "jsonBody": ANSWER},
        }
    ]
    for sent in SENT if setting.target else ():
        stubs.append(
            {
                "request": {"method": "POST", "urlPath": f"/send{sent}"},
                "response": {"status": 202},
                "serveEventListeners": [webhook] * sent,
            }
        )
    for stub in stubs:
        _send("POST", f"{setting.url}/__admin/mappings", stub)


def _mockserver(setting: Setting) -> list[str]:
    return ["-serverPort", str(setting.port), "-logLevel", "OFF"]


def _configure_mockserver(setting: Setting) -> None:
    answer = {"statusCode": 202, "headers": {"Content-Type": ["application/json"]}, "body": json.dumps(ANSWER)}
    expectations: list[dict[str, Any]] = [
        {"httpRequest": {"method": "POST", "path": "/apps/api/v1/chats/.*/end_user"}, "httpResponse": answer}
    ]
    host, _, port = setting.target.removeprefix("http://").partition("/")[0].partition(":")
    for sent in SENT if setting.target else ():
        webhook = {
            "httpRequest": {
                "method": "POST",
                "path": "/hook",
                "headers": {"Host": [f"{host}:{port}"], "Content-Type": ["application/json"]},
                "body": setting.body,
                "socketAddress": {"host": host, "port": int(port), "scheme": "HTTP"},
            }
        }
        expectations.append(
            {
                "httpRequest": {"method": "POST", "path": f"/send{sent}"},
                "httpResponse": {"statusCode": 202},
                "afterActions": [webhook] * sent,
            }
        )
    for expectation in expectations:
        _send("PUT", f"{setting.url}/mockserver/expectation", expectation)


def _uuid(name: str) -> str:
    """Returns a UUID, because Mockoon accepts no other ids."""
    return str(uuid5(NAMESPACE_URL, name))


def _mockoon(setting: Setting) -> list[str]:
    header = [{"key": name, "value": value} for name, value in JSON.items()]
    callback = {
        "uuid": _uuid("callback"),
        "id": "webhook",
        "uri": setting.target,
        "name": "webhook",
        "documentation": "",
        "method": "post",
        "headers": header,
        "bodyType": "INLINE",
        "body": setting.body,
        "databucketID": "",
        "filePath": "",
        "sendFileAsBody": False,
    }
    called = {f"send{sent}": [{"uuid": _uuid("callback"), "latency": 0}] * sent for sent in SENT if setting.target}
    routes = [
        {
            "uuid": _uuid(f"route {number}"),
            "type": "http",
            "documentation": "",
            "method": "post",
            "endpoint": endpoint,
            "responses": [
                {
                    "uuid": _uuid(f"response {number}"),
                    "body": json.dumps(ANSWER),
                    "latency": 0,
                    "statusCode": 202,
                    "label": "",
                    "headers": header,
                    "bodyType": "INLINE",
                    "filePath": "",
                    "databucketID": "",
                    "sendFileAsBody": False,
                    "rules": [],
                    "rulesOperator": "OR",
                    "disableTemplating": True,
                    "fallbackTo404": False,
                    "default": True,
                    "crudKey": "id",
                    "callbacks": callbacks,
                }
            ],
            "responseMode": None,
            "streamingMode": None,
            "streamingInterval": 0,
        }
        for number, (endpoint, callbacks) in enumerate({"apps/api/v1/chats/:id/end_user": [], **called}.items())
    ]
    environment = {
        "uuid": _uuid("environment"),
        "lastMigration": 33,
        "name": "benchmark",
        "endpointPrefix": "",
        "latency": 0,
        "port": setting.port,
        "hostname": "127.0.0.1",
        "folders": [],
        "routes": routes,
        "rootChildren": [{"type": "route", "uuid": route["uuid"]} for route in routes],
        "proxyMode": False,
        "proxyHost": "",
        "proxyRemovePrefix": False,
        "tlsOptions": {"enabled": False, "type": "CERT", "pfxPath": "", "certPath": "", "keyPath": "", "caPath": ""}
        | {"passphrase": ""},
        "cors": False,
        "headers": [],
        "proxyReqHeaders": [],
        "proxyResHeaders": [],
        "data": [],
        "callbacks": [callback] if setting.target else [],
    }
    file = setting.folder / "mockoon.json"
    file.write_text(json.dumps(environment))
    return ["start", "-d", str(file), "--disable-log-to-file"]


def _prism(setting: Setting) -> list[str]:
    body = {"schema": {"type": "object"}, "example": ANSWER}
    answers = {"202": {"description": "accepted", "content": {"application/json": body}}}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    taken = {"content": {"application/json": {"schema": {"type": "object"}}}}
    operation = {"parameters": [parameter], "requestBody": taken, "responses": answers}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "end user", "version": "1"},
        "paths": {"/apps/api/v1/chats/{id}/end_user": {"post": operation}},
    }
    file = setting.folder / "openapi.json"
    file.write_text(json.dumps(document))
    return ["mock", "-h", "127.0.0.1", "-p", str(setting.port), str(file)]


def _mountebank(setting: Setting) -> list[str]:
    predicates = [
        {"equals": {"method": "POST"}},
        {"matches": {"path": "^/apps/api/v1/chats/[^/]+/end_user$"}},
    ]
    answer = {"is": {"statusCode": 202, "headers": JSON, "body": json.dumps(ANSWER)}}
    imposter = {"port": setting.port, "protocol": "http", "host": "127.0.0.1"}
    stubs = [{"predicates": predicates, "responses": [answer]}]
    file = setting.folder / "imposters.json"
    file.write_text(json.dumps({"imposters": [imposter | {"stubs": stubs}]}))
    port = ["--port", str(setting.port + 100), "--host", "127.0.0.1"]
    return ["start", *port, "--configfile", str(file), "--nologfile", "--pidfile", str(setting.folder / "mb.pid")]


# Prism: the newest version that runs on Node 20.
PEERS = (
    Peer(
        "WireMock",
        "wiremock",
        "3.13.2",
        "java",
        "wiremock/build/wiremock-standalone-*.jar",
        18_412,
        _wiremock,
        _configure_wiremock,
        SENT,
    ),
    Peer(
        "MockServer",
        "mockserver-node",
        "8.0.0",
        "java",
        "mockserver-node/mockserver-netty-*.jar",
        18_411,
        _mockserver,
        _configure_mockserver,
        SENT,
    ),
    Peer("Mockoon", "@mockoon/cli", "9.9.0", "node", ".bin/mockoon-cli", 18_413, _mockoon, sends=SENT),
    Peer("Prism", "@stoplight/prism-cli", "5.14.2", "node", ".bin/prism", 18_414, _prism),
    Peer("mountebank", "mountebank", "2.9.1", "node", ".bin/mb", 18_415, _mountebank),
)


def named(name: str) -> Peer:
    return next(peer for peer in PEERS if peer.name == name)


# The caller


async def _caller(port: int, path: bytes, calls: Iterator[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in calls:
        writer.write(b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}" % path)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise SystemExit(f"answered {head.partition(b'%')[0]!r}")
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
        if b"chunked" in head.lower():
            await reader.readuntil(b"0\r\n\r\n")
        await reader.readexactly(length)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _call(port: int, calls: int, sent: int, connections: int) -> None:
    waiting = iter(range(calls))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(_caller(port, b"/send%d" % sent, waiting))


if __name__ == "__main__":
    asyncio.run(_call(*map(int, sys.argv[1:])))
