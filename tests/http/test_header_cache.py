"""Headers that were read before give the request that the parser gives, and no other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vendorsim.http.header_cache import HeaderCache
from vendorsim.http.messages import HttpRequest, HttpResponse
from vendorsim.http.request_reader import RequestReader

METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "post", "BREW"])
TARGETS = st.one_of(
    st.sampled_from(["/", "/a/b-c?d=e%20f", "//apps", "/a#b", "/é", "*", "http://x/a", "", "/" + "a" * 2_000]),
    st.text('/ab?&=%#;\\"{ \t', max_size=6).map("/".__add__),
)
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "http/1.1", ""])
HEADERS = st.lists(
    st.one_of(
        st.sampled_from(
            ["Host: x", "Host: y", "host : x", "Accept: text/html", "accept: a", "Authorization: Bearer a"]
        ),
        st.sampled_from(
            ["Content-Length: 2", "Content-Length: 9", "Transfer-Encoding: chunked", "Expect: 100-continue"]
        ),
        st.sampled_from(["Connection: close", "Connection: Keep-Alive", "Connection: Upgrade", "Upgrade: websocket"]),
        st.sampled_from(["Trailer: X", "X: a\n b", "X: \xe9"]),
    ),
    max_size=4,
).map(lambda more: ["Host: x", *more])
BODIES = st.sampled_from(
    ["", "{}", "{}", "\r\n", "2\r\n{}\r\n0\r\n\r\n", "{}\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
)
GOOD = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class Forgetful(HeaderCache):
    """Leaves everything to the parser."""

    def read(self, data: bytes) -> None:
        return None


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    line = " ".join([draw(METHODS), draw(TARGETS), draw(VERSIONS)])
    return ("\r\n".join([line, *draw(HEADERS), "", ""]) + draw(BODIES)).encode("latin-1")


def read(cache: HeaderCache, parts: list[bytes]) -> list[HttpRequest | HttpResponse]:
    """What one connection makes of these bytes, as they come."""
    taken: list[HttpRequest | HttpResponse] = []
    reader = RequestReader(taken.append, cache)
    for part in parts:
        reader.feed(part)
    return taken


@settings(max_examples=150)
@given(st.lists(st.one_of(requests(), st.just(GOOD.encode())), min_size=1, max_size=4), st.data())
def test_what_is_known_is_read_as_before(sent: list[bytes], data: st.DataObject) -> None:
    cache = HeaderCache()
    # Each request as often as it takes to learn it and to find it again, on connections of their own.
    for each in sent:
        read(cache, [each])
    changed = [data.draw(st.sampled_from([each, each.replace(b"/a", b"/b")])) for each in sent]
    assert read(cache, changed) == read(Forgetful(), changed)


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (GOOD, True),
        (GOOD.replace("/a", "/b?c=%20"), True),
        (GOOD.replace("POST", "PATCH"), True),
        (GOOD.replace("{}", "[]"), True),
        (GOOD.replace("{}", "{"), False),
        (GOOD + GOOD, False),
        (GOOD.replace("POST", "HEAD"), False),
        (GOOD.replace("Host: x", "Host: y"), False),
        (GOOD.replace("1.1", "1.0"), False),
        (GOOD.replace("/a", "/a b"), False),
    ],
)
def test_only_one_whole_request_is_read_without_the_parser(sent: str, known: bool) -> None:
    cache = HeaderCache()
    read(cache, [GOOD.encode()])
    assert (cache.read(sent.encode()) is not None) == known


def test_a_head_whose_end_has_not_come_is_no_request() -> None:
    cache = HeaderCache()
    sent = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    assert len(read(cache, [sent])) == 1
    assert read(cache, [sent[:-4]]) == read(cache, [sent[:-2]]) == []
    assert read(cache, [sent[:-2], b"\r\n"]) == read(cache, [sent])


@pytest.mark.parametrize("header", ["Expect: 100-continue", "Connection: close", "Upgrade: h2c", "TE: trailers"])
def test_what_decides_how_to_read_on_is_left_to_the_parser(header: str) -> None:
    cache = HeaderCache()
    sent = GOOD.replace("Host: x", f"Host: x\r\n{header}").encode()
    read(cache, [sent])
    assert cache.read(sent) is None


def test_memory_is_bounded() -> None:
    cache = HeaderCache(size=3)
    sent = [GOOD.replace("Host: x", f"Host: {number}").encode() for number in range(5)]
    for each in sent:
        read(cache, [each])
    assert [cache.read(each) is not None for each in sent] == [False, False, False, True, True]
