"""A browser for the tests of the page: the system's Chromium, one per worker, with a new context for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from receiver import Receiver
from vendorsim.http.allowed_targets import is_loopback
from vendorsim.http.server import running_server
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from workbench import Workbench

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
# Far beyond what any test needs, in milliseconds: a test that waits this long has failed.
PATIENCE = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser. Where there is none, tests that need it are skipped.

    While it is driven, Playwright's event loop counts as the running one: it must not outlive the tests that use it.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"needs a browser: install Chromium, so that one of {', '.join(NAMES)} is on the PATH")
    # Chromium's sandbox does not work for root.
    flags = [*FLAGS, "--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else FLAGS
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=flags)
        yield launched
        launched.close()


@dataclass
class Watch:
    """What must not happen while a page is used: requests to other hosts, errors, what its policy forbids."""

    strangers: list[str]
    errors: list[str]

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and not is_loopback(parts.hostname or ""):
            self.strangers.append(request.url)

    def error(self, error: Any) -> None:
        self.errors.append(str(error))

    def console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)


@pytest.fixture
def watch() -> Watch:
    """Collects what must not happen; a test that provokes errors of a script clears them."""
    return Watch([], [])


@pytest.fixture
def look() -> dict[str, Any]:
    """Options of the browser's context, such as the size of the window; tests give others by parameters."""
    return {}


@pytest.fixture
def page(browser: Browser, watch: Watch, look: dict[str, Any]) -> Iterator[Page]:
    """A page in a context of its own."""
    context = browser.new_context(**look)
    context.set_default_timeout(PATIENCE)
    context.on("request", watch.request)
    opened = context.new_page()
    opened.on("pageerror", watch.error)
    opened.on("console", watch.console)
    opened.on("dialog", lambda dialog: watch.error(f"dialog: {dialog.message}"))
    yield opened
    context.close()
    assert watch.strangers == [], "the page asks other hosts"
    assert watch.errors == [], "a script of the page failed"


@pytest.fixture
def target() -> Iterator[Receiver]:
    """The integration under test: it takes everything."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def settings() -> Settings:
    """How the server is started; tests give others."""
    return Settings()


@pytest.fixture
def bench(tmp_path: Path, page: Page, settings: Settings) -> Iterator[Workbench]:
    """A running server, and its page in the browser."""
    with Hub(settings, tmp_path / "journal.sqlite") as hub, running_server(hub.app) as server:
        yield Workbench(page, server.port)
        # The page would go on asking a server that is gone.
        page.goto("about:blank")
