"""Parses target URLs, and parses, checks and merges request headers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
# Python decodes bytes of an argument that are not UTF-8 to surrogates.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# The parts of a URL that may hold secrets: user and password, and the query.
_SECRETS = re.compile(r"(?<=//)[^?]*@|(?<=\?).+|^(?!\w+://)[^?]*@")
_FRAMING = {"content-length", "transfer-encoding", "connection", "expect"}
USER_AGENT = f"vendorsim/{__version__}"


class Endpoint(NamedTuple):
    """A parsed http or https URL.

    `authority` is the value of the Host header, `resource` the path and query, `shown` the URL without secrets,
    `credentials` the value of the Authorization header.
    """

    secure: bool
    host: str
    port: int
    authority: str
    resource: str
    shown: str
    credentials: str | None = None


def endpoint(url: str) -> Endpoint:
    """Parses a URL. Raises InputError that says what is wrong with it."""

    def wrong(reason: str) -> InputError:
        shown = _SECRETS.sub(lambda found: "***@" if found[0].endswith("@") else "***", url)
        return InputError(f"'{shown}' is not a URL to send to: {reason}; write it like http://localhost:8000/hook")

    if _UNSAFE.search(url):
        raise wrong("it holds a space or a control character")
    if _SURROGATE.search(url):
        raise wrong("it is not UTF-8")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise wrong(str(error)) from None
    if parts.scheme not in ("http", "https"):
        raise wrong("it starts with neither http:// nor https://")
    if not parts.hostname:
        raise wrong("it names no host")
    if port == 0:
        raise wrong("port 0 can't be sent to")
    secure = parts.scheme == "https"
    host = _ascii_host(parts.hostname)
    bracketed = f"[{host}]" if ":" in host else host
    default = 443 if secure else 80
    authority = bracketed if port in (None, default) else f"{bracketed}:{port}"
    resource = _ascii(parts.path or "/") + (f"?{_ascii(parts.query)}" if parts.query else "")
    credentials = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = "Basic " + base64.b64encode(pair.encode()).decode()
    shown = f"{parts.scheme}://{authority}{parts.path or '/'}"
    return Endpoint(secure, host, port or default, authority, resource, shown, credentials)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise InputError(f"'{host}' is not a host name") from None


def _ascii(text: str) -> str:
    """Percent-encodes the non-ASCII characters of a path or query. Existing escapes stay."""
    return "".join(char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in text)


def header(text: str) -> tuple[str, str]:
    """Parses `Name: value`. Returns name and value. Raises InputError."""
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon:
        raise InputError(f"'{text}' is not a header; write it like 'X-Api-Key: abc'")
    check_header(name, value)
    return name, value


def check_header(name: str, value: str) -> None:
    """Raises InputError for a header that can't be sent."""
    if not _TOKEN.fullmatch(name):
        raise InputError(f"'{name}' is not a header name")
    if _SURROGATE.search(value):
        raise InputError(f"the value of header '{name}' is not UTF-8")
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise InputError(f"the value of header '{name}' holds a line break or a control character")
    if name.lower() in _FRAMING:
        raise InputError(f"header '{name}' frames the request and is set by vendorsim")


def merged(*groups: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Merges headers. A later header replaces an earlier one of the same name, in any case."""
    found: dict[str, tuple[str, str]] = {}
    for group in groups:
        pairs = group.items() if isinstance(group, Mapping) else group
        for name, value in pairs:
            found[name.lower()] = (name, value)
    return dict(found.values())


def own_headers(target: Endpoint) -> dict[str, str]:
    """Returns the headers that vendorsim itself adds to a request; those of the event and the target replace them."""
    own = {"Host": target.authority, "User-Agent": USER_AGENT, "Accept": "*/*"}
    return own | ({"Authorization": target.credentials} if target.credentials else {})
