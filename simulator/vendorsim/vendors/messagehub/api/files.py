"""The files of messages, served as Rails' Active Storage does: a permanent URL redirects to the one of the content.

Paths, statuses and headers: source of Rails (rails/rails), activestorage/config/routes.rb, blobs/redirect_controller.rb
and disk_controller.rb. Files need no token, as there. Instead of signed ids, paths have those of
`vendorsim.conversation.files`.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Blueprint, Response, request

from vendorsim.conversation.files import UNKNOWN_TYPE, made_up, safe_name, type_of
from vendorsim.conversation.state import Conversation
from vendorsim.scenario.verbs import Attachment
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendors.messagehub.api.operations import FILES
from vendorsim.vendors.messagehub.api.requests import not_found

PREFIX = "/rails/active_storage/"
CONTENTS = f"{PREFIX}disk"
# Bytes of the largest file that is served, Chatwoot's default limit of an upload.
LARGEST = 40 * 1024 * 1024
EXPIRES = 300
# Types that browsers could run are served as unknown ones, and only these are shown in the browser
# (rails/rails, activestorage/lib/active_storage/engine.rb).
_BINARY = frozenset(
    (
        "text/html",
        "image/svg+xml",
        "application/postscript",
        "application/x-shockwave-flash",
        "text/xml",
        "application/xml",
        "application/xhtml+xml",
        "application/mathml+xml",
        "text/cache-manifest",
    )
)
_INLINE = frozenset(
    ("image/webp", "image/png", "image/gif", "image/jpeg", "image/tiff", "image/bmp", "application/pdf")
)
_KEY = re.compile(r"([0-9]{1,15})-([0-9]{1,15})-([0-9]{1,2})(?:-([0-9]{1,9}))?")


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations that serve files."""

    @api.get(f"{FILES}/<key>/<name>")
    def redirect_to_file(key: str, name: str) -> Response:
        _find(backend, key, name)
        place = f"{request.script_root}{CONTENTS}/{quote(key, safe='')}/{quote(name, safe='')}"
        headers = {"Location": request.host_url.rstrip("/") + place, "Cache-Control": f"max-age={EXPIRES}, private"}
        return Response(status=302, headers=headers)

    @api.get(f"{CONTENTS}/<key>/<name>")
    def download_file(key: str, name: str) -> Response:
        found = _find(backend, key, name)
        content = found.content
        if content is None:
            content = made_up(found.name, found.content_type, found.size)
        binary = found.content_type.partition(";")[0] in _BINARY
        response = Response(content, content_type=UNKNOWN_TYPE if binary else found.content_type)
        shows = "inline" if found.content_type in _INLINE else "attachment"
        response.headers["Content-Disposition"] = f"{shows}; filename*=UTF-8''{quote(name, safe='')}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _find(backend: Backend, key: str, name: str) -> Attachment:
    """The file. One that is made up exists also after its conversation is forgotten. Raises ApiError."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise not_found()
    conversation, message, position = int(match[1]), int(match[2]), int(match[3])
    handle = backend.conversations.get("messagehub", str(conversation))
    found: Attachment | None
    if handle is not None:
        found = handle.look(lambda known: _attachment(known, message, position))
    else:
        size = match[4]
        found = None if size is None else Attachment(name, None, type_of(name), int(size))
    if found is None or safe_name(found.name) != name or found.size > LARGEST:
        raise not_found()
    return found


def _attachment(conversation: Conversation, number: int, position: int) -> Attachment | None:
    for message in conversation.messages:
        if message.id == number and not message.deleted and position < len(message.attachments):
            return message.attachments[position]
    return None
