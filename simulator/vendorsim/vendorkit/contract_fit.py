"""Judges captured bodies by every profile of a vendor: which one fits best, and since when a violation is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vendorsim.core.errors import unknown
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.contract import DEPTH, REQUIRED, Violation
from vendorsim.vendorkit.vendor import Vendor

# The rule of the violation by a body that is no event of the profile.
NO_EVENT = "event"


class Captured(NamedTuple):
    """A captured body, and the name of its event if the capture says it."""

    event: str | None
    body: Any


class Judged(NamedTuple):
    """The judgement of one body by one profile. `event` is None for a body that is no event of the profile."""

    event: str | None
    violations: tuple[Violation, ...]


class Fit(NamedTuple):
    """The profiles that fit some bodies best, in the vendor's order: they have the same, smallest number of violations.

    `judged` are the judgements of the bodies by the last of them.
    """

    profiles: tuple[str, ...]
    judged: tuple[Judged, ...]


def judge(vendor: Vendor, profile: str, captured: Captured) -> Judged:
    """Judges a body by one profile. Raises UnknownNameError for the name of a profile."""
    contract = contracts.contract(vendor.name, profile)
    event = captured.event or vendor.profile(profile).identify(captured.body)
    if event is None:
        return Judged(None, (Violation("", f"this is no event of {vendor.name} ({profile})", NO_EVENT),))
    if event not in contract.events:
        return Judged(event, (Violation("", unknown("event", event, contract.events), NO_EVENT),))
    return Judged(event, tuple(contract.violations(event, captured.body, in_alternatives=True)))


def confirm(vendor: Vendor, profile: str, captured: Captured, judged: Judged) -> Judged:
    """Judges a body that the profile has `judged` by the reference validator, too. See `Contract.confirmed`."""
    if judged.event is None or any(violation.rule in (NO_EVENT, DEPTH) for violation in judged.violations):
        return judged
    contract = contracts.contract(vendor.name, profile)
    return Judged(judged.event, tuple(contract.confirmed(judged.event, captured.body, judged.violations)))


class Comparison:
    """Bodies, judged by `profile`, by every other profile of a vendor and by every version between them."""

    def __init__(self, vendor: Vendor, profile: str, bodies: Sequence[Captured]) -> None:
        self._vendor, self._profile = vendor, profile
        # Profiles that are no versions first, then the versions, oldest first.
        others = (name for name in (profile, *vendor.profiles) if name not in vendor.versions)
        self._names = tuple(dict.fromkeys((*others, *vendor.versions)))
        self._judged = {name: tuple(judge(vendor, name, body) for body in bodies) for name in self._names}

    @property
    def alternatives(self) -> int:
        """The number of other profiles."""
        return len(self._names) - 1

    def best(self) -> Fit:
        """The profiles that fit all bodies together best. A body that is no event counts more than any violation."""
        costs = {name: _cost(judged) for name, judged in self._judged.items()}
        least = min(costs.values())
        names = tuple(name for name in self._names if costs[name] == least)
        return Fit(names, self._judged[names[-1]])

    def explanation(self, number: int, violation: Violation) -> str | None:
        """Says since when a violation of body `number` (from 0) by the profile is none, or until when it was none.
        None if the profile is no version, or if the versions don't explain it."""
        if self._profile in self._vendor.profiles and self._profile not in self._vendor.versions:
            return None
        key = (violation.pointer, violation.rule)
        free = {name: key not in _keys(self._judged[name][number]) for name in self._vendor.versions}
        return _explained(violation.rule, free)


def _keys(judged: Judged) -> set[tuple[str, str]]:
    return {(violation.pointer, violation.rule) for violation in judged.violations}


def _cost(judged: Sequence[Judged]) -> tuple[int, int]:
    foreign = sum(any(violation.rule == NO_EVENT for violation in each.violations) for each in judged)
    return foreign, sum(len(each.violations) for each in judged)


def _explained(rule: str, free: Mapping[str, bool]) -> str | None:
    """`free` says of each version, oldest first, whether it lacks the violation."""
    names, turns = list(free), [*free.values()]
    changes = [number for number in range(1, len(turns)) if turns[number] != turns[number - 1]]
    if len(changes) != 1:
        return None
    turn, later = names[changes[0]], turns[-1]
    if rule.startswith(REQUIRED):
        return f"this version always sends it (required {'before' if later else 'since'} {turn})"
    return f"this version does not send it ({'since' if later else 'only before'} {turn})"
