"""What servers share, behind one interface: in memory and in PostgreSQL it behaves the same."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_server import PostgresServer
from vendorsim.core.errors import InputError
from vendorsim.journal.pages import Query
from vendorsim.journal.postgres import Database, masked
from vendorsim.journal.postgres_journal import PostgresJournal
from vendorsim.journal.postgres_pages import PostgresPages
from vendorsim.server.shared.in_memory import InMemory, OverridesInMemory
from vendorsim.server.shared.in_postgres import InPostgres
from vendorsim.server.shared.postgres_duplicates import PostgresDuplicates
from vendorsim.vendorkit.limits import DuplicateRule, Duplicates
from vendorsim.vendorkit.session_overrides import SessionOverride, SessionOverrides

INTERVAL = 60_000
SECRET = "pa55-w0rd"


@dataclass(frozen=True)
class Server:
    """What one server has of the state of a namespace."""

    duplicates: Duplicates
    overrides: SessionOverrides


@dataclass(frozen=True)
class Servers:
    """Two servers with one state. `later` lets milliseconds pass for it."""

    first: Server
    second: Server
    later: Callable[[int], None]
    of_namespace: Callable[[str], Server]


def in_memory(**limits: int) -> Servers:
    """One server, seen twice: nobody else shares its memory."""
    time = [1000.0]
    kept = InMemory(lambda: time[0], **limits)

    def of_namespace(name: str) -> Server:
        return Server(kept.duplicates(name, INTERVAL), kept.overrides(name))

    def later(milliseconds: int) -> None:
        time[0] += milliseconds / 1000

    alone = of_namespace("a")
    return Servers(alone, alone, later, of_namespace)


def in_postgres(one: Database, other: Database, namespace: str, **limits: int) -> Servers:
    def of_namespace(name: str, database: Database = other) -> Server:
        kept = InPostgres(database, **limits)
        return Server(kept.duplicates(name, INTERVAL), kept.overrides(name))

    def later(milliseconds: int) -> None:
        with one.connection() as db:
            db.execute("UPDATE vendorsim.accepted SET until = until - %s * interval '1 millisecond'", (milliseconds,))

    return Servers(of_namespace(namespace, one), of_namespace(namespace), later, of_namespace)


@pytest.fixture(scope="session")
def pair(postgres: PostgresServer) -> Iterator[tuple[Database, Database]]:
    """Two servers' connections to one database."""
    url = postgres.new_database()
    with Database(url) as one, Database(url) as other:
        yield one, other


NAMESPACES = count(1)


@pytest.fixture(params=["memory", "postgres"])
def limited(request: pytest.FixtureRequest) -> Callable[..., Servers]:
    """`limited(most_sessions=3)` makes two servers that keep no more than that."""
    if request.param == "memory":
        return in_memory
    one, other = request.getfixturevalue("pair")
    return partial(in_postgres, one, other, f"n{next(NAMESPACES)}")


@pytest.fixture
def servers(limited: Callable[..., Servers]) -> Servers:
    return limited()


