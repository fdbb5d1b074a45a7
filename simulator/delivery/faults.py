"""Deliberate deviations, one small object each, in one table.

A fault either changes the plan of a delivery (how often, when, whether at all) or the request itself (body,
signature, framing, connection). They compose: each sees what the ones before it made. What they choose is
seeded per delivery, so that the same run misbehaves the same way at any concurrency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from simulator import times
from simulator.delivery.corruptions import CORRUPTIONS, corrupt
from simulator.delivery.fault_arguments import count, name, nothing, one_of, share, text, time
from simulator.delivery.outgoing import Outgoing
from simulator.errors import InputError, unknown
from simulator.events import Event
from simulator.seeding import derive, generator

if TYPE_CHECKING:
    from simulator.timeline import Run

# No matter of delivery: it bends what the vendor makes of a step (`simulator.timeline`).
QUIRK = "quirk"


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
class Fault:
    """One kind of deviation. `argument` reads what the user wrote (None for nothing) and raises ValueError.

    `plan` changes the plan of a delivery, `shape` the request of an attempt.
    `spoils` tells whether the integration may refuse a request and can't be blamed for it; `once` says that only
    the first attempt is hit, as by a failing network.
    """

    name: str
    help: str
    example: str
    argument: Callable[[Any], Any]
    plan: Callable[[Plan, Any, Random], None] | None = None
    shape: Callable[[Outgoing, Any, Context], None] | None = None
    spoils: Callable[[Outgoing, Any], bool] = lambda out, argument: False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a fault that changes a request may need."""

    event: Event
    run: Run
    chance: Random


@dataclass(frozen=True, slots=True)
class Chosen:
    """A fault as the user asked for it: with its argument, how often (0 to 1), and for which events."""

    fault: Fault
    argument: Any
    rate: float = 1.0
    events: frozenset[str] | None = None

    def hits(self, event: Event, delivery: str, seed: int) -> bool:
        if self.events is not None and event.name not in self.events:
            return False
        return self.rate >= 1 or derive(seed, "fault", self.label, delivery) < self.rate * 2**64

    @property
    def label(self) -> str:
        return self.fault.name if self.argument is None else f"{self.fault.name}={self.argument}"


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


def _truncate(out: Outgoing, argument: float, context: Context) -> None:
    out.sent, out.ending = argument, "close"


def _reset(out: Outgoing, argument: float, context: Context) -> None:
    out.sent, out.ending = argument, "reset"


def _drip(out: Outgoing, argument: str, context: Context) -> None:
    out.drip = times.duration(argument) / 1000


def _corrupt(out: Outgoing, argument: str, context: Context) -> None:
    kind = context.chance.choice(list(CORRUPTIONS)) if argument == "any" else argument
    contract, event = context.run.contract, context.event.name
    out.body = corrupt(
        kind, out.body, lambda body: not contract.is_valid(event, body), context.chance, context.run.profile.encode
    )


