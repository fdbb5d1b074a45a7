"""What to replay of a capture, and how: a capture and options become the stories of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.captures.exchange import CapturedExchange
from vendorsim.captures.fresh import fresh
from vendorsim.captures.places import id_places
from vendorsim.captures.sequence import CapturedEvent, CapturedSequence, sequence
from vendorsim.core.errors import InputError
from vendorsim.core.times import iso
from vendorsim.runs.captured import CapturedStory, captured_run, captured_story
from vendorsim.runs.planning import PlannedRun, RunRequest, faults_on
from vendorsim.scenario.faults import QUIRK
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.signing import schemes
from vendorsim.vendorkit.vendor import Vendor


class Replay(Struct, frozen=True):
    """The conversations of a capture as they are sent again, by their ids in the capture, and what a user should know
    about it."""

    stories: dict[str, CapturedStory]
    count: int
    notes: tuple[str, ...]


def signature_headers(vendor: Vendor) -> frozenset[str]:
    """The headers, in lower case, of all signature schemes that the vendor may sign with."""
    known = {name.lower() for scheme in vendor.schemes.values() for name in scheme.headers}
    return frozenset(known | {name.lower() for name in schemes()["standard-webhooks"].headers})


def replay(
    exchanges: Iterable[CapturedExchange],
    vendor: Vendor,
    profile: Profile,
    *,
    signs: bool,
    seed: int | None = None,
    start: int | None = None,
    as_captured: bool = False,
) -> Replay:
    """The stories of a capture. Raises InputError.

    With a `seed`, ids are fresh and times are moved so that the capture begins at `start` (milliseconds since 1970).
    With `signs`, the captured signatures are left out, since each attempt gets a new one. `as_captured` sends captured
    retries again, too.
    """
    found = sequence(exchanges, vendor, profile)
    events = list(found.events)
    retried = sum(event.retries is not None for event in events)
    if not as_captured:
        events = [event for event in events if event.retries is None]
    signed = signature_headers(vendor)
    notes = list(_notes(found, retried, events, signed if not signs else frozenset(), as_captured=as_captured))
    if seed is not None:
        events = _freshened(events, profile, seed, start)
    count = len(events)
    positions: dict[str, list[int]] = {}
    for position, event in enumerate(events):
        positions.setdefault(event.conversation, []).append(position)
    stories = {
        name: captured_story(name, [events[number] for number in some], some, without=signed if signs else ())
        for name, some in positions.items()
    }
    return Replay(stories, count, tuple(notes))


def freshened(story: CapturedStory, profile: Profile, seed: int, start: int) -> CapturedStory:
    """The same story with fresh ids and people, and with its times moved so that it begins at `start`."""
    places = id_places(profile)
    made = fresh(story.events, places, seed, _whole(start - story.events[0].at), people=True)
    events = [made.event(event) for event in story.events]
    return captured_story(made.id(story.conversation), events, story.positions, story.title)


def _freshened(events: list[CapturedEvent], profile: Profile, seed: int, start: int | None) -> list[CapturedEvent]:
    move = 0 if start is None else _whole(start - events[0].at)
    made = fresh(events, id_places(profile), seed, move)
    return [made.event(event) for event in events]


def _whole(milliseconds: int) -> int:
    """The time in whole seconds: many bodies have no fractions of them."""
    return milliseconds // 1_000 * 1_000


def _notes(
    found: CapturedSequence, retried: int, events: list[CapturedEvent], signed: frozenset[str], *, as_captured: bool
) -> Iterable[str]:
    if found.timeless:
        yield "the capture does not say when each webhook was sent; the times in the bodies, or pauses of 1s, stand in"
    if found.headless:
        some = "the capture has" if found.headless == len(found.events) else f"{found.headless} webhooks have"
        yield f"{some} no headers; those that the profile states are sent"
    if found.left_out:
        yield f"headers of connections and proxies are left out: {', '.join(found.left_out)}"
    if retried and not as_captured:
        yield f"{retried} captured retries are left out, since the policy retries; --retries as-captured sends them"
    if found.calls:
        yield f"{len(found.calls)} calls of the integration are left out: only webhooks are sent"
    for problem in found.unusable:
        yield f"left out: {problem}"
    if any(name.lower() in signed for event in events for name, _ in event.headers):
        yield (
            f"the captured signatures are sent as they are, from {iso(events[0].at)}: a receiver that looks at their "
            "age refuses them; --secret-env NAME signs anew"
        )


def plan_replay(request: RunRequest, vendor: Vendor, profile: Profile, found: Replay) -> PlannedRun:
    """The run of a replay. Raises InputError for what a capture has not: quirks, and events that the profile lacks."""
    quirks = [fault for fault in request.faults if fault.name == QUIRK]
    if quirks:
        raise InputError(
            f"fault quirk={quirks[0].argument}: a quirk bends the events that a vendor makes, and a capture holds "
            "those that were sent; choose a fault of deliveries (vendorsim faults)"
        )
    run = captured_run(request.name or "capture", vendor, profile, found.stories, request.seed or 0)
    names = {event.event for story in found.stories.values() for event in story.events}
    faults = faults_on(request, (*profile.event_names(), *sorted(names.difference(profile.event_names()))))
    return PlannedRun(replace(request, count=len(found.stories)), run, faults)
