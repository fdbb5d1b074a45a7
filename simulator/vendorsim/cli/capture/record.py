"""`vendorsim capture record`: records what passes between a vendor and an integration."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import options

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions, TransportSettings
    from vendorsim.recording.judging import Recorded
    from vendorsim.recording.passed import Way


@click.command("record", cls=options.Command)
@options.vendor
@click.option(
    "--listen",
    metavar="PORT",
    type=options.PortType(),
    default=4020,
    show_default=True,
    help="Port that takes the vendor's webhooks; 0 takes a free one.",
)
@click.option("--forward", metavar="URL", required=True, help="The integration: where the webhooks are passed on to.")
@click.option(
    "--api-listen",
    metavar="PORT",
    type=options.PortType(),
    help="Port that takes the integration's calls of the vendor's API.",
)
@click.option("--api-forward", metavar="URL", help="The vendor's API: where the calls are passed on to.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--allow-anyone",
    is_flag=True,
    help="With a --host that other machines reach: anyone there may send to the targets through these ports.",
)
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(1),
    help="End when N webhooks are kept; others that pass meanwhile are not. Default: end at Ctrl-C.",
)
@options.journal
@options.transport
@options.json_output
def command(
    vendor: str,
    profile: str | None,
    listen: int,
    forward: str,
    api_listen: int | None,
    api_forward: str | None,
    host: str,
    allow_anyone: bool,
    count: int | None,
    journal: options.JournalOptions,
    transport: TransportOptions,
    as_json: bool,
) -> int:
    """Pass the vendor's webhooks on to the integration, byte for byte, and keep them and the answers in the journal.

    Set the vendor's webhook to the port of --listen (a tunnel may lead there). With --api-listen the calls of the
    integration to the vendor's API are recorded, too: set its base URL to that port. Each body is held to the contract
    as it passes. Ctrl-C ends with a summary.

    Exit code 1: a body breaks its contract, or a webhook was not accepted. 130: ended by Ctrl-C, whatever was recorded.

    \b
    vendorsim capture record --vendor messagehub --listen 4020 --forward http://localhost:8000/hook
    """
    from vendorsim.cli.journals import open_journal
    from vendorsim.recording.recording import Recording
    from vendorsim.reporting.recording import RecordingLines, RecordingTerminal
    from vendorsim.vendorkit import registry

    known = registry.get(vendor)
    chosen = known.profile(profile)
    ways = read_ways(listen, forward, api_listen, api_forward, transport.load())
    _require_allowed(host, allow_anyone)
    reporter = RecordingLines() if as_json else RecordingTerminal()
    stopped, recorded = Event(), 0

    def report(each: Recorded) -> None:
        nonlocal recorded
        try:
            reporter.report(each)
        except BrokenPipeError:
            stopped.set()
            raise
        recorded += each.is_webhook
        if count is not None and recorded >= count:
            stopped.set()

    with _stopped_by_signals(stopped) as signals:
        with Recording(
            known, chosen, ways, open_journal(journal), report, reporter.refused, host, most_webhooks=count
        ) as recording:
            _introduce(recording.urls, ways, host)
            # A wait without a timeout can't be interrupted on every platform.
            while not stopped.wait(0.2) and recording.failure is None:
                pass
        reporter.finish(recording.summary)
    return 130 if signal.SIGINT in signals else recording.summary.exit_code


@contextmanager
def _stopped_by_signals(stopped: Event) -> Iterator[set[int]]:
    """Sets `stopped` at Ctrl-C and SIGTERM, and yields those that came. The same signal for the second time does what
    it did before."""
    seen: set[int] = set()

    def stop(number: int, frame: object) -> None:
        seen.add(number)
        stopped.set()
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_ways(
    listen: int, forward: str, api_listen: int | None, api_forward: str | None, settings: TransportSettings
) -> list[tuple[Way, int]]:
    """The ways and their ports. Raises InputError, whose message begins with the option, or the target."""
    from vendorsim.captures.exchange import Direction
    from vendorsim.core.errors import InputError
    from vendorsim.http.allowed_targets import is_loopback
    from vendorsim.recording.passed import way

    if (api_listen is None) is not (api_forward is None):
        given, missing = (
            ("--api-listen", "--api-forward URL") if api_forward is None else ("--api-forward", "--api-listen PORT")
        )
        raise InputError(f"{given} needs {missing}: calls come in at a port, and go on to a URL")
    if api_listen is not None and api_listen == listen != 0:
        raise InputError(f"--api-listen {api_listen}: webhooks come in at this port (--listen); choose another")
    ways = [(way(Direction.WEBHOOK, "--forward", forward, settings.tls, settings.proxy), listen)]
    if api_listen is not None and api_forward is not None:
        ways.append((way(Direction.CALL, "--api-forward", api_forward, settings.tls, settings.proxy), api_listen))
    ports = {port for _, port in ways if port}
    for each, _ in ways:
        if is_loopback(each.target.host) and each.target.port in ports:
            raise InputError(f"{each.target.shown}: this is a port of the recording itself; give the URL of the target")
    return ways


def _require_allowed(host: str, allow_anyone: bool) -> None:
    """Raises InputError if other machines could send through the ports, and nobody has allowed it."""
    from vendorsim.core.errors import InputError
    from vendorsim.http.allowed_targets import is_loopback

    if not allow_anyone and not is_loopback(host.partition("%")[0]):
        raise InputError(
            f"--host {host}: other machines could send to the targets through these ports; "
            "if that is meant, give --allow-anyone"
        )


def _introduce(urls: list[str], ways: list[tuple[Way, int]], host: str) -> None:
    from vendorsim.http.allowed_targets import is_loopback

    if not is_loopback(host.partition("%")[0]):
        click.echo(f"Warning: other machines can reach {host}, and anyone there can send to the targets.", err=True)
    for (each, _), url in zip(ways, urls, strict=True):
        what = "webhooks" if each.direction == "webhook" else "calls"
        click.echo(f"{what:<9} {url} → {each.target.shown}", err=True)
    click.echo("Ctrl-C ends it", err=True)
