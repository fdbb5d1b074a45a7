"""The visitors' messages and what became of them, in SQLite.

A message is stored before its webhook is answered. What is not done when the process ends is done after the next start.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

WAITING, REPLIED, DROPPED = "waiting", "replied", "dropped"

_TABLE = """
CREATE TABLE IF NOT EXISTS questions (
    message INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    reason TEXT NOT NULL DEFAULT '',
    sent INTEGER NOT NULL DEFAULT 0
)
"""


@dataclass(frozen=True)
class Question:
    """A visitor's message that needs a reply. `sent`: the reply was sent once, and nobody knows whether it arrived."""

    message: int
    account: int
    conversation: int
    text: str
    sent: bool = False

    @property
    def reply_id(self) -> str:
        """The `source_id` of the reply, by which it is found again."""
        return f"bot-reply-to-{self.message}"


class Store:
    """Safe to use from any thread."""

    def __init__(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._lock = Lock()
        self._connection.execute(_TABLE)

    def add(self, question: Question) -> bool:
        """Stores a question. Returns False if it is known: the primary key decides, so that twins can't both be new."""
        with self._lock:
            added = self._connection.execute(
                "INSERT OR IGNORE INTO questions (message, account, conversation, text) VALUES (?, ?, ?, ?)",
                (question.message, question.account, question.conversation, question.text),
            )
            return added.rowcount == 1

    def sending(self, question: Question) -> None:
        """Notes that the reply is being sent. From now on it may be there already."""
        self._set(question, "sent = 1")

    def not_sent(self, question: Question) -> None:
        """Notes that the API refused the reply, so that it is not there."""
        self._set(question, "sent = 0")

    def done(self, question: Question, state: str, reason: str = "") -> None:
        with self._lock:
            self._connection.execute(
                "UPDATE questions SET state = ?, reason = ? WHERE message = ?", (state, reason, question.message)
            )

    def question(self, message: int) -> Question:
        return self._read("message = ?", message)[0]

    def waiting(self) -> list[Question]:
        """The questions without a reply, oldest first."""
        return self._read("state = ?", WAITING)

    def outcomes(self, conversation: int) -> list[dict[str, object]]:
        """The visitor's messages of a conversation, and what became of each."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT message, text, state, reason FROM questions WHERE conversation = ? ORDER BY message",
                (conversation,),
            ).fetchall()
        return [dict(zip(("message", "text", "state", "reason"), row, strict=True)) for row in rows]

    def close(self) -> None:
        self._connection.close()

    def _set(self, question: Question, change: str) -> None:
        with self._lock:
            self._connection.execute(f"UPDATE questions SET {change} WHERE message = ?", (question.message,))

    def _read(self, condition: str, value: object) -> list[Question]:
        with self._lock:
            rows = self._connection.execute(
                f"SELECT message, account, conversation, text, sent FROM questions WHERE {condition} ORDER BY message",
                (value,),
            ).fetchall()
        return [
            Question(message, account, conversation, text, bool(sent))
            for message, account, conversation, text, sent in rows
        ]
