"""Who may call the Apps API: first the credentials count, then how often their holder has called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.credentials import Credentials
from vendorsim.vendorkit.identification import ApiAnswer
from vendorsim.vendors.ccai.api import end_user

_CHALLENGE = 'Bearer realm="Apps API", Basic realm="Apps API"'


class Refusal(NamedTuple):
    """What a caller is told who may not call now, and the headers that go with it."""

    answer: ApiAnswer
    headers: Mapping[str, str]


def refused(backend: Backend, caller: Credentials | None) -> Refusal | None:
    """Why this caller may not call now, or None: then the call counts. `caller` is None without credentials."""
    if caller is None or not caller.matches(backend.token):
        return Refusal(end_user.UNAUTHORIZED, {"WWW-Authenticate": _CHALLENGE})
    if backend.rate_limit is not None and (wait := backend.rate_limit.wait(caller.customer)):
        return Refusal(end_user.RATE_LIMITED, {"Retry-After": str(wait)})
    return None