def _encoding(out: Outgoing, argument: str, context: Context) -> None:
    if argument == "bom":
        out.body = b"\xef\xbb\xbf" + out.body
    elif argument == "utf-16":
        out.body = out.body.decode(errors="replace").encode("utf-16")
    else:
        middle = out.body.find(b'"', len(out.body) // 2) + 1
        out.body = out.body[:middle] + b"\xc3\x28\xff" + out.body[middle:]


def _content_type(out: Outgoing, argument: str, context: Context) -> None:
    out.headers = {name: value for name, value in out.headers.items() if name.lower() != "content-type"}
    if argument != "missing":
        out.headers["Content-Type"] = argument


def _http(out: Outgoing, argument: str, context: Context) -> None:
    if argument == "chunked":
        out.framing = "chunked"
    elif argument == "no-length":
        out.framing = "none"
    elif argument == "header-case":
        out.odd_case = True
    else:
        out.expect_continue = True


def _connection(out: Outgoing, argument: str, context: Context) -> None:
    out.connection = "single" if argument == "keep" else "new"


def _replay(plan: Plan, argument: str, chance: Random) -> None:
    """A replayed signature needs a first delivery to be taken from."""
    plan.copies += argument == "replayed"


def _signature(out: Outgoing, argument: str, context: Context) -> None:
    """Carried out where the request is signed (`simulator.delivery.requests`)."""


# What may be refused


def _always(out: Outgoing, argument: Any) -> bool:
    return True


def _unless_genuine(out: Outgoing, argument: str) -> bool:
    """The delivery whose signature is replayed later is a good one."""
    return argument != "replayed" or out.copy > 0


def _without_length(out: Outgoing, argument: str) -> bool:
    """A request that tells no length has no body, to those who read RFC 9112 (6.3) closely."""
    return argument == "no-length"


SIGNATURES = ("wrong", "missing", "stale", "replayed")
FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("duplicate", "the same delivery again, N more times", "duplicate=1", count(1, 100), plan=_duplicate),
        Fault(
            "reorder",
            "up to N later events overtake it",
            "reorder=3",
            count(3, 100),
            plan=_reorder,
        ),
        Fault("delay", "it is sent that much later; others overtake it", "delay=30s", time("30s"), plan=_delay),
        Fault("drop", "it is never sent", "drop", nothing, plan=_drop),
        Fault("late", "it is sent that long after the conversation has ended", "late=1m", time("1m"), plan=_late),
        Fault(
            QUIRK,
            "a known misbehaviour of the vendor, by its name (vendorsim vendors NAME lists them)",
            "quirk=twin",
            name,
        ),
        Fault(
            "corrupt",
            f"the body breaks its contract: {', '.join(CORRUPTIONS)}, or any of these",
            "corrupt=missing",
            one_of(*CORRUPTIONS, "any", default="any"),
            shape=_corrupt,
            spoils=_always,
        ),
        Fault(
            "encoding",
            "the body is no plain UTF-8: bom, utf-16 or broken",
            "encoding=bom",
            one_of("bom", "utf-16", "broken", default="broken"),
            shape=_encoding,
            spoils=_always,
        ),
        Fault(
            "content_type",
            "another Content-Type, or missing",
            "content_type=text/plain",
            text("text/plain"),
            shape=_content_type,
            spoils=_always,
        ),
        Fault(
            "signature",
            f"the signature is {', '.join(SIGNATURES)}",
            "signature=wrong",
            one_of(*SIGNATURES, default="wrong"),
            plan=_replay,
            shape=_signature,
            spoils=_unless_genuine,
        ),
        Fault(
            "http",
            "unusual HTTP: chunked, no-length, header-case or expect (100-continue)",
            "http=chunked",
            one_of("chunked", "no-length", "header-case", "expect", default="chunked"),
            shape=_http,
            spoils=_without_length,
        ),
        Fault(
            "connection",
            "a new connection for each request, or keep: one for all of them",
            "connection=new",
            one_of("new", "keep", default="new"),
            shape=_connection,
        ),
        Fault(
            "truncate",
            "the connection is closed after that share of the body",
            "truncate=0.5",
            share,
            shape=_truncate,
            spoils=_always,
            once=True,
        ),
        Fault(
            "reset",
            "the connection is reset (RST) after that share of the body",
            "reset=0.5",
            share,
            shape=_reset,
            spoils=_always,
            once=True,
        ),
        Fault(
            "drip",
            "the body leaves in ten pieces over that time (of the wall clock)",
            "drip=500ms",
            time("2s"),
            shape=_drip,
        ),
    )
}


# Choosing


def chosen(name: str, given: Any, rate: float = 1.0, events: frozenset[str] | None = None) -> Chosen:
    """A fault by name with its argument. Raises ValueError saying what is wrong."""
    fault = FAULTS.get(name)
    if fault is None:
        raise ValueError(unknown("fault", name, FAULTS))
    try:
        return Chosen(fault, fault.argument(given), rate, events)
    except ValueError as error:
        raise ValueError(f"fault {name}: {error}; write it like {fault.example}") from None


def from_option(text: str, events: frozenset[str] | None) -> Chosen:
    """`NAME[=ARG][@RATE]` of the command line. Raises InputError."""
    body, at, rate_text = text.rpartition("@")
    if not at:
        body, rate_text = text, "1"
    try:
        rate = float(rate_text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise InputError(f"--fault {text}: the rate '{rate_text}' is not a number from 0 to 1")
    name, equals, argument = body.partition("=")
    try:
        return chosen(name.strip(), argument.strip() if equals else None, rate, events)
    except ValueError as error:
        raise InputError(f"--fault {text}: {error}") from None


def from_step(faults: Mapping[str, Any]) -> tuple[Chosen, ...]:
    """The faults of a scenario's step. Raises ValueError."""
    return tuple(chosen(name, given) for name, given in faults.items())


def plan(faults: Sequence[Chosen], event: Event, delivery: str, seed: int) -> tuple[Plan, tuple[Chosen, ...]]:
    """The plan of a delivery, and the faults that change its requests, in the order of the table."""
    made = Plan()
    shaping: list[Chosen] = []
    for choice in faults:
        if not choice.hits(event, delivery, seed):
            continue
        made.faults.append(choice.label)
        if choice.fault.plan is not None:
            choice.fault.plan(made, choice.argument, generator(seed, "plan", choice.fault.name, delivery))
        if choice.fault.shape is not None:
            shaping.append(choice)
    order = list(FAULTS)
    return made, tuple(sorted(shaping, key=lambda choice: order.index(choice.fault.name)))


def shape(out: Outgoing, faults: Sequence[Chosen], event: Event, run: Run) -> bool:
    """Applies faults to a request; True when the integration can't be blamed for refusing it."""
    spoiled = False
    for choice in faults:
        if choice.fault.once and out.number > 1:
            continue
        assert choice.fault.shape is not None
        chance = generator(run.seed, "shape", choice.fault.name, out.delivery)
        choice.fault.shape(out, choice.argument, Context(event, run, chance))
        out.faults.append(choice.label)
        spoiled |= choice.fault.spoils(out, choice.argument)
    return spoiled
