"""`vendorsim check`: the contract tests of an integration."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource
from msgspec.structs import replace

from vendorsim.cli import options, starting
from vendorsim.cli.running import collect_garbage_rarely, read_sinks, served
from vendorsim.reporting.checks import FORMATS, Reporters, report_files
from vendorsim.reporting.console import messages
from vendorsim.reporting.text import one_line

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions
    from vendorsim.probes.model import NamedSource

# Milliseconds. Short, because a check waits until it is over.
DUPLICATE_INTERVAL = 1_500
# Milliseconds. In less time no integration reads the API, and catches up.
SHORTEST_RECOVERY = 1_000
# Options that the command of a finding leaves out: it selects its own check, and prints for people.
_NOT_REPEATED = ("only", "skip", "require", "baseline", "fail_on", "budget", "timings", "as_json", "reports")
# Units of options whose values were parsed.
_UNITS = {"settle": "ms", "recover_within": "ms", "pace": "/s"}


F = TypeVar("F", bound=Callable[..., Any])


def _report_files(command: F) -> F:
    """Adds --report, and the options for single formats."""
    for kind in reversed([kind for kind in FORMATS if kind.option]):
        command = click.option(f"--{kind.name}", metavar="FILE", help=f"Write the report as {kind.title}.")(command)
    kinds = ", ".join(f"{kind.ending} ({kind.title})" for kind in FORMATS)
    help = f"Write a report of the kind that the ending says: {kinds}. Repeatable."
    return click.option("--report", "reports", metavar="FILE", multiple=True, help=help)(command)


@click.command("check", cls=options.Command)
@options.vendor
@click.option("--to", metavar="URL", help="Integration URL; default: the vendor's first target in vendorsim.yaml.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of generated data.")
@options.names(
    "--only", "PATTERNS", "Run only these checks, families, events or check:event; * is a wildcard. Repeatable."
)
@options.names("--skip", "PATTERNS", "Leave out these, named as for --only. Repeatable.")
@options.names("--require", "FAMILIES", "Fail with exit code 4 unless these families are judged. Repeatable.")
@options.probe
@click.option(
    "--probe-ignore",
    metavar="POINTER",
    multiple=True,
    help="JSON pointer to ignore in the state, such as /updated_at; repeatable.",
)
@click.option(
    "--capture",
    "captures",
    metavar="FILE",
    multiple=True,
    help="Captured traffic: its conversations stand in for the scenarios of checks of the state; repeatable.",
)
@options.account_and_locale
@options.header
@options.secret_env
@click.option("--fuzz", is_flag=True, help="Also search with Schemathesis for bodies that break the integration.")
@click.option(
    "--max-examples",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Maximum bodies per event with --fuzz.",
)
@click.option(
    "--serve",
    "port",
    metavar="PORT",
    type=options.PortType(),
    help="Answer the vendors' APIs on this port meanwhile.",
)
@options.sinks
# On `play`, --start is the time of the first step.
@starting.starting("--start", "--launch")
@click.option(
    "--settle", metavar="TIME", type=options.DurationType(), help="Time until the state is up to date; default: 5s."
)
@click.option(
    "--recover-within",
    metavar="TIME",
    type=options.DurationType(),
    help="Time in which it catches up by the vendor's API after an outage; default: 30s, if it reads the API at all.",
)
@click.option("--pace", metavar="N/s", type=options.RateType(), help="Maximum rate of requests; default: no limit.")
@click.option(
    "--budget",
    metavar="TIME",
    type=options.DurationType(),
    help="Time of the whole run, such as 60s; default: no limit.",
)
@click.option("--timings", is_flag=True, help="Say on standard error where the time went.")
@click.option("--baseline", metavar="FILE", help="Compare with this earlier report of --json.")
@click.option(
    "--fail-on",
    type=click.Choice(["new", "any"]),
    default="any",
    show_default=True,
    help="Findings that fail the run: those that --baseline lacks, or any.",
)
@options.policy("vendor's policy")
@_report_files
@options.transport
@options.config_file
@options.json_output
@options.target
def command(
    vendor: str,
    profile: str | None,
    target: options.TargetOptions,
    seed: int,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    require: tuple[str, ...],
    probe: tuple[NamedSource, ...],
    probe_ignore: tuple[str, ...],
    captures: tuple[str, ...],
    account: int | None,
    inbox: int | None,
    locale: str | None,
    fuzz: bool,
    max_examples: int,
    port: int | None,
    sinks: tuple[str, ...],
    program: starting.StartOptions,
    settle: int | None,
    recover_within: int | None,
    pace: float | None,
    budget: int | None,
    timings: bool,
    baseline: str | None,
    fail_on: str,
    transport: TransportOptions,
    config_file: str | None,
    as_json: bool,
    reports: tuple[str, ...],
    **files: str | None,
) -> int:
    """Check an integration against the vendor's contract. Each finding has a command that reproduces it.

    Exit code 0: passed; 1: a check failed; 3: the integration can't be reached; 4: nothing failed, but what --probe,
    --secret-env, --serve, --recover-within, --fuzz or --require asks for could not be judged; 130: interrupted.
    Warnings don't change it.

    \b
    vendorsim check --vendor smartsupp --to http://localhost:8000/hook
    vendorsim check --vendor userlike --to http://localhost:8000/hook --probe http://localhost:8000/state/{conversation_id}
    vendorsim check --vendor userlike --to http://localhost:8000/hook --probe 'sql: sqlite:///app.db ticket.sql'
    """
    from vendorsim.checks.run import CheckRequest, prepare_checks
    from vendorsim.checks.waiting import Waiting
    from vendorsim.runs import config

    context = click.get_current_context()
    waiting = context.find_object(Waiting) or Waiting()
    if budget == 0:
        raise click.BadParameter(
            "no check can be run in no time; write a duration such as 60s", param_hint="'--budget'"
        )
    if recover_within is not None and recover_within < SHORTEST_RECOVERY:
        raise click.BadParameter(
            "no integration catches up in less than 1s; write more than the pause between two of its calls, such as 2m",
            param_hint="'--recover-within'",
        )
    request = CheckRequest(
        vendor,
        profile,
        to=target.target(),
        headers=target.headers_by_name(),
        policy=target.policy(),
        seed=seed,
        only=only,
        skip=skip,
        require=require,
        probe=probe,
        probe_ignore=probe_ignore,
        capture=captures,
        account=account,
        inbox=inbox,
        locale=locale,
        fuzz=fuzz,
        max_examples=max_examples,
        pace=pace,
        budget=None if budget is None else budget / 1000,
        timings=timings,
        baseline=baseline,
        fails_on_new=fail_on == "new",
        command=_words(context, {*_NOT_REPEATED, *files}),
        waiting=replace(
            waiting,
            **({} if settle is None else {"settle": settle / 1000}),
            **({} if recover_within is None else {"recover": recover_within / 1000}),
        ),
    )
    loaded = config.load(config_file)
    served_sinks = read_sinks(sinks, port is not None, loaded)
    checks = prepare_checks(request, loaded)
    for over in checks.expired:
        expired = f"{over.check} is judged again: it was skipped until {over.until} ({over.reason})"
        messages().print(one_line(f"{checks.config.file}: {expired}"), markup=False)
    settings = transport.load()
    wanted = report_files(reports, files)
    with ExitStack() as stack:
        reporters = stack.enter_context(Reporters(wanted, as_json=as_json, configured_at=checks.configured_at))
        state = url = None
        if port is not None:
            state, url = stack.enter_context(served(port, DUPLICATE_INTERVAL, sinks=served_sinks, may_delay=True))
        variables = starting.environment(url, served_sinks)
        started = stack.enter_context(starting.integration(program, [checks.destination.endpoint], settings, variables))
        endings = None if started is None else started.endings
        collect_garbage_rarely()
        return checks.run_to_end(reporters.handle, settings, state, url, endings).exit_code


def _words(context: click.Context, left_out: Collection[str]) -> tuple[str, ...]:
    """Returns the command that repeats this run, as words without secrets.

    It has the options of the command line and of the environment, and always the seed.
    """
    words = ["vendorsim", "check"]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT or name == "seed"
        if not isinstance(parameter, click.Option) or name in left_out or not given:
            continue
        value = context.params[name]
        for item in value if parameter.multiple else (value,):
            words += [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], _repeatable(name, item)]
    return tuple(words)


def _repeatable(option: str, given: Any) -> str:
    """Returns an option's value for that command. Secrets are masked; an uninstalled pack is given by its folder."""
    from vendorsim.http.endpoint import endpoint
    from vendorsim.http.masking import MASK, is_secret
    from vendorsim.vendorkit import registry

    if option == "probe":
        return str(given.text)
    if option == "launch":
        return shlex.join(given)
    value = str(given)
    if option == "vendor" and (folder := registry.origin(value).folder) is not None:
        return str(folder.path)
    if option == "headers" and is_secret(value.encode()):
        return f"{value.partition(':')[0]}: {MASK.decode()}"
    if option in ("to", "proxy") and endpoint(value).credentials is not None:
        return endpoint(value).shown
    return value + _UNITS.get(option, "")
