"""The durable record of all that was sent and received: one SQLite file, written off the hot path.

Nothing is reported before it stands here: records pass through `Recorder`, which hands them on once their
batch is committed. After `kill -9` the file opens and holds all that was reported. Secrets are masked.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import orjson

from vendorsim.core.clock import wall_clock
from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.delivery.records import Attempt, Over, Record
from vendorsim.delivery.sequencer import Sequencer
from vendorsim.http.masking import answer_headers, masked, without
from vendorsim.journal.pages import Row
from vendorsim.runs import config
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.api_call import ApiCall

FOLDER = ".vendorsim"
FILE = "journal.sqlite"
# Older runs are forgotten beyond this many attempts, when a new run begins; one that is under way stays.
MOST_ATTEMPTS = 500_000
LONGEST_RUN = 24 * 3_600 * 1_000
# What a server records while it runs, for as long as a server may run.
LONGEST_SERVER = 365 * LONGEST_RUN
LARGEST_ANSWER = 64 * 1024
# How long records are collected before they are written together, and how often it is looked whether they are enough.
BATCH_SECONDS, _GATHERING_SECONDS = 0.05, 0.002
# The longest that anybody waits for the writer, in seconds.
LONGEST_WAIT = 30.0
# So many records may wait to be written before the player holds back.
BACKLOG = 20_000

# SQLite's marks of whose file this is ("vsjl"), and of its format.
_APPLICATION, _FORMAT = 0x76736A6C, 2
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
    faults TEXT NOT NULL, reason TEXT, request_sent BLOB, ending TEXT
);
CREATE INDEX attempts_by_run ON attempts (run);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, at INTEGER NOT NULL,
    operation TEXT NOT NULL, comm_type TEXT NOT NULL, session TEXT NOT NULL, credentials TEXT, fields TEXT,
    status INTEGER NOT NULL, message TEXT NOT NULL, vendor TEXT NOT NULL,
    method TEXT NOT NULL DEFAULT 'POST', path TEXT NOT NULL DEFAULT '', body BLOB
);
CREATE INDEX calls_by_run ON calls (run);
PRAGMA application_id = {application};
PRAGMA user_version = {format}
"""
# What older formats lack, by the format that brought it. Before format 2 all calls were of the identification API;
# `{vendor}` is its vendor.
_UPGRADES = {
    2: (
        "ALTER TABLE calls ADD COLUMN vendor TEXT NOT NULL DEFAULT {vendor}",
        "ALTER TABLE calls ADD COLUMN method TEXT NOT NULL DEFAULT 'POST'",
        "ALTER TABLE calls ADD COLUMN path TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN body BLOB",
        "ALTER TABLE runs ADD COLUMN namespace TEXT NOT NULL DEFAULT ''",
    ),
}
ATTEMPT_COLUMNS = (
    "run, sent_at, at, vendor, profile, event, event_id, conversation, delivery, attempt, copy, target, "
    "request_head, request_body, status, answer_headers, answer_body, milliseconds, verdict, final, faults, reason, "
    "request_sent, ending"
)
CALL_COLUMNS = (
    "run, at, operation, comm_type, session, credentials, fields, status, message, vendor, method, path, body"
)
# How many rows one statement writes: each lets go of Python's lock, which costs more than a row. Of a few sizes only,
# since SQLite keeps each statement, with all that was written by it last.
_AT_ONCE = (100, 10, 1)


def default_path() -> Path:
    """The journal of the project: beside `vendorsim.yaml`, or in the working directory."""
    found = config.nearest()
    return (found.parent if found is not None else Path.cwd()) / FOLDER / FILE


