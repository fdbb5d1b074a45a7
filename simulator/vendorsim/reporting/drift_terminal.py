"""Prints a drift report for people: findings by event and field, contract beside what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vendorsim.reporting.console import results, table
from vendorsim.reporting.text import one_line
from vendorsim.vendorkit.deviations import DeviationClass, FailOn

if TYPE_CHECKING:
    from vendorsim.captures.drift_report import DriftFinding, DriftReport, FieldRow

_MOST_PLACES = 4
_MOST_NOTES = 12


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
    return ", ".join(names) if len(names) <= _MOST_PLACES else f"{names[0]} to {names[-1]}"


def _print_findings(findings: Iterable[DriftFinding], fail_on: FailOn) -> None:
    from rich.text import Text

    rows = table("", "class", "where", "what", "contract", "seen", "first")
    for each in findings:
        fails = fail_on.fails(DeviationClass(each.kind), breaking=each.breaking)
        weak = f" ({each.of} only: few)" if each.weak else ""
        known = f" ({each.provenance})" if each.provenance else ""
        rows.add_row(
            Text("✗", "red") if fails else Text("·"),
            each.kind,
            Text(places_text(each)),
            Text(one_line(each.message) + weak),
            Text(one_line(each.contract) + known),
            Text(one_line(each.seen)),
            Text(one_line(each.example.place)),
        )
    console = results()
    console.print()
    console.print(rows)


def places_text(found: DriftFinding) -> str:
    """Where a finding was seen: the first places, and how many more."""
    shown = [f"{each.event or ''} {one_line(each.field)}".strip() or "the capture" for each in found.places[:_MOST_PLACES]]
    more = len(found.places) - len(shown)
    return "\n".join([*shown, *([f"and {more} more"] if more else [])])


def _print_notes(found: DriftReport) -> None:
    """Prints what is no drift: optional fields that were always there, or never."""
    notes: dict[str, list[str]] = {}
    for event in found.events:
        for row in event.fields:
            if row.note is not None:
                notes.setdefault(_kind_of_note(row), []).append(f"{event.name} {row.field}")
    console = results()
    for note, places in notes.items():
        more = f" and {len(places) - _MOST_NOTES} more" if len(places) > _MOST_NOTES else ""
        console.print(f"\n{note} ({len(places)}): {', '.join(places[:_MOST_NOTES])}{more}", markup=False)
    if found.silent:
        console.print(f"\nevents that were not captured ({len(found.silent)}): {', '.join(found.silent)}", markup=False)


def _kind_of_note(row: FieldRow) -> str:
    return "optional fields that were never seen" if not row.count else "optional fields that were always there"


def _counted(count: int, noun: str) -> str:
    plural = {"body": "bodies"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"
