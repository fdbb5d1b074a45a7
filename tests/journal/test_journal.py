"""The journal: what was sent and received is there, whatever happens to the program, and secrets are not."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import sqlite3
import threading
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from command_line import Vendorsim
from journal_helpers import ONCE, STORY, Desk, attempts
from ports import free_port
from receiver import Answer, Connection, Receiver, Request, never, status
from vendorsim.journal.pages import JournalPages, Query
from vendorsim.journal.store import Journal


@pytest.fixture
def desk(vendorsim: Vendorsim, tmp_path: Path) -> Desk:
    return Desk(vendorsim, tmp_path)


class TestWhatIsKept:
    def test_every_attempt(self, desk: Desk) -> None:
        with Receiver(status(200), status(500, b"sorry", X_Why="because"), status(200)) as target:
            played = desk.play(target, "--header", "X-Tenant: acme")
        rows, told = desk.rows(), attempts(played)
        same = ("delivery", "attempt", "copy", "event_id", "event", "at", "faults", "target", "status")
        same += ("verdict", "final", "reason")
        assert [{key: row[key] for key in same} for row in rows] == [{key: line[key] for key in same} for line in told]
        for row, request in zip(rows, target.requests, strict=True):
            shown = desk.show(row["id"])["request"]
            assert shown["head"].encode() + request.body == request.raw
            assert shown["body"] == {"text": request.body.decode()}
            assert datetime.fromisoformat(row["sent_at"]) <= datetime.now().astimezone()
            assert row["milliseconds"] > 0
        assert desk.show(2)["answer"] == {
            "headers": [["Content-Length", "5"], ["X-Why", "because"]],
            "body": {"text": "sorry"},
        }

    def test_faults_and_errors(self, desk: Desk) -> None:
        with Receiver(never) as target:
            desk.play(target, "--policy", "read_timeout=100ms", *ONCE, "--fault", "http=chunked", "--fault", "drop@0.5")
        rows = desk.rows()
        assert {row["verdict"] for row in rows} == {"timed out", "dropped"}
        for row in rows:
            dropped = row["verdict"] == "dropped"
            assert row["faults"] == (["http=chunked", "drop"] if dropped else ["http=chunked"])
            assert row["reason"] == ("dropped on purpose" if dropped else "no answer within 0.1 s")
            assert (row["sent_at"] is None) == dropped

    def test_every_call_of_the_api(self, vendorsim: Vendorsim, desk: Desk) -> None:
        port = free_port()
        called = "  - authenticate: {within: 20s}\n  - join: ana\n"
        desk.story.write_text(STORY.replace("  - join: ana\n", called), encoding="utf-8")
        answers: list[int] = []

        def call(connection: Connection, request: Request) -> None:
            if not answers:
                for fields in ('{"identifier": "wrong"}', '{"identifier": ""}', '{"identifier": "crm-4711"}'):
                    server = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                    headers = {"Content-Type": "application/json", "Authorization": "Bearer s3cr3t-w0rd"}
                    server.request("POST", f"/apps/api/v1/chats/{request.json['id']}/end_user", fields, headers)
                    answers.append(server.getresponse().status)
                    server.close()
            connection.send(status(200))

        with Receiver(call) as target:
            played = desk.play(target, "--serve", "--port", port)
        assert played.code == 0, played.out
        calls = [row for row in desk.rows() if row["type"] == "call"]
        assert [(row["operation"], row["comm_type"], row["status"]) for row in calls] == [
            ("end_user", "chats", 202),
            ("end_user", "chats", 400),
            ("end_user", "chats", 202),
        ]
        assert [row["credentials"] for row in calls] == ["bearer"] * 3
        assert calls[2]["fields"] == {"identifier": "crm-4711"}
        assert b"s3cr3t-w0rd" not in desk.bytes

    def test_runs_apart(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target)
            desk.play(target, vendor="messagehub")
        assert {row["vendor"] for row in desk.rows()} == {"messagehub"}
        assert {row["vendor"] for row in desk.rows("--run", 1)} == {"userlike"}
        assert [row["run"] for row in desk.rows("--all")] == [1] * 5 + [2] * 5
        assert desk.rows("--all", "--most", 3) == desk.rows("--all")[-3:]

    def test_a_large_answer_in_part(self, desk: Desk) -> None:
        with Receiver(status(200, b"a" * 500_000), status(200)) as target:
            desk.play(target)
        assert desk.show(1)["answer"]["body"]["text"] == "a" * 65_536

    def test_an_answer_that_is_no_text(self, desk: Desk) -> None:
        with Receiver(status(200, b"\xff\x00\xfe"), status(200)) as target:
            desk.play(target)
        encoded = base64.b64encode(b"\xff\x00\xfe").decode()
        assert desk.show(1)["answer"]["body"] == {"text": encoded, "encoding": "base64"}


class TestDurability:
    """Nothing is reported that is not kept."""

    @pytest.mark.slow
    @pytest.mark.parametrize("lines", [1, 2_000])
    def test_after_a_kill_all_that_was_reported_is_there(self, desk: Desk, lines: int) -> None:
        with Receiver() as target, desk.start(target, "--count", 100_000) as process:
            assert process.stdout is not None
            reported = [process.stdout.readline() for _ in range(lines)]
            process.kill()
            reported += [line for line in process.stdout if line.endswith("\n")]  # the last one may be cut off
        assert process.returncode == -signal.SIGKILL
        told = {(line["delivery"], line["attempt"], line["verdict"]) for line in map(json.loads, reported)}
        assert len(told) == len(reported) >= lines
        kept = sqlite3.connect(desk.file)
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert told <= set(kept.execute("SELECT delivery, attempt, verdict FROM attempts"))
        kept.close()

    def test_the_next_run_goes_on_in_that_file(self, desk: Desk) -> None:
        with Receiver() as target:
            with desk.start(target, "--count", 100_000) as process:
                assert process.stdout is not None
                process.stdout.readline()
                process.kill()
            assert desk.play(target).code == 0
        assert len(desk.rows()) == 5
        assert desk.rows("--run", 1)

    @pytest.mark.slow
    def test_several_runs_at_once(self, desk: Desk) -> None:
        with Receiver() as target:
            running = [desk.start(target, "--count", 50) for _ in range(3)]
            outputs = [process.communicate()[0].splitlines() for process in running]
        assert [process.returncode for process in running] == [0, 0, 0]
        told = [json.loads(line)["delivery"] for line in outputs[0][:-1]]
        assert len(told) == 250
        for run in (1, 2, 3):
            # The journal keeps what happened in the order in which it happened.
            assert sorted(row["delivery"] for row in desk.rows("--run", run, "--most", 1_000)) == sorted(told)

    def test_it_can_be_read_while_it_is_written(self, vendorsim: Vendorsim, desk: Desk) -> None:
        with Receiver(status(200), never) as target, desk.start(target, "--policy", "read_timeout=1m") as process:
            assert process.stdout is not None
            process.stdout.readline()
            rows = desk.rows()
            process.kill()
        assert [row["verdict"] for row in rows] == ["delivered"]

    def test_when_it_breaks_the_run_says_so(self, desk: Desk) -> None:
        def spoil(connection: Connection, request: Request) -> None:
            if len(target.requests) == 1:
                other = sqlite3.connect(desk.file)
                other.execute("DROP TABLE attempts")
                other.close()
            connection.send(status(200))

        with Receiver(spoil) as target:
            played = desk.play(target)
        assert played.code == 2
        assert f"{desk.file}: the journal can't be written: no such table: attempts" in played.err
        assert played.out == "", "what is not kept is not reported"


SECRET = "s3cr3t-w0rd"


class TestSecrets:
    @pytest.mark.parametrize(
        "header",
        [
            f"Authorization: Bearer {SECRET}",
            f"authorization: {SECRET}",
            f"Proxy-Authorization: Basic {SECRET}",
            f"Cookie: session={SECRET}",
            f"X-Api-Key: {SECRET}",
            f"X_API_KEY: {SECRET}",
            f"apikey: {SECRET}",
            f"X-Auth: {SECRET}",
            f"X-Hook-Token: {SECRET}",
            f"X-Gitlab.Secret: {SECRET}",
            f"Password: {SECRET}",
            f"X-Access-Key: {SECRET}",
        ],
    )
    def test_in_headers(self, desk: Desk, header: str) -> None:
        with Receiver() as target:
            desk.play(target, "--header", header)
        assert SECRET.encode() in target.requests[0].raw
        assert SECRET.encode() not in desk.bytes
        name = header.partition(":")[0]
        assert f"\r\n{name}: ***\r\n" in desk.show(1)["request"]["head"]

    @pytest.mark.parametrize("address", [f"dana:{SECRET}@127.0.0.1:%d/hook", f"127.0.0.1:%d/hook?token={SECRET}&a=b"])
    def test_in_the_url(self, desk: Desk, address: str) -> None:
        with Receiver() as target:
            played = desk.play(f"http://{address % target.port}")
        assert played.code == 0
        hidden = base64.b64encode(f"dana:{SECRET}".encode()) if "@" in address else SECRET.encode()
        assert hidden in target.requests[0].raw
        for secret in (hidden, SECRET.encode()):
            assert secret not in desk.bytes + played.out.encode()

    def test_keys_of_signatures(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOOK_SECRET", SECRET)
        with Receiver() as target:
            desk.play(target, "--policy", "signing=chatwoot", "--secret-env", "HOOK_SECRET")
        assert target.requests[0].header("X-Chatwoot-Signature") in desk.show(1)["request"]["head"]
        assert SECRET.encode() not in desk.bytes

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(status(200, Set_Cookie=f"session={SECRET}"), id="a cookie"),
            pytest.param(status(200, b'{"headers": {"Authorization": "Bearer %b"}}' % SECRET.encode()), id="an echo"),
            pytest.param(status(200, f"token {SECRET}!".encode()), id="an echo of a part"),
            pytest.param(status(200, X_Seen=f"Bearer {SECRET}"), id="an echo in a header"),
        ],
    )
    def test_in_answers(self, desk: Desk, answer: Answer) -> None:
        with Receiver(answer) as target:
            desk.play(target, "--header", f"Authorization: Bearer {SECRET}")
        assert SECRET.encode() not in desk.bytes

    def test_other_headers_stay(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target, "--header", "X-Tenant: acme")
        assert "\r\nX-Tenant: acme\r\n" in desk.show(1)["request"]["head"]


class TestPlace:
    def test_the_project_s(self, vendorsim: Vendorsim, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beside vendorsim.yaml, or in the working directory; hidden from git."""
        monkeypatch.delenv("VENDORSIM_JOURNAL", raising=False)
        project = desk.file.parent / "project"
        inner = project / "deep" / "down"
        inner.mkdir(parents=True)
        monkeypatch.chdir(inner)
        with Receiver() as target:
            arguments = ("play", desk.story, "--vendor", "userlike", "--to", target.url())
            vendorsim(*arguments)
            (project / "vendorsim.yaml").write_text("policy: {}\n")
            vendorsim(*arguments)
        for folder in (inner, project):
            assert (folder / ".vendorsim" / "journal.sqlite").is_file()
            assert (folder / ".vendorsim" / ".gitignore").read_text() == "*\n"
        assert len(vendorsim("journal", "list", "--json").json) == 5

    def test_of_the_environment(self, vendorsim: Vendorsim, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VENDORSIM_JOURNAL", str(desk.file))
        with Receiver() as target:
            vendorsim("play", desk.story, "--vendor", "userlike", "--to", target.url())
        assert len(vendorsim("journal", "list", "--json").json) == len(desk.rows()) == 5

    def test_none_on_demand(self, desk: Desk) -> None:
        with Receiver() as target:
            assert desk.play(target, "--no-journal").code == 0
        assert not desk.file.exists()

    @pytest.mark.parametrize("name", ["", "story.yaml", "story.yaml/x.sqlite", "missing/x.sqlite"])
    def test_that_can_not_be_written(self, desk: Desk, name: str) -> None:
        desk.file = desk.file.parent / name
        with Receiver() as target:
            played = desk.play(target)
        assert played.code == 2
        assert f"{desk.file}: can't be used as a journal: " in played.err
        assert target.requests == [], "nothing is sent that can't be kept"

    @pytest.mark.parametrize("form", [1, 2])
    def test_one_of_an_older_format_is_brought_up_to_date(
        self, form: int, vendorsim: Vendorsim, tmp_path: Path
    ) -> None:
        file = tmp_path / "older.sqlite"
        Journal(file).close()
        with closing(sqlite3.connect(file)) as older:
            older.execute("DROP TABLE conversations")
            for index in ("attempts_by_conversation", "calls_by_session", "attempts_not_delivered"):
                older.execute(f"DROP INDEX {index}")
            for column in ("recorded", "problem", "said_by", "said", "in_flight_with"):
                older.execute(f"ALTER TABLE attempts DROP COLUMN {column}")
            third = ("head", "answer_headers", "answer_body", "milliseconds", "recorded", "problem")
            for column in (*third, *(("vendor", "method", "path", "body") if form == 1 else ())):
                older.execute(f"ALTER TABLE calls DROP COLUMN {column}")
            older.execute("INSERT INTO runs (began_at, command, version, about) VALUES (0, 'serve', '0', '{}')")
            if form == 1:
                older.execute("ALTER TABLE runs DROP COLUMN namespace")
            later = "" if form == 1 else ", 'ccai', 'POST', '', NULL"
            older.execute(
                f"INSERT INTO calls VALUES (1, 1, 0, 'end_user', 'chats', '17', 'bearer', NULL, 202, 'accepted'{later})"
            )
            older.execute(
                "INSERT INTO attempts VALUES (1, 1, 5, 0, 'ccai', 'p', 'e', 'i', '17', 'd', 1, 0, 't', NULL, NULL, 500,"
                " '[]', NULL, 1.0, 'rejected', 1, '', NULL, NULL, NULL)"
            )
            older.execute(f"PRAGMA user_version = {form}")
            older.commit()
        exported = vendorsim("journal", "export", "--journal", file)
        assert exported.code == 0, exported.err
        attempt, call = exported.lines
        assert (attempt["said"], attempt["in_flight_with"]) == (None, [])
        (row,) = JournalPages(file).conversations(Query()).rows
        assert (row["conversation"], row["attempts"], row["failed"], row["last_at"]) == ("17", 1, 1, 5)
        assert (call["session"], call["vendor"], call["method"], call["body"]) == ("17", "ccai", "POST", None)
        assert call["recorded"] is False

    @pytest.mark.parametrize("marks", ["", "PRAGMA application_id = 1986226796; PRAGMA user_version = 9;"])
    def test_that_is_another_s(self, desk: Desk, marks: str) -> None:
        other = sqlite3.connect(desk.file)
        other.executescript(f"CREATE TABLE runs (name TEXT); {marks}")
        other.close()
        before = desk.bytes
        with Receiver() as target:
            refused = [desk.play(target), desk.journal("list")]
        for each in refused:
            assert each.code == 2
            assert f"{desk.file}: can't be used as a journal: it is another program's" in each.err
        assert desk.bytes == before

    @pytest.mark.parametrize("command", [("list",), ("show", 1), ("resend", 1), ("export",)])
    def test_that_is_empty(self, desk: Desk, command: tuple[str, ...]) -> None:
        refused = desk.journal(*command)
        assert refused.code == 2
        assert f"{desk.file}: there is no journal; play a scenario first" in refused.err
        assert not desk.file.exists()


def begin_another(desk: Desk, most_attempts: int) -> None:
    """A run that sends nothing, in a journal that keeps so many attempts."""
    with closing(Journal(desk.file, most_attempts=most_attempts)) as journal:
        journal.end(journal.begin("play", {}))


class TestForgetting:
    def test_old_runs_make_room(self, desk: Desk) -> None:
        with Receiver() as target:
            for _ in range(5):
                desk.play(target)
        begin_another(desk, most_attempts=12)
        assert {row["run"] for row in desk.rows("--all")} == {4, 5}

    def test_the_last_run_stays_whatever_its_size(self, desk: Desk) -> None:
        with Receiver() as target:
            desk.play(target)
            desk.play(target, "--count", 10)
            begin_another(desk, most_attempts=12)
            assert {row["run"] for row in desk.rows("--all")} == {2}
            desk.play(target)
            begin_another(desk, most_attempts=12)
        assert {row["run"] for row in desk.rows("--all")} == {4}

    def test_a_run_that_is_under_way_stays(self, desk: Desk) -> None:
        others_done = threading.Event()

        def hold(connection: Connection, request: Request) -> None:
            assert others_done.wait(20)
            connection.send(status(200))

        with Receiver(status(200), hold, status(200)) as target, Receiver() as other, desk.start(target) as process:
            target.wait_for(2)
            desk.play(other)
            desk.play(other)
            begin_another(desk, most_attempts=1)
            others_done.set()
            process.communicate()
        assert process.returncode == 0
        assert {row["run"] for row in desk.rows("--all")} == {1, 3}
        assert len(desk.rows("--run", 1)) == 5