class Book(Protocol):
    """What the journal is to those who write it and read it from end to end; where it stands is its own affair."""

    @property
    def path(self) -> Path | str:
        """What it is called in messages."""
        ...

    def begin(self, command: str, about: Mapping[str, Any], namespace: str = "") -> int: ...
    def end(self, run: int) -> None: ...
    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None: ...
    def attempts(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[Row]: ...
    def calls(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[Row]: ...
    def attempt(self, number: int) -> Row | None: ...
    def last_run(self) -> int | None: ...
    def close(self) -> None: ...


class Journal:
    """The file itself. One connection, used by one thread at a time."""

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        """Opens or makes the file. Raises InputError."""
        self.path = path
        if must_exist and not path.is_file():
            raise InputError(f"{path}: there is no journal; play a scenario first, or name one with --journal")
        try:
            if not must_exist:
                _make_folder(path.parent)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
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
        """A new run; the number under which its records are kept. Old runs are forgotten where there are too many."""
        with self._explained("written"), self._transaction():
            self._forget_old_runs()
            row = self._db.execute(
                "INSERT INTO runs (began_at, command, version, about, namespace) VALUES (?, ?, ?, ?, ?)",
                (wall_clock(), command, __version__, orjson.dumps(about).decode(), namespace),
            )
        return int(row.lastrowid or 0)

    def end(self, run: int) -> None:
        """The run is over."""
        with self._explained("written"):
            self._db.execute("UPDATE runs SET ended_at = ? WHERE id = ?", (wall_clock(), run))

    def add(self, run: int, attempts: Sequence[Attempt], calls: Sequence[ApiCall]) -> None:
        """Writes a batch and commits it."""
        rows = [attempt_row(run, attempt) for attempt in attempts]
        with self._transaction():
            self._insert("attempts", ATTEMPT_COLUMNS, rows)
            self._insert("calls", CALL_COLUMNS, [call_row(run, call) for call in calls])

    def _insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        done = 0
        while done < len(rows):
            size = next(size for size in _AT_ONCE if size <= len(rows) - done)
            values = list(chain.from_iterable(rows[done : done + size]))
            self._db.execute(_insertion(table, columns, size), values)
            done += size

    def attempts(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[sqlite3.Row]:
        """The attempts of a run, or of all."""
        return self._select("attempts", run, newest_first, most)

    def calls(self, run: int | None = None, *, newest_first: bool = False, most: int = -1) -> Iterator[sqlite3.Row]:
        """The received calls of a run, or of all."""
        return self._select("calls", run, newest_first, most)

    def attempt(self, number: int) -> sqlite3.Row | None:
        """One attempt by its number."""
        with self._explained("read"):
            row: sqlite3.Row | None = self._db.execute("SELECT * FROM attempts WHERE id = ?", (number,)).fetchone()
        return row

    def last_run(self) -> int | None:
        with self._explained("read"):
            row = self._db.execute("SELECT max(id) FROM runs").fetchone()
        return None if row[0] is None else int(row[0])

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: the journal can't be {what}: {error}") from None

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
        """In a file that is new or empty."""
        # Several attempts fit on such a page, hardly one on the usual 4 KiB; it has to be said before the first table.
        self._db.execute("PRAGMA page_size = 16384")
        with self._transaction():
            if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _SCHEMA.format(application=_APPLICATION, format=_FORMAT).split(";"):
                    self._db.execute(statement)

    def _upgrade(self) -> None:
        """Adds what the file's older format lacks."""
        if self._marks() not in [[_APPLICATION, older - 1] for older in _UPGRADES]:
            return
        with self._transaction():
            # Another process may have been faster.
            _, known = self._marks()
            vendor = registry.identification().vendor.replace("'", "''")
            for number in range(known + 1, _FORMAT + 1):
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
        """Keeps the last run, and the newest ones before it whose attempts together stay below the limit."""
        counts = self._db.execute("SELECT run, count(*) FROM attempts GROUP BY run ORDER BY run DESC").fetchall()
        kept = 0
        for position, (run, count) in enumerate(counts):
            kept += count
            if position and kept > MOST_ATTEMPTS:
                over = "ended_at IS NOT NULL OR began_at < ? - iif(command IN ('serve', 'hub'), ?, ?)"
                times = (wall_clock(), LONGEST_SERVER, LONGEST_RUN)
                self._db.execute(f"DELETE FROM runs WHERE id <= ? AND ({over})", (run, *times))
                return


@lru_cache(maxsize=2 * len(_AT_ONCE))
def _insertion(table: str, columns: str, rows: int) -> str:
    row = f"({', '.join('?' * len(columns.split(',')))})"
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * rows)}"


def _make_folder(folder: Path) -> None:
    if folder.name == FOLDER and not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n")


def attempt_row(run: int, attempt: Attempt) -> tuple[Any, ...]:
    """What is kept of an attempt, in the order of `ATTEMPT_COLUMNS`, without secrets."""
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
        head,
        request.body if request else None,
        attempt.status,
        _headers_text(answer.headers, secrets) if answer else None,
        without(secrets, answer.body[:LARGEST_ANSWER]) if answer else None,
        attempt.milliseconds,
        attempt.verdict,
        attempt.final,
        ", ".join(attempt.faults),
        attempt.reason,
        None if request is None or sent == request.body else sent,
        None if request is None else request.wire.ending,
    )


@lru_cache(maxsize=256)
def _headers_text(headers: tuple[tuple[str, str], ...], secrets: frozenset[bytes]) -> str:
    """The headers of an answer as JSON, without secrets; kept, since most answers have those of the last one."""
    return orjson.dumps(answer_headers(headers, secrets)).decode()


