"""The effects of the faults of `vendorsim.scenario.faults`, in one table.

A fault changes the plan of a delivery (copies, time, whether it is sent) or the request itself (body, signature,
framing, connection). Faults compose: each one changes the result of those before it. Random choices are seeded per
delivery, so a run has the same faults at any concurrency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from msgspec import Struct, field

from vendorsim.core import times
from vendorsim.core.event import Event
from vendorsim.core.seeding import derive, generator
from vendorsim.delivery.corruptions import CORRUPTIONS, corrupt
from vendorsim.http.outgoing import Outgoing
from vendorsim.runs.timeline import Run
from vendorsim.scenario.fault_arguments import read_window
from vendorsim.scenario.faults import CONNECTION, KEEP, OUTAGE, QUIRK, Fault


class Outage(NamedTuple):
    """A window in which nothing is delivered. `begins` and `ends` are milliseconds after the start of the conversation;
    with `api`, the vendors' APIs are away meanwhile, too. `label` is the fault as text."""

    begins: int
    ends: int
    api: bool
    label: str


class Plan(Struct):
    """How one delivery is sent.

    `delay` is in milliseconds of the scenario's time, `late` in milliseconds after the end of the conversation;
    `behind` is the number of later events that overtake the delivery. `copies` are sent one after the other, and each
    of them `twins` times at once. `overlap` is the number of consecutive events, this one included, that are sent at
    once. With `impatient` it is sent again while the first attempt is under way. No attempt in one of the `outages`
    reaches the target.
    """

    copies: int = 1
    twins: int = 1
    overlap: int = 1
    impatient: bool = False
    dropped: bool = False
    delay: int = 0
    late: int | None = None
    behind: int = 0
    outages: list[Outage] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Effect(Struct, frozen=True):
    """The effect of a kind of fault. `plan` changes the plan of a delivery, `shape` the request of an attempt.

    `spoils` returns whether the integration may refuse the request. `once` limits the fault to the first attempt, like
    a network failure.
    """

    plan: Callable[[Plan, Any, Random], None] | None = None
    shape: Callable[[Outgoing, Any, FaultContext], None] | None = None
    spoils: Callable[[Outgoing, Any], bool] = lambda out, argument: False
    once: bool = False


class FaultContext(Struct, frozen=True):
    """The context in which a fault changes a request."""

    event: Event
    run: Run
    chance: Random


# Effects on the plan


def _duplicate(plan: Plan, argument: int, chance: Random) -> None:
    plan.copies += argument


def _reorder(plan: Plan, argument: int, chance: Random) -> None:
    plan.behind = chance.randint(1, argument)


def _delay(plan: Plan, argument: str, chance: Random) -> None:
    plan.delay += times.duration(argument)


def _twins(plan: Plan, argument: int, chance: Random) -> None:
    plan.twins += argument - 1


def _overlap(plan: Plan, argument: int, chance: Random) -> None:
    plan.overlap = max(plan.overlap, argument)


def _impatient(plan: Plan, argument: None, chance: Random) -> None:
    plan.impatient = True


def _drop(plan: Plan, argument: None, chance: Random) -> None:
    plan.dropped = True


def _late(plan: Plan, argument: str, chance: Random) -> None:
    plan.late = times.duration(argument)


# Effects on the request


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
    out.connection = "single" if argument == KEEP else "close"


def _replay(plan: Plan, argument: str, chance: Random) -> None:
    """Adds a copy, which replays the signature of the first delivery."""
    plan.copies += argument == "replayed"


def _signature(out: Outgoing, argument: str, context: FaultContext) -> None:
    """Does nothing: `vendorsim.delivery.requests` applies the fault when it signs the request."""


# Which requests the integration may refuse


def _always(out: Outgoing, argument: Any) -> bool:
    return True


def _unless_genuine(out: Outgoing, argument: str) -> bool:
    """The first delivery is valid; the copy replays its signature."""
    return argument != "replayed" or out.copy > 0


def _without_length(out: Outgoing, argument: str) -> bool:
    """A request without a length has no body (RFC 9112, 6.3)."""
    return argument == "no-length"


# The order is that in which faults are applied to a request.
EFFECTS: Mapping[str, Effect] = {
    "duplicate": Effect(plan=_duplicate),
    "reorder": Effect(plan=_reorder),
    "delay": Effect(plan=_delay),
    "twins": Effect(plan=_twins),
    "overlap": Effect(plan=_overlap),
    "impatient": Effect(plan=_impatient),
    "drop": Effect(plan=_drop),
    "late": Effect(plan=_late),
    # No effect here: `outages` reads its window, and the player sends nothing in it.
    OUTAGE: Effect(),
    # No effect here: the vendor's reactions to the step apply a quirk (`runs.timeline`).
    QUIRK: Effect(),
    "corrupt": Effect(shape=_corrupt, spoils=_always),
    "encoding": Effect(shape=_encoding, spoils=_always),
    "content_type": Effect(shape=_content_type, spoils=_always),
    "signature": Effect(plan=_replay, shape=_signature, spoils=_unless_genuine),
    "http": Effect(shape=_http, spoils=_without_length),
    CONNECTION: Effect(shape=_connection),
    "truncate": Effect(shape=_truncate, spoils=_always, once=True),
    "reset": Effect(shape=_reset, spoils=_always, once=True),
    "drip": Effect(shape=_drip),
}


def _hits(fault: Fault, event: Event, delivery: str, seed: int) -> bool:
    if fault.events is not None and event.name not in fault.events:
        return False
    return fault.rate >= 1 or derive(seed, "fault", fault.label, delivery) < fault.rate * 2**64


def outages(faults: Sequence[Fault], conversation: int, seed: int) -> Iterator[tuple[Fault, Outage]]:
    """Yields the outages of a conversation with their faults: a rate selects conversations, not deliveries."""
    for fault in faults:
        if fault.name == OUTAGE and (
            fault.rate >= 1 or derive(seed, "fault", fault.label, conversation) < fault.rate * 2**64
        ):
            yield fault, Outage(*read_window(fault.argument), fault.label)


def plan(faults: Sequence[Fault], event: Event, delivery: str, seed: int) -> tuple[Plan, tuple[Fault, ...]]:
    """Returns the plan of a delivery, and the faults that change its requests, in the order of `EFFECTS`."""
    planned = Plan()
    shaping: list[Fault] = []
    planned.outages = [
        outage
        for fault, outage in outages(faults, event.index, seed)
        if fault.events is None or event.name in fault.events
    ]
    for fault in faults:
        if fault.name == OUTAGE or not _hits(fault, event, delivery, seed):
            continue
        planned.faults.append(fault.label)
        effect = EFFECTS[fault.name]
        if effect.plan is not None:
            effect.plan(planned, fault.argument, generator(seed, "plan", fault.name, delivery))
        if effect.shape is not None:
            shaping.append(fault)
    order = list(EFFECTS)
    return planned, tuple(sorted(shaping, key=lambda fault: order.index(fault.name)))


def shape(out: Outgoing, faults: Sequence[Fault], event: Event, run: Run) -> bool:
    """Applies faults to a request. Returns whether the integration may refuse it."""
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
