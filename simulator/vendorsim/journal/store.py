"""The journal: the durable record of everything that was sent and received, in one SQLite file.

`recorder.py` writes to it while something runs. After `kill -9` the file opens and contains everything that was
committed. Secrets are masked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

import orjson

from vendorsim.core.clock import wall_clock
from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.delivery.records import FALLS_SHORT, Attempt
from vendorsim.http.masking import answer_headers, masked, without, without_secret_members
from vendorsim.journal.pages import RECORDING, Row
from vendorsim.runs import config
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

FOLDER = ".vendorsim"
FILE = "journal.sqlite"
MOST_ATTEMPTS = 500_000
# Milliseconds after which a run without an end counts as ended, because its process was killed.
LONGEST_RUN = 24 * 3_600 * 1_000
# The same for the run in which a server records, which lasts as long as the server.
LONGEST_SERVER = 365 * LONGEST_RUN
# Bytes of a body of an answer, or of a call, that are stored. A recorder decides by itself how much it keeps.
LARGEST_ANSWER = 64 * 1024
# `application_id` ("vsjl") and `user_version` (the format) of the file.
_APPLICATION, _FORMAT = 0x76736A6C, 3
_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, began_at INTEGER NOT NULL, command TEXT NOT NULL, version TEXT NOT NULL,
    about TEXT NOT NULL, ended_at INTEGER, namespace TEXT NOT NULL DEFAULT ''
);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    sent_at INTEGER, at INTEGER NOT NULL, vendor TEXT NOT NULL, profile TEXT NOT NULL, event TEXT NOT NULL,
    event_id TEXT NOT NULL, conversation TEXT NOT NULL, delivery TEXT NOT NULL, attempt INTEGER NOT NULL,
    copy INTEGER NOT NULL, target TEXT NOT NULL, request_head BLOB, request_body BLOB, status INTEGER,
    answer_headers TEXT, answer_body BLOB, milliseconds REAL, verdict TEXT NOT NULL, final INTEGER NOT NULL,
    faults TEXT NOT NULL, reason TEXT, request_sent BLOB, ending TEXT,
    recorded INTEGER NOT NULL DEFAULT 0, problem TEXT,
    said_by TEXT, said TEXT, in_flight_with TEXT
);
CREATE INDEX attempts_by_run ON attempts (run);
CREATE INDEX attempts_by_conversation ON attempts (conversation);
CREATE INDEX attempts_not_delivered ON attempts (verdict) WHERE verdict <> 'delivered';
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, at INTEGER NOT NULL,
    operation TEXT NOT NULL, comm_type TEXT NOT NULL, session TEXT NOT NULL, credentials TEXT, fields TEXT,
    status INTEGER NOT NULL, message TEXT NOT NULL, vendor TEXT NOT NULL,
    method TEXT NOT NULL DEFAULT 'POST', path TEXT NOT NULL DEFAULT '', body BLOB,
    head BLOB, answer_headers TEXT, answer_body BLOB, milliseconds REAL,
    recorded INTEGER NOT NULL DEFAULT 0, problem TEXT
);
CREATE INDEX calls_by_run ON calls (run);
CREATE INDEX calls_by_session ON calls (session);
{conversations};
PRAGMA application_id = {application};
PRAGMA user_version = {format}
"""
# One row per conversation and run, so that a list of conversations reads no attempts. `last_at` is wall-clock time,
# `failed` the number of attempts that fell short.
_CONVERSATIONS = """
CREATE TABLE conversations (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, vendor TEXT NOT NULL, conversation TEXT NOT NULL,
    profile TEXT NOT NULL, visitor TEXT, opening TEXT, attempts INTEGER NOT NULL, failed INTEGER NOT NULL,
    last_id INTEGER NOT NULL, last_at INTEGER, PRIMARY KEY (run, vendor, conversation)
) WITHOUT ROWID;
CREATE INDEX conversations_by_last ON conversations (last_id);
CREATE INDEX conversations_by_name ON conversations (conversation)
"""
# The statements that upgrade an older file, by the format that introduced them. Before format 2 all calls were of the
# identification API; `{vendor}` is its vendor.
_UPGRADES = {
    2: (
        "ALTER TABLE calls ADD COLUMN vendor TEXT NOT NULL DEFAULT {vendor}",
        "ALTER TABLE calls ADD COLUMN method TEXT NOT NULL DEFAULT 'POST'",
        "ALTER TABLE calls ADD COLUMN path TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN body BLOB",
        "ALTER TABLE runs ADD COLUMN namespace TEXT NOT NULL DEFAULT ''",
    ),
    # What is recorded on its way between a vendor and an integration.
    3: (
        "ALTER TABLE attempts ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE attempts ADD COLUMN problem TEXT",
        "ALTER TABLE calls ADD COLUMN head BLOB",
        "ALTER TABLE calls ADD COLUMN answer_headers TEXT",
        "ALTER TABLE calls ADD COLUMN answer_body BLOB",
        "ALTER TABLE calls ADD COLUMN milliseconds REAL",
        "ALTER TABLE calls ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN problem TEXT",
        "ALTER TABLE attempts ADD COLUMN said_by TEXT",
        "ALTER TABLE attempts ADD COLUMN said TEXT",
        "ALTER TABLE attempts ADD COLUMN in_flight_with TEXT",
        "CREATE INDEX attempts_by_conversation ON attempts (conversation)",
        "CREATE INDEX attempts_not_delivered ON attempts (verdict) WHERE verdict <> 'delivered'",
        "CREATE INDEX calls_by_session ON calls (session)",
        *_CONVERSATIONS.split(";"),
        "INSERT INTO conversations SELECT run, vendor, conversation, min(profile), NULL, NULL, count(*), "
        "sum(verdict IN ('rejected', 'timed out', 'broken', 'unreachable') AND milliseconds IS NOT NULL), "
        "max(id), max(sent_at) FROM attempts GROUP BY run, vendor, conversation",
    ),
}
ATTEMPT_COLUMNS = (
    "run, sent_at, at, vendor, profile, event, event_id, conversation, delivery, attempt, copy, target, "
    "request_head, request_body, status, answer_headers, answer_body, milliseconds, verdict, final, faults, reason, "
    "request_sent, ending, recorded, problem, said_by, said, in_flight_with"
)
CALL_COLUMNS = (
    "run, at, operation, comm_type, session, credentials, fields, status, message, vendor, method, path, body, "
    "head, answer_headers, answer_body, milliseconds, recorded, problem"
)
# Rows in the order in which their requests were sent. `:run` may be NULL. `recorded` is 0 for what vendorsim itself
# sent or answered, and else the number in the order of arrival: ids are in the order of the answers.
BY_TIME = {
    "attempts": "SELECT * FROM {schema}attempts WHERE request_head IS NOT NULL AND sent_at IS NOT NULL "
    "AND CASE WHEN :run IS NULL THEN recorded > 0 ELSE run = :run END ORDER BY sent_at, recorded, id",
    "calls": "SELECT * FROM {schema}calls WHERE CASE WHEN :run IS NULL THEN recorded > 0 ELSE run = :run END "
    "ORDER BY at, recorded, id",
}
# Rows per statement: this many, or a smaller power of two. Every statement releases the GIL, and getting it back costs
# more than a row. There are few sizes, since SQLite caches each statement, with the values that it wrote last.
_MOST_AT_ONCE, _CACHED_STATEMENTS = 128, 64


