"""Opens the listening socket of a server, and builds the URL of the server."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from vendorsim.core.errors import UnreachableError


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Opens a listening socket. Port 0 picks a free port. `option` is the one that chooses the port. Raises
    UnreachableError when the address can't be used."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"--host '{host}' is no address of this machine") from error
    try:
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} on {host} is in use; choose another with {option}"
        else:
            message = f"port {port} on {host} can't be used: {os.strerror(error.errno or 0)}"
        raise UnreachableError(message) from error


def url(host: str, port: int) -> str:
    """Returns the URL that reaches a server from this machine: loopback where it listens on all addresses."""
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
