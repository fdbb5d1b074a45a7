"""Signed requests with the verdict that a verifier has to reach, for each signature scheme. Pure and fixed.

They are made with the same `Signer` that signs deliveries. All keys and times in them are made up.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from vendorsim.vendorkit.scheme import Scheme, as_base64, as_hex
from vendorsim.vendorkit.signing import Signer

FORMAT = 1
# 2026-01-05T10:00:00Z, in seconds since 1970, and how far a timestamp may be off.
NOW, TOLERANCE = 1_767_607_200, 300
_DELIVERY = "evt-0-0-1-0"
_CONTENT = {"type": "message", "id": 4711, "text": "Grüße & <ok> – 50 % 🙂", "url": "https://example.com/a?b=1&c=2"}
_BODY = json.dumps(_CONTENT, ensure_ascii=False, separators=(",", ":"))
_WRITTEN_ANEW = json.dumps(_CONTENT)
_OTHER_BODY = _BODY.replace("4711", "4712")
_TEXTS = ("current secret of the vectors", "previous secret of the vectors", "secret of somebody else")
_ENCODINGS: dict[Callable[[bytes], str], str] = {as_hex: "hex", as_base64: "base64"}
_OTHER_ENCODING: dict[Callable[[bytes], str], Callable[[bytes], str]] = {as_hex: as_base64, as_base64: as_hex}


class SignatureVector(Struct, frozen=True):
    """One request. `secrets` are those that the verifier knows, `now` is its time in seconds since 1970."""

    name: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    body: str
    valid: bool
    reason: str

    def document(self, scheme: str) -> dict[str, Any]:
        """Returns the vector as a JSON document. The body is text, to be taken as UTF-8."""
        return {
            "scheme": scheme,
            "name": self.name,
            "secrets": list(self.secrets),
            "now": NOW,
            "headers": dict(self.headers),
            "body": self.body,
            "valid": self.valid,
            "reason": self.reason,
        }


def vectors_document(schemes: Mapping[str, Scheme]) -> dict[str, Any]:
    """Returns the document of `vendorsim export vectors` for the schemes, by name."""
    return {
        "format": FORMAT,
        "tolerance_seconds": TOLERANCE,
        "schemes": {name: _scheme_document(scheme) for name, scheme in schemes.items()},
        "vectors": [vector.document(name) for name, scheme in schemes.items() for vector in vectors(scheme)],
    }


def _scheme_document(scheme: Scheme) -> dict[str, Any]:
    return {
        "title": scheme.title.value,
        "provenance": scheme.title.provenance,
        "source": scheme.title.source,
        "algorithm": "HMAC-SHA256",
        "signed": list(scheme.message),
        "headers": dict(scheme.headers),
        "signatures": list(scheme.signatures),
        "encoding": _ENCODINGS.get(scheme.encode, "other"),
        "key": "UTF-8 bytes of the secret"
        if scheme.key is str.encode
        else "base64, after the prefix whsec_ if it is there",
    }


def vectors(scheme: Scheme) -> Iterator[SignatureVector]:
    """Yields the vectors of a scheme that signs. Names are unique; a kind that the scheme can't have is left out."""
    maker = _Maker(scheme)
    yield from maker.keys()
    yield from maker.bodies()
    yield from maker.header_forms()
    if "{timestamp}" in scheme.message:
        yield from maker.times()
    if "{id}" in scheme.message:
        yield from maker.ids()


