"""`vendorsim serve` as a real process: what it says, what it answers, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from vendorsim.core.errors import UnreachableError
from vendorsim.http.server import running_server
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit import registry

INTERRUPTED = 130


@dataclass
class Serving:
    process: subprocess.Popen[str]
    introduction: str
    host: str
    port: int

    def post(self, identifier: str = "a", token: str = "t", session: str = "1") -> int:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = json.dumps({"identifier": identifier})
        connection.request("POST", f"/apps/api/v1/chats/{session}/end_user", body, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def end(self, number: int) -> tuple[int, str]:
        """The exit code after a signal, and what was written meanwhile."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


Serve = Callable[..., Serving]
Vendorsim = Callable[..., Any]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve("--strict")` starts the command on a free port and waits until it has introduced itself."""
    processes = []

    def start(*arguments: str, **environment: str) -> Serving:
        command = [sys.executable, "-W", "error", "-m", "vendorsim", "serve", "--port", "0", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )
        processes.append(process)
        assert process.stderr is not None
        lines: list[str] = []
        while not lines or "curl" not in lines[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        found = re.search(r"listens on http://(.+):(\d+) ", "".join(lines))
        assert found is not None
        return Serving(process, "".join(lines), found[1], int(found[2]))

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_it_says_where_it_listens_and_what_it_answers(serve: Serve) -> None:
    serving = serve()
    assert f"http://127.0.0.1:{serving.port}" in serving.introduction
    assert f"http://127.0.0.1:{serving.port}/_vendorsim/api/openapi.json" in serving.introduction
    apis = [registry.get(name) for name in registry.names() if registry.get(name).api is not None]
    for vendor in apis:
        line = rf"^  {vendor.name} +{len(vendor.operations)} operations; vendorsim vendors {vendor.name} lists them$"
        assert re.search(line, serving.introduction, re.MULTILINE)
        assert vendor.page is None or f"http://127.0.0.1:{serving.port}{vendor.page}\n" in serving.introduction
    pages = sum(vendor.page is not None for vendor in apis)
    assert len(serving.introduction.splitlines()) == len(apis) + pages + 5
    assert serving.post() == 202


def test_the_example_call_works_as_it_is_printed(serve: Serve) -> None:
    serving = serve()
    words = re.findall(r"'([^']*)'|(\S+)", serving.introduction.splitlines()[-1])
    _, _, url, _, authorization, _, content_type, _, body = [quoted or plain for quoted, plain in words]
    connection = http.client.HTTPConnection(serving.host, serving.port, timeout=20)
    connection.request(
        "POST", url.partition(f":{serving.port}")[2], body, dict(h.split(": ") for h in (authorization, content_type))
    )
    assert connection.getresponse().status == 202
    connection.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, 0)])
def test_it_ends_cleanly(serve: Serve, number: signal.Signals, code: int) -> None:
    serving = serve()
    kept = socket.create_connection((serving.host, serving.port))
    assert serving.post() == 202
    ended, errors = serving.end(number)
    kept.close()
    assert ended == code
    assert errors.strip() in ("", "Interrupted.")


def test_a_slow_answer_does_not_keep_it_from_ending(serve: Serve) -> None:
    serving = serve()
    connection = http.client.HTTPConnection(serving.host, serving.port, timeout=20)
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    connection.request("POST", "/apps/api/v1/chats/slow-1/end_user", '{"identifier": "a"}', headers)
    assert serving.post() == 202
    assert serving.end(signal.SIGTERM) == (0, "")
    connection.close()


@pytest.mark.slow
def test_the_options_are_heeded(serve: Serve) -> None:
    strict = serve("--token", "s3cret", "--strict")
    assert "s3cret" not in strict.introduction
    assert [strict.post(token="wrong"), strict.post(token="s3cret")] == [401, 404]
    assert strict.post(token="s3cret", session="ended-1") == 400
    lenient = serve("--duplicate-interval", "0s", "--rate-limit", "2/s")
    assert [lenient.post() for _ in range(2)] == [202, 202]
    assert serve().post() == 202


def test_the_token_may_come_from_the_environment_and_the_command_line_wins(serve: Serve) -> None:
    from_environment = serve(VENDORSIM_TOKEN="s3cret")
    assert [from_environment.post(token=token) for token in ("wrong", "s3cret")] == [401, 202]
    from_command_line = serve("--token", "other", VENDORSIM_TOKEN="s3cret")
    assert [from_command_line.post(token=token) for token in ("s3cret", "other")] == [401, 202]


def test_a_port_in_use_is_said_plainly(vendorsim: Vendorsim) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        completed = vendorsim("serve", "--port", port)
    assert (completed.code, completed.out) == (3, "")
    assert completed.err == f"Error: port {port} on 127.0.0.1 is in use; choose another with --port\n"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", "port 0 on 192.0.2.1 can't be used: "),
        ("no.such.host.invalid", "--host 'no.such.host.invalid' is no address of this machine"),
        ("a" * 70, f"--host '{'a' * 70}' is no address of this machine"),
    ],
)
def test_an_address_that_is_not_ours(host: str, message: str) -> None:
    with pytest.raises(UnreachableError, match=f"^{re.escape(message)}"):
        running_server(create_app(ServerBackend()), host)


def test_other_machines_are_warned_of(serve: Serve) -> None:
    serving = serve("--host", "0.0.0.0", "--token", "s3cret", "--admin-token", "adm-s3cret")
    assert "adm-s3cret" not in serving.introduction
    assert serving.host == "127.0.0.1"
    warning = "Warning: other machines can reach 0.0.0.0, and whoever has the token can call the APIs.\n"
    assert serving.introduction.startswith(warning)
    assert serving.end(signal.SIGTERM) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "65536"], "65536 is not in the range"),
        (["--rate-limit", "10"], "'10' is not a rate; write requests per second, such as 10/s"),
        (["--rate-limit", "0/s"], "'0/s' is not a rate"),
        (["--rate-limit", "-1/s"], "'-1/s' is not a rate"),
        (["--token", ""], "a token is one or more visible ASCII characters without spaces"),
        (["--token", "two words"], "a token is one or more visible ASCII characters without spaces"),
        (["--duplicate-interval", "60"], "'60' is not a duration"),
        (["--strcit"], "No such option '--strcit'"),
        (["more"], "Got unexpected extra argument"),
    ],
)
def test_wrong_options_are_refused(vendorsim: Vendorsim, arguments: list[str], message: str) -> None:
    completed = vendorsim("serve", *arguments)
    assert completed.code == 2
    assert message in completed.err


def test_a_closed_server_gives_its_port_back_and_may_be_closed_again() -> None:
    app = create_app(ServerBackend())
    with running_server(app) as first:
        port = first.port
    first.close()
    with running_server(app, port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_ipv6_address_stands_in_brackets() -> None:
    try:
        server = running_server(create_app(ServerBackend()), "::1")
    except UnreachableError:
        pytest.skip("IPv6 is switched off here")
    with server:
        assert server.url == f"http://[::1]:{server.port}"
        connection = http.client.HTTPConnection("::1", server.port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 404
        connection.close()
