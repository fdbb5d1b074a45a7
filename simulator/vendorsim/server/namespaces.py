"""Namespaces: isolated apps in one server, for tests or teams. A namespace is created by its first request.

A request names its namespace in the path (`/_ns/NAME/…`) or in the header `X-Vendorsim-Namespace`. Each namespace has
its own app and its own state; they share no data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from msgspec import Struct, field

from vendorsim.core.clock import monotonic
from vendorsim.core.errors import StateUnreachableError
from vendorsim.http.other_sites import is_of_another_site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/_ns/"
HEADER = "HTTP_X_VENDORSIM_NAMESPACE"
DEFAULT = ""
MOST = 200
# Seconds without a request after which a namespace expires.
LIFETIME = 3_600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Space(Protocol):
    """One namespace: its app, and how to close it."""

    @property
    def app(self) -> WSGIApplication:
        """The WSGI app that answers the requests of the namespace."""
        ...

    def busy(self) -> bool:
        """Whether it has work in progress, and so must not expire."""
        ...

    def close(self) -> None:
        """Stops its runs and frees its resources."""
        ...


SpaceType = TypeVar("SpaceType", bound=Space)


class _Entry(Struct):
    space: Space
    # When its last request ended, in monotonic seconds.
    used_at: float
    requests: int = field(default=0)


class Namespaces(Generic[SpaceType]):
    """A WSGI app that passes each request to the app of its namespace. `default` answers requests that name none."""

    def __init__(
        self,
        make: Callable[[str], SpaceType],
        *,
        most: int = MOST,
        lifetime: float = LIFETIME,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`make` creates a namespace by its name; the default one is created at once and never expires.

        There are at most `most` namespaces beside the default one. `lifetime` is in seconds without a request. `now`
        returns monotonic seconds.
        """
        self._make = make
        self._most = most
        self._lifetime = lifetime
        self._now = now
        self._lock = Lock()
        self._create_lock = Lock()
        self.default = make(DEFAULT)
        self._entries = {DEFAULT: _Entry(self.default, now())}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            name = _split(environ)
        except ValueError as error:
            return _refused(start_response, "400 Bad Request", str(error))
        if name not in self._entries and _of_another_site(environ):
            return _refused(start_response, "403 Forbidden", "a page of another site may make no namespace")
        try:
            entry = self._enter(name)
        except StateUnreachableError as error:
            return _refused(start_response, "503 Service Unavailable", str(error))
        if entry is None:
            detail = f"{self._most} namespaces are in use; wait until one has expired"
            return _refused(start_response, "503 Service Unavailable", detail)
        try:
            return entry.space.app(environ, start_response)
        finally:
            with self._lock:
                entry.requests -= 1
                entry.used_at = self._now()

    def names(self) -> list[str]:
        """Returns the sorted names of the namespaces in use, without the default one."""
        with self._lock:
            return sorted(name for name in self._entries if name)

    def close(self) -> None:
        """Closes all namespaces."""
        with self._lock:
            spaces = [entry.space for entry in self._entries.values()]
            self._entries.clear()
        for space in spaces:
            space.close()

    def _enter(self, name: str) -> _Entry | None:
        """Counts a request for the namespace, and creates a missing one. Returns None if there are too many."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None:
                entry.requests += 1
                return entry
        return self._create(name)

    def _create(self, name: str) -> _Entry | None:
        """Creates a namespace and closes expired ones. Creates one at a time, while the others go on answering."""
        with self._create_lock:
            with self._lock:
                entry = self._entries.get(name)
                expired = [] if entry is not None else self._pop_expired()
                full = len(self._entries) > self._most
            for space in expired:
                space.close()
            if entry is None and not full:
                entry = _Entry(self._make(name), self._now())
            with self._lock:
                if entry is not None:
                    entry.requests += 1
                    self._entries[name] = entry
            return entry

    def _pop_expired(self) -> list[Space]:
        limit = self._now() - self._lifetime
        names = [
            name
            for name, entry in self._entries.items()
            if name and entry.used_at < limit and not entry.requests and not entry.space.busy()
        ]
        return [self._entries.pop(name).space for name in names]


def _of_another_site(environ: WSGIEnvironment) -> bool:
    names = ("HTTP_HOST", "HTTP_SEC_FETCH_SITE")
    return is_of_another_site(environ.get("HTTP_ORIGIN"), *(environ.get(name, "") for name in names))


def _split(environ: WSGIEnvironment) -> str:
    """Returns the name of the request's namespace, and moves its prefix from `PATH_INFO` to `SCRIPT_NAME`, where it
    also stands if the header names the namespace.

    Raises ValueError for an invalid name.
    """
    path: str = environ.get("PATH_INFO", "")
    name: str = environ.get(HEADER, "")
    if path.startswith(PATH):
        name, slash, rest = path.removeprefix(PATH).partition("/")
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}{PATH}{name}"
        environ["PATH_INFO"] = slash + rest
        if not _NAME.fullmatch(name):
            raise ValueError(_BAD_NAME)
    elif name and not _NAME.fullmatch(name):
        raise ValueError(_BAD_NAME)
    elif name:
        # URLs in answers and bodies lead to the namespace without the header, too.
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}{PATH}{name}"
    return name


_BAD_NAME = "the name of a namespace is 1 to 64 letters, digits, dots, hyphens and underscores, and begins with no sign"


def _refused(start_response: StartResponse, status: str, detail: str) -> Iterable[bytes]:
    number, _, title = status.partition(" ")
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": int(number), "detail": detail}
    start_response(status, [("Content-Type", "application/problem+json")])
    return [json.dumps(document).encode()]
