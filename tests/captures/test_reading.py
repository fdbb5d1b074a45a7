"""Captures are read from what people have, as streams; what can't be read is named, and the rest goes on."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given, settings
from hypothesis import strategies as st
from vendorsim.captures import json_scan
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.captures.files import Skipped, items_of, opened
from vendorsim.captures.json_scan import Window, items
from vendorsim.captures.reading import exchange, read
from vendorsim.core.errors import PayloadFileError

BODY = b'{"event": "message_created", "id": 1}'
TEXT = BODY.decode()


def reads(data: bytes, largest: int = json_scan.LARGEST_VALUE) -> tuple[list[CapturedExchange], list[str]]:
    """The exchanges in these bytes, and what was skipped."""
    skipped: list[Skipped] = []
    found = []
    for item in items_of(io.BytesIO(data), "f", skipped.append, largest):
        each = exchange(item)
        if isinstance(each, Skipped):
            skipped.append(each)
        else:
            found.append(each)
    return found, [str(each) for each in skipped]


def har(*entries: Any, **log: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", **log, "entries": list(entries)}}).encode()


def entry(**request: Any) -> dict[str, Any]:
    posted = {"mimeType": "application/json", "text": TEXT}
    return {
        "startedDateTime": "2026-01-05T10:00:00.5+01:00",
        "time": 12.5,
        "request": {"method": "POST", "url": "http://x.org/hook", "headers": [], "postData": posted} | request,
        "response": {"status": 204, "headers": [{"name": "A", "value": "b"}], "content": {"text": "ok"}},
    }


def posted(data: bytes, key: str = "_encoding") -> dict[str, Any]:
    return {"mimeType": "application/json", "text": base64.b64encode(data).decode(), key: "base64"}


CODED = [{"name": "Content-Encoding", "value": "gzip"}]


class TestHar:
    def test_an_entry_is_an_exchange(self) -> None:
        (found,), skipped = reads(
            har(entry(headers=[{"name": ":authority", "value": "x"}, {"name": "K", "value": "v"}]))
        )
        assert skipped == []
        assert (found.place, found.direction, found.body) == ("f#0", Direction.WEBHOOK, BODY)
        assert found.at is not None
        assert found.at.isoformat() == "2026-01-05T09:00:00.500000+00:00"
        assert (found.method, found.url, found.headers) == ("POST", "http://x.org/hook", (("K", "v"),))
        assert found.answer is not None
        assert (found.answer.status, found.answer.headers, found.answer.body) == (204, (("A", "b"),), b"ok")
        assert found.answer.milliseconds == 12.5

    @pytest.mark.parametrize(
        ("request_", "body", "problem"),
        [
            ({"postData": posted(BODY)}, BODY, None),
            ({"postData": posted(BODY, "encoding")}, BODY, None),
            ({"postData": posted(gzip.compress(BODY)), "headers": CODED}, BODY, None),
            ({"postData": {"text": TEXT}, "headers": CODED}, BODY, None),
            (
                {
                    "postData": posted(zlib.compress(BODY)),
                    "headers": [{"name": "content-encoding", "value": "deflate"}],
                },
                BODY,
                None,
            ),
            ({"postData": posted(gzip.compress(BODY)[:-9]), "headers": CODED}, None, "the compressed body is cut off"),
            ({"postData": {"mimeType": "application/json", "text": "x", "encoding": "base64"}}, b"x", "not base64"),
            ({"postData": None, "bodySize": 512}, b"", "the HAR has no body for this request of 512 bytes"),
            (
                {"postData": {"text": TEXT[:9]}, "headers": [{"name": "Content-Length", "value": "37"}]},
                BODY[:9],
                "the body has 9 of 37 bytes; the recorder cut it off",
            ),
        ],
    )
    def test_bodies_in_every_form(self, request_: Any, body: bytes | None, problem: str | None) -> None:
        (found,), _ = reads(har(entry(**request_)))
        assert body is None or found.body == body
        assert found.problem == problem if problem is None else problem in (found.problem or "")

    def test_bombs_are_not_decompressed(self) -> None:
        bomb = gzip.compress(bytes(json_scan.LARGEST_VALUE + 1), 1)
        (found,), _ = reads(har(entry(postData=posted(bomb), headers=CODED)))
        assert found.problem == "the body decompresses to over 64 MiB: a decompression bomb?"

    @pytest.mark.parametrize(
        ("request_", "direction"),
        [
            ({"url": "http://vendor.invalid/anything"}, Direction.CALL),
            ({"url": "https://chat.example.org/api/v1/accounts/7/conversations/9/messages"}, Direction.CALL),
            ({"url": "https://example.org/chat/api/v1/accounts/7/conversations/9/messages"}, Direction.CALL),
            ({"url": "https://example.org/hooks/api"}, Direction.WEBHOOK),
        ],
    )
    def test_calls_are_told_by_the_paths_of_apis(self, request_: Any, direction: Direction) -> None:
        (found,), _ = reads(har(entry(**request_)))
        assert found.direction is direction

    @pytest.mark.parametrize(
        ("request_", "reason"),
        [
            ({"method": "GET", "postData": None}, "no API of a vendor has the operation GET /hook"),
            ({"postData": {"mimeType": "text/html", "text": "<p>"}}, "the body is text/html, not JSON"),
            ({"postData": None}, "there is no body"),
        ],
    )
    def test_what_is_neither_is_named(self, request_: Any, reason: str) -> None:
        found, skipped = reads(har(entry(**request_), entry()))
        assert len(found) == 1
        assert skipped == [f"f#0: neither a webhook nor a call: {reason}"]

    @pytest.mark.parametrize(
        ("data", "count", "skipped"),
        [
            (har(entry(), entry())[:-60], 1, "f:1:"),
            (har(entry(), 5, entry()), 2, "f#1: the HAR entry has no request"),
            (har(entry(), entry()).replace(b'"time": 12.5', b'"time": NaN', 1), 1, "f:1:"),
            (b'{"other": 1, ' + har(entry())[1:], 1, None),
            (har(entry(), pages=[{"id": "p"}], comment="x"), 1, None),
        ],
    )
    def test_broken_ones_give_what_can_be_read(self, data: bytes, count: int, skipped: str | None) -> None:
        found, told = reads(data)
        assert len(found) == count
        assert [each[: len(skipped or "")] for each in told] == ([skipped] if skipped else [])


RAW = f"POST /hook?a=1 HTTP/1.1\nHost: x.org\nContent-Type: application/json\n\n{TEXT}\n"
ANSWER = "HTTP/1.1 200 OK\nX: y\n\nfine\n"
CURL = (
    "*   Trying 127.0.0.1:8000...\n* Connected to x.org\n"
    "> POST /hook HTTP/1.1\n> Host: x.org\n> Content-Type: application/json\n>\n"
    f"{TEXT}\n* upload completely sent off\n< HTTP/1.1 200 OK\n< X: y\n<\nfine\n* Connection left intact\n"
)
CHUNKS = f"POST /hook HTTP/1.1\nTransfer-Encoding: chunked\n\n{len(BODY):x}\n{TEXT}\n0\n\n"


class TestRawRequests:
    @pytest.mark.parametrize(
        ("text", "count", "answers"),
        [
            (RAW, 1, 0),
            (RAW.replace("\n", "\r\n"), 1, 0),
            (RAW + ANSWER, 1, 1),
            (RAW + "\n" + RAW + ANSWER + RAW, 3, 1),
            (RAW + "HTTP/1.1 100 Continue\n\n" + ANSWER, 1, 1),
            (CURL, 1, 1),
            (CURL + CURL.replace("\n", "\r\n"), 2, 2),
            ("### first\n" + RAW + "\n###\n" + RAW, 2, 0),
            (CHUNKS, 1, 0),
        ],
    )
    def test_are_read(self, text: str, count: int, answers: int) -> None:
        found, skipped = reads(text.encode())
        assert skipped == []
        assert [each.body for each in found] == [BODY] * count
        assert sum(each.answer is not None for each in found) == answers
        assert all(each.answer is None or (each.answer.status, each.answer.body) == (200, b"fine") for each in found)

    def test_as_curl_prints_them_without_the_bodies_of_requests(self) -> None:
        text = (
            f"> POST /hook HTTP/1.1\n> Host: x.org\n> Content-Length: {len(BODY)}\n> \n"
            f"}} [{len(BODY)} bytes data]\n* HTTP 1.0, assume close after body\n< HTTP/1.0 501 Unsupported\n"
            "< Content-Length: 4\n< \n{ [4 bytes data]\n* Closing connection 0\nfine"
        )
        (found,), skipped = reads(text.encode())
        assert skipped == []
        assert found.problem == f"the capture has no body for this request of {len(BODY)} bytes; curl -v prints none"
        assert found.answer is not None
        assert (found.answer.status, found.answer.body) == (501, b"fine")

    def test_a_body_within_its_length_may_look_like_a_head(self) -> None:
        body = '{"text": "\nPOST /x HTTP/1.1\n"}'
        (found,), _ = reads(f"POST /hook HTTP/1.1\nContent-Length: {len(body)}\n\n{body}\n".encode())
        assert found.body == body.encode()

    def test_other_lines_are_named(self) -> None:
        found, skipped = reads((RAW.partition("\n\n")[0] + "\nno header\n\n" + TEXT + "\n\n").encode())
        assert (len(found), skipped) == (1, ["f:4: a line of a head that is no header"])


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"[" * 100_000 + b"]" * 100_000, "f:1:1027: not JSON: depth limit exceeded"),
            (b'{"a":' * 100_000, "not JSON: the file ends in the middle of a value"),
            (b'{"a": "\\ud800"}', "f:1:8: not JSON: "),
            (b'{"a": 1e999}', "f:1:7: not JSON: number is infinity"),
            (b"\0" * 1000, "not JSON"),
            ("[1]".encode("utf-16-le"), "not JSON"),
            ("[1]".encode("utf-16"), "byte 0xff is not UTF-8; save the file as UTF-8"),
            (b"PK\x03\x04rest", "f: is a zip archive; unpack it and give the files"),
            (b"\x28\xb5\x2f\xfdrest", "f: is compressed with zstd; decompress it first"),
            (b"SQLite format 3\0", "f: is a journal (SQLite); name the file itself"),
            (b"\xef\xbb\xbf", "f: the file is empty"),
            (b'"' + b"a" * 100, "not JSON: the file ends"),
            (b'{"log": {"version": "1.2"}}', "f: the HAR has no log.entries"),
        ],
    )
    def test_are_refused_with_place_and_reason(self, data: bytes, message: str) -> None:
        found, skipped = reads(data)
        assert found == []
        assert len(skipped) >= 1
        assert message in skipped[0]

    def test_a_gzip_bomb(self, tmp_path: Path) -> None:
        (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b"[" + b" " * 20_000_000 + b"1]"))
        skipped: list[Skipped] = []
        with opened(str(tmp_path / "bomb.json.gz"), most=1_000_000) as stream:
            assert list(items_of(stream, "f", skipped.append)) == []
        assert "f:1:1: decompresses to over 0.954 MiB, over 200 times its size" in str(skipped[0])

    def test_a_broken_gzip_file(self, tmp_path: Path) -> None:
        (tmp_path / "cut.gz").write_bytes(gzip.compress(BODY)[:-12])
        with pytest.raises(PayloadFileError, match="the gzip file is broken"):
            list(read([str(tmp_path / "cut.gz")]))

    def test_a_value_of_absurd_length_ends_the_file_and_a_line_only_itself(self) -> None:
        large = b'{"a": "' + b"x" * 3_000_000 + b'"}'
        found, skipped = reads(BODY + b"\n" + large + b"\n" + BODY + b"\n", largest=1_000_000)
        assert [each.place for each in found] == ["f:1", "f:3"]
        assert skipped == ["f:2: the line is longer than 0.954 MiB"]
        found, skipped = reads(b"[" + BODY + b",\n" + large + b"," + BODY + b"]", largest=1_000_000)
        assert [each.place for each in found] == ["f[0]"]
        assert skipped == ["f:2:1: a value is larger than 0.954 MiB"]

    @settings(max_examples=50)
    @given(st.binary(max_size=300))
    def test_nothing_crashes(self, data: bytes) -> None:
        reads(data)
        reads(BODY + b"\n" + data)
        reads(har(entry())[:-3] + data)
        reads(RAW.encode() + data)


class TestStreams:
    """A file is read as far as it is asked for: the rest may be endless."""

    class Endless(io.RawIOBase):
        def __init__(self, head: bytes, part: bytes) -> None:
            self.head, self.part, self.count = head, part, 0

        def read(self, size: int = -1) -> bytes:
            head, self.head = self.head, b""
            data = head + self.part * max(1, size // len(self.part))
            self.count += len(data)
            return data

    @pytest.mark.parametrize(
        ("head", "part"),
        [(b"", BODY + b"\n"), (b"[" + BODY, b"," + BODY), (har(entry())[:-3], b"," + json.dumps(entry()).encode())],
    )
    def test_lines_arrays_and_har(self, head: bytes, part: bytes) -> None:
        stream = self.Endless(head, part)
        found = items_of(stream, "f")  # type: ignore[arg-type]
        for _ in range(5_000):
            next(found)
        assert stream.count < 5_000 * len(part) + 2_000_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class OneByte(io.BytesIO):
    """A stream that gives one byte at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


