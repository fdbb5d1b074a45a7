"""Fresh ids: each id is replaced everywhere it stands, by one of its kind, and times are moved."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.captures import times
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.captures.fresh import Fresh, fresh
from vendorsim.captures.places import id_places, values
from vendorsim.captures.sequence import CapturedEvent, sequence
from vendorsim.runs import library
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.vendorkit import registry

HOUR = 3_600_000
PROFILES = [
    (vendor, profile)
    for vendor in registry.names()
    for profile, known in registry.get(vendor).profiles.items()
    if known.events
]


@cache
def captured(vendor: str, profile: str) -> tuple[CapturedEvent, ...]:
    """A chat as this vendor tells it."""
    known = registry.get(vendor)
    scenario = library.load("returning-customer" if vendor != "ccai" else "everyday-chat")
    run = Run(scenario, known, known.profile(profile), 0, 1_767_603_600_000)
    exchanges = [
        CapturedExchange(
            event.id,
            Direction.WEBHOOK,
            event.body,
            at=datetime.fromtimestamp(event.at / 1000, UTC),
            headers=(("X-Chatwoot-Delivery", "0f1d8e0a-94c3-4b7e-8a51-2d3c9be07f16"),),
        )
        for event in iter_events(run.conversation(0))
    ]
    return sequence(exchanges, known, known.profile(profile)).events


def made(vendor: str, profile: str, seed: int = 1, *, people: bool = False) -> Fresh:
    places = id_places(registry.get(vendor).profile(profile))
    return fresh(captured(vendor, profile), places, seed, HOUR, people=people)


@pytest.mark.parametrize(("vendor", "profile"), PROFILES)
def test_no_id_of_the_capture_is_left_anywhere(vendor: str, profile: str) -> None:
    renewed = made(vendor, profile)
    events = [renewed.event(event) for event in captured(vendor, profile)]
    for event in events:
        text = b" ".join((event.body, *(value.encode() for _, value in event.headers)))
        words = set(re.findall(rb"[0-9A-Za-z]+", text))
        assert not [old for old in renewed.long if old.isalnum() and old.encode() in words]
    assert {event.conversation for event in events}.isdisjoint(e.conversation for e in captured(vendor, profile))


@pytest.mark.parametrize(("vendor", "profile"), PROFILES)
def test_everything_else_stays_as_it_was(vendor: str, profile: str) -> None:
    """With the fresh values put back, and the times moved back, the bytes are those of the capture."""
    renewed = made(vendor, profile)
    back = Fresh(
        {new: old for old, new in renewed.long.items()},
        {new: old for old, new in renewed.short.items()},
        renewed.places,
        renewed.window._replace(first=renewed.window.first + HOUR, last=renewed.window.last + HOUR),
        -HOUR,
    )
    for event in captured(vendor, profile):
        assert back.event(renewed.event(event)).body == event.body


@pytest.mark.parametrize(("vendor", "profile"), PROFILES)
def test_formats_hold(vendor: str, profile: str) -> None:
    for old, new in made(vendor, profile).long.items():
        assert (len(new), new.isdigit()) == (len(old), old.isdigit())
        assert re.sub(r"[0-9a-z]", "x", new.lower()) == re.sub(r"[0-9a-z]", "x", old.lower())


def test_the_same_seed_gives_the_same_ids_and_another_gives_others() -> None:
    once, again, other = (made("messagehub", "observed-4.18", seed).long for seed in (1, 1, 2))
    assert once == again
    assert set(once.values()).isdisjoint(other.values())


def test_people_stay_unless_they_are_asked_for() -> None:
    mail = b"dana@example.com"
    plain, people = made("messagehub", "observed-4.18"), made("messagehub", "observed-4.18", people=True)
    first = captured("messagehub", "observed-4.18")[0]
    assert mail in plain.event(first).body
    assert mail not in people.event(first).body
    # Agents are set up in the integration.
    assert any(b"ana@example.com" in people.event(event).body for event in captured("messagehub", "observed-4.18"))


def event(body: bytes, name: str = "message_created") -> CapturedEvent:
    return CapturedEvent("x:1", 1_767_603_600_000, name, "12", "POST", (), body, orjson.loads(body))


def renewed(body: bytes, name: str = "message_created") -> Any:
    places = id_places(registry.get("messagehub").profile("observed-4.18"))
    told = event(body, name)
    return orjson.loads(fresh([told], places, 3, HOUR).event(told).body)


def test_a_short_id_is_replaced_only_where_an_id_stands() -> None:
    body = renewed(
        b'{"event":"message_created","id":7,"content":"7 of 12 lamps, see /conversations/12 and /accounts/12",'
        b'"conversation":{"id":12},"account":{"id":12}}'
    )
    conversation = body["conversation"]["id"]
    assert conversation != 12
    assert body["account"] == {"id": 12}
    assert body["content"] == f"7 of 12 lamps, see /conversations/{conversation} and /accounts/12"


def test_an_unknown_event_has_its_ids_by_the_names_of_its_fields() -> None:
    body = renewed(
        b'{"event":"call_ended","callId":"ab12cd34","agent":{"id":77},"log":"ab12cd34 is over"}', "call_ended"
    )
    assert body["callId"] != "ab12cd34"
    assert body["log"] == f"{body['callId']} is over"
    assert body["agent"] == {"id": 77}


def test_a_body_that_is_no_json_is_replaced_as_text() -> None:
    form = CapturedEvent("x:2", 1_767_603_600_000, "unidentified", "12", "POST", (), b"id=4711471&x=%FF", None)
    places = id_places(registry.get("messagehub").profile("observed-4.18"))
    told = event(b'{"event":"message_created","id":4711471}')
    body = fresh([told, form], places, 3).event(form).body
    assert body != form.body
    assert len(body) == len(form.body)


moments = st.datetimes(datetime(2015, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("2026-01-05T09:00:00+02:00", "2026-01-05T10:00:00+02:00"),
        ("2026-12-31 23:30:00 UTC", "2027-01-01 00:30:00 UTC"),
        ("2026-01-05T09:00:00.123Z", "2026-01-05T10:00:00.123Z"),
        (
            "Wed Dec 31 2025 23:30:00 GMT+0100 (Central European Standard Time)",
            "Thu Jan 01 2026 00:30:00 GMT+0100 (Central European Standard Time)",
        ),
    ],
)
def test_a_time_is_moved_in_its_own_form(text: str, later: str) -> None:
    assert times.moved(text, HOUR, times.TimeSpan(1_767_603_600_000, 1_767_603_600_000)) == later


@given(
    moments,
    st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S UTC"]),
)
def test_a_time_moves_and_keeps_its_form(at: datetime, form: str) -> None:
    text = at.strftime(form)
    window = times.TimeSpan(1_767_603_600_000, 1_767_603_600_000)
    later = times.moved(text, HOUR, window)
    assert len(later) == len(text)
    assert times.moved(later, -HOUR, window) == text
    assert times.read(later) - times.read(text) == HOUR


@pytest.mark.parametrize("value", [True, None, "2026", "next week", 42, 0, -1, "2026-13-45 00:00:00", 4_811_887])
def test_what_is_no_time_stays(value: Any) -> None:
    window = times.TimeSpan(1_767_603_600_000, 1_767_603_600_000)
    assert times.moved(value, HOUR, window) is value or times.moved(value, HOUR, window) == value


def test_ids_are_found_in_every_event_of_a_conversation() -> None:
    """Each event of a profile that names its conversation has a place for it."""
    places = id_places(registry.get("messagehub").profile("observed-4.18"))
    for told in captured("messagehub", "observed-4.18"):
        assert dict(values(told.document))
        assert told.event == "contact_created" or places[told.event].conversation or places[told.event].ids
