"""Masks secrets in requests and answers before they are stored or shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from urllib.parse import parse_qsl

MASK = b"***"
# Headers whose names say that their values are secret.
_SECRET = re.compile(rb"(?im)^([^:\r\n]*(?:auth|cookie|token|secret|key|passw|credential)[^:\r\n]*:[ \t]*)([^\r\n]*)")
# Names of fields: `key` and `auth` alone say too little there.
_SECRET_NAME = rb"[\w.-]{0,64}(?:token|secret|passw|credential|api_?key|authorization)[\w.-]{0,64}"
_JSON_SECRET = re.compile(rb'(?i)("' + _SECRET_NAME + rb'"\s*:\s*)"(?:[^"\\]|\\.)*"')
_FORM_SECRET = re.compile(rb"(?i)((?:^|&)" + _SECRET_NAME + rb"=)[^&\s]+")
_QUERY = re.compile(rb"\?(\S*)")
# Values under 4 bytes match everywhere; don't search for them.
_SHORTEST = 4


def is_secret(line: bytes) -> bool:
    """Returns whether a header line (`Name: value`) holds a secret."""
    return _SECRET.match(line) is not None


@lru_cache(maxsize=1_024)
def masked(head: bytes) -> tuple[bytes, frozenset[bytes]]:
    """Masks the secrets in the head of a request: the values of secret headers, and the query of the URL.

    Returns the masked head and the secrets. Cached: heads without a signature differ only in Content-Length.
    """
    line, separator, rest = head.partition(b"\r\n")
    found = {value for _, value in _SECRET.findall(rest)}
    found |= {value.split(b" ")[-1] for value in found}
    query = _QUERY.search(line)
    if query is not None:
        found |= {query[1]} | {value.encode() for _, value in parse_qsl(query[1].decode("latin-1"))}
        line = _QUERY.sub(b"?" + MASK, line)
    if found:
        rest = _SECRET.sub(rb"\g<1>" + MASK, rest)
    return line + separator + rest, frozenset(value for value in found if len(value) >= _SHORTEST)


def without(secrets: Collection[bytes], data: bytes) -> bytes:
    """Masks secrets in data, the longest first: an integration may echo the request in its answer."""
    if not secrets:
        return data
    for secret in sorted(secrets, key=len, reverse=True):
        data = data.replace(secret, MASK)
    return data


def without_secret_members(data: bytes) -> bytes:
    """Masks the values of fields of JSON and of forms whose names say that they are secret: passwords and tokens, which
    an API also takes and gives in bodies."""
    return _FORM_SECRET.sub(rb"\g<1>" + MASK, _JSON_SECRET.sub(rb'\g<1>"' + MASK + b'"', data))


def answer_headers(headers: Iterable[tuple[str, str]], secrets: Iterable[bytes]) -> list[tuple[str, str]]:
    """Masks the headers of an answer: its own secrets (cookies, for example) and `secrets`, those of the request."""
    known = tuple(secrets)
    return [
        (name, MASK.decode() if is_secret(f"{name}: ".encode()) else without(known, value.encode()).decode())
        for name, value in headers
    ]
