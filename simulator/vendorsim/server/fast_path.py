"""The fast path: answers some vendor operations without Flask, in the default namespace."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from vendorsim.http.messages import FastPath, HttpRequest, HttpResponse
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit import registry

_NAMESPACE = b"x-vendorsim-namespace"
# The server can answer faster than the journal writes. With more than `_MAX_BACKLOG` unwritten records, it delays a
# response by the time that writing the excess takes at this rate.
_MAX_BACKLOG = 3_000
_WRITTEN_PER_SECOND = 30_000


def fast_path(backend: ServerBackend, backlog: Callable[[], int] = lambda: 0) -> FastPath:
    """Returns the combined fast path of all vendors. `backlog` returns the number of unwritten journal records.

    It leaves requests that name a namespace to the app, since each namespace has its own backend, and so it does while
    the APIs are away.
    """
    vendors = map(registry.get, registry.names())
    paths = [vendor.fast_path(backend) for vendor in vendors if vendor.fast_path is not None]

    def answer(request: HttpRequest) -> HttpResponse | None:
        if _NAMESPACE in request.headers or backend.is_away():
            return None
        for path in paths:
            response = path(request)
            if response is not None:
                excess = backlog() - _MAX_BACKLOG
                if excess <= 0:
                    return response
                return replace(response, delay=max(response.delay, excess / _WRITTEN_PER_SECOND))
        return None

    return answer
