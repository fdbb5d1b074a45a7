"""Where a server listens, and where it is reached."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from vendorsim.core.errors import UnreachableError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises UnreachableError when the address can't be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"--host '{host}' is no address of this machine") from error
    try:
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} on {host} is in use; choose another with --port"
        else:
            message = f"port {port} on {host} can't be used: {os.strerror(error.errno or 0)}"
        raise UnreachableError(message) from error


def url(host: str, port: int) -> str:
    """Where a server that listens there is reached from this machine."""
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
