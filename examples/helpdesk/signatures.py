"""Verifies signatures: one function per vendor that signs.

Each takes the headers, the raw body, and the valid secrets (two while a secret is rotated). It returns whether the
signature is valid, and raises no error, whatever the headers are.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

OLDEST = 300  # seconds
_UNIX_SECONDS = re.compile("[0-9]{1,11}")


def messagehub(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]) -> bool:
    """Chatwoot, on which MessageHub is built: `sha256=<hex>` over `<timestamp>.<body>`."""
    timestamp = headers.get("X-Chatwoot-Timestamp", "")
    given = [headers.get("X-Chatwoot-Signature", "")]
    message = _bytes(timestamp) + b"." + raw
    return _is_recent(timestamp) and _any_equal(given, ("sha256=" + _digest(key, message).hex() for key in secrets))


def smartsupp(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]) -> bool:
    """Smartsupp's event webhooks: lower-case hex over the body. No time is signed, so old requests stay valid."""
    return _any_equal([headers.get("X-Smartsupp-Hmac", "")], (_digest(key, raw).hex() for key in secrets))


def ccai(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]) -> bool:
    """CCAI Platform: `primary=<base64> secondary=<base64>`, or only the first, over timestamp and body.

    It signs with both secrets during a rotation, so one valid signature is enough. The format of the timestamp is not
    documented, so its age is checked only if it is a number of seconds.
    """
    timestamp = headers.get("X-Signature-Timestamp", "")
    if not timestamp or (_UNIX_SECONDS.fullmatch(timestamp) and not _is_recent(timestamp)):
        return False
    parts = [part.partition("=") for part in headers.get("X-Signature", "").split()]
    given = [signature for name, _, signature in parts if name in ("primary", "secondary")]
    message = _bytes(timestamp) + raw
    return _any_equal(given, [base64.b64encode(_digest(key, message)).decode() for key in secrets])


SIGNED: dict[str, Callable[[Mapping[str, str], bytes, Sequence[str]], bool]] = {
    "messagehub": messagehub,
    "smartsupp": smartsupp,
    "ccai": ccai,
}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _is_recent(timestamp: str) -> bool:
    return _UNIX_SECONDS.fullmatch(timestamp) is not None and abs(time.time() - int(timestamp)) <= OLDEST


def _any_equal(given: Sequence[str], expected: Iterable[str]) -> bool:
    """Compares in constant time, so that nobody can guess a signature character by character."""
    return any(hmac.compare_digest(_bytes(one), _bytes(right)) for right in expected for one in given)
