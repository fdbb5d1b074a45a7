"""The server itself: health, metrics, reset, seed, the documents that the command line prints too, and its own
description."""

from __future__ import annotations

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from openapi_spec_validator import validate
from receiver import Receiver
from short_story import OF_USERLIKE
from vendorsim.core import resources
from vendorsim.core.version import __version__
from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.http.server import running_server
from vendorsim.journal.journals import JournalFile
from vendorsim.journal.recorder import Recorder
from vendorsim.journal.store import Journal
from vendorsim.server.app import create_app
from vendorsim.server.control.blueprint import control_api
from vendorsim.server.control.settings import Settings, Shared
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.hub import Hub
from vendorsim.server.page import FILES

from control.client import API, Client, serving

# A sample of the text format (prometheus.io, "Exposition formats").
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+)')


def metrics(api: Client) -> dict[str, float]:
    """All samples by name and labels. Fails for what is not the text format."""
    answer = api("GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, float] = {}
    kinds: dict[str, str] = {}
    assert answer.text.endswith("\n")
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kinds.setdefault(name, kind) in ("counter", "gauge", "summary")
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            assert any(match[1] in (name, f"{name}_sum", f"{name}_count") for name in kinds), line
            assert line.rpartition(" ")[0] not in found
            found[line.rpartition(" ")[0]] = float(match[3])
    return found


def test_health(fresh: Client, target: Receiver) -> None:
    assert fresh.get("/health") == {
        "status": "ok",
        "reason": None,
        "version": __version__,
        "namespace": "",
        "seed": 0,
        "running": 0,
        "backlog": 0,
    }
    fresh.start(target.url(), paused=True, speed="1x")
    assert fresh.get("/health")["running"] == 1


def test_metrics_count_what_was_sent_and_called(fresh: Client, target: Receiver) -> None:
    assert metrics(fresh)["vendorsim_attempt_seconds_count"] == 0
    fresh.play(target.url())
    fresh.done("POST", f"/deliveries/{fresh.deliveries(OF_USERLIKE)[0]['id']}/resend")
    fresh.end_user("ended-1")
    found = metrics(fresh)
    started = 'vendorsim_attempts_total{vendor="userlike",event="chat_session.start",verdict="delivered"}'
    assert found[started] == 2
    assert found['vendorsim_calls_total{vendor="ccai",operation="end_user",status="400"}'] == 1
    assert found["vendorsim_attempt_seconds_count"] == OF_USERLIKE + 1
    assert 0 < found["vendorsim_attempt_seconds_sum"] < 20
    assert found["vendorsim_runs_running"] == 0


class TestReset:
    def test_forgets_everything(self, api: Client, target: Receiver) -> None:
        api.done("POST", "/targets", {"vendor": "userlike", "url": target.url()})
        api.done("POST", "/sessions", {"id": "s-1", "ended": True})
        api.done("PUT", "/end-user/answers", {"answers": ["error"]})
        api.done("PUT", "/faults", {"faults": ["delay=5s"]})
        run = api.play()
        row = api.deliveries(OF_USERLIKE)[0]
        api.end_user("s-1")
        assert api.done("POST", "/reset") is None
        for path in ("/runs", "/deliveries", "/conversations", "/sessions", "/targets"):
            assert api.get(path)["items"] == [], path
        assert api.end_user("s-2", "crm-1").status == 202
        assert (api.get("/faults")["faults"], api.get("/end-user/answers")["answers"]) == ([], [])
        for path in (
            f"/runs/{run['id']}",
            f"/deliveries/{row['id']}",
            f"/conversations/userlike/{row['conversation']}",
        ):
            assert api.refused("GET", path)["status"] == 404
        assert [call["session"] for call in api.until(lambda: api.all("/calls"), bool)] == ["s-2"]

    def test_what_is_in_flight_is_not_shown_afterwards(self, api: Client) -> None:
        # Never answered: when the run is ended, the attempt is still to be told of.
        with Receiver(lambda connection, request: None) as target:
            api.start(target.url(), count=5, policy={"read_timeout": "1s"})
            target.wait_for(5)
            api.done("POST", "/reset")
            journal = api.until(lambda: api.get("/health"), lambda health: health["backlog"] == 0)
            assert journal["running"] == 0
            target.wait_for_end(0)
        assert api.all("/deliveries") == []

    def test_everything_can_be_done_again(self, api: Client, target: Receiver) -> None:
        for _ in range(3):
            api.play(target.url())
            assert len(api.deliveries(OF_USERLIKE)) == OF_USERLIKE
            api.done("POST", "/reset")
        first = target.bodies[:OF_USERLIKE]
        assert target.bodies == first * 3


def test_what_is_asked_at_once_holds_nothing_up(api: Client, target: Receiver) -> None:
    """Each vendor is set up when it is first asked for, while runs begin and calls come in."""
    for _ in range(3):
        api.done("POST", "/reset")
        with ThreadPoolExecutor(12) as threads:
            asked = [threads.submit(api.get, "/targets") for _ in range(4)]
            asked += [threads.submit(api.start, target.url()) for _ in range(4)]
            asked += [threads.submit(api.end_user, f"s-{number}") for number in range(4)]
            for one in asked:
                one.result()


class TestSeed:
    def test_the_same_seed_makes_the_same_bytes(self, api: Client, target: Receiver) -> None:
        for seed in (7, 8, 7):
            assert api.done("PUT", "/seed", {"seed": seed}) == {"seed": seed}
            assert api.play(target.url())["seed"] == seed
        first, second, third = (target.bodies[number * OF_USERLIKE :][:OF_USERLIKE] for number in range(3))
        assert first == third
        assert first[0] != second[0]

    def test_one_of_the_run_wins(self, api: Client, target: Receiver) -> None:
        api.done("PUT", "/seed", {"seed": 7})
        assert api.play(target.url(), seed=9)["seed"] == 9
        assert api.play(target.url(), seed=0)["seed"] == 0

    @pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "7", None])
    def test_what_is_none(self, idle: Client, seed: Any) -> None:
        assert idle.refused("PUT", "/seed", {"seed": seed})["status"] == 422


