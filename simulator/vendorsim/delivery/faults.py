"""What the faults of `vendorsim.scenario.faults` do, one small object each, in one table.

A fault either changes the plan of a delivery (how often, when, whether at all) or the request itself (body,
signature, framing, connection). They compose: each sees what the ones before it made. What they choose is
seeded per delivery, so that the same run misbehaves the same way at any concurrency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from vendorsim.core import times
from vendorsim.core.event import Event
from vendorsim.core.seeding import derive, generator
from vendorsim.delivery.corruptions import CORRUPTIONS, corrupt
from vendorsim.http.outgoing import Outgoing
from vendorsim.runs.timeline import Run
from vendorsim.scenario.faults import QUIRK, Fault


@dataclass(slots=True)
class Plan:
    """How one delivery is carried out. `delay` and `late` are milliseconds of the scenario's time; `late` counts
    from the end of the conversation; `behind` is how many later events overtake it."""

    copies: int = 1
    dropped: bool = False
    delay: int = 0
    late: int | None = None
    behind: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind of fault does. `plan` changes the plan of a delivery, `shape` the request of an attempt.

    `spoils` tells whether the integration may refuse a request and can't be blamed for it; `once` says that only
    the first attempt is hit, as by a failing network.
    """

    plan: Callable[[Plan, Any, Random], None] | None = None
    shape: Callable[[Outgoing, Any, FaultContext], None] | None = None
    spoils: Callable[[Outgoing, Any], bool] = lambda out, argument: False
    once: bool = False


@dataclass(frozen=True, slots=True)
class FaultContext:
    """What a fault that changes a request may need."""

    event: Event
    run: Run
    chance: Random


# What they do to a plan


def _duplicate(plan: Plan, argument: int, chance: Random) -> None:
    plan.copies += argument


def _reorder(plan: Plan, argument: int, chance: Random) -> None:
    plan.behind = chance.randint(1, argument)


def _delay(plan: Plan, argument: str, chance: Random) -> None:
    plan.delay += times.duration(argument)


def _drop(plan: Plan, argument: None, chance: Random) -> None:
    plan.dropped = True


def _late(plan: Plan, argument: str, chance: Random) -> None:
    plan.late = times.duration(argument)


# What they do to a request


def _truncate(out: Outgoing, argument: float, context: FaultContext) -> None:
    out.sent, out.ending = argument, "close"


def _reset(out: Outgoing, argument: float, context: FaultContext) -> None:
    out.sent, out.ending = argument, "reset"


def _drip(out: Outgoing, argument: str, context: FaultContext) -> None:
    out.drip = times.duration(argument) / 1000


def _corrupt(out: Outgoing, argument: str, context: FaultContext) -> None:
    kind = context.chance.choice(list(CORRUPTIONS)) if argument == "any" else argument
    contract, event = context.run.contract, context.event.name
    out.body = corrupt(
        kind, out.body, lambda body: not contract.is_valid(event, body), context.chance, context.run.profile.encode
    )


def _encoding(out: Outgoing, argument: str, context: FaultContext) -> None:
    if argument == "bom":
        out.body = b"\xef\xbb\xbf" + out.body
    elif argument == "utf-16":
        out.body = out.body.decode(errors="replace").encode("utf-16")
    else:
        middle = out.body.find(b'"', len(out.body) // 2) + 1
        out.body = out.body[:middle] + b"\xc3\x28\xff" + out.body[middle:]


def _content_type(out: Outgoing, argument: str, context: FaultContext) -> None:
    out.headers = {name: value for name, value in out.headers.items() if name.lower() != "content-type"}
    if argument != "missing":
        out.headers["Content-Type"] = argument


def _http(out: Outgoing, argument: str, context: FaultContext) -> None:
    if argument == "chunked":
        out.framing = "chunked"
    elif argument == "no-length":
        out.framing = "none"
    elif argument == "header-case":
        out.odd_case = True
    else:
        out.expect_continue = True


def _connection(out: Outgoing, argument: str, context: FaultContext) -> None:
    out.connection = "single" if argument == "keep" else "new"


def _replay(plan: Plan, argument: str, chance: Random) -> None:
    """A replayed signature needs a first delivery to be taken from."""
    plan.copies += argument == "replayed"


def _signature(out: Outgoing, argument: str, context: FaultContext) -> None:
    """Carried out where the request is signed (`vendorsim.delivery.requests`)."""


# What may be refused


def _always(out: Outgoing, argument: Any) -> bool:
    return True


def _unless_genuine(out: Outgoing, argument: str) -> bool:
    """The delivery whose signature is replayed later is a good one."""
    return argument != "replayed" or out.copy > 0


def _without_length(out: Outgoing, argument: str) -> bool:
    """A request that tells no length has no body, to those who read RFC 9112 (6.3) closely."""
    return argument == "no-length"


# In the order in which they change a request.
EFFECTS: Mapping[str, Effect] = {
    "duplicate": Effect(plan=_duplicate),
    "reorder": Effect(plan=_reorder),
    "delay": Effect(plan=_delay),
    "drop": Effect(plan=_drop),
    "late": Effect(plan=_late),
    # Carried out where the vendor reacts to a step (`vendorsim.runs.timeline`).
    QUIRK: Effect(),
    "corrupt": Effect(shape=_corrupt, spoils=_always),
    "encoding": Effect(shape=_encoding, spoils=_always),
    "content_type": Effect(shape=_content_type, spoils=_always),
    "signature": Effect(plan=_replay, shape=_signature, spoils=_unless_genuine),
    "http": Effect(shape=_http, spoils=_without_length),
    "connection": Effect(shape=_connection),
    "truncate": Effect(shape=_truncate, spoils=_always, once=True),
    "reset": Effect(shape=_reset, spoils=_always, once=True),
    "drip": Effect(shape=_drip),
}


def _hits(fault: Fault, event: Event, delivery: str, seed: int) -> bool:
    if fault.events is not None and event.name not in fault.events:
        return False
    return fault.rate >= 1 or derive(seed, "fault", fault.label, delivery) < fault.rate * 2**64


def plan(faults: Sequence[Fault], event: Event, delivery: str, seed: int) -> tuple[Plan, tuple[Fault, ...]]:
    """The plan of a delivery, and the faults that change its requests, in the order of `EFFECTS`."""
    made = Plan()
    shaping: list[Fault] = []
    for fault in faults:
        if not _hits(fault, event, delivery, seed):
            continue
        made.faults.append(fault.label)
        effect = EFFECTS[fault.name]
        if effect.plan is not None:
            effect.plan(made, fault.argument, generator(seed, "plan", fault.name, delivery))
        if effect.shape is not None:
            shaping.append(fault)
    order = list(EFFECTS)
    return made, tuple(sorted(shaping, key=lambda fault: order.index(fault.name)))


def shape(out: Outgoing, faults: Sequence[Fault], event: Event, run: Run) -> bool:
    """Applies faults to a request; True when the integration can't be blamed for refusing it."""
    spoiled = False
    for fault in faults:
        effect = EFFECTS[fault.name]
        if effect.once and out.number > 1:
            continue
        assert effect.shape is not None
        chance = generator(run.seed, "shape", fault.name, out.delivery)
        effect.shape(out, fault.argument, FaultContext(event, run, chance))
        out.faults.append(fault.label)
        spoiled |= effect.spoils(out, fault.argument)
    return spoiled
