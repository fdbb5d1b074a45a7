"""`authenticates`: the integration refuses wrong signatures and secrets, and accepts correct ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from vendorsim.checks.assertions import UNAUTHORIZED, as_it_is, expect_accepted, expect_unauthorized
from vendorsim.checks.context import Context, Exchange
from vendorsim.checks.forms import reordered
from vendorsim.checks.model import ERROR, WARNING, NotJudged
from vendorsim.checks.registry import check
from vendorsim.checks.signature_causes import SIGNATURE, VERIFY, diagnosis, signature_refused
from vendorsim.checks.stories import Sample
from vendorsim.core.clock import wall_clock
from vendorsim.core.event import Event
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.delivery.requests import STALE_SECONDS
from vendorsim.http.masking import is_secret
from vendorsim.vendorkit.signing import Signer

_AUTHENTIC = Stated(
    "What does not come from the vendor is refused with 401 or 403.",
    DOCUMENTED,
    "RFC 9110, 15.5.2 (401 Unauthorized) and 15.5.4 (403 Forbidden); that receivers verify: the vendor's scheme",
)
_OVER_ALL = Stated(
    "A signature is over all that its scheme names, and over the bytes as they came.",
    DOCUMENTED,
    "the signature scheme (vendorsim vendors NAME); Standard Webhooks specification (standardwebhooks.com)",
)
_FRESH = Stated(
    "A signed time that is minutes off is refused, so that nobody can send an old request again.",
    ASSUMED,
    "Standard Webhooks specification (standardwebhooks.com); the vendors publish no window",
)
# The cause of requests that are accepted without a right signature or secret.
_UNVERIFIED = frozenset({"unverified"})
_COMPARE = "Compute the signature yourself, compare in constant time, and answer 401 when it differs or is missing."


@check("authenticates.accepted", _AUTHENTIC, VERIFY)
async def accepts_the_right_one(context: Context) -> None:
    """Sends every event with a correct signature and the configured headers."""
    _signer_or_secrets(context)
    sent: dict[str, Exchange] = {}

    async def one(event: str) -> None:
        sent[event] = await _send(context, context.sample(event))

    await context.side_by_side([one(event) for event in context.events()])
    for event in context.events():
        if not context.accepted(sent[event]):
            await one(event)
        exchange = sent[event]
        context.note_plain(event, exchange)
        context.case(event)
        unauthorized = exchange.status in UNAUTHORIZED
        expect_accepted(
            context,
            event,
            exchange,
            f"a {event} with the right signature or secret",
            why=await diagnosis(context, event) if unauthorized else "",
            causes=SIGNATURE if unauthorized else as_it_is(exchange),
        )


@check("authenticates.missing", _AUTHENTIC, _COMPARE)
async def refuses_none(context: Context) -> None:
    """Sends events without a signature, with one of its headers missing or empty, and without the secret header."""
    signer, secrets = _signer_or_secrets(context)
    events = await context.taken()
    for event in events:
        sample = context.sample(event)
        for name in secrets:
            await _send_refused(context, sample, f"without {name}", headers={name: None})
        if signer is not None:
            await _send_refused(context, sample, "without a signature", {})
            if event == events[0]:
                for what, signature in _incomplete(signer, sample.event):
                    await _send_refused(context, sample, what, signature)


def _incomplete(signer: Signer, event: Event) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields correct signature headers, each time with one required header removed or emptied."""
    whole = signer.headers(event.id, _now(), event.body)
    for name, text in signer.scheme.headers.items():
        if "{signatures}" in text:
            yield f"with an empty {name}", {**whole, name: ""}
        if "{signatures}" in text or text in signer.scheme.message:
            yield f"without {name}", {key: value for key, value in whole.items() if key != name}


@check("authenticates.wrong", _AUTHENTIC, _COMPARE)
async def refuses_wrong_ones(context: Context) -> None:
    """Sends signatures by another secret, of another body and of random text, and another value of a secret header."""
    signer, secrets = _signer_or_secrets(context)
    events = await context.taken()
    for event in events:
        sample = context.sample(event)
        for name, value in secrets.items():
            await _send_refused(context, sample, f"with another {name}", headers={name: _other_value(value)})
        if signer is not None:
            await _send_refused(
                context, sample, "signed by another secret", _signed_by_another_secret(signer, sample.event)
            )
            if event == events[0]:
                for what, signature in _wrong_signatures(signer, sample.event):
                    await _send_refused(context, sample, what, signature)


