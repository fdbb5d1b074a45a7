"""Each fault as an integration sees it: the bytes, their timing, and how the connection ends."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from command_line import Vendorsim
from plays import Stage, attempts, since_start, summary, talk, verdicts
from receiver import Connection, Receiver, Request, last_words, status

ONCE = ("--policy", "retries=none")
CHAT = talk(4)
LAST = talk(1)


@pytest.fixture(params=["uvloop", "asyncio"])
def stage(
    request: pytest.FixtureRequest, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Stage:
    """On both event loops: uvloop is used where it is installed."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    else:
        pytest.importorskip("uvloop")
    return Stage(vendorsim, tmp_path)


def said(target: Receiver) -> list[str | None]:
    """What the visitor said, in the order in which it arrived; None for the event that opens the conversation."""
    return [request.json.get("content") for request in target.requests]


def length(head: bytes) -> int:
    (value,) = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return int(value)


class TestHalfARequest:
    @pytest.mark.parametrize(("argument", "share"), [("", 0.5), ("=0.25", 0.25), ("=0", 0.0), ("=0.999", 0.999)])
    @pytest.mark.parametrize(("fault", "ended"), [("truncate", "closed"), ("reset", "reset")])
    def test_ends_in_mid_body(self, stage: Stage, fault: str, ended: str, argument: str, share: float) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            played = stage(target, "--fault", fault + argument, *ONCE)
            connection = target.wait_for_end()
        head, _, half = bytes(connection.received).partition(b"\r\n\r\n")
        assert length(head) == len(body)
        assert half == body[: int(len(body) * share)]
        assert connection.ended == ended
        assert target.requests == [], "it was never whole"
        assert verdicts(played) == ["spoiled"]
        assert played.code == 0, "no integration can be blamed for it"

    @pytest.mark.parametrize("fault", ["truncate", "reset"])
    def test_is_tried_again_whole(self, stage: Stage, fault: str) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            played = stage(target, "--fault", fault)
        assert target.bodies == [body]
        assert verdicts(played) == ["spoiled", "delivered"]
        assert [line["faults"] for line in attempts(played)] == [[f"{fault}=0.5"], [f"{fault}=0.5"]]
        assert [since_start(line).total_seconds() for line in attempts(played)] == [0, 5]

    def test_can_be_answered(self, stage: Stage) -> None:
        with Receiver(interim=status(400, Connection="close")) as target:
            played = stage(target, "--fault", "truncate")
        assert [(line["status"], line["verdict"]) for line in attempts(played)] == [(400, "spoiled")]

    def test_in_chunks_lacks_the_last_one(self, stage: Stage) -> None:
        with Receiver() as target:
            stage(target, "--fault", "truncate=0.9", "--fault", "http=chunked", *ONCE)
            connection = target.wait_for_end()
        assert b"Transfer-Encoding: chunked" in connection.received
        assert not connection.received.endswith(b"0\r\n\r\n")

    def test_the_reset_does_not_wait_for_one_who_does_not_read(self, stage: Stage) -> None:
        faults = ("--fault", "corrupt=oversized", "--fault", "encoding=utf-16", "--fault", "reset=0.9")
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
            played = stage(url, *faults, "--policy", "read_timeout=200ms", *ONCE)
        assert verdicts(played) == ["spoiled"]


class TestTiming:
    def test_drip(self, stage: Stage) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            played = stage(target, "--fault", "drip=1200ms", "--policy", "read_timeout=1s")
            connection = target.connections[0]
        assert bytes(connection.received).endswith(b"\r\n\r\n" + body)
        assert len(connection.pieces) >= 10
        assert verdicts(played) == ["delivered"], "the time to answer begins with the last byte"

    def test_drip_and_an_early_answer(self, stage: Stage) -> None:
        """Half a request stands on that connection: the next one must not be taken for its rest."""

        def at_once(connection: Connection, request: Request) -> None:
            connection.send(status(200))

        with Receiver(at_once, interim=status(413)) as target:
            played = stage(target, "--fault", "drip=1s", *ONCE, story=CHAT, vendor="messagehub")
        assert [line["status"] for line in attempts(played)] == [413] * 5
        assert target.requests == []
        assert [bytes(each.received).count(b"POST ") for each in target.connections] == [1] * 5

    def test_delay(self, stage: Stage) -> None:
        story = talk(4, fault="{delay: 2s}")
        with Receiver() as target:
            played = stage(target, story=story, vendor="messagehub")
        assert said(target) == ["2", None, "1", "3", "4"]
        assert [since_start(line).total_seconds() for line in attempts(played)] == [1, 2, 2, 2, 3]

    def test_late(self, stage: Stage) -> None:
        story = talk(4, fault="{late: 1h}")
        with Receiver() as target:
            played = stage(target, story=story, vendor="messagehub")
        assert said(target) == ["2", "3", "4", None, "1"]
        assert [since_start(line).total_seconds() for line in attempts(played)] == [1, 2, 3, 3603, 3603]

    def test_times_in_bodies_stay(self, stage: Stage) -> None:
        with Receiver() as late:
            stage(late, "--fault", "late=1d", "--fault", "delay=1d", story=CHAT, vendor="messagehub")
        assert late.bodies == stage.generate(story=CHAT, vendor="messagehub")


