"""An attempt as a curl command. What the journal has masked stays masked, as a hint to fill it in."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from vendorsim.journal.pages import Row

# What curl makes itself.
_OWN = {"host", "content-length", "transfer-encoding", "connection", "expect"}
# Linux takes no argument of 128 KiB.
_LONGEST_ARGUMENT = 100_000


def curl_command(row: Row) -> str:
    """A command that a shell understands; a body that can't be an argument comes from standard input in base64."""
    head: bytes = row["request_head"]
    lines = head.decode("utf-8", "replace").split("\r\n")
    method, resource, *_ = lines[0].split(" ")
    server = urlsplit(row["target"])
    # Brackets of an address mean themselves (-g).
    parts = ["curl", "-i", "-g", "-X", method, shlex.quote(f"{server.scheme}://{server.netloc}{resource}")]
    for header in _headers(lines[1:]):
        parts += ["\\\n  -H", shlex.quote(header)]
    body: bytes = row["request_body"] or b""
    text = _argument(body)
    if text is not None:
        # Not --data-binary: that reads a file where the body begins with '@'.
        return f"{' '.join(parts)} \\\n  --data-raw {text}\n"
    return f"printf %s {base64.b64encode(body).decode()} | base64 -d | {' '.join(parts)} \\\n  --data-binary @-\n"


def _headers(lines: Sequence[str]) -> Iterator[str]:
    """The headers as curl has to be told of them: `Name;` is one without a value, `Name:` keeps it from adding one."""
    missing = dict.fromkeys(("user-agent", "accept", "content-type"))
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.lower() not in _OWN:
            missing.pop(name.lower(), None)
            yield f"{name}: {value.strip()}" if value.strip() else f"{name};"
    yield from (f"{name}:" for name in missing)


def _argument(body: bytes) -> str | None:
    """The body as an argument in quotes; None for what can't be one."""
    if len(body) > _LONGEST_ARGUMENT or b"\0" in body:
        return None
    try:
        return shlex.quote(body.decode())
    except UnicodeDecodeError:
        return None
