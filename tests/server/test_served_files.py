"""The files that bodies name: their URLs lead to the server that plays, for every vendor."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from command_line import Vendorsim
from receiver import Connection, Receiver, Request, status
from vendorsim.checks.stories import Stories
from vendorsim.conversation.files import made_up
from vendorsim.runs import library
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.namespaces import Namespaces
from vendorsim.vendorkit import registry

STORY = """\
scenario: Files
vendors: [{vendor}]
seed: 7
cast:
  visitor: {{name: Dana Kessler, avatar: dana.png}}
  agents: {{ana: {{name: Ana Novak, avatar: ana.png}}}}
steps:
  - join: ana
  - say: {{attachments: [photo.png, {{name: data, content_type: application/json, size: 90}}]}}
  - say: {{by: ana, attachments: [form.pdf]}}
  - say: Thanks
  - close: ana
"""
PHOTO, DATA = ("image/png", 69), ("application/json", 90)
FORM = ("application/pdf", len(made_up("form.pdf", "application/pdf")))
AVATARS = {("image/png", len(made_up(name, "image/png"))) for name in ("dana.png", "ana.png")}


def fetched(url: str) -> tuple[str, int]:
    """The media type and the bytes of what a URL leads to. Fails for all but 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    body, place = answer.read(), answer.headers.get("Location")
    connection.close()
    if place is not None:
        return fetched(place)
    assert answer.status == 200, url
    return answer.headers["Content-Type"], len(body)


@pytest.mark.parametrize(
    ("vendor", "profile", "expected"),
    [
        ("userlike", "documented", {PHOTO, DATA, FORM}),
        ("userlike", "legacy", {PHOTO, DATA, FORM}),
        ("smartsupp", "documented", {PHOTO, DATA, FORM}),
        ("smartsupp", "webhooks", {PHOTO, DATA, FORM}),
        ("chatvisor", "documented", {PHOTO, DATA}),
        ("messagehub", "documented", AVATARS),
        ("messagehub", "observed-4.18", {PHOTO, DATA, FORM, *AVATARS}),
    ],
)
def test_urls_in_bodies_lead_to_the_server_also_on_a_free_port(
    vendorsim: Vendorsim, tmp_path: Path, vendor: str, profile: str, expected: set[tuple[str, int]]
) -> None:
    story, found = tmp_path / "story.yaml", set()
    story.write_text(STORY.format(vendor=vendor), encoding="utf-8")

    def fetch(connection: Connection, request: Request) -> None:
        text = json.dumps(request.json, ensure_ascii=False)
        for url in re.findall(r"http://127\.0\.0\.1:\d+/(?:files|rails)/[^\s\"]+", text):
            found.add(fetched(url))
        assert "files.example.com" not in text
        connection.send(status(200))

    with Receiver(fetch) as target:
        given = ("--vendor", vendor, "--profile", profile, "--policy", "signing=none", "--to", target.url())
        played = vendorsim("play", story, *given, "--serve", "--port", "0", "--no-journal")
    assert played.code == 0, played.err
    assert found == expected


@pytest.mark.parametrize(
    ("path", "code", "media_type"),
    [
        ("/files/1-2-0-70/a.png", 200, "image/png"),
        ("/files/1-2-0-70/a.bin?type=application/json", 200, "application/json"),
        ("/files/1-2-0-70/a.html", 200, "text/html"),
        ("/files/1-2-0/a.png", 404, "application/json"),
        ("/files/1-2-0-999999999/a.png", 404, "application/json"),
        ("/files/1-2-0-70/a.png?type=x", 404, "application/json"),
        ("/files/x/a.png", 404, "application/json"),
    ],
)
def test_a_made_up_file_needs_no_memory_and_runs_nothing(path: str, code: int, media_type: str) -> None:
    answer = create_app(ServerBackend()).test_client().get(path)
    assert (answer.status_code, answer.content_type) == (code, media_type)
    if code == 200:
        assert len(answer.data) == 70
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "header", "root"),
    [
        ("/x", None, "http://localhost/"),
        ("/_ns/one/x", None, "http://localhost/_ns/one/"),
        ("/x", "one", "http://localhost/_ns/one/"),
        ("/_ns/one/x", "two", "http://localhost/_ns/one/"),
    ],
)
def test_urls_lead_to_the_namespace_however_it_is_named(path: str, header: str | None, root: str) -> None:
    from flask import Flask, request
    from werkzeug.test import Client

    class Space:
        def __init__(self) -> None:
            self.app = Flask(__name__)
            self.app.add_url_rule("/x", view_func=lambda: request.url_root, endpoint="x")

        def busy(self) -> bool:
            return False

        def close(self) -> None:
            pass

    namespaces = Namespaces(lambda name: Space())
    headers = {} if header is None else {"X-Vendorsim-Namespace": header}
    assert Client(namespaces).get(path, headers=headers).text == root


def test_stories_of_checks_name_the_server_too() -> None:
    vendor = registry.get("messagehub")
    stories = Stories(vendor, vendor.profile("observed-4.18"), 0, 1_800_000_000_000, server="http://127.0.0.1:4010")
    bodies = b"".join(event.body for event in stories.play(library.load("attachment-only")))
    assert b"http://127.0.0.1:4010/rails/active_storage/" in bodies
    assert b"files.example.com" not in bodies
