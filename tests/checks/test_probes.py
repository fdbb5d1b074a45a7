"""`vendorsim check` reads the state by endpoint, SQL and command: the same verdicts, and what is said of bad probes."""

from __future__ import annotations

import shlex
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from helpdesk_helpers import HASTY, PROBE, checked
from receiver import Receiver
from variants import VARIANTS
from vendorsim.probes.reading import read_probe

FACTS = """
    -- What is known of the newest ticket of this conversation.
    SELECT name, value FROM facts
    WHERE ticket = (SELECT max(number) FROM tickets WHERE conversation_id = :conversation_id)
    ORDER BY name
"""
MESSAGES = """
    SELECT author, name, text, at, private, deleted FROM messages
    WHERE ticket = (SELECT max(number) FROM tickets WHERE conversation_id = :conversation_id)
    ORDER BY at, position, key
"""
# Prints the same as the two queries.
PROGRAM = """
import json, sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
rows = [database.execute(query, {"conversation_id": sys.argv[2]}).fetchall() for query in (FACTS, MESSAGES)]
if any(rows):
    print(json.dumps(rows))
"""


def by_endpoint(url: str, folder: Path) -> tuple[str, ...]:
    return ("--probe", url + PROBE)


def by_sql(url: str, folder: Path) -> tuple[str, ...]:
    database = shlex.quote(f"sqlite:///{folder}/tickets.sqlite")
    words = []
    for name, query in (("facts", FACTS), ("messages", MESSAGES)):
        (folder / f"{name}.sql").write_text(query)
        words += ["--probe", f"{name}=sql: {database} {shlex.quote(str(folder / name))}.sql"]
    return tuple(words)


def by_command(url: str, folder: Path) -> tuple[str, ...]:
    program = folder / "state.py"
    program.write_text(f'FACTS = """{FACTS}"""\nMESSAGES = """{MESSAGES}"""\n{PROGRAM}')
    arguments = (sys.executable, "-I", "-S", program, folder / "tickets.sqlite")
    return ("--probe", f"command: {shlex.join(map(str, arguments))} {{conversation_id}}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "families"),
    [
        (None, "effects.none,retry_safe"),
        ("retry_appends", "retry_safe"),
        pytest.param("current_conversation", "effects,idempotent,isolated", marks=pytest.mark.thorough),
    ],
)
def test_the_verdicts_are_the_same_by_endpoint_sql_and_command(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: str | None, families: str
) -> None:
    receiver = next((variant for variant in VARIANTS if variant.name == bug), None)
    vendor = "chatvisor" if receiver is None else receiver.vendor
    found: list[dict[str, Any]] = []
    for probes in (by_endpoint, by_sql, by_command):
        folder = tmp_path / probes.__name__
        folder.mkdir()
        with checked(vendor, folder, monkeypatch, receiver) as command:
            url = str(command[command.index("--to") + 1]).partition("/hooks")[0]
            done = vendorsim(*command, *probes(url, folder), "--only", families, settings=HASTY)
        found.append({check["id"]: check["status"] for check in done.json["checks"]})
        assert done.json["verdict"] == ("passed" if bug is None else "failed")
    endpoint, sql, command_line = found
    assert sql == endpoint
    assert command_line == endpoint
    assert set(endpoint.values()) <= {"passed", "failed", "not_judged"}
    assert "passed" in endpoint.values() if receiver is None else endpoint[receiver.check] == "failed"


@pytest.fixture
def check(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def check(*probes: str) -> Any:
        with Receiver() as target:
            given = [word for probe in probes for word in ("--probe", probe)]
            only = ("--only", "retry_safe,accepts.typical", "--json")
            told = ("check", "--vendor", "chatvisor", "--to", target.url(), *only)
            return vendorsim(*told, *given, settings=HASTY)

    return check


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (f"command: {sys.executable} -c 'raise SystemExit(3)' {{conversation_id}}", "ended with exit code 3"),
        ("command: printf '{%s' {conversation_id}", "printed neither JSON nor a single line of text"),
        ("sql: sqlite:///gone.sqlite query.sql", "gone.sqlite: there is no such database file"),
        ("sql: sqlite:///chats.sqlite writing.sql", "writing.sql:1:1: the query writes, and a probe may only read"),
        ("command: true {conversation_id}", "the probe knows nothing of a conversation that was told"),
    ],
)
def test_a_probe_that_fails_makes_the_run_incomplete(
    check: Callable[..., Any], tmp_path: Path, probe: str, reason: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "chats.sqlite")) as database:
        database.execute("CREATE TABLE chats (id TEXT)")
    (tmp_path / "query.sql").write_text("SELECT * FROM chats WHERE id = :conversation_id")
    (tmp_path / "writing.sql").write_text("INSERT INTO chats VALUES (:conversation_id) RETURNING id")
    done = check(probe)
    assert (done.code, done.json["verdict"]) == (4, "incomplete")
    assert reason in done.json["reason"]
    statuses = {one["id"]: one["status"] for one in done.json["checks"]}
    assert statuses == {"accepts.typical": "passed", "retry_safe": "not_judged"}


def test_a_probe_of_several_that_fails_is_named(check: Callable[..., Any]) -> None:
    done = check("chats=command: true {conversation_id}", "crm=command: false {conversation_id}")
    assert (
        done.json["reason"] == "--probe: retry_safe not judged: crm: the probe's command false ended with exit code 1"
    )


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        (("sql: sqlite:///chats.sqlite gone.sql",), "gone.sql: the query can't be read: No such file or directory"),
        (("command: no-such-program {conversation_id}",), "there is no program 'no-such-program'"),
        (("a=json:dumps", "a=json:loads"), "the name 'a' is taken by another probe"),
        (("command: sh -c 'cat {conversation_id}'",), "a shell would parse"),
    ],
)
def test_a_probe_that_can_not_be_right_is_refused(
    check: Callable[..., Any], probes: tuple[str, ...], said: str
) -> None:
    refused = check(*probes)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err


def test_the_command_of_a_finding_has_the_probes_without_their_passwords(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = next(variant for variant in VARIANTS if variant.name == "current_conversation")
    with checked("chatvisor", tmp_path, monkeypatch, receiver) as command:
        url = str(command[command.index("--to") + 1]).partition("/hooks")[0].replace("//", "//me:pa55@")
        probe = f"tickets={url}{PROBE}"
        done = vendorsim(*command, "--probe", probe, "--only", "isolated", settings=HASTY)
    reproduce = {finding["reproduce"] for finding in done.json["findings"]}
    assert reproduce
    for text in reproduce:
        assert shlex.quote(read_probe(probe).text) in text
        assert "pa55" not in text
