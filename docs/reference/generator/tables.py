"""Pages of what the program knows: checks, faults, vendors and their policies."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from vendorsim.checks.registry import all_checks
from vendorsim.reporting.sources import NumberedSources
from vendorsim.scenario.faults import KINDS
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.documents import vendor_document

from generator.markdown import cell, code, table


def checks() -> str:
    """All checks by family: what each holds an integration to, how that is known, and what to change."""
    lines = [
        "# Checks",
        "",
        "What each check of [`vendorsim check`](../check.md) holds an integration to. `--only ID` runs one of them.",
        "A check whose severity is `warning` never fails a run.",
        "",
    ]
    for family, members in groupby(all_checks(), key=lambda check: check.family):
        lines += [f"## `{family}`", ""]
        for check in members:
            severity = " (a warning)" if check.severity == "warning" else ""
            lines += [
                f"### `{check.id}`",
                "",
                f"{cell(check.statement.value)}{severity}",
                "",
                f"- Known: {check.statement.provenance} ({cell(check.statement.source)})",
                f"- Remedy: {cell(check.remedy)}",
                "",
            ]
    return "\n".join(lines)


def faults() -> str:
    """All faults."""
    rows = []
    for fault in KINDS.values():
        name, _, argument = fault.example.partition("=")
        step = f"fault: {{{name}: {argument or 'true'}}}"
        rows.append((f"`{name}`", cell(fault.help), f"`--fault {fault.example}`", f"`{step}`"))
    lines = [
        "# Faults",
        "",
        "Deliberate errors in deliveries; [Delivery](../delivery.md#faults) says which deliveries they hit. On the",
        "command line a fault is `--fault NAME[=ARG][@RATE]`; in a scenario it stands on a step.",
        "",
        *table("fault", "what happens", "on the command line", "on a step", rows=rows),
    ]
    return "\n".join(lines)


def vendors() -> str:
    """The built-in vendors: profiles, events, policies, operations, signatures, each with where it is known from."""
    lines = [
        "# Vendors and profiles",
        "",
        "What `vendorsim vendors NAME` prints. Each fact says how it is known: `documented`, `captured`,",
        "`reconstructed` or `assumed`; the number is that of a source in the list below.",
        "[Delivery](../delivery.md#policy) explains the keys of a policy, and the page of each vendor says more:",
        "[Userlike](../vendors/userlike.md), [Smartsupp](../vendors/smartsupp.md),",
        "[MessageHub](../vendors/messagehub.md), [Chatvisor](../vendors/chatvisor.md),",
        "[CCAI Platform](../vendors/ccai.md).",
        "",
    ]
    for name in registry.names():
        if registry.origin(name).built_in:
            lines += _vendor(vendor_document(registry.get(name)))
    return "\n".join(lines)


def _vendor(vendor: dict[str, Any]) -> list[str]:
    sources = NumberedSources()
    lines = [f"## {vendor['title']} (`{vendor['name']}`)", ""]
    for profile in vendor["profiles"]:
        lines += [f"### Profile `{profile['name']}` of `{vendor['name']}`", "", f"{cell(profile['title'])}.", ""]
        if not profile["events"]:
            continue
        rows = [(code(e["name"]), cell(e["summary"]), _known(sources, e)) for e in profile["events"]]
        lines += table("event", "sent when", "known", rows=rows)
        policy = [
            (code(key), cell(stated["value"]), _known(sources, stated)) for key, stated in profile["policy"].items()
        ]
        lines += table("policy", "value", "known", rows=policy)
        quirks = [(code(q["name"]), cell(q["summary"]), _known(sources, q)) for q in profile["quirks"]]
        lines += table("quirk", "what it does", "known", rows=quirks) if quirks else []
    if vendor["operations"]:
        lines += [f"### API operations of `{vendor['name']}`", ""]
        rows = [(code(o["name"]), code(f"{o['method']} {o['path']}"), _known(sources, o)) for o in vendor["operations"]]
        lines += table("operation", "request", "known", rows=rows)
    if vendor["signing"]:
        lines += [f"### Signatures of `{vendor['name']}`", ""]
        rows = [
            (code(s["name"]), ", ".join(map(code, s["headers"])), code(s["message"] or ""), _known(sources, s))
            for s in vendor["signing"]
        ]
        lines += table("scheme", "headers", "signs", "known", rows=rows)
    return [
        *lines,
        f"Sources of `{vendor['name']}`:",
        "",
        *(f"- [{number}] {cell(source)}" for number, source in sources.numbered()),
        "",
    ]


def _known(sources: NumberedSources, stated: dict[str, Any]) -> str:
    return str(sources.refer(stated["provenance"], stated["source"]))
