"""An attempt as a curl command. What the journal has masked stays masked, as a hint to fill it in."""

from __future__ import annotations

import shlex
import sqlite3

_OWN = {"host", "content-length", "transfer-encoding", "connection", "expect"}


def curl_command(row: sqlite3.Row) -> str:
    """A command that a shell understands; a body that is no text comes from standard input in base64."""
    head: bytes = row["request_head"]
    lines = head.decode("utf-8", "replace").split("\r\n")
    parts = ["curl", "-i", "-X", lines[0].partition(" ")[0], shlex.quote(row["target"])]
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon and name.lower() not in _OWN:
            parts += ["\\\n  -H", shlex.quote(f"{name}: {value.strip()}")]
    body: bytes = row["request_body"] or b""
    try:
        parts += ["\\\n  --data-binary", shlex.quote(body.decode())]
    except UnicodeDecodeError:
        import base64

        text = base64.b64encode(body).decode()
        return f"printf %s {text} | base64 -d | {' '.join(parts)} \\\n  --data-binary @-\n"
    return " ".join(parts) + "\n"
