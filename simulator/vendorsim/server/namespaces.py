"""Many tests or teams in one server: each has a namespace of its own, made when it is first used.

A namespace is named in the path (`/_ns/NAME/…`) or in the header `X-Vendorsim-Namespace`. Behind each name stands a
whole app with a state of its own, so that nothing can leak from one to the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from vendorsim.core.clock import monotonic
from vendorsim.core.errors import StateUnreachableError
from vendorsim.server.control.access import is_of_another_site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/_ns/"
HEADER = "HTTP_X_VENDORSIM_NAMESPACE"
DEFAULT = ""
MOST = 200
# A namespace that nobody has used for so long, in seconds, ends.
LIFETIME = 3_600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Space(Protocol):
    """What stands behind a name: an app, and how it ends."""

    @property
    def app(self) -> WSGIApplication:
        """Answers the requests of the namespace."""
        ...

    def busy(self) -> bool:
        """Whether something is under way that must not be ended."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


Made = TypeVar("Made", bound=Space)


@dataclass(slots=True)
class _Used:
    space: Space
    at: float
    requests: int = field(default=0)


class Namespaces(Generic[Made]):
    """A WSGI app that hands each request to the app of its namespace. `default` stands behind no name."""

    def __init__(
        self,
        make: Callable[[str], Made],
        *,
        most: int = MOST,
        lifetime: float = LIFETIME,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`make` makes what stands behind a name. The default namespace is made at once and never expires."""
        self._make = make
        self._most = most
        self._lifetime = lifetime
        self._now = now
        self._lock = Lock()
        self._making = Lock()
        self.default = make(DEFAULT)
        self._used = {DEFAULT: _Used(self.default, now())}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            name = _split(environ)
        except ValueError as error:
            return _refused(start_response, "400 Bad Request", str(error))
        if name not in self._used and _of_another_site(environ):
            return _refused(start_response, "403 Forbidden", "a page of another site may make no namespace")
        try:
            used = self._enter(name)
        except StateUnreachableError as error:
            return _refused(start_response, "503 Service Unavailable", str(error))
        if used is None:
            detail = f"{self._most} namespaces are in use; wait until one has expired"
            return _refused(start_response, "503 Service Unavailable", detail)
        try:
            return used.space.app(environ, start_response)
        finally:
            with self._lock:
                used.requests -= 1
                used.at = self._now()

    def names(self) -> list[str]:
        """The namespaces in use, beside the default one."""
        with self._lock:
            return sorted(name for name in self._used if name)

    def close(self) -> None:
        """Ends all."""
        with self._lock:
            spaces = [used.space for used in self._used.values()]
            self._used.clear()
        for space in spaces:
            space.close()

    def _enter(self, name: str) -> _Used | None:
        """The namespace of that name, made if there is room for it; ends those whose time is over."""
        with self._lock:
            used = self._used.get(name)
            if used is not None:
                used.requests += 1
                return used
        return self._make_room(name)

    def _make_room(self, name: str) -> _Used | None:
        """Makes a namespace, one at a time: that takes a while, in which the others go on answering."""
        with self._making:
            with self._lock:
                used = self._used.get(name)
                ended = [] if used is not None else self._expired()
                full = len(self._used) > self._most
            for space in ended:
                space.close()
            if used is None and not full:
                used = _Used(self._make(name), self._now())
            with self._lock:
                if used is not None:
                    used.requests += 1
                    self._used[name] = used
            return used

    def _expired(self) -> list[Space]:
        limit = self._now() - self._lifetime
        over = [
            name
            for name, used in self._used.items()
            if name and used.at < limit and not used.requests and not used.space.busy()
        ]
        return [self._used.pop(name).space for name in over]


def _of_another_site(environ: WSGIEnvironment) -> bool:
    names = ("HTTP_HOST", "HTTP_SEC_FETCH_SITE")
    return is_of_another_site(environ.get("HTTP_ORIGIN"), *(environ.get(name, "") for name in names))


def _split(environ: WSGIEnvironment) -> str:
    """The namespace of a request, whose prefix moves from the path to the script's name. Raises ValueError."""
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
    return name


_BAD_NAME = "the name of a namespace is 1 to 64 letters, digits, dots, hyphens and underscores, and begins with no sign"


def _refused(start_response: StartResponse, status: str, detail: str) -> Iterable[bytes]:
    number, _, title = status.partition(" ")
    document: dict[str, Any] = {"type": "about:blank", "title": title, "status": int(number), "detail": detail}
    start_response(status, [("Content-Type", "application/problem+json")])
    return [json.dumps(document).encode()]