class TestCopies:
    def test_duplicate(self, stage: Stage) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            played = stage(target, "--fault", "duplicate=2", "--header", "X-Tenant: acme")
        assert target.bodies == [body] * 3
        assert len({request.raw for request in target.requests}) == 1
        assert [(line["copy"], line["attempt"]) for line in attempts(played)] == [(0, 1), (1, 1), (2, 1)]
        assert len({line["delivery"] for line in attempts(played)}) == 1

    def test_each_copy_is_a_delivery(self, stage: Stage) -> None:
        with Receiver(status(200), status(500), status(200)) as target:
            played = stage(target, "--fault", "duplicate")
        assert [(line["copy"], line["attempt"], line["verdict"]) for line in attempts(played)] == [
            (0, 1, "delivered"),
            (1, 1, "rejected"),
            (1, 2, "delivered"),
        ]

    def test_drop(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, story=talk(3, fault="{drop: true}"), vendor="messagehub")
        assert said(target) == ["2", "3"]
        assert verdicts(played) == ["dropped", "dropped", "delivered", "delivered"]
        assert (summary(played)["dropped"], summary(played)["delivered"]) == (2, 2)
        assert played.code == 0


class TestBody:
    @pytest.mark.parametrize(
        ("kind", "sent"),
        [
            ("bom", lambda body: b"\xef\xbb\xbf" + body),
            ("utf-16", lambda body: body.decode().encode("utf-16")),
        ],
    )
    def test_another_encoding(self, stage: Stage, kind: str, sent: Callable[[bytes], bytes]) -> None:
        (body,) = stage.generate()
        with Receiver(status(400)) as target:
            played = stage(target, "--fault", f"encoding={kind}")
        assert target.bodies == [sent(body)]
        assert length(target.requests[0].head) == len(target.bodies[0])
        assert verdicts(played) == ["spoiled"]

    def test_broken_utf_8(self, stage: Stage) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            stage(target, "--fault", "encoding")
        (sent,) = target.bodies
        with pytest.raises(UnicodeDecodeError):
            sent.decode()
        assert len(sent) == len(body) + 3

    @pytest.mark.parametrize(
        ("argument", "value"),
        [("", "text/plain"), ("=text/xml; charset=utf-8", "text/xml; charset=utf-8"), ("=missing", None)],
    )
    def test_content_type(self, stage: Stage, argument: str, value: str | None) -> None:
        with Receiver() as target:
            stage(target, "--fault", f"content_type{argument}")
        assert target.requests[0].header("Content-Type") == value

    @pytest.mark.parametrize("kind", ["missing", "type", "null", "enum", "extra", "oversized", "deep"])
    def test_corrupt(self, stage: Stage, kind: str) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            played = stage(target, "--fault", f"corrupt={kind}")
        (sent,) = target.bodies
        assert sent != body
        assert length(target.requests[0].head) == len(sent)
        if kind == "oversized":
            assert len(sent) > 2 * 1024 * 1024
        elif kind == "deep":
            assert b"[" * 2_000 + b"]" * 2_000 in sent
        else:
            assert json.loads(sent) != json.loads(body)
        assert attempts(played)[0]["faults"] == [f"corrupt={kind}"]


