"""Heads and bodies that are passed on: what is refused, what is changed, and that nothing else is."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.http.bodies import body
from vendorsim.http.heads import BodyEnd, Framing, Malformed, answer_head, request_head

POST = b"POST /hook HTTP/1.1\r\nHost: a.example"

REFUSED = {
    "no request line": (b"hello", 400),
    "HTTP/0.9": (b"GET /", 400),
    "HTTP/2 with prior knowledge": (b"PRI * HTTP/2.0", 505),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a", 505),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a", 400),
    "a space in the target": (b"GET /a b HTTP/1.1\r\nHost: a", 400),
    "bytes in the target that are no ASCII": (b"GET /\xff HTTP/1.1\r\nHost: a", 400),
    "a tunnel": (b"CONNECT a:80 HTTP/1.1\r\nHost: a", 501),
    "a target that is no path": (b"GET a.example HTTP/1.1\r\nHost: a", 400),
    "no Host": (b"GET / HTTP/1.1", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a", 400),
    "a Host that is none": (b"GET / HTTP/1.1\r\nHost: a/b", 400),
    "a header without a colon": (POST + b"\r\nnonsense", 400),
    "a space before the colon": (POST + b"\r\nContent-Length : 5", 400),
    "a name with a control character": (POST + b"\r\nX\x00: 5", 400),
    "a value with NUL": (POST + b"\r\nX: a\x00b", 400),
    "a value with CR": (POST + b"\r\nX: a\rY: b", 400),
    "a line feed alone": (POST + b"\r\nX: a\nY: b", 400),
    "a folded header": (POST + b"\r\nX: a\r\n b", 400),
    "both framings": (POST + b"\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400),
    "two lengths": (POST + b"\r\nContent-Length: 5\r\nContent-Length: 6", 400),
    "the same length twice": (POST + b"\r\nContent-Length: 5\r\nContent-Length: 5", 400),
    "a list of lengths": (POST + b"\r\nContent-Length: 5, 5", 400),
    "a signed length": (POST + b"\r\nContent-Length: +5", 400),
    "a hexadecimal length": (POST + b"\r\nContent-Length: 0x5", 400),
    "a huge length": (POST + b"\r\nContent-Length: " + b"9" * 40, 400),
    "chunked twice": (POST + b"\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
    "chunked with a tail": (POST + b"\r\nTransfer-Encoding: chunked, identity", 501),
    "chunked with a character": (POST + b"\r\nTransfer-Encoding: \x0bchunked", 400),
    "another encoding": (POST + b"\r\nTransfer-Encoding: gzip, chunked", 501),
    "chunked in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400),
    "too many headers": (POST + b"".join(b"\r\nX-%d: a" % number for number in range(201)), 431),
}


@pytest.mark.parametrize(("raw", "status"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_two_readers_could_read_differently_is_refused(raw: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        request_head(raw)
    assert refused.value.status == status


BAD_ANSWERS = {
    "no status line": b"hello",
    "another protocol": b"HTTP/2 200 OK",
    "no status": b"HTTP/1.1 OK",
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
    "another encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip",
}


@pytest.mark.parametrize("raw", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_ambiguous_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        answer_head(raw, b"POST")


FRAMINGS: dict[str, tuple[bytes, bytes, Framing]] = {
    "a length": (b"POST", b"200 OK\r\nContent-Length: 5", 5),
    "chunks": (b"POST", b"200 OK\r\nTransfer-Encoding: Chunked", BodyEnd.CHUNKED),
    "neither": (b"POST", b"200 OK", BodyEnd.CONNECTION),
    "no reason phrase": (b"POST", b"200", BodyEnd.CONNECTION),
    "HEAD": (b"HEAD", b"200 OK\r\nContent-Length: 5", 0),
    "204": (b"POST", b"204 No Content", 0),
    "304": (b"GET", b"304 Not Modified\r\nContent-Length: 5", 0),
    "an interim answer": (b"POST", b"100 Continue", 0),
}


@pytest.mark.parametrize(("method", "raw", "framing"), FRAMINGS.values(), ids=FRAMINGS)
def test_where_the_body_of_an_answer_ends(method: bytes, raw: bytes, framing: Framing) -> None:
    assert answer_head(b"HTTP/1.1 " + raw, method).framing == framing


# What arrives after the request line, and what goes on.
CHANGED = {
    "nothing": (b"Host: a\r\nX-a: 1\r\nx-A:  2 \r\nX-a: 1", b"Host: t:1\r\nX-a: 1\r\nx-A:  2 \r\nX-a: 1"),
    "the case of Host": (b"hOST:a", b"hOST: t:1"),
    "close": (b"Host: a\r\nConnection: Close", b"Host: t:1\r\nConnection: Close"),
    "keep-alive": (
        b"Host: a\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5",
        b"Host: t:1\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5",
    ),
    "an upgrade": (b"Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade", b"Host: t:1"),
    "h2c": (
        b"Host: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
        b"Host: t:1\r\nConnection: close",
    ),
    "named headers": (b"Connection: X-Hop\r\nX-Hop: 1\r\nHost: a\r\nTE: trailers", b"Host: t:1"),
    "what would move the end": (
        b"Host: a\r\nConnection: close, content-length, host\r\nContent-Length: 0",
        b"Host: t:1\r\nConnection: close\r\nContent-Length: 0",
    ),
}


@pytest.mark.parametrize(("arrived", "passed"), CHANGED.values(), ids=CHANGED)
def test_only_host_and_what_is_for_one_connection_is_changed(arrived: bytes, passed: bytes) -> None:
    head = request_head(b"POST /a HTTP/1.1\r\n" + arrived)
    assert head.to(b"/b?c", b"t:1") == b"POST /b?c HTTP/1.1\r\n" + passed + b"\r\n\r\n"


TARGETS = {
    b"/a?b=c": b"/a?b=c",
    b"/": b"/",
    b"http://other.example/a?b": b"/a?b",
    b"HTTPS://other.example:8443?b": b"/?b",
    b"http://other.example": b"/",
    b"/a#fragment": b"/a",
    b"//double": b"//double",
}


@pytest.mark.parametrize(("target", "resource"), TARGETS.items())
def test_the_host_of_an_absolute_target_is_not_looked_at(target: bytes, resource: bytes) -> None:
    assert request_head(b"GET " + target + b" HTTP/1.1\r\nHost: a").resource == resource


TOKENS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_!#$%&'*+.^`|~", min_size=1, max_size=12
)
VALUES = st.binary(max_size=30).map(lambda raw: bytes(byte for byte in raw if byte == 9 or 31 < byte != 127))
SPECIAL = ("host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "proxy-connection", "expect",
           "http2-settings")  # fmt: skip
HEADERS = st.lists(st.tuples(TOKENS.filter(lambda name: name.lower() not in SPECIAL), VALUES), max_size=12)


@given(HEADERS, st.sampled_from([b":", b": ", b":\t ", b":  "]))
def test_all_other_headers_pass_byte_for_byte(headers: list[tuple[str, bytes]], colon: bytes) -> None:
    lines = [b"POST /a HTTP/1.1", b"Host: t", *(name.encode() + colon + value for name, value in headers)]
    head = request_head(b"\r\n".join(lines))
    assert head.to(b"/a", b"t") == b"\r\n".join(lines) + b"\r\n\r\n"
    assert head.raw == b"\r\n".join(lines) + b"\r\n\r\n"


class Heard:
    """What httptools reads."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.over = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip(b" \t")))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.over = True


