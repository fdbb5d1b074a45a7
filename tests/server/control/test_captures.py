"""Captures by the control API: record, follow, stop, drift, scenarios, and what the command line recorded."""

from __future__ import annotations

import gc
import gzip
import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from generator import report_schemas
from receiver import Receiver
from recorders import recording
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.core.errors import InputError
from vendorsim.journal.store import Book, Journal
from vendorsim.recording import opening
from vendorsim.server.control import capture_requests, requests, started_captures, uploads
from vendorsim.server.control.capturer import CaptureOrder
from vendorsim.vendorkit import registry

from control.client import API, Client, serving

VENDOR = "messagehub"
SCENARIO = "everyday-chat"


def started(api: Client, target: Receiver, **wanted: Any) -> dict[str, Any]:
    """A recording that passes on to the target."""
    found: dict[str, Any] = api.done("POST", "/captures", {"vendor": VENDOR, "forward": target.url()} | wanted)
    return found


def recorded(api: Client, target: Receiver, **wanted: Any) -> dict[str, Any]:
    """A recording of one played story, ended."""
    capture = started(api, target, **wanted)
    api.play(f"{capture['urls'][0]}/", scenario=SCENARIO, vendor=VENDOR, seed=1)
    stopped: dict[str, Any] = api.done("POST", f"/captures/{capture['id']}/stop")
    return stopped


class TestRecording:
    def test_what_is_played_through_it_is_kept_and_counted(self, api: Client, target: Receiver) -> None:
        answer = api("POST", "/captures", {"vendor": VENDOR, "forward": target.url()})
        assert answer.status == 201
        capture = answer.json
        assert (capture["status"], capture["targets"], capture["webhooks"]) == ("recording", [target.url()], 0)
        assert api.request("GET", answer.headers["Location"].partition(f":{api.port}")[2]).json == capture
        run = api.play(f"{capture['urls'][0]}/", scenario=SCENARIO, vendor=VENDOR, seed=1)
        stopped = api.done("POST", f"/captures/{capture['id']}/stop")
        count = run["summary"]["delivered"]
        assert (stopped["status"], stopped["urls"], stopped["webhooks"]) == ("ended", [], count)
        assert stopped["ended_at"]
        assert (stopped["undelivered"], stopped["judged"]) == (0, {"drifting": 0, "violations": [], "refused": {}})
        assert len(target.requests) == count
        kept = api.all("/deliveries", run=capture["id"], limit=500)
        assert [one["recorded"] for one in kept] == [True] * count
        assert api.get("/captures")["items"] == [stopped]
        # Stopped once more it stays as it is.
        assert api.done("POST", f"/captures/{capture['id']}/stop") == stopped

    def test_calls_are_recorded_too(self, api: Client, target: Receiver) -> None:
        base = f"http://127.0.0.1:{api.port}"
        capture = started(api, target, api_forward=base)
        assert len(capture["urls"]) == 2
        through = replace(api, port=int(capture["urls"][1].rpartition(":")[2]))
        assert through.end_user("4711").status == 202
        ended = api.done("POST", f"/captures/{capture['id']}/stop")
        assert (ended["calls"], ended["webhooks"]) == (1, 0)
        # The server has answered the same call, and tells it by itself.
        told = api.until(lambda: api.get("/calls")["items"], lambda found: len(found) == 2)
        assert {one["recorded"] for one in told} == {True, False}
        # It is of the conversation, though the API is another vendor's.
        assert {(one["operation"], one["session"]) for one in told} == {("end_user", "4711")}
        (kept,) = api.get("/calls", run=capture["id"])["items"]
        assert api.get(f"/calls/{kept['id']}")["answer"]["body"]["text"]

    def test_what_drifts_is_told_without_values(self, api: Client, target: Receiver) -> None:
        capture = recorded(api, target, profile="observed-3.0")
        judged = capture["judged"]
        assert judged["drifting"] > 0
        assert all(set(one) == {"event", "pointer", "count"} for one in judged["violations"])

    def test_there_are_a_few_at_once(self, api: Client, target: Receiver) -> None:
        for _ in range(started_captures.MOST_RECORDING):
            capture = started(api, target)
        assert api.refused("POST", "/captures", {"vendor": VENDOR, "forward": target.url()})["status"] == 429
        api.done("POST", f"/captures/{capture['id']}/stop")
        started(api, target)
        api.done("POST", "/reset")
        assert api.get("/captures")["items"] == []
        # A port that was free again can be taken.
        again = started(api, target, listen=int(capture["urls"][0].rpartition(":")[2]))
        assert again["urls"] == capture["urls"]

    def test_a_namespace_has_its_own(self, api: Client, target: Receiver) -> None:
        team = replace(api, prefix="/_ns/recording")
        capture = recorded(team, target)
        assert api.get("/captures")["items"] == []
        assert api.refused("GET", f"/captures/{capture['id']}/drift")["status"] == 404
        assert [one["id"] for one in team.get("/captures")["items"]] == [capture["id"]]
        team.done("POST", "/reset")

    def test_one_of_the_command_line_is_shown_and_not_stopped(self, journal: Path, target: Receiver) -> None:
        with serving(journal, capturer=ServedCaptures) as api:
            with recording(target.url(), journal=journal) as proxy:
                (capture,) = api.get("/captures")["items"]
                assert (capture["status"], capture["judged"], capture["urls"]) == ("elsewhere", None, [])
                assert api.refused("POST", f"/captures/{capture['id']}/stop")["status"] == 409
                assert api.refused("GET", f"/captures/{capture['id']}/drift")["status"] == 409
                api.play(f"http://127.0.0.1:{proxy.port}/", scenario=SCENARIO, vendor=VENDOR)
            (capture,) = api.get("/captures")["items"]
            assert (capture["status"], capture["webhooks"] > 0) == ("ended", True)
            assert api.get(f"/captures/{capture['id']}/drift")["report"]["verdict"] == "passed"


