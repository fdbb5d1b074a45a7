"""`vendorsim serve`: serves the vendors' APIs, the control API and the web page until it is stopped."""

from __future__ import annotations

import ipaddress
import json
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import options
from vendorsim.cli.journals import journal_path

if TYPE_CHECKING:
    from pathlib import Path

    from vendorsim.journal.postgres_journal import PostgresJournal
    from vendorsim.runs.config import Config
    from vendorsim.scenario.calls import Sink
    from vendorsim.server.control.capturer import Capturer
    from vendorsim.server.control.checker import Checker
    from vendorsim.server.shared.model import SharedState

_TOKEN = re.compile(r"[!-~]+")


class TokenType(click.ParamType[str]):
    """A token: visible ASCII characters without spaces, which fit in a header."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _TOKEN.fullmatch(value):
            self.fail("a token is one or more visible ASCII characters without spaces", param, ctx)
        return str(value)


@click.command("serve", cls=options.Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=options.PortType(), default=4010, show_default=True, help="Port; 0 takes a free one.")
@click.option("--token", metavar="T", type=TokenType(), help="Token that calls must have; default: accept any.")
@click.option("--strict", is_flag=True, help="Answer 404 for unknown sessions.")
@click.option(
    "--duplicate-interval",
    metavar="TIME",
    type=options.DurationType(),
    default="60s",
    show_default=True,
    help="How long the same request counts as a duplicate; 0s switches it off.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="VENDOR=NAME",
    help="Profile of a vendor's API; repeatable. Default: documented.",
)
@click.option(
    "--admin-token",
    metavar="T",
    type=TokenType(),
    help="Token for the control API and the page; required if other machines can reach them.",
)
@click.option(
    "--allow-target",
    "allowed_targets",
    multiple=True,
    metavar="HOST",
    help="Host that runs may send to, besides this machine and the targets of vendorsim.yaml; repeatable.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Host name by which browsers may reach the page, besides localhost and IP addresses; repeatable.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Default seed.")
@click.option(
    "--rate-limit", metavar="N/s", type=options.RateType(), help="Answer 429 above this rate; default: no limit."
)
@click.option(
    "--state",
    metavar="URL",
    envvar="VENDORSIM_STATE",
    help="URL of a PostgreSQL database for state that several servers share; default: in memory.",
)
@options.sinks
@options.journal
@options.packs
@options.config_file
def command(
    host: str,
    port: int,
    token: str | None,
    strict: bool,
    duplicate_interval: int,
    profiles: tuple[str, ...],
    admin_token: str | None,
    allowed_targets: tuple[str, ...],
    allowed_hosts: tuple[str, ...],
    seed: int,
    rate_limit: float | None,
    state: str | None,
    sinks: tuple[str, ...],
    journal: options.JournalOptions,
    packs: tuple[str, ...],
    config_file: str | None,
) -> int:
    """Serve the vendors' APIs, the control API and the web page until Ctrl-C. The journal keeps everything that is sent
    and received.

    The webhooks that an API call causes go to the vendor's targets in vendorsim.yaml, and to those that subscribed with
    the vendor's own API.

    Servers with the same --state act as one. The journal is then in that database, too, unless --journal or
    --no-journal is given.

    \b
    vendorsim serve --port 4010 --token s3cret
    vendorsim serve --port 4010 --state postgresql://vendorsim@db.example.com/vendorsim
    """
    from vendorsim.cli.running import collect_garbage_rarely, read_sinks
    from vendorsim.runs import config
    from vendorsim.server.control.settings import Settings
    from vendorsim.server.hub import Hub
    from vendorsim.server.serving import serve_app

    _require_token(host, admin_token)
    loaded = config.load(config_file)
    settings = Settings(
        token=token,
        admin_token=admin_token,
        strict=strict,
        duplicate_interval=duplicate_interval,
        rate_limit=rate_limit,
        profiles=dict(map(_profile, profiles)),
        config=loaded,
        sinks=read_sinks(sinks, True, loaded),
        allowed_hosts=frozenset(name.lower() for name in allowed_hosts),
        allowed_targets=frozenset(name.lower() for name in allowed_targets),
        seed=seed,
        checker=_checker,
        capturer=_capturer,
    )
    stopped = Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    try:
        with (
            _opened(state, journal) as (shared, place),
            Hub(settings, place, shared) as hub,
            serve_app(hub.app, host, port, hub.fast_path) as server,
        ):
            hub.require_targets(settings.config.targets)
            if not _is_loopback(server.host):
                caller = "anyone" if token is None else "whoever has the token"
                click.echo(f"Warning: other machines can reach {host}, and {caller} can call the APIs.", err=True)
            _introduce(server.url, token, settings.sinks)
            hub.prepare()
            collect_garbage_rarely()
            # A wait without a timeout can't be interrupted on every platform.
            while not stopped.wait(0.5):
                pass
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


@contextmanager
def _opened(
    url: str | None, journal: options.JournalOptions
) -> Iterator[tuple[SharedState | None, Path | PostgresJournal | None]]:
    """Yields the state that servers share, if they do, and the place of the journal, if one is kept."""
    file = None if journal.no_journal else journal_path(journal.file)
    if url is None:
        yield None, file
        return
    from vendorsim.journal.postgres import Database
    from vendorsim.journal.postgres_journal import PostgresJournal
    from vendorsim.server.shared.in_postgres import InPostgres

    with Database(url) as database:
        in_database = not journal.no_journal and journal.file is None
        click.echo(f"Shared with other servers: {database.name}", err=True)
        yield InPostgres(database), PostgresJournal(database) if in_database else file


def _checker(config: Config) -> Checker:
    """Returns what runs the checks. Imported when the first check is started, since it takes longer than all else."""
    from vendorsim.cli.served_checks import ServedChecks

    return ServedChecks(config)


def _capturer() -> Capturer:
    """Returns what records traffic. Imported with the first recording."""
    from vendorsim.cli.served_captures import ServedCaptures

    return ServedCaptures()


def _require_token(host: str, admin_token: str | None) -> None:
    """Raises InputError if other machines could use the control API without a token."""
    from vendorsim.core.errors import InputError

    if admin_token is None and not _is_loopback(host):
        raise InputError(
            f"--host {host}: other machines could start runs here and read what was sent; give --admin-token TOKEN"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _profile(text: str) -> tuple[str, str]:
    """Returns vendor and profile of `VENDOR=NAME`. Raises InputError for unknown names."""
    from vendorsim.core.errors import InputError
    from vendorsim.vendorkit import registry

    vendor, equals, name = text.partition("=")
    if not equals:
        raise InputError(f"--profile {text}: write VENDOR=NAME")
    return vendor, registry.get(vendor).profile(name).name


def _reaches(sink: Sink) -> str:
    return " (reaches the customer)" if sink.customer else ""


def _introduce(url: str, token: str | None, sinks: Iterable[Sink]) -> None:
    """Prints the URL, the vendors' APIs, the sinks and an example call. The token is not printed."""
    from vendorsim.server.control.paths import PREFIX
    from vendorsim.server.sinks import path_of
    from vendorsim.vendorkit import registry

    click.echo(f"vendorsim listens on {url} (Ctrl-C ends it)", err=True)
    click.echo(f"  the workbench     {url}/\n  the control API   {url}{PREFIX}/openapi.json", err=True)
    for vendor in map(registry.get, registry.names()):
        if vendor.api is not None:
            operations = f"{len(vendor.operations)} operations; vendorsim vendors {vendor.name} lists them"
            click.echo(f"  {vendor.name:<16}  {operations}", err=True)
            if vendor.page is not None:
                click.echo(f"  {'':<16}  {url}{vendor.page}", err=True)
    for sink in sinks:
        click.echo(f"  {'sink.' + sink.name:<16}  {url}{path_of(sink.name)}{_reaches(sink)}", err=True)
    secret = "any-token" if token is None else "YOUR-TOKEN"
    identification = registry.identification()
    path = identification.path_of(identification.comm_types["chat"], "4711")
    click.echo(
        "Try it:\n"
        f"  curl -i {url}{path} -H 'Authorization: Bearer {secret}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(identification.example)}'",
        err=True,
    )
