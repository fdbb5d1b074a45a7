"""What the user asked for (configuration and command line) → policy, destinations and faults, or a refusal."""

from __future__ import annotations

import os
from collections.abc import Sequence

from simulator.config import Config, Target
from simulator.delivery import faults
from simulator.delivery.endpoint import header
from simulator.delivery.faults import Chosen
from simulator.delivery.policy import assignments, overridden
from simulator.delivery.requests import Destination, destination
from simulator.delivery.signing import Signer, signer
from simulator.errors import DocumentError, InputError, Problem, unknown
from simulator.scenario.verbs import Probe
from simulator.timeline import Run
from simulator.vendors.base import Policy, Profile, Vendor


def policy(vendor: Vendor, profile: Profile, config: Config, given: Sequence[str]) -> Policy:
    """The vendor's policy, as the configuration and then the command line override it. Raises InputError."""
    found = profile.policy
    if vendor.name in config.policies:
        found = overridden(found, config.policies[vendor.name], config.file or "")
    return overridden(found, assignments(given), "--policy") if given else found


def destinations(
    vendor: Vendor,
    config: Config,
    policy: Policy,
    to: str | None,
    headers: Sequence[str],
    secret_env: str | None,
    *,
    needed: bool = True,
) -> list[Destination]:
    """Where the events go: `to`, or the vendor's targets of the configuration. Raises InputError, also when there
    are none and `needed`."""
    given = dict(header(text) for text in headers)
    targets: Sequence[Target] = config.targets.get(vendor.name, ())
    if to is not None:
        targets = (Target(to, secret_env=secret_env),)
    if not targets and needed:
        where = config.file or "vendorsim.yaml (there is none here)"
        raise InputError(f"no target: give --to URL, or name targets of {vendor.name} in {where}")
    return [destination(target, given, _signer(target, policy)) for target in targets]


def _signer(target: Target, policy: Policy) -> Signer | None:
    scheme = policy.signing.value
    if scheme is None:
        return None
    if target.secret_env is None:
        raise InputError(f"signing as {scheme} needs a secret: name its environment variable with --secret-env NAME")
    secret = os.environ.get(target.secret_env)
    if not secret:
        raise InputError(f"the environment variable {target.secret_env}, which holds the secret, is not set")
    return signer(scheme, secret)


def chosen_faults(run: Run, given: Sequence[str], events: str | None) -> tuple[Chosen, ...]:
    """The faults of the command line. Raises InputError."""
    limited = _fault_events(run.profile, events)
    return tuple(faults.from_option(text, limited) for text in given)


def _fault_events(profile: Profile, events: str | None) -> frozenset[str] | None:
    if events is None:
        return None
    names = [name.strip() for name in events.split(",") if name.strip()]
    for name in names:
        if name not in profile.event_names():
            raise InputError(f"--fault-on: {unknown('event', name, profile.event_names())}")
    return frozenset(names)


def refuse_impossible(run: Run, asked: Sequence[Chosen], places: Sequence[Destination]) -> None:
    """Raises InputError for what can't be carried out: a spoiled signature where nothing is signed, a probe."""
    problems: list[Problem] = []
    signed = any(place.signer is not None for place in places)
    unsigned = (
        f"no signature can be spoiled, since {run.vendor.name} ({run.profile.name}) does not sign; "
        "choose a scheme with --policy signing=NAME"
    )
    for step in run.scenario.steps:
        if isinstance(step.verb, Probe):
            message = "'probe' can't be played yet; remove it to play this scenario"
            problems.append(Problem(run.scenario.file, step.line, step.column, message))
        if "signature" in step.fault and not signed:
            problems.append(Problem(run.scenario.file, step.line, step.column, unsigned))
    if problems:
        raise DocumentError(problems)
    if not signed and any(choice.fault.name == "signature" for choice in asked):
        raise InputError(f"--fault signature: {unsigned}")