REFUSED: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "no vendor": ({"vendor": None}, 422, "", '"vendor" is a required property'),
    "a vendor that nobody knows": ({"vendor": "messagehubb"}, 422, "/vendor", "did you mean 'messagehub'"),
    "a profile that nobody knows": ({"profile": "old"}, 422, "/profile", "known: "),
    "the folder of an overlay": ({"profile": "./seen"}, 422, "/profile", "is a folder"),
    "no target": ({"forward": None}, 422, "", '"forward" is a required property'),
    "no URL": ({"forward": "localhost"}, 422, "/forward", "localhost"),
    "another host": ({"forward": "http://192.0.2.7/hook"}, 403, "/forward", "--allow-target 192.0.2.7"),
    "another host of the API": ({"api_forward": "http://192.0.2.7/"}, 403, "/api_forward", "--allow-target 192.0.2.7"),
    "a password": ({"forward": "http://u:pw@127.0.0.1:9/"}, 422, "/forward", "leave out user and password"),
    "a port for no calls": ({"api_listen": 0}, 422, "/api_forward", "give it, too"),
    "the port itself": ({"listen": 5999, "forward": "http://127.0.0.1:5999/"}, 422, "/forward", "the recording itself"),
    "no port": ({"listen": 70000}, 422, "/listen", "65535"),
    "a key that nobody knows": ({"port": 1}, 422, "", "port"),
}


