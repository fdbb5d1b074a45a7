"""What a variant is, and the helpdesk that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask import Flask
from helpdesk import EndUser, Store, create_app
from helpdesk.body import Body
from helpdesk.vendors import VENDORS
from vendorsim.testing.app_server import app_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SECRET = "a-secret-of-the-tests"
ERROR, WARNING = "error", "warning"
# Where it shows besides `accepts` that an ordinary body is not taken: wherever one is sent.
EVERYWHERE = ("accepts.*", "tolerates.*", "rejects.*")


@dataclass
class Helpdesk:
    """The correct helpdesk as it runs in a test. A variant changes its parts; `patch` takes the changes back."""

    app: Flask
    store: Store
    end_user: EndUser | None
    patch: pytest.MonkeyPatch

    def before(self, vendor: str, look: Callable[[Body], Any]) -> None:
        """Lets a function look at every body of a vendor before it is read as ever."""
        read = VENDORS[vendor]

        def looking(body: Body) -> Any:
            look(body)
            return read(body)

        self.patch.setitem(VENDORS, vendor, looking)

    def before_request(self, look: Callable[[], Any]) -> None:
        """Lets a function look at every request first; what it returns, if anything, is the answer."""
        self.app.before_request(look)


@dataclass(frozen=True)
class Variant:
    """One bug. `check` has to name it; `also` are patterns of further checks in which it can't but show.

    `event` is one that shows it, `options` are further ones of `vendorsim check`. `signed`, `probe` and `serve` say
    what the checks need. `plain_server` runs it on the server of the standard library. `narrow` asks its own check
    only, where all of them would take long. `waiting` are times of `vendorsim.checks.waiting.Waiting`, where there is
    nothing to wait for.
    """

    name: str
    bug: str
    vendor: str
    check: str
    breaks: Callable[[Helpdesk], None]
    also: tuple[str, ...] = ()
    severity: str = ERROR
    event: str | None = None
    options: tuple[str, ...] = ()
    signed: bool = False
    probe: bool = False
    serve: bool = False
    plain_server: bool = False
    narrow: bool = False
    waiting: Mapping[str, float] = field(default_factory=dict)

    def expects(self, check: str) -> bool:
        """Whether a finding of that check is about this bug."""
        return any(fnmatchcase(check, pattern) for pattern in (self.check, *self.also))


VARIANTS: list[Variant] = []


def variant(vendor: str, check: str, *also: str, **more: Any) -> Callable[[Callable[[Helpdesk], None]], None]:
    """Registers a function that breaks the helpdesk; its first line of documentation is the bug."""

    def register(breaks: Callable[[Helpdesk], None]) -> None:
        assert breaks.__doc__
        VARIANTS.append(Variant(breaks.__name__, breaks.__doc__, vendor, check, breaks, also, **more))

    return register


@contextmanager
def running(
    variant: Variant | None, folder: Path, *, secrets: dict[str, list[str]] | None = None, api: str | None = None
) -> Iterator[str]:
    """The helpdesk with the bug of a variant, or without one; yields its URL. `secrets` are those of the vendors that
    sign, `api` is where CCAI Platform answers."""
    store = Store(folder / "tickets.sqlite")
    end_user = EndUser(api, "token", store, pauses=(0.15, 0.3, 0.6, 1.2)) if api is not None else None
    app = create_app(store, end_user, secrets=secrets)
    app.logger.disabled = True  # The tracebacks of bugs are no news here.
    server = plain_server if variant is not None and variant.plain_server else app_server
    with pytest.MonkeyPatch.context() as patch:
        if variant is not None:
            variant.breaks(Helpdesk(app, store, end_user, patch))
        try:
            with server(app) as running:
                yield running.url
        finally:
            if end_user is not None:
                end_user.close()
            store.close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are no news here."""


@dataclass(frozen=True)
class _Plain:
    url: str


@contextmanager
def plain_server(app: WSGIApplication) -> Iterator[_Plain]:
    """The server of the standard library, which does one thing at a time and knows HTTP/1.0 only."""
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield _Plain(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
