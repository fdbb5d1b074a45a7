"""`vendorsim validate`: checks captured payloads against a vendor's contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
import orjson
from msgspec import Struct
from msgspec.structs import asdict

from vendorsim.cli import options
from vendorsim.reporting.console import messages, print_json, results

if TYPE_CHECKING:
    from vendorsim.captures.exchange import CapturedExchange
    from vendorsim.vendorkit.contract_fit import Comparison, Judged
    from vendorsim.vendorkit.vendor import Vendor

# So many payloads are compared with every profile at most, and so many violations that would be left are printed.
MOST_COMPARED, MOST_LEFT = 1_000, 10
# So many payloads without a violation are judged by the reference validator, too: it takes 2 ms for each.
MOST_CONFIRMED = 1_000


class Payload(Struct, frozen=True):
    """One captured body. `place` is its position in the capture; `problem` says why there is no body."""

    place: str
    body: Any
    event: str | None = None
    problem: str | None = None


class Breach(Struct, frozen=True):
    """One violation of the contract by one captured payload."""

    place: str
    event: str | None
    pointer: str
    message: str

    def line(self) -> str:
        event = f" {self.event}" if self.event else ""
        return f"{self.place}:{event} {self.pointer or '/'}: {self.message}"


class Fitting(Struct, frozen=True):
    """The profiles that fit the payloads best, and the violations that are left then. `alternatives` is the number of
    profiles beside the chosen one."""

    profiles: tuple[str, ...]
    left: list[Breach]
    alternatives: int


class CaptureReport(Struct, frozen=True):
    """The judgement of all payloads. `fit` is None if there is no violation, or no payload that can be read."""

    count: int
    breaches: list[Breach]
    fit: Fitting | None


@click.command("validate", cls=options.Command)
@options.vendor
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.json_output
def command(vendor: str, profile: str | None, files: tuple[str, ...], as_json: bool) -> int:
    """Check the payloads in each FILE against the contract.

    A FILE holds JSON, JSON Lines, HAR or raw requests, also as .gz. A folder means its files, - is standard input.

    Prints every violation with a JSON pointer, and the profiles that fit the payloads best. Two validators are asked
    about each violation and about the first 1,000 payloads; if they disagree, the violation says so. Exit code 1: there
    are violations.

    \b
    vendorsim validate --vendor smartsupp captured.jsonl
    """
    from vendorsim.vendorkit import registry

    known = registry.get(vendor)
    chosen = known.profile(profile)
    judgement = _judgement(known, chosen.name, _payloads(files))
    note = _note(known) if chosen.unseen else None
    if as_json:
        print_json(_document(vendor, chosen.name, judgement, note))
    else:
        if note is not None:
            messages().print(note)
        _print(known, chosen.name, judgement)
    return 1 if judgement.breaches else 0


def _payloads(files: tuple[str, ...]) -> Iterator[Payload]:
    """The bodies of the webhooks. Raises PayloadFileError for what can't be read, also for a file without a payload."""
    from vendorsim.captures.exchange import Direction
    from vendorsim.captures.files import paths
    from vendorsim.core.errors import PayloadFileError
    from vendorsim.journal.exchanges import read

    for file in paths(files):
        found = False
        for exchange in read([file]):
            if exchange.direction is Direction.WEBHOOK:
                found = True
                yield _payload(exchange)
        if not found:
            raise PayloadFileError(f"{file}: there is no payload in it")


def _payload(exchange: CapturedExchange) -> Payload:
    if exchange.problem is not None:
        return Payload(exchange.place, None, exchange.event, exchange.problem)
    try:
        return Payload(exchange.place, orjson.loads(exchange.body), exchange.event)
    except orjson.JSONDecodeError as error:
        return Payload(exchange.place, None, exchange.event, f"the body is not JSON: {error.msg}")


