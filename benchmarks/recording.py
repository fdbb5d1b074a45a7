"""The time that `vendorsim capture record` adds to a webhook, beside a bare reverse proxy (nginx).

One client sends the same webhook again and again over one connection, and waits for each answer: to the receiver
itself, through nginx, and through ours, which also stores and judges it. They take turns, round by round. What is added
is the median of a round less that of the receiver in the same round. NGINX names the program, if it is not on the path.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

import sink
from results import Effort, Goal, Part, Series, Table, compared

PORT, NGINX_PORT, OURS_PORT, UNKEPT_PORT = 18_471, 18_472, 18_473, 18_474
DIRECT, BARE, OURS, UNKEPT = "the receiver itself", "nginx", "capture record", "capture record --no-journal"
REQUESTS, WARM = 2_000, 300
SECONDS = 20
BODY = (
    b'{"event":"webwidget_triggered","id":1874458,"contact":{"id":1374458,"name":"Kimberly Clark","avatar":"",'
    b'"type":"contact","account":{"id":2230,"name":"Griffin Inc."}},"inbox":{"id":131,"name":"Griffin Inc. website"},'
    b'"account":{"id":2230,"name":"Griffin Inc."},"source_id":"YN5qqAZe4rRgy1qCE7XYKyz5M2zwe9IFeY1795731948859",'
    b'"event_info":{"initiated_at":{"timestamp":"2026-11-29T13:52:48.000Z"},"referer":"","widget_language":"en",'
    b'"browser_language":"en-US","browser":{"browser_name":"Safari","browser_version":"18.1","device_name":"iPhone",'
    b'"platform_name":"iOS","platform_version":"18.1"}}}'
)
REQUEST = (
    b"POST /hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"X-Hub-Signature-256: sha256=5d41402abc4b2a76b9719d911017c592\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
CONFIGURATION = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  keepalive_requests 1000000;
  upstream receiver {{ server 127.0.0.1:{target}; keepalive 16; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://receiver; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def measure(effort: Effort) -> Part:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = stack.enter_context(sink.running(PORT, folder, status=200))
        contestants = {DIRECT: (PORT, Series(DIRECT, receiver.made_of))}
        missing = stack.enter_context(nginx(folder))
        contestants[BARE] = (NGINX_PORT, Series(BARE, missing=missing))
        for name, port, arguments in ((OURS, OURS_PORT, ()), (UNKEPT, UNKEPT_PORT, ("--no-journal",))):
            stack.enter_context(ours(folder, port, *arguments))
            contestants[name] = (port, Series(name, base=BARE))
        asked = [(port, series) for port, series in contestants.values() if not series.missing]
        latest = {series.name: Series(series.name, series.about, missing=series.missing) for _, series in asked}
        for port, _ in asked:
            times(port, 50 if effort.quick else WARM)
        added = {name: Series(name, missing=series.missing) for name, (_, series) in contestants.items()}
        for _ in range(effort.rounds):
            found = {series.name: times(port, 200 if effort.quick else REQUESTS) for port, series in asked}
            for _, series in asked:
                series.values.append(median(found[series.name]) * 1e6)
                latest[series.name].values.append(quantiles(found[series.name], n=100)[98] * 1e6)
                added[series.name].values.append((median(found[series.name]) - median(found[DIRECT])) * 1e6)
    series = [each for _, each in contestants.values()]
    others = [added[name] for name in (BARE, OURS, UNKEPT)]
    for each in others[1:]:
        each.base = BARE
    tables = [
        Table("A webhook and its answer, median", "µs", series),
        Table("A webhook and its answer, p99", "µs", [latest.get(each.name, each) for each in series]),
        Table("Added to the receiver's own time, median", "µs", others),
    ]
    wall = "Python parses, copies and passes on in one process; nginx is C"
    goals = [
        Goal("recording: a webhook takes less than 1 ms longer", 1_000, "µs", added[OURS].median, False, "", wall),
        compared("recording: added time beside nginx", 10, added[OURS], added[BARE], wall=wall, more_is_better=False),
    ]
    notes = [
        "One connection, one request at a time; the next one is sent when the answer is there. nginx stores and judges "
        "nothing; ours does both beside the passing, on the same cores."
    ]
    return Part("recording", "Recording", tables, goals, notes=notes)


def times(port: int, count: int) -> list[float]:
    """Sends the webhook so often, one after the other; returns the seconds of each."""
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter()
            connection.sendall(REQUEST)
            answer = connection.recv(65_536)
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65_536)
            found.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"port {port} answered {answer[:100]!r}")
    return found


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Runs nginx in front of the receiver. Yields why it can't run, or an empty text."""
    program = os.environ.get("NGINX") or shutil.which("nginx")
    if program is None:
        yield "no nginx"
        return
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, target=PORT, port=NGINX_PORT))
    with running([program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)], NGINX_PORT):
        yield ""


@contextmanager
def ours(folder: Path, port: int, *arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "vendorsim", "capture", "record", "--vendor", "messagehub", "--listen", str(port)]
    command += ["--forward", f"http://127.0.0.1:{PORT}/hook", "--json", *arguments]
    if not arguments:
        command += ["--journal", str(folder / f"{port}.sqlite")]
    with running(command, port):
        yield


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Runs a program that listens on a port, as soon as it does."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    from run import alone

    alone("recording")
