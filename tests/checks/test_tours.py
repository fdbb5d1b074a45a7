"""Which changed events are tried in one conversation, and what becomes of those that are refused there."""

from __future__ import annotations

from typing import Any

from command_line import Vendorsim
from receiver import Connection, Receiver, Request, status
from vendorsim.checks.context import Exchange
from vendorsim.checks.stories import Sample
from vendorsim.checks.tours import ChangedEvent, plan

START, SAID, ANSWERED, CLOSED, AWAY = "start", "said", "answered", "closed", "away"
BEFORE = {
    START: (),
    SAID: (START,),
    ANSWERED: (START, SAID),
    CLOSED: (START, SAID, ANSWERED),
    AWAY: (START, ANSWERED),
}


def attempt(event: str, *, decides: bool = False) -> ChangedEvent:
    async def judge(_: Sample, __: Exchange) -> None:
        """Nothing is sent here."""

    return ChangedEvent(event, lambda sample: None, judge, decides)


def told(*attempts: ChangedEvent) -> list[dict[int, str]]:
    return [{number: each.event for number, each in tour.items()} for tour in plan(attempts, BEFORE)]


class TestPlan:
    def test_one_conversation_tries_every_event_on_its_way(self) -> None:
        assert told(*map(attempt, (START, SAID, ANSWERED, CLOSED))) == [{0: START, 1: SAID, 2: ANSWERED, 3: CLOSED}]

    def test_one_attempt_at_each_event_of_a_conversation(self) -> None:
        assert told(*map(attempt, (SAID, SAID, CLOSED))) == [{1: SAID, 3: CLOSED}, {1: SAID}]

    def test_an_event_is_tried_after_the_same_events_as_alone(self) -> None:
        assert told(attempt(AWAY), attempt(ANSWERED)) == [{2: ANSWERED}, {2: AWAY}]

    def test_nothing_follows_an_attempt_that_decides(self) -> None:
        assert told(attempt(SAID, decides=True), attempt(CLOSED)) == [{3: CLOSED}, {1: SAID}]

    def test_others_come_before_an_attempt_that_decides(self) -> None:
        assert told(attempt(CLOSED, decides=True), attempt(CLOSED), attempt(SAID)) == [
            {1: SAID, 3: CLOSED},
            {3: CLOSED},
        ]

    def test_nothing_is_left_out(self) -> None:
        attempts = [attempt(event, decides=number % 3 == 0) for event in BEFORE for number in range(7)]
        planned = [each for tour in plan(attempts, BEFORE) for each in tour.values()]
        assert sorted(map(id, planned)) == sorted(map(id, attempts))


ONLY = ("--vendor", "messagehub", "--only", "tolerates.unknown_field", "--json")
UNKNOWN = b"vendorsim_unknown_field"


def conversation(body: dict[str, Any]) -> object:
    return body.get("conversation", body).get("id")


def test_what_is_refused_after_another_change_is_tried_again_without_that(vendorsim: Vendorsim) -> None:
    changed: set[object] = set()
    refused: list[str] = []

    def only_one_change(connection: Connection, request: Request) -> None:
        body = request.json
        known = conversation(body) in changed
        refused.extend([body["event"]] if known else [])
        changed.update([conversation(body)] if UNKNOWN in request.body else [])
        connection.send(status(400 if known else 200))

    with Receiver(only_one_change) as target:
        done = vendorsim("check", *ONLY, "--to", target.url())
    (check,) = done.json["checks"]
    assert refused
    assert (done.code, check["status"]) == (0, "passed")
    assert check["cases"] == len({request.json["event"] for request in target.requests})


def test_a_refusal_is_blamed_on_its_own_change_only(vendorsim: Vendorsim) -> None:
    def answer(connection: Connection, request: Request) -> None:
        strict = request.json["event"] == "message_created"
        connection.send(status(400 if strict and UNKNOWN in request.body else 200))

    with Receiver(answer) as target:
        done = vendorsim("check", *ONLY, "--to", target.url())
    assert {finding["event"] for finding in done.json["findings"]} == {"message_created"}
    assert done.code == 1
