"""`probe` steps: the integration's state is read while a scenario is played, and judged."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from receiver import Connection, Receiver, Request, status
from stories import written
from vendorsim.testing.played import Played, play

STORY = """\
scenario: Probed
vendors: [userlike]
cast: {visitor: {identifier: "it's; touch pwned; $(touch pwned)"}}
steps:
  - say: Hello
"""
Steps = Callable[..., Completed]


def probes(played: Completed) -> list[dict[str, Any]]:
    return [line for line in played.lines if line["type"] == "probe"]


@pytest.fixture
def target() -> Iterator[Receiver]:
    """An integration that stores the type of each event by its chat, and answers afterwards."""
    path = Path("state.sqlite").absolute()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE events (chat TEXT, identifier TEXT, name TEXT)")

    def store(connection: Connection, request: Request) -> None:
        body = request.json
        with closing(sqlite3.connect(path)) as database, database:
            row = (str(body["id"]), body.get("client_uuid"), body["_event"])
            database.execute("INSERT INTO events VALUES (?, ?, ?)", row)
        connection.send(status(200))

    with Receiver(store) as target:
        yield target


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "last.sql").write_text("SELECT name FROM events WHERE chat = :conversation_id ORDER BY rowid")


SQL = "sql: sqlite:///state.sqlite last.sql"


@pytest.fixture
def told(folder: None) -> Iterator[Callable[..., Played]]:
    """`told(steps, state)` plays steps against an integration with a state of its own: a value, or a function."""
    with Receiver() as receiver:

        def told(text: str, state: Any, **options: Any) -> Played:
            function = state if callable(state) else lambda conversation_id, identifier: state
            return play(f"{STORY}{text}", receiver.url(), probe=function, **options)

        yield told


@pytest.fixture
def steps(vendorsim: Vendorsim, target: Receiver, tmp_path: Path) -> Steps:
    def steps(text: str, *options: object) -> Completed:
        path = written(tmp_path, f"{STORY}{text}")
        return vendorsim("play", path, "--vendor", "userlike", "--to", target.url(), "--json", *options)

    return steps


class TestVerdicts:
    @pytest.mark.parametrize(
        ("expected", "code", "verdict", "reason"),
        [
            ("{/0/name: start, /1: {name: message_received}}", 0, "as expected", None),
            ("{/0/name: end, within: 0s}", 1, "missed", '/0/name: expected "end", found "start"'),
            ("{/2/name: end, within: 50ms}", 1, "missed", '/2/name: expected "end", but the state has no such place'),
            (
                "{/0/name: end, /1: {}, within: 0s}",
                1,
                "missed",
                '/0/name: expected "end", found "start"; /1: expected {}, found {"name":"message_received"}',
            ),
            ('{"": null, within: 0s}', 1, "missed", "the whole state: expected null, found"),
        ],
    )
    def test_the_state_must_hold_the_values(
        self, steps: Steps, expected: str, code: int, verdict: str, reason: str | None
    ) -> None:
        played = steps(f"  - probe: {expected}\n", "--probe", SQL)
        (judged,) = probes(played)
        assert (played.code, judged["verdict"]) == (code, verdict)
        assert (judged["reason"] or "").startswith(reason or "")
        assert played.lines[-1]["probes"] == {verdict: 1}
        assert "within" not in judged["expected"]

    def test_nothing_known_is_null(self, steps: Steps) -> None:
        unknown = "sql: sqlite:///state.sqlite none.sql"
        Path("none.sql").write_text("SELECT 1 AS a WHERE :conversation_id = ''")
        played = steps('  - probe: {"": null}\n  - probe: {/a: 1, within: 0s}\n', "--probe", unknown)
        assert [one["reason"] for one in probes(played)] == [None, "nothing is known of the conversation"]

    def test_flags_are_no_numbers(self, told: Callable[..., Played]) -> None:
        played = told("  - probe: {/a: 1, /b: 1.0, /c: [true], within: 0s}\n", {"a": True, "b": 1})
        assert [one.reason for one in played.probes] == [
            "/a: expected 1, found true; /c: expected [true], but the state has no such place"
        ]

    def test_it_waits_for_the_state(self, told: Callable[..., Played]) -> None:
        reads: list[str] = []

        def late(conversation_id: str, identifier: str | None) -> Any:
            reads.append(conversation_id)
            return {"reads": len(reads)} if len(reads) > 2 else None

        played = told("  - probe: {/reads: 4, within: 20s}\n", late)
        played.assert_passed()
        assert len(reads) == 4

    def test_the_probe_is_asked_for_the_conversation_and_its_visitor(self, told: Callable[..., Played]) -> None:
        asked: list[tuple[str, str | None]] = []

        def ask(conversation_id: str, identifier: str | None) -> Any:
            asked.append((conversation_id, identifier))
            return {}

        played = told("  - probe: {'': {}}\n", ask, count=2)
        ids = {str(attempt.event.conversation) for attempt in played.attempts}
        assert {conversation for conversation, _ in asked} == ids
        assert {identifier for _, identifier in asked} == {"it's; touch pwned; $(touch pwned)"}

    def test_all_earlier_deliveries_are_answered_first(self, steps: Steps) -> None:
        assert steps("  - probe: {/1/name: message_received, within: 0s}\n", "--probe", SQL).code == 0


class TestNotJudged:
    def test_without_a_probe_the_step_is_not_judged(self, steps: Steps) -> None:
        played = steps("  - probe: {/a: 1}\n")
        (judged,) = probes(played)
        assert (played.code, judged["verdict"]) == (0, "not judged")
        assert judged["reason"] == "there is no probe: name one with --probe, or in vendorsim.yaml"

    @pytest.mark.parametrize(
        ("probe", "reason"),
        [
            (
                f"command: {sys.executable} -c 'import sys; sys.exit(\"no\")' {{identifier}}",
                "ended with exit code 1: no",
            ),
            ("command: sleep 600 {conversation_id}", "the probe did not answer within 1 s"),
            ("sql: sqlite:///gone.sqlite last.sql", "gone.sqlite: there is no such database file"),
            (
                "sql: sqlite:///state.sqlite deleting.sql",
                "deleting.sql:1:1: the query writes, and a probe may only read",
            ),
            ("http://127.0.0.1:1/{conversation_id}", "gave no answer: connection refused"),
        ],
    )
    def test_a_state_that_can_not_be_read_makes_the_run_incomplete(self, steps: Steps, probe: str, reason: str) -> None:
        Path("deleting.sql").write_text("DELETE FROM events WHERE chat = :conversation_id")
        played = steps("  - probe: {/a: 1, within: 0s}\n", "--probe", probe)
        (judged,) = probes(played)
        summary = played.lines[-1]
        assert (played.code, judged["verdict"]) == (4, "not judged")
        assert (summary["verdict"], summary["exit_code"]) == ("incomplete", 4)
        assert reason in summary["reason"] == judged["reason"]
        assert summary["problems"] == [f"conversation {judged['conversation']}: {judged['reason']}"]

    def test_a_missed_state_wins(self, steps: Steps) -> None:
        gone = "sql: sqlite:///gone.sqlite last.sql"
        played = steps("  - probe: {/a: 1, within: 0s}\n", "--probe", f"a={SQL}", "--probe", f"b={gone}")
        assert probes(played)[0]["reason"] == "b: gone.sqlite: there is no such database file"
        assert steps("  - probe: {/a: 1, within: 0s}\n", "--probe", f"a={SQL}").code == 1

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--probe", "nonsense"), "write a URL with {conversation_id}"),
            (("--probe", SQL, "--probe", SQL), "each of several probes needs a name"),
            (("--probe", f"a={SQL}", "--probe", f"a={SQL}"), "the name 'a' is taken"),
            (("--probe", "sql: sqlite:///state.sqlite gone.sql"), "gone.sql: the query can't be read"),
            (("--probe", "command: no-such-program {conversation_id}"), "there is no program 'no-such-program'"),
            (("--probe", "no_such_module:state"), "No module named 'no_such_module'"),
        ],
    )
    def test_a_probe_that_can_not_be_right_is_refused(self, steps: Steps, options: tuple[str, ...], said: str) -> None:
        refused = steps("  - probe: {/a: 1}\n", *options)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err

    def test_only_scenarios_with_such_a_step_open_the_probe(self, steps: Steps) -> None:
        assert steps("", "--probe", "command: no-such-program {conversation_id}").code == 0


class TestReports:
    def test_people_see_the_step_and_the_count(self, vendorsim: Vendorsim, target: Receiver, tmp_path: Path) -> None:
        path = written(tmp_path, f"{STORY}  - probe: {{/0/name: start}}\n  - probe: {{/0/name: end, within: 0s}}\n")
        told = ("play", path, "--vendor", "userlike", "--to", target.url(), "--probe", SQL)
        played = vendorsim(*told)
        assert 'missed: /0/name: expected "end", found "start"' in played.out
        assert "1 of 2 states as expected" in played.out
        many = vendorsim(*told, "--count", 2)
        assert "probe" in many.out
        assert "2 of 4 states as expected" in many.out

    def test_values_of_the_story_reach_no_shell(self, steps: Steps) -> None:
        code = "import json, sys; print(json.dumps(sys.argv[1]))"
        expected = "{'': \"it's; touch pwned; $(touch pwned)\"}"
        for probe in (
            f"command: {sys.executable} -I -S -c '{code}' {{identifier}}",
            """command: sh -c 'printf %s "$1"' sh {identifier}""",
        ):
            assert steps(f"  - probe: {expected}\n", "--probe", probe).code == 0
        assert not Path("pwned").exists()


class TestConfiguration:
    def test_the_first_target_with_a_probe_is_read_and_paths_begin_at_the_file(
        self, vendorsim: Vendorsim, target: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        targets = [{"url": target.url()}, {"url": target.url("/other"), "probe": {"events": SQL}}]
        (tmp_path / "vendorsim.yaml").write_text(json.dumps({"targets": {"userlike": targets}}))
        path = written(tmp_path, f"{STORY}  - probe: {{/events/0/name: start}}\n")
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        played = vendorsim("play", path, "--vendor", "userlike", "--json")
        assert (played.code, [one["verdict"] for one in probes(played)]) == (0, ["as expected"])

    @pytest.mark.parametrize(
        ("probe", "where", "said"),
        [
            ("nonsense", "1:67", "write a URL with {conversation_id}, module:function"),
            ("{a: 'command: psql'}", "1:71", "command: psql: it has no {conversation_id}"),
            ("{a b: 'json:dumps'}", "1:68", "'a b' is no name of a probe"),
            ("[json:dumps]", "1:67", "expected a probe ("),
            ("{}", "1:67", "expected a probe ("),
        ],
    )
    def test_a_wrong_one_is_told_with_its_place(
        self, vendorsim: Vendorsim, tmp_path: Path, probe: str, where: str, said: str
    ) -> None:
        file = tmp_path / "vendorsim.yaml"
        file.write_text(f"targets: {{userlike: [{{url: 'http://localhost:8000/hook12', probe: {probe}}}]}}")
        refused = vendorsim("play", written(tmp_path, STORY), "--vendor", "userlike")
        assert refused.code == 2
        assert refused.err.startswith(f"{file}:{where}: ")
        assert said in refused.err

    def test_the_environment_names_probes_in_lines(self, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VENDORSIM_PROBE", f"a={SQL}\nb={SQL}")
        assert steps("  - probe: {/a/0/name: start, /b/1/name: message_received}\n").code == 0
