"""The recordings that the control API starts, beside those that the command line made in the same journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Event, Lock, Thread
from typing import Any

import orjson
from msgspec import Struct, field

from vendorsim.core.errors import VendorsimError
from vendorsim.core.times import iso
from vendorsim.journal.journals import Journals
from vendorsim.journal.pages import Query, Row
from vendorsim.server.control.capturer import CaptureOrder, Capturer, LiveCapture
from vendorsim.server.control.problems import ProblemError

# Recordings that a namespace has under way, and ended ones whose summary it remembers.
MOST_RECORDING, MOST_REMEMBERED = 3, 50
RECORDING, ENDED, FAILED, ELSEWHERE = "recording", "ended", "failed", "elsewhere"
# Seconds for which the end of a recording is waited for, and between two looks whether its journal can be written.
PATIENCE, _PAUSE = 20.0, 0.5
_log = logging.getLogger(__name__)


class StartedCapture(Struct, eq=False):
    """One recording that was started here. `ending` is set to end it."""

    live: LiveCapture
    status: str = RECORDING
    reason: str | None = None
    ending: Event = field(default_factory=Event)
    thread: Thread | None = None

    def watch(self) -> None:
        """Waits until the recording is to end, or can't be kept any more, and ends it."""
        while not self.ending.wait(_PAUSE) and self.live.failure is None:
            pass
        try:
            self.live.close()
            self.status = ENDED
        except VendorsimError as error:
            self.status, self.reason = FAILED, str(error)
        except Exception as error:
            _log.exception("capture %s failed", self.live.run)
            self.status, self.reason = FAILED, f"vendorsim failed: {type(error).__name__}: {error}"


class StartedCaptures:
    """The recordings of one namespace. Safe to use from any thread. Each passes requests on in threads of its own."""

    def __init__(self, journal: Journals, namespace: str) -> None:
        self._journal = journal
        self._namespace = namespace
        self._lock = Lock()
        self._starting = Lock()
        self._started: dict[int, StartedCapture] = {}

    def start(self, capturer: Capturer, order: CaptureOrder) -> int:
        """Starts a recording and returns its number. Raises ProblemError (429) if too many are under way, InputError,
        and UnreachableError for a port that can't be used."""
        with self._starting:
            if len(self.recording()) >= MOST_RECORDING:
                raise ProblemError(429, f"{MOST_RECORDING} recordings are under way; stop one")
            book = self._journal.open()
            try:
                live = capturer.start(order, book, self._namespace)
            except BaseException:
                book.close()
                raise
            started = StartedCapture(live)
            name = f"vendorsim-capture-{live.run}"
            started.thread = Thread(target=started.watch, name=name, daemon=True)
            with self._lock:
                self._started[live.run] = started
                ended = [number for number, one in self._started.items() if one.status != RECORDING]
                for number in ended[: max(0, len(self._started) - MOST_REMEMBERED)]:
                    del self._started[number]
            started.thread.start()
        return live.run

    def recording(self) -> list[StartedCapture]:
        """Returns the recordings that are under way."""
        with self._lock:
            return [one for one in self._started.values() if one.status == RECORDING]

    def ports(self) -> set[int]:
        """Returns the ports of the recordings that are under way."""
        return {int(url.rpartition(":")[2]) for one in self.recording() for url in one.live.urls}

    def page(self, query: Query, before: int | None, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Returns a page of recordings as JSON, the newest first, and the number below which the next one starts."""
        page = self._journal.pages.recordings(query, before=before, limit=limit)
        return [self._document(row) for row in page.rows], page.next

    def document(self, query: Query) -> dict[str, Any]:
        """Returns the recording with the run of the query as JSON. Raises ProblemError (404)."""
        rows = self._journal.pages.recordings(query, limit=1).rows
        if not rows:
            raise ProblemError(404, f"there is no capture {query.run}")
        return self._document(rows[0])

    def stop(self, number: int) -> None:
        """Ends a recording, and waits until it has ended. Raises ProblemError (409) for one of another process."""
        with self._lock:
            started = self._started.get(number)
        if started is None:
            detail = f"capture {number} is recorded by another process, or was: end it there (Ctrl-C)"
            raise ProblemError(409, detail)
        started.ending.set()
        if started.thread is not None:
            started.thread.join(PATIENCE)

    def close(self) -> None:
        """Ends all recordings, and waits for their ends."""
        with self._starting:
            under_way = self.recording()
            for started in under_way:
                started.ending.set()
            for started in under_way:
                if started.thread is not None:
                    started.thread.join(PATIENCE)
            with self._lock:
                self._started.clear()

    def _document(self, row: Row) -> dict[str, Any]:
        with self._lock:
            started = self._started.get(row["id"])
        if started is not None:
            status, reason = started.status, started.reason
        else:
            status, reason = ELSEWHERE if row["ended_at"] is None else ENDED, None
        about = orjson.loads(row["about"])
        return {
            "id": row["id"],
            "status": status,
            "reason": reason,
            "vendor": about["vendor"],
            "profile": about["profile"],
            "urls": list(started.live.urls) if started is not None and status == RECORDING else [],
            "targets": about["targets"],
            "file": about.get("file"),
            "began_at": iso(row["began_at"]),
            "ended_at": None if row["ended_at"] is None else iso(row["ended_at"]),
            "webhooks": row["webhooks"],
            "undelivered": row["undelivered"],
            "calls": row["calls"],
            "judged": None if started is None else _judged(started.live.so_far()),
        }


def _judged(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the contract says of what has passed: each place once, without values."""
    places: dict[tuple[str, str], int] = {}
    for each in summary["violations"]:
        places.setdefault((each["event"], each["pointer"]), each["count"])
    return {
        "drifting": summary["drifting"],
        "violations": [
            {"event": event, "pointer": pointer, "count": count} for (event, pointer), count in places.items()
        ],
        "refused": summary["refused"],
    }
