"""The runs of checks that the control API starts, and the reports that were opened: starts, watches and stops them."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock, Thread
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.core.clock import wall_clock
from vendorsim.core.errors import VendorsimError
from vendorsim.core.times import iso
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.checker import (
    CheckProgress,
    EarlierReport,
    JudgingBegan,
    JudgingEnded,
    PreparedChecks,
    ReportOfChecks,
)
from vendorsim.server.control.problems import ProblemError

# Runs of checks that a namespace has under way, and runs and opened reports that it keeps.
MOST_CHECKING, MOST_KEPT = 2, 20
RUNNING, FINISHED, STOPPED, FAILED, OPENED = "running", "finished", "stopped", "failed", "opened"
# Milliseconds for which the same identification of a visitor counts as a duplicate: a check waits until it is over.
DUPLICATE_INTERVAL = 1_500
# Seconds for which the end of a stopped run is waited for.
PATIENCE = 20.0
JSON = "json"
_log = logging.getLogger(__name__)


class OpenedReport:
    """A report of `vendorsim check --json` that was made elsewhere."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """`document` is valid for the schema of reports."""
        self.document = document
        self.interrupted = bool(document["interrupted"])

    def render(self, format: str, against: EarlierReport | None = None) -> tuple[bytes, str]:
        """Returns the document. Raises ProblemError (409) for what only the run that made it can tell."""
        if format != JSON or against is not None:
            what = "written in another format" if format != JSON else "compared with another one"
            raise ProblemError(409, f"an opened report can't be {what}: run the checks here, or use the command line")
        return orjson.dumps(self.document) + b"\n", ".json"


class StartedCheck(Struct, eq=False):
    """One run of checks, or an opened report. `asked` is the body of the request that started it; `result` is the
    report as the document of `vendorsim check --json`. Times are milliseconds since 1970 (UTC)."""

    id: int
    about: Mapping[str, Any]
    asked: Mapping[str, Any]
    began_at: int
    name: str | None = None
    prepared: PreparedChecks | None = None
    server: str | None = None
    status: str = RUNNING
    reason: str | None = None
    ended_at: int | None = None
    current: str | None = None
    judged: list[Mapping[str, Any]] = []
    report: ReportOfChecks | None = None
    result: Mapping[str, Any] | None = None
    thread: Thread | None = None

    @property
    def serves(self) -> bool:
        """Whether the vendors' API answers for it."""
        return self.server is not None

    def document(self) -> dict[str, Any]:
        """Returns the run as JSON, without its report."""
        result, judged = self.result, list(self.judged)
        checks = judged if result is None else result["checks"]
        findings = [one for each in judged for one in each["findings"]] if result is None else result["findings"]
        statuses = Counter(check["status"] for check in checks)
        severities = Counter(finding["severity"] for finding in findings)
        asked = self.asked
        return {
            "id": self.id,
            "status": self.status,
            "reason": self.reason,
            "name": self.name,
            **self.about,
            "began_at": None if self.status == OPENED else iso(self.began_at),
            "ended_at": None if self.ended_at is None else iso(self.ended_at),
            "only": list(asked.get("only", ())),
            "skip": list(asked.get("skip", ())),
            "api": self.serves,
            "against": asked.get("against"),
            "current": self.current,
            "judged": len(checks),
            "checks": {name: statuses[name] for name in ("passed", "failed", "not_judged", "skipped")},
            "findings": {"errors": severities["error"], "warnings": severities["warning"]},
            "verdict": None if result is None else result["verdict"],
        }


