"""Where `vendorsim play` sends to: URLs and headers, good and bad, and the secrets in them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from command_line import Vendorsim
from receiver import Receiver, status
from stories import OFFLINE, written

SECRET = "s3cr3t-w0rd"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return written(tmp_path, OFFLINE)


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("", "/"),
        ("/", "/"),
        ("/hook", "/hook"),
        ("//doubled//slash/", "//doubled//slash/"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/hook?token=a%20b&c", "/hook?token=a%20b&c"),
        ("?a=b", "/?a=b"),
        ("/hook#fragment", "/hook"),
        ("/gr%C3%BC%C3%9Fe", "/gr%C3%BC%C3%9Fe"),
        ("/grüße?ü=ß", "/gr%C3%BC%C3%9Fe?%C3%BC=%C3%9F"),
        ("/a;b=c:d@e", "/a;b=c:d@e"),
    ],
)
def test_the_path_is_sent_as_it_stands(vendorsim: Vendorsim, offline: Path, path: str, resource: str) -> None:
    with Receiver() as target:
        played = vendorsim("play", offline, "--vendor", "smartsupp", "--to", target.url(path))
    assert played.code == 0, played.out
    assert target.requests[0].line == f"POST {resource} HTTP/1.1"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1"])
def test_the_host_header_names_host_and_port(vendorsim: Vendorsim, offline: Path, host: str) -> None:
    with Receiver() as target:
        vendorsim("play", offline, "--vendor", "smartsupp", "--to", f"HTTP://{host}:{target.port}/hook")
    assert target.requests[0].header("host") == f"{host.lower()}:{target.port}"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "neither http:// nor https://"),
        ("localhost:8000/hook", "neither http:// nor https://"),
        ("//localhost/hook", "neither http:// nor https://"),
        ("ftp://localhost/hook", "neither http:// nor https://"),
        ("http:/hook", "names no host"),
        ("http://", "names no host"),
        ("http://:8000/hook", "names no host"),
        ("http://localhost:0/hook", "port 0"),
        ("http://localhost:65536/hook", "ort"),
        ("http://localhost:abc/hook", "ort"),
        ("http://[::1/hook", "IPv6"),
        ("http://localhost/a hook", "a space"),
        ("http://localhost/hook\r\nX-Injected: 1", "a control character"),
        (" http://localhost/hook", "a space"),
        ("http://localhost/\udcff", "UTF-8"),
    ],
)
def test_a_bad_url_is_refused(vendorsim: Vendorsim, offline: Path, url: str, reason: str) -> None:
    refused = vendorsim("play", offline, "--vendor", "smartsupp", "--to", url)
    assert refused.code == 2
    assert reason in refused.err
    assert "http://localhost:8000/hook" in refused.err, "a good example helps"
    assert refused.out == ""


@pytest.mark.parametrize(
    "host",
    ["a..b", "-" + "a" * 64 + ".example.com", "ex_ämple" + "ü" * 70 + ".example.com"],
    ids=["dots", "long", "idna"],
)
def test_a_host_that_can_not_be_one(vendorsim: Vendorsim, offline: Path, host: str) -> None:
    ended = vendorsim("play", offline, "--vendor", "smartsupp", "--to", f"http://{host}/hook")
    assert ended.code in (2, 3)
    assert host in ended.out + ended.err


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("X-Api-Key", "write it like"),
        ("X-Api-Key abc", "write it like"),
        ("", "write it like"),
        (": abc", "is not a header name"),
        ("X Api Key: abc", "is not a header name"),
        ("X-Ärger: abc", "is not a header name"),
        ("X-Api-Key: a\r\nX-Injected: b", "a line break"),
        ("X-Api-Key: a\x00b", "a control character"),
        ("X-Api-Key: \udcff", "UTF-8"),
        ("Content-Length: 5", "set by vendorsim"),
        ("transfer-encoding: chunked", "set by vendorsim"),
        ("Connection: close", "set by vendorsim"),
    ],
)
def test_a_bad_header_is_refused(vendorsim: Vendorsim, offline: Path, header: str, reason: str) -> None:
    refused = vendorsim("play", offline, "--vendor", "smartsupp", "--to", "http://127.0.0.1:1/", "--header", header)
    assert refused.code == 2
    assert reason in refused.err
    assert refused.out == ""


def test_user_and_password_are_sent_as_basic_credentials(vendorsim: Vendorsim, offline: Path) -> None:
    with Receiver() as target:
        url = target.url().replace("//", "//dana:p%40ss%3Aword@", 1)
        vendorsim("play", offline, "--vendor", "smartsupp", "--to", url)
    expected = "Basic " + base64.b64encode(b"dana:p@ss:word").decode()
    assert target.requests[0].header("authorization") == expected
    assert target.requests[0].header("host") == f"127.0.0.1:{target.port}"


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("answer", [status(200), status(500), b"garbage"], ids=["good", "rejected", "broken"])
def test_secrets_are_never_shown(vendorsim: Vendorsim, offline: Path, answer: bytes, json: tuple[str, ...]) -> None:
    with Receiver(answer) as target:
        url = target.url(f"/hook?token={SECRET}").replace("//", f"//dana:{SECRET}@", 1)
        header = f"X-Api-Key: {SECRET}"
        played = vendorsim("play", offline, "--vendor", "smartsupp", "--to", url, "--header", header, *json)
    down = vendorsim("play", offline, "--vendor", "smartsupp", "--to", url, *json)
    assert down.code == 3
    for ended in (played, down):
        assert target.url() in ended.out
        assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("rest", ["localhost:99999/hook", "localhost:0/hook", "localhost/a hook", "/hook"])
def test_secrets_of_a_bad_url_are_not_shown_either(vendorsim: Vendorsim, offline: Path, rest: str) -> None:
    refused = vendorsim("play", offline, "--vendor", "smartsupp", "--to", f"http://dana:{SECRET}@{rest}")
    assert refused.code == 2
    assert SECRET not in refused.out + refused.err
