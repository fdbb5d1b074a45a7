"""Decides who may call the Apps API: by credentials first, then by the rate of their customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.credentials import Credentials
from vendorsim.vendorkit.identification import ApiAnswer
from vendorsim.vendors.ccai.api import end_user

_CHALLENGE = 'Bearer realm="Apps API", Basic realm="Apps API"'


class Refusal(NamedTuple):
    """The answer to a refused caller, and its headers."""

    answer: ApiAnswer
    headers: Mapping[str, str]


def refused(backend: Backend, caller: Credentials | None) -> Refusal | None:
    """Returns why the caller is refused; None: accepted, and counted for the rate. No credentials: `caller` is None."""
    if caller is None or not caller.matches(backend.token):
        return Refusal(end_user.UNAUTHORIZED, {"WWW-Authenticate": _CHALLENGE})
    if backend.rate_limit is not None and (wait := backend.rate_limit.wait(caller.customer)):
        return Refusal(end_user.RATE_LIMITED, {"Retry-After": str(wait)})
    return None
