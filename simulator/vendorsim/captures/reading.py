"""Reads captures into exchanges: HAR, JSON Lines, JSON documents, folders of them, and raw requests.

Exported journals and the output of `vendorsim generate` are JSON Lines whose documents say which request they are; any
other document is the body of a webhook. In a HAR and in raw requests, a request is a call if an operation of a vendor's
API has its method and path, and else a webhook if it posts JSON.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from vendorsim.captures.exchange import VENDOR_API, CapturedAnswer, CapturedExchange, Direction, Headers
from vendorsim.captures.files import Item, Kind, Skip, Skipped, paths, read_items, refuse
from vendorsim.captures.json_scan import LARGEST_VALUE, in_mebibytes
from vendorsim.captures.raw_requests import RawMessage, RawRequest
from vendorsim.vendorkit import registry

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


def read(files: Iterable[str], skip: Skip = refuse) -> Iterator[CapturedExchange]:
    """The exchanges of captures, in the order of the files. `-` is standard input, a folder stands for its files.

    `skip` is told what is not read, and why; without one, what is broken raises PayloadFileError, and requests that are
    neither webhooks nor calls are passed over.
    """
    for file in paths(files, skip):
        for item in read_items(file, skip):
            found = exchange(item)
            if isinstance(found, Skipped):
                skip(found)
            else:
                yield found


def exchange(item: Item) -> CapturedExchange | Skipped:
    """The exchange of an item, or why it has none."""
    if item.kind is Kind.HAR_ENTRY:
        return _har(item.place, item.document)
    if item.kind is Kind.RAW:
        return _raw(item.place, item.document)
    return _document(item.place, item.document, item.data)


def _document(place: str, document: Any, data: bytes) -> CapturedExchange | Skipped:
    keys: Any = document if isinstance(document, dict) else {}
    event = keys["event"] or None if isinstance(keys.get("event"), str) else None
    if event is not None and {"vendor", "body", "at"} <= set(keys):
        body, problem = _dumped(keys["body"])
        return CapturedExchange(
            place,
            Direction.WEBHOOK,
            body,
            at=_time(keys["at"]),
            method=_text(keys.get("method")),
            headers=header_pairs(keys.get("headers")),
            event=event,
            conversation=_text(keys.get("conversation")),
            problem=problem,
        )
    if keys.get("type") == "attempt" and "request" in keys:
        return _attempt(place, keys, event)
    if keys.get("type") == "call" and "operation" in keys:
        return _call(place, keys)
    return CapturedExchange(place, Direction.WEBHOOK, data)


def _dumped(document: Any) -> tuple[bytes, str | None]:
    try:
        return orjson.dumps(document), None
    except TypeError:  # orjson reads deeper documents than it writes.
        return b"", "the body is nested too deeply"


def _attempt(place: str, keys: Any, event: str | None) -> CapturedExchange | Skipped:
    request = keys["request"]
    if request is None:
        return Skipped(place, "the attempt was not sent", unreadable=False)
    try:
        head = _text(request.get("head")) or ""
        body, problem = _bytes(request["body"], _header(head_headers(head), "content-encoding"))
    except (TypeError, KeyError):
        return Skipped(place, "the attempt has no request body")
    return CapturedExchange(
        place,
        Direction.WEBHOOK,
        body,
        at=_time(keys.get("sent_at")) or _time(keys.get("at")),
        method=head.partition(" ")[0] or None,
        url=_text(keys.get("target")),
        headers=head_headers(head),
        answer=_attempt_answer(keys),
        event=event,
        conversation=_text(keys.get("conversation")) or None,
        problem=_text(keys.get("problem")) or problem,
    )


def head_headers(head: str) -> Headers:
    """The headers in the head of a request."""
    pairs = (line.partition(":") for line in head.split("\r\n")[1:] if line)
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def _attempt_answer(keys: Any) -> CapturedAnswer | None:
    answer, status = keys.get("answer"), keys.get("status")
    if not isinstance(answer, dict) or not isinstance(status, int):
        return None
    try:
        headers = header_pairs(answer.get("headers"))
        body, _ = _bytes(answer.get("body"), _header(headers, "content-encoding"))
    except (TypeError, KeyError):
        body = b""
    return CapturedAnswer(status, header_pairs(answer.get("headers")), body, _number(keys.get("milliseconds")))


def _call(place: str, keys: Any) -> CapturedExchange:
    if isinstance(keys.get("request"), dict):
        return _recorded_call(place, keys)
    fields, body = keys.get("fields"), _text(keys.get("body"))
    sent, problem = ((body or "").encode(), None) if fields is None or body is not None else _dumped(fields)
    status = keys.get("status")
    answer = CapturedAnswer(status, (), orjson.dumps({"message": keys.get("message")}))
    return CapturedExchange(
        place,
        Direction.CALL,
        sent,
        at=_time(keys.get("at")),
        method=_text(keys.get("method")),
        url=VENDOR_API + (_text(keys.get("path")) or "/"),
        answer=answer if isinstance(status, int) else None,
        conversation=_text(keys.get("session")),
        problem=problem,
    )


def _recorded_call(place: str, keys: Any) -> CapturedExchange:
    """A call that was recorded on its way to the vendor: with its head, and the whole answer."""
    head = _text(keys["request"].get("head")) or ""
    headers = head_headers(head)
    try:
        body, problem = _bytes(keys["request"]["body"], _header(headers, "content-encoding"))
    except (TypeError, KeyError):
        body, problem = b"", "the call has no request body"
    return CapturedExchange(
        place,
        Direction.CALL,
        body,
        at=_time(keys.get("at")),
        method=_text(keys.get("method")),
        url=VENDOR_API + (_text(keys.get("path")) or "/"),
        headers=headers,
        answer=_attempt_answer(keys),
        conversation=_text(keys.get("session")) or None,
        problem=_text(keys.get("problem")) or problem,
    )


def _har(place: str, entry: Any) -> CapturedExchange | Skipped:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        return Skipped(place, "the HAR entry has no request")
    headers, url, method = header_pairs(request.get("headers")), _text(request.get("url")), _text(request.get("method"))
    posted = request.get("postData")
    media_type = _text(posted.get("mimeType")) if isinstance(posted, dict) else _header(headers, "content-type")
    try:
        body, problem = _bytes(posted or {"text": ""}, _header(headers, "content-encoding"))
    except (TypeError, KeyError):
        body, problem = b"", "postData of the HAR entry has no text"
    size = request.get("bodySize")
    if not body and problem is None and isinstance(size, int) and size > 0:
        problem = f"the HAR has no body for this request of {size} bytes; record it with bodies"
    elif problem is None:
        problem = _cut_off(body, headers)
    direction = _direction(method, url, body, media_type, problem)
    if not isinstance(direction, Direction):
        return Skipped(place, direction, unreadable=False)
    at = _time(entry.get("startedDateTime"))
    return CapturedExchange(place, direction, body, at, method, url, headers, _har_answer(entry), problem=problem)


def _har_answer(entry: Any) -> CapturedAnswer | None:
    response = entry.get("response")
    status = response.get("status") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(status, int) or status < 100:
        return None
    headers = header_pairs(response.get("headers"))
    content = response.get("content")
    try:
        body, _ = _bytes(content if isinstance(content, dict) else {}, _header(headers, "content-encoding"))
    except (TypeError, KeyError):
        body = b""
    return CapturedAnswer(status, headers, body, _number(entry.get("time")))


def _raw(place: str, request: RawRequest) -> CapturedExchange | Skipped:
    method, target = request.method_and_target
    headers = request.request.headers
    host = _header(headers, "host")
    url = target if "://" in target or host is None else f"http://{host}{target}"
    body, problem = _raw_body(request.request)
    problem = problem or _cut_off(body, headers)
    direction = _direction(method, url, body, _header(headers, "content-type"), problem)
    if not isinstance(direction, Direction):
        return Skipped(place, direction, unreadable=False)
    answer = None
    if request.answer is not None and request.status is not None:
        answer = CapturedAnswer(request.status, request.answer.headers, _raw_body(request.answer)[0])
    return CapturedExchange(place, direction, body, None, method, url, headers, answer, problem=problem)


def _raw_body(message: RawMessage) -> tuple[bytes, str | None]:
    body = message.body
    if "chunked" in (_header(message.headers, "transfer-encoding") or "").lower():
        body = _unchunked(body + message.ending) or body
    return decoded(body, _header(message.headers, "content-encoding"))


def _unchunked(data: bytes) -> bytes | None:
    """The body of chunks; None if it is not in chunks, as curl prints it."""
    found: list[bytes] = []
    while True:
        size, separator, data = data.partition(b"\n")
        try:
            count = int(size.split(b";")[0].strip(), 16)
        except ValueError:
            return None
        if not separator or count > len(data):
            return None if count else b"".join(found)
        if not count:
            return b"".join(found)
        found.append(data[:count])
        data = data[count:].removeprefix(b"\r").removeprefix(b"\n")


def _direction(
    method: str | None, url: str | None, body: bytes, media_type: str | None, problem: str | None
) -> Direction | str:
    """Who sent a request, or why that can't be told."""
    verb = (method or "POST").upper()
    if url is not None and url.startswith(VENDOR_API):
        return Direction.CALL
    path = _path(url)
    if path is not None and _is_operation(verb, path):
        return Direction.CALL
    if verb in _BODILESS:
        return f"neither a webhook nor a call: no API of a vendor has the operation {verb} {path or '/'}"
    if media_type and "json" not in media_type.lower():
        return f"neither a webhook nor a call: the body is {media_type}, not JSON"
    if not body and problem is None:
        return "neither a webhook nor a call: there is no body"
    return Direction.WEBHOOK


