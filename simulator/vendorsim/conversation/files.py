"""The files of messages: their URLs, types and sizes, and made-up contents. Pure.

The content of a made-up file follows from its name, type and size alone, so any server can serve it at any time.
"""

from __future__ import annotations

import mimetypes
import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from vendorsim.conversation.state import Conversation, Message
from vendorsim.scenario.verbs import Attachment

# Where the URLs of made-up files lead if no server serves them.
NOWHERE = "https://files.example.com"
# The path below which a server serves the files of vendors whose API has no place for them.
PATH = "/files"
# At the end of a key: the content can't be had at once.
LATE = "-late"
# Bytes of the largest made-up file that is served.
LARGEST = 40 * 1024 * 1024
_KEY = re.compile(r"([0-9]{1,15})-([0-9]{1,15})-([0-9]{1,2})(?:-([0-9]{1,9}))?(-late)?")
_UNSAFE = '%$|:;/<>?*"\\'
UNKNOWN_TYPE = "application/octet-stream"
# Types that `mimetypes` does not know on every system.
_TYPES = {"ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg", "webp": "image/webp", "m4a": "audio/mp4"}


def attached(conversation: Conversation, message: Message, position: int, given: str | Attachment) -> Attachment:
    """The complete attachment for a name, a URL or an attachment. `position` is that in the message, from 0.

    A type that is not given follows from the name. If a server serves the conversation's files, the URLs of made-up
    and uploaded files lead there. They name the conversation, the message, the position, and the size if it is made up;
    and the type, if the name stands for another one.
    """
    if isinstance(given, str):
        is_url = given.startswith(("http://", "https://"))
        name = given.rstrip("/").rpartition("/")[2] if is_url else given
        given = Attachment(name=name, url=given if is_url else None)
    kind = type_of(given.name) if given.content_type == UNKNOWN_TYPE else given.content_type
    is_made_up = given.url is None or given.url.startswith(f"{NOWHERE}/")
    if not is_made_up:
        return Attachment(given.name, given.url, kind, given.size)
    size = given.size if given.size or given.content is not None else len(made_up(given.name, kind))
    url = given.url or f"{NOWHERE}/{conversation.id}/{message.id}/{given.name}"
    if conversation.files is not None:
        key = f"{conversation.id}-{message.id}-{position}" + (f"-{size}" if given.content is None else "")
        url = f"{conversation.files}/{key}/{quote(safe_name(given.name), safe='')}"
        if kind != type_of(safe_name(given.name)):
            url += f"?type={quote(kind, safe='')}"
    return Attachment(given.name, url, kind, size, given.content)


def avatar(conversation: Conversation, person: int, given: str | None) -> str | None:
    """The URL of a person's picture, given as a name or a URL. None for none. Pictures belong to no conversation: the
    key of a made-up one has the conversation 0, and the id of the person."""
    if given is None or given.startswith(("http://", "https://")):
        return given
    name = quote(safe_name(given), safe="")
    if conversation.files is None:
        return f"{NOWHERE}/avatars/{person}/{name}"
    return f"{conversation.files}/0-{person}-0-{len(made_up(given, type_of(given)))}/{name}"


class FileKey(NamedTuple):
    """What the URL of a file says of it. `size` is None for an uploaded file. `late`: it can't be had at once."""

    conversation: int
    message: int
    position: int
    size: int | None
    late: bool


def read_key(text: str) -> FileKey | None:
    """The key in the URL of a file; None for what is no key."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    size = found[4]
    return FileKey(int(found[1]), int(found[2]), int(found[3]), None if size is None else int(size), bool(found[5]))


def safe_name(name: str) -> str:
    """The name of a file as it stands in URLs: without separators and control characters, 255 characters at most."""
    safe = "".join("-" if character in _UNSAFE or character < " " else character for character in name)[:255]
    return safe if safe.strip(".") else "file"


def type_of(name: str) -> str:
    """The media type that the extension of a file's name stands for."""
    extension = name.rpartition(".")[2].lower()
    return _TYPES.get(extension) or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE


def made_up(name: str, content_type: str, size: int | None = None) -> bytes:
    """A small valid file of this type, which differs by name; for a type that is not known here, a line of text.

    It is padded, or cut, to `size` bytes.
    """
    make = _MAKERS.get(content_type, _text)
    content = make(name, zlib.crc32(name.encode()))
    if size is None:
        return content
    padding = b"\n" if make in (_text, _json, _svg, _pdf) else b"\0"
    return content[:size].ljust(size, padding)


def _text(name: str, number: int) -> bytes:
    return f"{name} {number:08x}\n".encode()


def _json(name: str, number: int) -> bytes:
    return b'{"number": %d}\n' % number


def _svg(name: str, number: int) -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9" fill="#%06x"/></svg>\n' % (number >> 8)


def _png(name: str, number: int) -> bytes:
    """One pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0" + number.to_bytes(4, "big")[:3])
    chunks = ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b""))
    framed = (
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _gif(name: str, number: int) -> bytes:
    """One pixel."""
    colours = number.to_bytes(4, "big")[:3] + b"\xff\xff\xff"
    return b"GIF89a\1\0\1\0\x80\0\0" + colours + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def _jpeg(name: str, number: int) -> bytes:
    """One grey pixel, and the number as a comment."""
    return _PIXEL[:20] + struct.pack(">HHI", 0xFFFE, 6, number) + _PIXEL[20:]


def _webp(name: str, number: int) -> bytes:
    """One pixel."""
    return _WEBP


def _pdf(name: str, number: int) -> bytes:
    """One empty page."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    )
    content, places = b"%%PDF-1.4\n%%%08x\n" % number, []
    for position, item in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj%sendobj\n" % (position, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(content)
    return content + b"xref\n0 4\n0000000000 65535 f \n" + table + end


def _ogg(name: str, number: int) -> bytes:
    """20 ms of silence (Opus)."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I9sI", 9, b"vendorsim", 0)
    packets = ((2, 0, head), (0, 0, tags), (4, 960, b"\xf8\xff\xfe"))
    return b"".join(_ogg_page(flags, at, number, index, data) for index, (flags, at, data) in enumerate(packets))


def _ogg_page(flags: int, at: int, stream: int, index: int, data: bytes) -> bytes:
    page = b"OggS" + struct.pack("<BBqIIIBB", 0, flags, at, stream, index, 0, 1, len(data)) + data
    return page[:22] + struct.pack("<I", _ogg_checksum(page)) + page[26:]


def _ogg_checksum(page: bytes) -> int:
    """A CRC-32 without reflection, with 0 as its first value."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def _wav(name: str, number: int) -> bytes:
    """10 ms of silence, 8 bits, 8 kHz."""
    samples = b"\x80" * 80
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8_000, 8_000, 1, 8)
    chunks = form + struct.pack("<4sI", b"data", len(samples)) + samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks


def _mp3(name: str, number: int) -> bytes:
    """One silent frame: 32 kbit/s, 44.1 kHz, mono."""
    return b"\xff\xfb\x10\xc4".ljust(104, b"\0")


def _zip(name: str, number: int) -> bytes:
    """An archive without entries."""
    return b"PK\5\6".ljust(22, b"\0")


_PIXEL = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////"
    "////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AP//Z"
)
_WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\r\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"
_MAKERS: Mapping[str, Callable[[str, int], bytes]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/svg+xml": _svg,
    "application/pdf": _pdf,
    "application/json": _json,
    "application/zip": _zip,
    "audio/ogg": _ogg,
    "audio/mpeg": _mp3,
    "audio/wav": _wav,
    "audio/x-wav": _wav,
}
