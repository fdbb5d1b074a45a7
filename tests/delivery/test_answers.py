"""`vendorsim play`: what it makes of everything an integration can answer.

Everything is sent once here; when it is sent again is the policy's matter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from receiver import Action, Answer, Connection, Receiver, Request, close, last_words, never, reset, status
from stories import CHAT, written

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(500)) + b"\r\n"
LONG_HEADER = b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n"
MEGABYTES = status(200, b"a" * 3 * 1024 * 1024)


def endless(connection: Connection, request: Request) -> None:
    """Headers that never end; the connection fails when the other side has had enough."""
    connection.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.send(b"X-More: of the same\r\n" * 100)


Play = Any


@pytest.fixture
def play(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Plays the chat, request by request, without retries; gives the records, and how the command ended."""
    monkeypatch.chdir(tmp_path)

    def play(target: Receiver, vendor: str = "userlike", *policy: str) -> tuple[list[dict[str, Any]], Completed]:
        path = written(tmp_path, CHAT)
        overridden = [part for value in ("retries=none", "in_flight=1", *policy) for part in ("--policy", value)]
        played = vendorsim("play", path, "--vendor", vendor, "--to", target.url(), "--json", *overridden)
        assert played.err == ""
        return played.lines[:-1], played

    return play


class TestStatus:
    @pytest.mark.parametrize(
        ("vendor", "answered", "reason"),
        [
            ("userlike", 200, None),
            ("userlike", 201, "answered 201, the vendor expects 200"),
            ("userlike", 204, "answered 204, the vendor expects 200"),
            ("userlike", 301, "answered 301, the vendor expects 200"),
            ("userlike", 410, "answered 410, the vendor expects 200"),
            ("smartsupp", 200, None),
            ("smartsupp", 202, None),
            ("smartsupp", 204, None),
            ("smartsupp", 299, None),
            ("smartsupp", 300, "answered 300, the vendor expects 200-299"),
            ("smartsupp", 404, "answered 404, the vendor expects 200-299"),
            ("smartsupp", 503, "answered 503, the vendor expects 200-299"),
            ("messagehub", 201, None),
            ("messagehub", 401, "answered 401, the vendor expects 200-299"),
        ],
    )
    def test_outside_the_policy_is_rejected(self, play: Play, vendor: str, answered: int, reason: str | None) -> None:
        with Receiver(status(answered)) as target:
            records, played = play(target, vendor)
        assert records[0]["status"] == answered
        assert records[0]["verdict"] == ("rejected" if reason else "delivered")
        assert records[0]["reason"] == reason
        assert played.code == (1 if reason else 0)

    def test_a_redirect_is_not_followed(self, play: Play) -> None:
        with Receiver() as elsewhere, Receiver(status(307, Location=elsewhere.url("/new"))) as target:
            records, _ = play(target)
            assert elsewhere.connections == []
        assert {record["verdict"] for record in records} == {"rejected"}
        assert len(target.requests) == 5


class TestGood:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(status(200, b"thanks"), id="with a body"),
            pytest.param(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", id="without a phrase"),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
                id="chunked",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: b\r\n\r\n",
                id="with a trailer",
            ),
            pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + status(200), id="100 first"),
            pytest.param(
                b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + status(200, b"ok"),
                id="103 and 102 first",
            ),
        ],
    )
    def test_is_delivered_and_the_connection_kept(self, play: Play, answer: bytes) -> None:
        with Receiver(answer) as target:
            records, played = play(target)
        assert [(record["status"], record["verdict"]) for record in records] == [(200, "delivered")] * 5
        assert played.code == 0
        assert len(target.connections) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(status(200, Connection="close"), id="Connection: close"),
            pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="HTTP/1.0"),
            pytest.param(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", id="without a length"),
        ],
    )
    def test_is_delivered_over_a_new_connection_each(self, play: Play, answer: bytes) -> None:
        with Receiver(last_words(answer)) as target:
            records, played = play(target)
        assert [(record["status"], record["verdict"]) for record in records] == [(200, "delivered")] * 5
        assert played.code == 0
        assert len(target.connections) == 5

    def test_no_content_needs_no_length(self, play: Play) -> None:
        with Receiver(b"HTTP/1.1 204 No Content\r\n\r\n") as target:
            records, _ = play(target, "messagehub", "connections=kept")
        assert [(record["status"], record["verdict"]) for record in records] == [(204, "delivered")] * 5
        assert len(target.connections) == 1

    def test_in_many_small_pieces(self, play: Play) -> None:
        def drip(connection: Connection, request: Request) -> None:
            for byte in status(200, b"ok"):
                connection.send(bytes([byte]))

        with Receiver(drip) as target:
            _, played = play(target)
        assert played.code == 0


class TestOdd:
    def test_a_huge_body_is_not_read_to_its_end(self, play: Play) -> None:
        with Receiver(MEGABYTES) as target:
            records, played = play(target)
        assert {record["verdict"] for record in records} == {"delivered"}
        assert {record["reason"] for record in records} == {
            "the body of the answer is larger than 1 MiB; the rest was not read"
        }
        assert played.code == 0
        assert len(target.connections) == 5

    def test_two_answers_at_once_count_as_one(self, play: Play) -> None:
        with Receiver(status(200) + status(500)) as target:
            records, _ = play(target)
        assert [record["status"] for record in records] == [200] * 5
        assert len(target.connections) == 5

    def test_bytes_behind_an_answer_are_not_taken_for_the_next_one(self, play: Play) -> None:
        with Receiver(status(200) + b"stray bytes") as target:
            records, _ = play(target)
        assert [record["status"] for record in records] == [200] * 5


