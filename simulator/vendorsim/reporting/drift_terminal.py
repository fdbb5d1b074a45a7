"""Prints a drift report for people: findings by event and field, contract beside what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vendorsim.reporting.console import results, table
from vendorsim.reporting.text import one_line
from vendorsim.vendorkit.deviations import DeviationClass, FailOn

if TYPE_CHECKING:
    from vendorsim.captures.drift_report import DriftFinding, DriftPlace, DriftReport

_MOST_NAMES = 4


def print_report(found: DriftReport, fail_on: FailOn) -> None:
    """Prints the report. The last line is the verdict."""
    console = results()
    _print_head(found)
    if found.findings:
        _print_findings(found.findings, fail_on)
    _print_notes(found)
    if found.not_judged:
        console.print("\nnot judged")
        for each in found.not_judged:
            console.print(f"  {one_line(each.subject)}: {one_line(each.reason)}", markup=False)
    console.print()
    failing = len(found.failing(fail_on))
    counted = _counted(len(found.findings), "finding")
    asked = ", ".join(found.fail_on)
    if failing:
        console.print(f"[red]failed[/red]: {counted}, {failing} of the class {asked}")
    elif found.findings:
        console.print(f"[green]passed[/green]: {counted}, none of the class {asked}")
    else:
        console.print("[green]passed[/green]: no drift")


def _print_head(found: DriftReport) -> None:
    console = results()
    totals = found.totals
    console.print(f"[bold]{found.vendor}[/bold] ({one_line(found.profile)})")
    if found.fits:
        others = [name for name in found.fits if name != found.profile]
        also = f"; as well as {_listed(others)}" if others else ""
        console.print(f"the profile that fits best{also}; --profile names another", markup=False)
    when = f", {totals.began} to {totals.ended}" if totals.began else ""
    console.print(f"{_counted(totals.bodies, 'body')} of {_counted(len(found.events), 'event')}{when}", markup=False)
    rows = table("event", "bodies", "break the contract", "first")
    for event in found.events:
        name = event.name if event.known else f"{event.name} (not known)"
        rows.add_row(one_line(name), f"{event.bodies:,}", f"{event.broken:,}", one_line(event.first))
    if found.events:
        console.print(rows)


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST_NAMES else f"{names[0]} to {names[-1]}"


def _print_findings(findings: Iterable[DriftFinding], fail_on: FailOn) -> None:
    from rich.text import Text

    console = results()
    for each in findings:
        fails = fail_on.fails(DeviationClass(each.kind), breaking=each.breaking)
        sign = Text("✗ ", "red") if fails else Text("· ")
        first, *others = (place_text(place) for place in each.places)
        more = f", and {_counted(len(others), 'other place')}" if others else ""
        weak = "; that is few" if each.weak else ""
        known = f" ({each.provenance})" if each.provenance else ""
        console.print()
        console.print(sign + Text(each.kind, "bold") + Text(f" {first}{more}: {one_line(each.message)}"))
        console.print(Text(f"  contract: {one_line(each.contract)}{known}"))
        console.print(Text(f"  seen: {one_line(each.seen)}{weak}; first {one_line(each.example.place)}"))


def place_text(place: DriftPlace) -> str:
    """A place in words: `message_created /conversation/id`."""
    return f"{place.event or ''} {one_line(place.field)}".strip() or "the capture"


def _print_notes(found: DriftReport) -> None:
    """Prints what is no drift: optional fields that were always there, or never, and events that were not captured."""
    rows = [row for event in found.events for row in event.fields if row.note is not None]
    never = sum(not row.count for row in rows)
    console = results()
    if rows:
        always, unseen = _counted(len(rows) - never, "optional field"), f"{never:,} never"
        console.print(f"\nno drift: {always} always there, {unseen} (--html and --json have them)", markup=False)
    if found.silent:
        console.print(f"\nnot captured: {', '.join(found.silent)}", markup=False)


def _counted(count: int, noun: str) -> str:
    plural = {"body": "bodies"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"
