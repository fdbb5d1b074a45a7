"""The webhooks of a capture as a sequence: the event, the conversation and the time of each, and which are retries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.exchange import CapturedExchange, Direction, Headers
from vendorsim.captures.places import IdPlaces, Place, id_places, place_of, values
from vendorsim.core.errors import InputError
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.signing import STANDARD
from vendorsim.vendorkit.vendor import Vendor

# A sequence is kept in memory: its order is that of the times, and ids are looked up in all of it.
MOST_EVENTS = 100_000
MOST_BYTES = 512 * 1024 * 1024
UNIDENTIFIED = "unidentified"
"""The name of an event that neither the capture nor the profile names."""
REST = "the rest"
"""Stands for the conversation of the events that name none."""
# Milliseconds between two events of a capture without times.
PAUSE = 1_000
# What belongs to a connection or to a hop of it (RFC 9110, 7.6.1), and what describes the body as it was encoded.
_OF_THE_HOP = re.compile(
    r"host|content-length|content-encoding|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|"
    r"http2-settings|expect|:.*"
)
# What proxies, tunnels and hosts put between the vendor and the integration.
_OF_PROXIES = re.compile(
    r"x-forwarded-.*|forwarded|via|x-real-ip|x-client-ip|true-client-ip|x-original-.*|x-envoy-.*|x-request-start|"
    r"x-amzn-.*|x-amz-cf-.*|cf-.*|cdn-loop|x-cloud-trace-context|x-appengine-.*|x-goog-.*|ngrok-.*|x-ngrok-.*|"
    r"x-azure-.*|x-arr-.*|x-vercel-.*|x-nf-.*|fly-.*|x-heroku-.*|x-hookdeck-.*|x-smee-.*|x-localtunnel-.*"
)


class CapturedEvent(Struct, frozen=True):
    """One webhook of a capture. `at` is in milliseconds since 1970. `document` is the body as JSON, None if it is not.

    `headers` are the vendor's own: those of hops and proxies are left out. `delivery` is the id of the delivery, if a
    header has one; `status` that of the captured answer. `retries` is the position of the event that it delivers again.
    """

    place: str
    at: int
    event: str
    conversation: str
    method: str
    headers: Headers
    body: bytes
    document: Any
    delivery: str | None = None
    status: int | None = None
    retries: int | None = None


class CapturedSequence(Struct, frozen=True):
    """The webhooks of a capture, in the order of their times. `left_out` are the header names that were left out,
    `calls` the calls of the integration, `unusable` says of other exchanges why they are left out. `timeless` says that
    the capture has no times, `headless` how many webhooks have no captured headers: they have those of the profile.
    """

    events: tuple[CapturedEvent, ...]
    calls: tuple[CapturedExchange, ...] = ()
    unusable: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    timeless: bool = False
    headless: int = 0

    def conversations(self) -> dict[str, list[int]]:
        """The positions of the events of each conversation, in the order in which the conversations begin."""
        found: dict[str, list[int]] = {}
        for position, event in enumerate(self.events):
            found.setdefault(event.conversation, []).append(position)
        return found


def sequence(exchanges: Iterable[CapturedExchange], vendor: Vendor, profile: Profile) -> CapturedSequence:
    """The webhooks of a capture of this vendor. Raises InputError if there is none, or if they are too many."""
    reader = _Reader(profile, delivery_headers(vendor))
    for exchange in exchanges:
        reader.take(exchange)
    return reader.finish()


def delivery_headers(vendor: Vendor) -> frozenset[str]:
    """The headers, in lower case, that carry the id of a delivery in one of the vendor's signature schemes."""
    schemes = (STANDARD, *vendor.schemes.values())
    return frozenset(name.lower() for scheme in schemes for name, text in scheme.headers.items() if text == "{id}")


def vendors_own(headers: Headers) -> tuple[Headers, list[str]]:
    """The headers that the vendor sent, and the names of those that are left out: of hops and of proxies."""
    kept: dict[str, tuple[str, str]] = {}
    left_out: list[str] = []
    for name, value in headers:
        key = name.lower()
        if _OF_THE_HOP.fullmatch(key) or _OF_PROXIES.fullmatch(key):
            left_out.append(key)
        elif key in kept:
            kept[key] = (kept[key][0], f"{kept[key][1]}, {value}")
        else:
            kept[key] = (name, value)
    return tuple(kept.values()), left_out


