"""`vendorsim check`: the contract tests of an integration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from vendorsim.cli import options
from vendorsim.cli.running import served
from vendorsim.http.loop import interruptible, loop_factory
from vendorsim.reporting.checks import FORMATS, Reporters

if TYPE_CHECKING:
    import ssl

    from vendorsim.checks.engine import CheckEvent
    from vendorsim.checks.model import Result, Verdict
    from vendorsim.checks.registry import Selection
    from vendorsim.delivery.requests import Destination
    from vendorsim.http.endpoint import Endpoint
    from vendorsim.runs.config import Config
    from vendorsim.server.backend import ServerBackend
    from vendorsim.vendorkit.profile import Profile
    from vendorsim.vendorkit.vendor import Vendor

# So short that waiting it out takes no time worth speaking of.
DUPLICATE_INTERVAL = 1_500


F = TypeVar("F", bound=Callable[..., Any])


def _report_files(command: F) -> F:
    """An option for each format of report files."""
    for kind in reversed(FORMATS):
        command = click.option(f"--{kind.name}", metavar="FILE", help=f"Write the report as {kind.title}.")(command)
    return command


@click.command("check", cls=options.Command)
@options.vendor
@click.option("--to", metavar="URL", help="The integration; default: the vendor's first target in vendorsim.yaml.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of made-up data.")
@click.option("--only", metavar="PATTERN", help="A check, a family, an event, or check:event; * stands for anything.")
@click.option("--probe", metavar="URL", help="Where the state is shown, with {conversation_id}.")
@click.option(
    "--probe-ignore",
    metavar="POINTER",
    multiple=True,
    help="What of the state counts for nothing, as /updated_at; repeatable.",
)
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="A header for every request; repeatable.")
@options.secret_env
@click.option("--fuzz", is_flag=True, help="Let Schemathesis look for bodies that break the integration, too.")
@click.option("--max-examples", type=click.IntRange(1), default=100, show_default=True, help="Of --fuzz, per event.")
@click.option("--serve", "port", metavar="PORT", type=options.Port(), help="Answer the vendors' APIs there meanwhile.")
@click.option("--policy", "policies", multiple=True, metavar="KEY=VALUE", help="Override the vendor's policy.")
@_report_files
@options.tls
@options.config_file
@options.json_output
def command(
    vendor: str,
    profile: str | None,
    to: str | None,
    seed: int,
    only: str | None,
    probe: str | None,
    probe_ignore: tuple[str, ...],
    headers: tuple[str, ...],
    secret_env: tuple[str, ...],
    fuzz: bool,
    max_examples: int,
    port: int | None,
    policies: tuple[str, ...],
    ca: str | None,
    cert: str | None,
    cert_key: str | None,
    proxy: str | None,
    config_file: str | None,
    as_json: bool,
    **files: str | None,
) -> int:
    """Hold an integration to the vendor's contract, and tell how to reproduce each finding.

    Exit code 0: passed; 1: a check failed; 3: the integration can't be reached; 130: interrupted. Warnings don't
    change it.

    \b
    vendorsim check --vendor smartsupp --to http://localhost:8000/hook
    vendorsim check --vendor userlike --to http://localhost:8000/hook --probe http://localhost:8000/state/{conversation_id}
    """
    from vendorsim.checks.differences import pattern
    from vendorsim.checks.registry import Selection
    from vendorsim.delivery import planning as setup
    from vendorsim.http import proxies
    from vendorsim.http.transport import tls_context
    from vendorsim.runs import config
    from vendorsim.vendorkit import registry

    known = registry.get(vendor)
    chosen = known.profile(profile)
    loaded = config.load(config_file)
    place = setup.destinations(setup.Policies(known, chosen, loaded, policies), to, headers, secret_env)[0]
    for text in probe_ignore:
        pattern(text)
    selection = Selection(only, chosen.event_names())
    _look_over(loaded)
    tls = tls_context(ca, cert, cert_key) if ca or cert else None
    words = _words(click.get_current_context(), {"only", "as_json", *files})
    with ExitStack() as stack:
        reporters = stack.enter_context(Reporters(files, as_json=as_json))
        state = stack.enter_context(served(port, DUPLICATE_INTERVAL, held_back=True)) if port is not None else None
        checking = Checking(
            known,
            chosen,
            loaded,
            place,
            selection,
            seed,
            words,
            probe,
            probe_ignore,
            fuzz,
            max_examples,
            tls,
            state,
            proxies.proxy(proxy) if proxy else None,
        )
        return checking.run_to_end(reporters.handle).exit_code


def _look_over(config: Config) -> None:
    """Tells of skips that are over. Raises InputError for a check that vendorsim.yaml names and nobody knows."""
    from vendorsim.checks.model import FAMILIES
    from vendorsim.checks.registry import all_checks
    from vendorsim.core.errors import InputError, unknown
    from vendorsim.reporting.console import messages
    from vendorsim.reporting.text import one_line

    ids = [check.id for check in all_checks()]
    skipped = [skip.check for skip in config.skipped]
    for name, known in (*((name, [*FAMILIES, *ids]) for name in skipped), *((name, ids) for name in config.severities)):
        if name not in known:
            raise InputError(f"{config.file}: {unknown('check', name, known)}")
    for skip in config.skipped:
        if skip.expired():
            message = f"{config.file}: {skip.check} is judged again: it was skipped until {skip.until} ({skip.reason})"
            messages().print(one_line(message), markup=False)


def _words(context: click.Context, left_out: Collection[str]) -> tuple[str, ...]:
    """The words that repeat this run: what was asked for, wherever it came from, without secrets. The seed is always
    told."""
    words = ["vendorsim", "check"]
    for parameter in context.command.params:
        name = parameter.name or ""
        asked = context.get_parameter_source(name) is not ParameterSource.DEFAULT or name == "seed"
        if not isinstance(parameter, click.Option) or name in left_out or not asked:
            continue
        value = context.params[name]
        for item in value if parameter.multiple else (value,):
            words += [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], _repeatable(name, str(item))]
    return tuple(words)


def _repeatable(option: str, value: str) -> str:
    """The value as it can be written once more: without a secret, and a pack that is not installed by its folder."""
    from vendorsim.http.endpoint import endpoint
    from vendorsim.http.masking import MASK, is_secret
    from vendorsim.vendorkit import registry

    if option == "vendor" and (folder := registry.origin(value).folder) is not None:
        return str(folder.path)
    if option == "headers" and is_secret(value.encode()):
        return f"{value.partition(':')[0]}: {MASK.decode()}"
    if option in ("to", "proxy") and endpoint(value).credentials is not None:
        return endpoint(value).shown
    return value


@dataclass(frozen=True, slots=True)
class Checking:
    """Everything a run of checks needs, put together; the event loop lives in here."""

    vendor: Vendor
    profile: Profile
    config: Config
    place: Destination
    selection: Selection
    seed: int
    command: tuple[str, ...]
    probe: str | None
    probe_ignore: tuple[str, ...]
    fuzz: bool
    max_examples: int
    tls: ssl.SSLContext | None
    state: ServerBackend | None
    proxy: Endpoint | None

    def run_to_end(self, report: Callable[[CheckEvent], None]) -> Verdict:
        """Runs the checks in an event loop of its own."""
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(self._run(report))

    async def _run(self, report: Callable[[CheckEvent], None]) -> Verdict:
        from vendorsim.checks import engine
        from vendorsim.checks.context import Settings
        from vendorsim.checks.coverage import Coverage
        from vendorsim.checks.model import Verdict
        from vendorsim.checks.probes import probe
        from vendorsim.checks.stories import Stories
        from vendorsim.core.clock import wall_clock, wall_clock_second
        from vendorsim.http.transport import HttpTransport
        from vendorsim.vendorkit import contract as contracts
        from vendorsim.vendorkit import registry

        transport = HttpTransport(self.tls, self.proxy)
        # Some answers go by their whole message, too.
        short = tuple(name for name in registry.identification().answers if " " not in name)
        contract = contracts.contract(self.vendor.name, self.profile.name)
        text = self.probe or self.place.target.probe
        settings = Settings(
            vendor=self.vendor,
            profile=self.profile,
            policy=self.place.policy,
            contract=contract,
            place=self.place,
            transport=transport,
            stories=Stories(self.vendor, self.profile, self.seed, wall_clock_second(), wall_clock()),
            selection=self.selection,
            seed=self.seed,
            coverage=Coverage(contract, self.profile, short if self.state is not None else ()),
            command=self.command,
            probe=probe(text, transport, self.place.headers) if text else None,
            probe_ignore=(*self.probe_ignore, *self.place.target.probe_ignore),
            state=self.state,
            fuzz=self.fuzz,
            max_examples=self.max_examples,
            severities=self.config.severities,
        )
        seen: list[CheckEvent] = []
        stopped = asyncio.Event()

        async def judge() -> None:
            async for event in engine.run(settings, self._skipped()):
                seen.append(event)
                report(event)

        try:
            with interruptible(stopped.set):
                judging = asyncio.ensure_future(judge())
                stopping = asyncio.ensure_future(stopped.wait())
                await asyncio.wait({judging, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if not judging.done():
                    judging.cancel()
                    await asyncio.wait({judging})
                else:
                    judging.result()
        finally:
            transport.abort()
        last = seen[-1] if seen else None
        if not isinstance(last, Verdict):
            last = engine.verdict(settings, self._judged(seen), interrupted=True)
            report(last)
        return last

    def _judged(self, seen: Sequence[CheckEvent]) -> list[Result]:
        """What an interrupted run has judged: findings of the check that was under way count, too."""
        from vendorsim.checks.engine import Started
        from vendorsim.checks.model import ERROR, FAILED, NOT_JUDGED, Result
        from vendorsim.checks.registry import all_checks

        results = [event.result for event in seen if isinstance(event, Started)]
        begun = {result.check.id for result in results}
        cut_short = results[-1:] if seen and isinstance(seen[-1], Started) else []
        unjudged = [
            Result(check) for check in all_checks() if self.selection.takes_check(check) and check.id not in begun
        ]
        for result in (*cut_short, *unjudged):
            failed = any(finding.severity == ERROR for finding in result.findings)
            result.status, result.reason = FAILED if failed else NOT_JUDGED, "interrupted"
        return results + unjudged

    def _skipped(self) -> Mapping[str, str]:
        """The checks that vendorsim.yaml leaves out, with their reasons."""
        return {skip.check: f"{skip.reason} (until {skip.until})" for skip in self.config.skipped if not skip.expired()}
