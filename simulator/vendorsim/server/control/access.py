"""Access control of the control API and the page: protects them from other web sites that a user's browser visits.

A web site can make a browser send requests to loopback, and can point its own host name to loopback (DNS rebinding).
So the `Host` must be an IP address, `localhost` or an allowed name, and requests that a browser sends for another
site are refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

from vendorsim.http.allowed_targets import is_address_or_local
from vendorsim.http.other_sites import is_of_another_site
from vendorsim.server.control.problems import ProblemError


def check_host(request: Request, allowed: Collection[str]) -> None:
    """Raises ProblemError (421) unless the `Host` is an IP address, `localhost` or one of the `allowed` names."""
    host = _host(request.headers.get("Host", ""))
    if not (is_address_or_local(host) or host in allowed):
        raise ProblemError(
            421, f"the host '{host[:100]}' is not this server's; use its address, or start it with --allow-host NAME"
        )


def check_origin(request: Request) -> None:
    """Raises ProblemError (403) for a request that a browser sends for another site."""
    origin = request.headers.get("Origin")
    if is_of_another_site(origin, request.headers.get("Host", ""), request.headers.get("Sec-Fetch-Site", "")):
        page = "a page of another site" if origin is None else f"a page of '{origin[:100]}'"
        raise ProblemError(403, f"{page} may not use this API")


def check_token(request: Request, token: str | None) -> None:
    """Raises ProblemError (401) if the server has a `token` and the request doesn't send it as a Bearer token."""
    if token is None:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise ProblemError(
            401,
            "send Authorization: Bearer with the token that the server was started with (--admin-token)",
            headers={"WWW-Authenticate": 'Bearer realm="vendorsim"'},
        )


def _host(authority: str) -> str:
    """Returns the host of `host:port`, in lower case, without brackets; empty if it can't be parsed."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""