def _judgement(vendor: Vendor, profile: str, payloads: Iterable[Payload]) -> CaptureReport:
    """Judges the payloads, and compares the first of them with the other profiles if there is a violation."""
    from vendorsim.vendorkit.contract_fit import Captured, Comparison, confirm, judge

    count, compared, places = 0, list[Captured](), list[str]()
    # By payload: its judgement, and its number among those that are compared, if it is one of them.
    found: list[tuple[Payload, Judged | None, int | None]] = []
    for payload in payloads:
        count += 1
        if payload.problem is not None:
            found.append((payload, None, None))
            continue
        captured, number = Captured(payload.event, payload.body), None
        if len(compared) < MOST_COMPARED:
            number = len(compared)
            compared.append(captured)
            places.append(payload.place)
        judged = judge(vendor, profile, captured)
        if judged.violations or count <= MOST_CONFIRMED:
            judged = confirm(vendor, profile, captured, judged)
        if judged.violations:
            found.append((payload, judged, number))
    comparison = Comparison(vendor, profile, compared) if found and compared else None
    breaches = [breach for each in found for breach in _breaches(*each, comparison)]
    return CaptureReport(count, breaches, None if comparison is None else _fitting(comparison, places))


def _breaches(
    payload: Payload, judged: Judged | None, number: int | None, comparison: Comparison | None
) -> Iterable[Breach]:
    if judged is None:
        yield Breach(payload.place, payload.event, "", payload.problem or "")
        return
    for violation in judged.violations:
        why = comparison.explanation(number, violation) if comparison is not None and number is not None else None
        message = violation.message if why is None else f"{violation.message}: {why}"
        yield Breach(payload.place, judged.event, violation.pointer, message)


def _fitting(comparison: Comparison, places: list[str]) -> Fitting:
    best = comparison.best()
    left = [
        Breach(place, judged.event, violation.pointer, violation.message)
        for place, judged in zip(places, best.judged, strict=True)
        for violation in judged.violations
    ]
    return Fitting(best.profiles, left, comparison.alternatives)


def _note(vendor: Vendor) -> str:
    sent = [name for name, profile in vendor.profiles.items() if not profile.unseen]
    others = f"; for captures use --profile {' or '.join(sent)}" if sent else ""
    return f"note: no server is known to send exactly what this profile of {vendor.name} says{others}"


def _document(vendor: str, profile: str, judgement: CaptureReport, note: str | None) -> dict[str, Any]:
    fit = judgement.fit
    fits = None if fit is None else {"profiles": fit.profiles, "violations": [asdict(each) for each in fit.left]}
    return {
        "vendor": vendor,
        "profile": profile,
        "payloads": judgement.count,
        "verdict": "failed" if judgement.breaches else "passed",
        "violations": [asdict(breach) for breach in judgement.breaches],
        "fits_best": fits,
        "note": note,
    }


def _print(vendor: Vendor, profile: str, judgement: CaptureReport) -> None:
    for breach in judgement.breaches:
        click.echo(breach.line())
    noun = "payload" if judgement.count == 1 else "payloads"
    if not judgement.breaches:
        results().print(f"[green]passed[/green]: {judgement.count} {noun}")
        return
    if judgement.fit is not None and judgement.fit.alternatives:
        _print_fit(vendor, profile, judgement.fit)
    results().print(f"[red]failed[/red]: {_counted(len(judgement.breaches))} in {judgement.count} {noun}")


def _print_fit(vendor: Vendor, profile: str, fit: Fitting) -> None:
    if profile in fit.profiles:
        click.echo("no other profile fits better")
        return
    click.echo(f"fits best: {_names(vendor, fit.profiles)}, {_counted(len(fit.left))} left")
    for breach in fit.left[:MOST_LEFT]:
        click.echo(f"  {breach.line()}")
    if len(fit.left) > MOST_LEFT:
        click.echo(f"  and {len(fit.left) - MOST_LEFT} more")


def _names(vendor: Vendor, profiles: tuple[str, ...]) -> str:
    """The names of profiles; `A to B` for versions that follow each other."""
    together = ",".join(profiles) in ",".join(vendor.versions)
    return f"{profiles[0]} to {profiles[-1]}" if together and len(profiles) > 2 else " or ".join(profiles)


def _counted(violations: int) -> str:
    return f"{violations} violation" if violations == 1 else f"{violations or 'no'} violations"