@pytest.fixture(scope="module")
def idle_captures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server that records, for all tests that change nothing of it."""
    with serving(tmp_path_factory.mktemp("idle captures") / "server.sqlite", capturer=ServedCaptures) as client:
        yield client


class TestRefusing:
    @pytest.mark.parametrize(("changes", "status", "pointer", "reason"), REFUSED.values(), ids=list(REFUSED))
    def test_says_where_and_why(
        self, idle_captures: Client, changes: dict[str, Any], status: int, pointer: str, reason: str
    ) -> None:
        wanted = {"vendor": VENDOR, "forward": "http://127.0.0.1:9/hook"} | changes
        problem = idle_captures.refused(
            "POST", "/captures", {key: value for key, value in wanted.items() if value is not None}
        )
        assert (problem["status"], problem["errors"][0]["pointer"]) == (status, pointer)
        assert reason in problem["detail"]
        assert "pw" not in problem["detail"]
        assert idle_captures.get("/captures")["items"] == []

    @pytest.mark.parametrize("key", ["listen", "api_listen"])
    def test_a_port_that_is_taken(self, idle_captures: Client, key: str) -> None:
        wanted = {"vendor": VENDOR, "forward": "http://127.0.0.1:9/", "api_forward": "http://127.0.0.1:9/"}
        problem = idle_captures.refused("POST", "/captures", wanted | {key: idle_captures.port})
        assert (problem["status"], problem["errors"][0]["pointer"]) == (409, f"/{key}")
        assert "in use" in problem["detail"]

    def test_two_recordings_go_in_no_circle(self, api: Client, target: Receiver) -> None:
        capture = started(api, target)
        problem = api.refused("POST", "/captures", {"vendor": VENDOR, "forward": capture["urls"][0]})
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/forward")

    def test_a_server_that_records_nothing_says_so(self, idle: Client) -> None:
        problem = idle.refused("POST", "/captures", {"vendor": VENDOR, "forward": "http://127.0.0.1:9/"})
        assert (problem["status"], "capture record" in problem["detail"]) == (501, True)

    @pytest.mark.parametrize("path", ["/captures/77", "/captures/77/drift", "/captures/x"])
    def test_there_is_no_such_capture(self, idle_captures: Client, path: str) -> None:
        assert idle_captures.refused("GET", path)["status"] == 404


class TestStudying:
    def test_its_own_profile_has_no_drift_and_another_has(self, api: Client, target: Receiver) -> None:
        capture = recorded(api, target)
        found = api.get(f"/captures/{capture['id']}/drift")
        assert (found["truncated"], found["report"]["verdict"]) == (False, "passed")
        assert found["report"]["totals"]["bodies"] == capture["webhooks"]
        other = api.get(f"/captures/{capture['id']}/drift", profile="observed-3.0")["report"]
        assert (other["profile"], other["verdict"]) == ("observed-3.0", "failed")
        # A place names the delivery.
        number = int(other["findings"][0]["example"]["place"].removeprefix(f"capture {capture['id']}#"))
        assert api.get(f"/deliveries/{number}")["run"] == capture["id"]
        assert api.refused("GET", f"/captures/{capture['id']}/drift?profile=old")["status"] == 422

    @pytest.mark.slow
    def test_a_conversation_becomes_a_scenario_that_plays(self, api: Client, target: Receiver) -> None:
        capture = started(api, target, vendor="userlike")
        api.play(f"{capture['urls'][0]}/")
        api.done("POST", f"/captures/{capture['id']}/stop")
        (conversation,) = [one for one in api.get("/conversations", run=capture["id"])["items"] if one["conversation"]]
        assert conversation["recorded"]
        wanted = {"conversation": conversation["conversation"]}
        (made,) = api.done("POST", f"/captures/{capture['id']}/scenarios", wanted)["scenarios"]
        assert (made["conversation"], made["raw"]) == (conversation["conversation"], 0)
        run = api.play(target.url(), yaml=made["yaml"])
        assert run["summary"]["delivered"] == made["webhooks"]
        problem = api.refused("POST", f"/captures/{capture['id']}/scenarios", {"conversation": "nobody"})
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/conversation")

    def test_a_recorded_conversation_has_its_own_entries(self, api: Client, target: Receiver) -> None:
        capture = recorded(api, target)
        rows = api.get("/conversations")["items"]
        by_run = {row["recorded"]: row for row in rows if row["conversation"]}
        path = f"/conversations/{VENDOR}/{by_run[True]['conversation']}"
        told = api.get(path, run=capture["id"])
        assert (told["recorded"], told["live"]) == (True, None)
        assert {entry["recorded"] for entry in told["entries"]} == {True}
        played = api.get(path, run=by_run[False]["run"])
        assert (played["recorded"], played["live"] is None) == (False, False)

    def test_the_control_api_has_the_published_schema(self) -> None:
        published = report_schemas.drift_report()
        ours = requests.openapi()["components"]["schemas"]["DriftReport"]
        left_out = ("$schema", "$id", "title", "description")
        assert {key: value for key, value in ours.items() if key != "description"} == {
            key: value for key, value in published.items() if key not in left_out
        }


class FullDisk:
    """A capturer whose recording can't be kept."""

    failure = "the disk is full"
    urls = ("http://127.0.0.1:9",)
    run = 0

    def start(self, order: CaptureOrder, journal: Book, namespace: str) -> FullDisk:
        self.journal = journal
        about = {"vendor": order.vendor.name, "profile": order.profile.name, "targets": [order.forward]}
        self.run = journal.begin("capture record", about, namespace)
        return self

    def so_far(self) -> dict[str, Any]:
        return {"drifting": 0, "violations": [], "refused": {}}

    def close(self) -> None:
        self.journal.close()
        raise InputError("the journal can't be written: the disk is full")


