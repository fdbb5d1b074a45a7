"""`vendorsim capture drift`: compares captured traffic with a contract, and proposes an overlay of the profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vendorsim.cli import options
from vendorsim.cli.captures import name_unreadable
from vendorsim.reporting.console import messages, print_json

if TYPE_CHECKING:
    from vendorsim.captures.drift import DriftStudy
    from vendorsim.captures.exchange import CapturedExchange

# Progress is told after so many exchanges.
_OFTEN = 10_000


@click.command("drift", cls=options.Command)
@options.vendor
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.fail_on
@click.option("--propose", metavar="DIR", help="Write a profile that fits the capture: an overlay, for --profile DIR.")
@click.option("--html", metavar="FILE", help="Write the report as HTML.")
@click.option("--sarif", metavar="FILE", help="Write the report as SARIF.")
@click.option("--junit", metavar="FILE", help="Write the report as JUnit.")
@options.json_output
def command(
    vendor: str,
    profile: str | None,
    files: tuple[str, ...],
    fail_on: tuple[str, ...],
    propose: str | None,
    html: str | None,
    sarif: str | None,
    junit: str | None,
    as_json: bool,
) -> int:
    """Compare what was captured in each FILE with the contract: events, fields, types, values, order and retries.

    A FILE is a journal, or holds JSON, JSON Lines, HAR or raw requests, also as .gz. A folder means its files, - is
    standard input.
    Values are never shown, only what they look like. Without --profile, the profile is the one that fits best.

    Classes for --fail-on: events, missing, types, values, unknown, order, delivery; breaking (what breaks the contract,
    as for validate; the default), any, none. Exit code 1: there is drift of such a class.

    \b
    vendorsim capture drift --vendor messagehub captured.har --fail-on any
    vendorsim capture drift --vendor messagehub captured.har --propose seen
    vendorsim generate everyday-chat --vendor messagehub --profile ./seen
    """
    from vendorsim.captures.drift import DriftStudy
    from vendorsim.captures.drift_report import as_document, report
    from vendorsim.captures.fitting import fitting
    from vendorsim.core.errors import PayloadFileError
    from vendorsim.journal.exchanges import read
    from vendorsim.reporting.drift_files import drift_files
    from vendorsim.reporting.drift_terminal import print_report
    from vendorsim.vendorkit import registry
    from vendorsim.vendorkit.deviations import BREAKING, read_fail_on
    from vendorsim.vendorkit.overlay import prepare_folder

    failing = read_fail_on(fail_on or (BREAKING,))
    known = registry.get(vendor)
    chosen = None if profile is None else known.profile(profile)
    if propose is not None:
        prepare_folder(Path(propose))
    with ExitStack() as stack:
        write = stack.enter_context(drift_files({"html": html, "sarif": sarif, "junit": junit}))
        exchanges: Iterable[CapturedExchange] = read(files, name_unreadable)
        fits: tuple[str, ...] = ()
        if chosen is None:
            chosen, fits, exchanges = fitting(known, exchanges)
        study = DriftStudy(known, chosen)
        for exchange in _counted(exchanges):
            study.add(exchange)
        if not study.counted.exchanges:
            raise PayloadFileError(f"{', '.join(files)}: there is no exchange in it that can be read")
        found = report(study, failing, fits)
        if propose is not None:
            _propose(study, Path(propose))
        write(found, failing)
        if as_json:
            print_json(as_document(found))
        else:
            print_report(found, failing)
    return 1 if found.verdict == "failed" else 0


def _counted(exchanges: Iterable[CapturedExchange]) -> Iterator[CapturedExchange]:
    for number, exchange in enumerate(exchanges, 1):
        yield exchange
        if number % _OFTEN == 0:
            messages().print(f"{number:,} exchanges")


def _propose(study: DriftStudy, folder: Path) -> None:
    """Writes the overlay, in the place of one that is there. Raises InputError."""
    from vendorsim.captures.proposal import left_out, proposal
    from vendorsim.core.clock import today
    from vendorsim.vendorkit.overlay import write_overlay

    document = proposal(study, today())
    write_overlay(folder, document)
    changes = sum(map(len, document["events"].values())) + len(document["new_events"])
    name = str(folder) if folder.is_absolute() or len(folder.parts) > 1 else f"./{folder}"
    console = messages()
    plural = "" if changes == 1 else "s"
    console.print(
        f"wrote {folder}: {changes} change{plural} of {study.profile.name}; use it with --profile {name}", markup=False
    )
    for each in left_out(study):
        console.print(f"not in it: {each}", markup=False)
