"""Prepares a replay: a capture and options → a run that sends its webhooks again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from vendorsim.captures.exchange import CapturedExchange
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.delivery.destinations import Destinations
from vendorsim.delivery.planning import Policies, PreparedRun, find_destinations, prepare_planned
from vendorsim.runs.config import Config
from vendorsim.runs.planning import RunRequest
from vendorsim.runs.replaying import plan_replay, replay
from vendorsim.vendorkit import registry


def prepare_replay(
    request: RunRequest,
    exchanges: Iterable[CapturedExchange],
    config: Config,
    *,
    fresh: int | None = None,
    start: int | None = None,
    as_captured: bool = False,
) -> tuple[PreparedRun, tuple[str, ...]]:
    """Prepares the run that sends captured webhooks again, and returns it with notes for the user. Raises InputError.

    `fresh`, `start` and `as_captured` are those of `vendorsim.runs.replaying.replay`. The request's scenario is not
    used. A target without a secret gets the captured signatures.
    """
    vendor = registry.get(request.vendor)
    profile = vendor.profile(request.profile)
    if as_captured:
        once = Stated((), ASSUMED, "captured retries are sent as they were")
        request = replace(request, policy={"retries": once, **request.policy})
    policies = Policies(vendor, profile, config, request.policy)
    found = find_destinations(policies, request.to, request.headers, unsigned=True)
    signs = any(destination.signer is not None for destination in found)
    replayed = replay(exchanges, vendor, profile, signs=signs, seed=fresh, start=start, as_captured=as_captured)
    planned = plan_replay(request, vendor, profile, replayed)
    return prepare_planned(planned, config, lambda _: Destinations(found)), replayed.notes
