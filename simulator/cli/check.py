"""`vendorsim check`: the contract tests of an integration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from simulator.cli import options
from simulator.cli.running import interruptible, loop_factory, served

if TYPE_CHECKING:
    import ssl

    from simulator.checks.engine import CheckEvent
    from simulator.checks.model import Verdict
    from simulator.checks.registry import Selection
    from simulator.config import Config
    from simulator.delivery.requests import Destination
    from simulator.server.state import ServerState
    from simulator.vendors.base import Policy, Profile, Vendor

# So short that waiting it out takes no time worth speaking of.
DUPLICATE_INTERVAL = 1_500


@click.command("check", cls=options.Command)
@options.vendor
@click.option("--to", metavar="URL", help="The integration; default: the vendor's first target in vendorsim.yaml.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of made-up data.")
@click.option("--only", metavar="PATTERN", help="A check, a family, an event, or check:event; * stands for anything.")
@click.option("--probe", metavar="URL", help="Where the state is shown, with {conversation_id}.")
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="A header for every request; repeatable.")
@options.secret_env
@click.option("--fuzz", is_flag=True, help="Let Schemathesis look for bodies that break the integration, too.")
@click.option("--max-examples", type=click.IntRange(1), default=100, show_default=True, help="Of --fuzz, per event.")
@click.option("--serve", "port", metavar="PORT", type=options.Port(), help="Answer the vendors' APIs there meanwhile.")
@click.option("--policy", "policies", multiple=True, metavar="KEY=VALUE", help="Override the vendor's policy.")
@click.option("--junit", metavar="FILE", help="Write a JUnit report.")
@click.option("--html", metavar="FILE", help="Write an HTML report.")
@click.option("--sarif", metavar="FILE", help="Write a SARIF report.")
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
    headers: tuple[str, ...],
    secret_env: str | None,
    fuzz: bool,
    max_examples: int,
    port: int | None,
    policies: tuple[str, ...],
    junit: str | None,
    html: str | None,
    sarif: str | None,
    ca: str | None,
    cert: str | None,
    cert_key: str | None,
    config_file: str | None,
    as_json: bool,
) -> int:
    """Hold an integration to the vendor's contract, and tell how to reproduce each finding.

    Exit code 0: passed; 1: a check failed; 3: the integration can't be reached. Warnings don't change it.

    \b
    vendorsim check --vendor smartsupp --to http://localhost:8000/hook
    vendorsim check --vendor userlike --to http://localhost:8000/hook --probe http://localhost:8000/state/{conversation_id}
    """
    from simulator import config
    from simulator.checks.registry import Selection
    from simulator.delivery import setup
    from simulator.delivery.transport import tls_context
    from simulator.reporting.checks import reporters
    from simulator.vendors import registry

    known = registry.get(vendor)
    chosen = known.profile(profile)
    loaded = config.load(config_file)
    policy = setup.policy(known, chosen, loaded, policies)
    place = setup.destinations(known, loaded, policy, to, headers, secret_env)[0]
    selection = Selection(only, chosen.event_names())
    tls = tls_context(ca, cert, cert_key) if ca or cert else None
    command = _command(vendor, profile, seed, to, probe, headers, secret_env, fuzz, max_examples, port, policies)
    report, finish = reporters(as_json=as_json, junit=junit, html=html, sarif=sarif)
    with ExitStack() as stack:
        state = stack.enter_context(served(port, DUPLICATE_INTERVAL)) if port is not None else None
        checking = Checking(
            known, chosen, policy, loaded, place, selection, seed, command, probe, fuzz, max_examples, tls, state
        )
        verdict = checking.run_to_end(report)
        finish(verdict)
    return verdict.exit_code


def _command(
    vendor: str,
    profile: str | None,
    seed: int,
    to: str | None,
    probe: str | None,
    headers: tuple[str, ...],
    secret_env: str | None,
    fuzz: bool,
    max_examples: int,
    port: int | None,
    policies: tuple[str, ...],
) -> tuple[str, ...]:
    """The words that repeat this run, without secrets in headers."""
    from simulator.delivery.endpoint import endpoint
    from simulator.delivery.masking import MASK, is_secret

    words = ["vendorsim", "check", "--vendor", vendor]
    words += ["--profile", profile] if profile else []
    if to is not None:
        words += ["--to", to if endpoint(to).credentials is None else endpoint(to).shown]
    words += ["--seed", str(seed)]
    words += ["--probe", probe] if probe else []
    for header in headers:
        name, _, _ = header.partition(":")
        words += ["--header", f"{name}: {MASK.decode()}" if is_secret(header.encode()) else header]
    words += ["--secret-env", secret_env] if secret_env else []
    words += ["--fuzz", "--max-examples", str(max_examples)] if fuzz else []
    words += ["--serve", str(port)] if port is not None else []
    for policy in policies:
        words += ["--policy", policy]
    return tuple(words)


@dataclass(frozen=True, slots=True)
class Checking:
    """Everything a run of checks needs, put together; the event loop lives in here."""

    vendor: Vendor
    profile: Profile
    policy: Policy
    config: Config
    place: Destination
    selection: Selection
    seed: int
    command: tuple[str, ...]
    probe: str | None
    fuzz: bool
    max_examples: int
    tls: ssl.SSLContext | None
    state: ServerState | None

    def run_to_end(self, report: Callable[[CheckEvent], None]) -> Verdict:
        """Runs the checks in an event loop of its own."""
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(self._run(report))

    async def _run(self, report: Callable[[CheckEvent], None]) -> Verdict:
        from simulator import contracts
        from simulator.checks import engine
        from simulator.checks.context import Settings
        from simulator.checks.coverage import Coverage
        from simulator.checks.model import Result, Verdict
        from simulator.checks.probes import probe
        from simulator.checks.stories import Stories
        from simulator.delivery.clock import wall_clock_second
        from simulator.delivery.transport import HttpTransport
        from simulator.end_user import answer_names

        transport = HttpTransport(self.tls)
        contract = contracts.contract(self.vendor.name, self.profile.name)
        text = self.probe or self.place.target.probe
        settings = Settings(
            vendor=self.vendor,
            profile=self.profile,
            policy=self.policy,
            contract=contract,
            place=self.place,
            transport=transport,
            stories=Stories(self.vendor, self.profile, self.seed, wall_clock_second()),
            selection=self.selection,
            seed=self.seed,
            coverage=Coverage(contract, self.profile, answer_names() if self.state is not None else ()),
            command=self.command,
            probe=probe(text, transport, self.place.headers) if text else None,
            state=self.state,
            fuzz=self.fuzz,
            max_examples=self.max_examples,
            severities=self.config.severities,
        )
        results: list[Result] = []
        last: Verdict | None = None
        stopped = asyncio.Event()

        async def judge() -> None:
            nonlocal last
            async for event in engine.run(settings, self._skipped()):
                report(event)
                if isinstance(event, engine.Finished):
                    results.append(event.result)
                elif isinstance(event, Verdict):
                    last = event

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
        return last or engine.verdict(settings, results, interrupted=True)

    def _skipped(self) -> Mapping[str, str]:
        """The checks that vendorsim.yaml leaves out, with their reasons."""
        return {skip.check: skip.reason for skip in self.config.skipped if not skip.expired()}