def _signed_by_another_secret(signer: Signer, event: Event) -> dict[str, str]:
    return replace(signer, keys=(*(key + b"?" for key in signer.keys),)).headers(event.id, _now(), event.body)


def _wrong_signatures(signer: Signer, event: Event) -> Iterator[tuple[str, dict[str, str]]]:
    yield "with the signature of another body", signer.headers(event.id, _now(), event.body + b" ")
    for nonsense in ("nonsense", "0" * 64, "\u00e9\u00e8"):
        yield f"with the signature {nonsense[:12]}", signer.written(event.id, _now(), [nonsense])
    if "{timestamp}" in signer.scheme.message:
        right = signer.headers(event.id, _now(), event.body)
        timed = [name for name, text in signer.scheme.headers.items() if text == "{timestamp}"]
        yield "with a time that is no number", right | dict.fromkeys(timed, "yesterday")


@check("authenticates.stale", _FRESH, "Refuse signatures whose time is more than five minutes off.", WARNING)
async def refuses_old_ones(context: Context) -> None:
    """Sends a correct signature that is an hour old."""
    signer = _timed_signer(context)
    event = (await context.taken())[0]
    sample = context.sample(event)
    await _require_verified(context, signer, sample)
    signature = signer.headers(sample.event.id, _now() - STALE_SECONDS, sample.event.body)
    exchange = await context.send(sample.event, signature=signature)
    context.case(event)
    what = f"a {event} whose signature is an hour old"
    if context.accepted(exchange):
        _fail(context, event, exchange, f"{what} was accepted", WARNING)
    else:
        expect_unauthorized(context, event, exchange, what)


@check("authenticates.replayed", _OVER_ALL, "Verify each request by its own body, whatever was verified before.")
async def refuses_replayed_ones(context: Context) -> None:
    """Sends another body with the id, time and signature of an accepted delivery."""
    signer = _signer(context)
    event = (await context.taken())[0]
    first, other = context.sample(event), context.sample(event)
    await _require_verified(context, signer, first)
    signature = signer.headers(first.event.id, _now(), first.event.body)
    _require_accepted(context, await _send(context, first, signature=signature))
    exchange = await context.send(other.event, signature=signature)
    context.case(event)
    expect_unauthorized(context, event, exchange, f"a {event} with the signature of one that was accepted before")


@check("authenticates.body_only", _OVER_ALL, "Put the time (and id) that the scheme names in front of the body.")
async def refuses_body_only(context: Context) -> None:
    """Signs the body alone, where the scheme also signs an id or a time."""
    signer = _signer(context)
    if signer.scheme.message == ("{body}",):
        raise NotJudged("the scheme signs the body only")
    event = await _event(context)
    sample = context.sample(event)
    await _require_verified(context, signer, sample)
    over_body = replace(signer, scheme=replace(signer.scheme, message=("{body}",)))
    exchange = await _send(context, sample, signature=over_body.headers(sample.event.id, _now(), sample.event.body))
    context.case(event)
    if context.accepted(exchange):
        message = f"a {event} signed over its body alone was accepted: the integration verifies a signature over the"
        _fail(context, event, exchange, f"{message} body only", ERROR, signature_refused(context, event))
    else:
        expect_unauthorized(context, event, exchange, f"a {event} signed over its body alone")


@check("authenticates.reserialised", _OVER_ALL, "Verify the raw bytes, before anything parses them.")
async def verifies_raw_bytes(context: Context) -> None:
    """Sends a correctly signed body with whitespace, escapes and key order that no JSON library writes."""
    _signer(context)
    event = await _event(context)
    exchange = await _signed_form(context, event, unusual)
    context.case(event)
    if context.accepted(exchange):
        return
    if exchange.status not in UNAUTHORIZED:
        expect_accepted(context, event, exchange, f"a {event} with unusual spaces and escapes, correctly signed")
        return
    forms = [await _signed_form(context, event, form) for form in (context.encode, orjson.dumps, _python_json)]
    if not any(context.accepted(form) for form in forms):
        raise NotJudged("no signature is accepted, see authenticates.accepted")
    context.fail(
        event,
        f"a {event} that is correctly signed, but written with unusual spaces and escapes, was answered "
        f"{exchange.outcome()}: the integration verifies the re-serialised body, not the raw bytes",
        expected=context.expected_statuses(),
        found=exchange.outcome(),
        exchange=exchange,
        causes=signature_refused(context, event),
    )


