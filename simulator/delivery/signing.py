"""Signatures, as data: one function, and a table of schemes.

Secrets come from the environment and stay here: they reach no log, journal or report.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.errors import InputError
from simulator.vendors.base import DOCUMENTED, RECONSTRUCTED, Stated

Encode = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a delivery is signed. `message` and `headers` are made of {id}, {timestamp}, {body} and {signature}.

    The digest is HMAC-SHA256; `key` turns the secret's text into its bytes and may raise ValueError.
    """

    title: Stated[str]
    message: tuple[str, ...]
    headers: Mapping[str, str]
    encode: Encode
    key: Callable[[str], bytes] = str.encode


def _hex(digest: bytes) -> str:
    return digest.hex()


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _standard_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("is not base64 (with or without the prefix whsec_)") from None


SCHEMES: dict[str, Scheme] = {
    "standard-webhooks": Scheme(
        title=Stated("Standard Webhooks, symmetric", DOCUMENTED, "standardwebhooks.com, specification"),
        message=("{id}", ".", "{timestamp}", ".", "{body}"),
        headers={
            "webhook-id": "{id}",
            "webhook-timestamp": "{timestamp}",
            "webhook-signature": "v1,{signature}",
        },
        encode=_base64,
        key=_standard_key,
    ),
    "chatwoot": Scheme(
        title=Stated("Chatwoot 4.11.2 and later", RECONSTRUCTED, "chatwoot/chatwoot v4.15.1, lib/webhooks/trigger.rb"),
        message=("{timestamp}", ".", "{body}"),
        headers={
            "X-Chatwoot-Delivery": "{id}",
            "X-Chatwoot-Timestamp": "{timestamp}",
            "X-Chatwoot-Signature": "sha256={signature}",
        },
        encode=_hex,
    ),
    "smartsupp": Scheme(
        title=Stated("Smartsupp event webhooks", DOCUMENTED, "docs.smartsupp.com, REST API, Webhooks"),
        message=("{body}",),
        headers={"X-Smartsupp-Hmac": "{signature}"},
        encode=_hex,
    ),
    "ccai": Scheme(
        title=Stated(
            "CCAI Platform chat webhooks, primary secret", DOCUMENTED, "docs.cloud.google.com, chat platform API guide"
        ),
        message=("{timestamp}", "{body}"),
        headers={"X-Signature": "primary={signature}", "X-Signature-Timestamp": "{timestamp}"},
        encode=_base64,
    ),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """A scheme with its key."""

    scheme: Scheme
    key: bytes

    def headers(self, delivery: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The signature headers of one attempt. `timestamp` is in seconds since 1970."""
        parts = {"{id}": delivery.encode(), "{timestamp}": str(timestamp).encode(), "{body}": body}
        message = b"".join(parts.get(part, part.encode()) for part in self.scheme.message)
        signature = self.scheme.encode(hmac.digest(self.key, message, "sha256"))
        values = {"id": delivery, "timestamp": timestamp, "signature": signature}
        return {name: text.format(**values) for name, text in self.scheme.headers.items()}


def signer(scheme: str, secret: str) -> Signer:
    """A signer from a scheme's name and the secret's text. Raises InputError; the secret stays out of it."""
    known = SCHEMES[scheme]
    try:
        key = known.key(secret)
    except ValueError as error:
        raise InputError(f"the secret {error}, as {scheme} demands") from None
    if not key:
        raise InputError("the secret is empty")
    return Signer(known, key)
