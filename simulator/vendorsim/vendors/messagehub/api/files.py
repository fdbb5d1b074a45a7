"""The files of messages, served as Rails' Active Storage does: a permanent URL redirects to the one of the content.

Paths, statuses and headers: source of Rails (rails/rails), activestorage/config/routes.rb, blobs/redirect_controller.rb
and disk_controller.rb. Files need no token, as there. Instead of signed ids, paths have those of
`vendorsim.conversation.files`. The URL of the content expires, and its id ends with the time.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from urllib.parse import quote

from flask import Blueprint, Response, request

from vendorsim.conversation.files import LARGEST, UNKNOWN_TYPE, made_up, read_key, safe_name, type_of
from vendorsim.conversation.state import Conversation
from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.scenario.verbs import Attachment
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendors.messagehub.api.operations import FILES
from vendorsim.vendors.messagehub.api.requests import not_found

PREFIX = "/rails/active_storage/"
CONTENTS = f"{PREFIX}disk"
# Seconds: how long the URL of a content is good (activestorage/lib/active_storage/engine.rb), and how long a file of
# the quirk `late-file` can't be had from the first request on (fazer-ai/agents#25: some 400 ms).
EXPIRES, LATE_FOR = 300, 0.4
_MOST_LATE = 1_000
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


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations that serve files."""
    late = _LateFiles()

    @api.get(f"{FILES}/<key>/<name>")
    def redirect_to_file(key: str, name: str) -> Response:
        _find(backend, key, name)
        signed = f"{quote(key, safe='')}.{wall_clock() // 1000 + EXPIRES}"
        place = f"{request.script_root}{CONTENTS}/{signed}/{quote(name, safe='')}"
        headers = {"Location": request.host_url.rstrip("/") + place, "Cache-Control": f"max-age={EXPIRES}, private"}
        return Response(status=302, headers=headers)

    @api.get(f"{CONTENTS}/<signed>/<name>")
    def download_file(signed: str, name: str) -> Response:
        key, _, until = signed.rpartition(".")
        if not (until.isascii() and until.isdigit() and int(until) >= wall_clock() // 1000) or late.missing(key):
            raise not_found()
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


class _LateFiles:
    """Files that can't be had in the first moments: the redirect works and the store has no content yet
    (chatwoot/chatwoot#15540). The time runs from the first request for the content. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: OrderedDict[str, float] = OrderedDict()

    def missing(self, key: str) -> bool:
        """Whether the content can't be had yet."""
        read = read_key(key)
        if read is None or not read.late:
            return False
        with self._lock:
            asked = self._asked.get(key)
            if asked is None:
                self._asked[key] = monotonic()
                if len(self._asked) > _MOST_LATE:
                    self._asked.popitem(last=False)
            return asked is None or monotonic() < asked + LATE_FOR


def _find(backend: Backend, text: str, name: str) -> Attachment:
    """The file. One that is made up exists also after its conversation is forgotten. Raises ApiError."""
    key = read_key(text)
    if key is None:
        raise not_found()
    handle = backend.conversations.get("messagehub", str(key.conversation))
    found: Attachment | None
    if handle is not None:
        found = handle.look(lambda known: _attachment(known, key.message, key.position))
    else:
        found = None if key.size is None else Attachment(name, None, type_of(name), key.size)
    if found is None or safe_name(found.name) != name or found.size > LARGEST:
        raise not_found()
    return found


def _attachment(conversation: Conversation, number: int, position: int) -> Attachment | None:
    for message in conversation.messages:
        if message.id == number and not message.deleted and position < len(message.attachments):
            return message.attachments[position]
    return None
