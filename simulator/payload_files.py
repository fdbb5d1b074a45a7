"""Reads captured payloads: a JSON document, a JSON array, JSON Lines, or a HAR file.

Lines that `vendorsim generate` printed and exported journals are understood too: there the payload
stands in `body`, beside the name of its event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.errors import PayloadFileError

LARGEST_FILE = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Payload:
    """One captured body. `place` says where it stands; `event` is its name where the file tells it."""

    place: str
    body: Any
    event: str | None = None


def payloads(data: bytes, name: str) -> Iterator[Payload]:
    """The payloads in a file's bytes. Raises PayloadFileError, naming line and column."""
    if len(data) > LARGEST_FILE:
        raise PayloadFileError(f"{name}: larger than {LARGEST_FILE // 1024 // 1024} MiB")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise PayloadFileError(f"{name}: the file is empty; expected JSON, JSON Lines or HAR")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield from _lines(data, name, error)
        return
    if isinstance(document, dict) and isinstance(document.get("log"), dict) and "entries" in document["log"]:
        yield from _har(document["log"]["entries"], name)
    elif isinstance(document, list):
        for number, item in enumerate(document):
            yield _unwrapped(item, f"{name}[{number}]")
    else:
        yield _unwrapped(document, name)


def _lines(data: bytes, name: str, whole: orjson.JSONDecodeError) -> Iterator[Payload]:
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    first_is_json = _is_json(lines[0][1])
    if len(lines) == 1 or not first_is_json:
        raise PayloadFileError(f"{name}:{whole.lineno}:{whole.colno}: not JSON: {whole.msg}")
    for number, line in lines:
        try:
            yield _unwrapped(orjson.loads(line), f"{name}:{number}")
        except orjson.JSONDecodeError as error:
            raise PayloadFileError(f"{name}:{number}:{error.colno}: not JSON: {error.msg}") from None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _unwrapped(document: Any, place: str) -> Payload:
    if (
        isinstance(document, dict)
        and isinstance(document.get("event"), str)
        and {"vendor", "body", "at"} <= set(document)
    ):
        return Payload(place, document["body"], document["event"])
    return Payload(place, document)


def _har(entries: Any, name: str) -> Iterator[Payload]:
    if not isinstance(entries, list):
        raise PayloadFileError(f"{name}: log.entries of the HAR is not a list")
    for number, entry in enumerate(entries):
        place = f"{name}#{number}"
        try:
            text = entry["request"].get("postData", {}).get("text")
        except (TypeError, KeyError, AttributeError):
            raise PayloadFileError(f"{place}: the HAR entry has no request") from None
        if not text:
            continue
        try:
            yield Payload(place, orjson.loads(text))
        except orjson.JSONDecodeError as error:
            raise PayloadFileError(f"{place}: the request's body is not JSON: {error.msg}") from None
