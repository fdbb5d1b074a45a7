"""Runs the checks that users of `vendorsim serve` start on the page, as `vendorsim check` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from vendorsim.checks.baseline import Baseline, baseline_of
from vendorsim.checks.engine import CheckEvent, CheckFinished, CheckStarted
from vendorsim.checks.model import Check, rank
from vendorsim.checks.registry import all_checks
from vendorsim.checks.run import CheckRequest, CheckRun, Interruption, prepare_checks
from vendorsim.checks.waiting import Waiting
from vendorsim.core.errors import InputError, unknown
from vendorsim.http.endpoint import endpoint
from vendorsim.http.masking import MASK, is_secret
from vendorsim.reporting import check_json
from vendorsim.reporting.checks import FORMATS
from vendorsim.reporting.outcome import Outcome, Timekeeper
from vendorsim.runs.config import Config
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.checker import CheckOrder, CheckProgress, EarlierReport, JudgingBegan, JudgingEnded
from vendorsim.vendorkit import registry


class ServedChecks:
    """The checker of a server with this configuration (`vendorsim.server.control.checker.Checker`)."""

    def __init__(self, config: Config, waiting: Waiting | None = None) -> None:
        """`waiting` are the waiting times of checks; None: the usual ones."""
        self._config = config
        self._waiting = waiting or Waiting()

    def known(self) -> list[dict[str, Any]]:
        """Returns the families with their checks."""
        return [
            {"name": family, "checks": [_described(check) for check in checks]}
            for family, checks in groupby(all_checks(), key=lambda check: check.family)
        ]

    def prepare(self, order: CheckOrder) -> PreparedCheckRun:
        """Prepares a run. Raises InputError and MissingExtraError."""
        against = None if order.against is None else _baseline(order.against, order.vendor)
        request = CheckRequest(
            order.vendor,
            order.profile,
            to=order.to,
            headers=order.headers,
            policy=order.policy,
            seed=order.seed,
            only=order.only,
            skip=order.skip,
            require=order.require,
            probe=order.probe,
            probe_ignore=order.probe_ignore,
            account=order.account,
            inbox=order.inbox,
            locale=order.locale,
            fuzz=order.fuzz,
            pace=order.pace,
            budget=order.budget,
            baseline=against,
            command=_command(order),
            waiting=self._waiting if order.settle is None else replace(self._waiting, settle=order.settle),
        )
        return PreparedCheckRun(prepare_checks(request, self._config))


class PreparedCheckRun:
    """One run (`vendorsim.server.control.checker.PreparedChecks`)."""

    def __init__(self, run: CheckRun) -> None:
        self._run = run
        self._interruption = Interruption()

    @property
    def about(self) -> dict[str, Any]:
        """What it checks."""
        run = self._run
        return {
            "vendor": run.vendor.name,
            "profile": run.profile.name,
            "target": run.destination.endpoint.shown,
            "seed": run.request.seed,
            "total": len(run.checks),
        }

    def run(
        self, tell: Callable[[CheckProgress], None], backend: ServerBackend | None, server: str | None
    ) -> FinishedReport:
        """Runs the checks until their end, and tells its progress."""
        outcomes: list[Outcome] = []
        keeper = Timekeeper(outcomes.append, self._run.configured_at)

        def report(event: CheckEvent) -> None:
            keeper.handle(event)
            if isinstance(event, CheckStarted):
                tell(JudgingBegan(event.check.id))
            elif isinstance(event, CheckFinished):
                result = event.result
                findings = [finding.document() for finding in result.findings]
                document = result.document()
                tell(
                    JudgingEnded(
                        {
                            "check": document.pop("id"),
                            **document,
                            "seconds": round(result.seconds, 3),
                            "findings": findings,
                        }
                    )
                )

        self._run.run_to_end(report, state=backend, server=server, interruption=self._interruption)
        return FinishedReport(self._run, outcomes[-1])

    def stop(self) -> None:
        """Ends the run soon."""
        self._interruption()


class FinishedReport:
    """The report of a run (`vendorsim.server.control.checker.ReportOfChecks`)."""

    def __init__(self, run: CheckRun, outcome: Outcome) -> None:
        self._run = run
        self._outcome = outcome
        self.interrupted = outcome.verdict.interrupted

    def render(self, format: str, against: EarlierReport | None = None) -> tuple[bytes, str]:
        """Returns the report and the ending of its file's name. `json` gives the bytes that `--json` prints."""
        outcome = self._outcome
        if against is not None:
            verdict = self._run.compared(outcome.verdict, _baseline(against, outcome.verdict.vendor))
            outcome = replace(outcome, verdict=verdict)
        kind = next((kind for kind in FORMATS if kind.name == format), None)
        if kind is None:
            raise InputError(f"format: {unknown('format', format[:40], [kind.name for kind in FORMATS])}")
        data = check_json.line(outcome.verdict) + b"\n" if format == "json" else kind.render(outcome)
        return data, kind.ending


def _described(check: Check) -> dict[str, Any]:
    return {"id": check.id, "statement": check.statement.value, "severity": check.severity, "rank": rank(check)}


def _baseline(report: EarlierReport, vendor: str) -> Baseline:
    try:
        return baseline_of(report.name, report.document, vendor)
    except InputError as error:
        raise InputError(f"--against {report.name}: {error}") from None


def _command(order: CheckOrder) -> tuple[str, ...]:
    """Returns the command that repeats the run, as words without secrets."""
    return tuple(_words(order))


def _words(order: CheckOrder) -> Iterator[str]:
    folder = registry.origin(order.vendor).folder
    target = order.to
    yield from ("vendorsim", "check", "--vendor", order.vendor if folder is None else str(folder.path))
    options: list[tuple[str, object]] = [("profile", order.profile), ("seed", order.seed)]
    headers: Mapping[str, str] = order.headers
    probes, ignored = order.probe, order.probe_ignore
    account, inbox = order.account, order.inbox
    if target is not None:
        options.append(("to", endpoint(target.url).shown))
        options += [("secret-env", name) for name in target.secret_env]
        headers = {**target.headers, **headers}
        probes, ignored = probes or target.probe, (*ignored, *target.probe_ignore)
        account, inbox = account or target.account, inbox or target.inbox
    options += [("header", _header(name, value)) for name, value in headers.items()]
    options += [("policy", f"{name}={value}") for name, value in order.policy_texts.items()]
    options += [("probe", probe.text) for probe in probes]
    options += [("probe-ignore", pointer) for pointer in ignored]
    options += [("account", account), ("inbox", inbox), ("locale", order.locale), ("serve", order.port)]
    options += [("settle", None if order.settle is None else f"{order.settle * 1000:g}ms")]
    options += [("pace", None if order.pace is None else f"{order.pace:g}/s")]
    for name, value in options:
        if value is not None:
            yield from (f"--{name}", str(value))
    if order.fuzz:
        yield "--fuzz"


def _header(name: str, value: str) -> str:
    line = f"{name}: {value}"
    return f"{name}: {MASK.decode()}" if is_secret(line.encode()) else line
