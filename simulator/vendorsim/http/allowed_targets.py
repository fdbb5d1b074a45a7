"""Limits where an API caller can make the server send events: to this machine and to allowed hosts.

Without this check, every caller of the API could make the server send requests to any host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import endpoint


def refusal(url: str, hosts: Collection[str] = ()) -> str | None:
    """Returns why events may not be sent to a URL, or None. `hosts` are further allowed host names and addresses."""
    try:
        host = endpoint(url).host
    except InputError as error:
        return str(error)
    if is_loopback(host) or host.lower() in {allowed.lower() for allowed in hosts}:
        return None
    return (
        f"vendorsim sends no events to '{host}' for an API call: "
        "only to this machine (localhost, 127.0.0.0/8, ::1) and to the hosts of configured targets"
    )


def is_loopback(host: str) -> bool:
    """Returns whether a host name or address always means this machine: 127.0.0.0/8, ::1, localhost, *.localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        name = host.lower()
        return name == "localhost" or name.endswith(".localhost")


def is_address_or_local(host: str) -> bool:
    """Returns whether a host is an IP address, or a name that always means this machine. Any other name may be that of
    another site, which lets it lead here (DNS rebinding)."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return is_loopback(host)
    return True
