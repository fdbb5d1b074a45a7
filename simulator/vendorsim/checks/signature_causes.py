"""Why an integration refuses a right signature: which other signature it accepts instead.

Integrations often sign other bytes than the vendor does, or look for the signature under another header.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import product
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from vendorsim.checks.assertions import UNAUTHORIZED
from vendorsim.checks.context import Context
from vendorsim.core.clock import wall_clock
from vendorsim.core.event import Event
from vendorsim.http.masking import is_secret
from vendorsim.vendorkit.scheme import Scheme, as_base64, as_hex
from vendorsim.vendorkit.signing import Signer

MOST_TRIED = 60
# Headers that other senders use, and that integrations were copied from.
OTHER_HEADERS = ("X-Hub-Signature-256", "X-Signature", "X-Webhook-Signature", "X-Signature-SHA256", "Authorization")
# The cause of all findings about right signatures that are refused.
SIGNATURE = frozenset({"signature"})
VERIFY = "Compute the signature as the vendor does, over the raw bytes of the body."

_MESSAGES: Mapping[str, tuple[str, ...]] = {
    "over the body alone": ("{body}",),
    "over the time, a dot and the body": ("{timestamp}", ".", "{body}"),
    "over the time and the body, without a dot": ("{timestamp}", "{body}"),
    "over the id, the time and the body": ("{id}", ".", "{timestamp}", ".", "{body}"),
}
_ENCODINGS: Mapping[str, Callable[[bytes], str]] = {"in hexadecimal": as_hex, "in base64": as_base64}
_FORMS: Mapping[str, str] = {
    "without a prefix": "{signature}",
    "with the prefix sha256=": "sha256={signature}",
    "with the prefix v1,": "v1,{signature}",
}
_BODIES: Mapping[str, Callable[[Any], bytes]] = {
    "over the body written anew, with spaces": lambda body: json.dumps(body).encode(),
    "over the body written anew, without spaces": orjson.dumps,
    "over the body written anew, with its keys sorted": lambda body: json.dumps(body, sort_keys=True).encode(),
}


class _OtherSignature(Struct, frozen=True):
    """Another way to sign. `what` describes how it differs from the vendor's; `of` are the bytes signed as the body."""

    what: tuple[str, ...]
    signer: Signer
    of: Callable[[Any], bytes] | None = None


def signature_refused(context: Context, event: str) -> frozenset[str] | None:
    """Returns the cause of findings about signatures if even the right one of this event was refused, or None."""
    outcome = context.plain_outcomes.get(event)
    return SIGNATURE if outcome is not None and outcome in {str(status) for status in UNAUTHORIZED} else None


async def diagnosis(context: Context, event: str) -> str:
    """Returns why the right signature of this event was refused with 401 or 403, as the end of a sentence.

    It tries other ways to sign, those that differ least first. The result holds for the whole run.
    """
    known: dict[str, str] = context.settings.shared.setdefault("signature diagnosis", {})
    if "" not in known:
        known[""] = await _diagnosed(context, event)
    return known[""]


async def _diagnosed(context: Context, event: str) -> str:
    signer = context.settings.destination.signer
    if signer is None or not signer.scheme.signs:
        sent = context.sample(event).event
        secrets = [
            name
            for name, value in context.settings.destination.headers_of(sent).items()
            if is_secret(f"{name}: {value}".encode())
        ]
        if secrets:
            return f"; is the value of {' and '.join(secrets)} the one that it asks for?"
        return (
            "; it asks for a signature or a secret, and this run gives none: see --secret-env, --policy signing=NAME "
            "and --header"
        )
    tried = 0
    for way in _ways(signer):
        if tried == MOST_TRIED:
            break
        for names in ((), OTHER_HEADERS):
            tried += 1
            if await _takes(context, event, way, names):
                return await _explained(context, event, way, names)
    return (
        f"; it refuses {tried} other ways to sign, too: does it have the secret that --secret-env names, and "
        f"does it verify {_scheme_text(signer.scheme)}?"
    )


async def _explained(context: Context, event: str, way: _OtherSignature, names: tuple[str, ...]) -> str:
    what = list(way.what)
    for name in names:
        if await _takes(context, event, way, (name,)):
            what.append(f"in the header {name}")
            break
    signer = context.settings.destination.signer
    assert signer is not None
    return f"; it accepts a signature {' and '.join(what)}: the vendor signs {_scheme_text(signer.scheme)}"


def _scheme_text(scheme: Scheme) -> str:
    """Returns what a scheme signs and where the signature stands: `{timestamp}.{body}, in X-Signature`."""
    names = ", ".join(name for name, text in scheme.headers.items() if "{signatures}" in text)
    return f"{''.join(scheme.message)}, in {names} ({scheme.title.value})"


async def _takes(context: Context, event: str, way: _OtherSignature, names: tuple[str, ...]) -> bool:
    """Sends the event signed in another way, also under other header names. Returns whether it is accepted."""
    sample = context.sample(event)
    await context.send_lead(sample)
    headers = _headers(way, sample.event, sample.document)
    values = [headers[name] for name, text in way.signer.scheme.headers.items() if "{signatures}" in text]
    extra: dict[str, str | None] = dict.fromkeys(names, values[0] if values else "")
    exchange = await context.send(sample.event, headers=extra, signature=headers)
    context.case(event)
    return context.accepted(exchange) and exchange.status not in UNAUTHORIZED


def _headers(way: _OtherSignature, event: Event, document: Any) -> dict[str, str]:
    body = event.body if way.of is None else way.of(document)
    return way.signer.headers(event.id, wall_clock() // 1000, body)


def _ways(signer: Signer) -> Iterator[_OtherSignature]:
    """Yields ways to sign, those that differ least from the signer's first."""
    scheme = signer.scheme
    messages = {"": scheme.message, **{what: parts for what, parts in _MESSAGES.items() if parts != scheme.message}}
    encodings = {"": scheme.encode, **{what: way for what, way in _ENCODINGS.items() if way is not scheme.encode}}
    forms = {"": scheme.signatures, **{what: (form,) for what, form in _FORMS.items() if form not in scheme.signatures}}
    keys = {"": signer.keys, **dict(_other_keys(signer))}
    bodies: dict[str, Callable[[Any], bytes] | None] = {"": None, **_BODIES}
    found = [
        _OtherSignature(
            tuple(filter(None, (body, message, encoding, form, key))),
            replace(
                signer,
                keys=keys[key],
                scheme=replace(scheme, message=messages[message], encode=encodings[encoding], signatures=forms[form]),
            ),
            bodies[body],
        )
        for body, message, encoding, form, key in product(bodies, messages, encodings, forms, keys)
    ]
    yield from sorted(found, key=lambda way: len(way.what))


def _other_keys(signer: Signer) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Yields other readings of the secret."""
    first = signer.keys[0]
    with suppress(binascii.Error):
        yield "with the secret decoded from base64", (base64.b64decode(first, validate=True),)
    if signer.scheme.key is not str.encode:
        text = base64.b64encode(first)
        yield "with the secret as text", (text,)
        yield "with the secret as text with its prefix", (b"whsec_" + text,)