def call_row(run: int, call: ApiCall) -> tuple[Any, ...]:
    """What is kept of a call, in the order of `CALL_COLUMNS`."""
    fields = None if call.fields is None else orjson.dumps(call.fields).decode()
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
        None if call.body is None else call.body[:LARGEST_ANSWER],
    )


Item = Record | Over | ApiCall


class Recorder:
    """Takes records from the player and calls from the server, writes them in batches in a thread of its own, and
    only then hands the records on to the reporter, in the order of the conversations.

    Where several runs are recorded side by side nobody is reported to (`report` is None): their orders have nothing to
    do with each other.
    """

    def __init__(self, journal: Book | None, run: int, report: Callable[[Record], None] | None) -> None:
        self._journal = journal
        self._run = run
        self._sequencer = None if report is None else Sequencer(report)
        # None is the last thing in the queue.
        self._queue: SimpleQueue[tuple[int, Item | threading.Event] | None] = SimpleQueue()
        self._closing = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def add(self, item: Item) -> None:
        """Queues a record, a call or the end of a conversation. Any thread."""
        self._queue.put((self._run, item))

    def add_to(self, run: int, item: Item) -> None:
        """Queues something for another run of the same journal. Any thread."""
        self._queue.put((run, item))

    def flush(self) -> None:
        """Returns once everything that was queued before is written. Any thread but the writer's own."""
        written = threading.Event()
        self._queue.put((self._run, written))
        written.wait(LONGEST_WAIT)

    @property
    def failure(self) -> str | None:
        """What made writing fail, or None."""
        return None if self._failure is None else str(self._failure)

    @property
    def backlog(self) -> int:
        """How many items wait to be written."""
        return self._queue.qsize()

    async def room(self) -> None:
        """Returns when few enough records are waiting; raises what made writing fail."""
        while self._queue.qsize() > BACKLOG and self._failure is None:
            await asyncio.sleep(BATCH_SECONDS)
        self._raise_failure()

    def close(self) -> None:
        """Writes and reports everything that is left. Raises InputError when the journal can't be written."""
        self._queue.put(None)
        self._closing.set()
        self._thread.join()
        if self._journal is not None:
            if self._failure is None:
                self._journal.end(self._run)
            self._journal.close()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if isinstance(self._failure, sqlite3.Error):
            path = self._journal.path if self._journal is not None else ""
            raise InputError(f"{path}: the journal can't be written: {self._failure}")
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        ended = False
        while not ended:
            batch = self._collect()
            ended = batch.last
            try:
                if self._failure is not None:
                    continue
                if self._journal is not None:
                    for run, (attempts, calls) in batch.kept.items():
                        self._journal.add(run, attempts, calls)
                self._report(batch.reported, ended)
            except BaseException as error:
                self._failure = error
            finally:
                for written in batch.awaited:
                    written.set()

    def _report(self, items: Sequence[Record | Over], ended: bool) -> None:
        if self._sequencer is None:
            return
        for item in items:
            self._sequencer.add(item)
        self._sequencer.lighten()
        if ended:
            self._sequencer.flush()

    def _gather(self) -> None:
        """Waits for what comes along. To wake up for every single item would slow the player down more than writing
        does; to write a lot at once holds all others up."""
        for _ in range(round(BATCH_SECONDS / _GATHERING_SECONDS)):
            if self._closing.wait(_GATHERING_SECONDS) or self._queue.qsize() >= _AT_ONCE[0] // 2:
                return

    def _collect(self) -> _Batch:
        """The next batch: what comes within a short while of its first item."""
        batch, queue = _Batch(), self._queue
        queued = queue.get()
        if queued is not None:
            self._gather()
        while queued is not None:
            batch.add(*queued)
            if queue.empty():
                return batch
            queued = queue.get()
        batch.last = True
        return batch


@dataclass(slots=True)
class _Batch:
    """What is written together. `kept` are the attempts and calls of each run, `awaited` who waits for it to be
    written; `last` says that nothing follows."""

    kept: dict[int, tuple[list[Attempt], list[ApiCall]]] = field(default_factory=dict)
    reported: list[Record | Over] = field(default_factory=list)
    awaited: list[threading.Event] = field(default_factory=list)
    last: bool = False

    def add(self, run: int, item: Item | threading.Event) -> None:
        if isinstance(item, Attempt):
            self._of(run)[0].append(item)
            self.reported.append(item)
        elif isinstance(item, ApiCall):
            self._of(run)[1].append(item)
        elif isinstance(item, threading.Event):
            self.awaited.append(item)
        else:
            self.reported.append(item)

    def _of(self, run: int) -> tuple[list[Attempt], list[ApiCall]]:
        found = self.kept.get(run)
        if found is None:
            found = self.kept[run] = ([], [])
        return found
