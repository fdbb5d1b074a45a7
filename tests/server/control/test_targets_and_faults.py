"""Targets and faults: where events go, and what goes wrong with the next ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from receiver import Receiver, status
from short_story import OF_USERLIKE
from vendorsim.runs.config import Config
from vendorsim.server.control.routes.targets import MOST_TARGETS
from vendorsim.vendorkit.policy_overrides import read_assignments

from control.client import SECRET, Client, serving


def add(api: Client, target: Receiver | str, **more: Any) -> dict[str, Any]:
    """A target of Userlike's events, unless it says otherwise."""
    url = target if isinstance(target, str) else target.url()
    added: dict[str, Any] = api.done("POST", "/targets", {"vendor": "userlike", "url": url} | more)
    return added


class TestTargets:
    def test_events_go_to_all_of_them(self, api: Client, target: Receiver) -> None:
        with Receiver() as second:
            assert [add(api, place)["number"] for place in (target, second)] == [0, 1]
            assert api.play()["summary"]["delivered"] == 2 * OF_USERLIKE
            assert target.bodies == second.bodies

    def test_one_gets_the_events_that_it_is_for(self, api: Client, target: Receiver) -> None:
        added = add(api, target, events=["chat_session.end"])
        assert added == {
            "vendor": "userlike",
            "number": 0,
            "url": target.url(),
            "events": ["chat_session.end"],
            "kind": "webhook",
            "signed": False,
            "hook": added["hook"],
        }
        assert api.get("/targets") == {"items": [added], "next": None}
        assert api.play()["summary"]["delivered"] == len(target.requests) == 1

    def test_one_that_is_removed_gets_nothing_any_more(self, api: Client, target: Receiver) -> None:
        with Receiver() as removed:
            add(api, removed)
            add(api, target)
            api.done("DELETE", "/targets/userlike/0")
            api.play()
            assert (len(removed.requests), len(target.requests)) == (0, OF_USERLIKE)
        assert [place["number"] for place in api.get("/targets")["items"]] == [1]
        for path in ("userlike/0", "userlike/x", "nobody/1", "userlike/" + "9" * 30):
            assert api.refused("DELETE", f"/targets/{path}")["status"] == 404

    def test_one_with_a_secret_is_signed_for(self, api: Client, target: Receiver) -> None:
        added = add(api, target, vendor="messagehub", secret=SECRET)
        run = api.play(vendor="messagehub", profile="observed-4.15", to=target.url(), secret=SECRET)
        assert run["profile"] == "observed-4.15"
        sent = target.requests[0]
        message = f"{sent.header('X-Chatwoot-Timestamp')}.".encode() + sent.body
        digest = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        assert sent.header("X-Chatwoot-Signature") == f"sha256={digest}"
        assert SECRET not in str(added) + str(api.get("/targets"))

    def test_a_run_with_headers_of_its_own_goes_to_the_same_targets(self, api: Client, target: Receiver) -> None:
        add(api, target)
        api.play(headers={"X-Tenant": "acme"})
        api.play()
        assert Counter(request.header("X-Tenant") for request in target.requests) == {"acme": 5, None: 5}
        assert len(api.get("/targets")["items"]) == 1

    def test_they_outlive_the_run_that_used_them(self, api: Client, target: Receiver) -> None:
        add(api, target)
        run = api.play()
        api.done("POST", f"/runs/{run['id']}/stop")
        api.play()
        assert len(target.requests) == 2 * OF_USERLIKE

    def test_what_an_integration_begins_after_a_stopped_run_is_delivered(self, api: Client, target: Receiver) -> None:
        add(api, target, vendor="messagehub")
        run = api.play(vendor="messagehub")
        api.done("POST", f"/runs/{run['id']}/stop")
        api.until(lambda: api.get("/health")["running"], lambda running: running == 0)
        before = len(target.requests)
        new = {"source_id": "a", "message": {"content": "Hello"}}
        answer = api.request("POST", "/api/v1/accounts/1/conversations", new, headers={"api_access_token": "t"})
        assert answer.status == 200, answer.text
        target.wait_for(before + 1)

    @pytest.mark.parametrize(
        ("wanted", "code", "reason"),
        [
            ({"vendor": "userlik"}, 422, "did you mean 'userlike'"),
            ({"url": "http://192.0.2.7/"}, 403, "192.0.2.7"),
            ({"url": "http://169.254.169.254/latest/meta-data"}, 403, "169.254.169.254"),
            ({"url": "http://localhost.example.com/"}, 403, "localhost.example.com"),
            ({"url": "http://127.0.0.1@example.com/"}, 403, "example.com"),
            ({"url": "http://[::ffff:192.0.2.7]/"}, 403, "::ffff"),
            ({"url": "http://0.0.0.0/"}, 403, "0.0.0.0"),
            ({"url": "http://2130706433/"}, 403, "2130706433"),
            ({"url": "gopher://127.0.0.1/"}, 422, "/url"),
            ({"url": "http://127.0.0.1:99999/"}, 422, "/url"),
            ({"url": "http://127.0.0.1/\r\nX: y"}, 422, "/url"),
            ({"events": ["chat.end"]}, 422, "/events"),
            ({"kind": "bot"}, 422, "/kind"),
            ({"secert": "x"}, 422, "secert"),
        ],
    )
    def test_what_is_refused(self, idle: Client, wanted: dict[str, Any], code: int, reason: str) -> None:
        problem = idle.refused("POST", "/targets", {"vendor": "userlike", "url": "http://127.0.0.1:9/"} | wanted)
        assert problem["status"] == code
        assert reason in problem["detail"]
        assert idle.get("/targets")["items"] == []

    def test_there_are_not_too_many(self, api: Client) -> None:
        for number in range(MOST_TARGETS):
            add(api, f"http://127.0.0.1:9/{number}")
        problem = api.refused("POST", "/targets", {"vendor": "userlike", "url": "http://127.0.0.1:9/"})
        assert problem["status"] == 429