def default_path() -> Path:
    """Returns the path of the project's journal: beside `vendorsim.yaml`, or in the working directory."""
    found = config.nearest()
    return (found.parent if found is not None else Path.cwd()) / FOLDER / FILE


class Book(Protocol):
    """A journal, in a file or a database, as writers use it and readers that read it as a whole."""

    @property
    def path(self) -> Path | str:
        """The name of the journal in messages."""
        ...

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int: ...
    def end(self, run: int) -> None: ...
    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None: ...
    def attempts(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[Row]: ...
    def calls(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[Row]: ...
    def by_time(self, table: str, run: int | None = None) -> Iterator[Row]: ...
    def attempt(self, number: int) -> Row | None: ...
    def call(self, number: int) -> Row | None: ...
    def last_run(self) -> int | None: ...
    def close(self) -> None: ...


class Journal:
    """The journal in a file. One connection, used by one thread at a time.

    When a new run begins, older runs beyond `most_attempts` attempts are deleted, unless they are still running or are
    recordings.
    """

    def __init__(self, path: Path, *, must_exist: bool = False, most_attempts: int = MOST_ATTEMPTS) -> None:
        """Opens the file, and creates it unless `must_exist`. Raises InputError."""
        self.path = path
        self._most_attempts = most_attempts
        if must_exist and not path.is_file():
            raise InputError(f"{path}: there is no journal; play a scenario first, or name one with --journal")
        try:
            if not must_exist:
                _make_folder(path.parent)
            self._db = sqlite3.connect(
                path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=_CACHED_STATEMENTS
            )
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"{path}: can't be used as a journal: {error}") from None
        try:
            if not must_exist:
                self._make_tables()
            self._upgrade()
            self._require_own_format()
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA foreign_keys = ON")
        except (InputError, sqlite3.Error) as error:
            self._db.close()
            raise InputError(f"{path}: can't be used as a journal: {error}") from None

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int:
        """Adds a run and returns its number. Deletes old runs beyond the limit. Raises InputError.

        In a new journal a server's own run is number 0, so that the first run that somebody starts is number 1.
        """
        with self._explained("written"), self._transaction():
            self._forget_old_runs()
            number = 0 if command == "serve" and self.last_run() is None else None
            row = self._db.execute(
                "INSERT INTO runs (id, began_at, command, version, about, namespace) VALUES (?, ?, ?, ?, ?, ?)",
                (number, wall_clock(), command, __version__, orjson.dumps(about).decode(), namespace),
            )
        return int(row.lastrowid or 0)

    def end(self, run: int) -> None:
        """Marks a run as ended. Raises InputError."""
        with self._explained("written"):
            self._db.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (wall_clock(), run))

    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None:
        """Writes and commits a batch."""
        rows = [attempt_row(run, attempt) for attempt in attempts]
        with self._transaction():
            (last_id,) = self._db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
            for part in _parts(conversation_rows(run, attempts, last_id + 1)):
                self._db.execute(_upsert(len(part)), list(chain.from_iterable(part)))
            self._insert("attempts", ATTEMPT_COLUMNS, rows)
            self._insert("calls", CALL_COLUMNS, [call_row(run, call) for call in calls])

    def _insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for part in _parts(rows):
            filled, values = _filled(columns, part)
            self._db.execute(_insertion(table, filled, len(part)), list(values))

    def attempts(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[sqlite3.Row]:
        """Yields the attempts of a run, or of all runs. `most` is the maximum number of rows; -1 means all."""
        return self._select("attempts", run, newest_first, most)

    def calls(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[sqlite3.Row]:
        """Yields the received calls of a run, or of all runs. `most` is the maximum number of rows; -1 means all."""
        return self._select("calls", run, newest_first, most)

    def by_time(self, table: str, run: int | None = None) -> Iterator[sqlite3.Row]:
        """Yields the `attempts` that were sent, or the `calls`, by time: of a run, or all recorded ones."""
        with self._explained("read"):
            yield from self._db.execute(BY_TIME[table].format(schema=""), {"run": run})

    def attempt(self, number: int) -> sqlite3.Row | None:
        """Returns an attempt by its id, or None."""
        return self._one("SELECT * FROM attempts WHERE id = ?", number)

    def call(self, number: int) -> sqlite3.Row | None:
        """Returns a call by its id, or None."""
        return self._one("SELECT * FROM calls WHERE id = ?", number)

    def _one(self, query: str, number: int) -> sqlite3.Row | None:
        with self._explained("read"):
            row: sqlite3.Row | None = self._db.execute(query, (number,)).fetchone()
        return row

    def last_run(self) -> int | None:
        with self._explained("read"):
            row = self._db.execute("SELECT max(id) FROM runs").fetchone()
        return None if row[0] is None else int(row[0])

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """Turns errors of SQLite into an InputError that says what failed."""
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: the journal can't be {action}: {error}") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _make_tables(self) -> None:
        """Creates the tables in a new or empty file."""
        # 16 KiB hold several attempts, the default of 4 KiB hardly one. Set the size before the first table.
        self._db.execute("PRAGMA page_size = 16384")
        with self._transaction():
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _SCHEMA.format(
                    application=_APPLICATION, format=_FORMAT, conversations=_CONVERSATIONS
                ).split(";"):
                    self._db.execute(statement)

    def _upgrade(self) -> None:
        """Upgrades a file of an older format."""
        if self._marks() not in [[_APPLICATION, older - 1] for older in _UPGRADES]:
            return
        with self._transaction():
            # Read the format again: another process may have upgraded the file meanwhile.
            _, current = self._marks()
            vendor = registry.identification().vendor.replace("'", "''")
            for number in range(current + 1, _FORMAT + 1):
                for statement in _UPGRADES[number]:
                    self._db.execute(statement.replace("{vendor}", f"'{vendor}'"))
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")

    def _marks(self) -> list[int]:
        return [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]

    def _require_own_format(self) -> None:
        if self._marks() != [_APPLICATION, _FORMAT]:
            raise InputError("it is another program's, or of another version of vendorsim; choose another file")

    def _select(self, table: str, run: int | None, newest_first: bool, most: int) -> Iterator[sqlite3.Row]:
        where = "" if run is None else "WHERE run = ?"
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT * FROM {table} {where} ORDER BY id {order} LIMIT ?"
        with self._explained("read"):
            yield from self._db.execute(query, (most,) if run is None else (run, most))

    def _forget_old_runs(self) -> None:
        """Deletes ended runs before those that together have at most `most_attempts` attempts. Keeps the last run."""
        counts = self._db.execute("SELECT run, count(*) FROM attempts GROUP BY run ORDER BY run DESC").fetchall()
        total = 0
        for position, (run, count) in enumerate(counts):
            total += count
            if position and total > self._most_attempts:
                ended = "ended_at IS NOT NULL OR began_at < ? - iif(command IN ('serve', 'hub'), ?, ?)"
                values = (run, RECORDING, wall_clock(), LONGEST_SERVER, LONGEST_RUN)
                self._db.execute(f"DELETE FROM runs WHERE id <= ? AND command <> ? AND ({ended})", values)
                return


def _parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Yields the rows in parts for one statement each."""
    done = 0
    while left := len(rows) - done:
        size = min(1 << (left.bit_length() - 1), _MOST_AT_ONCE)
        yield rows[done : done + size]
        done += size


def _filled(columns: str, rows: Sequence[tuple[Any, ...]]) -> tuple[str, Iterator[Any]]:
    """Returns the columns that are not NULL in all rows, and their values, row by row.

    To bind a NULL takes as long as to bind ten numbers: for any value but a number, a text or a bytearray, `sqlite3`
    looks for an adapter first.
    """
    names = columns.split(", ")
    places = [place for place in range(len(names)) if any(row[place] is not None for row in rows)]
    return ", ".join(names[place] for place in places), chain.from_iterable(map(itemgetter(*places), rows))


@lru_cache(maxsize=64)
def _insertion(table: str, columns: str, rows: int) -> str:
    row = f"({', '.join('?' * len(columns.split(',')))})"
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * rows)}"


def _make_folder(folder: Path) -> None:
    if folder.name == FOLDER and not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")


def attempt_row(run: int, attempt: Attempt) -> tuple[Any, ...]:
    """Builds the row of an attempt, in the order of `ATTEMPT_COLUMNS`. Secrets are masked. Bodies are bytearrays, which
    `sqlite3` binds without looking for an adapter."""
    event, request, answer = attempt.event, attempt.request, attempt.answer
    head, secrets = masked(request.head) if request else (None, frozenset[bytes]())
    sent = request.sent if request and attempt.faults else None
    return (
        run,
        attempt.sent_at,
        attempt.at,
        event.vendor,
        event.profile,
        event.name,
        event.id,
        str(event.conversation),
        attempt.delivery,
        attempt.number,
        attempt.copy,
        attempt.target,
        None if head is None else bytearray(head),
        bytearray(request.body) if request else None,
        attempt.status,
        _headers_text(answer.headers, secrets) if answer else None,
        bytearray(without(secrets, answer.body[: None if attempt.recorded else LARGEST_ANSWER])) if answer else None,
        attempt.milliseconds,
        attempt.verdict,
        attempt.final,
        ", ".join(attempt.faults),
        attempt.reason,
        None if request is None or sent == request.body else sent,
        None if request is None else request.wire.ending,
        attempt.recorded,
        attempt.problem,
        None if event.said is None else event.said.by,
        None if event.said is None else event.said.text,
        orjson.dumps([list(other) for other in attempt.in_flight_with]).decode() if attempt.in_flight_with else None,
    )


@lru_cache(maxsize=16)
def _upsert(rows: int) -> str:
    return conversation_upsert("?", rows=rows)


def conversation_upsert(place: str, schema: str = "", rows: int = 1) -> str:
    """Returns the statement that adds that many rows of `conversation_rows`. `place` stands for a value."""
    columns = "run, vendor, conversation, profile, visitor, opening, attempts, failed, last_id, last_at"
    row = f"({', '.join([place] * 10)})"
    return (
        f"INSERT INTO {schema}conversations AS old ({columns}) VALUES {', '.join([row] * rows)} "
        "ON CONFLICT (run, vendor, conversation) DO UPDATE SET visitor = coalesce(excluded.visitor, old.visitor), "
        "opening = coalesce(old.opening, excluded.opening), attempts = old.attempts + excluded.attempts, "
        "failed = old.failed + excluded.failed, last_id = excluded.last_id, "
        "last_at = coalesce(excluded.last_at, old.last_at)"
    )


def conversation_rows(run: int, attempts: Sequence[Attempt], first_id: int) -> list[tuple[Any, ...]]:
    """Returns what a batch of attempts adds to the table of conversations. `first_id` is the id of the first one."""
    found: dict[tuple[str, str], list[Any]] = {}
    for number, attempt in enumerate(attempts, first_id):
        event = attempt.event
        key = event.vendor, str(event.conversation)
        row = found.get(key)
        if row is None:
            row = found[key] = [run, *key, event.profile, None, None, 0, 0, 0, None]
        row[4] = event.visitor or row[4]
        row[5] = row[5] or event.opening
        row[6] += 1
        row[7] += attempt.verdict in FALLS_SHORT and attempt.milliseconds is not None
        row[8] = number
        row[9] = attempt.sent_at or row[9]
    return [tuple(row) for row in found.values()]


@lru_cache(maxsize=256)
def _headers_text(headers: tuple[tuple[str, str], ...], secrets: frozenset[bytes]) -> str:
    """Returns the headers of an answer as JSON, with secrets masked. Cached, since answers repeat their headers."""
    return orjson.dumps(answer_headers(headers, secrets)).decode()


def call_row(run: int, call: ApiCall) -> tuple[Any, ...]:
    """Builds the row of a call, in the order of `CALL_COLUMNS`. Secrets of a recorded call are masked."""
    fields = None if call.fields is None else orjson.dumps(call.fields).decode()
    head, secrets = masked(call.head) if call.head is not None else (None, frozenset[bytes]())
    body, answer = call.body, call.answer
    if call.recorded:
        body = None if body is None else without_secret_members(without(secrets, body))
    elif body is not None:
        body = body[:LARGEST_ANSWER]
    return (
        run,
        call.at,
        call.operation,
        call.comm_type,
        call.session_id,
        call.credentials,
        fields,
        call.status,
        call.message,
        call.vendor,
        call.method,
        call.path,
        None if body is None else bytearray(body),
        head,
        None if answer is None else _headers_text(answer.headers, secrets),
        None if answer is None else without_secret_members(without(secrets, answer.body)),
        call.milliseconds,
        call.recorded,
        call.problem,
    )
