"""The arguments that say what is played: a scenario, and as which vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendorsim.core.errors import InputError
from vendorsim.core.shapes import Choice, Flag, Integer, Key, Point, Text
from vendorsim.runs import library
from vendorsim.runs.planning import RunRequest
from vendorsim.scenario.model import LARGEST_ID, Scenario
from vendorsim.server.control import scenario_texts
from vendorsim.vendorkit import registry

TEXT_NAME = "<scenario>"
"""The name of a scenario's text in messages."""
VENDOR = Choice("vendor", registry.names)
MOST_CONVERSATIONS = 100
_ID = Integer(1, LARGEST_ID)
ACCOUNT = {
    "account": Key(_ID, help="id of the vendor's account in what is sent; default: made up"),
    "inbox": Key(_ID, help="id of the vendor's inbox in what is sent; default: made up"),
    "locale": Key(Text(), help="locale of made-up people and texts, such as de_DE"),
}
SEED = Key(Integer(0, 2**63 - 1), help="seed of made-up data; the same seed gives the same data")
PROFILE = Key(Text(), help="the vendor's dialect; default: the documented one")
STORY = {
    "scenario": Key(Text(), help="name of a built-in scenario, from list_scenarios; give this or yaml"),
    "yaml": Key(Text(), help="text of a scenario; give this or scenario"),
    "vendor": Key(VENDOR, help="the vendor that plays it; may be left out if the scenario has only one"),
    "profile": PROFILE,
    "seed": SEED,
    "start": Key(Point(), help="time of the first step, such as 2026-01-05T09:00:00Z; default: the scenario's, or now"),
    "count": Key(Integer(1, MOST_CONVERSATIONS), help="number of conversations; default 1"),
    "vary": Key(Flag(), help="whether conversations after the first vary in pauses, visits and length; default true"),
    **ACCOUNT,
}


def request(arguments: Mapping[str, Any], **more: Any) -> RunRequest:
    """The run that the arguments of `STORY` describe; `more` are further fields. Raises InputError."""
    scenario, name = _scenario(arguments)
    vendor = arguments.get("vendor") or _only_vendor(scenario)
    names = ("profile", "seed", "start", "count", "vary", *ACCOUNT)
    given = {key: arguments[key] for key in names if key in arguments}
    return RunRequest(scenario, vendor, **given, name=name, **more)


def _scenario(arguments: Mapping[str, Any]) -> tuple[Scenario, str]:
    """The scenario, and its name in messages. An argument can't name a file of this machine."""
    if ("scenario" in arguments) == ("yaml" in arguments):
        raise InputError("give either scenario, the name of a built-in one, or yaml, its text")
    if "yaml" in arguments:
        return scenario_texts.load(arguments["yaml"], TEXT_NAME), TEXT_NAME
    name = arguments["scenario"]
    return library.load_text(library.built_in_path(name).read_text(encoding="utf-8"), name), name


def _only_vendor(scenario: Scenario) -> str:
    if len(scenario.vendors) > 1:
        raise InputError(f"/vendor: say as which vendor to play it: {', '.join(scenario.vendors)}")
    return scenario.vendors[0]