class TestSignedTargets:
    def test_a_vendor_that_signs_needs_a_secret(self, journal: Path, target: Receiver) -> None:
        with serving(journal, profiles={"smartsupp": "webhooks"}) as api:
            wanted = {"vendor": "smartsupp", "url": target.url()}
            assert api.refused("POST", "/targets", wanted)["errors"][0]["pointer"] == "/secret"
            assert api.done("POST", "/targets", wanted | {"secret": SECRET})["signed"] is True
            api.play(vendor="smartsupp")
            digest = hmac.new(SECRET.encode(), target.bodies[0], hashlib.sha256).digest()
            assert target.requests[0].header("X-Smartsupp-Hmac") in (digest.hex(), base64.b64encode(digest).decode())


class TestFaults:
    def test_strike_the_next_deliveries_and_then_stop(self, api: Client, target: Receiver) -> None:
        switched = api.done("PUT", "/faults", {"faults": ["drop"], "deliveries": 2})
        assert (switched["faults"], switched["deliveries"], switched["events"]) == (["drop"], 2, None)
        run = api.play(target.url())
        assert (run["summary"]["dropped"], run["summary"]["delivered"]) == (2, OF_USERLIKE - 2)
        assert (api.get("/faults")["faults"], api.get("/faults")["deliveries"]) == ([], None)

    def test_strike_the_events_that_they_are_for(self, api: Client, target: Receiver) -> None:
        api.done("PUT", "/faults", {"faults": ["duplicate=2"], "events": ["chat_session.end"], "deliveries": 1})
        api.play(target.url(), count=2)
        assert Counter(request.json["_event"] for request in target.requests)["end"] == 4

    def test_are_switched_off_again(self, api: Client, target: Receiver) -> None:
        api.done("PUT", "/faults", {"faults": ["drop", "delay=5s@0.5"]})
        assert api.get("/faults")["faults"] == ["drop", "delay=5s@0.5"]
        assert api.done("PUT", "/faults", {"faults": []})["faults"] == []
        assert api.play(target.url())["summary"]["delivered"] == OF_USERLIKE

    def test_are_all_known(self, idle: Client) -> None:
        known = idle.get("/faults")["known"]
        assert {"drop", "duplicate", "delay"} <= {fault["name"] for fault in known}
        assert all(fault["help"] and fault["example"] for fault in known)

    @pytest.mark.parametrize(
        ("wanted", "reason"),
        [
            ({"faults": ["explode"]}, "/faults/0: unknown fault 'explode'"),
            ({"faults": ["drop", "delay=soon"]}, "/faults/1: fault delay: 'soon'"),
            ({"faults": ["drop@2"]}, "/faults/0: the rate '2' is not a number from 0 to 1"),
            ({"faults": ["quirk=x"]}, "belongs to a run"),
            ({"faults": ["signature=wrong"]}, "belongs to a run"),
            ({"faults": ["drop"], "deliveries": 0}, "/deliveries"),
            ({"faults": "drop"}, "/faults"),
            ({}, "faults"),
        ],
    )
    def test_what_is_refused(self, idle: Client, wanted: dict[str, Any], reason: str) -> None:
        problem = idle.refused("PUT", "/faults", wanted)
        assert problem["status"] == 422
        assert reason in problem["detail"]


