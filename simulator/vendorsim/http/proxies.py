"""Sends through an HTTP proxy: https through a tunnel (CONNECT), http with the absolute URL in the request line."""

from __future__ import annotations

import asyncio
import socket

from msgspec.structs import replace

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import Endpoint, endpoint
from vendorsim.http.outgoing import Wire

_LARGEST_HEAD = 64 * 1024


def proxy(url: str) -> Endpoint:
    """Parses the URL of a proxy. Raises InputError."""
    found = endpoint(url)
    if found.secure:
        raise InputError(f"--proxy {found.shown}: the proxy itself is reached by http://, also for https targets")
    return found


def through(via: Endpoint, target: Endpoint, wire: Wire) -> Wire:
    """The request as the proxy `via` expects it for an http target: with the absolute URL in the request line."""
    method, _, rest = wire.parts[0].partition(b" ")
    line, separator, others = rest.partition(b"\r\n")
    first = b"%b http://%b%b%b%b%b" % (method, target.authority.encode(), line, separator, _credentials(via), others)
    return replace(wire, parts=(first, *wire.parts[1:]))


async def tunnel(via: Endpoint, target: Endpoint) -> socket.socket:
    """Opens a connection to the target through the proxy `via`. Raises OSError when the proxy refuses."""
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (await loop.getaddrinfo(via.host, via.port, type=socket.SOCK_STREAM))[0]
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)
    try:
        await loop.sock_connect(opened, address)
        authority = f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"
        request = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n".encode() + _credentials(via) + b"\r\n"
        await loop.sock_sendall(opened, request)
        head = b""
        while b"\r\n\r\n" not in head:
            data = await loop.sock_recv(opened, 4_096)
            if not data or len(head) > _LARGEST_HEAD:
                raise OSError("the proxy closed the connection")
            head += data
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            answer = status[0].decode("latin-1") if status else "nothing"
            raise OSError(f"the proxy answered {answer}")
    except BaseException:
        opened.close()
        raise
    return opened


def _credentials(via: Endpoint) -> bytes:
    return f"Proxy-Authorization: {via.credentials}\r\n".encode() if via.credentials else b""