class TestDocuments:
    """The control API and `--json` of the command line print the same."""

    def test_attempts_and_calls(self, fresh: Client, journal: Path, target: Receiver, vendorsim: Vendorsim) -> None:
        run = fresh.play(target.url())
        fresh.end_user("s-1")
        calls = fresh.until(lambda: fresh.all("/calls"), bool)
        listed = vendorsim("journal", "list", "--journal", journal, "--all", "--json").json
        rows = fresh.all("/deliveries", run=run["id"])
        told = {"visitor": "Dana Kessler", "opening": rows[0]["opening"]}
        attempts = [document for document in listed if document["type"] == "attempt"]
        assert [document | told for document in attempts] == rows[::-1]
        nothing = {"visitor": None, "opening": None}
        assert [document | nothing for document in listed if document["type"] == "call"] == calls
        shown = vendorsim("journal", "show", rows[0]["id"], "--journal", journal, "--json").json
        assert shown | told == fresh.get(f"/deliveries/{rows[0]['id']}")

    def test_the_archive(self, fresh: Client, journal: Path, target: Receiver, vendorsim: Vendorsim) -> None:
        run = fresh.play(target.url())
        exported = vendorsim("journal", "export", "--journal", journal, "--run", run["id"], "--format", "har").json
        assert exported == fresh.get("/deliveries.har", run=run["id"])

    def test_the_summary_of_a_run(self, fresh: Client, tmp_path: Path, target: Receiver, vendorsim: Vendorsim) -> None:
        run = fresh.play(target.url())
        (tmp_path / "story.yaml").write_bytes(fresh("GET", f"/runs/{run['id']}/scenario").body)
        played = vendorsim("play", tmp_path / "story.yaml", "--vendor", "userlike", "--to", target.url(), "--json")
        assert timeless(played.lines[-1]) == timeless(run["summary"])

    def test_vendors(self, idle: Client, vendorsim: Vendorsim) -> None:
        printed = vendorsim("vendors", "--json").json
        for vendor in printed:
            assert vendor.pop("contracts")
        assert idle.get("/vendors") == printed

    def test_scenarios(self, idle: Client, vendorsim: Vendorsim) -> None:
        printed = {scenario["name"]: scenario for scenario in vendorsim("scenarios", "--json").json}
        for scenario in idle.get("/scenarios"):
            known = printed.pop(scenario["name"])
            assert {key: known[key] for key in known.keys() & scenario.keys()} == {
                key: scenario[key] for key in known.keys() & scenario.keys()
            }
            whole = idle.get(f"/scenarios/{scenario['name']}")
            assert whole["title"] == scenario["title"]
            assert idle.done("POST", "/lint", {"yaml": whole["yaml"]})["valid"] is True
        assert printed == {}
        assert idle.refused("GET", "/scenarios/..%2Fsecret")["status"] == 404


