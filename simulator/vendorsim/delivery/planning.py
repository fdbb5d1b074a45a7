"""What the user asked for (configuration and command line) → policy, destinations and faults, or a refusal."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vendorsim.core.errors import DocumentError, InputError, Problem, unknown
from vendorsim.delivery.requests import Destination, destination
from vendorsim.http.endpoint import header
from vendorsim.runs.config import Config
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import QUIRK, SIGNATURE, Fault, from_option
from vendorsim.scenario.verbs import Probe
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.policy_overrides import assignments, overridden
from vendorsim.vendorkit.profile import WEBHOOK, Profile
from vendorsim.vendorkit.signing import Signer, schemes, signer
from vendorsim.vendorkit.target import Target
from vendorsim.vendorkit.vendor import Vendor

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of each kind of target, as the configuration and then the command line override the vendor's."""

    vendor: Vendor
    profile: Profile
    config: Config = Config()
    given: Sequence[str] = ()

    def of(self, kind: str = WEBHOOK.name) -> Policy:
        """The policy of a kind of target. Raises InputError."""
        found = self.profile.kind(kind).policy or self.profile.policy
        if self.vendor.name in self.config.policies:
            found = overridden(found, self.config.policies[self.vendor.name], self.config.file or "")
        return overridden(found, assignments(self.given), "--policy") if self.given else found


def destinations(
    policies: Policies,
    to: str | None,
    headers: Sequence[str],
    secret_env: Sequence[str],
    *,
    needed: bool = True,
) -> list[Destination]:
    """Where the events go: `to`, or the vendor's targets of the configuration. Raises InputError, also when there
    are none and `needed`."""
    vendor, config = policies.vendor, policies.config
    given = dict(header(text) for text in headers)
    targets: Sequence[Target] = config.targets.get(vendor.name, ())
    if to is not None:
        targets = (Target(to, secret_env=tuple(secret_env)),)
    if not targets and needed:
        where = config.file or "vendorsim.yaml (there is none here)"
        raise InputError(f"no target: give --to URL, or name targets of {vendor.name} in {where}")
    found = []
    for target in targets:
        policy = policies.of(target.kind)
        found.append(destination(target, given, policy, target_signer(target, policy)))
    return found


def target_signer(target: Target, policy: Policy) -> Signer | None:
    """Who signs for a target, with the secrets of its environment variables. Raises InputError."""
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
            # What stands there may be the secret itself.
            raise InputError("a secret is given by the name of an environment variable, not by itself")
        secret = os.environ.get(name)
        if not secret:
            raise InputError(f"the environment variable {name}, which holds the secret, is not set")
        secrets.append(secret)
    return signer(scheme, secrets)


def chosen_faults(run: Run, given: Sequence[str], events: str | None) -> tuple[Fault, ...]:
    """The faults of the command line that concern deliveries. Raises InputError."""
    return tuple(choice for choice in _chosen(run, given, events) if choice.name != QUIRK)


def with_quirks(run: Run, given: Sequence[str]) -> Run:
    """The run with the quirks that the command line asks for. Raises InputError."""
    quirks = []
    for choice in _chosen(run, given, None):
        if choice.name != QUIRK:
            continue
        quirk = run.profile.quirk(choice.argument)
        if quirk is None:
            names = [known.name for known in run.profile.quirks]
            what = f"quirk of {run.vendor.name} ({run.profile.name})"
            raise InputError(f"--fault quirk: {unknown(what, choice.argument, names)}")
        quirks.append((quirk, choice.rate))
    return replace(run, quirks=tuple(quirks)) if quirks else run


def _chosen(run: Run, given: Sequence[str], events: str | None) -> list[Fault]:
    limited = _fault_events(run.profile, events)
    return [from_option(text, limited) for text in given]


def _fault_events(profile: Profile, events: str | None) -> frozenset[str] | None:
    if events is None:
        return None
    names = [name.strip() for name in events.split(",") if name.strip()]
    for name in names:
        if name not in profile.event_names():
            raise InputError(f"--fault-on: {unknown('event', name, profile.event_names())}")
    return frozenset(names)


def refuse_impossible(run: Run, asked: Sequence[Fault], places: Sequence[Destination]) -> None:
    """Raises InputError for what can't be carried out: a spoiled signature where nothing is signed, a probe."""
    problems: list[Problem] = []
    signed = any(place.signs for place in places)
    unsigned = (
        f"no signature can be spoiled, since {run.vendor.name} ({run.profile.name}) does not sign; "
        "choose a scheme with --policy signing=NAME"
    )
    for step in run.scenario.steps:
        if isinstance(step.verb, Probe):
            message = "'probe' can't be played yet; remove it to play this scenario"
            problems.append(Problem(run.scenario.file, step.line, step.column, message))
        if any(fault.name == SIGNATURE for fault in step.faults) and not signed:
            problems.append(Problem(run.scenario.file, step.line, step.column, unsigned))
    if problems:
        raise DocumentError(problems)
    if not signed and any(choice.name == SIGNATURE for choice in asked):
        raise InputError(f"--fault signature: {unsigned}")
