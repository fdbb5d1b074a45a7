"""A journal as a capture: its attempts and calls as exchanges, in the order of time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from heapq import merge
from pathlib import Path

import orjson

from vendorsim.captures import reading
from vendorsim.captures.exchange import VENDOR_API, CapturedAnswer, CapturedExchange, Direction, Headers
from vendorsim.captures.files import Skip, refuse
from vendorsim.captures.reading import decoded
from vendorsim.core.errors import InputError
from vendorsim.journal.har import request_headers
from vendorsim.journal.pages import Row
from vendorsim.journal.store import Book, Journal

_SQLITE = b"SQLite format 3\0"


def read(files: Iterable[str], skip: Skip = refuse) -> Iterator[CapturedExchange]:
    """The exchanges of captures, as `captures.reading.read` reads them; a file that is a journal gives all that was
    recorded in it."""
    for file in files:
        if not is_journal(file):
            yield from reading.read([file], skip)
            continue
        with closing(Journal(Path(file), must_exist=True)) as journal:
            yield from exchanges(journal)


def is_journal(file: str) -> bool:
    """Whether a file is a journal, or another database of SQLite."""
    try:
        with open(file, "rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except (OSError, ValueError):
        return False


def exchanges(
    journal: Book, run: int | None = None, name: str | None = None
) -> Generator[CapturedExchange, None, None]:
    """Yields what was sent and called in a run; without a run, all that was recorded (`vendorsim capture record`).

    The rows are read as they are needed. Attempts that were not sent are left out. Their places begin with `name`;
    without one, with the path of the journal. Raises InputError if nothing was recorded, or the run has nothing.
    """
    name, found = name or str(journal.path), False
    webhooks = ((row["sent_at"], row["recorded"], _webhook(name, row)) for row in journal.by_time("attempts", run))
    calls = ((row["at"], row["recorded"], _call(name, row)) for row in journal.by_time("calls", run))
    for _, _, each in merge(webhooks, calls, key=lambda timed: timed[:2]):
        found = True
        yield each
    if not found:
        what = "nothing was recorded (vendorsim capture record)" if run is None else f"nothing was sent in run {run}"
        raise InputError(f"{name}: {what}; 'vendorsim journal list --all' shows what is in it")


def _webhook(name: str, row: Row) -> CapturedExchange:
    headers = tuple(request_headers(row["request_head"]))
    body, problem = decoded(row["request_body"] or b"", _encoding(headers))
    return CapturedExchange(
        place=f"{name}#{row['id']}",
        direction=Direction.WEBHOOK,
        body=body,
        at=_time(row["sent_at"]),
        method=_method(row["request_head"]),
        url=row["target"],
        headers=headers,
        answer=_answer(row, row["status"]),
        event=row["event"] or None,
        conversation=row["conversation"] or None,
        problem=row["problem"] or problem,
    )


def _call(name: str, row: Row) -> CapturedExchange:
    """A call. Of one that was made to vendorsim, the journal has neither headers nor the whole answer."""
    recorded = row["head"] is not None
    headers = tuple(request_headers(row["head"])) if recorded else ()
    body, problem = decoded(row["body"] or (row["fields"] or "").encode(), _encoding(headers))
    answer = CapturedAnswer(row["status"], (), orjson.dumps({"message": row["message"]}))
    return CapturedExchange(
        place=f"{name}#call-{row['id']}",
        direction=Direction.CALL,
        body=body,
        at=_time(row["at"]),
        method=row["method"],
        url=VENDOR_API + (row["path"] or "/"),
        headers=headers,
        answer=_answer(row, row["status"]) if recorded else answer,
        conversation=row["session"] or None,
        problem=row["problem"] or problem,
    )


def _answer(row: Row, status: int | None) -> CapturedAnswer | None:
    if not status or row["answer_headers"] is None:
        return None
    headers = tuple((name, value) for name, value in orjson.loads(row["answer_headers"]))
    body, _ = decoded(row["answer_body"] or b"", _encoding(headers))
    return CapturedAnswer(status, headers, body, row["milliseconds"])


def _encoding(headers: Headers) -> str | None:
    return next((value for name, value in headers if name.lower() == "content-encoding"), None)


def _method(head: bytes) -> str:
    return head.partition(b" ")[0].decode("latin-1")


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
