"""Made-up files: valid, small, different by name, the same on every server, and of any size."""

from __future__ import annotations

import io
import zlib
from zipfile import ZipFile

import pytest
from vendorsim.conversation.files import made_up, read_key, safe_name, type_of


@pytest.mark.parametrize(
    ("name", "media_type", "begins"),
    [
        ("a.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("a.JPG", "image/jpeg", b"\xff\xd8\xff\xe0"),
        ("a.gif", "image/gif", b"GIF89a"),
        ("a.webp", "image/webp", b"RIFF\x1a\0\0\0WEBP"),
        ("a.svg", "image/svg+xml", b"<svg"),
        ("a.pdf", "application/pdf", b"%PDF-1.4"),
        ("a.json", "application/json", b"{"),
        ("a.zip", "application/zip", b"PK"),
        ("a.ogg", "audio/ogg", b"OggS"),
        ("a.mp3", "audio/mpeg", b"\xff\xfb"),
        ("a.txt", "text/plain", b"a.txt"),
        ("a.thing", "application/octet-stream", b"a.thing"),
        ("noextension", "application/octet-stream", b"noextension"),
    ],
)
def test_a_file_is_what_its_name_says(name: str, media_type: str, begins: bytes) -> None:
    assert type_of(name) == media_type
    content = made_up(name, media_type)
    assert content.startswith(begins)
    assert len(content) < 1_000
    assert made_up(name, media_type) == content
    assert [len(made_up(name, media_type, size)) for size in (0, 10, 5_000)] == [0, 10, 5_000]
    assert made_up(name, media_type, 5_000).startswith(content)


def test_files_differ_by_name() -> None:
    for kind in ("image/png", "image/jpeg", "application/pdf", "audio/ogg", "text/plain"):
        assert made_up("a", kind) != made_up("b", kind)


def test_a_png_has_right_checksums_and_a_zip_opens() -> None:
    content, place = made_up("a.png", "image/png"), 8
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        chunk = content[place + 4 : place + 8 + size]
        assert zlib.crc32(chunk) == int.from_bytes(content[place + 8 + size : place + 12 + size], "big")
        place += 12 + size
    assert ZipFile(io.BytesIO(made_up("a.zip", "application/zip"))).namelist() == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a b.png", "a b.png"), ("../etc/x", "..-etc-x"), ("a\nb?", "a-b-"), ("..", "file"), ("", "file")],
)
def test_names_in_urls(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("key", "read"),
    [
        ("1-2-0", (1, 2, 0, None, False)),
        ("1-2-0-70", (1, 2, 0, 70, False)),
        ("0-17-0-70-late", (0, 17, 0, 70, True)),
        ("1-2", None),
        ("1-2-0-x", None),
        ("-1-2-0", None),
    ],
)
def test_the_key_in_the_url_of_a_file(key: str, read: tuple[object, ...] | None) -> None:
    assert read_key(key) == read
