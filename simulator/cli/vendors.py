"""`vendorsim vendors`: what is imitated, how, and how well each part of it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simulator.cli import options
from simulator.reporting.console import print_json, results, table

if TYPE_CHECKING:
    from simulator.vendors.base import Profile, Vendor


@click.command("vendors", cls=options.Command)
@click.argument("name", required=False)
@options.json_output
def command(name: str | None, as_json: bool) -> None:
    """List the vendors; with NAME, its profiles, events, verbs, API operations and delivery policy.

    \b
    vendorsim vendors
    vendorsim vendors messagehub
    """
    from simulator.vendors import registry

    if name is None:
        known = [registry.get(vendor) for vendor in registry.names()]
        print_json([describe(vendor) for vendor in known]) if as_json else _print_matrix(known)
        return
    vendor = registry.get(name)
    print_json(describe(vendor)) if as_json else _print_vendor(vendor)


def describe(vendor: Vendor) -> dict[str, Any]:
    """The vendor as a JSON document."""
    return {
        "name": vendor.name,
        "title": vendor.title,
        "profiles": [_describe_profile(profile) for profile in vendor.profiles.values()],
        "operations": [
            {
                "name": operation.name,
                "method": operation.method,
                "path": operation.path,
                "provenance": operation.provenance,
                "source": operation.source,
            }
            for operation in vendor.operations
        ],
        "api_verbs": vendor.api_verbs,
        "contracts": str(vendor.contracts()),
    }


def _describe_profile(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "events": [
            {"name": kind.name, "summary": kind.summary, "provenance": kind.provenance, "source": kind.source}
            for kind in profile.events
        ],
        "verbs": dict(profile.emits),
        "silent_verbs": _silent(profile),
        "headers": dict(profile.headers),
        "target_kinds": [{"name": kind.name, "without": sorted(kind.without)} for kind in profile.target_kinds],
        "policy": _policy(profile),
    }


def _policy(profile: Profile) -> dict[str, Any]:
    from simulator.delivery.policy import describe as described

    return described(profile.policy)


def _silent(profile: Profile) -> list[str]:
    """The verbs that change the conversation and send nothing."""
    from simulator.scenario.verbs import VERBS

    return [verb for verb in VERBS if not profile.emits.get(verb)]


def _print_matrix(vendors: list[Vendor]) -> None:
    rows = table("vendor", "profile", "events", "API operations", "accepts", "what it is")
    for vendor in vendors:
        for position, profile in enumerate(vendor.profiles.values()):
            accepted = _policy(profile)["accepted"]
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
    console.print(f"[bold]{vendor.name}[/bold]: {vendor.title}")
    for profile in vendor.profiles.values():
        console.print(f"\n[bold]profile {profile.name}[/bold]: {profile.title}")
        if profile.events:
            _print_profile(profile)
    if vendor.operations:
        rows = table("API operation", "method", "path", "provenance", "source")
        for operation in vendor.operations:
            rows.add_row(operation.name, operation.method, operation.path, operation.provenance, operation.source)
        console.print()
        console.print(rows)
        console.print(f"verbs that wait for a call: {', '.join(vendor.api_verbs) or 'none'}")
    console.print(f"\ncontracts: {vendor.contracts()}")


def _print_profile(profile: Profile) -> None:
    console = results()
    events = table("event", "sent when", "provenance", "source")
    for kind in profile.events:
        events.add_row(kind.name, kind.summary, kind.provenance, kind.source)
    console.print(events)
    verbs = table("verb", "events it may cause")
    for verb, names in profile.emits.items():
        verbs.add_row(verb, ", ".join(names))
    console.print()
    console.print(verbs)
    console.print(f"silent verbs: {', '.join(_silent(profile))}")
    policy = table("policy", "value", "provenance", "source")
    for name, row in _policy(profile).items():
        policy.add_row(name, str(row["value"]), row["provenance"], row["source"])
    console.print()
    console.print(policy)