def timeless(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without how long anything took."""
    events = [{key: value for key, value in row.items() if key != "milliseconds"} for row in summary["events"]]
    return {**summary, "events": events}


class TestDescription:
    def test_is_valid_and_served(self, idle: Client) -> None:
        document = json.loads((resources.contracts() / "control" / "openapi.json").read_bytes())
        validate(document)
        assert idle.get("/openapi.json") == document

    def test_names_every_operation(self, idle: Client, tmp_path: Path) -> None:
        described = {
            (method.upper(), path)
            for path, operations in idle.get("/openapi.json")["paths"].items()
            for method in operations
        }
        assert described == routed(tmp_path)


def routed(folder: Path) -> set[tuple[str, str]]:
    """The operations of the app: method, and path as OpenAPI writes it."""
    recorder = Recorder(Journal(folder / "journal.sqlite"), 0, None)
    shared = Shared(JournalFile(folder / "journal.sqlite"), recorder, BackgroundLoop())
    bench = Workbench("", Settings(), shared)
    rules = create_app(bench.backend, control_api(bench)).url_map.iter_rules()
    bench.close()
    shared.background_loop.close()
    recorder.close()
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(API)))
        for rule in rules
        if rule.rule.startswith(API)
        for method in (rule.methods or set()) - {"HEAD"}
    }


def test_a_server_without_a_journal_keeps_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Hub(Settings(), None) as hub, running_server(hub.app) as server, Receiver() as target:
        Client(server.port).play(target.url())
    assert list(tmp_path.iterdir()) == []


def test_a_journal_is_read_again_by_the_next_server(journal: Path, target: Receiver) -> None:
    with serving(journal) as first:
        first.play(target.url())
        rows = first.all("/deliveries")
    with serving(journal) as second:
        assert second.all("/deliveries") == rows
        assert second.done("POST", f"/deliveries/{rows[-1]['id']}/resend")["verdict"] == "delivered"


def test_the_editor_component_is_sent_as_it_is_stored_or_unpacked(idle: Client) -> None:
    path, stored = "/_vendorsim/codemirror/codemirror.js", FILES / "codemirror" / "codemirror.js.gz"
    packed = idle.request("GET", path, headers={"Accept-Encoding": "br, gzip"})
    plain = idle.request("GET", path, headers={"Accept-Encoding": "identity"})
    unwanted = idle.request("GET", path, headers={"Accept-Encoding": "gzip;q=0"})
    assert (packed.headers["Content-Encoding"], packed.body) == ("gzip", stored.read_bytes())
    assert plain.body == unwanted.body == gzip.decompress(stored.read_bytes())
    assert plain.headers["Content-Encoding"] is None
    for answer in (packed, plain):
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    again = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert idle.request("GET", path, headers=again).status == 304
