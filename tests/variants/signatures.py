"""Bugs in checking signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence

import helpdesk.app
from flask import request
from helpdesk.signatures import SIGNED

from .model import WARNING, Helpdesk, variant

TIMESTAMP, SIGNATURE = "X-Chatwoot-Timestamp", "X-Chatwoot-Signature"
OLDEST = 300  # seconds


def checked_by(desk: Helpdesk, signed: Callable[[bytes, str], bool]) -> None:
    def checks(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]) -> bool:
        return signed(raw, secrets[0])

    desk.patch.setitem(SIGNED, "messagehub", checks)


def correct() -> Callable[[bytes, str], bool]:
    """How the helpdesk does it."""
    checks = SIGNED["messagehub"]
    return lambda raw, secret: checks(request.headers, raw, [secret])


def expected(raw: bytes, secret: str) -> str:
    message = request.headers.get(TIMESTAMP, "").encode() + b"." + raw
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def matches(raw: bytes, secret: str) -> bool:
    return hmac.compare_digest(expected(raw, secret).encode(), request.headers.get(SIGNATURE, "").encode())


def is_fresh() -> bool:
    timestamp = request.headers.get(TIMESTAMP, "")
    return timestamp.isdecimal() and abs(time.time() - int(timestamp)) < OLDEST


@variant("messagehub", "authenticates.wrong", "authenticates.missing", signed=True)
def any_signature(desk: Helpdesk) -> None:
    """Accepts any signature as long as there is one."""
    checked_by(desk, lambda raw, secret: SIGNATURE in request.headers and is_fresh())


@variant("messagehub", "authenticates.missing", signed=True)
def no_signature(desk: Helpdesk) -> None:
    """Accepts what is not signed at all."""
    signed = correct()
    checked_by(desk, lambda raw, secret: SIGNATURE not in request.headers or signed(raw, secret))


@variant("messagehub", "authenticates.stale", signed=True, severity=WARNING)
def any_age(desk: Helpdesk) -> None:
    """Accepts a signature however old it is, so that what was overheard can be sent again."""
    checked_by(desk, matches)


@variant("messagehub", "authenticates.replayed", signed=True)
def verified_once(desk: Helpdesk) -> None:
    """Remembers the signatures that were right, and does not verify them again, whatever they come with."""
    right: set[str] = set()

    def signed(raw: bytes, secret: str) -> bool:
        if request.headers.get(SIGNATURE) in right:
            return True
        if is_right := is_fresh() and matches(raw, secret):
            right.add(request.headers[SIGNATURE])
        return is_right

    checked_by(desk, signed)


@variant("messagehub", "authenticates.body_only", signed=True)
def time_not_signed(desk: Helpdesk) -> None:
    """Accepts signatures of an older form too, over the body without its time."""
    signed = correct()

    def either(raw: bytes, secret: str) -> bool:
        older = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        return older == request.headers.get(SIGNATURE) or signed(raw, secret)

    checked_by(desk, either)


@variant("messagehub", "authenticates.reserialised", signed=True)
def own_spelling(desk: Helpdesk) -> None:
    """Verifies the body as it would write it itself after parsing, not the bytes that came."""

    def signed(raw: bytes, secret: str) -> bool:
        try:
            raw = json.dumps(json.loads(raw), ensure_ascii=False, separators=(",", ":")).encode()
        except (ValueError, RecursionError):
            return False
        return is_fresh() and matches(raw, secret)

    checked_by(desk, signed)


@variant("messagehub", "authenticates.missing", signed=True)
def crashes_unsigned(desk: Helpdesk) -> None:
    """Crashes where the signature is missing."""
    signed = correct()

    def needs_header(raw: bytes, secret: str) -> bool:
        request.headers[SIGNATURE]
        return signed(raw, secret)

    checked_by(desk, needs_header)


@variant("messagehub", "authenticates.missing", signed=True, severity=WARNING)
def refused_with_400(desk: Helpdesk) -> None:
    """Answers 400 to a wrong signature."""
    abort = helpdesk.app.abort
    desk.patch.setattr(helpdesk.app, "abort", lambda code, text: abort(400 if code == 401 else code, text))
