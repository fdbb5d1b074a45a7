"""Tools that read what vendorsim knows: vendors, scenarios, checks; and lint and generate, which send nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson

from vendorsim.agents.stories import STORY, TEXT_NAME, VENDOR, request
from vendorsim.agents.tool import Tool
from vendorsim.agents.workplace import Workplace
from vendorsim.checks.model import FAMILIES
from vendorsim.checks.registry import all_checks
from vendorsim.core.shapes import Key, Text, choice
from vendorsim.runs import library
from vendorsim.runs.lint import lint
from vendorsim.runs.planning import in_configured_account, plan
from vendorsim.runs.timeline import events
from vendorsim.server.control import scenario_texts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.documents import vendor_document

MOST_EVENTS = 1_000
# Places on this machine, which tell an agent nothing.
_PATHS = ("contracts", "scenarios", "docs")


def _list_vendors(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vendors": [
            {
                "name": vendor.name,
                "title": vendor.title,
                "profiles": [
                    {"name": profile.name, "title": profile.title, "events": list(profile.event_names())}
                    for profile in vendor.profiles.values()
                ],
                "operations": len(vendor.operations),
            }
            for vendor in map(registry.get, registry.names())
        ]
    }


def _show_vendor(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    vendor = registry.get(arguments["name"])
    document = {key: value for key, value in vendor_document(vendor).items() if key not in _PATHS}
    name = arguments.get("profile")
    wanted = vendor.default_profile.name if name is None else vendor.profile(name).name
    others = [profile["name"] for profile in document["profiles"] if profile["name"] != wanted]
    shown = [profile for profile in document["profiles"] if profile["name"] == wanted]
    return {**document, "profiles": shown, "other_profiles": others}


def _list_scenarios(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "scenarios": [
            {"name": name, "title": found.title, "vendors": found.vendors, "description": found.description}
            for name, _, found in library.load_all(arguments.get("vendor"))
        ]
    }


def _show_scenario(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    name = arguments["name"]
    text = library.built_in_path(name).read_text(encoding="utf-8")
    found = library.load_text(text, name)
    return {"name": name, "title": found.title, "vendors": found.vendors, "yaml": text}


def _list_checks(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    family = arguments.get("family")
    return {
        "checks": [
            {
                "id": check.id,
                "severity": check.severity,
                "statement": {
                    "text": check.statement.value,
                    "provenance": check.statement.provenance,
                    "source": check.statement.source,
                },
                "remedy": check.remedy,
            }
            for check in all_checks()
            if family in (None, check.family)
        ]
    }


def _lint(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return lint(arguments["yaml"], TEXT_NAME, scenario_texts.load).document()


def _generate(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    run_request = in_configured_account(request(arguments), place.config)
    run = plan(run_request).run
    generated = [orjson.loads(event.line()) for event in islice(events(run, run_request.count), MOST_EVENTS + 1)]
    document: dict[str, Any] = {"events": generated[:MOST_EVENTS]}
    return document if len(generated) <= MOST_EVENTS else {"only_the_first": MOST_EVENTS, **document}


TOOLS = (
    Tool(
        "list_vendors",
        "List vendors",
        "List the chat vendors that vendorsim plays, their profiles (dialects) and the webhook events of each.",
        {},
        _list_vendors,
    ),
    Tool(
        "show_vendor",
        "Show a vendor",
        "Show one profile of a vendor: events, verbs, delivery policy, signatures and API operations, each with its "
        "source and how it is known (documented, captured, reconstructed or assumed).",
        {
            "name": Key(VENDOR, required=True, help="the vendor"),
            "profile": Key(Text(), help="the profile; default: the documented one"),
        },
        _show_vendor,
    ),
    Tool(
        "list_scenarios",
        "List scenarios",
        "List the built-in scenarios: scripted conversations, each with the vendors that can play it.",
        {"vendor": Key(VENDOR, help="only those in which this vendor sends something")},
        _list_scenarios,
    ),
    Tool(
        "show_scenario",
        "Show a scenario",
        "Show the YAML text of a built-in scenario, for example as a start for another one.",
        {"name": Key(Text(), required=True, help="its name, from list_scenarios")},
        _show_scenario,
    ),
    Tool(
        "list_checks",
        "List checks",
        "List what the check tool demands of an integration: each check with its statement, source and remedy.",
        {"family": Key(choice("family", *FAMILIES), help="only the checks of this family")},
        _list_checks,
    ),
    Tool(
        "lint_scenario",
        "Lint a scenario",
        "Check the YAML text of a scenario. Gives all problems and warnings with line, column and remedy.",
        {"yaml": Key(Text(empty=True), required=True, help="the text of the scenario")},
        _lint,
    ),
    Tool(
        "generate",
        "Generate events",
        "Give the webhook events of a scenario, with headers and bodies, without sending anything.",
        STORY,
        _generate,
    ),
)
