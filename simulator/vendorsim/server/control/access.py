"""Who may use the control API and the page: this machine's users, not the sites that their browsers visit.

A site in a browser can send requests to loopback, and a name of its own can be made to mean loopback (DNS rebinding).
So the `Host` must be an address, a name of this machine or one that was allowed, and a request that a browser makes
for another site is refused.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

from vendorsim.server.control.problems import ProblemError

_OTHER_SITES = {"cross-site", "same-site"}


def check_host(request: Request, allowed: Collection[str]) -> None:
    """Raises ProblemError for a `Host` that another site's name may be."""
    host = _host(request.headers.get("Host", ""))
    if not (_is_address(host) or host == "localhost" or host.endswith(".localhost") or host in allowed):
        raise ProblemError(
            421, f"the host '{host[:100]}' is not this server's; use its address, or start it with --allow-host NAME"
        )


def check_origin(request: Request) -> None:
    """Raises ProblemError for what a browser sends on behalf of another site."""
    origin = request.headers.get("Origin")
    if is_of_another_site(origin, request.headers.get("Host", ""), request.headers.get("Sec-Fetch-Site", "")):
        page = "a page of another site" if origin is None else f"a page of '{origin[:100]}'"
        raise ProblemError(403, f"{page} may not use this API")


def is_of_another_site(origin: str | None, host: str, fetch_site: str) -> bool:
    """Whether a browser sends a request for a page of another site, by its headers `Origin`, `Host` and
    `Sec-Fetch-Site`."""
    foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    return foreign or fetch_site in _OTHER_SITES


def check_token(request: Request, token: str | None) -> None:
    """Raises ProblemError where a token is asked for and the request has another one, or none."""
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
    """The host of `host:port`, in lower case, without brackets."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    """Whether it is an IP address: no other site can take that for its name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