def test_a_recording_that_can_not_be_kept_ends_and_says_so(journal: Path, target: Receiver) -> None:
    with serving(journal, capturer=FullDisk) as api:
        capture = started(api, target)
        found = api.until(lambda: api.get(f"/captures/{capture['id']}"), lambda one: one["status"] != "recording")
    assert (found["status"], found["urls"]) == ("failed", [])
    assert "the disk is full" in found["reason"]


def test_a_long_capture_is_studied_in_part_and_says_so(
    api: Client, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = recorded(api, target)
    monkeypatch.setattr(capture_requests, "MOST_STUDIED", 3)
    found = api.get(f"/captures/{capture['id']}/drift")
    assert (found["truncated"], found["report"]["totals"]["exchanges"]) == (True, 3)


def test_a_server_that_closes_ends_its_recordings(journal: Path, target: Receiver) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with serving(journal, capturer=ServedCaptures) as api:
            capture = started(api, target)
            api.play(f"{capture['urls'][0]}/", scenario=SCENARIO, vendor=VENDOR)
        gc.collect()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("vendorsim-capture")]
    with serving(journal) as api:
        (kept,) = api.get("/captures")["items"]
    assert (kept["status"], kept["judged"], kept["webhooks"] > 0) == ("ended", None, True)
    assert json.dumps(kept)


