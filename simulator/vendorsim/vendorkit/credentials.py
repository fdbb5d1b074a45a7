"""The credentials of a call: `Authorization: Bearer <token>`, or Basic with a subdomain and the token."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from dataclasses import dataclass, field
from functools import lru_cache

BEARER, BASIC = "bearer", "basic"
_FORM = re.compile(r"(bearer|basic) +([!-~]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Well-formed credentials. `subdomain` is empty for a bearer token; the secret is never shown."""

    kind: str
    subdomain: bytes = field(repr=False)
    token: bytes = field(repr=False)

    def matches(self, token: str | None) -> bool:
        """Whether the token is that one. None accepts any token. Takes the same time for every wrong token."""
        return token is None or hmac.compare_digest(self.token, token.encode())

    @property
    def customer(self) -> bytes:
        """The customer that the rate limit is for: the subdomain, or the token."""
        return self.subdomain or self.token


@lru_cache(maxsize=256)
def read(header: str | None) -> Credentials | None:
    """The credentials of an `Authorization` header; None if it is missing or malformed. Cached, since a client sends
    the same header with every call."""
    match = _FORM.fullmatch((header or "").strip(" \t"))
    if match is None:
        return None
    scheme, secret = match[1].lower(), match[2]
    if scheme == BEARER:
        return Credentials(BEARER, b"", secret.encode())
    try:
        subdomain, _, token = b64decode(secret, validate=True).partition(b":")
    except binascii.Error:
        return None
    return Credentials(BASIC, subdomain, token) if subdomain and token else None
