"""Queries as probes, in SQLite and PostgreSQL: bound parameters, rows as JSON, read only, and what errors say."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ports import free_port
from vendorsim.core.errors import InputError
from vendorsim.probes.model import ProbeError
from vendorsim.probes.reading import read_probe

from probes.reading import HOSTILE, read, read_all

TABLE = "CREATE TABLE chats (id TEXT, customer TEXT, text TEXT, at INTEGER)"
ROWS = [("1", "crm-1", "Hello", 1), ("2", "crm-2", "One", 1), ("2", "crm-2", "Two", 2)]
QUERY = "SELECT text, at FROM chats WHERE id = :conversation_id ORDER BY at"

Ask = Callable[..., Any]
"""Reads the state of a conversation with the query of a text."""


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    file = tmp_path / "a database?#%.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(TABLE)
        database.executemany("INSERT INTO chats VALUES (?, ?, ?, ?)", ROWS)
    return f"'sqlite:///{file}'"


@pytest.fixture
def postgres_chats(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(TABLE.encode())
        connection.cursor().executemany("INSERT INTO chats VALUES (%s, %s, %s, %s)", ROWS)
    return database


@pytest.fixture(params=["sqlite", "postgres_chats"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def probe_of(folder: Path, url: str, query: str | bytes) -> str:
    file = folder / "query.sql"
    file.write_bytes(query if isinstance(query, bytes) else query.encode())
    return f"sql: {url} '{file}'"


@pytest.fixture
def ask(url: str, tmp_path: Path) -> Ask:
    def ask(query: str, id: str = "1", identifier: str | None = None, timeout: float = 10.0) -> Any:
        return read(probe_of(tmp_path, url, query), id=id, identifier=identifier, timeout=timeout)

    return ask


class TestRows:
    @pytest.mark.parametrize(
        ("id", "state"),
        [
            ("3", None),
            ("1", {"text": "Hello", "at": 1}),
            ("2", [{"text": "One", "at": 1}, {"text": "Two", "at": 2}]),
        ],
    )
    def test_none_is_nothing_known_one_is_an_object_several_are_a_list(self, ask: Ask, id: str, state: Any) -> None:
        assert ask(QUERY, id) == state

    def test_the_identifier_is_a_parameter_too(self, ask: Ask) -> None:
        query = "SELECT DISTINCT id FROM chats WHERE customer = :identifier OR id = :conversation_id"
        assert ask(query, "9", "crm-2") == {"id": "2"}
        assert ask(query, "9", None) is None

    def test_comments_texts_casts_and_a_semicolon_are_left_alone(self, ask: Ask) -> None:
        query = """
            /* :not_a_parameter */ -- nor :this
            SELECT ':conversation_id' AS "a:b", CAST(at AS TEXT) AS at FROM chats WHERE id = :conversation_id ; -- end
            """
        assert ask(query) == {"a:b": ":conversation_id", "at": "1"}

    def test_many_reads_at_once(self, url: str, tmp_path: Path) -> None:
        states = read_all(probe_of(tmp_path, url, QUERY), ids=("1", "3") * 20)
        assert states == [{"text": "Hello", "at": 1}, None] * 20

    def test_values_of_sqlite(self, sqlite: str, tmp_path: Path) -> None:
        query = """SELECT 1.5 AS a, 9e999 AS b, x'00ff' AS c, NULL AS d, json_object('x', 1) AS e, 1 = 1 AS f
                   WHERE :conversation_id = '1'"""
        assert read(probe_of(tmp_path, sqlite, query)) == {
            "a": 1.5,
            "b": "inf",
            "c": "00ff",
            "d": None,
            "e": '{"x":1}',
            "f": 1,
        }

    def test_values_of_postgresql(self, database: str, tmp_path: Path) -> None:
        query = r"""
            SELECT 1.50::numeric AS a, 2.00::numeric AS b, 'NaN'::numeric AS c, '\x00ff'::bytea AS d,
                   '{"x": [1, null]}'::jsonb AS e, '2026-01-05 09:00:00+01'::timestamptz AT TIME ZONE 'UTC' AS f,
                   DATE '2026-01-05' AS g, ARRAY[1, 2] AS h, true AS i, INTERVAL '1 day' AS j,
                   '6f1d9f7a-0000-4000-8000-000000000000'::uuid AS k, ':x' AS l, E'it\'s :y' AS m, $$:z$$ AS n
            WHERE :conversation_id::int = 1 AND :conversation_id = '1'"""
        assert read(probe_of(tmp_path, database, query)) == {
            "a": 1.5,
            "b": 2,
            "c": "NaN",
            "d": "00ff",
            "e": {"x": [1, None]},
            "f": "2026-01-05T08:00:00",
            "g": "2026-01-05",
            "h": [1, 2],
            "i": True,
            "j": "1 day, 0:00:00",
            "k": "6f1d9f7a-0000-4000-8000-000000000000",
            "l": ":x",
            "m": "it's :y",
            "n": ":z",
        }


class TestSafety:
    @pytest.mark.parametrize("id", HOSTILE)
    def test_a_value_is_bound_whatever_is_in_it(self, ask: Ask, id: str) -> None:
        assert ask(QUERY, id) is None
        assert ask("SELECT CAST(:conversation_id AS TEXT) AS id, CAST(:identifier AS TEXT) AS who", id, id) == {
            "id": id,
            "who": id,
        }
        assert ask("SELECT count(*) AS n FROM chats WHERE :conversation_id <> ''") == {"n": len(ROWS)}

    @pytest.mark.parametrize(
        "query",
        [
            "DELETE FROM chats WHERE id = :conversation_id RETURNING id",
            "INSERT INTO chats (id) VALUES (:conversation_id) RETURNING id",
            "UPDATE chats SET at = 9 WHERE id = :conversation_id RETURNING id",
        ],
    )
    def test_a_query_that_writes_is_refused_at_its_place(self, ask: Ask, query: str) -> None:
        with pytest.raises(ProbeError, match=r"query\.sql:2:3: the query writes, and a probe may only read \("):
            ask(f"-- about\n  {query}")
        assert ask(QUERY) == {"text": "Hello", "at": 1}

    @pytest.mark.parametrize("query", ["ATTACH DATABASE :conversation_id AS other", "VACUUM INTO :conversation_id"])
    def test_sqlite_makes_no_other_file(self, sqlite: str, tmp_path: Path, query: str) -> None:
        other = tmp_path / "other.sqlite"
        with pytest.raises(ProbeError, match="too many attached databases"):
            read(probe_of(tmp_path, sqlite, query), id=f"file:{other}?mode=rwc")
        assert not other.exists()

    def test_postgresql_stays_read_only_whatever_a_query_sets(self, postgres_chats: str, tmp_path: Path) -> None:
        query = """SELECT set_config('transaction_read_only', 'off', false), set_config('default_transaction_read_only',
                   'off', false) AS b WHERE :conversation_id = '1'"""
        with pytest.raises(ProbeError, match="read-write mode"):
            read(probe_of(tmp_path, postgres_chats, query))


class TestErrors:
    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("SELECT *\nFROM nowhere\nWHERE id = :conversation_id", "nowhere"),
            ("SELECT *\nFROM chats WHERE id = :conversation_id AND :conversation_id = nosuch", "nosuch"),
            ("SELECT *\nFROM chats WHER id = :conversation_id", "syntax error"),
            ("SELECT *\nFROM chats WHERE id = :conversation_id AND", ""),
        ],
    )
    def test_an_error_of_the_database_is_told_with_its_place(self, ask: Ask, query: str, said: str) -> None:
        with pytest.raises(ProbeError, match=rf"query\.sql:\d:\d+: .*{said}"):
            ask(query)

    def test_postgresql_tells_the_place_in_the_file(self, postgres_chats: str, tmp_path: Path) -> None:
        query = "SELECT *\nFROM chats WHERE id = :conversation_id AND :conversation_id = nosuch"
        with pytest.raises(ProbeError, match=r"query\.sql:2:63: "):
            read(probe_of(tmp_path, postgres_chats, query))

    def test_a_query_that_does_not_end_is_stopped(self, ask: Ask) -> None:
        query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x), :conversation_id FROM n"
        with pytest.raises(ProbeError, match=r"within 0\.2 s"):
            ask(query.replace(":conversation_id", "CAST(:conversation_id AS TEXT) AS id"), timeout=0.2)

    def test_two_columns_of_one_name(self, ask: Ask) -> None:
        with pytest.raises(ProbeError, match=r"query\.sql:1:1: two columns are named 'at'"):
            ask("SELECT at, at FROM chats WHERE id = :conversation_id")

    def test_a_database_file_that_is_not_there_is_looked_for_at_each_read(self, tmp_path: Path) -> None:
        with pytest.raises(ProbeError, match=r"nowhere\.sqlite: there is no such database file"):
            read(probe_of(tmp_path, f"sqlite:///{tmp_path}/nowhere.sqlite", QUERY))

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "text.sqlite").write_text("no database at all" * 1000)
        with pytest.raises(ProbeError, match=r"text\.sqlite: the database can't be read: file is not a database"):
            read(probe_of(tmp_path, f"sqlite:///{tmp_path}/text.sqlite", QUERY))

    def test_a_server_that_can_not_be_reached_is_named_without_its_password(self, tmp_path: Path) -> None:
        url = f"postgresql://me:secret@127.0.0.1:{free_port()}/db"
        with pytest.raises(ProbeError, match=r"postgresql://me@127\.0\.0\.1:\d+/db: .*refused") as failed:
            read(probe_of(tmp_path, url, QUERY))
        assert "secret" not in str(failed.value)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("SELECT 1", ":1:1: the query has no :conversation_id outside quotes"),
            ("SELECT 1\nWHERE ':conversation_id' = 1", ":1:1: the query has no :conversation_id outside quotes"),
            ("SELECT\n  :conversationid", ":2:3: unknown parameter 'conversationid'; did you mean 'conversation_id'?"),
            ("SELECT '{conversation_id}'", ":1:8: write :conversation_id, without braces and quotes"),
            ("SELECT {identifier}", ":1:8: write :conversation_id, without braces and quotes"),
            ("SELECT :conversation_id;\nDELETE FROM chats", ":2:1: a second statement begins here"),
            ("-- nothing\n", ": there is no query in this file"),
            (b"\xff", ": the query can't be read: it is not UTF-8"),
        ],
    )
    def test_a_query_that_can_not_be_right_is_refused(self, tmp_path: Path, query: str | bytes, said: str) -> None:
        with pytest.raises(InputError) as refused:
            read(probe_of(tmp_path, "sqlite:///any.sqlite", query))
        assert str(refused.value).startswith(f"{tmp_path}/query.sql{said}")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("sql: sqlite:///a.db", "the file of the query is missing; write 'sql: sqlite:///FILE QUERY.sql'"),
            ("sql:", "expected a URL and the file of a query"),
            ("sql: a.db q.sql", "the database is a URL of SQLite or PostgreSQL"),
            ("sql: mysql://h/d q.sql", "the database is a URL of SQLite or PostgreSQL"),
            ("sql: sqlite://a.db q.sql", "name the file of the database"),
            ("sql: sqlite:///:memory: q.sql", "name the file of the database"),
            ("sql: sqlite:///a.db 'q.sql", "No closing quotation"),
        ],
    )
    def test_a_text_that_names_no_database_and_query_is_refused(self, text: str, said: str) -> None:
        with pytest.raises(InputError) as refused:
            read_probe(text)
        assert said in str(refused.value)

    def test_a_query_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"q\.sql: the query can't be read: No such file or directory"):
            read(f"sql: sqlite:///any.db {tmp_path}/q.sql")
