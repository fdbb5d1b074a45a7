"""Captured webhooks as a sequence: events, conversations, retries, and the headers that are the vendor's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from vendorsim.captures.exchange import CapturedAnswer, CapturedExchange, Direction
from vendorsim.captures.sequence import REST, UNIDENTIFIED, CapturedSequence, sequence, vendors_own
from vendorsim.core.errors import InputError
from vendorsim.vendorkit import registry

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def hook(body: Any, second: float | None = 0, **more: Any) -> CapturedExchange:
    at = None if second is None else BEGAN + timedelta(seconds=second)
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return CapturedExchange("capture:1", Direction.WEBHOOK, data, at=at, **more)


def read(*exchanges: CapturedExchange, vendor: str = "messagehub", profile: str = "observed-4.18") -> CapturedSequence:
    known = registry.get(vendor)
    return sequence(exchanges, known, known.profile(profile))


def message(conversation: int, number: int = 1) -> dict[str, Any]:
    return {"event": "message_created", "id": number, "conversation": {"id": conversation}}


def refused(status: int) -> CapturedAnswer:
    return CapturedAnswer(status)


@pytest.mark.parametrize(
    ("vendor", "profile", "body", "event", "conversation"),
    [
        ("messagehub", "observed-4.18", message(12), "message_created", "12"),
        ("messagehub", "observed-4.18", {"event": "conversation_updated", "id": 12}, "conversation_updated", "12"),
        ("userlike", "documented", {"_type": "chat_session", "_event": "end", "id": 7}, "chat_session.end", "7"),
        ("userlike", "documented", {"_type": "operator", "_event": "away", "id": 7}, "operator.away", REST),
        ("messagehub", "observed-4.18", {"what": "is this"}, UNIDENTIFIED, REST),
        ("messagehub", "observed-4.18", b"no JSON", UNIDENTIFIED, REST),
        ("messagehub", "observed-4.18", [1], UNIDENTIFIED, REST),
    ],
)
def test_a_body_says_its_event_and_its_conversation(
    vendor: str, profile: str, body: Any, event: str, conversation: str
) -> None:
    (found,) = read(hook(body), vendor=vendor, profile=profile).events
    assert (found.event, found.conversation) == (event, conversation)


def test_an_unknown_event_belongs_to_a_conversation_that_another_event_names() -> None:
    found = read(
        hook(message(12)), hook({"event": "call_ended", "id": 12}, 1), hook({"event": "call_ended", "id": 9}, 2)
    )
    assert [event.conversation for event in found.events] == ["12", "12", REST]


def test_what_the_capture_says_wins() -> None:
    (found,) = read(hook(message(12), event="message_mangled", conversation="chat 3")).events
    assert (found.event, found.conversation) == ("message_mangled", "chat 3")


def test_an_event_without_conversation_belongs_where_its_ids_are() -> None:
    contact = {"event": "contact_created", "id": 400_123}
    about = {"event": "conversation_created", "id": 12, "meta": {"sender": {"id": 400_123}}}
    other = {"event": "conversation_created", "id": 13, "meta": {"sender": {"id": 400_124}}}
    found = read(hook(contact), hook(other, 1), hook(about, 2))
    assert [event.conversation for event in found.events] == ["12", "13", "12"]


def test_events_are_in_the_order_of_their_times() -> None:
    found = read(hook(message(1), 5), hook(message(2), 3), hook(message(3), 5))
    assert [event.conversation for event in found.events] == ["2", "1", "3"]
    assert not found.timeless


def test_without_times_the_order_of_the_capture_stays() -> None:
    found = read(hook(message(1), None), hook(message(2), None))
    assert [event.conversation for event in found.events] == ["1", "2"]
    assert found.timeless
    assert [event.at - found.events[0].at for event in found.events] == [0, 1_000]


def test_the_times_in_the_bodies_stand_in_for_missing_ones() -> None:
    at = int(BEGAN.timestamp())
    bodies = [{**message(1), "created_at": at}, {**message(1, 2), "created_at": at + 30}]
    found = read(*(hook(body, None) for body in bodies))
    assert [event.at for event in found.events] == [at * 1000, (at + 30) * 1000]


SAME = {"headers": (("X-Chatwoot-Delivery", "a-b-c"),)}
OTHER = {"headers": (("X-Chatwoot-Delivery", "d-e-f"),)}


@pytest.mark.parametrize(
    ("first", "second", "is_retry"),
    [
        ({**SAME, "answer": refused(500)}, SAME, True),
        (SAME, SAME, True),
        ({**SAME, "answer": refused(200)}, SAME, False),
        (SAME, OTHER, False),
        ({"answer": refused(503)}, {}, True),
        ({"answer": refused(204)}, {}, False),
        ({}, {}, False),
    ],
    ids=["refused", "unknown answer", "accepted", "other delivery", "same bytes refused", "same bytes", "no answers"],
)
def test_a_retry_delivers_again_what_was_not_accepted(first: Any, second: Any, is_retry: bool) -> None:
    found = read(hook(message(1), 0, **first), hook(message(1), 9, **second))
    assert [event.retries for event in found.events] == [None, 0 if is_retry else None]


def test_headers_of_hops_and_proxies_are_not_the_vendors() -> None:
    sent = (
        ("Host", "a.ngrok.app"),
        ("User-Agent", "Chatwoot"),
        ("Content-Length", "12"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("x-chatwoot-signature", "sha256=1"),
        ("Accept", "a"),
        ("accept", "b"),
        ("CF-Ray", "1"),
    )
    kept, left_out = vendors_own(sent)
    assert kept == (("User-Agent", "Chatwoot"), ("x-chatwoot-signature", "sha256=1"), ("Accept", "a, b"))
    assert left_out == ["host", "content-length", "x-forwarded-for", "cf-ray"]


def test_calls_and_unusable_exchanges_are_kept_apart() -> None:
    call = CapturedExchange("capture:2", Direction.CALL, b"{}")
    cut = CapturedExchange("capture:3", Direction.WEBHOOK, b"", problem="the body was cut off")
    found = read(call, hook(message(1)), cut)
    assert (len(found.events), found.calls, found.unusable) == (1, (call,), ("capture:3: the body was cut off",))


def test_a_capture_without_webhooks_is_refused() -> None:
    with pytest.raises(InputError, match=r"holds no webhook \(capture:3: the body was cut off\)"):
        read(CapturedExchange("capture:3", Direction.WEBHOOK, b"", problem="the body was cut off"))


def test_a_capture_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendorsim.captures.sequence.MOST_EVENTS", 2)
    with pytest.raises(InputError, match="split it into files of whole conversations"):
        read(*(hook(message(1, number), number) for number in range(3)))