class _Maker:
    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._current, self._previous, self._foreign = (_secret(scheme, text) for text in _TEXTS)
        templates = scheme.headers.items()
        self._signature_header = next(name for name, template in templates if "{signatures}" in template)

    def _signed(self, *secrets: str, body: str = _BODY, at: int = NOW, delivery: str = _DELIVERY) -> dict[str, str]:
        """Returns the headers of a body that is signed with these secrets."""
        signer = Signer(self._scheme, tuple(self._scheme.key(secret) for secret in secrets))
        return {"Content-Type": "application/json", **signer.headers(delivery, at, body.encode())}

    def _vector(
        self,
        name: str,
        valid: bool,
        reason: str,
        headers: Mapping[str, str],
        *,
        body: str = _BODY,
        secrets: Sequence[str] = (),
    ) -> SignatureVector:
        return SignatureVector(name, tuple(secrets or (self._current,)), headers, body, valid, reason)

    def keys(self) -> Iterator[SignatureVector]:
        """Right and wrong secrets, and those of a rotation."""
        both = (self._current, self._previous)
        yield self._vector("valid", True, "signed with the secret", self._signed(self._current))
        yield self._vector("wrong-key", False, "signed with another secret", self._signed(self._foreign))
        yield self._vector(
            "rotation-old-key",
            True,
            "signed with the previous secret, which the receiver still knows",
            self._signed(self._previous),
            secrets=both,
        )
        yield self._vector(
            "rotation-wrong-key", False, "signed with neither secret", self._signed(self._foreign), secrets=both
        )
        if len(self._scheme.signatures) < 2:
            return
        for name, secret in (("current", self._current), ("previous", self._previous)):
            yield self._vector(
                f"two-signatures-{name}-known",
                True,
                f"signed with both secrets, of which the receiver knows the {name} one",
                self._signed(*both),
                secrets=(secret,),
            )
        yield self._vector(
            "two-signatures-none-known",
            False,
            "signed with two secrets, of which the receiver knows none",
            self._signed(*both),
            secrets=(self._foreign,),
        )

    def bodies(self) -> Iterator[SignatureVector]:
        """Bodies that are not the signed ones."""
        headers = self._signed(self._current)
        yield self._vector(
            "other-body", False, "the body has another id than the signed one", headers, body=_OTHER_BODY
        )
        yield self._vector(
            "reserialised-body",
            False,
            "the same JSON written anew, with spaces and escapes: other bytes than the signed ones",
            headers,
            body=_WRITTEN_ANEW,
        )
        yield self._vector(
            "line-feed-added", False, "a line feed was added to the signed body", headers, body=f"{_BODY}\n"
        )
        yield self._vector(
            "reserialised-and-signed",
            True,
            "another way to write the same JSON, and signed as it is: the bytes count",
            self._signed(self._current, body=_WRITTEN_ANEW),
            body=_WRITTEN_ANEW,
        )

    def header_forms(self) -> Iterator[SignatureVector]:
        """Other spellings of header names and values, and what is missing."""
        name = self._signature_header
        headers = self._signed(self._current)
        for case, change in (("lower", str.lower), ("upper", str.upper)):
            spelled = {change(header): value for header, value in headers.items()}
            yield self._vector(f"{case}-case-headers", True, "names of headers have no case (RFC 9110, 5.1)", spelled)
        missing = {header: value for header, value in headers.items() if header != name}
        yield self._vector("missing-signature", False, f"there is no {name}", missing)
        yield self._vector("empty-signature", False, f"{name} is empty", {**headers, name: ""})
        yield self._vector(
            "truncated-signature", False, "the end of the signature is missing", {**headers, name: headers[name][:-8]}
        )
        prefix = self._scheme.signatures[0].partition("{signature}")[0]
        if prefix:
            yield self._vector(
                "missing-prefix",
                False,
                f"the signature lacks its prefix {prefix}",
                {**headers, name: headers[name].replace(prefix, "", 1)},
            )
        other = _OTHER_ENCODING.get(self._scheme.encode)
        if other is not None:
            reread = _decoded(headers[name].replace(prefix, "", 1), self._scheme)
            template = self._scheme.signatures[0]
            written = self._scheme.headers[name].format(signatures=template.format(signature=other(reread)))
            yield self._vector(
                "other-encoding", False, f"the signature is written in {_ENCODINGS[other]}", {**headers, name: written}
            )

    def times(self) -> Iterator[SignatureVector]:
        """Times that are too far off, and a time that is not the signed one."""
        name = next(header for header, template in self._scheme.headers.items() if template == "{timestamp}")
        stale = self._signed(self._current, at=NOW - 2 * TOLERANCE)
        yield self._vector("stale", False, f"signed {2 * TOLERANCE} seconds ago: it may be replayed", stale)
        yield self._vector(
            "from-the-future",
            False,
            f"signed {2 * TOLERANCE} seconds from now",
            self._signed(self._current, at=NOW + 2 * TOLERANCE),
        )
        yield self._vector("a-minute-old", True, "signed 60 seconds ago", self._signed(self._current, at=NOW - 60))
        yield self._vector(
            "replaced-timestamp", False, "an old signature with the time of now", {**stale, name: str(NOW)}
        )
        missing = {header: value for header, value in self._signed(self._current).items() if header != name}
        yield self._vector("missing-timestamp", False, f"there is no {name}", missing)
        yield self._vector(
            "unreadable-timestamp", False, f"{name} is not a number", {**self._signed(self._current), name: "now"}
        )

    def ids(self) -> Iterator[SignatureVector]:
        """An id that is not the signed one."""
        name = next(header for header, template in self._scheme.headers.items() if template == "{id}")
        headers = self._signed(self._current)
        yield self._vector("other-id", False, "the id is not the signed one", {**headers, name: "evt-0-0-2-0"})


def _secret(scheme: Scheme, text: str) -> str:
    """Returns the text as a secret that the scheme can read."""
    return text if scheme.key is str.encode else f"whsec_{base64.b64encode(text.encode()).decode()}"


def _decoded(signature: str, scheme: Scheme) -> bytes:
    return bytes.fromhex(signature) if scheme.encode is as_hex else base64.b64decode(signature)
