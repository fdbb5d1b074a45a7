"""Converts an attempt to a curl command. Secrets that the journal masked stay masked; the user fills them in."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from vendorsim.journal.pages import Row

# Headers that curl sets itself.
_CURL_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "expect"}
# Linux limits an argument to 128 KiB.
_LONGEST_ARGUMENT = 100_000


def curl_command(row: Row) -> str:
    """Returns a shell command. A body that can't be an argument is piped in from base64."""
    head: bytes = row["request_head"]
    lines = head.decode("utf-8", "replace").split("\r\n")
    method, resource, *_ = lines[0].split(" ")
    server = urlsplit(row["target"])
    # -g: take brackets in the URL (IPv6) literally.
    parts = ["curl", "-i", "-g", "-X", method, shlex.quote(f"{server.scheme}://{server.netloc}{resource}")]
    for header in _headers(lines[1:]):
        parts += ["\\\n  -H", shlex.quote(header)]
    body: bytes = row["request_body"] or b""
    text = _argument(body)
    if text is not None:
        # Not --data-binary, which reads a file if the body begins with '@'.
        return f"{' '.join(parts)} \\\n  --data-raw {text}\n"
    return f"printf %s {base64.b64encode(body).decode()} | base64 -d | {' '.join(parts)} \\\n  --data-binary @-\n"


def _headers(lines: Sequence[str]) -> Iterator[str]:
    """Yields the arguments of `-H`: `Name;` sends a header with an empty value, `Name:` removes a default header."""
    missing = dict.fromkeys(("user-agent", "accept", "content-type"))
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.lower() not in _CURL_HEADERS:
            missing.pop(name.lower(), None)
            yield f"{name}: {value.strip()}" if value.strip() else f"{name};"
    yield from (f"{name}:" for name in missing)


def _argument(body: bytes) -> str | None:
    """Returns the body as a quoted argument, or None if it can't be one."""
    if len(body) > _LONGEST_ARGUMENT or b"\0" in body:
        return None
    try:
        return shlex.quote(body.decode())
    except UnicodeDecodeError:
        return None
