"""`vendorsim serve`: the vendors' APIs, until it is told to end."""

from __future__ import annotations

import ipaddress
import re
import signal
from threading import Event
from typing import Any

import click

from simulator.cli import options
from simulator.cli.journals import open_journal, start_recorder

_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)/s")
_TOKEN = re.compile(r"[!-~]+")


class Rate(click.ParamType[float]):
    """A rate such as 10/s; gives requests per second."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = _RATE.fullmatch(value)
        if match is None or not float(match[1]):
            self.fail(f"'{value}' is not a rate; write requests per second, such as 10/s", param, ctx)
        return float(match[1])


class Token(click.ParamType[str]):
    """A secret as it can stand in a header."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _TOKEN.fullmatch(value):
            self.fail("a token is one or more visible ASCII characters without spaces", param, ctx)
        return str(value)


@click.command("serve", cls=options.Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=options.Port(), default=4010, show_default=True, help="The port; 0 takes a free one.")
@click.option("--token", metavar="T", type=Token(), help="The token to ask for; default: any credentials will do.")
@click.option("--strict", is_flag=True, help="Answer 404 for sessions that nothing is known of.")
@click.option(
    "--duplicate-interval",
    metavar="TIME",
    type=options.Duration(),
    default="60s",
    show_default=True,
    help="How long the same request counts as a duplicate; 0s switches it off.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="VENDOR=NAME",
    help="Which profile of a vendor its API plays; repeatable. Default: documented.",
)
@click.option("--rate-limit", metavar="N/s", type=Rate(), help="Answer 429 above this rate; default: no limit.")
@options.journal
@options.config_file
def command(
    host: str,
    port: int,
    token: str | None,
    strict: bool,
    duplicate_interval: int,
    profiles: tuple[str, ...],
    rate_limit: float | None,
    journal: str | None,
    no_journal: bool,
    config_file: str | None,
) -> int:
    """Answer the APIs of the vendors, until Ctrl-C. Every call is kept in the journal.

    What an API call causes is sent to the vendor's targets: those of vendorsim.yaml, and those that subscribe by the
    vendor's own API.

    \b
    vendorsim serve --port 4010 --token s3cret
    """
    from simulator import config
    from simulator.server.app import create_app
    from simulator.server.state import ServerState
    from simulator.server.wsgi import running_server

    loaded = config.load(config_file)
    chosen = dict(map(_profile, profiles))
    kept = open_journal(journal, no_journal)
    recorder = start_recorder(kept, "serve", {"host": host, "port": port}, None)
    state = ServerState(
        token, strict, duplicate_interval, rate_limit, profiles=chosen, config=loaded, record=recorder.add
    )
    state.subscribe(recorder.add)
    stopped = Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    try:
        with running_server(create_app(state), host, port) as server:
            if not ipaddress.ip_address(server.host.partition("%")[0]).is_loopback:
                caller = "anyone" if token is None else "whoever has the token"
                click.echo(f"Warning: other machines can reach {host}, and {caller} can call the APIs.", err=True)
            _introduce(server.url, token)
            # A wait without a timeout can't be interrupted on every platform.
            while not stopped.wait(0.5):
                pass
    finally:
        signal.signal(signal.SIGTERM, before)
        state.close()
        recorder.close()
    return 0


def _profile(text: str) -> tuple[str, str]:
    """`messagehub=observed-4.15`. Raises InputError for names that nobody knows."""
    from simulator.errors import InputError
    from simulator.vendors import registry

    vendor, equals, name = text.partition("=")
    if not equals:
        raise InputError(f"--profile {text}: write it like messagehub=observed-4.15")
    return vendor, registry.get(vendor).profile(name).name


def _introduce(url: str, token: str | None) -> None:
    """Where it listens, what it answers, and a call to begin with. The token itself is not shown."""
    from simulator.vendors import registry

    click.echo(f"vendorsim listens on {url} (Ctrl-C ends it) and answers", err=True)
    for vendor in map(registry.get, registry.names()):
        if vendor.api is not None:
            for operation in vendor.operations:
                click.echo(f"  {vendor.name}  {operation.method} {operation.path}", err=True)
    secret = "any-token" if token is None else "YOUR-TOKEN"
    click.echo(
        "Try it:\n"
        f"  curl -i {url}/apps/api/v1/chats/4711/end_user -H 'Authorization: Bearer {secret}' "
        """-H 'Content-Type: application/json' -d '{"identifier": "crm-4711"}'""",
        err=True,
    )
