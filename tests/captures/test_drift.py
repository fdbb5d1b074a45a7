"""Drift: what captured bodies say beside what the contract says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from drifting import ANY, captured, drift, scenario, study, told
from msgspec.structs import replace
from thorough import few_of
from vendorsim.captures.drift_report import DriftFinding, as_document, report
from vendorsim.captures.exchange import CapturedAnswer, CapturedExchange, Direction
from vendorsim.captures.fitting import fitting
from vendorsim.captures.orders import SeenOrders
from vendorsim.core.times import moment
from vendorsim.runs import library
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import contract
from vendorsim.vendorkit.contract_differences import between
from vendorsim.vendorkit.deviations import read_fail_on
from vendorsim.vendorkit.receivers import deviations

Edit = Callable[[dict[str, Any]], object]
PROFILES = [
    (vendor, profile)
    for vendor in registry.names()
    for profile in dict.fromkeys((*registry.get(vendor).profiles, *registry.get(vendor).versions))
    if registry.get(vendor).profile(profile).events
]


def _by_vendor(case: tuple[str, str]) -> int:
    """Brings cases of different vendors first."""
    vendor, profile = case
    return [other for name, other in PROFILES if name == vendor].index(profile)


# A story may give a widget any setting, and these events tell it as it stands.
SETTINGS = {"um_widget.config", "chat_widget.config"}


def edited(event: str, edit: Edit, share: float = 1) -> Iterable[CapturedExchange]:
    """The events of MessageHub 4.18 in everyday chats; some bodies of one event are changed."""
    number = 0
    for exchange in captured(told("messagehub", "observed-4.18", ["everyday-chat"], 6)):
        body = json.loads(exchange.body)
        if body["event"] == event:
            number += 1
            if number * share // 1 > (number - 1) * share // 1:
                edit(body)
                yield replace(exchange, body=json.dumps(body).encode())
                continue
        yield exchange


def added(body: dict[str, Any], **values: Any) -> None:
    body |= values


@pytest.mark.parametrize(
    ("edit", "share", "kind", "breaking", "field", "message"),
    [
        (lambda body: added(body, tier="gold"), 1, "unknown", False, "/tier", "no contract describes this field"),
        (
            lambda body: added(body["conversation"], kanban={"id": None}),
            0.5,
            "unknown",
            False,
            "/conversation/kanban",
            "no contract describes this field",
        ),
        (
            lambda body: added(body, changed_attributes=[]),
            1,
            "unknown",
            True,
            "/changed_attributes",
            "the contract forbids this field",
        ),
        (
            lambda body: body["conversation"].pop("labels"),
            1,
            "missing",
            True,
            "/conversation/labels",
            "required, but never there in 46 objects",
        ),
        (lambda body: body.pop("inbox"), 0.34, "missing", True, "/inbox", "required, but missing 15 of 46 times"),
        (lambda body: added(body, id=str(body["id"])), 1, "types", True, "/id", "another type: string"),
        (lambda body: added(body, id=None), 0.5, "types", True, "/id", "another type: null"),
        (
            lambda body: added(body["conversation"], status="archived"),
            0.5,
            "values",
            True,
            "/conversation/status",
            "not in the list: 'archived'",
        ),
        (
            lambda body: added(body["conversation"], status="Dana Kessler <dana@example.com>"),
            0.5,
            "values",
            True,
            "/conversation/status",
            "breaks 'enum'",
        ),
    ],
)
def test_a_change_is_found_at_its_place(
    edit: Edit, share: float, kind: str, breaking: bool, field: str, message: str
) -> None:
    found = drift("messagehub", "observed-4.18", edited("message_created", edit, share))
    (only,) = found.findings
    assert (only.kind, only.breaking, only.event, only.field) == (kind, breaking, "message_created", field)
    assert only.message == message
    assert only.example.place.startswith("told.jsonl:")
    (event,) = (each for each in found.events if each.name == "message_created")
    row = next(row for row in event.fields if row.field == field)
    assert row.findings == (kind,)


def test_a_text_without_the_documented_format() -> None:
    def fresh(event: Any) -> CapturedExchange:
        body = {**json.loads(event.body), "timestamp": "yesterday"}
        return replace(next(iter(captured([event]))), body=json.dumps(body).encode())

    found = drift("ccai", "webhooks", map(fresh, told("ccai", "webhooks", ["handed-to-a-person"])))
    assert {(each.kind, each.field) for each in found.findings} == {("values", "/timestamp")}


def test_an_event_that_no_contract_knows_and_bodies_of_none() -> None:
    def other(body: dict[str, Any]) -> None:
        body["event"] = "conversation_archived"

    found = drift("messagehub", "observed-4.18", edited("conversation_updated", other))
    assert [(each.kind, each.event, each.breaking) for each in found.findings] == [
        ("events", "conversation_archived", True)
    ]
    foreign = drift("messagehub", "observed-4.18", [CapturedExchange("x", Direction.WEBHOOK, b'{"hello": 1}')])
    assert [(each.kind, each.event, each.count) for each in foreign.findings] == [("events", None, 1)]


def test_a_cause_is_one_finding_with_all_its_places() -> None:
    def renamed(exchange: CapturedExchange) -> CapturedExchange:
        body = json.loads(exchange.body)
        for inner in (body, body.get("conversation"), body.get("current_conversation")):
            if inner and "can_reply" in inner:
                inner["mood"] = "calm"
        return replace(exchange, body=json.dumps(body).encode())

    events = map(renamed, captured(told("messagehub", "observed-4.18", ["everyday-chat"])))
    (only,) = drift("messagehub", "observed-4.18", events).findings
    assert {(place.event, place.field) for place in only.places} >= {
        ("conversation_created", "/mood"),
        ("message_created", "/conversation/mood"),
    }
    assert only.count == sum(place.count for place in only.places)


def test_no_value_is_shown_and_no_key_that_is_data() -> None:
    secrets = ["Quentin Zephyrine", "quentin@zephyr.example", "4915123456789", "tok_0a1b2c3d4e5f6a7b"]

    def personal(body: dict[str, Any]) -> None:
        body["who"] = {"name": secrets[0], secrets[1]: 1, secrets[2]: {"deep": secrets[3]}}
        body["content_type"] = secrets[0]
        body["id"] = secrets[2]
        body["conversation"]["meta"]["sender"]["email"] = [secrets[1]]

    shown = json.dumps(as_document(drift("messagehub", "observed-4.18", edited("message_created", personal))))
    assert not [secret for secret in secrets if secret in shown]
    assert "/who/*" in shown


def test_what_can_not_be_judged_is_said() -> None:
    exchanges = [
        CapturedExchange("a", Direction.WEBHOOK, b"{oops"),
        CapturedExchange("b", Direction.WEBHOOK, b"[" * 300 + b"]" * 300),
        CapturedExchange("c", Direction.WEBHOOK, b"", problem="the recorder cut it off"),
        CapturedExchange("d", Direction.CALL, b"{}"),
    ]
    found = drift("messagehub", "observed-4.18", exchanges)
    assert [(each.subject, each.reason) for each in found.not_judged] == [
        ("1 webhook", "the body is not JSON (first: a)"),
        ("1 webhook", "the body is nested too deeply to be judged (first: b)"),
        ("1 webhook", "the recorder cut it off (first: c)"),
        ("1 call", "calls are the integration's; drift judges what the vendor sends"),
        ("order", "no captured event names a conversation"),
        ("delivery", "the capture has no answers"),
    ]


def test_memory_is_bounded_by_places_not_by_bodies() -> None:
    def many(number: int) -> CapturedExchange:
        body = {"event": "message_created", **{f"field_{number}_{each}": each for each in "abcdefgh"}}
        return CapturedExchange(f"x:{number}", Direction.WEBHOOK, json.dumps(body).encode())

    made = study("messagehub", "observed-4.18", map(many, range(2_000)))
    root = made.events["message_created"].bodies.root
    assert len(root.fields) <= 201
    assert root.count == 2_000


class TestCapturesOfAProfile:
    @pytest.mark.parametrize(("vendor", "profile"), few_of(sorted(PROFILES, key=_by_vendor), 3))
    def test_drift_nothing_against_it(self, vendor: str, profile: str) -> None:
        found = drift(vendor, profile, captured(told(vendor, profile, STORIES)))
        assert found.findings == ()
        assert found.totals.bodies > 0

    @pytest.mark.thorough
    @pytest.mark.parametrize(("vendor", "profile"), PROFILES)
    def test_drift_nothing_against_it_in_any_story(self, vendor: str, profile: str) -> None:
        found = drift(vendor, profile, captured(told(vendor, profile)))
        assert [each for each in found.findings if each.event not in SETTINGS] == []

    @pytest.mark.parametrize(
        ("vendor", "first", "second"),
        few_of(
            [
                ("messagehub", "observed-2.5", "observed-4.18"),
                ("chatvisor", "documented", "engage"),
                ("messagehub", "observed-4.18", "documented"),
                ("messagehub", "documented", "observed-2.5"),
                *(
                    ("messagehub", *pair)
                    for pair in product(registry.get("messagehub").versions[::6], repeat=2)
                    if pair[0] != pair[1]
                ),
            ],
            2,
        ),
    )
    def test_drift_as_the_difference_of_the_profiles_says(self, vendor: str, first: str, second: str) -> None:
        known = registry.get(vendor)
        a, b = known.profile(first), known.profile(second)
        differences = list(deviations(between(a, b, contract(vendor, first), contract(vendor, second))))
        found = drift(vendor, first, captured(told(vendor, second, STORIES)))
        said = {(each.event, each.path) for each in differences}
        assert [place for place in _places(found.findings) if not _is_said(place, said)] == []


STORIES = ("everyday-chat", "edited-and-deleted-messages", "widget-and-contacts", "attachment-only")


def _places(findings: Iterable[DriftFinding]) -> Iterable[tuple[str | None, str]]:
    return [(place.event, place.field) for each in findings for place in each.places if each.event is not None]


def _is_said(place: tuple[str | None, str], said: set[tuple[str | None, str]]) -> bool:
    """Whether a difference is at the place, above it or below it."""
    event, field = place
    return any(
        event == other and (f"{field}/".startswith(f"{path}/") or f"{path}/".startswith(f"{field}/"))
        for other, path in said
    )


class TestOrder:
    @pytest.mark.slow
    def test_of_a_story_is_kept_by_every_seed(self) -> None:
        for name in ("smartsupp", "userlike"):
            profile = registry.get(name).profile("webhooks" if name == "smartsupp" else "documented")
            orders = SeenOrders(profile)
            for event, exchange in _with_names(told(name, profile.name, ["returning-customer"], 10)):
                orders.add(event, json.loads(exchange.body), exchange)
            assert orders.impossible() == []
            assert orders.pairs() > 50

    def test_that_reactions_never_give_is_found(self) -> None:
        events = list(told("ccai", "webhooks", ["handed-to-a-person"]))
        names = [event.name for event in events]
        later, earlier = names.index("escalation_accepted"), names.index("escalation_started")
        events[earlier], events[later] = events[later], events[earlier]
        found = drift("ccai", "webhooks", captured(events))
        assert ("escalation_started", "after escalation_accepted, which the profile's reactions never give") in [
            (each.event, each.message) for each in found.findings
        ]
        assert {(each.kind, each.breaking) for each in found.findings} == {("order", False)}

    def test_of_events_that_a_vendor_sends_at_once_is_not_judged(self) -> None:
        events = list(told("messagehub", "observed-4.18", ["everyday-chat"]))
        assert drift("messagehub", "observed-4.18", captured(events[:3][::-1])).findings == ()


def _with_names(events: Iterable[Any]) -> Iterable[tuple[str, CapturedExchange]]:
    for event in events:
        yield event.name, next(iter(captured([event])))


class TestDelivery:
    """The policy of Smartsupp: by Standard Webhooks, 5 s after the first attempt, then 5 minutes."""

    @staticmethod
    def attempts(*given: tuple[float, int, float]) -> Iterable[CapturedExchange]:
        """One delivery's attempts: seconds after the first, status, milliseconds to the answer. Another event follows
        ten days later."""
        first, other = list(captured(told("smartsupp", "documented", ["everyday-chat"], 2)))
        for number, (seconds, status, took) in enumerate(given):
            at = moment(0) + timedelta(days=1, seconds=seconds)
            yield replace(first, place=f"a:{number}", at=at, answer=CapturedAnswer(status, milliseconds=took))
        yield replace(other, place="b", at=moment(0) + timedelta(days=11), answer=CapturedAnswer(200))

    @pytest.mark.parametrize(
        ("given", "messages"),
        [
            ([(0, 200, 5)], []),
            ([(0, 500, 5), (5, 200, 5)], []),
            ([(0, 500, 5), (5, 500, 5), (305, 200, 5)], []),
            ([(0, 500, 5)], ["no retry 1, 5s after an attempt that failed"]),
            ([(0, 500, 5), (120, 200, 5)], ["retry 1 at another time than 5s after the attempt before"]),
            ([(0, 200, 60_000)], ["an answer after more than 15s was accepted"]),
            ([(0, 200, 60_000), (5, 200, 5)], []),
        ],
    )
    def test_is_held_to_the_policy(self, given: list[tuple[float, int, float]], messages: list[str]) -> None:
        found = drift("smartsupp", "documented", self.attempts(*given))
        assert [each.message for each in found.findings if each.kind == "delivery"] == messages
        assert found.totals.bodies == 2, "a retry is no other event"


class TestTheProfileThatFits:
    @pytest.mark.parametrize(
        ("vendor", "profile", "chosen"),
        [
            pytest.param("messagehub", "observed-4.18", "observed-4.18", marks=pytest.mark.slow),
            pytest.param("messagehub", "observed-2.5", "observed-2.5", marks=pytest.mark.slow),
            ("smartsupp", "webhooks", "webhooks"),
            ("chatvisor", "engage", "engage"),
        ],
    )
    def test_is_chosen_and_no_exchange_is_lost(self, vendor: str, profile: str, chosen: str) -> None:
        exchanges = list(captured(told(vendor, profile, STORIES)))
        found, fits, again = fitting(registry.get(vendor), exchanges)
        assert found.name == chosen
        assert chosen in fits
        assert list(again) == exchanges

    def test_is_the_default_without_a_body(self) -> None:
        found, fits, again = fitting(registry.get("messagehub"), [CapturedExchange("a", Direction.CALL, b"")])
        assert (found.name, fits, len(list(again))) == ("documented", (), 1)


def test_what_fails_is_asked_for() -> None:
    made = study("messagehub", "observed-4.18", edited("message_created", lambda body: added(body, tier=1)))
    verdicts = {name: report(made, read_fail_on([name])).verdict for name in ("breaking", "unknown", "any", "none")}
    assert verdicts == {"breaking": "passed", "unknown": "failed", "any": "failed", "none": "passed"}
    assert report(made, ANY).fail_on == ("any",)


def test_stories_of_this_file_are_there() -> None:
    assert {*STORIES, "handed-to-a-person", "returning-customer"} <= set(library.built_in())
    assert scenario("everyday-chat").vendors
