"""`vendorsim validate`: checks captured payloads against a vendor's contract."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import options
from vendorsim.reporting.console import print_json, results

if TYPE_CHECKING:
    from vendorsim.journal.captures import Payload
    from vendorsim.vendorkit.contract import Contract
    from vendorsim.vendorkit.profile import Profile


@dataclass(frozen=True, slots=True)
class Breach:
    """One violation of the contract by one captured payload."""

    place: str
    event: str | None
    pointer: str
    message: str


@click.command("validate", cls=options.Command)
@options.vendor
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.json_output
def command(vendor: str, profile: str | None, files: tuple[str, ...], as_json: bool) -> int:
    """Check the payloads in each FILE (JSON, JSON Lines or HAR; - is standard input) against the contract.

    Prints every violation with a JSON pointer. Exit code 1: there are violations.

    \b
    vendorsim validate --vendor smartsupp captured.jsonl
    """
    from vendorsim.journal.captures import payloads
    from vendorsim.vendorkit import contract as contracts
    from vendorsim.vendorkit import registry

    chosen = registry.get(vendor).profile(profile)
    contract = contracts.contract(vendor, chosen.name)
    count = 0
    breaches: list[Breach] = []
    for file in files:
        for payload in payloads(_read(file), file):
            count += 1
            breaches.extend(_breaches(payload, chosen, contract))
    if as_json:
        print_json(_document(vendor, chosen.name, count, breaches))
    else:
        _print(count, breaches)
    return 1 if breaches else 0


def _read(file: str) -> bytes:
    from vendorsim.core.errors import PayloadFileError
    from vendorsim.journal.captures import LARGEST_FILE

    if file == "-":
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    try:
        with open(file, "rb") as stream:
            return stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise PayloadFileError(f"{file}: can't be read: {error.strerror or error}") from None
    except ValueError as error:
        raise PayloadFileError(f"{file!r}: is not a file name: {error}") from None


def _breaches(payload: Payload, profile: Profile, contract: Contract) -> Iterator[Breach]:
    from vendorsim.core.errors import unknown

    if payload.problem is not None:
        yield Breach(payload.place, payload.event, "", payload.problem)
        return
    event = payload.event or profile.identify(payload.body)
    if event is None:
        yield Breach(payload.place, None, "", f"this is no event of {contract.vendor} ({contract.profile})")
    elif event not in contract.events:
        yield Breach(payload.place, event, "", unknown("event", event, contract.events))
    else:
        for violation in contract.violations(event, payload.body):
            yield Breach(payload.place, event, violation.pointer, violation.message)


def _document(vendor: str, profile: str, count: int, breaches: list[Breach]) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "profile": profile,
        "payloads": count,
        "verdict": "failed" if breaches else "passed",
        "violations": [
            {"place": breach.place, "event": breach.event, "pointer": breach.pointer, "message": breach.message}
            for breach in breaches
        ],
    }


def _print(count: int, breaches: list[Breach]) -> None:
    for breach in breaches:
        event = f" {breach.event}" if breach.event else ""
        click.echo(f"{breach.place}:{event} {breach.pointer or '/'}: {breach.message}")
    noun = "payload" if count == 1 else "payloads"
    if breaches:
        violations = "violation" if len(breaches) == 1 else "violations"
        results().print(f"[red]failed[/red]: {len(breaches)} {violations} in {count} {noun}")
    else:
        results().print(f"[green]passed[/green]: {count} {noun}")
