"""Sending through an HTTP proxy, where the user asks for one: https by a tunnel (CONNECT), http by the whole URL."""

from __future__ import annotations

import asyncio
import socket

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import Endpoint, endpoint
from vendorsim.http.outgoing import Wire

_LARGEST_HEAD = 64 * 1024


def proxy(url: str) -> Endpoint:
    """A proxy from its URL. Raises InputError."""
    place = endpoint(url)
    if place.secure:
        raise InputError(f"--proxy {place.shown}: the proxy itself is reached by http://, also for https targets")
    return place


def through(place: Endpoint, target: Endpoint, wire: Wire) -> Wire:
    """The request as a proxy takes it for an http target: its first line names the whole URL."""
    method, _, rest = wire.parts[0].partition(b" ")
    line, separator, others = rest.partition(b"\r\n")
    first = b"%b http://%b%b%b%b%b" % (method, target.authority.encode(), line, separator, _credentials(place), others)
    return wire._replace(parts=(first, *wire.parts[1:]))


async def tunnel(place: Endpoint, target: Endpoint) -> socket.socket:
    """A connection through the proxy to the target. Raises OSError when the proxy refuses."""
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, address = (await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM))[0]
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)
    try:
        await loop.sock_connect(opened, address)
        there = f"[{target.host}]:{target.port}" if ":" in target.host else f"{target.host}:{target.port}"
        ask = f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n".encode() + _credentials(place) + b"\r\n"
        await loop.sock_sendall(opened, ask)
        head = b""
        while b"\r\n\r\n" not in head:
            data = await loop.sock_recv(opened, 4_096)
            if not data or len(head) > _LARGEST_HEAD:
                raise OSError("the proxy closed the connection")
            head += data
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            told = status[0].decode("latin-1") if status else "nothing"
            raise OSError(f"the proxy answered {told}")
    except BaseException:
        opened.close()
        raise
    return opened


def _credentials(place: Endpoint) -> bytes:
    return f"Proxy-Authorization: {place.credentials}\r\n".encode() if place.credentials else b""