class StartedChecks:
    """The runs of checks of one namespace. Safe to use from any thread. Each runs in a thread and an event loop of its
    own, so it holds up neither deliveries nor responses.

    It keeps `MOST_KEPT` runs and reports and forgets the oldest ended ones; `MOST_CHECKING` can be active at once, of
    which one may have the vendors' API.
    """

    def __init__(self, new_backend: Callable[[], ServerBackend], lend: Callable[[ServerBackend | None], None]) -> None:
        """`new_backend` makes the backend of a run that answers the vendors' API. `lend` lets the vendors' API work on
        that backend; None: on its own again."""
        self._new_backend = new_backend
        self._lend = lend
        self._lock = Lock()
        self._starting = Lock()
        self._last = 0
        self._checks: OrderedDict[int, StartedCheck] = OrderedDict()

    def all(self) -> list[StartedCheck]:
        """Returns all runs and opened reports, newest first."""
        with self._lock:
            return list(reversed(self._checks.values()))

    def get(self, number: int) -> StartedCheck:
        """Returns a run by its number. Raises ProblemError (404)."""
        with self._lock:
            found = self._checks.get(number)
        if found is None:
            raise ProblemError(404, f"there is no check {number}, or it was forgotten")
        return found

    def running(self) -> list[StartedCheck]:
        """Returns the active runs."""
        return [one for one in self.all() if one.status == RUNNING]

    def report(self, started: StartedCheck) -> ReportOfChecks:
        """Returns the report of a run. Raises ProblemError (409) if there is none yet."""
        if started.report is None:
            why = "goes on" if started.status == RUNNING else "failed"
            raise ProblemError(409, f"check {started.id} {why}: there is no report")
        return started.report

    def earlier(self, number: int, pointer: str) -> EarlierReport:
        """Returns the report of an ended run, for a comparison. `pointer` is the place of its number in the request.
        Raises ProblemError (422)."""
        try:
            started = self.get(number)
            self.report(started)
        except ProblemError as error:
            detail = f"{pointer}: {error.detail}"
            raise ProblemError(422, detail, [{"pointer": pointer, "detail": error.detail}]) from None
        assert started.result is not None
        return EarlierReport(started.name or f"check {number}", started.result)

    def start(self, prepared: PreparedChecks, asked: Mapping[str, Any], server: str | None) -> StartedCheck:
        """Starts a run. `asked` is the body of the request; at the URL `server` the vendors' API answers for the run,
        unless it is None. Raises ProblemError (429) if too many are active."""
        with self._starting:
            running = self.running()
            if len(running) >= MOST_CHECKING:
                raise ProblemError(429, f"{MOST_CHECKING} checks are under way; cancel one, or wait for its end")
            if server is not None and (other := next((one for one in running if one.serves), None)) is not None:
                detail = f"the vendors' API answers for check {other.id}; cancel it, or wait for its end"
                raise ProblemError(429, f"/api: {detail}", [{"pointer": "/api", "detail": detail}])
            started = StartedCheck(self._next(), prepared.about, asked, wall_clock(), prepared=prepared, server=server)
            backend = None
            if server is not None:
                backend = self._new_backend()
                self._lend(backend)
            name = f"vendorsim-check-{started.id}"
            started.thread = Thread(target=self._run, args=(started, prepared, backend), name=name, daemon=True)
            self._keep(started)
            started.thread.start()
        return started

    def open(self, name: str, document: Mapping[str, Any]) -> StartedCheck:
        """Keeps a report that was made elsewhere. `document` is valid for the schema of reports."""
        about = {key: document[key] for key in ("vendor", "profile", "target", "seed")}
        about["total"] = len(document["checks"])
        opened = StartedCheck(self._next(), about, {}, wall_clock(), name=name, status=OPENED)
        opened.report, opened.result = OpenedReport(document), document
        self._keep(opened)
        return opened

    def stop(self, started: StartedCheck) -> None:
        """Ends a run, and waits until it has ended. An ended run keeps its status."""
        if started.prepared is not None and started.thread is not None:
            started.prepared.stop()
            started.thread.join(PATIENCE)

    def close(self) -> None:
        """Ends and forgets all runs and reports."""
        with self._starting, self._lock:
            known = list(self._checks.values())
            self._checks.clear()
        for started in known:
            if started.prepared is not None:
                started.prepared.stop()
        for started in known:
            self.stop(started)

    def _next(self) -> int:
        with self._lock:
            self._last += 1
            return self._last

    def _keep(self, started: StartedCheck) -> None:
        with self._lock:
            self._checks[started.id] = started
            ended = [one for one in self._checks.values() if one.status != RUNNING and one is not started]
            for old in ended[: max(0, len(self._checks) - MOST_KEPT)]:
                del self._checks[old.id]

    def _run(self, started: StartedCheck, prepared: PreparedChecks, backend: ServerBackend | None) -> None:
        def tell(progress: CheckProgress) -> None:
            if isinstance(progress, JudgingBegan):
                started.current = progress.check
            elif isinstance(progress, JudgingEnded):
                started.judged.append(progress.document)

        status, reason = FAILED, None
        try:
            report = prepared.run(tell, backend, started.server)
            status = STOPPED if report.interrupted else FINISHED
            started.result = orjson.loads(report.render(JSON)[0])
            started.report = report
        except VendorsimError as error:
            reason = str(error)
        except Exception as error:
            _log.exception("check %s failed", started.id)
            reason = f"vendorsim failed: {type(error).__name__}: {error}"
        finally:
            if backend is not None:
                self._lend(None)
                backend.close()
            started.current, started.reason, started.ended_at = None, reason, wall_clock()
            started.status = status
