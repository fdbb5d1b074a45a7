"""The tickets in SQLite.

One connection and one lock: SQLite writes one transaction at a time anyway, and so "database is locked" can't occur.
A delivery is one transaction.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .tickets import AUTOMATIC, CLOSED, CUSTOMER_NUMBER, MISSED, OPEN, UNKNOWN, VISITOR, Claim, Fact, Message, Update

WAITING, ACCEPTED = "waiting", "accepted"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (
    number INTEGER PRIMARY KEY, vendor TEXT, conversation_id TEXT, UNIQUE (vendor, conversation_id));
CREATE TABLE IF NOT EXISTS facts (
    ticket INTEGER REFERENCES tickets, name TEXT, value TEXT, version TEXT,
    PRIMARY KEY (ticket, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    ticket INTEGER REFERENCES tickets, key TEXT, author TEXT, name TEXT, text TEXT, at INTEGER, position INTEGER,
    private INTEGER, deleted INTEGER, version TEXT, PRIMARY KEY (ticket, key));
CREATE TABLE IF NOT EXISTS identifications (
    number INTEGER PRIMARY KEY, ticket INTEGER REFERENCES tickets, identifier TEXT,
    outcome TEXT, answer TEXT, again_at REAL, UNIQUE (ticket, identifier));
"""


