"""Where events may be sent that somebody asks for by an API: to this machine, and to hosts that are allowed by name.

Without this rule, whoever can call the API could have the server send requests anywhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import endpoint


def refusal(url: str, hosts: Collection[str] = ()) -> str | None:
    """Why no events may be sent to that URL, or None. `hosts` are host names and addresses that are allowed too."""
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
    """Whether a host name or address is always this machine: 127.0.0.0/8, ::1, localhost and names below it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        name = host.lower()
        return name == "localhost" or name.endswith(".localhost")