class _Reader:
    def __init__(self, profile: Profile, delivery_headers: frozenset[str]) -> None:
        self._profile = profile
        self._places = id_places(profile)
        self._delivery_headers = delivery_headers
        self._events: list[CapturedEvent] = []
        self._named: list[str | None] = []
        self._calls: list[CapturedExchange] = []
        self._unusable: list[str] = []
        self._left_out: dict[str, None] = {}
        self._bytes = 0
        self._timed = 0
        self._headless = 0

    def take(self, exchange: CapturedExchange) -> None:
        if exchange.direction is Direction.CALL:
            self._calls.append(exchange)
            return
        if exchange.problem is not None:
            self._unusable.append(f"{exchange.place}: {exchange.problem}")
            return
        self._bytes += len(exchange.body)
        if len(self._events) >= MOST_EVENTS or self._bytes > MOST_BYTES:
            raise InputError(
                f"{exchange.place}: a capture of up to {MOST_EVENTS:,} webhooks and {MOST_BYTES // 1024 // 1024} MiB "
                "can be replayed, and this one is larger; split it into files of whole conversations"
            )
        document = _document(exchange.body)
        event = exchange.event or self._profile.identify(document) or UNIDENTIFIED
        headers, left_out = vendors_own(exchange.headers)
        self._left_out |= dict.fromkeys(left_out)
        if not exchange.headers:  # No request is without any: a log of bodies.
            headers, self._headless = tuple(self._profile.headers.items()), self._headless + 1
        delivery = next((value for name, value in headers if name.lower() in self._delivery_headers), None)
        at = self._events[-1].at + PAUSE if self._events else 0
        if exchange.at is not None:
            at, self._timed = int(exchange.at.timestamp() * 1000 + 0.5), self._timed + 1
        status = None if exchange.answer is None else exchange.answer.status
        method = exchange.method or "POST"
        self._events.append(
            CapturedEvent(exchange.place, at, event, "", method, headers, exchange.body, document, delivery, status)
        )
        self._named.append(exchange.conversation)

    def finish(self) -> CapturedSequence:
        events = self._events
        if not events:
            reason = f" ({self._unusable[0]})" if self._unusable else ""
            raise InputError(f"the capture holds no webhook{reason}")
        names = _conversations(events, self._named, self._places)
        events = [replace(event, conversation=name) for event, name in zip(events, names, strict=True)]
        timeless = self._timed < len(events)
        if not self._timed:
            events = _by_bodies(events)
        if not timeless:
            events.sort(key=lambda event: event.at)
        elif self._timed:
            events = _after_each_other(events)
        return CapturedSequence(
            tuple(_with_retries(events)),
            tuple(self._calls),
            tuple(self._unusable),
            tuple(sorted(self._left_out)),
            timeless,
            self._headless,
        )


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _after_each_other(events: list[CapturedEvent]) -> list[CapturedEvent]:
    """The events in their order, for captures of which only some have times: no event is before the one above it."""
    found: list[CapturedEvent] = []
    for event in events:
        found.append(replace(event, at=max(event.at, found[-1].at)) if found else event)
    return found


def _by_bodies(events: list[CapturedEvent]) -> list[CapturedEvent]:
    """The events at the newest times in their bodies; one without it follows the one before. The order stays."""
    newest = [times.newest(event.document) for event in events]
    at = next((at for at in newest if at is not None), None)
    if at is None:
        return events
    found: list[CapturedEvent] = []
    for event, told in zip(events, newest, strict=True):
        at = max(at, told) if told is not None else at + PAUSE * bool(found)
        found.append(replace(event, at=at))
    return found


def _conversations(events: list[CapturedEvent], named: list[str | None], places: Mapping[str, IdPlaces]) -> list[str]:
    """The conversation of each event: what the capture says, else what the body names, else that of the nearest event
    with one of its ids, else `REST`."""
    everywhere = dict.fromkeys(place for known in places.values() for place in known.conversation[:1])
    found: list[str | None] = []
    for event, name in zip(events, named, strict=True):
        known = places.get(event.event)
        candidates = () if known is None else known.conversation
        found.append(name if name is not None else conversation_in(event.document, candidates))
    told = frozenset(found)
    for position, event in enumerate(events):
        # An event that the profile does not know may name a conversation that another one has named.
        if found[position] is None and event.event not in places:
            guess = conversation_in(event.document, tuple(everywhere))
            found[position] = guess if guess in told else None
    by_id: dict[Any, list[int]] = {}
    ids: dict[int, set[Any]] = {}
    for position, event in enumerate(events):
        held = {value for path, value in ids_in(event, places) if isinstance(value, int | str) and len(str(value)) > 1}
        if found[position] is None:
            ids[position] = held
        else:
            for value in held:
                by_id.setdefault(value, []).append(position)
    for position, held in ids.items():
        near = [other for value in held for other in by_id.get(value, ())]
        if near:
            # An event from before the start belongs to the conversation that begins next.
            nearest = min(near, key=lambda other: (abs(other - position), other < position))
            found[position] = found[nearest]
    return [REST if name is None else name for name in found]


def ids_in(event: CapturedEvent, places: Mapping[str, IdPlaces]) -> list[tuple[tuple[str | int, ...], Any]]:
    """The ids in a body that belong to one conversation, each with its path."""
    known = places.get(event.event)
    if known is None or event.document is None:
        return []
    return [(path, value) for path, value in values(event.document) if value and place_of(path) in known.ids]


def conversation_in(document: Any, places: tuple[Place, ...]) -> str | None:
    """The first value at one of these places, as text."""
    for place in places:
        value = document
        for key in place:
            if isinstance(value, list):
                value = value[0] if value and key == "*" else None
            elif isinstance(value, dict):
                value = value.get(key)
            else:
                value = None
        if isinstance(value, int | str) and not isinstance(value, bool):
            return str(value)
    return None


def _with_retries(events: list[CapturedEvent]) -> Iterable[CapturedEvent]:
    """Marks the events that deliver an earlier one again because it was not accepted: those with the same id of the
    delivery unless it was accepted, and those with the same bytes after an answer that is no success.

    What comes again although it was accepted, the vendor sent twice.
    """
    last: dict[tuple[str, str], int] = {}
    for position, event in enumerate(events):
        digest = blake2b(event.body, digest_size=16).hexdigest()
        key = ("", digest) if event.delivery is None else (event.delivery, digest)
        before = last.get(key)
        last[key] = position
        if before is not None:
            status = events[before].status
            refused = status is not None and not 200 <= status < 300
            if refused or (status is None and event.delivery is not None):
                yield replace(event, retries=before)
                continue
        yield event
