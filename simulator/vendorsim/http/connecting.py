"""Connects to a target: with or without TLS, and through a proxy if there is one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from vendorsim.core.errors import UnreachableError
from vendorsim.http.endpoint import Endpoint
from vendorsim.http.proxies import tunnel

P = TypeVar("P", bound=asyncio.BaseProtocol)


async def connected(
    protocol: Callable[[], P], target: Endpoint, tls: ssl.SSLContext | None, proxy: Endpoint | None, timeout: float
) -> P:
    """Opens a connection within `timeout` seconds and returns its protocol. Raises UnreachableError with the reason.

    `tls` is the context for an https target. Through a proxy, an http target has no tunnel: the connection is one to
    the proxy.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            if proxy is None:
                _, made = await loop.create_connection(protocol, target.host, target.port, ssl=tls)
            elif tls is None:
                _, made = await loop.create_connection(protocol, proxy.host, proxy.port)
            else:
                opened = await tunnel(proxy, target)
                _, made = await loop.create_connection(protocol, sock=opened, ssl=tls, server_hostname=target.host)
    except TimeoutError:
        reason = f"no connection within {timeout:g} s"
    except ssl.SSLCertVerificationError as error:
        reason = f"the certificate is not trusted: {error.verify_message}"
    except ssl.SSLError as error:
        reason = f"TLS failed: {error.reason or error}"
    except socket.gaierror as error:
        reason = f"the host name '{target.host}' can't be resolved: {error.strerror}"
    except OSError as error:
        reason = _reason(error)
    except UnicodeError as error:
        reason = f"'{target.host}' is not a host name: {error}"
    else:
        return made
    raise UnreachableError(reason)


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error)).lower()
