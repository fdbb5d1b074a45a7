"""`--proxy`: through an HTTP proxy, and only when it is asked for."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from command_line import Vendorsim
from plays import Stage, attempts, verdicts
from receiver import Receiver, status

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.fixture
def stage(vendorsim: Vendorsim, tmp_path: Path) -> Stage:
    return Stage(vendorsim, tmp_path)


@contextmanager
def tunnelling(
    target: Receiver, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
) -> Iterator[list[bytes]]:
    """A proxy that reads one CONNECT, answers it, and hands bytes on; yields its address and then what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asked.append(f"http://ann:secret@127.0.0.1:{listening.getsockname()[1]}".encode())

        def pipe(source: socket.socket, sink: socket.socket) -> None:
            try:
                while data := source.recv(65_536):
                    sink.sendall(data)
            except OSError:
                pass

        def serve() -> None:
            near, _ = listening.accept()
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(65_536)
            asked.append(head)
            near.sendall(answer)
            with near, socket.create_connection(("127.0.0.1", target.port)) as far:
                back = threading.Thread(target=pipe, args=(far, near))
                back.start()
                pipe(near, far)
                far.close()
                back.join()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield asked


def test_http_names_the_whole_url(stage: Stage) -> None:
    (body,) = stage.generate()
    with Receiver() as proxy:
        address = proxy.url().replace("http://", "http://ann:secret@")
        played = stage("http://hooks.example.com/hook?a=1", "--proxy", address)
    assert (played.code, verdicts(played)) == (0, ["delivered"])
    (request,) = proxy.requests
    assert request.line == "POST http://hooks.example.com/hook?a=1 HTTP/1.1"
    assert request.header("Host") == "hooks.example.com"
    assert request.header("Proxy-Authorization") == "Basic YW5uOnNlY3JldA=="
    assert request.body == body
    assert attempts(played)[0]["target"] == "http://hooks.example.com/hook"


def test_https_goes_through_a_tunnel(stage: Stage, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Receiver(tls=context) as target, tunnelling(target) as asked:
        url = target.url().replace("127.0.0.1", "localhost")
        played = stage(url, "--ca", tmp_path / "ca.pem", "--proxy", asked[0].decode())
        assert asked[1].startswith(f"CONNECT localhost:{target.port} HTTP/1.1\r\n".encode())
    assert (played.code, verdicts(played)) == (0, ["delivered"])
    assert b"Proxy-Authorization: Basic YW5uOnNlY3JldA==" in asked[1]
    (request,) = target.requests
    assert request.header("Proxy-Authorization") is None


def test_a_proxy_that_refuses(stage: Stage) -> None:
    with Receiver(status(200)) as target, tunnelling(target, b"HTTP/1.1 407 No\r\n\r\n") as asked:
        played = stage(f"https://localhost:{target.port}/hook", "--proxy", asked[0].decode())
    assert played.code == 3
    assert attempts(played)[0]["reason"] == "the proxy answered 407"
    assert "secret" not in played.out + played.err


def test_none_unless_asked_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Receiver() as target:
        assert verdicts(stage(target)) == ["delivered"]


@pytest.mark.parametrize(
    ("given", "message"), [("ftp://x", "starts with neither"), ("https://x:1", "reached by http://")]
)
def test_what_is_no_proxy(stage: Stage, given: str, message: str) -> None:
    refused = stage("http://127.0.0.1:1/", "--proxy", given)
    assert refused.code == 2
    assert message in refused.err