class Store:
    """All tickets. Thread-safe."""

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def apply(self, vendor: str, update: Update) -> list[Claim]:
        """Stores what is new in the update. Returns claims for the new customer numbers."""
        with self._transaction() as db:
            names = (vendor, update.conversation_id)
            db.execute("INSERT OR IGNORE INTO tickets (vendor, conversation_id) VALUES (?, ?)", names)
            ticket = _number(db, *names)
            status = _keep_facts(db, ticket, update.facts)
            fresh = _keep_messages(db, ticket, update.messages)
            if status == CLOSED or not update.live:
                return []  # The visitor has left, and end_user is for active sessions.
            given = dict.fromkeys(number.lower() for text in fresh for number in CUSTOMER_NUMBER.findall(text))
            return [Claim(vendor, update.conversation_id, number) for number in given if _claim(db, ticket, number)]

    def record(self, claim: Claim, outcome: str, answer: str, again_at: float | None = None) -> None:
        """Stores the outcome of a claim. From `again_at` (Unix time) on, it may be tried again; None: it is final."""
        with self._transaction() as db:
            db.execute(
                "UPDATE identifications SET outcome = ?, answer = ?, again_at = ? WHERE ticket = ? AND identifier = ?",
                (outcome, answer, again_at, _number(db, claim.vendor, claim.conversation_id), claim.identifier),
            )

    def unfinished(self) -> list[Claim]:
        """Returns the claims that the last process did not finish."""
        query = """
            SELECT vendor, conversation_id, identifier FROM identifications i JOIN tickets t ON t.number = i.ticket
            WHERE outcome = ? ORDER BY i.number"""
        with self._transaction() as db:
            return [Claim(*row) for row in db.execute(query, (WAITING,))]

    def ticket(self, conversation_id: str, vendor: str | None = None) -> dict[str, Any] | None:
        """Returns a ticket; without a vendor the newest with that id, of any vendor."""
        query = "SELECT * FROM tickets WHERE conversation_id = ? AND vendor = coalesce(?, vendor) ORDER BY number DESC"
        with self._transaction() as db:
            row = db.execute(query, (conversation_id, vendor)).fetchone()
            return row and _ticket(db, row)

    def tickets(self, limit: int) -> list[dict[str, Any]]:
        """Returns the newest tickets, the newest first."""
        with self._transaction() as db:
            rows = db.execute("SELECT * FROM tickets ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
            return [_ticket(db, row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _number(db: sqlite3.Connection, vendor: str, conversation_id: str) -> int:
    query = "SELECT number FROM tickets WHERE vendor = ? AND conversation_id = ?"
    return int(db.execute(query, (vendor, conversation_id)).fetchone()["number"])


def _keep_facts(db: sqlite3.Connection, ticket: int, facts: list[Fact]) -> str | None:
    """Stores the newer facts. Returns the ticket's status after that."""
    rows = db.execute("SELECT name, value, version FROM facts WHERE ticket = ?", (ticket,))
    known = {name: (json.loads(value), tuple(json.loads(version))) for name, value, version in rows}
    for fact in facts:
        if fact.name not in known or _wins(fact, *known[fact.name]):
            known[fact.name] = fact.value, fact.version
            entry = (ticket, fact.name, json.dumps(fact.value), json.dumps(fact.version))
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", entry)
    return known["status"][0] if "status" in known else None


def _wins(fact: Fact, value: Any, version: tuple[int, ...]) -> bool:
    """Returns whether a fact replaces the stored value. If versions are equal, its previous value decides."""
    if fact.version != version or fact.previous is UNKNOWN:
        return fact.version >= version
    if fact.name == "assignee" and value and fact.previous:
        return bool(value["id"] == fact.previous["id"])
    return bool(value == fact.previous)


def _keep_messages(db: sqlite3.Connection, ticket: int, messages: list[Message]) -> list[str]:
    """Stores the newer messages. Returns the new texts of the visitor."""
    fresh = []
    known = {row["key"]: row for row in db.execute("SELECT * FROM messages WHERE ticket = ?", (ticket,))}
    for new in messages:
        old = known.get(new.key)
        if old is not None and new.version < tuple(json.loads(old["version"])):
            # It came late, but it may have the author's name, which the newer body lacks.
            fill = "UPDATE messages SET name = coalesce(name, ?) WHERE ticket = ? AND key = ?"
            db.execute(fill, (new.name, ticket, new.key))
            continue
        if new.author == VISITOR and (old is None or old["author"] != VISITOR):
            fresh.append(new.text)
        name, version = new.name or (old and old["name"]), json.dumps(new.version)
        entry = (ticket, new.key, new.author, name, new.text, new.at, new.order, new.private, new.deleted, version)
        if old is None or entry != tuple(old):
            db.execute("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)
    return fresh


def _claim(db: sqlite3.Connection, ticket: int, identifier: str) -> bool:
    """Returns whether to call end_user: once per session and identifier, and again after `again_at`."""
    statement = """
        INSERT INTO identifications (ticket, identifier, outcome) VALUES (?, ?, ?)
        ON CONFLICT (ticket, identifier)
        DO UPDATE SET outcome = excluded.outcome, answer = NULL, again_at = NULL WHERE again_at <= ?"""
    return db.execute(statement, (ticket, identifier, WAITING, time.time())).rowcount > 0


def _ticket(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    number = (row["number"],)
    rows = db.execute("SELECT name, value FROM facts WHERE ticket = ?", number)
    facts = {name: json.loads(value) for name, value in rows}
    written = db.execute("SELECT * FROM messages WHERE ticket = ? ORDER BY at, position, key", number).fetchall()
    claims = db.execute("SELECT * FROM identifications WHERE ticket = ? ORDER BY number", number).fetchall()
    accepted = [entry["identifier"] for entry in claims if entry["outcome"] == ACCEPTED]
    status = facts.get("status", OPEN)
    authors = {entry["author"] for entry in written if not entry["private"]} - {AUTOMATIC}
    visitor = {key: facts.get(key) for key in ("name", "email", "phone", "identifier")}
    return {
        "vendor": row["vendor"],
        "conversation_id": row["conversation_id"],
        "status": MISSED if status == CLOSED and authors == {VISITOR} else status,
        "unanswered": facts.get("unanswered", False),
        "visitor": visitor | {"custom": facts.get("custom", {})},
        "authenticated_as": accepted[-1] if accepted else None,
        "assignee": facts.get("assignee"),
        "team": facts.get("team"),
        "labels": facts.get("labels", []),
        "attributes": facts.get("attributes", {}),
        "rating": facts.get("rating"),
        "feedback": facts.get("feedback"),
        "survey": facts.get("survey"),
        "goal": facts.get("goal"),
        "messages": [_message(entry) for entry in written if not entry["private"]],
        "notes": [_message(entry) for entry in written if entry["private"]],
        "identifications": [{key: entry[key] for key in ("identifier", "outcome", "answer")} for entry in claims],
    }


def _message(row: sqlite3.Row) -> dict[str, Any]:
    at = datetime.fromtimestamp(row["at"] / 1000, UTC).isoformat(timespec="milliseconds")
    deleted = {"deleted": True} if row["deleted"] else {}
    return {"author": row["author"], "name": row["name"], "text": row["text"], "at": at, **deleted}
