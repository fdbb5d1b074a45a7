"""Journal rows → HAR 1.2, the format that browsers and proxies import."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson

from vendorsim.captures.exchange import VENDOR_API
from vendorsim.core.times import iso
from vendorsim.core.version import __version__
from vendorsim.journal.pages import Row
from vendorsim.vendorkit import registry


def har(attempts: Iterable[Row], calls: Iterable[Row]) -> dict[str, Any]:
    """Builds a HAR document of the attempts that were sent and the calls that were received, in order of time."""
    numbered = [(row["recorded"], _attempt(row)) for row in attempts if row["request_head"] is not None]
    numbered += [(row["recorded"], _call(row)) for row in calls]
    numbered.sort(key=lambda each: (str(each[1]["startedDateTime"]), each[0]))
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "vendorsim", "version": __version__},
            "entries": [entry for _, entry in numbered],
        }
    }


def text_or_base64(data: bytes | None) -> dict[str, str]:
    """`{"text": …}`, with `"encoding": "base64"` where the bytes are not UTF-8."""
    try:
        return {"text": (data or b"").decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(data or b"").decode(), "encoding": "base64"}


def request_headers(head: bytes) -> list[tuple[str, str]]:
    """Parses the headers in the head of a request."""
    lines = head.decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _attempt(row: Row) -> dict[str, Any]:
    reason = f", {row['reason']}" if row["reason"] else ""
    comment = f"{row['event']}, attempt {row['attempt']}: {row['verdict']}{reason}"
    return _entry(row, row["sent_at"], row["target"], row["request_head"], row["request_body"], comment)


def _entry(row: Row, at: int, url: str, head: bytes, sent: bytes | None, comment: str) -> dict[str, Any]:
    """An entry of which head, body and answer are known."""
    method, body = head.partition(b" ")[0].decode(), sent or b""
    headers = request_headers(head)
    media_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    answer_headers = orjson.loads(row["answer_headers"]) if row["answer_headers"] else []
    answer_type = next((value for name, value in answer_headers if name.lower() == "content-type"), "")
    took = row["milliseconds"] or 0.0
    return {
        "startedDateTime": iso(at),
        "time": took,
        "request": {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _named(headers),
            "queryString": [],
            "postData": _posted(media_type, body),
            "headersSize": len(head),
            "bodySize": len(body),
        },
        "response": {
            "status": row["status"] or 0,
            "statusText": _phrase(row["status"]),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _named(answer_headers),
            "content": {
                "size": len(row["answer_body"] or b""),
                "mimeType": answer_type,
                **text_or_base64(row["answer_body"]),
            },
            "redirectURL": next((value for name, value in answer_headers if name.lower() == "location"), ""),
            "headersSize": -1,
            "bodySize": len(row["answer_body"] or b""),
        },
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "comment": comment,
    }


def _call(row: Row) -> dict[str, Any]:
    comment = f"{row['operation'] or 'no operation'}, called by the integration"
    if row["recorded"]:
        return _entry(row, row["at"], VENDOR_API + row["path"], row["head"], row["body"], comment)
    body = row["fields"] or (row["body"] or b"").decode(errors="replace")
    answer = orjson.dumps({"message": row["message"]}).decode()
    return {
        "startedDateTime": iso(row["at"]),
        "time": 0,
        "request": {
            "method": row["method"],
            # Journals of format 1 have no paths; all their calls are of the identification API.
            "url": VENDOR_API + (row["path"] or registry.identification().path_of(row["comm_type"], row["session"])),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "queryString": [],
            "postData": {"mimeType": "application/json", "params": [], "text": body},
            "headersSize": -1,
            "bodySize": len(body.encode()),
        },
        "response": {
            "status": row["status"],
            "statusText": _phrase(row["status"]),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": {"size": len(answer), "mimeType": "application/json", "text": answer},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(answer),
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": comment,
    }


def _posted(media_type: str, body: bytes) -> dict[str, Any]:
    """Builds `postData`. HAR 1.2 has no field for the encoding of a request body; custom fields begin with `_`."""
    posted = text_or_base64(body)
    encoding = posted.pop("encoding", None)
    return {"mimeType": media_type, "params": [], **posted, **({"_encoding": encoding} if encoding else {})}


def _phrase(status: int | None) -> str:
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return ""


def _named(pairs: Iterable[Iterable[str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
