"""The names of the faults and their arguments, as in a scenario or in `--fault`.

`vendorsim.delivery.faults` implements what each of them does to a delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import InputError, unknown
from vendorsim.scenario.fault_arguments import OneOf, count, name, nothing, share, text, time, window

# A quirk does not change deliveries: it changes the events that a step causes (`vendorsim.runs.timeline`).
QUIRK = "quirk"
SIGNATURE = "signature"
CONNECTION, KEEP = "connection", "keep"
# An outage hits all deliveries of a conversation that are due in its window, and may hit the API.
OUTAGE = "outage"
SIGNATURES = ("wrong", "missing", "stale", "replayed")
CORRUPTIONS = ("missing", "type", "null", "enum", "extra", "oversized", "deep")


class FaultKind(Struct, frozen=True):
    """One kind of fault. `argument` reads the argument as the user wrote it (None: no argument). It may raise
    ValueError. `argument_label` says in a form what the argument is; empty if there is none."""

    name: str
    help: str
    example: str
    argument: Callable[[Any], Any]
    argument_label: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that the argument can have, if they are a few names; else empty."""
        return self.argument.names if isinstance(self.argument, OneOf) else ()

    @property
    def example_in_yaml(self) -> str:
        """The example as a step of a scenario has it."""
        name, equals, argument = self.example.partition("=")
        return f"{{{name}: {argument if equals else 'true'}}}"


class Fault(Struct, frozen=True):
    """A requested fault: its argument, its rate (0 to 1), and the events that it applies to (None: all)."""

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
        """The fault as text, such as `duplicate=1`."""
        return self.name if self.argument is None else f"{self.name}={self.argument}"


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind(
            "duplicate", "the same delivery again, N more times", "duplicate=1", count(1, 100), "How many more times"
        ),
        FaultKind("reorder", "up to N later events overtake it", "reorder=3", count(3, 100), "How many events"),
        FaultKind(
            "delay", "it is sent that much later; others overtake it", "delay=30s", time("30s"), "How much later"
        ),
        FaultKind("twins", "the same delivery N times at once", "twins=2", count(2, 100, least=2), "How many at once"),
        FaultKind(
            "overlap",
            "N consecutive events of a conversation are sent at once",
            "overlap=3",
            count(2, 100, least=2),
            "How many at once",
        ),
        FaultKind("impatient", "it is sent again while the first attempt is still at work", "impatient", nothing),
        FaultKind("drop", "it is never sent", "drop", nothing),
        FaultKind(
            "late", "it is sent that long after the conversation has ended", "late=1m", time("1m"), "How long after"
        ),
        FaultKind(
            OUTAGE,
            "nothing arrives in this window of the conversation; with +api, no vendor's API answers either",
            "outage=0s..5m",
            window("0s..5m"),
            "From and to",
        ),
        FaultKind(
            QUIRK,
            "a known misbehaviour of the vendor, by its name (vendorsim vendors NAME lists them)",
            "quirk=twin",
            name,
            "Which quirk",
        ),
        FaultKind(
            "corrupt",
            f"the body breaks its contract: {', '.join(CORRUPTIONS)}, or any of these",
            "corrupt=missing",
            OneOf((*CORRUPTIONS, "any"), default="any"),
            "What is wrong",
        ),
        FaultKind(
            "encoding",
            "the body is no plain UTF-8: bom, utf-16 or broken",
            "encoding=bom",
            OneOf(("bom", "utf-16", "broken"), default="broken"),
            "Which encoding",
        ),
        FaultKind(
            "content_type",
            "another Content-Type, or missing",
            "content_type=text/plain",
            text("text/plain"),
            "Which Content-Type",
        ),
        FaultKind(
            SIGNATURE,
            f"the signature is {', '.join(SIGNATURES)}",
            "signature=wrong",
            OneOf(SIGNATURES, default="wrong"),
            "What is wrong",
        ),
        FaultKind(
            "http",
            "unusual HTTP: chunked, no-length, header-case or expect (100-continue)",
            "http=chunked",
            OneOf(("chunked", "no-length", "header-case", "expect"), default="chunked"),
            "What is unusual",
        ),
        FaultKind(
            CONNECTION,
            "a new connection for each request, which says `Connection: close`, or keep: one for all of them",
            "connection=new",
            OneOf(("new", KEEP), default="new"),
            "Which connection",
        ),
        FaultKind(
            "truncate", "the connection is closed after that share of the body", "truncate=0.5", share, "Share, 0 to 1"
        ),
        FaultKind(
            "reset", "the connection is reset (RST) after that share of the body", "reset=0.5", share, "Share, 0 to 1"
        ),
        FaultKind(
            "drip",
            "the body leaves in ten pieces over that time (of the wall clock)",
            "drip=500ms",
            time("2s"),
            "Over how long",
        ),
    )
}


def fault(name: str, given: Any, rate: float = 1.0, events: frozenset[str] | None = None) -> Fault:
    """The fault of that name with its argument, as a scenario or an option gives it, which is still unread.

    Raises ValueError.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(unknown("fault", name, KINDS))
    try:
        return Fault(kind, kind.argument(given), rate, events)
    except ValueError as error:
        raise ValueError(f"fault {name}: {error}") from None


def from_text(text: str, events: frozenset[str] | None) -> Fault:
    """Parses `NAME[=ARG][@RATE]`. Raises ValueError, whose message says how to write it."""
    body, at, rate_text = text.rpartition("@")
    if not at:
        body, rate_text = text, "1"
    try:
        rate = float(rate_text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate '{rate_text}' is not a number from 0 to 1")
    name, equals, argument = body.partition("=")
    try:
        return fault(name.strip(), argument.strip() if equals else None, rate, events)
    except ValueError as error:
        kind = KINDS.get(name.strip())
        remedy = "" if kind is None else f"; write it like {kind.example}"
        raise ValueError(f"{error}{remedy}") from None


def from_option(text: str, events: frozenset[str] | None) -> Fault:
    """Parses `NAME[=ARG][@RATE]` of the command line. Raises InputError."""
    try:
        return from_text(text, events)
    except ValueError as error:
        raise InputError(f"--fault {text}: {error}") from None