class TestBroken:
    @pytest.mark.parametrize("position", [0, 1, 4], ids=["first", "later", "last"])
    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            pytest.param(close, "closed the connection without an answer", id="hangs up"),
            pytest.param(reset, "reset the connection without an answer", id="resets"),
        ],
    )
    def test_without_an_answer(self, play: Play, answer: Answer, reason: str, position: int) -> None:
        """What hangs up on a new connection, too, is broken."""
        again = [answer] if position else []
        with Receiver(*[status(200)] * position, answer, *again, status(200)) as target:
            records, played = play(target)
        assert records[position]["verdict"] == "broken"
        assert records[position]["reason"].startswith(reason)
        assert [record["verdict"] for record in records].count("delivered") == 4
        assert played.code == 1
        assert len(target.requests) == 5 + bool(position)

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            pytest.param(last_words(status(200, b"abcdef")[:-3]), "closed the connection within the answer", id="half"),
            pytest.param(
                last_words(CHUNKED + b"5\r\nab"), "closed the connection within the answer", id="half a chunk"
            ),
            pytest.param(last_words(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"), "within the answer", id="half a head"),
            pytest.param(last_words(b"HTTP/1.1 200"), "closed the connection within the answer", id="half a line"),
            pytest.param(last_words(b"HTTP/1.1 100 Continue\r\n\r\n"), "closed the connection", id="only a 100"),
            pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is not HTTP", id="another protocol"),
            pytest.param(b"\x00\xff\x00\xff" * 50, "the answer is not HTTP", id="noise"),
            pytest.param(b"HTTP/1.1 abc\r\n\r\n", "the answer is not HTTP", id="no status"),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "the answer is not HTTP", id="no length"),
            pytest.param(b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "another protocol", id="101"),
            pytest.param(MANY_HEADERS, "the head of the answer is too large", id="many headers"),
            pytest.param(LONG_HEADER, "the head of the answer is too large", id="a long header"),
            pytest.param(endless, "the head of the answer is too large", id="endless headers"),
        ],
    )
    @pytest.mark.parametrize("position", [0, 1], ids=["first", "later"])
    def test_is_told_and_the_rest_is_sent(self, play: Play, answer: Answer, reason: str, position: int) -> None:
        answers = [status(200)] * position + [answer, status(200)]
        with Receiver(*answers) as target:
            records, played = play(target)
        broken = records.pop(position)
        assert reason in broken["reason"]
        assert (broken["status"], broken["verdict"]) == (None, "broken")
        assert [record["verdict"] for record in records] == ["delivered"] * 4
        assert played.code == 1
        assert len(target.requests) == 5, "nothing may be sent twice unasked"


class TestSlow:
    def test_no_answer_in_time(self, play: Play) -> None:
        with Receiver(status(200), never, status(200)) as target:
            records, played = play(target, "userlike", "read_timeout=100ms")
        assert [record["verdict"] for record in records] == ["delivered", "timed out"] + ["delivered"] * 3
        assert records[1]["reason"] == "no answer within 0.1 s"
        assert played.code == 1
        assert len(target.connections) == 2, "an answer that comes late must not meet the next request"

    def test_half_an_answer_in_time(self, play: Play) -> None:
        def half(connection: Connection, request: Request) -> None:
            connection.send(status(200, b"abcdef")[:-3])

        with Receiver(half, status(200)) as target:
            records, _ = play(target, "userlike", "read_timeout=100ms")
        assert records[0]["verdict"] == "timed out"


def one_each(code: int) -> Action:
    """Answers one request per connection. Closes it at the next one, as if it had ended a moment earlier."""

    def act(connection: Connection, request: Request) -> None:
        if connection.received.count(b"POST ") > 1:
            connection.close()
        else:
            connection.send(status(code))

    return act


class TestKeptConnectionThatEnds:
    AGAIN = "sent again on a new connection: the kept one ended before an answer"

    def test_the_request_is_sent_once_more_and_the_record_says_so(self, play: Play) -> None:
        with Receiver(one_each(200)) as target:
            records, played = play(target)
        assert [record["verdict"] for record in records] == ["delivered"] * 5
        assert [record["reason"] for record in records] == [None] + [self.AGAIN] * 4
        assert played.code == 0
        assert len(target.connections) == 5

    def test_so_does_the_record_of_an_answer_that_is_not_accepted(self, play: Play) -> None:
        with Receiver(one_each(500)) as target:
            records, _ = play(target)
        refused = "answered 500, the vendor expects 200"
        assert [record["reason"] for record in records] == [refused] + [f"{refused} ({self.AGAIN})"] * 4

    @pytest.mark.parametrize(("vendor", "policy"), [("messagehub", ()), ("userlike", ("connections=new",))])
    def test_a_sender_with_a_connection_per_delivery_never_meets_one(
        self, play: Play, vendor: str, policy: tuple[str, ...]
    ) -> None:
        with Receiver(one_each(200)) as target:
            records, _ = play(target, vendor, *policy)
        assert [(record["verdict"], record["reason"]) for record in records] == [("delivered", None)] * 5
        assert [request.connection for request in target.requests] == [0, 1, 2, 3, 4]
        assert {request.header("Connection") for request in target.requests} == {None}

    @pytest.mark.parametrize("fault", ["connection=keep", "reset=0.5", "truncate=0.5"])
    def test_a_fault_of_the_connection_is_not_repaired(
        self, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        once = ("--vendor", "userlike", "--policy", "retries=none", "--json")
        with Receiver(one_each(200)) as target:
            played = vendorsim("play", written(tmp_path, CHAT), "--to", target.url(), "--fault", fault, *once)
        assert {line["verdict"] for line in played.lines[1:-1]} <= {"broken", "spoiled", "delivered"}
        assert self.AGAIN not in played.out
        assert played.lines[1]["verdict"] != "delivered"
