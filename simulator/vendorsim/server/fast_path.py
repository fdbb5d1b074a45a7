"""The fast path: vendor operations that are answered without Flask, in the default namespace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vendorsim.http.messages import FastPath, HttpRequest, HttpResponse
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit import registry

_NAMESPACE = b"x-vendorsim-namespace"
# Calls can be answered faster than the journal writes them. Beyond this many unwritten records, an answer is delayed by
# the time that the records beyond it take, at this rate.
_WAITING = 3_000
_WRITTEN_PER_SECOND = 30_000


def fast_path(state: ServerBackend, backlog: Callable[[], int] = lambda: 0) -> FastPath:
    """The fast paths of all vendors, over one state. `backlog` gives the number of unwritten journal records.

    A request that names a namespace is left to the app: other namespaces have states of their own.
    """
    vendors = map(registry.get, registry.names())
    paths = [vendor.fast_path(state) for vendor in vendors if vendor.fast_path is not None]

    def answer(request: HttpRequest) -> HttpResponse | None:
        if _NAMESPACE in request.headers:
            return None
        for path in paths:
            response = path(request)
            if response is not None:
                excess = backlog() - _WAITING
                if excess <= 0:
                    return response
                return replace(response, delay=max(response.delay, excess / _WRITTEN_PER_SECOND))
        return None

    return answer
