"""The files that bodies name, for vendors whose API has no place of its own for them.

All of them are made up: their URLs say their sizes and types, so nothing is remembered. They need no token.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Blueprint, Response, abort, request

from vendorsim.conversation.files import LARGEST, PATH, made_up, read_key, safe_name, type_of

_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9][A-Za-z0-9.+_-]{0,80}")


def files() -> Blueprint:
    """The blueprint that serves the files. No file can run anything on this server's pages: they are sandboxed."""
    found = Blueprint("files", __name__)

    @found.get(f"{PATH}/<key>/<name>")
    def download(key: str, name: str) -> Response:
        read = read_key(key)
        media_type = request.args.get("type") or type_of(name)
        if read is None or read.size is None or read.size > LARGEST or safe_name(name) != name:
            abort(404)
        if not _TYPE.fullmatch(media_type):
            abort(404)
        response = Response(made_up(name, media_type, read.size), content_type=media_type)
        response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name, safe='')}"
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return found
