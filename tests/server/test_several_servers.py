"""Several `vendorsim serve` over one PostgreSQL: to their callers they are one server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from control.client import Client, serving
from postgres_server import PostgresServer, running_postgres
from receiver import Receiver
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.http.server import running_server
from vendorsim.journal.postgres import Database
from vendorsim.journal.postgres_journal import PostgresJournal
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from vendorsim.server.shared.in_postgres import InPostgres

ACCEPTED, DUPLICATE = (202, "accepted"), (400, "Duplicate request: Please wait for the interval to expire")
ENDED = (400, "Chat is already ended")
SECRET = "pa55-w0rd"
Serve = Callable[..., Client]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(url)` starts the command over that database, on a free port."""
    processes: list[subprocess.Popen[str]] = []

    def start(url: str, *arguments: str) -> Client:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "vendorsim", "serve", "--port", "0", *arguments],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"VENDORSIM_STATE": url},
        )
        processes.append(process)
        assert process.stderr is not None
        lines: list[str] = []
        while not lines or "curl" not in lines[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        introduction = "".join(lines)
        assert re.search(r"Shared with other servers: postgresql://tester@127\.0\.0\.1:\d+/\w+\n", introduction)
        found = re.search(r"listens on http://.+:(\d+) ", introduction)
        assert found is not None
        return Client(int(found[1]))

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in errors) == (0, False), errors


@pytest.fixture
def pair(serve: Serve, database: str) -> tuple[Client, Client]:
    """Two processes over one database."""
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(serve, [database] * 2)
    return first, second


def told(client: Client, session: str, identifier: str = "a") -> tuple[int, str]:
    answer = client.end_user(session, identifier)
    return answer.status, answer.json["message"]


@pytest.mark.slow
def test_two_processes_are_one_server(pair: tuple[Client, Client]) -> None:
    first, second = pair
    assert [told(client, "1") for client in (first, second, second, first)] == [ACCEPTED, *[DUPLICATE] * 3]

    second.done("PATCH", "/sessions/2", {"ended": True})
    assert told(first, "2") == ENDED
    first.done("PATCH", "/sessions/2", {"ended": False})
    assert told(second, "2") == ACCEPTED

    first.done("POST", "/sessions", {"id": "3"})
    assert second.refused("POST", "/sessions", {"id": "3"})["status"] == 409
    assert told(second, "3", "crm-3") == ACCEPTED
    assert [client.get("/sessions/3")["end_user"] for client in pair] == [{"identifier": "crm-3"}] * 2
    assert [[each["id"] for each in client.get("/sessions")["items"]] for client in pair] == [["3", "2", "1"]] * 2

    calls = [first.until(lambda c=client: c.all("/calls"), lambda found: len(found) == 7) for client in pair]
    assert calls[0] == calls[1]
    # A run of each server's own holds its calls.
    assert len({call["run"] for call in calls[0]}) == 2


@pytest.mark.slow
def test_forced_answers_are_used_up_once_whoever_is_called(pair: tuple[Client, Client]) -> None:
    first, second = pair
    first.done("PUT", "/end-user/answers", {"answers": ["error"] * 7})
    second.done("PATCH", "/sessions/mine", {"answers": ["rate-limited"] * 5})
    clients = cycle(pair)
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(told, next(clients), "any", f"a{number}") for number in range(20)]
        mine = [threads.submit(told, next(clients), "mine", f"a{number}") for number in range(20)]
    statuses = Counter(call.result()[0] for call in (*calls, *mine))
    assert statuses == {500: 7, 429: 5, 202: 28}
    assert (first.get("/end-user/answers")["answers"], second.get("/sessions/mine")["answers"]) == ([], [])


@contextmanager
def two_hubs(url: str, patience: float = 5.0) -> Iterator[tuple[Client, Client]]:
    """Two servers of this process over one database: for what needs no process of its own."""
    with ExitStack() as stack:

        def server() -> Client:
            kept = stack.enter_context(Database(url, patience))
            hub = stack.enter_context(Hub(Settings(capturer=ServedCaptures), PostgresJournal(kept), InPostgres(kept)))
            return Client(stack.enter_context(running_server(hub.app, fast_path=hub.fast_path)).port)

        yield server(), server()


@pytest.fixture
def hubs(database: str) -> Iterator[tuple[Client, Client]]:
    with two_hubs(database) as clients:
        yield clients


