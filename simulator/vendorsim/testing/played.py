"""Plays a scenario inside a test as `vendorsim play` does, and returns the result as an object."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from vendorsim.core import times
from vendorsim.core.errors import InputError
from vendorsim.delivery.planning import prepare
from vendorsim.delivery.playing import run_to_end
from vendorsim.delivery.records import Attempt, CallOutcome, Probed, Record, Summary
from vendorsim.delivery.sequencer import Sequencer
from vendorsim.journal.recorder import Recorder
from vendorsim.runs import config, library
from vendorsim.runs.planning import RunRequest, event_names
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import from_option
from vendorsim.scenario.model import Scenario
from vendorsim.server.backend import ServerBackend
from vendorsim.testing.arguments import (
    ProbeArgument,
    as_tuple,
    checked_headers,
    policy_changes,
    probes_of,
    refuse_running_loop,
)
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.target import Target

VENDOR = "{vendor}"


class Played(Struct, frozen=True):
    """The result of a run: every record in order, the summary, and the calls that were received meanwhile."""

    run: Run
    records: tuple[Record, ...]
    summary: Summary
    calls: tuple[ApiCall, ...] = ()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt of every delivery."""
        return tuple(record for record in self.records if isinstance(record, Attempt))

    @property
    def expected_calls(self) -> tuple[CallOutcome, ...]:
        """The outcomes of the steps `expect_call` and `authenticate`."""
        return tuple(record for record in self.records if isinstance(record, CallOutcome))

    @property
    def authentications(self) -> tuple[CallOutcome, ...]:
        """The outcomes of the steps `authenticate` alone."""
        return tuple(record for record in self.expected_calls if record.identified)

    @property
    def probes(self) -> tuple[Probed, ...]:
        """The results of the steps `probe`."""
        return tuple(record for record in self.records if isinstance(record, Probed))

    @property
    def passed(self) -> bool:
        """Whether the integration behaved as the vendor and the scenario expect."""
        return self.summary.exit_code == 0

    def report(self) -> str:
        """Returns the text that `vendorsim play` prints for such a run."""
        from vendorsim.reporting.console import plain
        from vendorsim.reporting.terminal import Terminal

        terminal = Terminal(self.run, self.summary.conversations)
        for record in self.records:
            terminal.record(record)
        text = io.StringIO()
        terminal.finish(self.summary, plain(text))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def assert_passed(self) -> None:
        """Raises AssertionError with the report, verdict first, if the run did not pass."""
        __tracebackhide__ = True
        if not self.passed:
            *lines, verdict = self.report().splitlines()
            raise AssertionError("\n".join([verdict, *lines]))


def load(scenario: str | Path | Scenario) -> Scenario:
    """Loads a scenario from a file, by the name of a built-in one, or from YAML text (any text of several lines).

    Raises InputError, or DocumentError with all problems of the text.
    """
    if isinstance(scenario, Scenario):
        return scenario
    if isinstance(scenario, str) and "\n" in scenario:
        return library.load_text(scenario, "<scenario>")
    return library.load(str(scenario))


def play(
    scenario: str | Path | Scenario,
    to: str | None = None,
    *,
    vendor: str | None = None,
    profile: str | None = None,
    seed: int | None = None,
    start: int | str | None = None,
    count: int = 1,
    spacing: int | str = 1_000,
    speed: float | None = None,
    concurrency: int = 16,
    headers: Mapping[str, str] | None = None,
    secret_env: str | Sequence[str] = (),
    probe: ProbeArgument = None,
    faults: str | Sequence[str] = (),
    fault_on: str | Sequence[str] = (),
    policy: Mapping[str, object] | None = None,
    pin_clock: bool = False,
    account: int | None = None,
    inbox: int | None = None,
    locale: str | None = None,
    vary: bool = True,
    state: ServerBackend | None = None,
) -> Played:
    """Plays a scenario against the integration at the URL `to`, as `vendorsim play` does; no journal is kept.

    `{vendor}` in the URL is replaced by the vendor's name. Without `to`, the events go to the vendor's targets in
    vendorsim.yaml. `vendor` may be left out if the scenario has only one. `faults` are written as for `--fault`, and
    apply to the events `fault_on` (default: all). `policy` overrides the vendor's, with the keys of `--policy`. `start`
    (since 1970) and `spacing` are milliseconds or text (`2026-01-05T09:00:00Z`, `1s`). `speed` is the playback speed;
    None leaves pauses out. `account` and `inbox` are the ids of the vendor's account and inbox in what is sent,
    `locale` that of made-up people and texts. Without `vary`, conversations have the scenario's pauses and length.
    `probe` reads the integration's state for the steps `probe`, as for `check`; default: the probe of the target in
    vendorsim.yaml. With a `state`, its API knows the conversations, and its calls decide the steps `authenticate`.

    Raises InputError if the scenario can't be played.
    """
    refuse_running_loop("play")
    loaded = load(scenario)
    name = vendor or _only_vendor(loaded)
    url = None if to is None else to.replace(VENDOR, name)
    request = RunRequest(
        loaded,
        name,
        profile,
        seed=seed,
        start=_parsed(times.point, start),
        count=count,
        spacing=_parsed(times.duration, spacing) or 0,
        to=None if url is None else Target(url, secret_env=as_tuple(secret_env)),
        headers=checked_headers(headers or {}),
        policy=policy_changes(policy or {}),
        probe=probes_of(probe, url),
        faults=tuple(from_option(text, None) for text in as_tuple(faults)),
        fault_on=event_names(as_tuple(fault_on)) or None,
        account=account,
        inbox=inbox,
        locale=locale,
        vary=vary,
        speed=speed,
        concurrency=concurrency,
        pin_clock=pin_clock,
        serving=state is not None,
    )
    prepared = prepare(request, config.load())
    records: list[Record] = []
    calls: list[ApiCall] = []
    recorder = Recorder(None, 0, Sequencer(records.append), calls.append)
    try:
        # Leave Ctrl-C to the test runner.
        summary = run_to_end(prepared, recorder, state=state, stopping=None)
    finally:
        recorder.close()
    return Played(prepared.run, tuple(records), summary, tuple(calls))


def _only_vendor(scenario: Scenario) -> str:
    if len(scenario.vendors) > 1:
        raise InputError(f"{scenario.file}: say as which vendor to play it: {', '.join(scenario.vendors)}")
    return scenario.vendors[0]


def _parsed(parse: Callable[[str], int], value: int | str | None) -> int | None:
    try:
        return parse(value) if isinstance(value, str) else value
    except ValueError as error:
        raise InputError(str(error)) from None