@pytest.mark.slow
def test_a_server_starts_without_the_recorder() -> None:
    code = """import sys, vendorsim.cli.serve, vendorsim.server.hub
print([name for name in sys.modules if "recording" in name or "captures.drift" in name])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestOpening:
    """A captured file is uploaded in parts, and is then a capture like a recorded one."""

    def test_a_file_gives_what_was_recorded(self, api: Client, target: Receiver) -> None:
        capture = recorded(api, target)
        har = api("GET", f"/deliveries.har?run={capture['id']}").body
        found = opened(api, har, "chat.har")
        copy = found["capture"]
        assert (found["skipped"], found["truncated"]) == ([], False)
        assert (copy["file"], copy["status"], copy["targets"]) == ("chat.har", "ended", [])
        told = ("vendor", "profile", "webhooks", "undelivered", "calls")
        assert [copy[name] for name in told] == [capture[name] for name in told]
        first, second = (
            sorted(row["event"] for row in api.all("/deliveries", run=one["id"])) for one in (capture, copy)
        )
        assert first == second
        drifts = [api.get(f"/captures/{one['id']}/drift")["report"]["verdict"] for one in (capture, copy)]
        assert drifts == ["passed", "passed"]
        assert [one["id"] for one in api.get("/captures")["items"]] == [copy["id"], capture["id"]]

    def test_what_does_not_say_how_it_was_answered_has_not_failed(self, api: Client) -> None:
        found = opened(api, b'{"event": "message_created", "id": 1}\n{"event": "message_created", "id": 2}\n')
        assert (found["capture"]["webhooks"], found["capture"]["undelivered"]) == (2, 0)
        row = api.get("/deliveries", run=found["capture"]["id"])["items"][0]
        assert row["reason"] == "the capture does not say how it was answered"

    def test_what_can_not_be_read_is_told_with_its_place(self, api: Client) -> None:
        found = opened(api, b'{"event": "message_created"}\n{"event":\n', "a/b.jsonl")
        assert [each.partition(": ")[0] for each in found["skipped"]] == ["a_b.jsonl:2:10"]
        assert found["capture"]["webhooks"] == 1

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "hooks.json: the file is empty"),
            (b"PK\x03\x04", "hooks.json: is a zip archive"),
            (b"SQLite format 3\0", "hooks.json: is a journal"),
            (b"[" * 100_000, "hooks.json:1:"),
            (gzip.compress(bytes(2**24)), "hooks.json:1:1: "),
            (b'{"log": {"entries": [{"request": {"method": "GET", "url": "http://x/"}}]}}', "hooks.json#0: neither"),
        ],
    )
    def test_a_file_without_anything_of_use_is_refused_at_its_field(
        self, api: Client, content: bytes, told: str
    ) -> None:
        request = {"upload": uploaded(api, content), "name": "hooks.json", "vendor": VENDOR}
        (error,) = api.refused("POST", "/captured-files", request)["errors"]
        assert error["pointer"] == "/upload"
        assert error["detail"].startswith(told)
        assert api.get("/captures")["items"] == []
        # It is used up.
        assert api.refused("POST", "/captured-files", request)["status"] == 404

    def test_a_part_begins_where_the_file_ends(self, idle: Client) -> None:
        upload = uploaded(idle, b"abc")
        path = f"/uploads/{upload}"
        assert idle.request("PATCH", f"{API}{path}?offset=3", raw=b"de", headers=OCTETS).json["size"] == 5
        for offset in (0, 4, 6):
            assert idle.request("PATCH", f"{API}{path}?offset={offset}", raw=b"x", headers=OCTETS).status == 409
        assert idle.request("PATCH", f"{API}{path}?offset=5", raw=b"x").status == 415

    def test_a_file_has_a_largest_size(self, idle: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "LARGEST_FILE", 4)
        assert idle.request("POST", f"{API}/uploads", raw=b"12345", headers=OCTETS).status == 413
        assert idle.request("POST", f"{API}/uploads", raw=bytes(2**20 + 1), headers=OCTETS).status == 413

    def test_the_newest_files_are_kept(self, idle: Client) -> None:
        first, *rest = [uploaded(idle, b"x") for _ in range(uploads.MOST_FILES + 1)]
        offsets = {
            each: idle.request("PATCH", f"{API}/uploads/{each}?offset=1", raw=b"", headers=OCTETS).status
            for each in (first, *rest)
        }
        assert offsets == {first: 404} | dict.fromkeys(rest, 200)

    def test_a_file_is_kept_as_far_as_the_limits_let_it(self, tmp_path: Path) -> None:
        file = tmp_path / "hooks.jsonl"
        file.write_bytes(b'{"event": "message_created"}\n' * 300)
        vendor = registry.get(VENDOR)
        journal = Journal(tmp_path / "journal.sqlite")
        limits = opening.OpeningLimits(exchanges=250)
        found = opening.keep_file(file, "hooks.jsonl", vendor, vendor.profile(None), journal, limits=limits)
        assert found.truncated
        assert len(list(journal.attempts(found.run))) == 250
        journal.close()


OCTETS = {"Content-Type": "application/octet-stream"}


def uploaded(api: Client, content: bytes) -> str:
    answer = api.request("POST", f"{API}/uploads", raw=content, headers=OCTETS)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def opened(api: Client, content: bytes, name: str = "hooks.jsonl") -> dict[str, Any]:
    request = {"upload": uploaded(api, content), "name": name, "vendor": VENDOR}
    found: dict[str, Any] = api.done("POST", "/captured-files", request)
    return found