def unusual(document: Any) -> bytes:
    """Serialises a document to valid JSON that no library would write: unusual whitespace, escapes and key order."""
    text = json.dumps(reordered(document), ensure_ascii=True, separators=(" ,  ", "  :\t"))
    return f"\n{text}\n".replace("/", "\\/").replace("<", "\\u003c").replace(">", "\\u003E").encode()


def _python_json(document: Any) -> bytes:
    return json.dumps(document).encode()


async def _signed_form(context: Context, event: str, form: Any) -> Exchange:
    """Sends a new event, correctly signed, with its body serialised by `form`."""
    sample = context.sample(event)
    return await _send(context, sample, form(sample.document))


async def _send(
    context: Context, sample: Sample, body: bytes | None = None, *, signature: Mapping[str, str] | None = None
) -> Exchange:
    await context.send_lead(sample)
    return await context.send(sample.event, body, signature=signature)


async def _send_refused(
    context: Context,
    sample: Sample,
    what: str,
    signature: Mapping[str, str] | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> None:
    """Sends the event with another signature or other headers (None removes one). The integration must refuse it."""
    event = sample.event
    if not context.takes(event.name, what):
        return
    exchange = await context.send(event, headers=headers, signature=signature)
    context.case(event.name)
    expect_unauthorized(context, event.name, exchange, f"a {event.name} {what}", what, causes=_UNVERIFIED)


async def _event(context: Context) -> str:
    """Returns an event that is accepted as it is. Without one, any: what these checks look for may be the reason."""
    try:
        return (await context.taken())[0]
    except NotJudged:
        return context.events()[0]


async def _require_verified(context: Context, signer: Signer, sample: Sample) -> None:
    """Raises NotJudged if a signature by another secret is accepted: then signatures are not verified at all."""
    if context.accepted(await context.send(sample.event, signature=_signed_by_another_secret(signer, sample.event))):
        raise NotJudged("any signature is accepted, see authenticates.wrong")


def _require_accepted(context: Context, exchange: Exchange) -> None:
    if not context.accepted(exchange):
        raise NotJudged(f"even a right signature is answered {exchange.outcome()}, see authenticates.accepted")


def _fail(
    context: Context,
    event: str,
    exchange: Exchange,
    message: str,
    severity: str,
    causes: frozenset[str] | None = None,
) -> None:
    expected, found = "401 or 403", exchange.outcome()
    context.fail(event, message, expected=expected, found=found, exchange=exchange, severity=severity, causes=causes)


def _signer_or_secrets(context: Context) -> tuple[Signer | None, Mapping[str, str]]:
    """Returns the signer and the configured secret headers. Raises NotJudged if there is neither."""
    destination = context.settings.destination
    event = context.sample(context.events()[0]).event
    secrets = {
        name: value for name, value in destination.headers_of(event).items() if is_secret(f"{name}: {value}".encode())
    }
    if not destination.signs and not secrets:
        raise NotJudged(
            "the vendor signs nothing here; give the secret that your integration asks for with --header, or a scheme "
            "with --policy signing=NAME and --secret-env NAME"
        )
    return destination.signer if destination.signs else None, secrets


def _signer(context: Context) -> Signer:
    destination = context.settings.destination
    signer = destination.signer
    if signer is None or not destination.signs:
        raise NotJudged("the vendor signs nothing here")
    return signer


def _timed_signer(context: Context) -> Signer:
    signer = _signer(context)
    if "{timestamp}" not in signer.scheme.message:
        raise NotJudged("the scheme signs no time")
    return signer


def _other_value(value: str) -> str:
    """Returns a different value of the same length, with the same first word (such as `Bearer`)."""
    first, space, rest = value.rpartition(" ")
    return first + space + "".join("x" if char != "x" else "y" for char in rest) if rest else "x"


def _now() -> int:
    return wall_clock() // 1000
