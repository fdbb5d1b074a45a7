"""What a variant is, and the helpdesk that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask import Flask, request
from helpdesk import EndUser, Store, create_app
from helpdesk.body import Body
from helpdesk.tickets import Claim, Update
from helpdesk.vendors import VENDORS
from vendorsim.testing.app_server import app_server
from vendorsim.testing.hosting import hosted

from .programs import NO_ASGI

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SECRET = "a-secret-of-the-tests"
ERROR, WARNING = "error", "warning"


@dataclass
class Helpdesk:
    """The correct helpdesk as it runs in a test. A variant changes its parts; `patch` takes the changes back, and what
    is in `closing` is called in the end."""

    app: Flask
    store: Store
    end_user: EndUser | None
    patch: pytest.MonkeyPatch
    closing: list[Callable[[], object]] = field(default_factory=list)

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


@dataclass
class Bot:
    """The correct bot of `examples/` as it runs in a test. A variant changes its parts; `patch` takes that back."""

    replies: Any
    patch: pytest.MonkeyPatch


Apply = Callable[[str, Update], list[Claim]]
"""How the helpdesk stores an update of a vendor."""

Job = tuple[str, Update, dict[str, Any]]
"""A vendor, what was read from its body, and the body."""


def behind(desk: Helpdesk, work: Callable[[Apply, Queue[Job | None]], None]) -> None:
    """Answers before an update is stored: puts it into a queue, of which `work` takes it, in a thread of its own. None
    in the queue ends the work."""
    jobs: Queue[Job | None] = Queue()
    apply = desk.store.apply

    def later(vendor: str, update: Update) -> list[Claim]:
        jobs.put((vendor, update, request.get_json()))
        return []

    desk.patch.setattr(desk.store, "apply", later)
    worker = Thread(target=work, args=(apply, jobs))
    worker.start()
    desk.closing.append(lambda: (jobs.put(None), worker.join()))


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """An integration under test: the helpdesk with a change, the `bot` with one, or a `program` of its own with the
    helpdesk's paths.

    `options` are further ones of `vendorsim check`. `signed`, `probe` and `serve` say what the checks need. `events`
    are those that the target subscribes to, if not all. `plain_server` runs it on the server of the standard library.
    `waiting` are times of `vendorsim.checks.waiting.Waiting`. `missing` says why the program can't run here, or None.
    """

    name: str
    about: str
    vendor: str
    changes: Callable[[Helpdesk], None] | None = None
    bot: Callable[[Bot], None] | None = None
    program: Callable[[], AbstractContextManager[str]] | None = None
    missing: str | None = None
    options: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    signed: bool = False
    probe: bool = False
    serve: bool = False
    plain_server: bool = False
    waiting: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Variant(Receiver):
    """One bug. `check` has to name it, and a finding that it begins with leads to the bug. So does one that begins with
    a check of `also`: patterns of further checks that show this very bug. Any other finding is misleading. `only`
    selects the checks that show it, if `check` alone does not.
    """

    check: str
    also: tuple[str, ...] = ()
    severity: str = ERROR
    only: str | None = None

    def expects(self, check: str) -> bool:
        """Whether a finding of that check is about this bug."""
        return any(fnmatchcase(check, pattern) for pattern in (self.check, *self.also))


VARIANTS: list[Variant] = []

# What all checks of the bot have in common. It answers and calls at once: there is no need to wait as patiently as for
# others.
BOT: dict[str, Any] = {
    "vendor": "messagehub",
    "serve": True,
    "missing": NO_ASGI,
    "waiting": {"settle": 1.0, "quiet": 0.25, "retry": 1.5, "first_call": 0.5},
}


def variant(vendor: str, check: str, *also: str, **more: Any) -> Callable[[Callable[[Helpdesk], None]], None]:
    """Registers a function that breaks the helpdesk; its first line of documentation is the bug."""

    def register(breaks: Callable[[Helpdesk], None]) -> None:
        assert breaks.__doc__
        name, about = breaks.__name__, breaks.__doc__
        VARIANTS.append(Variant(name=name, about=about, vendor=vendor, changes=breaks, check=check, also=also, **more))

    return register


def bot_variant(check: str, *also: str, **more: Any) -> Callable[[Callable[[Bot], None]], None]:
    """The same as `variant` for the bot."""

    def register(breaks: Callable[[Bot], None]) -> None:
        assert breaks.__doc__
        named = {"name": breaks.__name__, "about": breaks.__doc__, "bot": breaks, "check": check, "also": also}
        VARIANTS.append(Variant(**BOT | named | more))

    return register


@contextmanager
def running(
    receiver: Receiver | None, folder: Path, *, secrets: dict[str, list[str]] | None = None, api: str | None = None
) -> Iterator[str]:
    """A receiver, or the helpdesk as it is; yields its URL. `secrets` are those of the vendors that sign, `api` is
    where CCAI Platform answers."""
    if receiver is not None and receiver.program is not None:
        with receiver.program() as url:
            yield url
        return
    if receiver is not None and receiver.bot is not None:
        with running_bot(receiver.bot, folder, api or "http://127.0.0.1:9") as url:
            yield url
        return
    store = Store(folder / "tickets.sqlite")
    end_user = EndUser(api, "token", store, pause=0.15) if api is not None else None
    app = create_app(store, end_user, secrets=secrets)
    app.logger.disabled = True  # The tracebacks of bugs are no news here.
    desk = Helpdesk(app, store, end_user, pytest.MonkeyPatch())
    server = plain_server if receiver is not None and receiver.plain_server else app_server
    try:
        if receiver is not None and receiver.changes is not None:
            receiver.changes(desk)
        with server(app) as running:
            yield running.url
    finally:
        for close in desk.closing:
            close()
        desk.patch.undo()
        if end_user is not None:
            end_user.close()
        store.close()


@contextmanager
def running_bot(change: Callable[[Bot], None], folder: Path, api: str) -> Iterator[str]:
    """The bot, with a change; yields its URL. `api` is where MessageHub answers."""
    import bot

    store = bot.Store(folder / "bot.sqlite")
    replies = bot.Replies(bot.MessageHub(api, "token", timeout=5.0), store, pause=0.2, longest=0.5)
    with pytest.MonkeyPatch.context() as patch:
        change(Bot(replies, patch))
        with hosted(bot.create_app(replies)) as url:
            yield url
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
