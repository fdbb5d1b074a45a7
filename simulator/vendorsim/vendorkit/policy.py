"""How a vendor delivers: accepted statuses, timeouts, retries, redirects, order, signing. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from msgspec import Struct

from vendorsim.core import times
from vendorsim.core.provenance import ASSUMED, Stated

T = TypeVar("T")

NEVER_STOPPED = "nothing published; the simplest sender: it never stops sending to a hook that fails"
STANDARD_WEBHOOKS = "nothing published; Standard Webhooks recommendation (standardwebhooks.com)"
SUCCESS = frozenset(range(200, 300))
# The pauses between the ten attempts that Standard Webhooks gives as an example, in milliseconds.
STANDARD_RETRIES = tuple(seconds * 1_000 for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
# How a redirect is followed: 303 changes the method to GET, the others keep the method and the body.
REPEATED, AS_GET = "repeated", "as GET"
REDIRECTED: Mapping[int, str] = {301: REPEATED, 302: REPEATED, 303: AS_GET, 307: REPEATED, 308: REPEATED}
# Whether later events of a conversation wait while an event waits for its retry: ORDERED means that they wait.
UNORDERED, ORDERED = "none", "conversation"
# Whether connections are kept and reused, or each delivery has a new one, which is closed after the answer.
Connections = Literal["kept", "new"]
KEPT: Connections = "kept"
NEW: Connections = "new"


class Pause(Struct, frozen=True):
    """After that many failed attempts in a row, nothing is sent to the hook for `time` milliseconds."""

    failures: int
    time: int


class SwitchOff(Struct, frozen=True):
    """The hook is switched off after that many failed attempts in a row, or when it has failed for `time` milliseconds,
    whichever is first. None: it does not matter."""

    failures: int | None = None
    time: int | None = None


def assumed(value: T) -> Stated[T]:
    """A value that no vendor document gives; it follows Standard Webhooks."""
    return Stated(value, ASSUMED, STANDARD_WEBHOOKS)


class Policy(Struct, frozen=True):
    """How a vendor delivers, as data. Times are milliseconds.

    `accepted`: the HTTP statuses that count as delivered. `retries`: the pauses between attempts; empty
    means a single attempt. `retried`: the statuses after which the vendor retries; None for all that are not
    accepted, and also if there was no answer. `redirects`: the maximum number of redirects; 0 makes a redirect a
    failure. `redirected`: the statuses that are followed, and whether the request is repeated or becomes a GET.
    `ordering`: UNORDERED or ORDERED. `in_flight`: how many deliveries of one conversation to one target may be under
    way at once; ORDERED makes it 1. `connections`: KEPT or NEW. `pause`, `switch_off`: what the vendor does with a hook
    that keeps failing, or None. `signing`: the name of a scheme
    (`vendorsim.vendorkit.signing`) or None.
    """

    accepted: Stated[frozenset[int]] = assumed(SUCCESS)
    connect_timeout: Stated[int] = assumed(5_000)
    read_timeout: Stated[int] = assumed(15_000)
    retries: Stated[tuple[int, ...]] = assumed(STANDARD_RETRIES)
    retried: Stated[frozenset[int] | None] = assumed(None)
    redirects: Stated[int] = assumed(0)
    redirected: Stated[Mapping[int, str]] = Stated(REDIRECTED, ASSUMED, "RFC 9110, 15.4")
    ordering: Stated[str] = assumed(UNORDERED)
    in_flight: Stated[int] = Stated(1, ASSUMED, "nothing published; the simplest sender: one request after the other")
    connections: Stated[Connections] = Stated(KEPT, ASSUMED, "nothing published; HTTP/1.1's default (RFC 9112, 9.3)")
    pause: Stated[Pause | None] = Stated(None, ASSUMED, NEVER_STOPPED)
    switch_off: Stated[SwitchOff | None] = Stated(None, ASSUMED, NEVER_STOPPED)
    signing: Stated[str | None] = Stated(None, ASSUMED, "no signature is published")


def parallel(policy: Policy) -> int:
    """How many deliveries of one conversation may be under way at once to a target with this policy."""
    return 1 if policy.ordering.value == ORDERED else policy.in_flight.value


def statuses_text(accepted: frozenset[int]) -> str:
    """Statuses as readable text: `200`, `200 or 204`, `200-299`."""
    ordered = sorted(accepted)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]}-{ordered[-1]}"
    return " or ".join(map(str, ordered))


def pause_text(pause: Pause | None) -> str:
    """A pause as text: `5:10m`."""
    return "none" if pause is None else f"{pause.failures}:{times.duration_text(pause.time)}"


def switch_off_text(limit: SwitchOff | None) -> str:
    """When a hook is switched off, as text: `20`, `5d`, `20,5d`."""
    if limit is None:
        return "none"
    parts = [str(limit.failures)] if limit.failures is not None else []
    return ",".join([*parts, times.duration_text(limit.time)] if limit.time is not None else parts)


def describe(policy: Policy) -> dict[str, dict[str, Any]]:
    """Every value of a policy as readable text, with its provenance and source."""
    shown = {
        "accepted": statuses_text(policy.accepted.value),
        "connect_timeout": times.duration_text(policy.connect_timeout.value),
        "read_timeout": times.duration_text(policy.read_timeout.value),
        "retries": ", ".join(map(times.duration_text, policy.retries.value)) or "none",
        "retried": "everything" if policy.retried.value is None else statuses_text(policy.retried.value),
        "redirects": str(policy.redirects.value),
        "redirected": ", ".join(f"{status} {how}" for status, how in policy.redirected.value.items()),
        "ordering": policy.ordering.value,
        "in_flight": str(policy.in_flight.value),
        "connections": policy.connections.value,
        "pause": pause_text(policy.pause.value),
        "switch_off": switch_off_text(policy.switch_off.value),
        "signing": policy.signing.value or "none",
    }
    return {
        name: {"value": value, "provenance": getattr(policy, name).provenance, "source": getattr(policy, name).source}
        for name, value in shown.items()
    }
