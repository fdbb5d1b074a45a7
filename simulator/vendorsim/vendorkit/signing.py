"""Computes signatures. The schemes of all vendors are data, so one function serves them all.

Secrets come from the environment. They must not reach a log, the journal or a report.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from functools import cache

from msgspec import Struct

from vendorsim.core.errors import InputError, PackError
from vendorsim.core.provenance import DOCUMENTED, Stated
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.scheme import Scheme, as_base64


def _standard_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError(
            "is not base64 (with or without the prefix whsec_); `openssl rand -base64 24` makes one"
        ) from None


STANDARD = Scheme(
    title=Stated("Standard Webhooks, symmetric", DOCUMENTED, "standardwebhooks.com, specification"),
    message=("{id}", ".", "{timestamp}", ".", "{body}"),
    headers={
        "webhook-id": "{id}",
        "webhook-timestamp": "{timestamp}",
        "webhook-signature": "{signatures}",
    },
    encode=as_base64,
    signatures=("v1,{signature}", "v1,{signature}"),
    key=_standard_key,
)


def schemes() -> Mapping[str, Scheme]:
    """Every scheme by its name: Standard Webhooks, and those of the vendors. Raises PackError if two vendors have
    different schemes with the same name."""
    return _schemes(registry.names())


@cache
def _schemes(vendors: Sequence[str]) -> Mapping[str, Scheme]:
    found = {"standard-webhooks": STANDARD}
    for vendor in vendors:
        for name, scheme in registry.get(vendor).schemes.items():
            if found.setdefault(name, scheme) != scheme:
                package = registry.origin(vendor).package
                raise PackError(f"{package}: another vendor has a scheme '{name}', too; give it another name")
    return found


class Signer(Struct, frozen=True):
    """A scheme with its keys: the current key, and the others that are used in addition while secrets are rotated."""

    scheme: Scheme
    keys: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Signer({self.scheme!r})"  # without the keys

    def headers(self, delivery: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The signature headers of one attempt. `timestamp` is in seconds since 1970."""
        scheme = self.scheme
        identity = scheme.identity(delivery)
        parts = {"{id}": identity.encode(), "{timestamp}": str(timestamp).encode(), "{body}": body}
        message = b"".join(parts.get(part, part.encode()) for part in scheme.message)
        return self.written(
            delivery, timestamp, [scheme.encode(hmac.digest(key, message, "sha256")) for key in self.keys]
        )

    def written(self, delivery: str, timestamp: int, signatures: Sequence[str]) -> dict[str, str]:
        """The headers with the given signatures, which may be invalid."""
        scheme = self.scheme
        forms = zip(scheme.signatures, signatures, strict=False)
        values = {
            "id": scheme.identity(delivery),
            "timestamp": timestamp,
            "signatures": " ".join(form.format(signature=signature) for form, signature in forms),
        }
        return {name: text.format(**values) for name, text in scheme.headers.items()}


def signer(scheme: str, secrets: Sequence[str]) -> Signer:
    """The signer for a scheme's name and the texts of its secrets, the current one first.

    Raises InputError; its message does not contain the secrets.
    """
    known = schemes()[scheme]
    most = len(known.signatures)
    if len(secrets) > most:
        raise InputError(f"{scheme} signs with {most} secret{'s' if most > 1 else ''} at most, not with {len(secrets)}")
    try:
        keys = tuple(known.key(secret) for secret in secrets)
    except ValueError as error:
        raise InputError(f"{scheme}: the secret {error}") from None
    if not all(keys):
        raise InputError("the secret is empty")
    return Signer(known, keys)