@pytest.fixture
def target() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class TestJournal:
    def test_what_one_server_sent_the_other_shows_and_sends_again(
        self, hubs: tuple[Client, Client], target: Receiver
    ) -> None:
        first, second = hubs
        run = first.play(target.url())
        sent = first.all("/deliveries")
        assert sent
        assert second.all("/deliveries") == sent
        assert second.get(f"/deliveries/{sent[0]['id']}") == first.get(f"/deliveries/{sent[0]['id']}")
        assert second.get("/conversations") == first.get("/conversations")
        again = second.done("POST", f"/deliveries/{sent[0]['id']}/resend", {"to": target.url()})
        assert (again["verdict"], again["run"]) == ("delivered", run["id"])
        assert first.get("/deliveries")["items"][0]["id"] == again["id"] > sent[0]["id"]

    def test_who_follows_a_list_gets_what_the_other_server_writes(
        self, hubs: tuple[Client, Client], target: Receiver
    ) -> None:
        first, second = hubs
        known = second.get("/deliveries", after=0)["after"]
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(second.get, "/deliveries", after=known, wait=10)
            first.play(target.url())
            assert waiting.result()["items"][0]["id"] > known
        head = first.get("/deliveries", limit=1)["items"][0]["id"]
        newest = second.get("/deliveries", after=known, limit=2, newest="true")
        assert [row["id"] for row in newest["items"]] == [head - 1, head]
        assert newest["after"] == head
        below = second.get("/deliveries", limit=1, cursor=newest["next"])
        assert below["items"][0]["id"] == head - 2

    def test_a_run_is_steered_where_it_is_played(self, hubs: tuple[Client, Client], target: Receiver) -> None:
        first, second = hubs
        run = first.play(target.url())
        assert first.get(f"/runs/{run['id']}")["status"] == "finished"
        assert second.refused("GET", f"/runs/{run['id']}")["status"] == 404

    def test_after_a_reset_no_server_shows_what_was_before(self, hubs: tuple[Client, Client], target: Receiver) -> None:
        first, second = hubs
        first.play(target.url())
        for client in hubs:
            assert told(client, f"at-{client.port}") == ACCEPTED
        attempt = first.get("/deliveries")["items"][0]["id"]
        second.until(lambda: second.all("/calls"), lambda found: len(found) == 2)
        first.done("POST", "/reset")
        for client in hubs:
            assert [client.all(path) for path in ("/deliveries", "/calls", "/conversations", "/sessions")] == [[]] * 4
            assert client.refused("GET", f"/deliveries/{attempt}")["status"] == 404
        assert [told(client, f"at-{second.port}") for client in hubs] == [ACCEPTED, DUPLICATE]
        for client in hubs:
            shown = client.until(lambda c=client: c.all("/calls"), lambda found: len(found) == 2)
            assert {call["status"] for call in shown} == {202, 400}

    def test_a_namespace_is_the_same_on_both_and_nobody_elses(self, hubs: tuple[Client, Client]) -> None:
        mine = [Client(client.port, prefix="/_ns/mine") for client in hubs]
        assert [told(client, "1") for client in mine] == [ACCEPTED, DUPLICATE]
        assert [told(client, "1") for client in hubs] == [ACCEPTED, DUPLICATE]
        for client in (*mine, *hubs):
            client.until(lambda c=client: c.all("/calls"), lambda found: len(found) == 2)
        mine[0].done("POST", "/reset")
        assert [client.all("/calls") for client in mine] == [[], []]
        assert [told(client, "1") for client in (*mine, *hubs)] == [ACCEPTED, DUPLICATE, DUPLICATE, DUPLICATE]

    def test_what_one_server_records_the_other_shows(self, hubs: tuple[Client, Client], target: Receiver) -> None:
        first, second = hubs
        capture = first.done("POST", "/captures", {"vendor": "userlike", "forward": target.url()})
        (seen,) = second.get("/captures")["items"]
        assert (seen["id"], seen["status"]) == (capture["id"], "elsewhere")
        assert second.refused("POST", f"/captures/{capture['id']}/stop")["status"] == 409
        second.play(f"{capture['urls'][0]}/")
        ended = first.done("POST", f"/captures/{capture['id']}/stop")
        assert second.get(f"/captures/{capture['id']}") == ended | {"judged": None}
        found = [client.get(f"/captures/{capture['id']}/drift")["report"]["verdict"] for client in hubs]
        assert (ended["webhooks"] > 0, found) == (True, ["passed", "passed"])
        assert {row["recorded"] for row in second.get("/conversations", run=capture["id"])["items"]} == {True}
        first.done("POST", "/reset")
        assert second.get("/captures")["items"] == []

    def test_it_is_read_on_the_command_line(
        self, hubs: tuple[Client, Client], database: str, target: Receiver, vendorsim: Vendorsim
    ) -> None:
        run = hubs[0].play(target.url())["id"]
        sent = hubs[1].all("/deliveries")[::-1]
        assert {(row.pop("visitor"), row.pop("opening")) for row in sent} == {("Dana Kessler", "Grüße 👋")}
        listed = vendorsim("journal", "list", "--run", run, "--json", "--journal", database).json
        assert listed == sent
        exported = vendorsim("journal", "export", "--run", run, "--journal", database).lines
        assert [each["id"] for each in exported] == [each["id"] for each in sent]
        shown = vendorsim("journal", "show", sent[0]["id"], "--journal", database)
        assert (shown.code, "POST /hook" in shown.out) == (0, True)
        missing = vendorsim("journal", "show", 10**9, "--journal", database)
        assert (missing.code, SECRET in missing.err, "there is no attempt" in missing.err) == (2, False, True)

    @pytest.mark.slow
    def test_one_server_may_keep_its_own(self, serve: Serve, database: str, tmp_path: Path) -> None:
        alone, common = serve(database, "--journal", str(tmp_path / "own.sqlite")), serve(database, "--no-journal")
        assert [told(client, "1") for client in (alone, common)] == [ACCEPTED, DUPLICATE]
        for client, status in ((alone, 202), (common, 400)):
            shown = client.until(lambda c=client: c.all("/calls"), bool)
            assert [call["status"] for call in shown] == [status]