class TestHttp:
    def test_chunked(self, stage: Stage) -> None:
        (body,) = stage.generate()
        with Receiver() as target:
            played = stage(target, "--fault", "http=chunked")
        (request,) = target.requests
        assert request.header("Transfer-Encoding") == "chunked"
        assert request.header("Content-Length") is None
        chunks, rest = [], request.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks.append(rest[: int(size, 16)])
            assert rest[int(size, 16) :].startswith(b"\r\n")
            rest = rest[int(size, 16) + 2 :]
        assert b"".join(chunks) == body
        assert len(chunks) == 3, "two chunks and the empty one at the end"
        assert verdicts(played) == ["delivered"]

    def test_without_a_length(self, stage: Stage) -> None:
        (body,) = stage.generate()
        with Receiver(status(411, Connection="close")) as target:
            played = stage(target, "--fault", "http=no-length")
            connection = target.wait_for_end()
        head, _, sent = bytes(connection.received).partition(b"\r\n\r\n")
        assert sent == body
        assert not {b"content-length", b"transfer-encoding"} & {
            line.split(b":")[0].lower() for line in head.split(b"\r\n")
        }
        assert b"\r\nConnection: close" in head
        assert connection.ended == "closed"
        assert verdicts(played) == ["spoiled"], "RFC 9112 takes it for a request without a body"

    def test_the_case_of_header_names(self, stage: Stage) -> None:
        with Receiver() as plain, Receiver() as odd:
            stage(plain)
            stage(odd, "--fault", "http=header-case")
        for (name, value), (odd_name, odd_value) in zip(
            plain.requests[0].headers, odd.requests[0].headers, strict=True
        ):
            assert odd_name == name.swapcase()
            assert (odd_value == value) or name == "Host"

    def test_expect_continue(self, stage: Stage) -> None:
        (body,) = stage.generate()
        with Receiver(interim=b"HTTP/1.1 100 Continue\r\n\r\n") as target:
            played = stage(target, "--fault", "http=expect")
        (request,) = target.requests
        assert request.header("Expect") == "100-continue"
        assert target.connections[0].pieces[0].data.endswith(b"\r\n\r\n"), "the head alone"
        assert request.body == body
        (line,) = attempts(played)
        assert line["verdict"] == "delivered"

    def test_expect_continue_and_a_refusal(self, stage: Stage) -> None:
        with Receiver(interim=status(417)) as target:
            played = stage(target, "--fault", "http=expect", *ONCE, story=LAST, vendor="messagehub")
        assert [line["status"] for line in attempts(played)] == [417, 417]
        assert target.requests == [], "a body that nobody wants is not sent"
        assert len(target.connections) == 2

    def test_faultless_but_unusual_requests_must_be_accepted(self, stage: Stage) -> None:
        for kind in ("chunked", "header-case"):
            with Receiver(status(400)) as target:
                played = stage(target, "--fault", f"http={kind}", *ONCE)
            assert (verdicts(played), played.code) == (["rejected"], 1)


class TestConnection:
    def test_new(self, stage: Stage) -> None:
        def hold(connection: Connection, request: Request) -> None:
            connection.send(status(200))

        with Receiver(hold) as target:
            stage(target, "--fault", "connection=new", story=CHAT, vendor="messagehub")
        assert [request.connection for request in target.requests] == [0, 1, 2, 3, 4]
        assert {request.header("Connection") for request in target.requests} == {"close"}

    def test_keep(self, stage: Stage) -> None:
        arguments = ("--fault", "connection=keep", "--count", 8, "--concurrency", 8)
        with Receiver() as target:
            played = stage(target, *arguments, story=CHAT, vendor="messagehub")
        assert len(target.requests) == 40
        assert {request.connection for request in target.requests} == {0}
        assert played.code == 0


class TestTogether:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "faults",
        [
            ("corrupt=deep", "corrupt=missing", "encoding=bom"),
            ("encoding=broken", "encoding=utf-16"),
            ("encoding=broken", "corrupt=type"),
            ("http=chunked", "http=header-case", "http=expect", "drip=100ms"),
            ("http=chunked", "drip=100ms", "duplicate=1", "connection=new"),
            ("http=no-length", "drip=100ms", "content_type=missing"),
            ("truncate=0.3", "reset=0.6", "drip=100ms"),
            ("duplicate=2", "reorder=2", "delay=5s", "corrupt=any"),
            ("late=1h", "delay=1h", "duplicate=1", "encoding=utf-16"),
            ("drop", "duplicate=3", "late=1m"),
        ],
    )
    def test_faults_compose(self, stage: Stage, faults: tuple[str, ...]) -> None:
        given = [part for fault in faults for part in ("--fault", fault)]
        policy = (*ONCE, "--policy", "read_timeout=1s")
        with Receiver(last_words(status(200, Connection="close"))) as target:
            played = stage(target, *given, *policy, story=LAST, vendor="messagehub")
        assert (played.err, played.code) == ("", 0)
        for line in attempts(played):
            assert {name.partition("=")[0] for name in line["faults"]} == {name.partition("=")[0] for name in faults}
            assert line["verdict"] in ("delivered", "spoiled", "dropped")

    def test_a_delay_follows_disorder(self, stage: Stage) -> None:
        with Receiver() as target:
            played = stage(target, story=talk(4, fault="{reorder: 1, delay: 90s}"), vendor="messagehub")
        assert said(target) == ["2", "3", "4", None, "1"]
        whole = [since_start(line).total_seconds() for line in attempts(played)]
        assert whole[3:] == [90, 91]
        assert all(a <= b for a, b in pairwise(whole))