class TestHooksThatAreSwitchedOff:
    """Runs in real time share the hook of a target: a run at full speed has one for each conversation."""

    def test_one_can_be_switched_on_again_and_gets_what_it_missed(self, journal: Path) -> None:
        config = Config(policies={"userlike": read_assignments(["retries=none", "switch_off=2"])})
        with Receiver(*[status(500)] * 2, status(200)) as target, serving(journal, config=config) as api:
            added = add(api, target)
            assert added["hook"] == {
                "state": "on",
                "failures": 0,
                "failing_since": None,
                "paused_until": None,
                "off_since": None,
                "off_because": None,
            }
            played = api.play(speed="1000x")["summary"]
            assert (played["delivered"], played["lost"]) == (0, OF_USERLIKE - 2)
            assert played["hooks_switched_off"] == 1
            assert len(target.requests) == 2
            (off,) = api.get("/targets")["items"]
            assert (off["hook"]["state"], off["hook"]["off_because"]) == ("off", "has failed 2 times in a row")

            place = f"/targets/userlike/{added['number']}"
            assert api.done("POST", f"{place}/switch-on")["hook"]["state"] == "on"
            again = api.done("POST", f"{place}/redeliver")["items"]
            assert [row["verdict"] for row in again] == ["delivered"] * OF_USERLIKE
            assert len({row["delivery"] for row in again}) == OF_USERLIKE
            assert target.bodies[:2] == target.bodies[2:4]
            assert api.done("POST", f"{place}/redeliver")["items"] == []

    @pytest.mark.parametrize("what", ["switch-on", "redeliver"])
    def test_only_a_target_that_is_there(self, api: Client, what: str) -> None:
        for place in ("userlike/0", "userlike/x", "nobody/0"):
            assert api.refused("POST", f"/targets/{place}/{what}")["status"] == 404


class TestOutagesOfTheApis:
    def test_the_vendors_apis_are_away_while_it_lasts(self, api: Client, target: Receiver) -> None:
        assert conversations(api) != 503
        given = {"vendor": "messagehub", "faults": ["outage=0s..1h+api"], "speed": "1x"}
        run = api.start(target.url(), **given)["id"]
        api.until(lambda: conversations(api), lambda status: status == 503)
        # The control API is none of them.
        assert api.get("/health")
        api.done("POST", f"/runs/{run}/stop")
        api.followed(run, "stopped")
        assert target.requests == []
        api.until(lambda: conversations(api), lambda status: status != 503)


def conversations(api: Client) -> int:
    """The status of a call of MessageHub's API."""
    path = "/api/v1/accounts/1/conversations"
    return api.request("GET", path, headers={"api_access_token": "t"}).status