class TestDuplicates:
    def test_what_one_server_accepted_is_a_duplicate_for_the_other(self, servers: Servers) -> None:
        assert not servers.first.duplicates.is_duplicate("chats", "1", "a")
        assert servers.second.duplicates.is_duplicate("chats", "1", "a")
        assert not servers.second.duplicates.is_duplicate("chats", "2", "a")
        assert servers.first.duplicates.is_duplicate("chats", "2", "a")

    def test_until_the_interval_is_over_which_a_duplicate_does_not_prolong(self, servers: Servers) -> None:
        seen = []
        for _ in range(4):
            seen.append(servers.first.duplicates.is_duplicate("a"))
            servers.later(INTERVAL // 2 + 1)
        assert seen == [False, True, False, True]

    def test_of_many_at_once_one_is_accepted(self, servers: Servers) -> None:
        with ThreadPoolExecutor(16) as threads:
            for request in map(str, range(5)):
                both = [servers.first, servers.second] * 8
                seen = list(threads.map(lambda server, asked=request: server.duplicates.is_duplicate(asked), both))
                assert sorted(seen) == [False] + [True] * 15

    @pytest.mark.parametrize("identifier", ["", "\0", "ä" * 100_000, "'; --", "a\nb"])
    def test_an_identifier_is_any_text(self, servers: Servers, identifier: str) -> None:
        seen = [servers.first.duplicates.is_duplicate(identifier, end) for end in ("", "", "x")]
        assert seen == [False, True, False]

    def test_parts_do_not_run_together(self, servers: Servers) -> None:
        assert [servers.first.duplicates.is_duplicate(*parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"])] == [
            False
        ] * 3

    def test_a_namespace_knows_nothing_of_another(self, servers: Servers) -> None:
        servers.first.duplicates.is_duplicate("a")
        other = servers.of_namespace(f"other-{next(NAMESPACES)}")
        assert not other.duplicates.is_duplicate("a")
        other.duplicates.clear()
        assert servers.second.duplicates.is_duplicate("a")

    def test_cleared_for_both(self, servers: Servers) -> None:
        servers.first.duplicates.is_duplicate("a")
        servers.second.duplicates.clear()
        assert not servers.first.duplicates.is_duplicate("a")


class TestSessionOverrides:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, SessionOverride()),
            ({"ended": True}, SessionOverride(ended=True)),
            ({"crm_supported": False}, SessionOverride(crm_supported=False)),
            ({"answers": ("ended", "error")}, SessionOverride(answers=("ended", "error"))),
            ({"identity": {"identifier": "ä\0 ' "}}, SessionOverride(identity={"identifier": "ä\0 ' "})),
            ({"identity": None}, SessionOverride()),
        ],
    )
    def test_what_is_set_on_one_is_set_on_the_other(
        self, servers: Servers, changes: dict[str, Any], expected: SessionOverride
    ) -> None:
        assert servers.second.overrides.get("1") is None
        servers.first.overrides.set("1", **changes)
        assert servers.second.overrides.get("1") == expected
        assert servers.second.overrides.take("1") == expected

    def test_only_what_is_changed_changes(self, servers: Servers) -> None:
        servers.first.overrides.set("1", ended=True, answers=("error",))
        servers.second.overrides.set("1", crm_supported=False, identity={"identifier": "a"})
        servers.first.overrides.set("1", ended=False)
        assert servers.second.overrides.get("1") == SessionOverride(False, False, ("error",), {"identifier": "a"})

    def test_answers_are_used_up_one_by_one(self, servers: Servers) -> None:
        servers.first.overrides.set("1", answers=("ended", "error"))
        taken = [server.overrides.take("1") for server in (servers.first, servers.second, servers.first)]
        assert [found and found.answers for found in taken] == [("ended", "error"), ("error",), ()]

    def test_many_calls_at_once_use_every_answer_once(self, servers: Servers) -> None:
        answers = tuple(f"answer-{number}" for number in range(20))
        servers.first.overrides.set("1", answers=answers)
        servers.first.overrides.force(answers)
        both = [servers.first.overrides, servers.second.overrides] * 15
        with ThreadPoolExecutor(16) as threads:
            taken = [found.answers[:1] for found in threads.map(lambda kept: kept.take("1"), both) if found]
            forced = list(threads.map(lambda kept: kept.take_forced(), both))
        assert sorted(taken) == [(), *[()] * 9, *sorted((answer,) for answer in answers)]
        assert sorted(filter(None, forced)) == sorted(answers)
        assert servers.second.overrides.forced() == ()

    def test_answers_for_any_session_come_in_their_order(self, servers: Servers) -> None:
        servers.first.overrides.force(["ended", "error"])
        assert servers.second.overrides.forced() == ("ended", "error")
        assert [servers.second.overrides.take_forced() for _ in range(3)] == ["ended", "error", None]
        servers.first.overrides.force(["ended"])
        servers.second.overrides.force([])
        assert servers.first.overrides.take_forced() is None

    def test_names_are_any_text_the_newest_first(self, servers: Servers) -> None:
        for name in ("1", "ä/\0", "'", "1"):
            servers.first.overrides.set(name, ended=True)
        assert servers.second.overrides.names() == ["'", "ä/\0", "1"]

    def test_beyond_the_most_the_oldest_is_forgotten(self, limited: Callable[..., Servers]) -> None:
        servers = limited(most_sessions=3)
        for name in "abcad":
            servers.first.overrides.set(name, ended=True)
        assert servers.second.overrides.names() == ["d", "c", "b"]

    def test_a_namespace_knows_nothing_of_another(self, servers: Servers) -> None:
        other = servers.of_namespace(f"other-{next(NAMESPACES)}").overrides
        servers.first.overrides.set("1", ended=True)
        servers.first.overrides.force(["error"])
        assert (other.get("1"), other.names(), other.forced(), other.take_forced()) == (None, [], (), None)
        other.clear()
        assert (servers.second.overrides.names(), servers.second.overrides.forced()) == (["1"], ("error",))

    def test_cleared_for_both(self, servers: Servers) -> None:
        servers.first.overrides.set("1", ended=True)
        servers.first.overrides.force(["error"])
        servers.second.overrides.clear()
        kept = servers.first.overrides
        assert (kept.get("1"), kept.take("1"), kept.names(), kept.forced()) == (None, None, [], ())


