"""Prepares a run: request and configuration → policies, destinations, faults.

The command line, pytest, the control API and load all use this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.core.errors import DocumentError, InputError, Problem
from vendorsim.delivery.destinations import Destination, Destinations
from vendorsim.delivery.play_options import PlayOptions
from vendorsim.http.transport import Transport
from vendorsim.probes.model import CallsOf, NamedSource, ProbeTools, StateProbe
from vendorsim.probes.reading import open_probes, require_names
from vendorsim.runs.config import Config
from vendorsim.runs.planning import PlannedRun, RunRequest, in_configured_account, plan
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import SIGNATURE, Fault
from vendorsim.scenario.verbs import Probe
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.policy_overrides import PolicyChanges
from vendorsim.vendorkit.profile import WEBHOOK, Profile
from vendorsim.vendorkit.signing import Signer, schemes, signer
from vendorsim.vendorkit.target import Target
from vendorsim.vendorkit.vendor import Vendor

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class Policies(Struct, frozen=True):
    """The policy of each kind of target: the vendor's, overridden by the configuration and then by `changes`."""

    vendor: Vendor
    profile: Profile
    config: Config = Config()
    changes: PolicyChanges = field(default_factory=dict)

    def of(self, kind: str = WEBHOOK.name) -> Policy:
        """Returns the policy of a kind of target. Raises InputError."""
        found = self.profile.kind(kind).policy or self.profile.policy
        changes: dict[str, Any] = {**self.config.policies.get(self.vendor.name, {}), **self.changes}
        return replace(found, **changes) if changes else found


class PreparedRun(Struct, frozen=True):
    """A run with everything needed to play it. `speed` is the playback speed of pauses; None skips them. `probe` is the
    probe that was asked for."""

    run: Run
    policies: Policies
    destinations: Destinations
    options: PlayOptions
    speed: float | None = None
    probe: tuple[NamedSource, ...] = ()

    def open_probe(self, transport: Transport, calls: CallsOf | None = None) -> StateProbe | None:
        """Returns the probe of the run's `probe` steps: the request's, or that of the first target that has one.

        None if there is none, or no such step. `calls` reads the calls of the integration. Raises InputError.
        """
        if not any(isinstance(step.verb, Probe) for step in self.run.scenario.steps):
            return None
        return open_probe(self.destinations, transport, calls, self.probe)

    def about(self, faults: Sequence[str]) -> dict[str, object]:
        """Returns what the journal stores about the run; `faults` are the requested ones, as text."""
        return {
            "scenario": self.run.scenario.title,
            "vendor": self.run.vendor.name,
            "profile": self.run.profile.name,
            "seed": self.run.seed,
            "start": self.run.starts,
            "count": self.options.count,
            "targets": [destination.endpoint.shown for destination in self.destinations.all()],
            "faults": list(faults),
        }


def open_probe(
    destinations: Destinations, transport: Transport, calls: CallsOf | None = None, probe: Sequence[NamedSource] = ()
) -> StateProbe | None:
    """Returns a probe, or that of the first target that has one; None if there is none. `calls` reads the calls of the
    integration. Raises InputError."""
    for destination in destinations.all():
        if found := probe or destination.target.probe:
            return open_probes(found, ProbeTools(transport, destination.headers, calls=calls))
    return open_probes(probe, ProbeTools(transport, calls=calls))


def prepare(
    request: RunRequest, config: Config, choose: Callable[[Policies], Destinations] | None = None
) -> PreparedRun:
    """Prepares the requested run. Raises InputError.

    `choose` returns the destinations; by default they are the request's `to` or the configured targets.
    """
    return prepare_planned(plan(in_configured_account(request, config)), config, choose)


def prepare_planned(
    planned: PlannedRun, config: Config, choose: Callable[[Policies], Destinations] | None = None
) -> PreparedRun:
    """Like `prepare`, for a run that is already planned."""
    request, run = planned.request, planned.run
    policies = Policies(run.vendor, run.profile, config, request.policy)
    if choose is not None:
        destinations = choose(policies)
    else:
        needed = bool(run.profile.events) or not request.serving
        destinations = Destinations(find_destinations(policies, request.to, request.headers, needed=needed))
    _refuse_impossible(run, planned.faults, destinations.all())
    options = PlayOptions(request.count, request.concurrency, planned.faults, request.pin_clock)
    return PreparedRun(run, policies, destinations, options, request.speed, require_names(request.probe))


def find_destinations(
    policies: Policies,
    to: Target | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    needed: bool = True,
    unsigned: bool = False,
) -> list[Destination]:
    """Returns the destinations: `to`, or the configured targets of the vendor. `headers` are added to every request.
    With `unsigned`, a target without a secret gets no signature of ours.

    Raises InputError, also when there is no target and `needed` is true.
    """
    vendor, config = policies.vendor, policies.config
    targets = config.targets.get(vendor.name, ()) if to is None else (to,)
    if not targets and needed:
        where = config.file or "vendorsim.yaml (there is none here)"
        raise InputError(f"no target: give --to URL, or name targets of {vendor.name} in {where}")
    found = []
    for target in targets:
        policy = policies.of(target.kind)
        signer = None if unsigned and not target.secret_env else target_signer(target, policy)
        found.append(Destination.of(target, headers or {}, policy, signer))
    return found


def target_signer(target: Target, policy: Policy) -> Signer | None:
    """Returns the signer for a target, or None where the policy has no signing. Raises InputError.

    The secrets are read from the environment variables that the target names.
    """
    scheme = policy.signing.value
    if scheme is None:
        return None
    if not schemes()[scheme].signs:
        return signer(scheme, ())
    if not target.secret_env:
        raise InputError(
            f"signing as {scheme} needs a secret: name its environment variable with --secret-env NAME, "
            "or as secret_env of the target in vendorsim.yaml"
        )
    secrets = []
    for name in target.secret_env:
        if not _VARIABLE.fullmatch(name):
            # Don't quote the value: it may be the secret itself.
            raise InputError("a secret is given by the name of an environment variable, not by itself")
        secret = os.environ.get(name)
        if not secret:
            raise InputError(f"the environment variable {name}, which holds the secret, is not set")
        secrets.append(secret)
    return signer(scheme, secrets)


def _refuse_impossible(run: Run, faults: Sequence[Fault], destinations: Sequence[Destination]) -> None:
    """Raises InputError for what can't be played: signature faults without signatures."""
    problems: list[Problem] = []
    signed = any(destination.signs for destination in destinations)
    unsigned = (
        f"no signature can be spoiled, since {run.vendor.name} ({run.profile.name}) does not sign; "
        "choose a scheme with --policy signing=NAME"
    )
    for step in run.scenario.steps:
        if any(fault.name == SIGNATURE for fault in step.faults) and not signed:
            problems.append(Problem(run.scenario.file, step.line, step.column, unsigned))
    if problems:
        raise DocumentError(problems)
    if not signed and any(fault.name == SIGNATURE for fault in faults):
        raise InputError(f"--fault signature: {unsigned}")
