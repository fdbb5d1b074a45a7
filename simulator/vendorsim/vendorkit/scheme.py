"""How a vendor signs, as data: the signed message, and the headers with the signature.

`vendorsim.vendorkit.signing` computes the signatures. The digest is always HMAC-SHA256.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Mapping

from msgspec import Struct

from vendorsim.core.provenance import Stated

_UUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DELIVERIES = uuid.UUID("6f1d8e0a-94c3-4b7e-8a51-2d3c9be07f16")


def as_hex(digest: bytes) -> str:
    """A digest in lower-case hexadecimal."""
    return digest.hex()


def as_base64(digest: bytes) -> str:
    """A digest in standard base64, padded."""
    return base64.b64encode(digest).decode()


def as_it_is(delivery: str) -> str:
    """The id of a delivery, unchanged (as in the journal)."""
    return delivery


def as_uuid(delivery: str) -> str:
    """The id of a delivery in the form of a random UUID (version 4), always the same for the same delivery. A captured
    delivery has a UUID already."""
    if _UUID.fullmatch(delivery):
        return delivery
    digest = bytearray(uuid.uuid5(_DELIVERIES, delivery).bytes)
    return str(uuid.UUID(bytes=bytes(digest), version=4))


class Scheme(Struct, frozen=True):
    """How a delivery is signed. `message` are the parts of the signed text: {id}, {timestamp}, {body}, or fixed text.

    `headers` are templates with {id}, {timestamp} and {signatures}. `signatures` are templates with {signature}, one
    for each secret; the results are joined with spaces. More secrets than templates are refused. Without templates
    nothing is signed, and no secret is needed. `encode` turns a digest into text. `key` turns a secret's text into
    bytes and may raise ValueError. `identity` turns the id of a delivery into {id}.
    """

    title: Stated[str]
    message: tuple[str, ...]
    headers: Mapping[str, str]
    encode: Callable[[bytes], str] = as_hex
    signatures: tuple[str, ...] = ("{signature}",)
    key: Callable[[str], bytes] = str.encode
    identity: Callable[[str], str] = as_it_is

    @property
    def signs(self) -> bool:
        """Whether the scheme needs a secret."""
        return bool(self.signatures)
