"""Reads captured payloads: a JSON document, a JSON array, JSON Lines, or a HAR file.

It also reads the output of `vendorsim generate` and exported journals, whose documents hold the payload and the name of
its event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.core.errors import PayloadFileError
from vendorsim.journal.har import VENDOR_API

LARGEST_FILE = 512 * 1024 * 1024


class Payload(Struct, frozen=True):
    """One captured body.

    `place` is its position in the file, `event` the name of its event if the file contains it; `problem` says why there
    is no body.
    """

    place: str
    body: Any
    event: str | None = None
    problem: str | None = None


def payloads(data: bytes, name: str) -> Iterator[Payload]:
    """Yields the payloads of a file. Raises PayloadFileError with line and column, also when there is no payload."""
    found = False
    for payload in _payloads(data, name):
        found = True
        yield payload
    if not found:
        raise PayloadFileError(f"{name}: there is no payload in it")


def _payloads(data: bytes, name: str) -> Iterator[Payload]:
    if len(data) > LARGEST_FILE:
        raise PayloadFileError(f"{name}: larger than {LARGEST_FILE // 1024 // 1024} MiB")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise PayloadFileError(f"{name}: the file is empty; expected JSON, JSON Lines or HAR")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        _require_utf8(data, name)
        yield from _lines(data, name, error)
        return
    if isinstance(document, dict) and isinstance(document.get("log"), dict) and "entries" in document["log"]:
        yield from _har(document["log"]["entries"], name)
    elif isinstance(document, list):
        for number, item in enumerate(document):
            yield from _unwrapped(item, f"{name}[{number}]")
    else:
        yield from _unwrapped(document, name)


def _require_utf8(data: bytes, name: str) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise PayloadFileError(f"{name}:{line}:{column}: {message}") from None


def _lines(data: bytes, name: str, whole: orjson.JSONDecodeError) -> Iterator[Payload]:
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    first_is_json = _is_json(lines[0][1])
    if len(lines) == 1 or not first_is_json:
        raise PayloadFileError(f"{name}:{whole.lineno}:{whole.colno}: not JSON: {whole.msg}")
    for number, line in lines:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise PayloadFileError(f"{name}:{number}:{error.colno}: not JSON: {error.msg}") from None
        yield from _unwrapped(document, f"{name}:{number}")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _unwrapped(document: Any, place: str) -> Iterator[Payload]:
    """Yields the payload of a document. Unsent attempts and received calls of a journal have none."""
    keys: Any = document if isinstance(document, dict) else {}
    event = keys["event"] if isinstance(keys.get("event"), str) else None
    if event is not None and {"vendor", "body", "at"} <= set(keys):
        yield Payload(place, keys["body"], event)
    elif keys.get("type") == "attempt" and "request" in keys:
        if keys["request"] is not None:
            yield _recorded(keys["request"], place, event)
    elif not (keys.get("type") == "call" and "operation" in keys):
        yield Payload(place, document)


def _recorded(request: Any, place: str, event: str | None) -> Payload:
    """The body of a request in an exported journal."""
    try:
        return _parsed(request["body"]["text"], place, event)
    except (TypeError, KeyError):
        raise PayloadFileError(f"{place}: the attempt has no request body") from None


def _parsed(text: str, place: str, event: str | None = None) -> Payload:
    """Parses a captured body. A body that is not JSON is a payload with a problem."""
    try:
        return Payload(place, orjson.loads(text), event)
    except orjson.JSONDecodeError as error:
        return Payload(place, None, event, f"the body is not JSON: {error.msg}")


def _har(entries: Any, name: str) -> Iterator[Payload]:
    """Yields the JSON bodies of requests. Skips all others, of which a browser's HAR has many."""
    if not isinstance(entries, list):
        raise PayloadFileError(f"{name}: log.entries of the HAR is not a list")
    for number, entry in enumerate(entries):
        place = f"{name}#{number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
            raise PayloadFileError(f"{place}: the HAR entry has no request")
        posted = entry["request"].get("postData")
        if not isinstance(posted, dict) or not posted.get("text"):
            continue
        media_type = posted.get("mimeType")
        if isinstance(media_type, str) and media_type and "json" not in media_type.lower():
            continue
        if not str(entry["request"].get("url", "")).startswith(VENDOR_API):
            yield _parsed(posted["text"], place)