_sessions = st.sampled_from(["1", "2", "ä"])
_answers = st.lists(st.sampled_from(["ended", "error", "duplicate"]), max_size=3).map(tuple)
_end_users = st.none() | st.dictionaries(st.sampled_from(["identifier", "name"]), st.text(max_size=5))
_changes = st.fixed_dictionaries(
    {}, optional={"ended": st.booleans(), "crm_supported": st.booleans(), "answers": _answers, "identity": _end_users}
)
_operations = st.one_of(
    st.tuples(st.just("set"), _sessions, _changes),
    st.tuples(st.sampled_from(["get", "take"]), _sessions),
    st.tuples(st.just("force"), _answers),
    st.tuples(st.sampled_from(["names", "forced", "take_forced", "clear"])),
    st.tuples(st.just("is_duplicate"), st.lists(st.sampled_from("ab"), max_size=2)),
    st.tuples(st.just("later"), st.sampled_from([1, INTERVAL // 2, INTERVAL + 1])),
)


@settings(max_examples=60)
@given(steps=st.lists(st.tuples(st.booleans(), _operations), max_size=25))
def test_the_same_steps_on_either_server_give_the_same_in_both(
    pair: tuple[Database, Database], steps: list[tuple[bool, tuple[Any, ...]]]
) -> None:
    seen = []
    for servers in (in_memory(), in_postgres(*pair, f"n{next(NAMESPACES)}")):
        seen.append([_step(servers, servers.second if second else servers.first, step) for second, step in steps])
    assert seen[0] == seen[1]


def _step(servers: Servers, server: Server, step: tuple[Any, ...]) -> Any:
    match step:
        case ("set", session, changes):
            return server.overrides.set(session, **changes)
        case ("is_duplicate", request):
            return server.duplicates.is_duplicate(*request)
        case ("later", milliseconds):
            return servers.later(milliseconds)
        case ("clear",):
            server.duplicates.clear()
            return server.overrides.clear()
        case (name, *arguments):
            return getattr(server.overrides, name)(*arguments)


class TestDatabase:
    def test_servers_that_start_together_make_its_tables_once(self, database: str) -> None:
        with ThreadPoolExecutor(8) as threads:
            opened = list(threads.map(lambda _: Database(database), range(8)))
        for each in opened:
            with each.connection() as db:
                assert db.execute("SELECT number FROM vendorsim.version").fetchall() == [(2,)]
            each.close()

    def test_a_user_without_the_right_to_make_schemas_takes_one_that_is_there(
        self, postgres: PostgresServer, database: str
    ) -> None:
        with Database(database) as owner, owner.connection() as db:
            db.execute("DROP SCHEMA vendorsim CASCADE")
            db.execute("CREATE ROLE humble LOGIN")
            db.execute("CREATE SCHEMA vendorsim AUTHORIZATION humble")
        with Database(database.replace("tester", "humble")) as humble:
            assert not InPostgres(humble).duplicates("", INTERVAL).is_duplicate("a")

    def test_tables_of_the_version_before_are_brought_up_to_date(self, database: str) -> None:
        with Database(database) as first, first.connection() as db:
            db.execute("DROP TABLE vendorsim.conversations")
            db.execute(
                "DROP INDEX vendorsim.attempts_conversation, vendorsim.calls_session, vendorsim.attempts_not_delivered"
            )
            db.execute("ALTER TABLE vendorsim.attempts DROP recorded, DROP problem")
            db.execute(
                "ALTER TABLE vendorsim.calls DROP head, DROP answer_headers, DROP answer_body, DROP milliseconds, "
                "DROP recorded, DROP problem"
            )
            db.execute("ALTER TABLE vendorsim.attempts DROP said_by, DROP said, DROP in_flight_with")
            db.execute("UPDATE vendorsim.version SET number = 1")
            db.execute(
                "INSERT INTO vendorsim.runs (id, began_at, command, version, about, namespace, server) "
                "VALUES (1, 0, 'run', '1', '{}', '', '')"
            )
            db.execute(
                "INSERT INTO vendorsim.attempts (run, sent_at, at, vendor, profile, event, event_id, conversation, "
                "delivery, attempt, copy, target, milliseconds, verdict, final, faults) VALUES "
                "(1, 5, 0, 'v', 'p', 'e', 'i', 'c', 'd', 1, 0, 't', 1.0, 'rejected', true, '')"
            )
        with Database(database) as second:
            (row,) = PostgresPages(second).conversations(Query()).rows
            journal = PostgresJournal(second)
            assert list(journal.by_time("attempts")) == list(journal.by_time("calls", 1)) == []
        assert (row["conversation"], row["attempts"], row["failed"], row["last_at"]) == ("c", 1, 1, 5)

    def test_tables_of_another_version_are_left_alone(self, database: str, vendorsim: Vendorsim) -> None:
        with Database(database) as first, first.connection() as db:
            db.execute("UPDATE vendorsim.version SET number = 99")
        with pytest.raises(InputError, match=r"of another version of vendorsim; use another database"):
            Database(database)
        done = vendorsim("serve", "--port", 0, "--state", database)
        assert (done.code, SECRET in done.err) == (2, False)

    def test_what_is_over_is_swept_away(self, pair: tuple[Database, Database]) -> None:
        namespace = f"n{next(NAMESPACES)}"
        duplicates = PostgresDuplicates(pair[0].connection, namespace, INTERVAL, sweep_every=2)
        duplicates.is_duplicate("a")
        in_postgres(*pair, namespace).later(INTERVAL + 1)
        duplicates.is_duplicate("b")
        with pair[0].connection() as db:
            found = db.execute("SELECT count(*) FROM vendorsim.accepted WHERE until <= now()").fetchone()
        assert found == (0,)


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        ("postgresql://u:{}@127.0.0.1:1/db", 3, "the database can't be used: connection failed"),
        ("postgresql://u@127.0.0.1:1/db?password={}", 3, "the database can't be used: connection failed"),
        ("postgres://u:{}%zz@127.0.0.1/db", 2, "this URL can't be read; write signs such as @"),
        ("postgresql://u:x@{}@127.0.0.1/db", 2, "this URL can't be read; write signs such as @"),
        ("postgresql://u:{}/x@127.0.0.1/db", 2, "this URL can't be read; write signs such as @"),
        ("postgresql://u:{}?x@127.0.0.1/db", 2, "this URL can't be read; write signs such as @"),
        ("mysql://u:{}@127.0.0.1/db", 2, "write postgresql://USER@HOST/DATABASE"),
        ("{}", 2, "write postgresql://USER@HOST/DATABASE"),
    ],
)
def test_a_url_that_can_not_be_used_is_explained_without_its_password(
    vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch, url: str, code: int, message: str
) -> None:
    monkeypatch.setenv("VENDORSIM_STATE", url.format(SECRET))
    done = vendorsim("serve", "--port", 0)
    assert (done.code, SECRET in done.err) == (code, False)
    assert message in done.err


def test_without_the_extra_it_is_told_how_to_get_it(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg_pool", None)
    done = vendorsim("serve", "--port", 0, "--state", "postgresql://127.0.0.1/db")
    assert done.code == 3
    assert "pip install 'vendorsim[postgres]'" in done.err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@db.example.com:5433/x?sslmode=require", "postgresql://u@db.example.com:5433/x"),
        ("postgresql://db.example.com/x", "postgresql://db.example.com/x"),
        ("postgresql:///x?host=/run/postgresql&password=secret", "postgresql:///x"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_a_server_that_is_alone_needs_no_database() -> None:
    kept = InMemory()
    assert isinstance(kept.duplicates("", INTERVAL), DuplicateRule)
    assert isinstance(kept.overrides(""), OverridesInMemory)