SEARCHES: list[dict[str, Any]] = [
    {},
    {"limit": 2},
    {"verdict": "delivered"},
    {"verdict": "no\0such"},
    {"event": "conversation.start"},
    {"q": "USERLIKE"},
    {"q": "_"},
    {"q": "%"},
    {"q": "\\"},
    {"q": "ä"},
    {"q": '"id"'},
    {"q": "127.0.0.1"},
]


def test_lists_are_the_same_in_a_file_and_in_a_database(database: str, tmp_path: Path, target: Receiver) -> None:
    def lists(client: Client) -> list[Any]:
        client.play(target.url(), seed=3, count=3)
        found: list[Any] = []
        for wanted in SEARCHES:
            rows = client.all("/deliveries", **wanted)
            # Conversations are played side by side: in which order is chance.
            found.append(sorted((row["conversation"], row["delivery"], row["event"], row["verdict"]) for row in rows))
        conversations = client.all("/conversations", limit=2)
        found.append(sorted((each["conversation"], each["attempts"], each["failed"]) for each in conversations))
        return found

    with serving(tmp_path / "journal.sqlite") as client:
        in_file = lists(client)
    with (
        Database(database) as kept,
        Hub(Settings(), PostgresJournal(kept), InPostgres(kept)) as hub,
        running_server(hub.app) as server,
    ):
        in_database = lists(Client(server.port))
    assert in_database == in_file
    assert [bool(found) for found in in_file[:3]] == [True] * 3


@pytest.fixture
def own(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A PostgreSQL that only this test uses."""
    with running_postgres(postgres.programs) as server:
        yield server


@pytest.mark.slow
def test_a_restart_of_the_database_is_survived(own: PostgresServer, serve: Serve) -> None:
    first, second = serve(own.url()), serve(own.url())
    assert told(first, "1") == ACCEPTED
    first.until(lambda: first.all("/calls"), bool)
    own.stop()
    own.start()
    assert [told(client, "1") for client in (second, first)] == [DUPLICATE] * 2
    assert told(second, "2") == ACCEPTED
    shown = first.until(lambda: first.all("/calls"), lambda found: len(found) == 4)
    assert Counter((call["session"], call["status"]) for call in shown) == {("1", 202): 1, ("1", 400): 2, ("2", 202): 1}


@pytest.mark.slow
def test_while_the_database_is_away_callers_are_told_so(
    own: PostgresServer, target: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with two_hubs(own.url(), patience=0.5) as (first, second):
        assert told(first, "1") == ACCEPTED
        run = first.start(target.url())
        first.until(lambda: target.requests, bool)
        own.stop()
        assert told(second, "1") == (503, "Service Unavailable")
        health = second.get("/health")
        assert (health["status"], SECRET in health["reason"]) == ("degraded", False)
        for path in ("/sessions", "/calls"):
            refused = second.refused("GET", path)
            assert (refused["status"], SECRET in refused["detail"]) == (503, False)
        assert Client(second.port, prefix="/_ns/new").refused("GET", "/calls")["status"] == 503
        own.start()
        for client in (first, second):
            assert client.until(lambda c=client: told(c, "1"), lambda answer: answer[0] != 503) == DUPLICATE
            assert client.get("/health")["status"] == "ok"
        # What was sent meanwhile has waited.
        first.followed(run["id"])
        sent = second.until(lambda: second.all("/deliveries"), lambda found: len(found) >= len(target.requests))
        assert len(sent) == len(target.requests)
    assert SECRET not in caplog.text
