"""`vendorsim vendors`: lists the vendors and what is known of each, with provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vendorsim.cli import completion, options
from vendorsim.reporting.console import print_json, results, table
from vendorsim.reporting.sources import NumberedSources
from vendorsim.reporting.text import wrapped
from vendorsim.vendorkit.documents import (
    kind_document,
    scheme_document,
    silent_verbs,
    vendor_document,
)
from vendorsim.vendorkit.policy import describe
from vendorsim.vendorkit.verb_events import verb_events

if TYPE_CHECKING:
    from rich.table import Table

    from vendorsim.vendorkit.profile import Profile
    from vendorsim.vendorkit.vendor import Vendor


@click.command("vendors", cls=options.Command)
@click.argument("name", required=False, shell_complete=completion.vendors)
@click.option("--diff", nargs=2, metavar="A B", help="Compare two profiles of NAME, field by field.")
@options.fail_on
@options.json_output
def command(name: str | None, diff: tuple[str, str] | None, fail_on: tuple[str, ...], as_json: bool) -> int:
    """List the vendors; with NAME, its profiles, events, verbs, API operations and delivery policy.

    With --diff, --fail-on names what in B fails for a receiver that was built for A. Classes: events, missing, types,
    values, unknown, delivery; breaking (B may send what the contract of A refuses), any, none. Default: none.

    \b
    vendorsim vendors
    vendorsim vendors messagehub
    vendorsim vendors messagehub --diff documented observed-4.18
    vendorsim vendors messagehub --diff observed-4.18 ./seen --fail-on breaking
    """
    from vendorsim.vendorkit import registry

    if diff is not None:
        if name is None:
            raise click.UsageError("--diff compares two profiles of one vendor: name it before")
        return _print_differences(registry.get(options.vendor_name(name)), *diff, fail_on, as_json=as_json)
    if fail_on:
        raise click.UsageError("--fail-on says which differences fail: give --diff, too")
    if name is None:
        known = [registry.get(vendor) for vendor in registry.names()]
        print_json([vendor_document(vendor) for vendor in known]) if as_json else _print_matrix(known)
    else:
        vendor = registry.get(options.vendor_name(name))
        print_json(vendor_document(vendor)) if as_json else _print_vendor(vendor)
    return 0


def _print_matrix(vendors: list[Vendor]) -> None:
    rows = table("vendor", "profile", "events", "API operations", "accepts", "what it is")
    for vendor in vendors:
        for position, profile in enumerate(vendor.profiles.values()):
            accepted = describe(profile.policy)["accepted"]
            rows.add_row(
                vendor.name if position == 0 else "",
                profile.name,
                str(len(profile.events)),
                str(len(vendor.operations)) if position == 0 else "",
                f"{accepted['value']} ({accepted['provenance']})" if profile.events else "",
                vendor.title if position == 0 else "",
            )
    results().print(rows)


def _print_vendor(vendor: Vendor) -> None:
    console = results()
    sources = NumberedSources()
    console.print(f"[bold]{vendor.name}[/bold]: {vendor.title}")
    for profile in vendor.profiles.values():
        console.print(f"\n[bold]profile {profile.name}[/bold]: {profile.title}")
        if profile.events:
            _print_profile(profile, sources)
    if vendor.operations:
        rows = _named("API operation", "method", "path", "provenance")
        for operation in vendor.operations:
            rows.add_row(
                operation.name, operation.method, operation.path, sources.refer(operation.provenance, operation.source)
            )
        console.print()
        console.print(rows)
        console.print(f"verbs that wait for a call: {', '.join(vendor.api_verbs) or 'none'}")
    if vendor.schemes:
        rows = _named("signing", "headers", "signs", "secrets", "provenance")
        for row in map(scheme_document, vendor.schemes, vendor.schemes.values()):
            secrets, signed = str(row["secrets"]), row["message"] or "nothing"
            known = sources.refer(row["provenance"], row["source"])
            rows.add_row(row["name"], ", ".join(row["headers"]), signed, secrets, known)
        console.print()
        console.print(rows)
    if lines := sources.lines():
        console.print("\n".join(["", "sources:", *lines]), markup=False)
    console.print(f"\ncontracts: {vendor.contracts()}")
    for what, path in (("scenarios", vendor.scenarios), ("docs", vendor.docs)):
        if path is not None:
            console.print(f"{what}: {path}")


def _named(*columns: str) -> Table:
    """Returns a table whose first column, of names, is never wrapped."""
    rows = table(*columns)
    rows.columns[0].no_wrap = True
    return rows


def _print_profile(profile: Profile, sources: NumberedSources) -> None:
    console = results()
    events = _named("event", "sent when", "provenance")
    for kind in profile.events:
        events.add_row(kind.name, kind.summary, sources.refer(kind.provenance, kind.source))
    console.print(events)
    verbs = _named("verb", "events it may cause")
    for verb, names in verb_events(profile).items():
        verbs.add_row(verb, ", ".join(names))
    console.print()
    console.print(verbs)
    console.print("\n".join(wrapped(f"silent verbs: {', '.join(silent_verbs(profile))}", hang=2)))
    policy = _named("policy", "value", "provenance")
    for name, stated in describe(profile.policy).items():
        policy.add_row(name, str(stated["value"]), sources.refer(stated["provenance"], stated["source"]))
    console.print()
    console.print(policy)
    kinds = _named("kind of target", "never gets", "gets by default", "policy of its own")
    for row in (kind_document(kind, profile) for kind in profile.target_kinds):
        default = "all" if row["default"] is None else ", ".join(row["default"])
        own = ", ".join(
            f"{name} {stated['value']} ({sources.refer(stated['provenance'], stated['source'])})"
            for name, stated in row["policy"].items()
        )
        always = " (whatever it subscribes to)" if row["unfiltered"] else ""
        kinds.add_row(row["name"], ", ".join(row["without"]) or "none", default + always, own or "none")
    console.print()
    console.print(kinds)
    if profile.quirks:
        quirks = _named("quirk", "what it does", "provenance")
        for quirk in profile.quirks:
            quirks.add_row(quirk.name, quirk.summary, sources.refer(quirk.provenance, quirk.source))
        console.print()
        console.print(quirks)


def _print_differences(vendor: Vendor, name_a: str, name_b: str, asked: tuple[str, ...], *, as_json: bool) -> int:
    from vendorsim.reporting.contract_differences import document, print_differences, print_failing
    from vendorsim.vendorkit.contract import contract
    from vendorsim.vendorkit.contract_differences import between
    from vendorsim.vendorkit.deviations import read_fail_on
    from vendorsim.vendorkit.receivers import deviations

    fail_on = read_fail_on(asked)
    a, b = vendor.profile(name_a), vendor.profile(name_b)
    found = between(a, b, contract(vendor.name, name_a), contract(vendor.name, name_b))
    for_receivers = list(deviations(found))
    if as_json:
        print_json(document(vendor, a, b, found, for_receivers))
    else:
        print_differences(vendor.name, a.name, b.name, found)
        if asked:
            print_failing(found, fail_on)
    return int(any(fail_on.fails(each.kind, breaking=each.breaking) for each in for_receivers))