@lru_cache(maxsize=4096)
def _is_operation(method: str, path: str) -> bool:
    """Whether a vendor's API has the operation, at the root of a host or below another path."""
    parts = path.split("/")
    suffixes = ("/" + "/".join(parts[begin:]) for begin in range(2, min(len(parts) - 2, 6)))
    return any(registry.operation_at(method, each) is not None for each in (path, *suffixes))


def _path(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return None


def decoded(body: bytes, encoding: str | None) -> tuple[bytes, str | None]:
    """A body without its content encoding, or as it is and why it can't be decoded. Recorders keep bodies decoded or
    not, so a body that is not of the encoding is taken as decoded."""
    form = (encoding or "").strip().lower()
    if form in ("gzip", "x-gzip") and body.startswith(b"\x1f\x8b"):
        return _inflated(body, 31)
    if form == "deflate" and body[:1] == b"\x78" and not body[:1].isspace():
        return _inflated(body, 15)
    if form in ("br", "zstd", "compress") and body and not _is_text(body):
        return body, f"the body is compressed with {form}; record it decompressed"
    return body, None


def _inflated(body: bytes, window: int) -> tuple[bytes, str | None]:
    stream = zlib.decompressobj(window)
    try:
        data = stream.decompress(body, LARGEST_VALUE + 1)
    except zlib.error as error:
        return body, f"the compressed body is broken: {error}"
    if len(data) > LARGEST_VALUE:
        return body, f"the body decompresses to over {in_mebibytes(LARGEST_VALUE)}: a decompression bomb?"
    if not stream.eof:
        return body, "the compressed body is cut off"
    return data, None


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cut_off(body: bytes, headers: Headers) -> str | None:
    """Whether the recorder has cut the body off: it is shorter than announced, and no JSON."""
    announced = _header(headers, "content-length") or ""
    if not (announced.isascii() and announced.isdecimal()) or _header(headers, "content-encoding"):
        return None
    length = int(announced[:20])
    if len(body) >= length or (body and _is_json(body)):
        return None
    if not body:
        return f"the capture has no body for this request of {length} bytes; curl -v prints none"
    return f"the body has {len(body)} of {length} bytes; the recorder cut it off"


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _bytes(holder: Any, encoding: str | None = None) -> tuple[bytes, str | None]:
    """The bytes of `{"text": …, "encoding": "base64"}`, without content encoding. Raises TypeError or KeyError."""
    text = holder["text"]
    if text is None:
        return b"", None
    if not isinstance(text, str):
        raise TypeError
    if (holder.get("encoding") or holder.get("_encoding")) == "base64":
        try:
            return decoded(base64.b64decode(text, validate=True), encoding)
        except (binascii.Error, ValueError) as error:
            return text.encode(), f"the body is not base64: {error}"
    return text.encode(), None


def _header(headers: Headers, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def header_pairs(headers: Any) -> Headers:
    """Headers as objects with name and value, pairs, or one object."""
    if isinstance(headers, dict):
        given: Iterable[Any] = headers.items()
    else:
        given = headers if isinstance(headers, list) else ()
    pairs = ((each.get("name"), each.get("value")) if isinstance(each, dict) else each for each in given)
    return tuple(
        (str(pair[0]), str(pair[1]))
        for pair in pairs
        if isinstance(pair, list | tuple)
        and len(pair) == 2
        and pair[1] is not None
        and not str(pair[0]).startswith(":")
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _time(value: Any) -> datetime | None:
    """A time in UTC. One without a zone is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
