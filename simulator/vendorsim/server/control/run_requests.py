"""What a request for a run says → the run, its targets and its clock, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from vendorsim.core import times
from vendorsim.core.clock import SteeredClock
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.delivery.destinations import Destination, Destinations
from vendorsim.delivery.planning import Policies, find_destinations, prepare
from vendorsim.http.endpoint import check_header, merged
from vendorsim.runs import library
from vendorsim.runs.planning import RunRequest, event_names
from vendorsim.scenario.faults import from_option
from vendorsim.scenario.model import Scenario
from vendorsim.server.control import scenario_texts, target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.started_runs import StartedRun
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.policy_overrides import read_changes
from vendorsim.vendorkit.signing import schemes, signer
from vendorsim.vendorkit.target import Target

_SPEED = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)x")


def start(bench: Workbench, wanted: Mapping[str, Any]) -> StartedRun:
    """Starts the run that is asked for. Raises ProblemError or InputError."""
    text, name = _text(wanted)
    scenario = _with_cast(text, name, wanted.get("cast") or {})
    faults = wanted.get("faults") or ()
    request = _request(bench, wanted, scenario, name, faults)
    prepared = prepare(request, bench.settings.config, partial(_destinations, bench, wanted))
    # Runs of the control API go on until they are stopped, for what is done by hand.
    options = replace(prepared.options, stays=True, active_faults=bench.state.active_faults)
    clock = SteeredClock(prepared.run.starts, prepared.speed)
    clock.paused = wanted.get("paused", False)
    # Targets or headers of its own count in this run only: the vendor's API goes on speaking of the vendor's targets.
    own = wanted.get("to") is not None or bool(wanted.get("headers"))
    about = prepared.about(faults)
    return bench.runs.start(replace(prepared, options=options), clock, text, about, bench.name, shared=not own)


def _request(
    bench: Workbench, wanted: Mapping[str, Any], scenario: Scenario, name: str, faults: Sequence[str]
) -> RunRequest:
    """The run that is asked for, without its destinations; `name` is what refusals call the scenario."""
    vendor = wanted.get("vendor") or _only_vendor(scenario)
    return RunRequest(
        scenario,
        vendor,
        wanted.get("profile") or bench.settings.profiles.get(vendor),
        seed=wanted["seed"] if wanted.get("seed") is not None else scenario.seed or bench.seed,
        start=_time(wanted, "start", times.point),
        count=wanted.get("count", 1),
        spacing=_time(wanted, "spacing", times.duration) or 0,
        policy=read_changes({key: str(value) for key, value in (wanted.get("policy") or {}).items()}, "--policy"),
        faults=tuple(from_option(text, None) for text in faults),
        fault_on=event_names(wanted.get("fault_on") or ()) or None,
        speed=read_speed(wanted.get("speed", "instant")),
        concurrency=wanted.get("concurrency", 16),
        pin_clock=wanted.get("pin_clock", False),
        name=name,
    )


def read_speed(text: str) -> float | None:
    """`instant` (None), or how many times as fast as the wall clock: `1x`, `60x`, `0.5x`. Raises ProblemError."""
    if text == "instant":
        return None
    match = _SPEED.fullmatch(text)
    if match is None or not float(match[1]):
        detail = f"'{text[:20]}' is not a speed; write instant, 1x or 60x"
        raise ProblemError(422, f"/speed: {detail}", [{"pointer": "/speed", "detail": detail}])
    return float(match[1])


def _text(wanted: Mapping[str, Any]) -> tuple[str, str]:
    """The scenario's YAML, and what problems call it. Files of this machine can't be named: only built-in scenarios."""
    if ("yaml" in wanted) == ("scenario" in wanted):
        raise ProblemError(422, "give either scenario, the name of a built-in one, or yaml, its text")
    if "yaml" in wanted:
        return wanted["yaml"], "<scenario>"
    return library.built_in_path(wanted["scenario"]).read_text(encoding="utf-8"), wanted["scenario"]


def _with_cast(text: str, name: str, cast: Mapping[str, Any]) -> Scenario:
    """The scenario, with what is given of the cast instead of its own."""
    scenario = scenario_texts.load(text, name)
    if not cast:
        return scenario
    root = read(text, Problems(name))
    document: dict[str, Any] = plain(root) if root is not None else {}
    own = document.get("cast") or {}
    agents = {key: {**(own.get("agents") or {}).get(key, {}), **value} for key, value in cast.get("agents", {}).items()}
    document["cast"] = {
        **own,
        "visitor": {**(own.get("visitor") or {}), **cast.get("visitor", {})},
        "agents": {**(own.get("agents") or {}), **agents},
    }
    changed = scenario_texts.as_yaml(document)
    try:
        return scenario_texts.load(changed, name)
    except DocumentError as error:
        raise _of_cast(error, changed) from None


def _of_cast(error: DocumentError, text: str) -> ProblemError:
    """What is wrong with a cast, by the places in the request."""
    places = scenario_texts.places(text)
    errors = [
        {"pointer": places.get((problem.line, problem.column), "/cast"), "detail": problem.message}
        for problem in error.problems
    ]
    return ProblemError(422, f"{errors[0]['pointer']}: {errors[0]['detail']}", errors)


def _only_vendor(scenario: Scenario) -> str:
    if len(scenario.vendors) > 1:
        raise ProblemError(422, f"say as which vendor to play it: {', '.join(scenario.vendors)}")
    return scenario.vendors[0]


def _destinations(bench: Workbench, wanted: Mapping[str, Any], policies: Policies) -> Destinations:
    """`to`, or the targets that the vendor's events go to anyway."""
    vendor, to = policies.vendor, wanted.get("to")
    headers = wanted.get("headers") or {}
    for name, value in headers.items():
        check_header(name, value)
    if to is None:
        stage = bench.state.stage(vendor.name)
        if stage.profile.name != policies.profile.name:
            found = Destinations(find_destinations(policies, headers=headers, needed=False))
        elif headers:
            known = stage.destinations.all()
            found = Destinations([replace(one, headers=merged(one.headers, headers), heads={}) for one in known])
        else:
            found = stage.destinations
        if policies.profile.events and not found.numbered():
            raise ProblemError(422, f"no target: give 'to', or name targets of {vendor.name} in vendorsim.yaml")
        return found
    target_urls.check(bench, vendor.name, to, "/to")
    policy = policies.of()
    scheme, secret = policy.signing.value, wanted.get("secret")
    made = None
    if scheme is not None:
        if secret is None and schemes()[scheme].signs:
            raise ProblemError(422, f"/secret: signing as {scheme} needs a secret; give one, or policy signing=none")
        made = signer(scheme, () if secret is None else (secret,))
    return Destinations([Destination.of(Target(to), headers, policy, made)])


def _time(wanted: Mapping[str, Any], key: str, read_text: Any) -> int | None:
    text = wanted.get(key)
    if text is None:
        return 1_000 if key == "spacing" else None
    try:
        found: int = read_text(text)
    except ValueError as error:
        raise ProblemError(422, f"/{key}: {error}", [{"pointer": f"/{key}", "detail": str(error)}]) from None
    return found
