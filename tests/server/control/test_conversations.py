"""Conversations and calls: what was sent and called for one, its live state, and steps that are carried out by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from at_work import AtWork
from receiver import Receiver, status
from short_story import OF_USERLIKE

from control.client import Client

QUEUED = """\
scenario: Taken by an agent
vendors: [userlike]
starts: 2026-01-05T09:00:00Z
cast: {visitor: {identifier: crm-4711}, agents: {ana: {name: Ana Novak}}}
steps:
  - say: Hello
  - join: ana
"""
"""A chat that an agent has, and that is not over."""


def conversation_of(api: Client, run: dict[str, Any]) -> str:
    found: str = api.all("/deliveries", run=run["id"])[0]["conversation"]
    return found


def stepped(api: Client, conversations: list[str], step: Any, vendor: str = "userlike") -> list[dict[str, Any]]:
    """What became of a step by hand."""
    wanted = {"vendor": vendor, "conversations": conversations, "step": step}
    results: list[dict[str, Any]] = api.done("POST", "/steps", wanted)["results"]
    assert [result["conversation"] for result in results] == conversations
    return results


class TestListing:
    def test_the_ones_with_the_newest_attempts_first(self, api: Client, target: Receiver) -> None:
        for vendor in ("userlike", "messagehub"):
            api.play(target.url(), vendor=vendor, count=3)
        found = api.all("/conversations", limit=2)
        assert len({(one["vendor"], one["conversation"]) for one in found}) == len(found) == 6
        assert [one["vendor"] for one in found] == ["messagehub"] * 3 + ["userlike"] * 3
        assert all(one["failed"] == 0 and one["attempts"] == OF_USERLIKE for one in found)
        assert [one["vendor"] for one in api.all("/conversations", vendor="userlike")] == ["userlike"] * 3

    def test_counts_attempts_that_failed_at_once_and_says_what_is_wrong(self, api: Client) -> None:
        with Receiver(status(500)) as target:
            run = api.start(target.url(), speed="1x")
            target.wait_for(2)
            found = api.until(
                lambda: api.get("/conversations", run=run["id"])["items"],
                lambda items: items and items[0]["failed"] == 2,
            )
        assert (found[0]["attempts"], found[0]["diagnosis"]["problem"]) == (2, "Both attempts were answered 500.")

    def test_says_who_it_is_with_and_how_it_begins(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url())
        (found,) = api.get("/conversations", run=run["id"])["items"]
        told = {"scenario": "Short chat", "visitor": "Dana Kessler", "opening": "Grüße 👋", "diagnosis": None}
        assert {name: found[name] for name in told} == told
        assert run["began_at"] <= found["last_at"] <= run["ended_at"], "by the wall clock, not the story's"
        shown = api.get(f"/conversations/userlike/{found['conversation']}")
        assert {name: shown[name] for name in told} == told
        said = [entry["said"] for entry in shown["entries"]]
        assert said == [None, {"by": "Dana Kessler", "text": "Grüße 👋"}, {"by": "Ana Novak", "text": "Hi"}, None, None]
        assert {row["visitor"] for row in api.get("/deliveries", run=run["id"])["items"]} == {"Dana Kessler"}

    @pytest.mark.parametrize(
        ("query", "count"),
        [({"q": "Kessler"}, 1), ({"q": "Grüße"}, 1), ({"q": "nobody"}, 0), ({"event": "x"}, 0)],
    )
    def test_is_searched(self, api: Client, target: Receiver, query: dict[str, str], count: int) -> None:
        api.play(target.url())
        assert len(api.get("/conversations", **query)["items"]) == count

    def test_requests_in_flight_together_name_each_other(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), faults=["twins=2"])
        rows = api.get("/deliveries", run=run["id"])["items"]
        beside = {(row["delivery"], row["copy"]): row["in_flight_with"] for row in rows}
        for (delivery, copy), others in beside.items():
            assert others == [{"delivery": delivery, "copy": 1 - copy, "attempt": 1}]


class TestOne:
    def test_what_was_sent_and_called_stands_in_the_order_of_time(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), yaml=QUEUED)
        name = conversation_of(api, run)
        assert api.end_user(name).status == 202
        stepped(api, [name], {"say": "Still there?"})
        shown = api.until(lambda: api.get(f"/conversations/userlike/{name}"), lambda found: len(found["entries"]) == 4)
        assert [entry["type"] for entry in shown["entries"]] == ["attempt", "attempt", "call", "attempt"]
        times = [entry.get("sent_at") or entry["at"] for entry in shown["entries"]]
        assert times == sorted(times)
        assert shown["truncated"] is False
        assert api.get(f"/conversations/userlike/{name}", run=run["id"])["entries"] == shown["entries"]

    def test_its_live_state(self, api: Client, target: Receiver) -> None:
        run = api.start(target.url(), paused=True, speed="1x")
        name = api.deliveries(2)[0]["conversation"]
        live = api.get(f"/conversations/userlike/{name}")["live"]
        assert (live["visitor"]["name"], live["messages"], live["ended"]) == ("Dana Kessler", 1, False)
        assert (live["end_user"], live["assignee"], live["channel"]) == (None, None, "chat")
        assert api.end_user(name).status == 202
        api.done("PATCH", f"/runs/{run['id']}/clock", {"forward": "1h"})
        api.followed(run["id"])
        live = api.get(f"/conversations/userlike/{name}")["live"]
        assert (live["end_user"], live["messages"], live["ended"]) == ({"identifier": "crm-4711"}, 2, True)

    def test_ids_that_nobody_knows(self, idle: Client) -> None:
        for path in ("userlike/1", "nobody/1", "userlike/..", "%00/%00", "userlike/" + "9" * 1_000):
            assert idle.refused("GET", f"/conversations/{path}")["status"] == 404

    def test_one_of_an_earlier_server_is_still_shown(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url())
        name = conversation_of(api, run)
        api.done("POST", f"/runs/{run['id']}/stop")
        shown = api.until(lambda: api.get(f"/conversations/userlike/{name}"), lambda found: found["live"] is None)
        assert len(shown["entries"]) == OF_USERLIKE


class TestSteps:
    def test_reach_the_target_of_a_run_that_is_under_way(self, api: Client, target: Receiver) -> None:
        api.start(target.url(), paused=True, speed="1x")
        name = api.deliveries(2)[0]["conversation"]
        assert stepped(api, [name], {"say": "Are you there? 👋"}) == [
            {"conversation": name, "done": True, "reason": None}
        ]
        assert "Are you there? 👋" in target.wait_for(3)[-1].body.decode()

    def test_reach_the_target_of_a_run_that_is_finished(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), yaml=QUEUED)
        name = conversation_of(api, run)
        before = len(target.requests)
        stepped(api, [name], {"say": {"by": "ana", "text": "Good-bye"}})
        assert "Good-bye" in target.wait_for(before + 1)[-1].body.decode()
        stepped(api, [name], {"close": {"by": "ana"}})
        told = [request.json["_event"] for request in target.wait_for(before + 3)[before + 1 :]]
        assert told == ["end", "ended"]
        assert api.end_user(name).json == {"message": "Chat is already ended"}
        assert api.get(f"/runs/{run['id']}")["status"] == "finished"

    @pytest.mark.parametrize("most", [1, 3])
    def test_are_under_way_together_as_far_as_the_policy_lets_them(self, api: Client, most: int) -> None:
        work = AtWork(together=most, whose=lambda request: "the only one")
        policy = {"in_flight": str(most)}
        with Receiver(status(200), status(200), work) as target:
            run = api.play(target.url(), yaml=QUEUED, policy=policy)
            before = len(target.requests)
            name = conversation_of(api, run)
            for text in ("One", "Two", "Three"):
                stepped(api, [name], {"say": text})
            target.wait_for(before + 3)
            api.deliveries(before + 3, run=run["id"])
        assert work.peak["the only one"] == most

    def test_a_bulk_send_to_api_on_selected_conversations(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), yaml=QUEUED, count=3)
        names = [one["conversation"] for one in api.all("/conversations", run=run["id"])]
        before = len(target.requests)
        results = stepped(api, [names[0], "4711", names[2]], "send_to_api")
        assert [result["done"] for result in results] == [True, False, True]
        assert "not under way" in results[1]["reason"]
        # Userlike sends when the status next changes: the whole conversation once more.
        stepped(api, names, {"close": {"by": "ana"}})
        sent = [request.json for request in target.wait_for(before + 8)[before:]]
        ended = Counter(str(body["id"]) for body in sent if body["_event"] == "ended")
        assert ended == {names[0]: 2, names[1]: 1, names[2]: 2}

    def test_a_conversation_that_can_not_take_it_says_so(self, api: Client, target: Receiver) -> None:
        runs = [api.play(target.url(), yaml=QUEUED), api.play(target.url(), yaml=QUEUED.replace("ana", "kim"), seed=5)]
        names = [conversation_of(api, run) for run in runs]
        results = stepped(api, names, {"say": {"by": "kim", "text": "Hi"}})
        assert [result["done"] for result in results] == [False, True]
        assert results[0]["reason"] == "there is no agent 'kim' in the cast"

    def test_a_stopped_run_takes_no_steps(self, api: Client, target: Receiver) -> None:
        run = api.play(target.url(), yaml=QUEUED)
        name = conversation_of(api, run)
        api.done("POST", f"/runs/{run['id']}/stop")
        api.until(lambda: api.get(f"/conversations/userlike/{name}")["live"], lambda live: live is None)
        result = stepped(api, [name], {"say": "Hello?"})[0]
        assert (result["done"], "not under way" in result["reason"]) == (False, True)

    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            ("explode", "explode"),
            ({"sya": "Hello"}, "sya"),
            ({"say": "Hello", "close": {}}, ""),
            ({"wait": "5s"}, "waits"),
            ({"authenticate": {"within": "60s"}}, "waits"),
            ({"say": {"by": "nobody", "text": "Hi"}}, "nobody"),
            ({"say": 5, "fault": "explode"}, ""),
            ('x"}], "steps": [', ""),
            ({}, ""),
            (5, ""),
        ],
    )
    def test_what_is_no_step(self, idle: Client, step: Any, reason: str) -> None:
        problem = idle.refused("POST", "/steps", {"vendor": "userlike", "conversations": ["1"], "step": step})
        assert problem["status"] == 422
        assert reason in problem["detail"]


class TestCalls:
    def test_are_listed_newest_first_and_found(self, api: Client) -> None:
        for number in range(5):
            assert api.end_user(f"s-{number}", f"crm-{number}").status == 202
        calls = api.until(lambda: api.all("/calls", limit=2), lambda found: len(found) == 5)
        assert [call["session"] for call in calls] == [f"s-{number}" for number in (4, 3, 2, 1, 0)]
        assert api.get(f"/calls/{calls[0]['id']}") == calls[0]
        assert [call["session"] for call in api.all("/calls", q="crm-3")] == ["s-3"]
        assert [call["session"] for call in api.all("/calls", conversation="s-1")] == ["s-1"]
        assert api.all("/calls", vendor="messagehub") == []
        assert [call["id"] for call in api.get("/calls", after=calls[2]["id"])["items"]] == [
            calls[1]["id"],
            calls[0]["id"],
        ]

    def test_say_what_came_and_what_was_told(self, api: Client) -> None:
        api.end_user("s-1")
        call = api.until(lambda: api.all("/calls"), bool)[0]
        assert (call["method"], call["path"]) == ("POST", "/apps/api/v1/chats/s-1/end_user")
        assert (call["status"], call["message"]) == (202, "accepted")
        assert (call["credentials"], call["body"]) == ("bearer", '{"identifier": "crm-4711"}')

    def test_one_that_nobody_knows(self, idle: Client) -> None:
        for number in ("1", "0", "x", "9" * 30):
            assert idle.refused("GET", f"/calls/{number}")["status"] == 404
