"""The names of the faults and their arguments: what a user may write, in a scenario or behind `--fault`.

What a fault does to a delivery is told in `vendorsim.delivery.faults`, by the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vendorsim.core.errors import InputError, unknown
from vendorsim.scenario.fault_arguments import count, name, nothing, one_of, share, text, time

# A quirk is no matter of delivery: it changes what the vendor makes of a step (`vendorsim.runs.timeline`).
QUIRK = "quirk"
SIGNATURE = "signature"
SIGNATURES = ("wrong", "missing", "stale", "replayed")
CORRUPTIONS = ("missing", "type", "null", "enum", "extra", "oversized", "deep")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of deviation. `argument` reads what the user wrote (None for nothing) and raises ValueError."""

    name: str
    help: str
    example: str
    argument: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as the user asked for it: with its argument, how often (0 to 1), and for which events (None for all)."""

    kind: FaultKind
    argument: Any
    rate: float = 1.0
    events: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """The name of its kind."""
        return self.kind.name

    @property
    def label(self) -> str:
        """The fault as it is written: `duplicate=1`."""
        return self.name if self.argument is None else f"{self.name}={self.argument}"


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind("duplicate", "the same delivery again, N more times", "duplicate=1", count(1, 100)),
        FaultKind("reorder", "up to N later events overtake it", "reorder=3", count(3, 100)),
        FaultKind("delay", "it is sent that much later; others overtake it", "delay=30s", time("30s")),
        FaultKind("drop", "it is never sent", "drop", nothing),
        FaultKind("late", "it is sent that long after the conversation has ended", "late=1m", time("1m")),
        FaultKind(
            QUIRK,
            "a known misbehaviour of the vendor, by its name (vendorsim vendors NAME lists them)",
            "quirk=twin",
            name,
        ),
        FaultKind(
            "corrupt",
            f"the body breaks its contract: {', '.join(CORRUPTIONS)}, or any of these",
            "corrupt=missing",
            one_of(*CORRUPTIONS, "any", default="any"),
        ),
        FaultKind(
            "encoding",
            "the body is no plain UTF-8: bom, utf-16 or broken",
            "encoding=bom",
            one_of("bom", "utf-16", "broken", default="broken"),
        ),
        FaultKind("content_type", "another Content-Type, or missing", "content_type=text/plain", text("text/plain")),
        FaultKind(
            SIGNATURE,
            f"the signature is {', '.join(SIGNATURES)}",
            "signature=wrong",
            one_of(*SIGNATURES, default="wrong"),
        ),
        FaultKind(
            "http",
            "unusual HTTP: chunked, no-length, header-case or expect (100-continue)",
            "http=chunked",
            one_of("chunked", "no-length", "header-case", "expect", default="chunked"),
        ),
        FaultKind(
            "connection",
            "a new connection for each request, or keep: one for all of them",
            "connection=new",
            one_of("new", "keep", default="new"),
        ),
        FaultKind("truncate", "the connection is closed after that share of the body", "truncate=0.5", share),
        FaultKind("reset", "the connection is reset (RST) after that share of the body", "reset=0.5", share),
        FaultKind("drip", "the body leaves in ten pieces over that time (of the wall clock)", "drip=500ms", time("2s")),
    )
}


def fault(name: str, given: Any, rate: float = 1.0, events: frozenset[str] | None = None) -> Fault:
    """A fault by name with its argument. Raises ValueError saying what is wrong."""
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(unknown("fault", name, KINDS))
    try:
        return Fault(kind, kind.argument(given), rate, events)
    except ValueError as error:
        raise ValueError(f"fault {name}: {error}; write it like {kind.example}") from None


def from_option(text: str, events: frozenset[str] | None) -> Fault:
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
        return fault(name.strip(), argument.strip() if equals else None, rate, events)
    except ValueError as error:
        raise InputError(f"--fault {text}: {error}") from None
