"""`--propose`: overlays with which a capture has no drift, and what is generated with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from drifting import captured, drift, study, told
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.captures.proposal import proposal
from vendorsim.core.errors import InputError
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import contract
from vendorsim.vendorkit.overlay import write_overlay

Edit = Callable[[dict[str, Any]], object]
VENDOR, BASE = "messagehub", "observed-4.18"
_FOLDERS = count()


def changed(edit: Edit, event: str = "message_created") -> Iterable[CapturedExchange]:
    """An everyday chat in which all bodies of one event are changed."""
    for exchange in captured(told(VENDOR, BASE, ["everyday-chat"])):
        body = json.loads(exchange.body)
        if body["event"] == event:
            edit(body)
        yield replace(exchange, body=json.dumps(body).encode())


def proposed(folder: Path, exchanges: Iterable[CapturedExchange], vendor: str = VENDOR, base: str = BASE) -> str:
    """Writes the overlay for a capture, and returns the name of its profile."""
    write_overlay(folder, proposal(study(vendor, base, exchanges), "2026-11-29"))
    return str(folder)


def generated(profile: str, event: str = "message_created") -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in told(VENDOR, profile, ["everyday-chat"]) if each.name == event]


def sets(path: str, value: Any) -> Edit:
    *parents, name = path.split("/")

    def edit(body: dict[str, Any]) -> None:
        for parent in parents:
            body = body[parent]
        body[name] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "holds"),
    [
        (sets("tier", "gold"), lambda body: isinstance(body["tier"], str) and body["tier"] != "gold"),
        (sets("conversation/seen", "2026-01-05T09:00:00Z"), lambda body: body["conversation"]["seen"].endswith("Z")),
        (
            sets("conversation/kanban", {"id": None, "step": 3}),
            lambda body: body["conversation"]["kanban"]["step"] == 1,
        ),
        (sets("sender/scores", [1.5, 2.5]), lambda body: isinstance(body["sender"]["scores"][0], float)),
        (sets("changed_attributes", None), lambda body: body["changed_attributes"] is None),
        (lambda body: body["conversation"].pop("labels"), lambda body: "labels" not in body["conversation"]),
        (sets("id", "4711"), lambda body: isinstance(body["id"], str)),
        (sets("inbox", None), lambda body: body["inbox"] is None),
        (sets("conversation/status", "archived"), lambda body: body["conversation"]["status"] == "archived"),
        (sets("content_type", 7), lambda body: isinstance(body["content_type"], int)),
    ],
    ids=["text", "time", "object", "list", "null", "gone", "as text", "always null", "another value", "as number"],
)
def test_the_capture_has_no_drift_and_bodies_are_like_it(
    edit: Edit, holds: Callable[[dict[str, Any]], bool], tmp_path: Path
) -> None:
    exchanges = list(changed(edit))
    assert drift(VENDOR, BASE, exchanges).findings
    overlay = proposed(tmp_path / "seen", exchanges)
    assert drift(VENDOR, overlay, exchanges).findings == ()
    bodies = generated(overlay)
    assert bodies
    assert all(map(holds, bodies))
    assert generated(overlay) == bodies, "the same seed gives the same bytes"
    again = drift(VENDOR, overlay, captured(told(VENDOR, overlay, ["everyday-chat"])))
    assert again.findings == (), "what is generated does not drift against it"


def test_other_events_stay_as_they_are(tmp_path: Path) -> None:
    overlay = proposed(tmp_path / "seen", changed(sets("conversation/tier", "gold")))
    assert generated(overlay, "conversation_created") == generated(BASE, "conversation_created")


def test_a_field_that_was_sometimes_there_is_generated_as_often(tmp_path: Path) -> None:
    numbers = count()

    def half(body: dict[str, Any]) -> None:
        if next(numbers) % 2:
            body["tier"] = 1

    exchanges = [*changed(half), *changed(half), *changed(half)]
    overlay = proposed(tmp_path / "seen", exchanges)
    bodies = [
        json.loads(each.body) for each in told(VENDOR, overlay, ["everyday-chat"], 20) if each.name == "message_created"
    ]
    share = sum("tier" in body for body in bodies) / len(bodies)
    assert 0.3 < share < 0.7


def test_an_event_that_the_profile_does_not_know(tmp_path: Path) -> None:
    def other(body: dict[str, Any]) -> None:
        body["event"] = "conversation_archived"

    exchanges = list(changed(other, "conversation_updated"))
    overlay = proposed(tmp_path / "seen", exchanges)
    assert drift(VENDOR, overlay, exchanges).findings == ()
    profile = registry.get(VENDOR).profile(overlay)
    assert profile.identify({"event": "conversation_archived"}) == "conversation_archived"
    assert profile.event_names()[-1] == "conversation_archived"
    (kind,) = (kind for kind in profile.events if kind.name == "conversation_archived")
    assert (kind.provenance, kind.source) == ("captured", "20 captured bodies, 2026-11-29")


def test_the_file_says_what_was_seen_but_no_value(tmp_path: Path) -> None:
    proposed(tmp_path / "seen", changed(sets("owner", "quentin@zephyr.example")))
    document = orjson.loads((tmp_path / "seen" / "overlay.json").read_bytes())
    (change,) = document["events"]["message_created"]
    assert (change["field"], change["change"], change["seen"], change["of"]) == ("/owner", "add", 6, 6)
    assert change["schema"]["format"] == "email"
    assert "quentin" not in json.dumps(document)
    assert (document["vendor"], document["profile"], document["captured"]["bodies"]) == (VENDOR, BASE, 20)


def test_the_contract_says_captured_at_each_change(tmp_path: Path) -> None:
    overlay = proposed(tmp_path / "seen", changed(sets("conversation/tier", "gold")))
    node = contract(VENDOR, overlay).node("message_created")
    conversation = next(found for part in node.parts() if (found := part.property("conversation")) is not None)
    tier = next(found for part in conversation.parts() if (found := part.property("tier")) is not None)
    assert (tier.schema["x-provenance"], tier.schema["x-source"]) == ("captured", "20 captured bodies, 2026-11-29")


def test_an_overlay_is_not_proposed_on_another(tmp_path: Path) -> None:
    overlay = proposed(tmp_path / "seen", changed(sets("tier", 1)))
    with pytest.raises(InputError, match=r"--propose changes a profile of messagehub, and .* is an overlay of one"):
        proposal(study(VENDOR, overlay, changed(sets("more", 1))), "2026-11-29")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)
PLACES = st.sampled_from(["id", "content", "conversation", "conversation/status", "conversation/meta/sender", "new"])


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(edits=st.lists(st.tuples(PLACES, VALUES, st.booleans()), min_size=1, max_size=4))
def test_any_change_of_bodies_can_be_proposed(
    edits: list[tuple[str, Any, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    body = next(body for body in generated(BASE))
    bodies = []
    for path, value, gone in edits:
        changed_body = json.loads(json.dumps(body))
        if gone:
            changed_body.pop(path.partition("/")[0], None)
        else:
            sets(path, value)(changed_body)
        bodies.append(changed_body)
    exchanges = [
        CapturedExchange(f"x:{number}", Direction.WEBHOOK, json.dumps(each).encode())
        for number, each in enumerate([body, *bodies])
    ]
    folder = tmp_path_factory.getbasetemp() / f"any-{next(_FOLDERS)}"
    overlay = proposed(folder, exchanges)
    assert drift(VENDOR, overlay, exchanges).findings == ()
    assert generated(overlay)