@settings(max_examples=25)
@given(st.lists(json_values, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_the_items_of_an_array_are_found(values: list[Any], escaped: bool, indent: int | None) -> None:
    data = json.dumps(values, ensure_ascii=escaped, indent=indent).encode("utf-8", "surrogatepass")
    for stream in (io.BytesIO(data), OneByte(data)):
        found: Iterator[Any] = items(Window(stream))
        assert [json.loads(each.data) for each in found] == values


class TestFolders:
    def test_files_come_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        for name in ("10.json", "9.json", "a/1.har", "b.jsonl", ".hidden.json", ".git/1.json"):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(har(entry()) if name.endswith(".har") else BODY)
        (tmp_path / "picture.png").write_bytes(b"\x89PNG")
        skipped: list[Skipped] = []
        places = [each.place.removeprefix(f"{tmp_path}/") for each in read([str(tmp_path)], skipped.append)]
        assert places == ["9.json", "10.json", "a/1.har#0", "b.jsonl"]
        assert [each.unreadable for each in skipped] == [False]

    def test_an_empty_one_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PayloadFileError, match="there is no capture in this folder"):
            list(read([str(tmp_path)]))


def test_what_we_write_we_read(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generated = vendorsim("generate", "everyday-chat", "--vendor", "messagehub")
    Path("events.jsonl").write_text(generated.out)
    for found, line in zip(read(["events.jsonl"]), generated.lines, strict=True):
        assert (json.loads(found.body), found.event, found.method) == (line["body"], line["event"], "POST")
        assert found.conversation == str(line["conversation"])
