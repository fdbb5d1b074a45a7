"""How a vendor signs, as data: what is signed, and the headers that carry it.

`vendorsim.vendorkit.signing` makes signatures of it. The digest is always HMAC-SHA256.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vendorsim.core.provenance import Stated

_DELIVERIES = uuid.UUID("6f1d8e0a-94c3-4b7e-8a51-2d3c9be07f16")


def as_hex(digest: bytes) -> str:
    """A digest in lower-case hexadecimal."""
    return digest.hex()


def as_base64(digest: bytes) -> str:
    """A digest in standard base64, padded."""
    return base64.b64encode(digest).decode()


def as_it_is(delivery: str) -> str:
    """The id of a delivery as the journal has it."""
    return delivery


def as_uuid(delivery: str) -> str:
    """The id of a delivery in the form of a random UUID (version 4), always the same for the same delivery."""
    digest = bytearray(uuid.uuid5(_DELIVERIES, delivery).bytes)
    return str(uuid.UUID(bytes=bytes(digest), version=4))


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a delivery is signed. `message` is made of {id}, {timestamp}, {body} and what stands there as it is.

    `headers` are made of {id}, {timestamp} and {signatures}. `signatures` are the forms of the single signatures, one
    for each secret that counts at the time (of {signature}); a space stands between them, and a secret more than there
    are forms is refused. No forms: nothing is signed, and no secret is needed.
    `key` turns a secret's text into its bytes and may raise ValueError; `identity` writes the id of a delivery.
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
        """Whether there is anything to be signed with a secret."""
        return bool(self.signatures)