@given(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n\n", b"")), st.booleans())
def test_another_reader_reads_the_same_in_what_is_passed_on(noise: bytes, chunked: bool) -> None:
    """Whatever is accepted, Node's parser reads the same headers in it, or refuses it."""
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 4"
    raw = b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n" + noise
    try:
        head = request_head(raw)
    except Malformed:
        return
    heard: Any = Heard()
    parser = httptools.HttpRequestParser(heard)
    try:
        parser.feed_data(raw + b"\r\n\r\n" + (b"4\r\nbody\r\n0\r\n\r\n" if chunked else b"body"))
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return
    assert heard.headers == [(name, value.strip(b" \t")) for name, value in head.headers]
    assert heard.body == b"body"


BAD_CHUNKS = {
    "no number": b"x\r\n",
    "a negative size": b"-1\r\n",
    "a prefixed size": b"0x5\r\nhello\r\n",
    "a huge size": b"f" * 17 + b"\r\n",
    "a space before the size": b" 5\r\nhello\r\n",
    "a line feed alone after the size": b"5\nhello\r\n",
    "a line feed alone after the data": b"5\r\nhello\n0\r\n\r\n",
    "longer than its size": b"3\r\nhello\r\n",
    "a line feed in an extension": b"5;a\nb\r\nhello\r\n",
    "a carriage return in an extension": b"5;a\rb\r\nhello\r\n",
    "an endless size line": b"5;" + b"a" * 5_000,
    "an endless trailer": b"0\r\n" + b"".join(b"X-%d: aaaaaaaaaaaaaaaa\r\n" % number for number in range(1000)),
    "a trailer that is no header": b"0\r\nnonsense\r\n\r\n",
    "a trailer that frames": b"0\r\nContent-Length: 5\r\n\r\n",
    "an empty size": b"\r\n",
}


@pytest.mark.parametrize("raw", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_chunks_are_read_strictly(raw: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        body(BodyEnd.CHUNKED).take(bytearray(raw))
    assert refused.value.status == 400


@st.composite
def chunked(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A chunked body on the wire, and its content."""
    parts = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    size = draw(st.sampled_from(["%x", "%X", "%04x"]))
    extension = draw(st.sampled_from([b"", b";a", b';a="b c"', b" ;a=b"]))
    trailers = draw(st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: 1\r\nB: \r\n"]))
    wire = b"".join((size % len(part)).encode() + extension + b"\r\n" + part + b"\r\n" for part in parts)
    return wire + b"0" + extension + b"\r\n" + trailers + b"\r\n", b"".join(parts)


@given(chunked(), st.lists(st.integers(1, 40), max_size=20), st.binary(max_size=10))
def test_chunks_pass_byte_for_byte_however_they_are_cut(
    made: tuple[bytes, bytes], cuts: list[int], after: bytes
) -> None:
    wire, content = made
    reader, buffer = body(BodyEnd.CHUNKED), bytearray()
    raw = found = b""
    data = wire + after
    for cut in [*cuts, len(data)]:
        buffer += data[:cut]
        data = data[cut:]
        piece = reader.take(buffer)
        raw += piece.raw
        found += piece.content
    assert (raw, found, bytes(buffer)) == (wire, content, after)
    assert reader.over
    reader.end()


@given(chunked(), st.data())
def test_chunks_that_break_off_are_told(made: tuple[bytes, bytes], data: st.DataObject) -> None:
    wire, _ = made
    reader = body(BodyEnd.CHUNKED)
    reader.take(bytearray(wire[: data.draw(st.integers(0, len(wire) - 1))]))
    with pytest.raises(Malformed):
        reader.end()


def test_a_body_with_a_length_ends_there() -> None:
    reader, buffer = body(5), bytearray(b"hel")
    assert reader.take(buffer).raw == b"hel"
    with pytest.raises(Malformed, match="2 bytes"):
        reader.end()
    buffer += b"loNEXT"
    assert reader.take(buffer).content == b"lo"
    assert reader.over
    assert buffer == b"NEXT"
